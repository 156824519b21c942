"""The lines that records.py writes for lines.awk, one per record.

A record becomes one line of tab separated values. Text that is not a record becomes CR, a reason, a tab and the text as
it came; no other line has a CR. The reasons are those of reasons.tsv, and "header" for a CSV header.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from unicodedata import normalize

LINE_BREAK = re.compile(r"\r\n|[\r\n]")
BREAK = re.compile(r"\r\n|[\t\r\n]")
AROUND = "\ufeff \t\r\n"  # what may surround a line without a meaning; the first is UTF-8's byte order mark


class RefusedError(Exception):
    """The text cannot be read at all; nothing of it was written."""


class RefusedLateError(RefusedError):
    """The text cannot be read at all, which was found when some of it had been written."""


class Lines:
    """The lines of a text. `taken` has the lines of the current record, which can be given back.

    What is set aside of a private text is not kept.
    """

    def __init__(self, text: Iterable[str], is_private: bool = False) -> None:
        self._is_private = is_private
        self._text = iter(text)
        self._again: list[str] = []
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        """All lines from here on; another iterator goes on where this one has ended, if lines were given back."""
        while True:
            if self._again:
                line = self._again.pop()
            else:
                found = next(self._text, None)
                if found is None:
                    return
                line = found
            self.taken.append(line)
            yield line

    def give_back(self, kept: int) -> None:
        """Returns all but the first `kept` lines of the current record to the text, to be read again."""
        self._again += reversed(self.taken[kept:])
        del self.taken[kept:]

    def raw(self) -> str:
        """The current record as it came, on one line."""
        return LINE_BREAK.sub(" ", "".join(self.taken).rstrip("\r\n"))

    def set_aside(self, reason: str) -> str:
        """The current record with the reason why it is none. The reason of an empty one is always `blank`."""
        text = self.raw()
        is_blank = not text.strip(AROUND)
        kept = not_kept(text) if self._is_private and not is_blank else text
        return f"\r{'blank' if is_blank else reason}\t{kept}"


def not_kept(text: str) -> str:
    """What stands for a text that may have what is hashed or dropped."""
    return f"({len(text)} characters, not kept)"


def joined(values: Sequence[str]) -> str:
    """The line of a record, in NFC. A tab or a line break in a value becomes a space."""
    line = "\t".join(values)
    if not line.isascii():
        values = [normalize("NFC", value) for value in values]
        line = "\t".join(values)
    if line.count("\t") == len(values) - 1 and "\n" not in line and "\r" not in line:
        return line
    return "\t".join(BREAK.sub(" ", value) for value in values)
