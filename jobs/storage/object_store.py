"""Storage in an object store or in HDFS, where a folder is published as a version (`jobs.storage.versions`)."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.storage.lease import GRACE, Lease
from jobs.storage.location import Remote, reaching
from jobs.storage.versions import Versions, current, fresh, is_littered, sweep

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset


class ObjectStore:
    """What `jobs.storage.backend` asks of a storage, for URLs."""

    is_disk = False

    def check_reachable(self, place: Remote, engine: str | None = None) -> None:
        """Raise InputError where the store does not answer to an engine; by default, to that of the place."""
        seen = replace(place, engine=engine or place.engine)
        with reaching(seen):
            seen.exists()

    def absolute(self, place: Remote) -> Remote:
        """The same place: a URL is absolute."""
        return place

    def spark_url(self, place: Remote) -> str:
        """Its URL."""
        return str(place)

    def current(self, folder: Remote) -> Remote:
        """The version that counts; the folder itself where there is none."""
        return current(folder)

    def matching(self, folder: Remote, pattern: str) -> list[Remote]:
        """The entries below a folder that match a pattern, one part for each level; none where it does not exist."""
        return list(folder.glob(pattern))

    @contextmanager
    def staging_folder(self, target: Remote) -> Iterator[Remote]:
        """A new version of `target`; what was not published from it is removed at the end."""
        with fresh(target) as version:
            yield version

    def replace_folder(self, new: Remote, old: Remote) -> None:
        """Let the version `new` of `old` count."""
        Versions(old).publish(new, "{}")

    def remove_folder(self, folder: Remote) -> None:
        """Let no version of the folder count, then remove all of it."""
        for child in Versions(folder).newest():
            Versions(folder).forget(child)
        folder.remove_all()

    def write_text(self, path: Remote, text: str) -> None:
        """Write a whole file, or leave the old one as it was."""
        path.write_text(text)

    def dataset(self, folder: Remote) -> "Dataset":
        """The Parquet files of a folder."""
        from pyarrow.dataset import dataset  # imports pandas, which takes half a second

        return dataset(folder.key, filesystem=folder.files, format="parquet")

    @contextmanager
    def local_copy(self, file: Remote) -> Iterator[Path]:
        """A copy of the file on this machine; removed at the end."""
        with tempfile.TemporaryDirectory(prefix="encore-") as folder:
            copy = Path(folder) / file.name
            with file.files.open_input_stream(file.key) as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            yield copy

    @contextmanager
    def local_target(self, file: Remote) -> Iterator[Path]:
        """A file of this machine, which is copied to the target at the end."""
        with tempfile.TemporaryDirectory(prefix="encore-") as folder:
            yield Path(folder) / file.name
            file.put(Path(folder) / file.name)

    def copy_in(self, source: Path, target: Remote) -> None:
        """Copy a file of this machine to a place in this storage."""
        target.put(source)

    @contextmanager
    def sole_writer(self, data: Remote) -> Iterator[None]:
        """Hold the lease of a data folder, and remove what a killed command has left there."""
        lease = Lease(data)
        with reaching(data):
            lease.take()
        try:
            with reaching(data):
                if is_littered(data):
                    time.sleep(GRACE)
                    sweep(data)
            yield
        finally:
            lease.release()
