"""A look at a user's files: what they are packed in, how they are written, and some of their records."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conf.errors import InputError, UsageError
from jobs.onboarding.encoding import Encoding, decoded, encoding_of
from jobs.onboarding.packing import texts_of
from jobs.onboarding.parquet import is_parquet, parquet_records
from jobs.onboarding.raw_files import all_files
from jobs.onboarding.records import Records, Row, records_of

MOST_COLUMNS = 1_000
SMALL_BYTES, MOST_FILES = 1 << 18, 10
PIECES = ("beginning", "middle", "end")


@dataclass(frozen=True)
class Looked:
    """A file, or a member of an archive, and the records in it that were looked at."""

    path: Path
    packing: str
    member: str
    encoding: Encoding
    records: Records
    is_whole: bool

    @property
    def name(self) -> str:
        """Its name, with that of the member."""
        return f"{self.path.name}, {self.member}" if self.member else self.path.name


@dataclass(frozen=True)
class Look:
    """What was seen of all files: those of the first and the last, and all their records.

    files: all that were given. names: the columns of all, in their order.
    """

    files: Sequence[Path]
    looked: Sequence[Looked]
    names: Sequence[str]
    rows: Sequence[Row]
    places: Sequence[tuple[int, int]]  # number of the file, and of the row in it

    @property
    def first(self) -> Looked:
        """The first of what was looked at."""
        return self.looked[0]

    @property
    def unreadable(self) -> int:
        """Number of records that are none."""
        return sum(one.records.unreadable for one in self.looked)

    def place(self, row: int) -> str:
        """Where a row stands, in words."""
        file, number = self.places[row]
        records = self.looked[file].records
        piece = records.of_piece[number]
        begin = records.of_piece.index(piece)
        of = "" if self.looked[file].is_whole or len(set(records.of_piece)) == 1 else f" of the {PIECES[piece]}"
        return f"record {number - begin + 1}{of} in {self.looked[file].name}"

    def missing_in(self, name: str) -> str:
        """A file that does not have a column; empty where all have it."""
        return next((one.name for one in self.looked if name not in one.records.names), "")


def given_files(paths: Sequence[Path]) -> list[Path]:
    """The files that are named, and those in the folders that are, in the order of their paths.

    Raises:
        InputError: there is none.
    """
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; give the raw files by --from")
    found = {file for path in paths for file in (all_files(path) if path.is_dir() else [path])}
    if not found:
        raise InputError(f"{paths[0]}: there is no file in it; give the raw files by --from")
    return sorted(found)


def look_at(files: Sequence[Path]) -> Look:
    """Look at the first and the last of some files; of small ones at some between them, too.

    Raises:
        InputError: one cannot be read, or has no record.
        UsageError: they are written in different ways.
    """
    looked = [one for path in chosen(files) for one in _looked(path)]
    first = looked[0]
    for one in looked[1:]:
        if _way(one.records) != _way(first.records):
            raise UsageError(
                f"{one.name} is {_way(one.records)}, and {first.name} is {_way(first.records)}; give the files of one "
                f"kind of event at a time, and put the services together by hand"
            )
    names = list(dict.fromkeys(name for one in looked for name in one.records.names))
    if len(names) > MOST_COLUMNS:
        raise InputError(
            f"{first.name}: {len(names):,} columns are no table of events; give files with a few per record"
        )
    rows = [{name: row.get(name, "") for name in names} for one in looked for row in one.records.rows]
    if not rows:
        raise InputError(f"{first.name}: no record was found in it; give files with records, such as CSV or JSON")
    places = [(file, row) for file, one in enumerate(looked) for row in range(len(one.records.rows))]
    return Look(files, looked, names, rows, places)


def chosen(files: Sequence[Path]) -> list[Path]:
    """The first and the last file, and of small files some between them, evenly spread."""
    ends = list(dict.fromkeys([files[0], files[-1]]))
    if sum(path.stat().st_size for path in ends) > SMALL_BYTES or len(files) < 3:
        return ends
    steps = min(MOST_FILES, len(files)) - 1
    return [files[round(number * (len(files) - 1) / steps)] for number in range(steps + 1)]


def _way(records: Records) -> str:
    """How records are written, in words."""
    return f"{records.format} separated by {records.separator!r}" if records.separator else records.format


def _looked(path: Path) -> list[Looked]:
    try:
        if is_parquet(path):
            records = parquet_records(path)
            return [Looked(path, "", "", Encoding("utf-8"), records, len(set(records.of_piece)) < 2)]
        found = []
        for text in texts_of(path):
            encoding = encoding_of(text.pieces)
            pieces = [decoded(piece, encoding, number == 0) for number, piece in enumerate(text.pieces)]
            found.append(Looked(path, text.packing, text.member, encoding, records_of(pieces), text.is_whole))
    except csv.Error as error:
        raise InputError(f"{path}: cannot be read as CSV ({error}); export it as CSV, JSON or Parquet") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a file that can") from None
    return found
