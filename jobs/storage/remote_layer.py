"""Layers in an object store or in HDFS: partitions are published as versions (`jobs.storage.versions`)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.storage.backend import backend
from jobs.storage.layer import Layer, Partitions, R, Staged
from jobs.storage.location import Place, Remote
from jobs.storage.records import to_text
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

    def has_rows(self, values: Sequence[str] | None = None) -> bool:
        """See Partitions."""
        newest = self.versions.newest()
        wanted = newest if values is None else [self._child(value) for value in values if self._child(value) in newest]
        return any(any(self.versions.folder(newest[child]).glob("*.parquet")) for child in wanted)

    def changed(self, value: str) -> float:
        """See Layer."""
        return self.versions.newest()[self._child(value)].file.stat().st_mtime

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
        self.versions.publish(new, to_text(record), before.get(new.name, 0))

    def remove(self, value: str) -> None:
        """See Layer."""
        self.versions.forget(self._child(value))

    def _published(self, rows: DataFrame) -> DataFrame:
        """Both engines then read no other files."""
        pairs = [f"{one.version}/{self._value(child)}" for child, one in self.versions.newest().items()]
        return rows.where(F.concat_ws("/", COLUMN, F.col(self.key).cast("string")).isin(pairs)).drop(COLUMN)

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
