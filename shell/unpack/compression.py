"""What a file is by its first bytes, and its bytes without compression."""

import io
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

READ_BYTES = 1 << 16
MOST_BYTES = 1 << 20  # made of one read, so that a file that expands a thousandfold needs no more memory than another

# Kinds that can be read.
GZIP, BZIP2, XZ, ZSTANDARD, ZIP, PARQUET = "gzip", "bzip2", "xz", "Zstandard", "zip", "Parquet"
COMPRESSED = frozenset({GZIP, BZIP2, XZ, ZSTANDARD})
_BEGINNINGS = {
    GZIP: rb"\x1f\x8b\x08",
    BZIP2: rb"BZh[1-9](1AY&SY|\x17rE8P\x90)",
    XZ: rb"\xfd7zXZ\x00",
    ZSTANDARD: rb"\x28\xb5\x2f\xfd",
    ZIP: rb"PK(\x03\x04|\x05\x06)",
    # Kinds that cannot be read.
    "7z": rb"7z\xbc\xaf\x27\x1c",
    "rar": rb"Rar!\x1a\x07",
    "compress (.Z)": rb"\x1f\x9d",
    "lz4": rb"\x04\x22M\x18",
    PARQUET: rb"PAR1\x15",
    "Arrow": rb"ARROW1\x00\x00",
    "Avro": rb"Obj\x01",
    "SQLite": rb"SQLite format 3\x00",
    "PDF": rb"%PDF-",
    "old Excel": rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "UTF-32": rb"\xff\xfe\x00\x00|\x00\x00\xfe\xff",
    "UTF-16": rb"\xff\xfe|\xfe\xff|([\t-~]\x00){4}|(\x00[\t-~]){4}",  # with its mark, or as ASCII without
}
_ARCHIVES = COMPRESSED | {ZIP, "tar", "7z", "rar", "compress (.Z)", "lz4"}
ENCODINGS = frozenset({"UTF-16", "UTF-32"})
_KINDS = {kind: re.compile(beginning, re.DOTALL) for kind, beginning in _BEGINNINGS.items()}
TAR_MAGIC, TAR_MAGIC_AT = b"ustar", 257
BEGINNING_BYTES = 512


class UnreadableError(Exception):
    """The archive cannot be read; the text says why, and what to do."""


def kind_of(beginning: bytes) -> str:
    """The kind of a file that begins like this; empty for one that is not known, such as text."""
    if beginning[TAR_MAGIC_AT : TAR_MAGIC_AT + len(TAR_MAGIC)] == TAR_MAGIC:
        return "tar"
    return next((kind for kind, pattern in _KINDS.items() if pattern.match(beginning)), "")


def is_archive(kind: str) -> bool:
    """Whether a file of this kind holds other files, or is one that is compressed."""
    return kind in _ARCHIVES


def why_unreadable(kind: str) -> str:
    """Why a file of a kind that is no text cannot be read, and what to do."""
    if kind in ENCODINGS:
        return f"it is {kind} text; write it in UTF-8"
    if is_archive(kind):
        return f"{kind} cannot be read; pack its text as .tar.gz or .gz"
    return f"{kind} cannot be read; export it as text, such as CSV or JSON lines"


def decompressed(file: BinaryIO, kind: str) -> io.BufferedReader:
    """The bytes of a compressed file, which may be several compressed streams one after the other.

    Reading raises UnreadableError if they are damaged or end too early.
    """
    new, errors = _decompressor(kind)
    return io.BufferedReader(Pieces(_pieces(file, kind, new, errors)), READ_BYTES)


def _decompressor(kind: str) -> tuple[Callable[[], Any], tuple[type[Exception], ...]]:
    """How to make a decompressor, and the errors that it raises."""
    if kind == GZIP:
        import zlib

        return lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS), (zlib.error,)
    if kind == BZIP2:
        import bz2

        return bz2.BZ2Decompressor, (OSError, ValueError)
    if kind == XZ:
        import lzma

        return lzma.LZMADecompressor, (lzma.LZMAError,)
    load_packages()
    try:
        import zstandard
    except ImportError:
        raise UnreadableError("it is compressed by Zstandard; install the Python package zstandard") from None
    return lambda: _Unbounded(zstandard.ZstdDecompressor().decompressobj()), (zstandard.ZstdError,)


def load_packages() -> None:
    """Make installed packages known; unpack.sh starts Python without them, which is faster."""
    if sys.flags.no_site:
        import site

        site.main()


class _Unbounded:
    """A decompressor of zstandard with the interface of the others; it cannot be told to stop at a size."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def decompress(self, data: bytes, _: int) -> bytes:
        piece: bytes = self._wrapped.decompress(data)
        return piece

    @property
    def eof(self) -> bool:
        return bool(self._wrapped.eof)

    @property
    def unused_data(self) -> bytes:
        rest: bytes = self._wrapped.unused_data
        return rest


def _pieces(file: BinaryIO, kind: str, new: Callable[[], Any], errors: tuple[type[Exception], ...]) -> Iterator[bytes]:
    stream = new()
    try:
        while data := file.read(READ_BYTES):
            while data:
                if stream is None:
                    data = data.lstrip(b"\0")  # some programs fill the last block
                    if not data:
                        break
                    stream = new()
                yield from _made_of(stream, data)
                if not stream.eof:
                    break
                data, stream = stream.unused_data, None
    except errors as error:
        raise UnreadableError(f"{kind}: {error}; fetch the archive again") from None
    if stream is not None:
        raise UnreadableError(f"{kind}: it ends too early; fetch the archive again")


def _made_of(stream: Any, data: bytes) -> Iterator[bytes]:
    """What a decompressor makes of some bytes, at most MOST_BYTES at a time."""
    while True:
        piece = stream.decompress(data, MOST_BYTES)
        if piece:
            yield piece
        data = getattr(stream, "unconsumed_tail", b"")  # of zlib; the others keep it
        has_more = bool(data) or len(piece) == MOST_BYTES or not getattr(stream, "needs_input", True)
        if stream.eof or not has_more:
            return


class Pieces(io.RawIOBase):
    """An iterator of bytes as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, but for the end of the file; returns the number of bytes."""
        target = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(target):  # to its end, so that a peek of a new file sees enough of it
            if not self._rest:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._rest = memoryview(piece)
            taken = self._rest[: len(target) - filled]
            target[filled : filled + len(taken)] = taken
            self._rest = self._rest[len(taken) :]
            filled += len(taken)
        return filled
