"""Ends a run: finds archives with the same lines, removes what --prune removes, and writes the lists.

    python3 settle.py LANDING_ROOT WORK SAMPLE REASONS PRUNE

Reads from WORK what plan.py wrote, and `results`, a line for each archive that was unpacked (status/event/size/
checksum/stem/path), whose status is published, failed or refused. Writes manifest.csv, days.csv and unused.csv.
"""

import csv
import filecmp
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from landed import (
    COUNT_COLUMNS,
    DAY_COLUMNS,
    DUPLICATE,
    EARLIER,
    FAILED,
    MANIFEST_COLUMNS,
    REFUSED,
    UNPACKED,
    Landed,
    forget,
    read_records,
    write_duplicate,
)
from names import is_copy, part_of, shown, without_extensions
from said import plural, say, say_grouped, some_of, stop

Rows = list[list[str]]


@dataclass(frozen=True)
class Result:
    """What became of an archive that was unpacked in this run."""

    status: str
    event: str
    size: str
    checksum: str
    stem: str
    path: str


def main(landing: Path, work: Path, sample: str, reasons: Sequence[str], is_pruned: bool) -> None:
    """Bring the layer and its lists into their last state."""
    results = [Result(*line.split("/", 5)) for line in lines_of(work / "results")]
    unused = [line.split("\t") for line in lines_of(work / "raw")]
    in_raw = set(lines_of(work / "paths"))
    new = {result.stem for result in results if result.status == "published"}
    records = read_records(landing)
    join_duplicates(landing, records, new)
    records = drop_absent_duplicates(landing, records, in_raw)
    absent = absent_archives(records, in_raw)
    if absent and is_pruned:
        prune(landing, absent)
        records = without(records, absent)
        absent = []
    statuses = {record.stem: EARLIER for record in absent}
    statuses |= {result.stem: REFUSED for result in results if result.status == REFUSED}
    rows = [row_of(record, statuses.get(record.stem, UNPACKED), len(reasons)) for record in records.values()]
    none = ["0"] * (len(COUNT_COLUMNS) + len(reasons))
    rows += [[path, event.strip("-"), status, size, "", sample, *none] for status, event, size, path, _ in unused]
    rows += [
        [one.path, one.event, one.status, one.size, one.checksum, sample, *none]
        for one in results
        if one.status == FAILED
    ]
    header = [*MANIFEST_COLUMNS, *COUNT_COLUMNS, *(f"rejected_{reason}" for reason in reasons)]
    write_table(landing / "manifest.csv", header, rows)
    write_table(landing / "days.csv", DAY_COLUMNS, [day for record in records.values() for day in record.days])
    left_out = not_used(unused, records, in_raw)
    write_table(landing / "unused.csv", ["archive", "member", "reason"], left_out)
    say_end(left_out, records, in_raw, absent)


def lines_of(file: Path) -> list[str]:
    """The lines of a file; none where it is missing."""
    return [line for line in file.read_text(encoding="utf-8").split("\n") if line] if file.is_file() else []


# ---------------------------------------------------------------- duplicates


def join_duplicates(landing: Path, records: dict[str, Landed], new: set[str]) -> None:
    """Keep the lines of one of several archives that have the same, and say so.

    Archives with the day in their name must have the same day and not two numbers of parts: two days, or two parts,
    with equal bytes are what they are.
    """
    groups: dict[tuple[object, ...], list[Landed]] = defaultdict(list)
    for record in records.values():
        if record.days:
            days = tuple((day[1], day[4], day[5]) for day in sorted(record.days))
            groups[record.event, record.date, days, tuple(record.counts)].append(record)
    for group in groups.values():
        group.sort(key=lambda record: (record.stem in new, is_copy(record.path), record.path))
        kept: list[Landed] = []
        for record in group:
            twins = [other for other in kept if has_same_lines(landing, record, other)]
            twin = next((other for other in twins if is_same_part(record, other)), None)
            if twin:
                write_duplicate(landing, record, twin)
                record.same_as, record.files, record.days = (twin.stem, twin.content), [], []
                continue
            if twins and record.stem in new:
                say(f"warning: {shown(record.path)} has the same lines as {shown(twins[0].path)}, but the number of "
                    f"another part; both are used")  # fmt: skip
            kept.append(record)


def has_same_lines(landing: Path, one: Landed, other: Landed) -> bool:
    """Whether the landed and the rejected lines of two archives are the same."""
    pairs = list(zip(sorted(one.files), sorted(other.files), strict=False))
    return len(one.files) == len(other.files) and all(
        filecmp.cmp(landing / first, landing / second, shallow=False) for first, second in pairs
    )


def is_same_part(one: Landed, other: Landed) -> bool:
    """Whether two archives may be the same part of a day; without a day in their names they always may."""
    parts = [part_of(record.path.rpartition("/")[2]) for record in (one, other)]
    return not one.date or not all(parts) or parts[0] == parts[1]


def drop_absent_duplicates(landing: Path, records: dict[str, Landed], in_raw: set[str]) -> dict[str, Landed]:
    """Forget duplicates that are not in RAW any more; they have no lines."""
    gone = [record for record in records.values() if record.same_as and record.path not in in_raw]
    for record in gone:
        forget(landing, record)
    return without(records, gone)


def without(records: dict[str, Landed], gone: Iterable[Landed]) -> dict[str, Landed]:
    """The records that are left."""
    stems = {record.stem for record in gone}
    return {stem: record for stem, record in records.items() if stem not in stems}


# ---------------------------------------------------------------- earlier deliveries


def absent_archives(records: dict[str, Landed], in_raw: set[str]) -> list[Landed]:
    """The landed archives that are not in RAW, neither themselves nor as another archive with the same lines."""
    covered = {record.same_as[0] for record in records.values() if record.same_as}
    return [record for record in records.values() if record.path not in in_raw and record.stem not in covered]


def prune(landing: Path, absent: Sequence[Landed]) -> None:
    """Remove the lines of archives, after naming them."""
    days = {day for record in absent for day in record.records_by_day}
    lines = sum(sum(record.records_by_day.values()) for record in absent)
    names = some_of([record.path for record in absent], most=10)
    say(f"--prune removes {plural(len(absent), 'archive')} that {'is' if len(absent) == 1 else 'are'} not in RAW, with "
        f"{lines} lines on {plural(len(days), 'day')}: {names}")  # fmt: skip
    for record in absent:
        forget(landing, record)


# ---------------------------------------------------------------- lists


def row_of(record: Landed, status: str, reasons: int) -> list[str]:
    """The row of manifest.csv; a reason that is newer than the record has no lines."""
    row = list(record.row)
    row[MANIFEST_COLUMNS.index("status")] = DUPLICATE if record.same_as else status
    if record.same_as:
        row[len(MANIFEST_COLUMNS) :] = ["0"] * len(record.counts)
    return row + ["0"] * (len(MANIFEST_COLUMNS) + len(COUNT_COLUMNS) + reasons - len(row))


def not_used(raw: Iterable[Sequence[str]], records: dict[str, Landed], in_raw: set[str]) -> Rows:
    """What lies in RAW and is not used: archive, member and reason."""
    found = [[path, "", reason] for _, _, _, path, reason in raw]
    for record in records.values():
        if record.path not in in_raw:
            continue
        if record.same_as:
            other = records[record.same_as[0]].path if record.same_as[0] in records else record.same_as[0]
            found.append([record.path, "", f"the same lines as {other}, which count once"])
        found += [[record.path, name, reason] for name, reason in record.skipped]
    return found


def write_table(path: Path, header: Sequence[str], rows: Rows) -> None:
    """Write a table; an equal one is kept, so that its time tells when it changed last."""
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(
                [header, *([inert(cell) for cell in row] for row in sorted(rows))]
            )
        if path.is_file() and filecmp.cmp(new, path, shallow=False):
            new.unlink()
        else:
            new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        stop(3, f"writing {path}: {error.strerror}; free space there, or check the rights of the file")


def inert(cell: str) -> str:
    """A cell that no spreadsheet computes: the name of an archive may begin like a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell


def say_end(left_out: Rows, records: dict[str, Landed], in_raw: set[str], absent: Sequence[Landed]) -> None:
    """Say what is not used, what may count twice, and what is kept of earlier deliveries."""
    say_grouped((f"{archive}: {member}" if member else archive, reason) for archive, member, reason in left_out)
    hidden = sum(len(record.hidden) for record in records.values() if record.path in in_raw)
    if hidden:
        say(f"{plural(hidden, 'hidden member')} of archives skipped, such as resource forks of macOS")
    for names in same_names(records):
        say(f"warning: {some_of(names)} have one name but other lines; all of them are used")
    if absent:
        kept = "is not in RAW" if len(absent) == 1 else "are not in RAW"
        say(f"{plural(len(absent), 'archive')} of earlier deliveries {kept}; kept, --prune removes them")
    if left_out:
        members = sum(bool(member) for _, member, _ in left_out)
        counted = [(len(left_out) - members, "file in RAW", "files in RAW"),
                   (members, "member of archives", "members of archives")]  # fmt: skip
        found = " and ".join(f"{number} {one if number == 1 else more}" for number, one, more in counted if number)
        say(f"warning: {found} {'is' if len(left_out) == 1 else 'are'} not used; unused.csv lists them")


def same_names(records: dict[str, Landed]) -> list[list[str]]:
    """Archives whose names differ by ` (1)`, .gz, .tar only, and whose lines are not the same."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in records.values():
        if record.days:
            groups[record.event, without_extensions(record.path).lower()].append(record.path)
    return [sorted(paths) for _, paths in sorted(groups.items()) if len(paths) > 1]


if __name__ == "__main__":
    landing, work, sample, reasons, prune_option = sys.argv[1:]
    main(Path(landing), Path(work), sample, reasons.split(), prune_option == "1")
