"""Names of files and folders that cannot be used, and why."""

import unicodedata
from pathlib import Path

from conf.errors import UsageError
from jobs.printable import printable
from jobs.storage.location import Place

PATTERNS = "[]{}*?\\"  # the engines read them in a path as a pattern of many names


def require_text(option: str, text: str) -> None:
    """Raise UsageError where a name has a line break, another control character, or bytes that are not UTF-8."""
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        raise UsageError(
            f"{option} {printable(text)}: the name has a control character or bytes that are not UTF-8; rename the "
            f"file or folder"
        )


def require_no_pattern(option: str, place: Place) -> None:
    """Raise UsageError where the engines would read a place as a pattern: they would read other files, or none."""
    path = str(place.absolute()) if isinstance(place, Path) else str(place)
    found = next((letter for letter in path if letter in PATTERNS), None)
    if found:
        raise UsageError(
            f"{option} {path}: the engines read {found} in a path as a pattern of names; rename the file or folder, or "
            f"give another"
        )
