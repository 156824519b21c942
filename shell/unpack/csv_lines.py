"""Converts CSV with a header (RFC 4180, with any separator and quote) into lines for lines.awk.

The header's names find the fields. Most lines have no quote and are split; the csv module reads the others.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from lines import AROUND, Lines, RefusedError, joined, not_kept
from refusals import EXCEL_SEPARATOR, folded, position_of, why_no_header, why_other_width
from spec import Spec
from values import converter_of

SEPARATORS = (",", ";", "\t", "|")  # that are tried, if none is declared


@dataclass(frozen=True)
class Columns:
    """Where the fields stand in the records of a header.

    width: number of cells.
    constants: texts of the path, which are added to the cells.
    pick: the texts of the fields.
    words: the names in the header, of which one as a customer's id shows that the header comes again.
    """

    width: int
    constants: list[str]
    pick: Callable[[list[str]], Sequence[str]]
    words: frozenset[str]


def csv_lines(lines: Lines, spec: Spec, in_path: Mapping[str, str]) -> Iterator[str]:
    """The lines for lines.awk. If a text has several headers, each describes the records after it.

    Args:
        in_path: the values in the path of the file, for names that the header lacks.

    Raises:
        RefusedError: the first record is not a header with the names of the sources.
    """
    separator = spec.separator
    for _, _line in zip(range(spec.skip), lines, strict=False):
        yield lines.set_aside("header")
        lines.taken.clear()
    for line in lines:
        text = line.strip(AROUND)
        found = EXCEL_SEPARATOR.fullmatch(line.strip("\ufeff \r\n"))
        if found and not separator:
            separator = found[1]
        if not found and text and not _is_comment(line, spec):
            break
        yield lines.set_aside("header" if found else "comment")
        lines.taken.clear()
    else:
        return
    lines.give_back(0)
    separator = separator_of(lines, spec, in_path, separator)
    yield from _records(lines, spec, in_path, separator)


def separator_of(lines: Lines, spec: Spec, in_path: Mapping[str, str], given: str | None) -> str:
    """The separator with which the next record is a header, or has as many cells as there are declared columns.

    Raises RefusedError if there is none.
    """
    tried: list[list[str]] = []
    for separator in [given] if given else SEPARATORS:
        cells = next(csv_records(lines, separator, spec.quote))
        text = not_kept(lines.raw()) if spec.is_private else lines.raw()
        lines.give_back(0)
        is_found = len(cells) == len(spec.column_names) if spec.column_names else columns_of(cells, spec, in_path)
        if is_found:
            return separator
        tried.append(cells)
    if spec.column_names:
        raise RefusedError(why_other_width(text, max(map(len, tried)), len(spec.column_names), spec.is_private))
    header = max(tried, key=lambda cells: (_matching(cells, spec), len(cells)))
    header = header if _matching(header, spec) or not spec.is_private else []  # it may be no header
    raise RefusedError(why_no_header(text, header, [name for name in spec.sources if name not in in_path], given))


def _matching(cells: list[str], spec: Spec) -> int:
    return sum(position_of(name, cells) is not None for name in spec.sources)


def _is_comment(line: str, spec: Spec) -> bool:
    return bool(spec.comment) and line.removeprefix("\ufeff").startswith(spec.comment)


def _records(lines: Lines, spec: Spec, in_path: Mapping[str, str], separator: str) -> Iterator[str]:
    converters = [(at, convert) for at, field in enumerate(spec.fields) if (convert := converter_of(field, spec))]
    columns = columns_of(list(spec.column_names), spec, in_path)
    if spec.column_names and not columns:
        lost = ", ".join(
            one for one in spec.sources if one not in in_path and position_of(one, spec.column_names) is None
        )
        raise RefusedError(f"`column_names` has no {lost}; add it, or correct the source of the field")
    is_first = True
    for cells in csv_records(lines, separator, spec.quote, spec.comment):
        if columns and len(cells) == columns.width:
            values = list(columns.pick(cells + columns.constants))
            is_header = is_first or values[spec.customer] in columns.words
            is_first = False
            for at, convert in converters:
                values[at] = convert(values[at])
            if spec.day is not None and not values[spec.day][:1].isdigit():
                is_header = True
            if not is_header or not columns_of(cells, spec, in_path):
                yield joined(values)
                continue
        if found := columns_of(cells, spec, in_path):
            columns = found
            yield lines.set_aside("header")
        elif _is_comment(lines.taken[0], spec):
            yield lines.set_aside("comment")
        else:
            yield lines.set_aside(problem(cells, columns.width if columns else 0))


def csv_records(lines: Lines, separator: str, quote: str, comment: str = "") -> Iterator[list[str]]:
    """The cells of each record; no cells for an empty line, for a comment and for text that is not CSV.

    A quote that is never closed would take all following text into one cell. Then only the first line of the record is
    given up, and the next line starts a new record.
    """

    def new_reader() -> Iterator[list[str]]:
        if quote:
            return csv.reader(lines, delimiter=separator, quotechar=quote, strict=True)
        return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE, strict=True)

    reader = new_reader()
    for line in lines:
        text = line.rstrip("\r\n")
        if not text or (comment and text.startswith(comment)):
            yield []
        elif not (quote and quote in text) and "\r" not in text:
            yield text.split(separator)
        else:
            lines.give_back(0)
            try:
                yield next(reader)
            except csv.Error:
                lines.give_back(1)
                reader = new_reader()
                yield []
        lines.taken.clear()


def columns_of(cells: list[str], spec: Spec, in_path: Mapping[str, str]) -> Columns | None:
    """Where the fields stand, if the cells are a header that names all of them."""
    if not cells:
        return None
    positions: dict[str, int] = {}
    constants: list[str] = []
    for name in spec.sources:
        at = position_of(name, cells)
        if at is None and name in in_path and not any(folded(cell) == folded(name) for cell in cells):
            at = len(cells) + len(constants)
            constants.append(in_path[name])
        if at is None:
            return None
        positions[name] = at
    of_fields = [[positions[name] for name in field.source] for field in spec.fields]
    return Columns(len(cells), constants, _picker(of_fields), frozenset(cells))


def _picker(of_fields: list[list[int]]) -> Callable[[list[str]], Sequence[str]]:
    """How to take the texts of fields from cells; texts of several cells are joined by a space."""
    if len(of_fields) > 1 and all(len(positions) == 1 for positions in of_fields):
        return itemgetter(*(positions[0] for positions in of_fields))
    return lambda cells: [
        cells[positions[0]] if len(positions) == 1 else joined_by_space(cells[at] for at in positions)
        for positions in of_fields
    ]


def joined_by_space(texts: Iterator[str]) -> str:
    """The texts without surrounding blanks, one space between them; empty ones are left out."""
    return " ".join(filter(None, (text.strip() for text in texts)))


def problem(cells: list[str], width: int) -> str:
    """Why a record with another number of cells than the header is rejected."""
    if not cells:
        return "unreadable_record"
    return "too_few_fields" if len(cells) < width else "too_many_fields"
