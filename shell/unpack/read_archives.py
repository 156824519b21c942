"""Writes the text of archives, member by member, as lines for lines.awk. Serves one worker of unpack.sh.

    python3 read_archives.py RAW_ROOT WORK TEXT <requests >answers

A request is a line of tab separated fields: FOLDER FILES MEMBERS HEADER NAMES CUSTOMER DAY ZONE SPEC PATH. The archive
is RAW_ROOT/PATH, and FILES the shell pattern of its event. Its text goes to the named pipe TEXT, in NFC (bytes that are
not UTF-8 stay as they are). If NAMES and SPEC (spec.py) are empty, lines are written as they come, without the first
HEADER lines of each member; otherwise each member is CSV with a header of its own or JSON (records.py). A member's last
line ends with a line break, also where the member has none.

Members whose names match MEMBERS are used; if it is empty, those that match FILES, or all if no name does. A member may
be compressed. Hidden members, links, archives within the archive and documents are not used. WORK/FOLDER/members gets
`used TAB NAME`, `hidden TAB NAME` or `skipped TAB NAME TAB REASON` of each member. The answer is
STATUS/RECORDS/HEADER/MESSAGE: 0 and the numbers of records written (of CSV, JSON and Parquet) and of lines dropped; 3
if the archive cannot be read; 1 for any other error.
"""

import errno
import io
import os
import sys
import time
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TextIO, cast
from unicodedata import is_normalized, normalize

from compression import (
    BEGINNING_BYTES,
    COMPRESSED,
    UnreadableError,
    decompressed,
    is_archive,
    kind_of,
    why_unreadable,
)
from lines import RefusedError, RefusedLateError
from members import Member, members_of
from names import is_document, is_hidden, is_list, matches, shown

if TYPE_CHECKING:
    from records import Records

COPY_BYTES = 1 << 18
IS_DOCUMENT = "its name is that of a document or a list, not of a log"
IS_ARCHIVE = "it is an archive within the archive; unpack it first"


class PlainLines:
    """Writes lines as they come, in NFC, so that each spelling of an id or a title is one text."""

    kinds: frozenset[str] = frozenset()

    def __init__(self, out: BinaryIO, header: int) -> None:
        self._out, self._header = out, header
        self.dropped = 0

    def write(self, content: io.BufferedReader, _name: str = "") -> None:
        """Write a member without its header, and a line break at its end."""
        for _line in range(self._header):
            self.dropped += self._drop_line(content)
        rest = b""  # of a line that the next piece goes on with: it may begin with an accent
        while piece := content.read(COPY_BYTES):
            lines, line_break, rest = (rest + piece).rpartition(b"\n")
            self._out.write(in_nfc(lines + line_break))
            if len(rest) > COPY_BYTES:  # longer than any line of a log
                self._out.write(rest[:-1])
                rest = rest[-1:]
        if rest:
            self._out.write(in_nfc(rest) + b"\n")

    def _drop_line(self, content: io.BufferedReader) -> bool:
        """Drop a line; False if there is none."""
        begin = piece = content.readline(COPY_BYTES)
        while piece and not piece.endswith(b"\n"):
            piece = content.readline(COPY_BYTES)
        return bool(begin)

    def finish(self) -> int:
        """Nothing more is to be written; lines are not counted here."""
        return 0


def in_nfc(text: bytes) -> bytes:
    """Whole lines in NFC. Most are already: those in ASCII cost nothing, others a fraction of what awk takes."""
    if text.isascii():
        return text
    decoded = text.decode("utf-8", "surrogateescape")
    if is_normalized("NFC", decoded):
        return text
    return normalize("NFC", decoded).encode("utf-8", "surrogateescape")


class Output(Protocol):
    """Takes the content of members. `kinds` are the kinds of files that it reads, besides UTF-8."""

    kinds: frozenset[str]

    def write(self, content: io.BufferedReader, name: str = "", /) -> None:
        """Take a member of a name, which is empty for a file that is no archive."""


class Reader:
    """Chooses the members that are logs, and writes them."""

    def __init__(self, out: Output, files: str, members: str, notes: TextIO) -> None:
        self._out, self._files, self._notes = out, members or files, notes
        self._waiting: list[tuple[str, BinaryIO]] = []  # members that are used if no name matches the pattern
        self._has_members = bool(members)
        self._is_matched = bool(members)  # then only names that match are used
        self._used = 0
        self._reason = ""  # why the first one was skipped

    def read(self, archive: BinaryIO, name: str) -> None:
        """Write the members of an archive. Raises UnreadableError, also if there are members and none is a log."""
        for member in members_of(archive, name, self._out.kinds):
            self._take(member)
        for waiting, content in self._waiting:
            content.seek(0)
            try:
                self._use(waiting, cast(io.BufferedReader, content))
            except RefusedLateError as refused:
                raise UnreadableError(f"{shown(waiting)}: {refused}") from None
            except RefusedError as refused:
                self._skip(waiting, str(refused))
        if self._reason and not self._used:
            raise UnreadableError(f"no member is a log of this event: {self._reason}")

    def _take(self, member: Member) -> None:
        if not member.name:
            self._use("", member.open())
        elif is_hidden(member.name):
            self._note("hidden", member.name)
        elif member.other or is_list(member.last_name):
            self._skip(member.name, member.other or IS_DOCUMENT)
        else:
            try:
                self._take_file(member, member.open())
            except member.errors as error:
                raise UnreadableError(f"{shown(member.name)}: {error}; fetch the archive again") from None

    def _take_file(self, member: Member, content: io.BufferedReader) -> None:
        kind = kind_of(content.peek(BEGINNING_BYTES))
        if kind in COMPRESSED:
            try:
                content = decompressed(content, kind)
                kind = kind_of(content.peek(BEGINNING_BYTES))
            except UnreadableError as error:
                if matches(member.last_name, self._files):
                    raise UnreadableError(f"{shown(member.name)}: {error}") from None
                self._skip(member.name, str(error))
                return
        kind = "" if kind in self._out.kinds else kind
        if kind == "PDF" or is_archive(kind):
            self._skip(member.name, IS_DOCUMENT if kind == "PDF" else IS_ARCHIVE)
        elif kind and matches(member.last_name, self._files):
            raise UnreadableError(f"{shown(member.name)}: {why_unreadable(kind)}")
        elif kind:
            self._skip(member.name, why_unreadable(kind))
        elif matches(member.last_name, self._files):
            self._is_matched = True
            for waiting, _ in self._waiting:
                self._skip_other_name(waiting)
            self._waiting.clear()
            try:
                self._use(member.name, content)
            except RefusedError as refused:
                raise UnreadableError(f"{shown(member.name)}: {refused}") from None
        elif self._is_matched:
            self._skip_other_name(member.name)
        elif is_document(member.last_name):
            self._skip(member.name, IS_DOCUMENT)
        else:
            self._keep(member.name, content)

    def _keep(self, name: str, content: io.BufferedReader) -> None:
        """Keep a member on the disk until it is known whether a name matches the pattern."""
        from tempfile import TemporaryFile  # few archives need it, and it takes a while to load

        kept = TemporaryFile(dir=".")  # noqa: SIM115 - it is closed with the process
        while piece := content.read(COPY_BYTES):
            kept.write(piece)
        self._waiting.append((name, kept))

    def _use(self, name: str, content: io.BufferedReader) -> None:
        self._out.write(content, name)
        self._used += 1
        if name:
            self._note("used", name)

    def _skip(self, name: str, reason: str) -> None:
        self._note("skipped", name, reason)
        self._reason = self._reason or f"{shown(name)}: {reason}"

    def _skip_other_name(self, name: str) -> None:
        another = "" if self._has_members else ", and that of another member does"
        self._skip(name, f"its name does not match {self._files}{another}")

    def _note(self, what: str, name: str, *reason: str) -> None:
        print(what, shown(name), *reason, sep="\t", file=self._notes)


class PipeError(Exception):
    """The named pipe has no reader any more."""


class Pipe(io.RawIOBase):
    """The named pipe TEXT, with an error of its own."""

    def __init__(self, path: str) -> None:
        self._descriptor = opened_pipe(path)

    def writable(self) -> bool:
        """Whether it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Write some of the bytes; returns how many. Raises PipeError if nobody reads them."""
        try:
            return os.write(self._descriptor, data)
        except BrokenPipeError:
            raise PipeError from None

    def close(self) -> None:
        """Let the reader see the end."""
        if not self.closed:
            os.close(self._descriptor)
            super().close()


def opened_pipe(path: str) -> int:
    """The descriptor of a named pipe, opened for writing when it has a reader; ends if the worker has ended."""
    worker = os.getppid()
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO or os.getppid() != worker:
                raise
            time.sleep(0.001)
        else:
            os.set_blocking(descriptor, True)
            return descriptor


def answer(raw_root: str, work: str, text: str, request: str) -> str:
    """Write the text of an archive; returns the answer."""
    folder, files, members, header, names, customer, day, zone, spec, path = request.split("\t")
    pipe = Pipe(text)
    try:
        buffered = io.BufferedWriter(pipe, COPY_BYTES)
        out: PlainLines | Records
        if names or spec:
            import records
            from spec import of_names, of_option

            day_at = int(day) - 1 if day != "0" else None
            declared = of_option(spec) if spec else of_names(names, int(customer) - 1, day_at, zone)
            out = records.Records(buffered, declared, path)
        else:
            out = PlainLines(buffered, int(header))
        notes_path = f"{work}/{folder}/members"
        with (
            open(notes_path, "w", encoding="utf-8") as notes,  # noqa: PTH123 - pathlib takes long to load
            open(f"{raw_root}/{path}", "rb") as archive,  # noqa: PTH123
        ):
            Reader(out, files, members, notes).read(archive, path.rpartition("/")[2])
        count = out.finish()
        buffered.flush()
        return f"0/{count}/{out.dropped}/"
    except (UnreadableError, RefusedError) as error:
        return f"3/0/0/{error}"
    except PipeError:
        return "1/0/0/the program that reads the text has ended"
    except Exception as error:
        return f"1/0/0/{type(error).__name__}: {error}"
    finally:
        pipe.close()


def main(raw_root: str, work: str, text: str) -> None:
    """Answer requests until there are no more."""
    for request in sys.stdin:
        line = answer(raw_root, work, text, request.rstrip("\n"))
        print(" ".join(line.split()), flush=True)


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    main(*sys.argv[1:])
