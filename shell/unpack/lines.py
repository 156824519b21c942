"""One idea: what lines.awk is told of a text, record by record.

A record becomes one line, its values with tabs between. Text that is no record goes on as CR, a reason, a tab and the
text as it came; no other line has a CR. "header" is a reason, too.
"""

import re
from collections.abc import Iterable, Iterator

LINE_BREAK = re.compile(r"\r\n|[\r\n]")
BREAK = re.compile(r"\r\n|[\t\r\n]")
AROUND = "\ufeff \t\r\n"  # what may stand around a line and mean nothing; the first is the mark of UTF-8


class Refused(Exception):
    """Text that cannot be read at all."""


class Lines:
    """The lines of a text; those of the record at hand are in `taken`, from which they can be given back."""

    def __init__(self, text: Iterable[str]) -> None:
        self._text = iter(text)
        self._again: list[str] = []
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._text)
        self.taken.append(line)
        return line

    def give_back(self, kept: int) -> None:
        """Lines after the first `kept` of the record at hand come again."""
        self._again += reversed(self.taken[kept:])
        del self.taken[kept:]

    def set_aside(self, reason: str) -> str:
        """The record at hand as it came, on one line; an empty line has a reason of its own."""
        text = LINE_BREAK.sub(" ", "".join(self.taken).rstrip("\r\n"))
        return f"\r{reason if text.strip(AROUND) else 'blank'}\t{text}"


def joined(values: list[str]) -> str:
    """A record's line. A tab or a line break in a value becomes a space."""
    line = "\t".join(values)
    if line.count("\t") == len(values) - 1 and "\n" not in line and "\r" not in line:
        return line
    return "\t".join(BREAK.sub(" ", value) for value in values)
