"""What a file is packed in, and its text: the beginning, a piece of the middle and the end of it."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from conf.errors import InputError

PIECE_BYTES = 1 << 19
MOST_BYTES = 1 << 30  # of unpacked text that is looked through
SEED = 1
BEGINNING_BYTES = 512
DAMAGED = (
    OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError,
)  # fmt: skip
UNKNOWN = {  # what neither this command nor `encore unpack` reads
    b"%PDF-": "PDF", b"7z\xbc\xaf": "7z", b"Rar!": "rar", b"SQLite format 3": "SQLite", b"Obj\x01": "Avro",
    b"\xd0\xcf\x11\xe0": "old Excel", b"\x04\x22M\x18": "lz4",
}  # fmt: skip
OFFICE_MEMBER = "[Content_Types].xml"


@dataclass(frozen=True)
class Text:
    """Some bytes of a file or a member of an archive.

    packing: the packings around it, such as `gzip`; empty if there is none. member: name within the archive, or empty.
    pieces: the beginning, a piece of the middle and the end; one piece where the text is short. is_whole: whether the
    only piece is all of it.
    """

    packing: str
    member: str
    pieces: tuple[bytes, ...]
    is_whole: bool


def texts_of(path: Path) -> list[Text]:
    """The text of a file; of an archive, those of its first and its last member.

    Raises:
        InputError: the file cannot be unpacked, or holds nothing.
    """
    try:
        with path.open("rb") as file:
            found = list(_texts(io.BufferedReader(cast(io.RawIOBase, file)), ()))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except DAMAGED as error:
        raise InputError(f"{path}: cannot be unpacked ({error}); fetch the file again, or pack it as .gz") from None
    if not any(any(text.pieces) for text in found):
        raise InputError(f"{path}: there is nothing in it; give a file with records")
    return found


def _texts(file: BinaryIO, packing: tuple[str, ...]) -> Iterator[Text]:
    stream = file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, file))
    beginning = stream.peek(BEGINNING_BYTES)[:BEGINNING_BYTES]
    unknown = next((name for magic, name in UNKNOWN.items() if beginning.startswith(magic)), "")
    if unknown:
        raise InputError(f"it is {unknown}, which cannot be read; export it as CSV, JSON or Parquet")
    kind = next((kind for kind, (magic, _) in OPENERS.items() if beginning.startswith(magic)), "")
    if kind:
        yield from _texts(OPENERS[kind][1](stream), (*packing, kind))
    elif beginning.startswith(b"PK\x03\x04"):
        yield from _of_members(_of_zip(stream), (*packing, "zip"))
    elif beginning[257:262] == b"ustar":
        yield from _of_members(_of_tar(stream), (*packing, "tar"))
    else:
        pieces, is_whole = pieces_of(stream)
        yield Text(".".join(packing), "", pieces, is_whole)


def _zstandard(file: BinaryIO) -> BinaryIO:
    try:
        import zstandard
    except ImportError:
        raise InputError("Zstandard: install the Python package zstandard to read such files") from None
    return cast(BinaryIO, zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))


def _xz(file: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, lzma.open(file))  # noqa: SIM115 - the file around it is closed


OPENERS: dict[str, tuple[bytes, Callable[[BinaryIO], BinaryIO]]] = {
    "gzip": (b"\x1f\x8b", lambda file: cast(BinaryIO, gzip.GzipFile(fileobj=file))),
    "bzip2": (b"BZh", lambda file: cast(BinaryIO, bz2.BZ2File(file))),
    "xz": (b"\xfd7zXZ\x00", _xz),
    "zstd": (b"\x28\xb5\x2f\xfd", _zstandard),
}
Member = tuple[str, Callable[[], IO[bytes] | None]]


def _of_zip(file: BinaryIO) -> Iterator[Member]:
    archive = zipfile.ZipFile(file)
    if OFFICE_MEMBER in archive.namelist():
        raise InputError("it is a document of Excel or another office program; save the sheet as CSV")
    for entry in archive.infolist():
        if not entry.is_dir():
            yield entry.filename, lambda entry=entry: archive.open(entry)  # type: ignore[misc]


def _of_tar(file: BinaryIO) -> Iterator[Member]:
    with tarfile.open(fileobj=file, mode="r|") as archive:
        for entry in archive:
            if entry.isreg():
                yield entry.name, lambda entry=entry: archive.extractfile(entry)  # type: ignore[misc]


def _of_members(members: Iterator[Member], packing: tuple[str, ...]) -> Iterator[Text]:
    """The texts of the first and the last member that is no hidden file."""
    ends: list[Text] = []
    for name, opened in members:
        parts = name.split("/")
        if any(part.startswith(".") or part == "__MACOSX" for part in parts):
            continue
        content = opened()
        if content is not None:
            pieces, is_whole = pieces_of(content)
            ends[1:] = [Text(".".join(packing), name, pieces, is_whole)]
    yield from ends


def pieces_of(stream: IO[bytes]) -> tuple[tuple[bytes, ...], bool]:
    """The beginning, one piece that is drawn from the middle, and the end; and whether the one piece is all."""
    chance = random.Random(SEED)
    beginning = _filled(stream)
    middle = end = b""
    number = 0  # of the pieces behind the beginning
    while number * PIECE_BYTES < MOST_BYTES and (piece := _filled(stream)):
        number += 1
        if number > 1 and chance.random() < 1 / (number - 1):
            middle = end
        end = piece
    if number <= 2:
        return (beginning + middle + end,), True
    return (beginning, middle, end), False


def _filled(stream: IO[bytes]) -> bytes:
    """The next piece, which is shorter than others only at the end."""
    parts: list[bytes] = []
    wanted = PIECE_BYTES
    while wanted and (part := stream.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)
