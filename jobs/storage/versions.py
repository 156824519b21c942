"""Atomic publishing on stores without atomic rename: one small new object publishes rows that were written in place.

    ROOT/encore_version=<version>/<child>/…              what is published, written to its final place by the engine
    ROOT/_records/<child>-<sequence>-<version>.json      says that this version is the child's

Of a layer each partition `<key>=<value>` is a child, of a published folder its only one. The record with the highest
sequence counts, and what no record names does not exist for any reader. A record's name is never used again, so that
nothing has to be overwritten, and a store that shows objects only when they are whole shows the old version or the new.
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
COLUMN = "encore_version"  # readers of the whole layer see it, and no service has a column of this name
STAGING = ".staging-"
DEPTH = 3  # folders below the data folder down to those that are published in: events/rejected/play
REQUESTS = 16  # at a time: a store answers each after tens of milliseconds
_NAME = re.compile(r"(.+)-(\d{8})-(v\d{8}T\d{6}-[0-9a-f]{8})\.json")


@dataclass(frozen=True, order=True)
class Named:
    """A record, which says that a version of a child counts."""

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
        """The records of each child, the one that counts last."""
        found: dict[str, list[Named]] = defaultdict(list)
        for file in (self.root / RECORDS).iterdir():
            if name := _NAME.fullmatch(file.name):
                found[name[1]].append(Named(int(name[2]), name[3], name[1], file))
        return {child: sorted(named) for child, named in found.items()}

    def newest(self) -> dict[str, Named]:
        """The record of each child that counts."""
        return {child: named[-1] for child, named in self.all().items()}

    def texts(self) -> dict[str, str]:
        """The content of the record of each child."""
        newest = self.newest()
        with ThreadPoolExecutor(REQUESTS) as pool:
            return dict(zip(newest, pool.map(lambda named: named.text, newest.values()), strict=True))

    def folder(self, named: Named) -> Remote:
        """Where what a record names lies."""
        return self._version(named.version) / named.child

    def fresh(self) -> Remote:
        """A folder of a new version."""
        return self._version(f"v{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}")

    def publish(self, new: Remote, text: str, after: int | None = None) -> None:
        """Let the child `new` of a fresh version count, from this moment on.

        text: content of its record.
        after: sequence of the record that counts now, where it is known.

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
        """Let no version of a child count. The newest record goes last, or an older one would count again."""
        require_held(self.root)
        named = self.all().get(child, [])
        for one in named:
            one.file.unlink()
        self._remove([self.folder(one) for one in named])

    def tidy(self, own: Remote | None = None) -> None:
        """Remove what does not count: of former records, and of the version `own`; without it, of all versions.

        While another command may be writing a version, its own is all that may be looked through.
        """
        require_held(self.root)
        rows, records = self.strays(own)
        self._remove(rows)
        for file in records:
            file.unlink(missing_ok=True)

    def strays(self, own: Remote | None = None) -> tuple[list[Remote], list[Remote]]:
        """What `tidy` removes: rows first, then records, which tell of them."""
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
        """Remove files and folders, and the versions that are empty then."""
        for place in places:
            place.unlink() if place.is_file() else place.remove_all()
        for version in {place.parent for place in places}:
            if not any(version.iterdir()):
                version.remove_all()


@lru_cache(maxsize=100_000)
def _text(record: Remote) -> str:
    """Read once: what a record says never changes."""
    return record.read_text()


def current(folder: Remote) -> Remote:
    """The version of a folder that counts; the folder itself where nothing is published."""
    versions = Versions(folder)
    counts = max(versions.newest().values(), default=None)
    return versions.folder(counts) if counts else folder


@contextmanager
def fresh(folder: Remote) -> Iterator[Remote]:
    """A fresh version in a folder; what was not published from it is removed at the end."""
    versions = Versions(folder)
    version = versions.fresh()
    try:
        yield version
    finally:
        with suppress(OSError):  # the next command removes it
            versions.tidy(version)


def is_littered(data: Remote) -> bool:
    """Whether there is anything for `sweep` to remove."""
    return any(is_temporary or any(Versions(place).strays()) for place, is_temporary in _survey(data, DEPTH))


def sweep(data: Remote) -> None:
    """Remove what a killed command has left in a data folder, which nobody else writes in now."""
    for place, is_temporary in list(_survey(data, DEPTH)):
        if not is_temporary:
            Versions(place).tidy()
        elif place.is_file():
            place.unlink()
        else:
            place.remove_all()


def _survey(folder: Remote, depth: int) -> Iterator[tuple[Remote, bool]]:
    """What is temporary by its name, and the folders with versions in them; and which of both it is."""
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
