"""Generates titles of audiobooks, with characters that are difficult in CSV: commas, quotes, accents, Chinese."""

import numpy as np


def _words(text: str) -> list[str]:
    return text.split()


_NOUN = _words(
    "River Garden Winter Letter Island Orchard Harbour Mirror Clock Forest Stranger Daughter Lighthouse Map Silence "
    "Sparrow Bridge Storm Archive Tide Lantern Compass Meadow Secret"
)
_ADJECTIVE = _words("Last Quiet Broken Silver Hidden Long Burning Second Forgotten Small Invisible Northern Paper Wild")
_ACCENTED = ["Émile et la mer", "Größe", "El niño del río", "Où vont les étés", "Čas a ticho", "Ångström", "São Tomé"]
_CHINESE = ["山海行", "长街旧梦", "雪落无声", "三体之外", "红楼夜话"]
_GENRE = _words("Novel Memoir Mystery History Romance")


def book_titles(number: int, rng: np.random.Generator) -> list[str]:
    """Generate `number` different titles."""
    titles: dict[str, None] = {}  # used as a set that keeps its order
    while len(titles) < number:
        titles[_title(rng)] = None
    return list(titles)


def _title(rng: np.random.Generator) -> str:
    adjective, noun, other = _pick(_ADJECTIVE, rng), _pick(_NOUN, rng), _pick(_NOUN, rng)
    part, kind = int(rng.integers(1, 9)), rng.random()
    if kind < 0.35:
        return f"The {adjective} {noun}"
    if kind < 0.55:
        return f"{noun} and {other}: A {_pick(_GENRE, rng)}, Book {part}"
    if kind < 0.70:
        return f"The {noun}, the {other} and the {adjective} {_pick(_NOUN, rng)}"
    if kind < 0.80:
        return f'"{adjective} {noun}" and Other Stories'
    if kind < 0.85:
        return f'Who Said "{noun}?", or {part} Days with O\'Neill'
    if kind < 0.95:
        return f"{_pick(_ACCENTED, rng)} – {noun}"
    return f"{_pick(_CHINESE, rng)}（第{part}卷）"


def _pick(words: list[str], rng: np.random.Generator) -> str:
    return words[int(rng.integers(len(words)))]
