"""Atomic publishing on stores without atomic rename: one small new object publishes rows that were written in place.

    ROOT/encore_version=<version>/<child>/…              rows, written to their final place by the engine
    ROOT/_records/<child>-<sequence>-<version>.json      publishes this version of the child

In a layer, each partition `<key>=<value>` is a child; a published folder has one child. The record with the highest
sequence counts, and readers ignore whatever no record names. A name of a record is never used again, so nothing is
overwritten: readers see the old version or the new one, since stores show an object only when it is whole.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from uuid import uuid4

from jobs.storage.lease import require_held
from jobs.storage.location import TEMPORARY, Remote

RECORDS = "_records"
COLUMN = "encore_version"  # visible to readers of the whole layer; no service has a column of this name
STAGING = ".staging-"
DEPTH = 3  # levels from the data folder to the deepest folder with versions: events/rejected/play
REQUESTS = 16  # at a time: a store takes tens of milliseconds for each
_NAME = re.compile(r"(.+)-(\d{8})-(v\d{8}T\d{6}-[0-9a-f]{8})\.json")


@dataclass(frozen=True, order=True)
class Named:
    """A record, which publishes a version of a child."""

    sequence: int
    version: str
    child: str
    file: Remote = field(compare=False)

    @property
    def text(self) -> str:
        """Its content."""
        return _text(self.file)


@dataclass(frozen=True)
class Versions:
    """The versions in a folder, and which of them count."""

    root: Remote

    def all(self) -> dict[str, list[Named]]:
        """The records of each child, the newest last."""
        found: dict[str, list[Named]] = defaultdict(list)
        for file in (self.root / RECORDS).iterdir():
            if name := _NAME.fullmatch(file.name):
                found[name[1]].append(Named(int(name[2]), name[3], name[1], file))
        return {child: sorted(named) for child, named in found.items()}

    def newest(self) -> dict[str, Named]:
        """The newest record of each child, which counts."""
        return {child: named[-1] for child, named in self.all().items()}

    def texts(self) -> dict[str, str]:
        """The content of the record of each child."""
        newest = self.newest()
        with ThreadPoolExecutor(REQUESTS) as pool:
            return dict(zip(newest, pool.map(lambda named: named.text, newest.values()), strict=True))

    def folder(self, named: Named) -> Remote:
        """The folder that a record names."""
        return self._version(named.version) / named.child

    def fresh(self) -> Remote:
        """A folder of a new version."""
        return self._version(f"v{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}")

    def publish(self, new: Remote, text: str, after: int | None = None) -> None:
        """Publish the child `new` of a fresh version.

        text: content of its record.
        after: sequence of the newest record, where it is known.

        Raises:
            InputError: another command has taken the data folder over.
        """
        require_held(self.root)
        if after is None:
            counts = self.newest().get(new.name)
            after = counts.sequence if counts else 0
        version = new.parent.name.removeprefix(f"{COLUMN}=")
        file = self.root / RECORDS / f"{new.name}-{after + 1:08d}-{version}.json"
        file.write_text(text)

    def forget(self, child: str) -> None:
        """Withdraw all versions of a child. The newest record is removed last, or an older one would count again."""
        require_held(self.root)
        named = self.all().get(child, [])
        for one in named:
            one.file.unlink()
        self._remove([self.folder(one) for one in named])

    def tidy(self, own: Remote | None = None) -> None:
        """Remove rows that no newest record names: of older records, and of the version `own` (by default of all).

        While another command may be writing, only the own version may be searched.
        """
        require_held(self.root)
        rows, records = self.strays(own)
        self._remove(rows)
        for file in records:
            file.unlink(missing_ok=True)

    def strays(self, own: Remote | None = None) -> tuple[list[Remote], list[Remote]]:
        """What `tidy` removes: rows first, then the records that name them."""
        known = self.all()
        counts = {self.folder(named[-1]) for named in known.values()}
        former = [one for named in known.values() for one in named[:-1]]
        children = list(own.iterdir() if own else self.root.glob(f"{COLUMN}=*/*"))
        half = [] if own else list((self.root / RECORDS).glob(f".*{TEMPORARY}"))
        rows = [child for child in children if child not in counts] + [self.folder(one) for one in former]
        return rows, [*(one.file for one in former), *half]

    def _version(self, version: str) -> Remote:
        return self.root / f"{COLUMN}={version}"

    def _remove(self, places: Collection[Remote]) -> None:
        """Remove files and folders, and versions that become empty."""
        for place in places:
            place.unlink() if place.is_file() else place.remove_all()
        for version in {place.parent for place in places}:
            if not any(version.iterdir()):
                version.remove_all()


@lru_cache(maxsize=100_000)
def _text(record: Remote) -> str:
    """The content of a record, read once since it never changes."""
    return record.read_text()


def current(folder: Remote) -> Remote:
    """The version of a folder that counts; the folder itself where nothing is published."""
    versions = Versions(folder)
    counts = max(versions.newest().values(), default=None)
    return versions.folder(counts) if counts else folder


@contextmanager
def fresh(folder: Remote) -> Iterator[Remote]:
    """A new version in a folder; what was not published from it is removed at the end."""
    versions = Versions(folder)
    version = versions.fresh()
    try:
        yield version
    finally:
        with suppress(OSError):  # else the next command removes it
            versions.tidy(version)


def is_littered(data: Remote) -> bool:
    """Whether there is anything for `sweep` to remove."""
    return any(is_temporary or any(Versions(place).strays()) for place, is_temporary in _survey(data, DEPTH))


def sweep(data: Remote) -> None:
    """Remove what a killed command has left in a data folder that nobody else writes to."""
    for place, is_temporary in list(_survey(data, DEPTH)):
        if not is_temporary:
            Versions(place).tidy()
        elif place.is_file():
            place.unlink()
        else:
            place.remove_all()


def _survey(folder: Remote, depth: int) -> Iterator[tuple[Remote, bool]]:
    """Temporary files and folders, and folders with versions, each with whether it is temporary."""
    entries = list(folder.iterdir())
    for entry in entries:
        if entry.name.startswith(STAGING) or (entry.name.startswith(".") and entry.name.endswith(TEMPORARY)):
            yield entry, True
    if any(entry.name == RECORDS or entry.name.startswith(f"{COLUMN}=") for entry in entries):
        yield folder, False
    elif depth:
        for entry in entries:
            if entry.is_dir() and not entry.name.startswith((".", "_")) and "=" not in entry.name:
                yield from _survey(entry, depth - 1)
