"""What the programs of unpack.sh say on standard error, and how they stop."""

import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn

from names import shown

MOST_NAMES = 3


def say(text: str) -> None:
    """Say a line."""
    print(f"unpack: {text}", file=sys.stderr)


def stop(status: int, text: str) -> NoReturn:
    """Say why nothing more can be done, and end."""
    say(text)
    sys.exit(status)


def plural(number: int, noun: str) -> str:
    """1 -> '1 archive', 2 -> '2 archives'."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def some_of(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """The first few names, and how many more there are."""
    first = ", ".join(shown(name) for name in names[:most])
    return first if len(names) <= most else f"{first} and {len(names) - most} more"


def say_grouped(rows: Iterable[tuple[str, str]]) -> None:
    """Say which files are not used: a line for each reason, with the first few names."""
    groups: dict[str, list[str]] = {}
    for name, reason in rows:
        groups.setdefault(reason, []).append(name)
    for reason, names in groups.items():
        say(f"not used: {some_of(names)}: {reason}")
