"""Layers in an object store or in HDFS: partitions are published as versions (`jobs.storage.versions`)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.storage.backend import backend
from jobs.storage.layer import Layer, Partitions, R, Staged, sealed
from jobs.storage.location import Place, Remote
from jobs.storage.records import from_text, to_text
from jobs.storage.versions import COLUMN, STAGING, Versions, fresh


@dataclass(frozen=True)
class StagedVersion(Staged):
    """Partitions of a fresh version; `before`: sequences of the records that counted when it was begun, by child."""

    before: Mapping[str, int]


class RemoteLayer(Layer[R]):
    """A layer in an object store or in HDFS: `encore_version=<version>/<key>=<value>/`, and `_records/`."""

    root: Remote

    @property
    def versions(self) -> Versions:
        """Those of its partitions."""
        return Versions(self.root)

    def partition(self, value: str) -> Place:
        """Folder of the newest version of a partition; where there is none, one that does not exist."""
        named = self.versions.newest().get(self._child(value))
        return self.versions.folder(named) if named else self.root / self._child(value)

    def values(self) -> list[str]:
        """See Partitions."""
        return sorted(map(self._value, self.versions.newest()))

    @contextmanager
    def staging(self) -> Iterator[Staged]:
        """See Layer. Only rows are written into the layer, since readers of the whole layer read everything in it."""
        before = {child: named.sequence for child, named in self.versions.newest().items()}
        with fresh(self.root) as version:
            work = self.root.parent / f"{STAGING}{self.root.name}-{version.name.partition('=')[2]}"
            try:
                yield StagedVersion(version, self.key, work, before)
            finally:
                work.remove_all()

    def publish(self, staged: Partitions, value: str, record: R) -> None:
        """See Layer."""
        new, before = cast(Remote, staged.partition(value)), cast(StagedVersion, staged).before
        self.versions.publish(new, to_text(sealed(record, new)), before.get(new.name, 0))

    def remove(self, value: str) -> None:
        """See Layer."""
        self.versions.forget(self._child(value))

    def _published(self, rows: DataFrame) -> DataFrame:
        """Both engines then read no other files."""
        pairs = [f"{one.version}/{self._value(child)}" for child, one in self.versions.newest().items()]
        return rows.where(F.concat_ws("/", COLUMN, F.col(self.key).cast("string")).isin(pairs)).drop(COLUMN)

    def _records_of(self, values: Sequence[str]) -> dict[str, R | None]:
        """See Layer. One listing serves all; what a record says never changes, so each is read once."""
        wanted, texts = set(values), self._texts()
        return {
            value: from_text(self.kind, text, self.root / self._child(value), value)
            for value, text in texts.items()
            if value in wanted
        }

    def _folders(self, values: Iterable[str]) -> dict[str, Place]:
        """See Layer."""
        newest = self.versions.newest()
        return {value: self.versions.folder(newest[self._child(value)]) for value in values}

    def _entries(self, folders: Sequence[Place]) -> Mapping[Place, Sequence[Place]]:
        """See Layer. Of several folders, everything in the layer is listed in one request."""
        if len(folders) < 2:
            return super()._entries(folders)
        found: dict[Place, list[Place]] = {folder: [] for folder in folders}
        for entry in self.root.rglob():
            if entry.parent in found:
                found[entry.parent].append(entry)
        return found

    def _text(self, value: str) -> str | None:
        named = self.versions.newest().get(self._child(value))
        return named.text if named else None

    def _texts(self) -> dict[str, str]:
        return {self._value(child): text for child, text in sorted(self.versions.texts().items())}

    def _child(self, value: str) -> str:
        return f"{self.key}={value}"

    def _value(self, child: str) -> str:
        return child.partition("=")[2]


def layer(root: Place, key: str, kind: type[R]) -> Layer[R]:
    """The layer in a folder."""
    return Layer(root, key, kind) if backend(root).is_disk else RemoteLayer(root, key, kind)
