"""Places where data lies: paths of this machine, and URLs of object stores and of HDFS, with one interface."""

import io
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TextIO
from uuid import uuid4

import pyarrow.fs
from pyarrow.fs import FileInfo, FileSelector, FileType

from conf.errors import InputError, UsageError
from jobs.storage.hadoop import hadoop_filesystem

# In an object store an object becomes visible with all of its content in one step, and a path begins with a bucket.
OBJECT_STORES = ("s3", "s3a", "gs")
SCHEMES = (*OBJECT_STORES, "hdfs", "viewfs")  # viewfs: the mount table of federated Hadoop clusters
TEMPORARY = ".tmp"
RETRY_LIMIT = timedelta(seconds=60)  # for a store that does not answer


@dataclass(frozen=True)
class Stat:
    """Size of a file in bytes, and when it was written, in seconds since 1970 by the store's own clock."""

    st_size: int
    st_mtime: float


@dataclass(frozen=True)
class Remote:
    """A place in an object store or in HDFS, as its URL; a folder exists where something lies in it.

    It has the part of pathlib's interface that the jobs use. The file system is opened at the first use; with the
    engine `spark` it is that of the session, which must be running by then. Methods raise OSError where the store
    refuses.
    """

    scheme: str
    authority: str
    path: str  # begins with a slash, or is empty
    engine: str
    known: FileInfo | None = field(default=None, compare=False, repr=False)  # from the listing of its folder

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path or '/'}"

    def __truediv__(self, name: str) -> "Remote":
        return Remote(self.scheme, self.authority, f"{self.path}/{name}".rstrip("/"), self.engine)

    def __lt__(self, other: "Remote") -> bool:
        return str(self) < str(other)

    @property
    def name(self) -> str:
        """The last part."""
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> "Remote":
        """The folder that holds it."""
        return Remote(self.scheme, self.authority, self.path.rpartition("/")[0], self.engine)

    def is_below(self, folder: "Remote") -> bool:
        """Whether it lies in the folder, at any depth."""
        return (self.scheme, self.authority) == (folder.scheme, folder.authority) and self.path.startswith(
            f"{folder.path}/"
        )

    @property
    def files(self) -> pyarrow.fs.FileSystem:
        """The file system."""
        return _filesystem(self.scheme, self.authority, self.engine)

    @property
    def key(self) -> str:
        """Its path within the file system."""
        return self._root + self.path

    @property
    def _root(self) -> str:
        return self.authority if self.scheme in OBJECT_STORES and self.engine != "spark" else ""

    # ---- listing ----

    def exists(self) -> bool:
        """Whether it is a file, or a folder that holds something."""
        return bool(self._info().type != FileType.NotFound)

    def is_file(self) -> bool:
        """Whether it is a file."""
        return bool(self._info().type == FileType.File)

    def is_dir(self) -> bool:
        """Whether it is a folder that holds something."""
        return bool(self._info().type == FileType.Directory)

    def stat(self) -> Stat:
        """Size and time of a file. Raises FileNotFoundError."""
        info = self._info()
        if info.type != FileType.File:
            raise FileNotFoundError(str(self))
        return Stat(info.size, info.mtime.timestamp() if info.mtime else datetime.now(UTC).timestamp())

    def iterdir(self) -> Iterator["Remote"]:
        """The entries of the folder; none where it does not exist."""
        yield from self._listed(recursive=False)

    def rglob(self) -> Iterator["Remote"]:
        """All files and folders below, in one listing."""
        yield from self._listed(recursive=True)

    def glob(self, pattern: str) -> Iterator["Remote"]:
        """The entries below that match a pattern with one part for each level; `*` does not match slashes."""
        first, *others = parts = pattern.split("/")
        if others and self.scheme in OBJECT_STORES:  # which list everything below in one request
            for found in self.rglob():
                names = found.path.removeprefix(f"{self.path}/").split("/")
                if len(names) == len(parts) and all(map(fnmatchcase, names, parts)):
                    yield found
            return
        for found in self.iterdir():
            if not fnmatchcase(found.name, first):
                continue
            if not others:
                yield found
            elif found.is_dir():
                yield from found.glob("/".join(others))

    def _info(self) -> FileInfo:
        return self.known or self.files.get_file_info(self.key)

    def _listed(self, recursive: bool) -> Iterator["Remote"]:
        for info in self.files.get_file_info(FileSelector(self.key, recursive=recursive, allow_not_found=True)):
            path = "/" + info.path.removeprefix(self._root).strip("/")
            yield Remote(self.scheme, self.authority, path, self.engine, info)

    # ---- reading and writing ----

    def read_bytes(self) -> bytes:
        """All of a file. Raises FileNotFoundError."""
        with self.files.open_input_stream(self.key) as stream:
            return bytes(stream.read())

    def read_text(self, encoding: str = "utf-8") -> str:
        """All of a file, as text."""
        return self.read_bytes().decode(encoding)

    def open(self, encoding: str = "utf-8", newline: str | None = None) -> TextIO:
        """A file to be read as text."""
        stream = self.files.open_input_stream(self.key)
        return io.TextIOWrapper(stream, encoding=encoding, newline=newline)

    def write_text(self, text: str, encoding: str = "utf-8") -> None:
        """Write a whole file, or leave the old one as it was."""
        self.write_bytes(text.encode(encoding))

    def write_bytes(self, data: bytes) -> None:
        """Write a whole file, or leave the old one as it was."""
        with self.whole() as target, target.files.open_output_stream(target.key) as stream:
            stream.write(data)

    def put(self, source: Path) -> None:
        """Write a whole file as a copy of one of this machine, or leave the old one as it was."""
        with self.whole() as target, source.open("rb") as read, target.files.open_output_stream(target.key) as stream:
            shutil.copyfileobj(read, stream, 1 << 20)

    @contextmanager
    def whole(self) -> Iterator["Remote"]:
        """Where to write a file, so that readers see it only when it is whole."""
        if self.scheme in OBJECT_STORES:
            yield self
            return
        temporary = self.parent / f".{self.name}.{uuid4().hex[:8]}{TEMPORARY}"
        yield temporary
        if self.engine != "spark" and self.exists():
            self.unlink()  # libhdfs renames to free names only
        self.files.move(temporary.key, self.key)

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Do nothing: writing a file creates its folder."""

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove a file."""
        try:
            self.files.delete_file(self.key)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def remove_all(self) -> None:
        """Remove a folder and all in it, where it exists; not in one step."""
        try:
            self.files.delete_dir(self.key)
        except FileNotFoundError:
            return


Place = Path | Remote


def place(text: str, engine: str) -> Place:
    """The place of a path or a URL, accessed by the file systems of an engine.

    Raises:
        UsageError: the kind of URL is unknown, or it names no bucket.
    """
    url = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]*):(//[^/]*)?(/.*)?", text)
    if not url or not (url[2] or url[3]):
        return Path(text)
    scheme, authority, path = url[1].lower(), (url[2] or "//")[2:], url[3] or ""
    if scheme == "file" and authority in ("", "localhost"):
        return Path(path or "/")
    known = f"give a path, file:/…, {', '.join(f'{one}://…' for one in SCHEMES)}"
    if scheme not in SCHEMES:
        raise UsageError(f"{text}: Encore cannot read such a URL; {known}")
    if scheme in OBJECT_STORES and not authority:
        raise UsageError(f"{text}: names no bucket; give {scheme}://BUCKET/FOLDER")
    if scheme == "viewfs" and engine != "spark":
        raise UsageError(f"{text}: only Spark knows the mount table; give --engine spark, or the hdfs:// URL behind it")
    # Sail accepts both names; Spark, which trains, knows only s3a unless it is configured otherwise.
    known_to_all = "s3a" if scheme == "s3" and engine != "spark" else scheme
    return Remote(known_to_all, authority, re.sub("/+", "/", path).rstrip("/"), engine)


@contextmanager
def reaching(data: Remote) -> Iterator[None]:
    """Turn a failure of the store in the block into an InputError."""
    try:
        yield
    except OSError as error:
        problem = " ".join(str(error).split())[:300]
        raise InputError(
            f"{data}: cannot be reached ({problem}); check the address and the credentials"
            + (" and jars of Spark" if data.engine == "spark" else ", which come from the environment")
        ) from None


@cache
def _filesystem(scheme: str, authority: str, engine: str) -> pyarrow.fs.FileSystem:
    """The file system, opened once: pyarrow's own for Sail, that of the session for Spark."""
    if engine == "spark":
        return hadoop_filesystem(f"{scheme}://{authority}/", scheme in OBJECT_STORES)
    if scheme in ("s3", "s3a"):
        return _s3()
    if scheme == "gs":
        return pyarrow.fs.GcsFileSystem(retry_time_limit=RETRY_LIMIT)  # the library's own limit is 15 minutes
    host, _, port = authority.partition(":")
    return pyarrow.fs.HadoopFileSystem(host or "default", int(port or 0))


def _s3() -> pyarrow.fs.FileSystem:
    """S3, configured by the same environment variables as Sail."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT")
    if not endpoint:
        return pyarrow.fs.S3FileSystem(allow_delayed_open=True)
    if endpoint.startswith("http://"):
        os.environ.setdefault("AWS_ALLOW_HTTP", "true")  # without it Sail refuses the endpoint
    return pyarrow.fs.S3FileSystem(endpoint_override=endpoint, allow_delayed_open=True)  # a small file is one request
