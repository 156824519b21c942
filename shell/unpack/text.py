"""The text of a file: its encoding and its line ends."""

import codecs
import io
import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from compression import Pieces

BEGINNING_BYTES = 1 << 16
_MARKS = (  # that of UTF-32 begins as that of UTF-16 does
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WITHOUT_MARK = {"utf-16-le": re.compile(rb"(?:[\t-~]\x00){4}"), "utf-16-be": re.compile(rb"(?:\x00[\t-~]){4}")}
AS_IT_CAME = "as_it_came"


def as_it_came(error: UnicodeError) -> tuple[bytes | str, int]:
    """Keeps bytes that are no text: decoded to halves of characters, which are encoded to the same bytes.

    Half a character that was none of these bytes, such as in JSON, is encoded as what it is. Neither is UTF-8, so
    lines.awk rejects the line.
    """
    if isinstance(error, UnicodeDecodeError):
        return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end
    assert isinstance(error, UnicodeEncodeError)
    half = error.object[error.start]
    byte = ord(half) - 0xDC00
    return bytes([byte]) if 0x80 <= byte <= 0xFF else half.encode("utf-8", "surrogatepass"), error.start + 1


codecs.register_error(AS_IT_CAME, as_it_came)


def text_of(content: BinaryIO, encoding: str, quote: str) -> tuple[io.TextIOWrapper, str]:
    """The text of a file, and what its lines end with outside of quotes: LF (also for CR LF), or CR alone."""
    beginning = content.read(BEGINNING_BYTES)
    codec = encoding_of(beginning, encoding)
    errors = "surrogateescape" if codec.startswith("utf-8") else AS_IT_CAME
    decoder = codecs.getincrementaldecoder(codec)(errors)
    line_end = line_end_of(decoder.decode(beginning), quote)
    rest: Iterator[bytes] = iter(lambda: content.read(BEGINNING_BYTES), b"")
    whole = io.BufferedReader(Pieces(chain([beginning], rest)), BEGINNING_BYTES)
    return io.TextIOWrapper(whole, codec, errors, newline=line_end), line_end


def lines_in(text: str, line_end: str) -> list[str]:
    """The lines of a text, with their ends."""
    *lines, last = text.split(line_end)
    return [line + line_end for line in lines] + ([last] if last else [])


def encoding_of(beginning: bytes, declared: str) -> str:
    """The encoding of a text: its byte order mark says it; without one, UTF-16 shows in a text that is to be UTF-8."""
    for mark, codec in _MARKS:
        if beginning.startswith(mark):
            return codec
    codec = codecs.lookup(declared).name
    if codec == "utf-8":
        return next((other for other, pattern in _WITHOUT_MARK.items() if pattern.match(beginning)), codec)
    return codec


def line_end_of(beginning: str, quote: str) -> str:
    """What ends the lines of a text. CR does only if no line feed is there, but in quoted text."""
    if "\r" not in beginning:
        return "\n"
    mark = re.escape(quote)
    outside = re.sub(f"{mark}[^{mark}]*(?:{mark}|$)", "", beginning) if quote else beginning
    return "\r" if "\r" in outside.rstrip("\r\n\x00 ") and "\n" not in outside else "\n"
