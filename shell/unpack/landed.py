"""The records of landed archives, LANDING/.done/STEM.record, which archive.sh writes.

A record has a line per fact, `KEY TAB VALUE`, and ends with `end`; one without it was cut off and does not count.
"""

import csv
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from names import shown
from said import stop

MANIFEST_COLUMNS = ("archive", "event", "status", "bytes", "checksum", "sample")
COUNT_COLUMNS = ("lines", "header", "kept", "repaired", "left_out", "rejected", "records")
DAY_COLUMNS = ("event", "date", "file", "archive", "records", "bytes")
# Statuses in manifest.csv. The first three have landed lines.
UNPACKED, EARLIER, REFUSED = "unpacked", "earlier", "refused"
DUPLICATE, FAILED = "duplicate", "failed"


@dataclass
class Landed:
    """An archive that was unpacked.

    stem: the name of its files in LANDING.
    settings: rules, layout and sample with which it was unpacked, separated by `/`.
    content: size and checksum of the archive; empty in records of earlier versions.
    row: its row of manifest.csv.
    days: its rows of days.csv.
    hidden, skipped: members that were not used; of the skipped ones also the reason.
    same_as: for an archive with the lines of another one: the other's stem and content. It has no files of its own.
    """

    stem: str
    path: str = ""
    settings: str = ""
    content: str = ""
    row: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    days: list[list[str]] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    same_as: tuple[str, str] | None = None

    @property
    def event(self) -> str:
        """The event of its lines."""
        return self._setting(1)

    @property
    def date(self) -> str:
        """The day of its name; empty if the lines have the days."""
        return self._setting(2)

    @property
    def layout(self) -> str:
        """What decides how its lines were read, besides the rules, the day of its name and the sample."""
        return "/".join(self._setting(at) for at in range(3, 13))

    @property
    def sample(self) -> str:
        """The share of customers."""
        return self.settings.rpartition("/")[2]

    @property
    def counts(self) -> list[int]:
        """Its counts in manifest.csv."""
        return [int(count) for count in self.row[len(MANIFEST_COLUMNS) :]]

    @property
    def records_by_day(self) -> dict[str, int]:
        """The number of its landed records on each day."""
        return {day[1]: int(day[4]) for day in self.days}

    def _setting(self, at: int) -> str:
        parts = self.settings.split("/")
        return parts[at] if at < len(parts) else ""


def read_record(file: Path) -> Landed | None:
    """A record; None if it was cut off."""
    found = Landed(file.name.removesuffix(".record"))
    is_whole = False
    for line in file.read_text(encoding="utf-8", errors="surrogateescape").split("\n"):
        key, _, value = line.partition("\t")
        if key in ("settings", "path", "content"):
            setattr(found, key, value)
        elif key == "row":
            found.row = _cells(value)
        elif key == "file":
            found.files.append(value)
        elif key == "day":
            found.days.append(_cells(value))
        elif key == "hidden":
            found.hidden.append(value)
        elif key == "skipped":
            name, _, reason = value.partition("\t")
            found.skipped.append((name, reason))
        elif key == "same_as":
            stem, _, content = value.partition("\t")
            found.same_as = stem, content
        is_whole |= key == "end"
    return found if is_whole else None


def _cells(text: str) -> list[str]:
    return next(csv.reader([text]))


def read_records(landing: Path) -> dict[str, Landed]:
    """The records by stem. One that was cut off is removed, so that its archive counts as missing."""
    found = {}
    for file in sorted(files_in(landing, ".done/*.record")):
        if record := read_record(file):
            found[record.stem] = record
        else:
            file.unlink()
    return found


def files_in(folder: Path, pattern: str) -> Iterator[Path]:
    """The files below a folder that match a pattern, one part for each level; stops where a folder cannot be read.

    pathlib's glob takes such a folder for an empty one, so that all of its archives would count as new.
    """
    first, _, others = pattern.partition("/")
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if fnmatchcase(entry.name, first)]
    except FileNotFoundError:
        return
    except OSError as error:
        stop(3, f"reading {shown(str(folder))}: {error.strerror}; make the folder readable")
    for entry in found:
        if not others:
            yield folder / entry.name
        elif entry.is_dir(follow_symlinks=False):
            yield from files_in(folder / entry.name, others)


def record_file(landing: Path, stem: str) -> Path:
    """Where a record lies."""
    return landing / ".done" / f"{stem}.record"


def write_duplicate(landing: Path, record: Landed, original: Landed) -> None:
    """Replace the record of an archive by one that says whose lines it has, then remove its files."""
    row = [*record.row[: len(MANIFEST_COLUMNS)], *("0" for _ in record.counts)]
    row[MANIFEST_COLUMNS.index("status")] = DUPLICATE
    cells = ",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row)
    lines = [
        f"settings\t{record.settings}",
        f"path\t{record.path}",
        f"content\t{record.content}",
        f"row\t{cells}",
        f"same_as\t{original.stem}\t{original.content}",
        "end",
    ]
    target = record_file(landing, record.stem)
    new = target.with_suffix(".new")
    new.write_text("\n".join(lines) + "\n", encoding="utf-8")
    new.replace(target)
    remove_files(landing, record.files)


def forget(landing: Path, record: Landed) -> None:
    """Remove an archive's lines; the record first, since files without a record count as missing."""
    record_file(landing, record.stem).unlink(missing_ok=True)
    remove_files(landing, record.files)


def remove_files(landing: Path, files: Iterable[str]) -> None:
    """Remove files and the folders that become empty."""
    for file in files:
        path = landing / file
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()
