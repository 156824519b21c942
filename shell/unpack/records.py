"""Converts CSV with a header, or JSON lines, into tab separated lines for lines.awk.

Text that begins with `{` is JSON. Each line has the declared fields in their order. The field of the day, a time, is
converted to a time zone. Text that cannot be read is written with a reason (lines.py), and lines.awk rejects it. Bytes
that are not UTF-8 stay unchanged.
"""

import codecs
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from io import BufferedReader, TextIOWrapper
from typing import BinaryIO

from compression import BEGINNING_BYTES
from csv_lines import csv_lines
from json_lines import json_lines
from lines import AROUND, Lines, RefusedError
from refusals import LINES_END_WITH_CR


def landed(text: Iterable[str], names: list[str], customer: int, day: int, zone: tzinfo) -> Iterator[str]:
    """The lines for lines.awk; `customer` and `day` count from 0. Raises RefusedError for what is neither kind."""
    lines = Lines(text)
    for line in lines:
        if begin := line.strip(AROUND):
            lines.give_back(0)
            if begin.startswith("{"):
                yield from json_lines(lines, names, customer, day, zone)
            else:
                yield from csv_lines(lines, names, day, zone)
        else:
            yield lines.set_aside("blank")
            lines.taken.clear()


def as_it_came(error: UnicodeError) -> tuple[bytes, int]:
    """Encodes bytes that were not UTF-8 unchanged, and half a character of JSON so that lines.awk rejects it."""
    assert isinstance(error, UnicodeEncodeError)
    half = error.object[error.start]
    byte = ord(half) - 0xDC00
    return bytes([byte]) if 0x80 <= byte <= 0xFF else half.encode("utf-8", "surrogatepass"), error.start + 1


class Records:
    """Writes the records of members, each of which is a text of its own."""

    def __init__(self, out: BinaryIO, names: list[str], customer: int, day: int, zone: tzinfo) -> None:
        codecs.register_error("as_it_came", as_it_came)
        self._out = TextIOWrapper(out, "utf-8", "as_it_came", newline="\n")
        self._names, self._customer, self._day, self._zone = names, customer, day, zone
        self._count = 0
        self.dropped = 0  # lines.awk drops and counts headers

    def write(self, content: BufferedReader) -> None:
        """Write the lines of a text. Raises RefusedError for what is neither JSON lines nor CSV with the names."""
        beginning = content.peek(BEGINNING_BYTES)
        if b"\r" in beginning.rstrip() and b"\n" not in beginning:
            raise RefusedError(LINES_END_WITH_CR)
        text = TextIOWrapper(content, "utf-8-sig", "surrogateescape", newline="\n")
        try:
            for line in landed(text, self._names, self._customer, self._day, self._zone):
                self._out.write(line + "\n")
                self._count += 1
        finally:
            text.detach()  # or it would close the archive

    def finish(self) -> int:
        """Write what is left; returns the number of lines."""
        self._out.flush()
        return self._count
