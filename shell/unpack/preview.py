"""Prints lines of one file as they would land: the first ones, and some that are drawn with a fixed seed.

    python3 preview.py --spec JSON [--rows N] FILE

JSON is what `Event.reading` of a service returns. Prints a JSON object for each line, in the order of the file:
`number` of the record (or line) from 1, `date`, `fields` by name, `raw` text, and `reason` why it is set aside (empty
if it lands). FILE may be an archive. Exit status: 0 done; 2 bad usage; 3 the file cannot be read.
"""

import argparse
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compression import UnreadableError
from hashing import KeyMissingError
from lines import RefusedError, not_kept
from names import days_in
from read_archives import Reader, in_nfc
from records import Records, opened
from spec import Spec, of_json
from text import AS_IT_CAME

ROWS = 1000
SEED = 18
BLOCK_LINES = 12  # lines of a log are drawn together, since two may be the halves of one record
ADDRESS = re.compile(r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b")  # says who somebody is, and nobody who looks needs it
JUDGE = Path(__file__).with_name("judge.sh")


@dataclass(frozen=True)
class Row:
    """A record of the file. `line` is its landed line, or begins with CR if it was set aside (lines.py)."""

    number: int
    line: str
    raw: str
    reason: str = ""
    date: str = ""


class Drawn:
    """Keeps the first items, and a random sample of all others (a reservoir), as many if not told otherwise."""

    def __init__(self, most: int, first: int | None = None) -> None:
        self._most, self._most_first = most, most if first is None else first
        self._random = random.Random(SEED)  # noqa: S311 - it draws examples
        self._count = 0
        self.first: list[Any] = []
        self.drawn: list[Any] = []

    def place(self) -> list[Any] | int | None:
        """Where the next item goes: a list to append to, a place in `drawn`, or None if it is not kept."""
        self._count += 1
        if len(self.first) < self._most_first:
            return self.first
        if len(self.drawn) < self._most:
            return self.drawn
        at = self._random.randrange(self._count - len(self.first))
        return at if at < self._most else None

    def put(self, place: list[Any] | int, item: Any) -> None:
        """Keep an item at its place."""
        if isinstance(place, int):
            self.drawn[place] = item
        else:
            place.append(item)


class RecordsOfFile:
    """Takes rows of members that are records, as Records does."""

    kinds = Records.kinds
    dropped = 0

    def __init__(self, spec: Spec, path: str, most: int) -> None:
        self._spec, self._path = spec, path
        self._kept = Drawn(most)
        self._number = 0

    def write(self, content: io.BufferedReader, name: str = "") -> None:
        """Take rows of a member."""
        lines, source = opened(content, self._spec, f"{self._path}/{name}" if name else self._path)
        for line in lines:
            if line.startswith("\rheader\t"):
                continue
            self._number += 1
            place = self._kept.place()
            if place is not None:
                raw = line.partition("\t")[2] if line.startswith("\r") else source.raw()
                raw = not_kept(raw) if self._spec.is_private and not line.startswith("\r") else raw
                self._kept.put(place, Row(self._number, line, raw))

    def finish(self) -> int:
        """The number of records."""
        return self._number

    def blocks(self) -> list[list[Row]]:
        """Rows that are judged together."""
        return [sorted([*self._kept.first, *self._kept.drawn], key=lambda row: row.number)]


class LinesOfFile:
    """Takes lines of members that are logs: the first ones, and blocks of others."""

    kinds: frozenset[str] = frozenset()
    dropped = 0

    def __init__(self, header: int, most: int) -> None:
        self._header, self._most = header, most
        self._first: list[Row] = []
        self._others = Drawn(max(most // BLOCK_LINES, 1), first=0)
        self._number = 0

    def write(self, content: io.BufferedReader, _name: str = "") -> None:
        """Take lines of a member."""
        block: list[Row] = []
        for at, line in enumerate(content):
            if at < self._header:
                continue
            self._number += 1
            text = in_nfc(line.removesuffix(b"\n")).decode("utf-8", "surrogateescape")
            row = Row(self._number, text, text.removesuffix("\r"))
            if len(self._first) < self._most:
                self._first.append(row)
                continue
            block.append(row)
            if len(block) == BLOCK_LINES:
                self._keep(block)
                block = []
        if block:
            self._keep(block)

    def _keep(self, block: list[Row]) -> None:
        place = self._others.place()
        if place is not None:
            self._others.put(place, block)

    def blocks(self) -> list[list[Row]]:
        """Rows that are judged together."""
        others = sorted(self._others.drawn, key=lambda rows: rows[0].number)
        return [rows for rows in (self._first, *others) if rows]


# ---------------------------------------------------------------- judging


@dataclass
class Verdicts:
    """What lines.awk made of lines: those that it kept, and the rejected ones with their reasons, both in order."""

    kept: deque[str]
    rejected: deque[tuple[str, str]]

    def of(self, rows: Sequence[Row], fields: int, separator: str) -> Iterator[Row]:
        """The rows with their landed lines or reasons; two that are halves of one record are one row."""
        waiting = deque(rows)
        while waiting:
            row = waiting.popleft()
            is_set_aside = row.line.startswith("\r") and separator == ""
            if self.rejected and (is_set_aside or self.rejected[0][1] == (row.line if separator == "" else row.raw)):
                reason, _ = self.rejected.popleft()
                yield replace(row, line="" if is_set_aside or separator else row.line, reason=reason)
                continue
            cells = row.raw.split(separator) if separator == "\t" else row.raw.split()
            if separator and len(cells) < fields and waiting:
                row = replace(row, raw=f"{row.raw} {waiting.popleft().raw}")
            yield replace(row, line=self.kept.popleft())


def verdicts(blocks: Sequence[Sequence[Row]], fields: int, day_field: int, separator: str, form: str) -> Verdicts:
    """What lines.awk makes of blocks of lines; an empty line between two keeps them apart."""
    text = "\n\n".join("\n".join(row.line for row in rows) for rows in blocks)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["sh", str(JUDGE), str(fields), str(day_field), separator, form],
            input=text.encode("utf-8", AS_IT_CAME) + (b"\n" if text else b""),
            capture_output=True,
            cwd=folder,
            check=False,
        )
        if done.returncode:
            raise UnreadableError(f"judging its lines failed: {done.stderr.decode(errors='replace').strip()}")
        file = Path(folder) / "rejected"
        rejected = file.read_bytes() if file.is_file() else b""
    told = (line.partition("\t") for line in lines_of(rejected))
    return Verdicts(deque(lines_of(done.stdout)), deque((reason, raw) for reason, _, raw in told))


def lines_of(text: bytes) -> list[str]:
    """The lines of a text, without their ends."""
    return text.decode("utf-8", "surrogateescape").split("\n")[:-1]


# ---------------------------------------------------------------- the program


def preview(declared: dict[str, Any], file: Path, most: int) -> Iterator[dict[str, Any]]:
    """The objects to print. Raises UnreadableError, RefusedError or OSError if the file cannot be read."""
    names = [field["name"] for field in declared["fields"]]
    day_field, date = day_of(declared, file)
    is_records = declared["format"] == "records"
    found: RecordsOfFile | LinesOfFile
    found = RecordsOfFile(of_json(declared), str(file), most) if is_records else LinesOfFile(declared["header"], most)
    with file.open("rb") as content:
        Reader(found, declared.get("files") or "*", declared.get("members") or "", io.StringIO()).read(
            content, file.name
        )
    blocks = found.blocks()
    separator = "tab" if is_records else declared["separator"]
    made = verdicts(blocks, len(names), day_field, separator, declared["format"])
    for at, rows in enumerate(blocks):
        if at:
            made.rejected.popleft()  # the empty line in front
        for row in made.of(rows, len(names), "" if is_records else "\t" if separator == "tab" else " "):
            if at and row.reason == "too_few_fields" and row.number in (rows[0].number, rows[-1].number):
                continue  # it may be half of a record, whose other half was not drawn
            yield shown(row, names, day_field, date)


def day_of(declared: dict[str, Any], file: Path) -> tuple[int, str]:
    """The number of the field with the day, 0 if it is in the name of the file or of its folder; and that day."""
    field = 0 if declared.get("day") is None else declared["day"] + 1
    if not declared.get("dated_by_name"):
        return field, ""
    days = days_in(file.name)
    for folder in () if field else file.absolute().parents:
        days = days or days_in(folder.name)
    return (0, days[0]) if len(days) == 1 else (field, "")


def shown(row: Row, names: Sequence[str], day_field: int, date: str) -> dict[str, Any]:
    """A row as it is printed."""
    line = row.line
    if day_field and not row.reason:
        date, _, line = line.partition("\t")
    texts = ADDRESS.sub("<address>", line).split("\t")
    return {
        "number": row.number,
        "date": "" if row.reason else date,
        "fields": dict(zip(names, texts, strict=True)) if line else {},
        "raw": ADDRESS.sub("<address>", row.raw),
        "reason": row.reason,
    }


def main(arguments: Sequence[str]) -> int:
    """The program; returns its exit code."""
    parser = argparse.ArgumentParser(prog="preview.py", description="Prints lines of one file as they would land.")
    parser.add_argument("--spec", required=True, help="how the file is read, as JSON")
    parser.add_argument("--rows", type=int, default=ROWS, help="number of first lines, and of others that are drawn")
    parser.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    try:
        declared = json.loads(given.spec)
    except ValueError as error:
        parser.error(f"--spec is no JSON: {error}")
    file = given.file.absolute()
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)  # where members of archives wait
            for row in preview(declared, file, given.rows):
                print(json.dumps(row))
            os.chdir("/")
    except KeyMissingError as error:
        print(f"reading {given.file}: {error}", file=sys.stderr)
        return 2
    except (UnreadableError, RefusedError) as error:
        print(f"reading {given.file}: {error}", file=sys.stderr)
        return 3
    except OSError as error:
        print(f"reading {given.file}: {error.strerror}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
