"""Converts CSV with a header (RFC 4180) into lines for lines.awk; the header's names find the fields."""

import csv
from collections.abc import Iterator
from datetime import tzinfo

from clock import on_clock
from lines import Lines, RefusedError, joined
from refusals import named, why_no_header


def csv_lines(lines: Lines, names: list[str], day: int, zone: tzinfo) -> Iterator[str]:
    """The lines for lines.awk. If an archive has several files, each header describes the records after it.

    Raises:
        RefusedError: the first record is not a header with these names.
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
            raise RefusedError(why_no_header(lines.taken[0], cells, names))
        else:
            yield lines.set_aside(problem(cells, width))


def csv_records(lines: Lines) -> Iterator[list[str]]:
    """The cells of each record; no cells for an empty line and for text that is not CSV.

    A quote that is never closed would take all following text into one cell. Then only the first line of the record is
    given up, and the next line starts a new record.
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


def columns_of(cells: list[str], names: list[str]) -> list[int]:
    """The position of each name in a header; empty for a record that is not a header."""
    header = named(cells)
    return [header.index(name) for name in names] if all(header.count(name) == 1 for name in names) else []


def problem(cells: list[str], width: int) -> str:
    """Why a record with another number of cells than the header is rejected."""
    if not cells:
        return "unreadable_record"
    return "too_few_fields" if len(cells) < width else "too_many_fields"
