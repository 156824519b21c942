"""The members of an archive, one after the other: those of a tar or zip archive, or the file itself."""

import io
import re
import stat
import tarfile
from collections.abc import Callable, Container, Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from compression import (
    BEGINNING_BYTES,
    COMPRESSED,
    ZIP,
    UnreadableError,
    decompressed,
    is_archive,
    kind_of,
    why_unreadable,
)

if TYPE_CHECKING:
    import zipfile

TAR_NAME = re.compile(r"\.(tar|tgz|tbz2?|txz|tzst)(\.[a-z0-9]+)?$", re.IGNORECASE)
COMPRESSED_NAME = re.compile(r"\.(gz|bz2|xz|zst|zip|7z|rar|z|lz4|tgz|tbz2?|txz|tzst)$", re.IGNORECASE)
OFFICE_MEMBER = "[Content_Types].xml"
TAR_READ_BYTES = 1 << 16
IS_LINK = "it is a link; pack the file itself"
IS_SPECIAL = "it is no file, such as a device or a pipe"


class Member(NamedTuple):
    """A file in an archive. It can be opened until the next member is asked for.

    name: its path in the archive; empty for a file that is no archive of several files.
    other: why it has no content, such as that it is a link; empty if it can be opened.
    errors: what reading it may raise besides UnreadableError.
    """

    name: str
    open: Callable[[], io.BufferedReader]
    other: str = ""
    errors: tuple[type[Exception], ...] = ()

    @property
    def last_name(self) -> str:
        """The last part of its path."""
        return self.name.rpartition("/")[2]


def members_of(file: BinaryIO, name: str, kinds: Container[str] = ()) -> Iterator[Member]:
    """The members of a file of this name; folders are no members.

    The file is read once, in its order; only that of a zip archive is read in any order. Raises UnreadableError.

    Args:
        kinds: the kinds of files that can be read, besides text that is UTF-8.
    """
    content = _peekable(file)
    kind = kind_of(content.peek(BEGINNING_BYTES))
    if kind == ZIP:
        yield from _of_zip(file)
        return
    if kind in COMPRESSED:
        content = decompressed(content, kind)
    elif kind not in ("", "tar") and kind not in kinds:
        raise UnreadableError(why_unreadable(kind))
    elif not kind and COMPRESSED_NAME.search(name):
        raise UnreadableError("its name is that of a compressed file, but its content is not; fetch the archive again")
    inner = kind_of(content.peek(BEGINNING_BYTES))
    if inner == "tar" or TAR_NAME.search(name):
        yield from _of_tar(content)
    elif is_archive(inner):
        raise UnreadableError(f"it is {inner} within {kind}; pack its text once, as .tar.gz or .gz")
    elif inner and inner not in kinds:
        raise UnreadableError(why_unreadable(inner))
    else:
        yield Member("", lambda: content)


def _peekable(file: BinaryIO) -> io.BufferedReader:
    return file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, file))


# ---------------------------------------------------------------- tar


class _BrokenHeaderError(Exception):
    """A block that should begin a member and does not."""


class _Header(tarfile.TarInfo):
    """A header that refuses what tarfile passes over: a damaged header, and an archive without an end."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> "_Header":
        try:
            found = super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            archive.has_end = True  # type: ignore[attr-defined]
            raise
        except tarfile.EmptyHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise _BrokenHeaderError(str(error)) from None
        archive.has_end = False  # type: ignore[attr-defined]
        return found


def _of_tar(content: BinaryIO) -> Iterator[Member]:
    """Members of a tar archive, and of others that were appended to it."""
    try:
        # With ignore_zeros, tarfile reads on after an end mark to the end of the file, and so checks all of it.
        with tarfile.open(
            fileobj=content, mode="r|", bufsize=TAR_READ_BYTES, tarinfo=_Header, ignore_zeros=True
        ) as archive:
            setattr(archive.fileobj, "seekable", lambda: False)  # noqa: B010 - TextIOWrapper asks for it
            for header in archive:
                archive.members = []  # type: ignore[attr-defined]  # otherwise it remembers them all
                if header.isdir():
                    continue
                yield Member(header.name, _opener(archive, header), _other_than_file(header), (tarfile.TarError,))
            if not getattr(archive, "has_end", False):
                raise UnreadableError("tar: it ends too early; fetch the archive again")
    except (tarfile.TarError, _BrokenHeaderError, OSError) as error:
        raise UnreadableError(f"tar: {error}; fetch the archive again") from None


def _other_than_file(header: tarfile.TarInfo) -> str:
    if header.issym() or header.islnk():
        return IS_LINK
    return "" if header.isreg() else IS_SPECIAL


def _opener(archive: tarfile.TarFile, header: tarfile.TarInfo) -> Callable[[], io.BufferedReader]:
    def opened() -> io.BufferedReader:
        return cast(io.BufferedReader, archive.extractfile(header))

    return opened


# ---------------------------------------------------------------- zip


def _of_zip(file: BinaryIO) -> Iterator[Member]:
    import zipfile
    import zlib

    errors = (zipfile.BadZipFile, zlib.error, EOFError, ValueError)
    try:
        with zipfile.ZipFile(file) as archive:
            if OFFICE_MEMBER in archive.namelist():
                raise UnreadableError(why_unreadable("a document of Excel or another office program"))
            for entry in archive.infolist():
                if entry.is_dir():
                    continue
                is_link = stat.S_ISLNK(entry.external_attr >> 16)
                yield Member(entry.filename, _zip_opener(archive, entry), IS_LINK if is_link else "", errors)
    except (*errors, OSError) as error:
        raise UnreadableError(f"zip: {error}; fetch the archive again") from None


def _zip_opener(archive: "zipfile.ZipFile", entry: "zipfile.ZipInfo") -> Callable[[], io.BufferedReader]:
    def opened() -> io.BufferedReader:
        try:
            return cast(io.BufferedReader, archive.open(entry))
        except RuntimeError as error:  # it has a password, or an unknown compression
            raise UnreadableError(f"zip: {error}; pack it again without a password, as .tar.gz or .zip") from None

    return opened
