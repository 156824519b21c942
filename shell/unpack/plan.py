"""Plans what to do with each file in RAW, by its name, its content, and the records of what is landed.

    python3 plan.py RAW RAW_ROOT RAW_NAME LANDING_ROOT WORK RULES SAMPLE REASONS JOBS PRUNE

Writes in WORK: `todo`, a line for each archive to unpack, to be read with IFS=/ since only the path, which comes last,
can contain a slash (event/date/day_field/fields/customer/separator/header/format/names/zone/spec/members/files/keep/
size/checksum/stem/path; keep is 1 if the archive's landed lines may stay where the new ones cannot be used); `raw`, a
line for each file of RAW that is no log (status, event, size, path and reason, tab separated); `paths`, the paths of
all logs; `results`, a line for each log that cannot be read (see settle.py). Removes files that a
killed run left, and lines of archives that are no longer logs.
"""

import hashlib
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from landed import COUNT_COLUMNS, FAILED, MANIFEST_COLUMNS, REFUSED, Landed, files_in, forget, read_records
from names import shown, stem_of
from raw_files import LOG, Event, RawFile, raw_files, read_events
from said import plural, say, some_of, stop

READ_BYTES = 1 << 20
CHECKSUM_DIGITS = 32


@dataclass(frozen=True)
class Run:
    """The settings of a run."""

    raw: str
    root: Path
    raw_name: str
    landing: Path
    work: Path
    rules: str
    sample: str
    columns: int  # of a row of manifest.csv
    jobs: int
    is_pruned: bool


@dataclass(frozen=True)
class Log:
    """An archive of RAW with the checksum of its content."""

    file: RawFile
    event: Event
    checksum: str
    stem: str

    @property
    def content(self) -> str:
        """As in its record."""
        return f"{self.file.size}/{self.checksum}"

    def todo(self) -> list[str]:
        """What its settings are made of."""
        event = self.event
        day_field = "0" if self.file.date else event.day_field
        return [event.name, self.file.date, day_field, *layout_of(event), event.files]

    def settings(self, run: Run) -> str:
        """As name_settings in publish.sh makes them."""
        return "/".join([run.rules, *self.todo(), run.sample])


def layout_of(event: Event) -> list[str]:
    """What decides how lines are read, besides the place of the day."""
    how = [event.fields, event.customer, event.separator, event.header, event.format, event.names, event.zone]
    return [*how, event.spec, event.members]


def main(run: Run) -> None:
    """Write the plan."""
    events = read_events(run.work / "events")
    try:
        files = raw_files(run.root, run.raw_name, events)
    except OSError as error:
        stop(3, f"reading {shown(str(error.filename))}: {error.strerror}; make the folder readable")
    landed = read_records(run.landing)
    logs, results = logs_of(run, [file for file in files if file.status == LOG], landed)
    refuse(run, files, landed, events)
    forget_other_files(run, landed, files, events)
    remove_leftovers(run.landing, landed)
    now = {log.stem: log.content for log in logs}
    todo = [log for log in logs if not is_current(run, log, landed, now)]
    write_lines(run.work / "todo", (todo_line(log, landed) for log in todo))
    write_lines(run.work / "results", iter(results))
    others = [file for file in files if file.status != LOG]
    rows = ((file.status, file.event_name or "-", str(file.size), file.path, file.reason) for file in others)
    write_lines(run.work / "raw", ("\t".join([*row[:3], shown(row[3]), row[4]]) for row in rows))
    write_lines(run.work / "paths", (file.path for file in files if file.status == LOG))


def write_lines(path: Path, lines: Iterator[str]) -> None:
    """Write a file of lines."""
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


# ---------------------------------------------------------------- logs


def logs_of(run: Run, files: Sequence[RawFile], landed: Mapping[str, Landed]) -> tuple[list[Log], list[str]]:
    """The archives with their checksums, and the results of those that cannot be read."""
    with ThreadPoolExecutor(run.jobs) as threads:
        sums = list(threads.map(lambda file: checksum_of(run.root / file.path), files))
    stems = stems_of([file.path for file in files], landed)
    logs, results = [], []
    for file, checksum in zip(files, sums, strict=True):
        stem = stems[file.path]
        if isinstance(checksum, OSError):
            say(f"reading {shown(file.path)}: {checksum.strerror}; make it readable")
            status = REFUSED if stem in landed else FAILED
            results.append(f"{status}/{file.event_name}/{file.size}//{stem}/{file.path}")
        elif file.event:
            logs.append(Log(file, file.event, checksum, stem))
    return logs, results


def checksum_of(path: Path) -> str | OSError:
    """The SHA-256 of a file, shortened; or the error."""
    found = hashlib.sha256()
    try:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(READ_BYTES):
                found.update(piece)
    except OSError as error:
        return error
    return found.hexdigest()[:CHECKSUM_DIGITS]


def stems_of(paths: Sequence[str], landed: Mapping[str, Landed]) -> dict[str, str]:
    """The name of each archive's files in LANDING: no two have the same, in upper or lower case."""
    known = {record.path: record.stem for record in landed.values()}
    plain = {path: stem_of(path) for path in paths}
    taken = Counter(stem.lower() for path, stem in plain.items() if path not in known)
    taken.update(record.stem.lower() for record in landed.values())
    return {
        path: known.get(path) or (f"{stem}-{zlib.crc32(path.encode())}" if taken[stem.lower()] > 1 else stem)
        for path, stem in plain.items()
    }


def is_current(run: Run, log: Log, landed: Mapping[str, Landed], now: Mapping[str, str]) -> bool:
    """Whether an archive is unpacked already, from the same bytes and in the same way, and its files are there.

    One with the lines of another archive also depends on the other, whose content may have changed: `now`, by stem.
    """
    record = landed.get(log.stem)
    if not record or record.path != log.file.path or record.content != log.content:
        return False
    if record.settings != log.settings(run) or len(record.row) != run.columns:
        return False
    if record.same_as:
        stem, content = record.same_as
        original = landed.get(stem)
        if not original or not original.content == content == now.get(stem, content):
            return False
        return has_files(run.landing, original)
    return has_files(run.landing, record)


def has_files(landing: Path, record: Landed) -> bool:
    """Whether the files of an archive are there."""
    return all((landing / file).is_file() for file in record.files)


def todo_line(log: Log, landed: Mapping[str, Landed]) -> str:
    """A line of the plan."""
    record = landed.get(log.stem)
    keep = "1" if record and record.files and is_readable_as(record, log.event) else "0"
    return "/".join([*log.todo(), keep, log.content, log.stem, log.file.path])


def is_readable_as(record: Landed, event: Event) -> bool:
    """Whether landed lines have the layout that the event has now."""
    day_field = event.day_field if not record.date else "0"
    is_dated = not record.date or event.is_dated_by_name
    return is_dated and record.event == event.name and record.layout == "/".join([day_field, *layout_of(event)])


# ---------------------------------------------------------------- what is landed


def refuse(run: Run, files: Sequence[RawFile], landed: Mapping[str, Landed], events: Sequence[Event]) -> None:
    """Stop where the files of RAW and what is landed cannot be brought together."""
    others = sorted({record.sample for record in landed.values()} - {run.sample})
    if others:
        stop(3, f"writing {run.landing}: it contains a sample of {others[0]}, not {run.sample}; empty the folder or "
                f"use --sample {others[0]}")  # fmt: skip
    if any(file.status == LOG for file in files):
        refuse_other_layouts(run, files, landed, events)
        return
    what = "no file matches the pattern of an event" if files else "it is empty"
    advice = "check RAW, or describe the logs by --event" if files else "put the archives there"
    if any(file.status != "not_a_log" for file in files):
        what, advice = "no archive has a valid day", "rename them to YYYYMMDD_..."
    if not landed:
        for file in files:
            say(f"not used: {shown(file.path)}: {file.reason}") if len(files) <= 3 else None
        stop(3, f"reading {run.raw}: {what}; {advice}")
    if run.is_pruned:
        stop(3, f"reading {run.raw}: {what}, and --prune would remove everything; to do so, remove {run.landing}")
    refuse_other_layouts(run, files, landed, events)
    say(f"reading {run.raw}: {what}; the lines of {plural(len(landed), 'archive')} that landed earlier are kept")


def refuse_other_layouts(
    run: Run, files: Sequence[RawFile], landed: Mapping[str, Landed], events: Sequence[Event]
) -> None:
    """Stop if archives that are not in RAW were unpacked with another layout: their lines would be misread."""
    declared = {event.name: event for event in events}
    paths = {file.path for file in files}
    absent = [record for record in landed.values() if record.files and record.path not in paths]
    strange = [
        record.path
        for record in absent
        if record.event in declared and not is_readable_as(record, declared[record.event])
    ]
    if strange and not run.is_pruned:
        many = plural(len(strange), "archive")
        stop(3, f"writing {run.landing}: {many} of earlier deliveries, {some_of(strange)}, had another layout when "
                f"they were unpacked; put them into RAW again, or remove their lines by --prune")  # fmt: skip


def forget_other_files(run: Run, landed: dict[str, Landed], files: Sequence[RawFile], events: Sequence[Event]) -> None:
    """Remove the lines of archives in RAW that are no longer logs of the event that they were unpacked for."""
    now = {file.path: file for file in files}
    for record in list(landed.values()):
        file = now.get(record.path)
        if file and (file.status != LOG or file.event_name != record.event):
            say(f"removing the lines of {shown(record.path)}, which is no log of {record.event} any more")
            forget(run.landing, record)
            del landed[record.stem]


def remove_leftovers(landing: Path, landed: Mapping[str, Landed]) -> None:
    """Remove files that no record names, which a killed run left."""
    owned = {file for record in landed.values() for file in record.files}
    patterns = ("*/date=*/*.log", "rejected/*/*.log", ".done/*.new")
    for path in [file for pattern in patterns for file in files_in(landing, pattern)]:
        if str(path.relative_to(landing)) not in owned:
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()


if __name__ == "__main__":
    raw, root, raw_name, landing, work, rules, sample, reasons, jobs, prune = sys.argv[1:]
    columns = len(MANIFEST_COLUMNS) + len(COUNT_COLUMNS) + len(reasons.split())
    main(Run(raw, Path(root), raw_name, Path(landing), Path(work), rules, sample, columns, int(jobs), prune == "1"))
