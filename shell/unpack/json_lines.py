"""Converts JSON lines, one object each, into lines for lines.awk; the keys find the fields."""

import json
from collections.abc import Iterator
from datetime import tzinfo

from clock import on_clock
from lines import AROUND, Lines, RefusedLateError, joined
from refusals import KEY, OVER_SEVERAL_LINES, why_no_key


class Number(str):
    """A number as it is written in the JSON text, without rounding by float."""


def constant(name: str) -> Number | None:
    """Infinity as it is written; None for NaN, which Python and pandas write for a missing number."""
    return None if name == "NaN" else Number(name)


NO_ID = (bool, list, dict)  # the types of values that identify nobody

# Not strict, since lines.awk rejects control characters with a reason of their own.
DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=constant, strict=False)


def json_lines(lines: Lines, names: list[str], customer: int, day: int, zone: tzinfo) -> Iterator[str]:
    """The lines for lines.awk. A key that is missing, null or NaN is an empty field.

    Raises:
        RefusedLateError: an object goes over several lines, or none has the key of the customer or of the day.
    """
    unseen = {names[customer], names[day]}
    first: dict[str, object] = {}
    count = 0
    is_torn = False  # whether the first line is no object, and no other came yet
    for number, line in enumerate(lines):
        text = line.strip(AROUND)
        found = object_of(text)
        if is_torn and KEY.match(text):
            raise RefusedLateError(OVER_SEVERAL_LINES)
        is_torn = (is_torn and not text) or (number == 0 and found is None)
        if found is None or isinstance(found.get(names[customer]), NO_ID):
            yield lines.set_aside("unreadable_record")
        else:
            first = first or found
            unseen -= found.keys()
            count += 1
            values = [as_text(found.get(name)) for name in names]
            values[day] = on_clock(values[day], zone) or values[day]
            yield joined(values)
        lines.taken.clear()
    for name in sorted(unseen if first else ()):
        if why := why_no_key(name, first, count):
            raise RefusedLateError(why)


def object_of(text: str) -> dict[str, object] | None:
    """The object that a text is; None if it is none."""
    try:
        found = DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def as_text(value: object) -> str:
    """A value of JSON as the text of a field."""
    if isinstance(value, str):
        return value
    return "" if value is None else as_json(value)


def as_json(value: object) -> str:
    """Compact JSON, with numbers as they were written."""
    if isinstance(value, Number):
        return value
    if isinstance(value, list):
        return f"[{','.join(map(as_json, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{as_json(key)}:{as_json(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
