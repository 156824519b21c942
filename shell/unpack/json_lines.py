"""Converts JSON objects into lines for lines.awk: one on each line, in an array, or over several lines each."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TextIO

from lines import AROUND, LINE_BREAK, Lines, RefusedLateError, joined
from refusals import KEY, why_no_key
from spec import Field, Spec
from values import converter_of

READ_CHARACTERS = 1 << 16
MOST_CHARACTERS = 1 << 24  # of one object
ARRAY = re.compile(r"\[\s*(?=[{\]]|$)")
BETWEEN = re.compile(r"[\ufeff\s,]*")
NEXT_OBJECT = re.compile(r"[\r\n]\{")


class Number(str):
    """A number as it is written in the JSON text, without rounding by float."""


def constant(name: str) -> Number | None:
    """Infinity as it is written; None for NaN, which Python and pandas write for a missing number."""
    return None if name == "NaN" else Number(name)


NO_ID = (bool, list, dict)  # the types of values that identify nobody
MISSING = object()

# Not strict, since lines.awk rejects control characters with a reason of their own.
DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=constant, strict=False)


def is_streamed(beginning: str) -> bool:
    """Whether a text that begins like this is an array of objects, or objects over several lines."""
    text = beginning.strip(AROUND)
    if not text.startswith("{"):
        return bool(ARRAY.match(text))
    try:
        _, end = DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return bool(KEY.match(text.partition("\n")[2].strip(AROUND)))
    return bool(LINE_BREAK.search(text, 0, end))


# ---------------------------------------------------------------- texts


def json_lines(lines: Lines, spec: Spec, in_path: Mapping[str, str]) -> Iterator[str]:
    """The lines for lines.awk of a text with an object on each line.

    Raises:
        RefusedLateError: none of the objects has the key of the customer or of the day.
    """
    objects = Objects(spec, in_path)
    for line in lines:
        yield objects.line_of(object_of(line.strip(AROUND))) or lines.set_aside("unreadable_record")
        lines.taken.clear()
    objects.check()


def streamed_lines(text: TextIO, beginning: str, lines: Lines, spec: Spec, in_path: Mapping[str, str]) -> Iterator[str]:
    """The lines for lines.awk of an array of objects, or of objects over several lines.

    Args:
        beginning: what was read of the text.
        lines: takes the text of each object, to set it aside.

    Raises:
        RefusedLateError: none of the objects has the key of the customer or of the day; an array is no valid JSON.
    """
    objects = Objects(spec, in_path)
    for found, raw in _values(text, beginning):
        lines.taken = [raw]
        yield objects.line_of(found) or lines.set_aside("unreadable_record")
    objects.check()


def _values(text: TextIO, beginning: str) -> Iterator[tuple[object, str]]:
    """The values of an array, or of several after another, and their texts; None for a text that is no value."""
    buffer = beginning.lstrip(AROUND)
    is_array = buffer.startswith("[")
    at, count = int(is_array), 0
    read_characters = READ_CHARACTERS
    is_whole = False  # whether all of the text is in the buffer
    while True:
        if found := BETWEEN.match(buffer, at):
            at = found.end()
        if at < len(buffer):
            if is_array and buffer[at] == "]":
                _refuse_more(text, buffer[at + 1 :], count)
                return
            try:
                value, end = DECODER.raw_decode(buffer, at)
            except (ValueError, RecursionError):
                end = -1
            if end >= 0 and (isinstance(value, dict) or end < len(buffer) or is_whole):
                yield value, buffer[at:end]
                at, count, read_characters = end, count + 1, READ_CHARACTERS
                continue
            if is_whole or len(buffer) - at > MOST_CHARACTERS:
                if is_array:
                    raise RefusedLateError(_damaged(count))
                end = found.start() + 1 if (found := NEXT_OBJECT.search(buffer, at + 1)) else len(buffer)
                yield None, buffer[at:end]
                at = end
                continue
        elif is_whole:
            if is_array:
                raise RefusedLateError(_damaged(count))
            return
        more = text.read(read_characters)
        is_whole = not more
        buffer, at = buffer[at:] + more, 0
        read_characters = min(2 * read_characters, MOST_CHARACTERS)


def _refuse_more(text: TextIO, rest: str, count: int) -> None:
    while rest:
        if rest.strip(AROUND):
            raise RefusedLateError(f"there is more text after its JSON array of {count} values; fix the file")
        rest = text.read(READ_CHARACTERS)


def _damaged(count: int) -> str:
    return f"its JSON array is damaged or cut off after {count} values; fetch or export the file again"


def object_of(text: str) -> object:
    """The object that a text is; None if it is none."""
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


# ---------------------------------------------------------------- objects


class Objects:
    """Makes lines of objects. A key that is missing, null or NaN is an empty field, or has its value in the path."""

    def __init__(self, spec: Spec, in_path: Mapping[str, str]) -> None:
        self._readers = [_reader_of(field, spec, in_path) for field in spec.fields]
        fields = [spec.fields[spec.customer], *([] if spec.day is None else [spec.fields[spec.day]])]
        self._customer = getter_of(fields[0].source[0])
        self._unseen = {name: getter_of(name) for field in fields for name in field.source if name not in in_path}
        self._first: Mapping[str, object] = {}
        self._count = 0

    def line_of(self, found: object) -> str:
        """The line of an object; empty for what is no object, or has no text and no number as its customer."""
        if not isinstance(found, dict) or isinstance(self._customer(found), NO_ID):
            return ""
        if self._unseen:
            self._first = self._first or found
            self._unseen = {name: get for name, get in self._unseen.items() if get(found) is MISSING}
        self._count += 1
        return joined([read(found) for read in self._readers])

    def check(self) -> None:
        """Raise RefusedLateError if none of many objects has a key that counts."""
        for name in sorted(self._unseen if self._first else ()):
            if why := why_no_key(name, self._first, self._count):
                raise RefusedLateError(why)


Found = Mapping[str, object]


def _reader_of(field: Field, spec: Spec, in_path: Mapping[str, str]) -> Callable[[Found], str]:
    """How to read the text of a field from an object."""
    convert = converter_of(field, spec)
    sources = [(getter_of(name), in_path.get(name, "")) for name in field.source]
    get, default = sources[0]
    is_number = field.is_number

    def read_text(found: Found) -> str:
        value = get(found)
        return value if isinstance(value, str) else default if value is MISSING else as_text(value)

    def read(found: Found) -> str:
        value = get(found)
        if is_number and isinstance(value, Number):
            return value
        text = value if isinstance(value, str) else default if value is MISSING else as_text(value)
        return convert(text) if convert else text

    def read_several(found: Found) -> str:
        values = ((source(found), default) for source, default in sources)
        texts = (default if value is MISSING else as_text(value) for value, default in values)
        text = " ".join(filter(None, (text.strip() for text in texts)))
        return convert(text) if convert else text

    if len(sources) > 1:
        return read_several
    return read if convert else read_text


def getter_of(name: str) -> Callable[[Found], object]:
    """How to find a value by a name, of which each dot goes into an object, unless a key has the dot itself."""
    if "." not in name:
        return lambda found: found.get(name, MISSING)
    outer, _, inner = name.partition(".")
    if "." in inner:
        return lambda found: _nested(found, name)

    def get(found: Found) -> object:
        if name in found:
            return found[name]
        within = found.get(outer)
        return within.get(inner, MISSING) if isinstance(within, dict) else MISSING

    return get


def _nested(found: object, name: str) -> object:
    if not isinstance(found, dict):
        return MISSING
    if name in found:
        return found[name]
    dot = name.find(".")
    while dot >= 0:
        if name[:dot] in found and (inner := _nested(found[name[:dot]], name[dot + 1 :])) is not MISSING:
            return inner
        dot = name.find(".", dot + 1)
    return MISSING


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
