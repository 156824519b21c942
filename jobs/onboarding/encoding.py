"""The encoding of a text, from some of its bytes."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from charset_normalizer import from_bytes

MARKS = {  # UTF-32's mark begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
# What shops write that do not write UTF-8. Of others, a guess from few letters would be mostly wrong.
KNOWN = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "gb18030", "big5", "shift_jis", "euc_kr"]
WESTERN = frozenset("äöüÄÖÜßéèêëàâáçñóòôíìîïúùûåæøœÉÈÀÇÑÅÆØ€£¥§°©®«»–—’‘“”…½¼ ")
MOST_BYTES = 1 << 16  # that are guessed from


@dataclass(frozen=True)
class Encoding:
    """An encoding by the name of its codec; `is_guess` where other encodings fit as well."""

    name: str
    is_guess: bool = False

    @property
    def has_mark(self) -> bool:
        """Whether the text has a byte order mark, which says the encoding to every reader."""
        return self.name in MARKS.values()


def encoding_of(pieces: Sequence[bytes]) -> Encoding:
    """The encoding of a text, given its beginning and other pieces, which may begin within a character."""
    beginning = pieces[0]
    for mark, name in MARKS.items():
        if beginning.startswith(mark):
            return Encoding(name)
    for name, zeros in (("utf-16-le", beginning[1:400:2]), ("utf-16-be", beginning[0:400:2])):
        if len(zeros) > 1 and zeros.count(0) > 0.7 * len(zeros):
            return Encoding(name)
    if all(map(_is_utf8, pieces)):
        return Encoding("utf-8")
    sample = b"\n".join(line for line in b"\n".join(pieces).split(b"\n") if not line.isascii())[:MOST_BYTES]
    if _is_western(sample):
        return Encoding("cp1252")
    best = from_bytes(sample, cp_isolation=KNOWN).best()
    return Encoding(best.encoding if best else "cp1252", is_guess=True)


def _is_utf8(piece: bytes) -> bool:
    """Whether bytes are UTF-8 but for a character that is cut off at either end."""
    start = next((at for at, byte in enumerate(piece[:4]) if byte & 0xC0 != 0x80), 0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(piece[start:])
    except UnicodeDecodeError:
        return False
    return True


def _is_western(sample: bytes) -> bool:
    """Whether the bytes are Western letters and signs in cp1252, with ASCII letters between them."""
    try:
        letters = [char for char in sample.decode("cp1252") if not char.isascii()]
    except UnicodeDecodeError:
        return False
    return sum(char in WESTERN for char in letters) > 0.9 * len(letters)


def decoded(piece: bytes, encoding: Encoding, is_first: bool) -> str:
    """The text of a piece. Of a piece in the midst, what may be half a character is replaced."""
    name = encoding.name
    if not is_first and encoding.has_mark:
        name = name.removesuffix("-sig").replace("utf-16", "utf-16-le").replace("utf-32", "utf-32-le")
    return piece.decode(name, "replace").removeprefix("\ufeff")
