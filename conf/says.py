"""A fact of a customer in words: the small language of `says` of a feature.

`{value}` is the customer's value and `{percent}` the value in percent. A choice such as `{1:day|days}` is the text
whose key is the value; the last text may have no key, and stands for all other values.
"""

import re
from collections.abc import Iterator

PLACES = re.compile(r"{([^{}]*)}")
VALUES = ("value", "percent")


def problem_of(says: str, levels: list[str]) -> str | None:
    """What is wrong with a text, None if nothing is; levels: of a category."""
    names = PLACES.findall(says.replace("{days}", ""))
    if not names or set("{}") & set(PLACES.sub("", says)):
        return "needs `{value}`, `{percent}` or a choice such as `{1:day|days}`"
    for name in names:
        if name not in VALUES and "|" not in name:
            return f"there is no {{{name}}}; give {{value}}, {{percent}} or a choice such as {{1:day|days}}"
        keys = [key for key, _ in _options(name) if key]
        unknown = sorted(set(keys) - set(levels)) if levels else []
        if unknown:
            return f"{{{name}}}: {unknown[0]!r} is no level of the category; choose one of {', '.join(levels)}"
    return None


def filled(says: str, key: str, values: dict[str, str]) -> str:
    """The text with its places filled: `key` chooses, and `values` has the texts of VALUES."""

    def fill(place: re.Match[str]) -> str:
        return values[place[1]] if place[1] in values else chosen(place[1], key)

    return PLACES.sub(fill, says)


def choices(says: str) -> list[str]:
    """The choices of a text."""
    return [name for name in PLACES.findall(says) if name not in VALUES]


def chosen(choice: str, key: str) -> str:
    """The text of a choice for this key; without one, the key itself."""
    options = list(_options(choice))
    others = [text for known, text in options if known is None]
    return next((text for known, text in options if known == key), others[0] if others else key)


def shows_value(says: str) -> bool:
    """Whether the value itself stands in the text."""
    return bool(set(VALUES) & set(PLACES.findall(says)))


def _options(choice: str) -> Iterator[tuple[str | None, str]]:
    for option in choice.split("|"):
        key, colon, text = option.partition(":")
        yield (key, text) if colon else (None, option)
