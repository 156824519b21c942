"""What a text is that is neither JSON lines nor CSV with the declared header, in words."""

import re
from collections.abc import Mapping, Sequence

from lines import AROUND
from names import shown

MOST_CHARACTERS = 120  # of a header, in a message
MANY = 20  # objects, of which some have each key that counts
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
EXCEL_SEPARATOR = re.compile(r"sep=(.)\s*", re.IGNORECASE)
KEY = re.compile(r'"(?:[^"\\]|\\.)*"\s*:')
OVER_SEVERAL_LINES = "its JSON objects go over several lines; write each on a line of its own, such as by `jq -c .`"
LINES_END_WITH_CR = "its lines end with a carriage return alone; end them with a line feed"


def named(cells: Sequence[str]) -> list[str]:
    """The names in a header, without a byte order mark and surrounding blanks."""
    return [cell.removeprefix("\ufeff").strip() for cell in cells]


def why_no_header(line: str, cells: Sequence[str], names: Sequence[str]) -> str:
    """Why the first record of a text is no header with these names: what the text is, and what to do.

    Args:
        line: the first line as it came.
        cells: of the record as CSV; empty where it is none.
    """
    text = line.strip(AROUND)
    header = named(cells)
    wrong = ", ".join(name for name in names if header.count(name) != 1)
    return f"{_what_it_is(text, header, names)}; a CSV header must have each of these once: {wrong}"


def _what_it_is(text: str, header: Sequence[str], names: Sequence[str]) -> str:
    if text.startswith("["):
        return "it is a JSON array; write one object on each line, such as by `jq -c '.[]'`"
    if text.startswith("<"):
        return "it is XML or HTML; export it as CSV or JSON lines"
    if found := EXCEL_SEPARATOR.fullmatch(text):
        separator = "" if found[1] == "," else ", and separate the fields by commas"
        return f"its first line, {shown(text)}, is for Excel alone; remove it{separator}"
    for separator, name in SEPARATORS.items():
        if sum(same_name(cell) in map(same_name, names) for cell in named(text.split(separator))) > 1:
            return f"its fields are separated by {name}; separate them by commas"
    spelled = [cell for cell in header if cell not in names and same_name(cell) in map(same_name, names)]
    if spelled:
        return f"its header has other spellings ({_cut(', '.join(spelled))}); fix the header"
    return f"its first line is not a JSON object, and no header of this event ({_cut(text)}); fix the header"


def why_no_key(name: str, first: Mapping[str, object], count: int) -> str:
    """Why none of some objects has a key that counts, if it lies elsewhere in the first, or if they are many."""
    if other := _elsewhere(name, first):
        return f"none of its objects has the key {name}, but {shown(other)}; write it under that name"
    if count >= MANY:
        return f"none of its {count} objects has the key {name}; the first has {_cut(', '.join(first))}"
    return ""


def _elsewhere(name: str, found: Mapping[str, object]) -> str:
    """A key that differs in spelling only, or the path of the key within another object; empty if there is none."""
    for key, value in found.items():
        if same_name(key) == same_name(name):
            return key
        if isinstance(value, dict) and (inner := _elsewhere(name, value)):
            return f"{key}.{inner}"
    return ""


def same_name(name: str) -> str:
    """Equal for names that differ in upper and lower case, spaces and signs only, such as `userId` and `user_id`."""
    return "".join(filter(str.isalnum, name)).lower()


def _cut(text: str) -> str:
    return shown(text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + "...")
