"""Converts the text of an archive, CSV with a header or JSON lines, into tab separated lines for lines.awk.

    python3 records.py NAMES DAY ZONE <text >lines      such as: customer_id,visited_at 2 Europe/Berlin

Text that begins with `{` is JSON. Each line has the fields NAMES in this order. Field number DAY, a time, is converted
to ZONE. Text that cannot be read is written with a reason (lines.py), and lines.awk rejects it. Bytes that are not
UTF-8 stay unchanged. Standard error gets the number of lines. Exit status: 2 there is no such zone; 3 a CSV header
lacks one of NAMES.
"""

import codecs
import sys
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from io import TextIOWrapper

from clock import clock_of
from csv_lines import csv_lines
from json_lines import json_lines
from lines import AROUND, Lines, Refused


def landed(text: Iterable[str], names: list[str], day: int, zone: tzinfo) -> Iterator[str]:
    """The lines for lines.awk; `day` counts from 0. Raises Refused for CSV whose header lacks one of the names."""
    lines = Lines(text)
    for line in lines:
        if begin := line.strip(AROUND):
            lines.give_back(0)
            yield from (json_lines if begin.startswith("{") else csv_lines)(lines, names, day, zone)
        else:
            yield lines.set_aside("blank")
            lines.taken.clear()


def as_it_came(error: UnicodeError) -> tuple[bytes, int]:
    """Encodes bytes that were not UTF-8 unchanged, and half a character of JSON so that lines.awk rejects it."""
    assert isinstance(error, UnicodeEncodeError)
    half = error.object[error.start]
    byte = ord(half) - 0xDC00
    return bytes([byte]) if 0x80 <= byte <= 0xFF else half.encode("utf-8", "surrogatepass"), error.start + 1


def write(lines: Iterable[str]) -> int:
    """Writes the lines to standard output and returns their number."""
    codecs.register_error("as_it_came", as_it_came)
    out = TextIOWrapper(sys.stdout.buffer, "utf-8", "as_it_came", newline="\n")
    count = 0
    for line in lines:
        out.write(line + "\n")
        count += 1
    out.flush()
    return count


def main(names: str, day: str, zone: str) -> int:
    try:
        clock = clock_of(zone)
    except (KeyError, ValueError, OSError):
        print(f"{zone} is not a time zone", file=sys.stderr)
        return 2
    text = TextIOWrapper(sys.stdin.buffer, "utf-8-sig", "surrogateescape", newline="\n")
    try:
        print(write(landed(text, names.split(","), int(day) - 1, clock)), file=sys.stderr)
        return 0
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 3
    finally:
        # Reads to the end: otherwise the program that writes the text fails, and the error names the wrong cause.
        while sys.stdin.buffer.read(1 << 20):
            pass


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
