"""Converts JSON lines, one object each, into lines for lines.awk; the keys find the fields."""

import json
from collections.abc import Iterator
from datetime import tzinfo

from clock import on_clock
from lines import AROUND, Lines, joined


class Number(str):
    """A number as it is written in the JSON text, without rounding by float."""


def constant(name: str) -> Number | None:
    """Infinity as it is written; None for NaN, which Python and pandas write for a missing number."""
    return None if name == "NaN" else Number(name)


# Not strict, since lines.awk rejects control characters with a reason of their own.
DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=constant, strict=False)


def json_lines(lines: Lines, names: list[str], day: int, zone: tzinfo) -> Iterator[str]:
    """The lines for lines.awk. A key that is missing, null or NaN is an empty field."""
    for line in lines:
        if values := values_of(line.strip(AROUND), names):
            values[day] = on_clock(values[day], zone) or values[day]
            yield joined(values)
        else:
            yield lines.set_aside("unreadable_record")
        lines.taken.clear()


def values_of(text: str, names: list[str]) -> list[str]:
    """The values of an object as text; empty if the text is not an object."""
    try:
        found = DECODER.decode(text)
        return [as_text(found.get(name)) for name in names] if isinstance(found, dict) else []
    except (ValueError, RecursionError):
        return []


def as_text(value: object) -> str:
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
