"""The files in RAW, and which of them are logs: of which event, and of which day."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from names import days_in, is_hidden, is_list, matches
from said import stop

IS_HIDDEN = "hidden files are no logs"
IS_LIST = "lists of customers or archives are no logs"
BAD_NAME = "a name with control characters, or with bytes that are not UTF-8, cannot be used; rename the file"
UNUSABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # in a name: it ends a line, or is no UTF-8
NOT_A_LOG, UNDATED, LOG = "not_a_log", "undated", "log"


@dataclass(frozen=True)
class Event:
    """An event as --event describes it; the fields are text, as in the plan."""

    name: str
    files: str
    fields: str
    customer: str
    day: str
    separator: str
    header: str
    format: str
    names: str
    zone: str
    spec: str
    members: str

    @property
    def is_dated_by_name(self) -> bool:
        """Whether the day can be in the name of an archive."""
        return self.day.split(",")[0] == "name"

    @property
    def day_field(self) -> str:
        """The field with the day; 0 if there is none."""
        return self.day.removeprefix("name").removeprefix(",") or "0"


@dataclass(frozen=True)
class RawFile:
    """A file in RAW; `reason` says why one that is no log is not used."""

    path: str
    size: int
    status: str
    reason: str = ""
    event: Event | None = None
    date: str = ""

    @property
    def event_name(self) -> str:
        """The name of its event; empty if it has none."""
        return self.event.name if self.event else ""


def read_events(file: Path) -> list[Event]:
    """The events, one per line, as options.sh writes them. Ends the program if one cannot be read as it says."""
    events = [Event(*line.split("\t")) for line in file.read_text(encoding="utf-8").split("\n") if line]
    return [_checked(event) if event.spec else event for event in events]


def _checked(event: Event) -> Event:
    """The event with the fingerprint of the key, if it hashes: other keys make other lines."""
    from hashing import KeyMissingError, fingerprint_of, hash_key  # plain lines need none
    from spec import of_option, with_key

    try:
        fields = of_option(event.spec).fields
        is_hashed = any(field.is_hashed for field in fields)
        key = fingerprint_of(hash_key()) if is_hashed else ""
    except KeyMissingError as error:
        stop(2, f"--event {event.name}: {error}")
    except (ValueError, KeyError, TypeError) as error:
        stop(2, f"--event {event.name}: spec= is not the JSON text of a layout ({type(error).__name__}: {error})")
    if str(len(fields)) != event.fields:
        stop(2, f"--event {event.name}: spec= has {len(fields)} fields, and fields= says {event.fields}")
    return replace(event, spec=with_key(event.spec, key)) if key else event


def raw_files(root: Path, name: str, events: Sequence[Event]) -> list[RawFile]:
    """All files under `root`, or the one named, sorted by path. Raises OSError for a folder that cannot be read."""
    paths = _all_paths(root, ".") if name == "." else iter([name.removeprefix("./")])
    return [classified(root, path, events) for path in sorted(paths)]


def _all_paths(root: Path, folder: str) -> Iterator[str]:
    with os.scandir(root / folder) as entries:
        for entry in entries:
            path = entry.name if folder == "." else f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from _all_paths(root, path)
            else:
                yield path


def classified(root: Path, path: str, events: Sequence[Event]) -> RawFile:
    """What a file is, by its name."""
    try:
        found = (root / path).stat()
    except OSError as error:
        return RawFile(path, 0, NOT_A_LOG, f"it cannot be read ({error.strerror})")
    name = path.rpartition("/")[2]
    event = next((event for event in events if matches(name, event.files)), None)
    if reason := _no_log(path, name, found.st_mode):
        return RawFile(path, found.st_size, NOT_A_LOG, reason)
    if not event:
        patterns = ", ".join(event.files for event in events)
        reason = f"the name matches the pattern of no event ({patterns}); rename it if it is a log"
        return RawFile(path, found.st_size, NOT_A_LOG, reason)
    days = days_of(path, event) if event.is_dated_by_name else []
    if len(days) == 1:
        return RawFile(path, found.st_size, LOG, "", event, days[0])
    if event.day_field != "0":
        return RawFile(path, found.st_size, LOG, "", event)
    return RawFile(path, found.st_size, UNDATED, _undated(days), event)


def days_of(path: str, event: Event) -> list[str]:
    """The days in a file's name, or if it has none and its lines have none, in that of the nearest folder with one."""
    *folders, name = path.split("/")
    days = days_in(name)
    while not days and folders and event.day_field == "0":
        days = days_in(folders.pop())
    return days


def _no_log(path: str, name: str, mode: int) -> str:
    if UNUSABLE.search(path):
        return BAD_NAME
    if is_hidden(path):
        return IS_HIDDEN
    if is_list(name):
        return IS_LIST
    if stat.S_ISDIR(mode):
        return "links to folders are not followed; copy the files"
    return "" if stat.S_ISREG(mode) else "it is no file"


def _undated(days: Sequence[str]) -> str:
    what = f"several days ({', '.join(days)})" if days else "no valid day"
    return f"the name has {what}, and its lines have none; rename it to YYYYMMDD_..."
