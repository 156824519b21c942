"""One idea: the lines of CSV with a header (RFC 4180), fields found by the header's names."""

import csv
from collections.abc import Iterator
from datetime import tzinfo

from clock import on_clock
from lines import Lines, Refused, joined


def csv_lines(lines: Lines, names: list[str], day: int, zone: tzinfo) -> Iterator[str]:
    """The lines for lines.awk. In an archive of several files each header says what comes after it.

    Raises:
        Refused: the first record is no header with these names.
    """
    columns: list[int] = []
    width = 0
    for cells in csv_records(lines):
        if cells and len(cells) == width:
            values = [cells[column] for column in columns]
            time = on_clock(values[day], zone)
            if time or not columns_of(cells, names):
                values[day] = time or values[day]
                yield joined(values)
                continue
        if found := columns_of(cells, names):
            columns, width = found, len(cells)
            yield lines.set_aside("header")
        elif not width:
            raise Refused(missing(cells, names))
        else:
            yield lines.set_aside(problem(cells, width))


def csv_records(lines: Lines) -> Iterator[list[str]]:
    """The cells of each record, none for an empty line and for what is no CSV.

    A quote that is never closed takes all that follows into one cell. Then only the line that the record began with
    is given up, and the next one begins anew.
    """
    reader = csv.reader(lines, strict=True)
    while True:
        lines.taken.clear()
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            lines.give_back(1)
            yield []


def named(cells: list[str]) -> list[str]:
    return [cell.removeprefix("\ufeff").strip() for cell in cells]


def columns_of(cells: list[str], names: list[str]) -> list[int]:
    """Where each name stands in a header; nothing for a record that is no header."""
    header = named(cells)
    return [header.index(name) for name in names] if all(header.count(name) == 1 for name in names) else []


def missing(cells: list[str], names: list[str]) -> str:
    header = named(cells)
    wrong = ", ".join(name for name in names if header.count(name) != 1)
    return f"its first line is no JSON object, and a CSV header must name each of these once: {wrong}; mend the header"


def problem(cells: list[str], width: int) -> str:
    """Why a record that has another number of cells than the header is none."""
    if not cells:
        return "unreadable_record"
    return "too_few_fields" if len(cells) < width else "too_many_fields"
