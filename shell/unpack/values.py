"""Texts of fields as they land: numbers with a point, times on the shop's clock, all other texts as they are."""

import re
from collections.abc import Callable, Sequence
from datetime import tzinfo

from clock import EPOCHS, Convert, EpochClock, clock_of, on_clock, strptime_clock
from hashing import hash_key, hasher
from numbers_in_text import Numbers
from spec import ISO, Field, Spec

UNREADABLE = "unreadable: "  # begins a text that is no number or time as declared: no engine takes it for one
DIGIT = re.compile("[0-9]")  # a text without one is no number and no time, whatever reads it
MOST_REMEMBERED, LONGEST_REMEMBERED = 1 << 16, 64  # texts, and characters of one


class Remembered(dict[str, str]):
    """A function of texts that remembers what it returned: values come again."""

    def __init__(self, convert: Callable[[str], str]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, text: str) -> str:
        if len(text) > LONGEST_REMEMBERED:
            return self._convert(text)
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        found = self[text] = self._convert(text)
        return found


def converter_of(field: Field, spec: Spec) -> Callable[[str], str] | None:
    """How the texts of a field are converted; None if they stay as they are."""
    if field.is_hashed:
        return Remembered(hasher(hash_key(), spec.null_markers, field.whole_numbers)).__getitem__
    if field.time:
        return Remembered(_time_of(field.time, spec)).__getitem__
    if field.is_number:
        return Remembered(or_unreadable(Numbers(spec.decimal, spec.thousands), spec.null_markers)).__getitem__
    return None


def _time_of(form: str, spec: Spec) -> Callable[[str], str]:
    zone = clock_of(spec.zone)
    source: tzinfo | None = None if spec.source_zone == spec.zone else clock_of(spec.source_zone)
    if form == ISO:
        # What is no time of this form is left to the column, which may be able to read it: a date alone.
        return lambda text: on_clock(text, zone, source) or text
    convert = EpochClock(form, zone) if form in EPOCHS else strptime_clock(form, zone, source)
    return or_unreadable(convert, spec.null_markers)


def or_unreadable(convert: Convert, null_markers: Sequence[str]) -> Callable[[str], str]:
    """The converted text; a null marker as it is, and any other text that cannot be converted marked as unreadable."""
    markers = {marker.strip().lower() for marker in null_markers}

    def converted(text: str) -> str:
        found = convert(text)
        if found is not None:
            return found
        return UNREADABLE + text if DIGIT.search(text) and text.strip().lower() not in markers else text

    return converted
