"""Levels of a category: the names of their model terms, and their texts in SQL."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

OF_NULL = "missing"  # the name of the term for null
PLAIN = re.compile(r"[A-Za-z0-9_]+")
MOST_LETTERS = 40


def level_names(levels: Sequence[str]) -> dict[str, str]:
    """By level, its name within names of columns: letters, digits and _, unique apart from upper and lower case.

    `United Kingdom` is `United_Kingdom`. Where two levels would have one name, or the name of null, or a level has no
    letter of this alphabet, a part of its checksum follows.
    """
    found = {level: _plain(level) for level in levels}
    owners = Counter([*(name.lower() for name in found.values()), OF_NULL])
    return {
        level: name if name and owners[name.lower()] == 1 else f"{name or 'level'}_{_checksum(level)}"
        for level, name in found.items()
    }


def sql_text(text: str) -> str:
    """A text as a literal that both engines read alike; they differ on quotes and backslashes within quotes."""
    if not set("'\\") & set(text):
        return f"'{text}'"
    return f"cast(unhex('{text.encode().hex()}') as string)"


def _plain(level: str) -> str:
    if PLAIN.fullmatch(level):
        return level
    letters = unicodedata.normalize("NFKD", level).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "_", letters).strip("_")[:MOST_LETTERS]


def _checksum(level: str) -> str:
    return hashlib.sha256(level.encode()).hexdigest()[:6]
