"""One idea: the lines of JSON, one object each, fields found by their keys."""

import json
from collections.abc import Iterator
from datetime import tzinfo

from clock import on_clock
from lines import AROUND, Lines, joined


class Number(str):
    """A number as it was written, which no float has rounded."""


def constant(name: str) -> Number | None:
    """Infinity as it stands; NaN, which Python and pandas write for a number that is missing, as nothing."""
    return None if name == "NaN" else Number(name)


# Not strict: lines.awk gives a control character in a text its own reason.
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
    """The values of an object as text; nothing for what is no object."""
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
    """Compact JSON, its numbers as they were written."""
    if isinstance(value, Number):
        return value
    if isinstance(value, list):
        return f"[{','.join(map(as_json, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{as_json(key)}:{as_json(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)
