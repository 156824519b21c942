"""Leaves customers out of a log before lines.awk judges it. Reads lines, and writes those that lines.awk needs.

    python3 sample.py LIMIT FIELDS CUSTOMER SEPARATOR <lines >fewer_lines

A customer is in the sample if crc32(id in one spelling, without leading zeros and a last `.0`) mod 10000 < LIMIT, with
the CRC of zlib and of Spark's `crc32` (features/sampling.py). The spelling is that of features/values.py, so that all
lines of a customer are kept or none. The other arguments are the event's, as lines.awk gets them.

A line with the right number of fields is written if its customer is in the sample, and dropped otherwise. lines.awk
must see every other line: it repairs some and rejects the rest. In front of each of them stands a note, which
sampled.awk reads: `DROPPED OUTSIDE OUTSIDE_JOINED` and FIELDS tabs (no line that is written without a note has so
many). DROPPED is the number of lines dropped since the last note. OUTSIDE is 1 if the line, once repaired, belongs to a
customer outside the sample; OUTSIDE_JOINED is the same for the line joined to the one before. A last note, with no line
after it, tells the remaining DROPPED if there are any. Standard error gets the number of lines read.
"""

import os
import re
import sys
from collections.abc import Iterator
from itertools import compress, repeat
from operator import itemgetter
from typing import BinaryIO
from zlib import crc32

TAB = b"\t"
LONGEST_BYTES = 65536  # longest_bytes of lines.awk
ALL_BUT_SHAPE = bytes(byte for byte in range(256) if byte not in b"\t\r\n")
# As in features/values.py.
SPACES = re.compile("[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
INVISIBLE = re.compile("[\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+")
ZEROS_AFTER_POINT = re.compile(rb"^([+-]?[0-9]+)[.]0*\Z")
MOST_CUSTOMERS = 1_000_000  # remembered at a time: about 100 MB


class Customers(dict[bytes, bool]):
    """Whether the customer of an id is in the sample; computed at the first use of the id."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self._limit = limit

    def __missing__(self, customer_id: bytes) -> bool:
        if len(self) >= MOST_CUSTOMERS:
            self.clear()
        one = ZEROS_AFTER_POINT.sub(rb"\1", one_spelling(customer_id))
        plain = one.lstrip(b"0") or (b"0" if one else b"")
        self[customer_id] = is_inside = crc32(plain) % 10_000 < self._limit
        return is_inside


def one_spelling(customer_id: bytes) -> bytes:
    """The id without invisible characters and white space around it; bytes that are not UTF-8 stay unchanged."""
    if customer_id.isascii():
        return b" ".join(customer_id.split())
    text = INVISIBLE.sub("", customer_id.decode("utf-8", "surrogateescape"))
    return SPACES.sub(" ", text).strip(" ").encode("utf-8", "surrogateescape")


class Sampler:
    """Writes the lines of the customers in the sample, and notes for sampled.awk."""

    def __init__(self, limit: float, fields: int, customer: int, separator: str) -> None:
        self.lines_read = 0
        self._is_inside = Customers(limit)
        self._fields = fields
        self._customer = customer
        self._is_spaced = separator == "space"
        self._dropped = 0  # since the last note
        self._before: bytes | None = None  # the line before, if lines.awk may join it to the next one
        # The shapes (tabs and CR only) of lines with the right number of fields. None with one field, since an empty
        # line has the same shape; none with CR right after the customer's id, since it is not part of the id.
        whole = TAB * (fields - 1)
        endings = [b""] if customer == fields else [b"", b"\r"]
        self._whole = frozenset() if self._is_spaced or fields == 1 else frozenset(whole + end for end in endings)

    def write(self, block: bytes, out: BinaryIO) -> None:
        """Writes what lines.awk needs of a block of whole lines, of which the last one has no line break."""
        lines = block.split(b"\n")
        written: list[bytes] = []
        done = 0
        self.lines_read += len(lines)
        for at in self._not_whole(block, lines):
            self._add_whole(lines[done:at], written)
            self._add_other(lines[at], written)
            done = at + 1
        self._add_whole(lines[done:], written)
        out.write(b"".join(line + b"\n" for line in written))

    def finish(self, out: BinaryIO) -> None:
        """Writes the last note, unless it has nothing to tell."""
        if self._dropped:
            out.write(self._note(False, False) + b"\n")

    def _not_whole(self, block: bytes, lines: list[bytes]) -> list[int]:
        """The places of the lines that may not have the right number of fields, or are too long."""
        shapes = block.translate(None, ALL_BUT_SHAPE).split(b"\n")
        if len(lines[0]) > LONGEST_BYTES:  # all others are shorter: see blocks()
            shapes[0] = b"too long"
        whole = self._whole
        return [at for at, shape in enumerate(shapes) if shape not in whole]

    def _add_whole(self, lines: list[bytes], written: list[bytes]) -> None:
        """Adds the lines of the sample. The loops run in C, since this is most of the work."""
        if not lines:
            return
        heads = map(bytes.split, lines, repeat(TAB), repeat(self._customer))
        inside = map(self._is_inside.__getitem__, map(itemgetter(self._customer - 1), heads))
        kept = list(compress(lines, inside))
        written += kept
        self._dropped += len(lines) - len(kept)
        self._before = None

    def _add_other(self, line: bytes, written: list[bytes]) -> None:
        """Adds a line with its note; drops it if it has the right number of fields after all and is outside."""
        text = line.removesuffix(b"\r")
        if self._is_spaced:
            text = TAB.join(filter(None, text.replace(b" ", TAB).split(TAB)))
        outside = self._is_outside(text)
        # A line that begins with CR may come from lines.py, with a reason to reject it.
        is_judged = text.count(TAB) == self._fields - 1 and len(line) <= LONGEST_BYTES and line[:1] not in (b"", b"\r")
        if outside and is_judged and text:
            self._dropped += 1
            self._before = None
            return
        outside_joined = self._before is not None and self._is_outside(self._before + text)
        written += [self._note(outside, outside_joined), line]
        self._before = text

    def _is_outside(self, text: bytes) -> bool:
        """Whether lines.awk, if it can take this text for a record, has to leave it out."""
        values = text.split(TAB)
        if len(values) == self._fields + 1 and not values[0]:
            del values[0]
        return len(values) == self._fields and not self._is_inside[values[self._customer - 1]]

    def _note(self, outside: bool, outside_joined: bool) -> bytes:
        dropped, self._dropped = self._dropped, 0
        return b"%d %d %d" % (dropped, outside, outside_joined) + TAB * self._fields


def blocks(source: int) -> Iterator[bytes]:
    """Whole lines, many at a time, without the last line break.

    No more is read at a time than the longest line may have. So only a block's first line, which may have begun in an
    earlier read, can be longer.
    """
    begun: list[bytes] = []
    while data := os.read(source, LONGEST_BYTES):
        lines, line_break, rest = data.rpartition(b"\n")
        if line_break:
            yield b"".join([*begun, lines])
            begun = []
        begun.append(rest)
    if last := b"".join(begun):
        yield last


def main(limit: str, fields: str, customer: str, separator: str) -> None:
    """Copy the lines of sampled customers from standard input to standard output."""
    sampler = Sampler(float(limit), int(fields), int(customer), separator)
    out = sys.stdout.buffer
    for block in blocks(sys.stdin.fileno()):
        sampler.write(block, out)
    sampler.finish(out)
    out.flush()
    print(sampler.lines_read, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
