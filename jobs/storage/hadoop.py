"""Hadoop's file systems as Spark's session knows them, behind pyarrow's interface.

The session's FileSystem has its credentials, mount tables and connectors (S3A, GCS, HDFS), and needs no libhdfs. This
is the only module that calls the JVM directly.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.fs
from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyarrow.fs import FileInfo, FileSelector, FileType
from pyspark import SparkContext

BUFFER_BYTES = 1 << 20  # a call to the JVM costs as much as moving about 10 KB


def hadoop_filesystem(url: str, is_flat: bool) -> pyarrow.fs.FileSystem:
    """The file system at a URL such as `hdfs://node:8020/`; its paths begin with `/`. Raises OSError.

    is_flat: the store has no folders, so that listing everything below a name is as fast as listing one level.
    """
    return pyarrow.fs.PyFileSystem(Hadoop(url, is_flat))


class Hadoop(pyarrow.fs.FileSystemHandler):  # type: ignore[misc]
    """pyarrow's interface to a file system, by Hadoop's FileSystem. Every method raises OSError where that fails."""

    def __init__(self, url: str, is_flat: bool) -> None:
        context: Any = SparkContext.getOrCreate()
        self._url, self._is_flat, self._gateway = url, is_flat, context._gateway
        self._fs = context._jvm.org.apache.hadoop.fs
        self._uri = context._jvm.java.net.URI.create(url)
        self._configuration = context._jsc.hadoopConfiguration()
        with _os_errors(url):
            self._system = self._fs.FileSystem.get(self._uri, self._configuration)

    def get_type_name(self) -> str:
        """See pyarrow."""
        return "hadoop"

    def normalize_path(self, path: str) -> str:
        """See pyarrow."""
        return path

    def get_file_info(self, paths: Sequence[str]) -> list[FileInfo]:
        """See pyarrow."""
        return [self._info(path) for path in paths]

    def get_file_info_selector(self, selector: FileSelector) -> list[FileInfo]:
        """See pyarrow."""
        try:
            with _os_errors(selector.base_dir):
                return self._below(selector.base_dir.rstrip("/"), selector.recursive)
        except FileNotFoundError:
            if selector.allow_not_found:
                return []
            raise

    def create_dir(self, path: str, recursive: bool) -> None:
        """See pyarrow."""
        with _os_errors(path):
            self._system.mkdirs(self._path(path))

    def delete_dir(self, path: str) -> None:
        """See pyarrow."""
        self._delete(path)

    def delete_dir_contents(self, path: str, missing_dir_ok: bool = False) -> None:
        """See pyarrow."""
        for info in self.get_file_info_selector(FileSelector(path, allow_not_found=missing_dir_ok)):
            self._delete(info.path)

    def delete_root_dir_contents(self) -> None:
        """Not supported: no caller needs it."""
        raise NotImplementedError

    def delete_file(self, path: str) -> None:
        """See pyarrow."""
        self._delete(path)

    def move(self, src: str, dest: str) -> None:
        """See pyarrow; a file that is there is replaced, in HDFS in one step."""
        options = self._gateway.new_array(getattr(self._fs, "Options$Rename"), 1)
        options[0] = getattr(self._fs, "Options$Rename").OVERWRITE
        with _os_errors(dest):
            context = self._fs.FileContext.getFileContext(self._uri, self._configuration)
            context.rename(self._path(src), self._path(dest), options)

    def copy_file(self, src: str, dest: str) -> None:
        """See pyarrow."""
        with self.open_input_stream(src) as source, self.open_output_stream(dest, None) as target:
            target.write(source.read())

    def open_input_stream(self, path: str) -> pa.NativeFile:
        """See pyarrow."""
        return self.open_input_file(path)

    def open_input_file(self, path: str) -> pa.NativeFile:
        """See pyarrow."""
        with _os_errors(path):
            stream = self._system.open(self._path(path))
            size = self._system.getFileStatus(self._path(path)).getLen()
        return pa.PythonFile(io.BufferedReader(_Input(stream, size, path), BUFFER_BYTES), mode="r")

    def open_output_stream(self, path: str, metadata: Any) -> pa.NativeFile:
        """See pyarrow."""
        with _os_errors(path):
            stream = self._system.create(self._path(path), True)
        return pa.PythonFile(io.BufferedWriter(_Output(stream, path), BUFFER_BYTES), mode="w")

    def open_append_stream(self, path: str, metadata: Any) -> pa.NativeFile:
        """Refused: object stores cannot."""
        raise NotImplementedError

    def _path(self, path: str) -> Any:
        return self._fs.Path(self._url.rstrip("/") + (path or "/"))

    def _info(self, path: str) -> FileInfo:
        try:
            with _os_errors(path):
                status = self._system.getFileStatus(self._path(path))
        except FileNotFoundError:
            return FileInfo(path, FileType.NotFound)
        return _told(path, status)

    def _below(self, base: str, recursive: bool) -> list[FileInfo]:
        if recursive and self._is_flat:
            return self._all_below(base)
        statuses = self._system.listStatus(self._path(base))
        found = [_told(f"{base}/{one.getPath().getName()}", one) for one in statuses]
        if recursive:
            folders = [info.path for info in found if info.type == FileType.Directory]
            found += [info for folder in folders for info in self._below(folder, recursive)]
        return found

    def _all_below(self, base: str) -> list[FileInfo]:
        """From one listing of all files; folders follow from their names."""
        start = len(self._path(base).toString().rstrip("/"))
        files, found = self._system.listFiles(self._path(base), True), []
        while files.hasNext():
            one = files.next()
            found.append(_told(base + one.getPath().toString()[start:], one))
        folders = {parent for info in found for parent in _parents(info.path, base)}
        return [*(FileInfo(path, FileType.Directory) for path in sorted(folders)), *found]

    def _delete(self, path: str) -> None:
        with _os_errors(path):
            self._system.delete(self._path(path), True)


class _Input(io.RawIOBase):
    """A Java stream that is read and sought in."""

    def __init__(self, stream: Any, size: int, path: str) -> None:
        self._stream, self._size, self._path = stream, size, path

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _os_errors(self._path):
            data = self._stream.readNBytes(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def tell(self) -> int:
        with _os_errors(self._path):
            return int(self._stream.getPos())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self._size}[whence]
        with _os_errors(self._path):
            self._stream.seek(begin + offset)
        return begin + offset

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


class _Output(io.RawIOBase):
    """A Java stream that is written to."""

    def __init__(self, stream: Any, path: str) -> None:
        self._stream, self._path = stream, path

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        with _os_errors(self._path):
            self._stream.write(bytearray(data))
        return len(data)

    def close(self) -> None:
        if not self.closed:
            with _os_errors(self._path):
                self._stream.close()
        super().close()


def _told(path: str, status: Any) -> FileInfo:
    if status.isDirectory():
        return FileInfo(path, FileType.Directory)
    modified = status.getModificationTime() / 1_000
    return FileInfo(path, FileType.File, size=status.getLen(), mtime=modified)


def _parents(path: str, base: str) -> Iterator[str]:
    """The folders between a file and `base`."""
    while (path := path.rpartition("/")[0]) != base:
        yield path


@contextmanager
def _os_errors(path: str) -> Iterator[None]:
    """What Java throws, as Python's own."""
    try:
        yield
    except Py4JJavaError as error:
        thrown = error.java_exception
        kind = FileNotFoundError if "FileNotFoundException" in thrown.getClass().getName() else OSError
        raise kind(f"{path}: {thrown.toString()}") from None
