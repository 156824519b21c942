"""The records in some pieces of a text: CSV in any spelling, JSON in any layout, or Parquet."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, Literal

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
csv.field_size_limit(1 << 24)  # a cell may be a long text, and a quote that is not closed takes all that follows
Format = Literal["CSV", "JSON lines", "JSON array", "JSON objects", "Parquet", "lines"]
LOOKED_AT_LINES = 400  # to find the separator
COMMENTS = ("#",)
Row = dict[str, str]


@dataclass
class Records:
    """Records as texts by the names in the file; a missing value is an empty text.

    separator, quote, comment: of CSV; empty where there is none. has_header: whether CSV names its columns; otherwise
    the names are `field_1` and so on.
    unreadable: number of records, or lines, that are none. of_piece: of each row the number of its piece.
    types: for Parquet, the type of each column.
    """

    format: Format
    names: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    separator: str = ""
    quote: str = '"'
    comment: str = ""
    has_separator_line: bool = False
    has_header: bool = True
    unreadable: int = 0
    of_piece: list[int] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)


def records_of(pieces: Sequence[str]) -> Records:
    """The records of a text, given its beginning and other pieces, which may begin and end within a record."""
    begin = pieces[0].lstrip()
    if begin.startswith(("{", "[{", "[\n", "[\r", "[ ")):
        return _json_records(pieces, begin)
    return _csv_records(pieces)


# ---------------------------------------------------------------- JSON

# Numbers stay as they are written: a float would round ids.
DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=lambda name: None, strict=False)


def _json_records(pieces: Sequence[str], begin: str) -> Records:
    lines = split_breaks(begin)
    if begin.startswith("{") and _object(lines[0]) is not None:
        found = Records("JSON lines")
        for number, text in whole_lines(pieces):
            _add_object(found, _object(text), number)
    else:
        found = Records("JSON array" if begin.startswith("[") else "JSON objects")
        for value in _objects(begin):
            _add_object(found, value, 0)
    found.rows = [{name: row.get(name, "") for name in found.names} for row in found.rows]
    return found


def _add_object(found: Records, value: Any, piece: int) -> None:
    if not isinstance(value, dict):
        found.unreadable += 1
        return
    row = dict(flattened(value))
    known = set(found.names)
    found.names += [name for name in row if name not in known]
    found.rows.append(row)
    found.of_piece.append(piece)


def _object(text: str) -> Any:
    try:
        return DECODER.decode(text.strip())
    except (ValueError, RecursionError):
        return None


def _objects(text: str) -> Iterator[Any]:
    """The objects of an array, or of a sequence of objects, up to the first that is cut off."""
    at, end = 0, len(text)
    while True:
        while at < end and text[at] in " \t\r\n,[":
            at += 1
        try:
            value, at = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        yield value


def flattened(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The values of an object by name as texts; the names within an object stand behind a dot."""
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, dict):
            yield from flattened(inner, f"{name}.")
        elif isinstance(inner, list):
            yield name, json.dumps(inner, ensure_ascii=False)
        elif isinstance(inner, bool):
            yield name, str(inner).lower()
        else:
            yield name, "" if inner is None else str(inner)


# ---------------------------------------------------------------- CSV


def whole_lines(pieces: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The lines of all pieces with the number of the piece, but for blank lines and those that a piece has cut."""
    for number, piece in enumerate(pieces):
        lines = split_breaks(piece)
        first = 0 if number == 0 else 1
        last = len(lines) if number == len(pieces) - 1 else -1
        yield from ((number, line) for line in lines[first:last] if line.strip())


def split_breaks(text: str) -> list[str]:
    """The lines of a text, that end with CR, LF or both; other characters that end a line for Python are text."""
    return [f"{line}\n" for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]


def _csv_records(pieces: Sequence[str]) -> Records:
    lines = pieces[0].splitlines()
    found = Records("CSV")
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].rstrip()) == 5:
        found.has_separator_line, found.separator = True, lines[0][4]
        lines = lines[1:]
    found.comment = next((mark for mark in COMMENTS if lines and lines[0].startswith(mark)), "")
    shown = [line for line in lines[:LOOKED_AT_LINES] if line.strip() and not is_comment(line, found.comment)]
    if not found.separator:
        found.separator, is_spaced = separator_of(shown)
        if is_spaced:
            found.format = "lines"
    if found.format == "CSV":
        found.quote = quote_of(shown, found.separator)
    numbered = list(_cells(pieces, found))
    rows = [row for _, row in numbered]
    width = Counter(map(len, rows[:LOOKED_AT_LINES])).most_common(1)[0][0] if rows else 0
    header = rows[0] if rows else []
    found.has_header = is_header(header, rows[1:LOOKED_AT_LINES])
    found.names = [name.strip() for name in header] if found.has_header else [f"field_{n + 1}" for n in range(width)]
    body = rows[1:] if found.has_header else rows
    is_right = [len(row) == len(found.names) for row in body]
    found.unreadable = is_right.count(False)
    found.rows = [dict(zip(found.names, map(str.strip, row), strict=True)) for row in compress(body, is_right)]
    found.of_piece = list(compress((number for number, _ in numbered[len(rows) - len(body) :]), is_right))
    return found


def is_comment(line: str, comment: str) -> bool:
    """Whether a line is a comment."""
    return bool(comment) and line.startswith(comment)


def _cells(pieces: Sequence[str], found: Records) -> Iterator[tuple[int, list[str]]]:
    for number, piece in enumerate(pieces):
        # A piece in the midst may begin within a record, and one before the last ends within one.
        lines = split_breaks(piece)
        lines = lines[1 if number or found.has_separator_line else 0 : None if number == len(pieces) - 1 else -1]
        kept = [line for line in lines if line.strip() and not is_comment(line, found.comment)]
        yield from ((number, row) for row in split_lines(kept, found))


def split_lines(lines: Iterable[str], found: Records) -> Iterator[list[str]]:
    """The cells of each record."""
    if found.format == "lines":
        yield from (line.split() for line in lines)
    elif found.quote:
        yield from csv.reader(lines, delimiter=found.separator, quotechar=found.quote)
    else:
        yield from csv.reader(lines, delimiter=found.separator, quoting=csv.QUOTE_NONE)


def separator_of(lines: Sequence[str]) -> tuple[str, bool]:
    """The separator with which most lines have the same number of fields; and whether it is runs of spaces."""
    best, best_score = ",", (0.0, 0)
    for separator in SEPARATORS:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=separator))
        width, count = max(widths.items(), key=lambda item: item[1]) if widths else (0, 0)
        score = (round(count / max(widths.total(), 1), 1), width)
        if width > 1 and score > best_score:
            best, best_score = separator, score
    spaced = Counter(len(line.split()) for line in lines)
    width, count = spaced.most_common(1)[0] if spaced else (0, 0)
    if best_score[1] < 2 and width > 1 and count > 0.95 * len(lines):
        return " ", True
    return best, False


def quote_of(lines: Sequence[str], separator: str) -> str:
    """The quote: a single one if many cells stand between two of them and none between double ones."""
    cells = [cell.strip() for line in lines for cell in line.split(separator)]
    quoted = {mark: sum(len(cell) > 1 and cell[0] == cell[-1] == mark for cell in cells) for mark in "\"'"}
    return "'" if quoted["'"] > 0.05 * len(cells) and not quoted['"'] else '"'


def is_header(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether the first record has names: different texts, none with a value like those below it."""
    names = [cell.strip() for cell in first]
    if not all(names) or len({name.lower() for name in names}) < len(names):
        return False
    if any(name[:1].isdigit() or name[:1] in "-+(€$£" for name in names):
        return False
    below = [row for row in others if len(row) == len(names)]
    repeated = sum(any(row[at].strip() == name for row in below) for at, name in enumerate(names))
    return repeated <= len(names) / 2
