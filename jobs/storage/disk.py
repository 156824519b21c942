"""Storage on a disk of this machine, where a folder is published by renaming it."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from conf.errors import InputError
from jobs.storage.swap import finish_swap, put_in_place

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

STAGING = ".staging-"  # beginning of the names of staging folders
LOCK = ".lock"


class Disk:
    """What `jobs.storage.backend` asks of a storage, for paths of this machine."""

    is_disk = True

    def check_reachable(self, place: Path, engine: str | None = None) -> None:
        """Do nothing: a disk is there, or each use of it says why not."""

    def absolute(self, place: Path) -> Path:
        """The same place, independent of the working directory."""
        return place.absolute()

    def spark_url(self, place: Path) -> str:
        """A URL that Spark does not resolve against its default file system."""
        return f"file:{place.absolute()}"

    def current(self, folder: Path) -> Path:
        """The folder itself."""
        return folder

    def matching(self, folder: Path, pattern: str) -> list[Path]:
        """The entries below a folder that match a pattern, one part for each level; none where it does not exist."""
        first, _, others = pattern.partition("/")
        try:
            with os.scandir(folder) as entries:
                found = [entry for entry in entries if fnmatchcase(entry.name, first)]
        except FileNotFoundError:
            return []
        except PermissionError:  # which pathlib takes for an empty folder
            raise InputError(
                f"reading {folder}: permission denied; change the rights of this folder, or run the command as a user "
                f"who may read it"
            ) from None
        if not others:
            return [folder / entry.name for entry in found]
        inside = (self.matching(folder / entry.name, others) for entry in found if entry.is_dir())
        return [path for paths in inside for path in paths]

    @contextmanager
    def staging_folder(self, target: Path) -> Iterator[Path]:
        """A new folder beside `target`, on the same file system; removed at the end."""
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{STAGING}{target.name}-", dir=target.parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def replace_folder(self, new: Path, old: Path) -> None:
        """Put `new` where `old` is, in one step."""
        if old.exists():
            put_in_place(new, old)
        else:
            new.rename(old)

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder and all in it."""
        shutil.rmtree(folder)

    def write_text(self, path: Path, text: str) -> None:
        """Write a whole file, or leave the old one as it was."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o644)
        Path(temporary).replace(path)

    def dataset(self, folder: Path) -> "Dataset":
        """The Parquet files of a folder."""
        from pyarrow.dataset import dataset  # imports pandas, which takes half a second

        return dataset(folder, format="parquet")

    @contextmanager
    def local_copy(self, file: Path) -> Iterator[Path]:
        """The file itself."""
        yield file

    @contextmanager
    def local_target(self, file: Path) -> Iterator[Path]:
        """A file beside the target, which takes its place at the end."""
        temporary = file.with_name(f".{file.name}")
        yield temporary
        temporary.replace(file)

    def copy_in(self, source: Path, target: Path) -> None:
        """Copy a file of this machine to a place in this storage."""
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    @contextmanager
    def sole_writer(self, data: Path) -> Iterator[None]:
        """Hold the lock of a data folder, and remove what a killed command has left there."""
        data.mkdir(parents=True, exist_ok=True)
        with (data / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"{data}: another encore command is writing here; wait for it or use another --data"
                ) from None
            for depth in ("", "*/", "*/*/"):  # passing over folders of others, such as lost+found
                for left_over in data.glob(f"{depth}{STAGING}*"):
                    finish_swap(left_over)
                    shutil.rmtree(left_over)
            yield
