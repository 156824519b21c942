"""Names of files and folders that cannot be used, and why."""

import unicodedata
from pathlib import Path

from conf.errors import UsageError
from jobs.storage.location import Place

PATTERNS = "[]{}*?\\"  # the engines read them in a path as a pattern of many names


def require_text(option: str, text: str) -> None:
    """Raise UsageError where a name has a line break, another control character, or bytes that are not UTF-8."""
    for letter in text:
        if unicodedata.category(letter) in ("Cc", "Cs"):
            shown = text.encode("unicode_escape", "surrogatepass").decode()
            raise UsageError(
                f"{option} {shown}: the name has a control character or bytes that are not UTF-8; rename the file or "
                f"folder"
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
