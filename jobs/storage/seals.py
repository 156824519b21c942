"""Seals: which files a folder had when it was published, so that a reader notices what was changed since.

Names and sizes are always recorded and compared. CRC-32 of whole files costs a few percent of reading them as Parquet,
so it is done where this process has the files on a disk of its own machine: not in object stores or HDFS, whose blocks
carry checksums of their own, and not under spark-submit, where the driver would read what a whole cluster has written.
"""

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from conf.errors import DataCheckError
from jobs.engine import is_submitted
from jobs.storage.backend import matching
from jobs.storage.location import Place, Remote
from jobs.storage.records import FileSeal, SealedRecord

BLOCK = 1 << 20
Content = Mapping[str, FileSeal]
S = TypeVar("S", bound=SealedRecord)


def seals(folder: Place) -> dict[str, FileSeal]:
    """What the files of a folder are now, by name; those that no engine reads (`_…` and `.…`) are left out."""
    return seals_of({folder: matching(folder)}, whole=[folder])[folder]


def tree_seals(folder: Place) -> dict[str, FileSeal]:
    """The same of a folder with folders in it, by path below it."""
    with ThreadPoolExecutor() as pool:
        found = {path: pool.submit(_seal, file, True) for path, file in _files_below(folder)}
        return {path: one.result() for path, one in found.items()}


def sealed_tree(record: S, folder: Place) -> S:
    """The record of a folder whose files are whole, with their paths, sizes and checksums."""
    return record.model_copy(update={"content": tree_seals(folder)})


def seals_of(folders: Mapping[Place, Iterable[Place]], whole: Collection[Place]) -> dict[Place, dict[str, FileSeal]]:
    """The same for folders whose entries are known; the files of those in `whole` are read for their checksums."""
    read_whole = set(whole)
    with ThreadPoolExecutor() as pool:  # CRC-32 releases the interpreter's lock
        found = {
            folder: {
                file.name: pool.submit(_seal, file, folder in read_whole)
                for file in sorted(entries)
                if file.name[0] not in "_."
            }
            for folder, entries in folders.items()
        }
        return {folder: {name: one.result() for name, one in files.items()} for folder, files in found.items()}


def first_difference(folder: Place, published: Content, now: Content) -> str:
    """The first file that is not as it was published, with what is wrong with it; empty where all are."""
    for name in sorted(published.keys() | now.keys()):
        before, after = published.get(name), now.get(name)
        if after is None:
            return f"{folder / name}: this file is missing"
        if before is None:
            return f"{folder / name}: this file was not written by Encore"
        if before.size != after.size:
            return f"{folder / name}: this file has {after.size:,} bytes, and {before.size:,} were written"
        if None not in (before.crc32, after.crc32) and before.crc32 != after.crc32:
            return f"{folder / name}: the content of this file is not what was written (its checksum differs)"
    return ""


def require_unchanged(folder: Place, published: Content, now: Content, command: str) -> None:
    """Raise DataCheckError where a file is not as it was published; `command` writes the folder again."""
    if problem := first_difference(folder, published, now):
        raise DataCheckError(f"{problem}; nothing of {folder} was used. Remove this folder, and run {command} again")


def _files_below(folder: Place, above: str = "") -> Iterator[tuple[str, Place]]:
    for entry in sorted(matching(folder, "[!_.]*")):
        path = f"{above}{entry.name}"
        if entry.is_dir():
            yield from _files_below(entry, f"{path}/")
        else:
            yield path, entry


def _seal(file: Place, is_whole: bool) -> FileSeal:
    if isinstance(file, Remote):
        return FileSeal(size=-1 if file.is_dir() else file.stat().st_size, crc32=None)
    if file.is_dir():
        return FileSeal(size=-1, crc32=None)
    found = file.stat()
    crc32 = None if is_submitted() or not is_whole else _crc32(file, found.st_size, found.st_mtime_ns, found.st_ino)
    return FileSeal(size=found.st_size, crc32=crc32)


@lru_cache(maxsize=1_000_000)
def _crc32(file: Path, size: int, mtime_ns: int, inode: int) -> int:
    """CRC-32 of a file, computed once in a process while the file looks the same."""
    found = 0
    with file.open("rb", buffering=0) as stream:
        while block := stream.read(BLOCK):
            found = zlib.crc32(block, found)
    return found
