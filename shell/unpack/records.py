"""Converts CSV with a header, JSON and Parquet into tab separated lines for lines.awk.

Text that begins as a JSON object or an array of objects is JSON. Each line has the declared fields in their order. Text
that cannot be read is written with a reason (lines.py), and lines.awk rejects it. Bytes that are no text stay as they
are.
"""

import re
from collections.abc import Iterator, Mapping
from io import BufferedReader, FileIO, TextIOWrapper
from itertools import chain
from typing import BinaryIO, cast
from urllib.parse import unquote

from compression import BEGINNING_BYTES, ENCODINGS, PARQUET, kind_of
from csv_lines import csv_lines
from json_lines import is_streamed, json_lines, streamed_lines
from lines import AROUND, Lines
from spec import Spec
from text import AS_IT_CAME, lines_in, text_of

BEGINNING_CHARACTERS = 1 << 16
COPY_BYTES = 1 << 18
IN_PATH = re.compile(r"([^/=]+)=([^/]*)")


def landed(text: TextIOWrapper, line_end: str, spec: Spec, in_path: Mapping[str, str]) -> tuple[Iterator[str], Lines]:
    """The lines for lines.awk, and the lines of the text that the current one is made of.

    To take one raises RefusedError for what is neither JSON nor CSV with the names.
    """
    beginning = text.read(BEGINNING_CHARACTERS)
    if is_streamed(beginning):
        lines = Lines((), spec.is_private)
        return streamed_lines(text, beginning, lines, spec, in_path), lines
    beginning += text.readline()
    lines = Lines(chain(lines_in(beginning, line_end), text), spec.is_private)
    is_json = beginning.lstrip(AROUND).startswith("{")
    return json_lines(lines, spec, in_path) if is_json else csv_lines(lines, spec, in_path), lines


def in_path(path: str) -> dict[str, str]:
    """The values in the folders of a path such as `country=DE/date=2018-11-02/part-0.csv`, percent-decoded."""
    return {name: unquote(value) for name, value in IN_PATH.findall(path.rpartition("/")[0])}


def opened(content: BufferedReader, spec: Spec, path: str) -> tuple[Iterator[str], Lines]:
    """The lines for lines.awk of a file at a path, and the lines of the file that the current one is made of.

    Raises RefusedError, now or when a line is taken, for what is neither JSON nor CSV nor Parquet with the names.
    """
    if kind_of(content.peek(BEGINNING_BYTES)) == PARQUET:
        from parquet_lines import Rows, parquet_lines

        rows = Rows()
        return parquet_lines(_in_any_order(content), rows, spec, in_path(path)), rows
    text, line_end = text_of(content, spec.encoding, spec.quote)
    return landed(text, line_end, spec, in_path(path))


def _in_any_order(content: BufferedReader) -> BinaryIO:
    """A file that can be read in any order: itself, or a copy if it is in an archive."""
    if isinstance(getattr(content, "raw", None), FileIO):
        return content
    from tempfile import TemporaryFile

    copy = TemporaryFile(dir=".")  # noqa: SIM115 - it is closed when nothing holds it any more
    while piece := content.read(COPY_BYTES):
        copy.write(piece)
    copy.seek(0)
    return cast(BinaryIO, copy)


class Records:
    """Writes the records of members, each of which is a file of its own.

    kinds: the kinds of files that it reads, besides UTF-8.
    """

    kinds = ENCODINGS | {PARQUET}

    def __init__(self, out: BinaryIO, spec: Spec, path: str) -> None:
        self._out = TextIOWrapper(out, "utf-8", AS_IT_CAME, newline="\n")
        self._spec, self._path = spec, path
        self._count = 0
        self.dropped = 0  # lines.awk drops and counts headers

    def write(self, content: BufferedReader, name: str = "") -> None:
        """Write the lines of a member. Raises RefusedError for what it cannot read."""
        lines, _ = opened(content, self._spec, f"{self._path}/{name}" if name else self._path)
        for line in lines:
            self._out.write(line + "\n")
            self._count += 1

    def finish(self) -> int:
        """Write what is left; returns the number of lines."""
        self._out.flush()
        return self._count
