"""What a text is that is neither JSON nor CSV with the declared names, in words; and how names match."""

import re
from collections.abc import Mapping, Sequence

from lines import AROUND
from names import shown

MOST_CHARACTERS = 120  # of a header, in a message
MANY = 20  # objects, of which some have each key that counts
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
EXCEL_SEPARATOR = re.compile(r"sep=(.)", re.IGNORECASE)
KEY = re.compile(r'"(?:[^"\\]|\\.)*"\s*:')


def position_of(name: str, header: Sequence[str]) -> int | None:
    """Where a name stands in a header: exactly, or without surrounding blanks, or in other case, if once only."""
    for alike in (str, str.strip, folded):
        found = [at for at, cell in enumerate(header) if alike(cell.removeprefix("\ufeff")) == alike(name)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def folded(name: str) -> str:
    """Equal for names that differ in upper and lower case and in surrounding blanks only."""
    return name.removeprefix("\ufeff").strip().casefold()


def why_no_header(line: str, cells: Sequence[str], names: Sequence[str], separator: str | None) -> str:
    """Why the first record of a text is no header with these names: what the text is, and what to do.

    Args:
        line: the first record as it came.
        cells: of the record as CSV; empty where it is none.
        separator: the declared one.
    """
    text = line.strip(AROUND)
    missing = [name for name in names if position_of(name, cells) is None]
    twice = [name for name in missing if sum(folded(cell) == folded(name) for cell in cells) > 1]
    wrong = ", ".join(missing)
    return f"{_what_it_is(text, cells, names, twice, separator)}; a CSV header must have each of these once: {wrong}"


def why_other_width(line: str, width: int, declared: int, is_private: bool) -> str:
    """Why the first record of a text without a header cannot be read: it has another number of columns."""
    shown_line = "" if is_private else f" ({_cut(line.strip(AROUND))})"
    return f"its first line has {width} columns{shown_line}, and `column_names` has {declared}; give a name for each"


def _what_it_is(
    text: str, header: Sequence[str], names: Sequence[str], twice: Sequence[str], separator: str | None
) -> str:
    if text.startswith("<"):
        return "it is XML or HTML; export it as CSV or JSON lines"
    for other, word in SEPARATORS.items():
        cells = text.split(other)
        if other != separator and sum(position_of(name, cells) is not None for name in names) > 1 and separator:
            return f"its fields are separated by {word}; declare this `separator`"
    if twice:
        return f"its header has {twice[0]} several times ({_cut(', '.join(header))}); rename all but one"
    known = {same_name(name) for name in names}
    spelled = [cell for cell in header if folded(cell) not in map(folded, names) and same_name(cell) in known]
    if spelled:
        return f"its header has other spellings ({_cut(', '.join(spelled))}); declare them as sources of the fields"
    if any(position_of(name, header) is not None for name in names):
        return f"its header lacks fields (it has {_cut(', '.join(header))}); declare their names as the file has them"
    return f"its first line is not a JSON object, and no header of this event ({_cut(text)}); fix the header"


def why_no_key(name: str, first: Mapping[str, object], count: int) -> str:
    """Why none of some objects has a key that counts, if it lies elsewhere in the first, or if they are many."""
    if other := _elsewhere(name, first):
        return f"none of its objects has the key {name}, but {shown(other)}; declare it as the source of the field"
    if key := next((key for key, value in first.items() if _is_list_of_objects(value)), ""):
        but = f"its key {shown(key)} has a list of objects; write that list alone"
        return f"none of its objects has the key {name}, but {but}"
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


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def same_name(name: str) -> str:
    """Equal for names that differ in upper and lower case, spaces and signs only, such as `userId` and `user_id`."""
    return "".join(filter(str.isalnum, name)).lower()


def _cut(text: str) -> str:
    return shown(text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + "...")
