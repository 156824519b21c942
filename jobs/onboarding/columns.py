"""What a column of the user's files holds: missing values, numbers, times, ids, or other text."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from unicodedata import normalize

from sqlglot import expressions as exp

from conf.declaration import NULL_MARKERS, RAW_PREFIX, RESERVED_COLUMNS, TILE_KEYS
from conf.sql import parse
from jobs.onboarding import numbers, times

KNOWN_MARKERS = frozenset(marker.casefold() for marker in NULL_MARKERS)
MORE_MARKERS = frozenset({"-", "--", "?", ".", "n.a.", "n/a", "na", "#n/a", "#n/v", "(null)", "nil", "unknown", "k.a."})
WORDS_OF_SQL = frozenset({
    "all", "any", "by", "end", "from", "full", "group", "interval", "left", "like", "limit", "offset", "order", "right",
    "row", "rows", "select", "set", "table", "to", "union", "user", "values", "where", "with",
})  # fmt: skip
ENOUGH = 0.9  # of the values must be numbers, for a column of numbers
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa", "€": " eur ", "%": " percent "}
EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[a-zA-Z]{2,}")
ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


def snake_case(source: str) -> str:
    """A name in the files as one of a field: `Customer ID`, `customerId` and `CustomerID` are `customer_id`."""
    spaced = CAMEL.sub(" ", source)
    plain = "".join(LETTERS.get(char, char) for char in spaced.lower())
    ascii_only = normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", ascii_only).strip("_")


def field_names(sources: Sequence[str]) -> dict[str, str]:
    """A name of a field for each column of the files, each another one."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for number, source in enumerate(sources, start=1):
        name = snake_case(source) or f"field_{number}"
        if not _is_free(name):
            name = f"{name}_value" if name[0].isalpha() and not name.startswith(RAW_PREFIX) else f"field_{name}"
        while name in taken:
            name = f"{name}_{number}"
        taken.add(name)
        found[source] = name
    return found


def _is_free(name: str) -> bool:
    """Whether a name may be one of a field and a column, and is no word of SQL."""
    if (
        name in WORDS_OF_SQL
        or not name[0].isalpha()
        or name in RESERVED_COLUMNS | (TILE_KEYS - {"customer_id"})
        or name.startswith(RAW_PREFIX)
    ):
        return False
    try:
        return isinstance(parse(name), exp.Column)
    except ValueError:
        return False


@dataclass(frozen=True, eq=False)
class Column:
    """A column of the files.

    source: its name there. field: its name in the service. cells: its texts of all rows that were looked at.
    """

    source: str
    field: str
    cells: Sequence[str]

    @property
    def tokens(self) -> frozenset[str]:
        """The words of its name."""
        return frozenset(self.field.split("_"))

    @cached_property
    def markers(self) -> list[str]:
        """Texts for "no value" beyond those that every service knows, in a column of numbers or times."""
        given = Counter(cell for cell in self.cells if cell.casefold() in MORE_MARKERS - KNOWN_MARKERS)
        others = [cell for cell in self.cells if cell and cell not in given and cell.casefold() not in KNOWN_MARKERS]
        is_other = len(set(others)) > 1 and (_share(others, numbers.is_number) >= ENOUGH or self._time_of(others))
        return sorted(given) if given and is_other else []

    @cached_property
    def texts(self) -> list[str]:
        """Its values that are not missing."""
        return [self.cells[row] for row in self.rows]

    @cached_property
    def rows(self) -> list[int]:
        """The numbers of the rows of its values that are not missing."""
        missing = KNOWN_MARKERS | {marker.casefold() for marker in self.markers}
        return [row for row, cell in enumerate(self.cells) if cell.casefold() not in missing]

    @property
    def missing(self) -> float:
        """Share of the rows without a value."""
        return 1 - len(self.rows) / max(len(self.cells), 1)

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each value occurs."""
        return Counter(self.texts)

    @cached_property
    def time(self) -> times.TimeFormat | None:
        """How its texts are times; None where they are none."""
        return self._time_of(self.texts)

    def _time_of(self, texts: Sequence[str]) -> times.TimeFormat | None:
        return times.time_format(texts, may_be_number=bool(self.tokens & (TIME_WORDS | OTHER_TIME)))

    @cached_property
    def clock(self) -> str:
        """The format of its times of day; empty where it has none."""
        return times.clock_format(self.texts)

    @cached_property
    def is_number(self) -> bool:
        """Whether its values are numbers in some spelling, and no codes with leading zeros."""
        shown = self.texts[:5_000]
        has_zeros = _share(shown, lambda text: len(text) > 1 and text[0] == "0" and text.isdigit()) > 0.02
        return bool(shown) and not has_zeros and not self.time and _share(shown, numbers.is_number) >= ENOUGH

    @property
    def has_currency(self) -> bool:
        """Whether its numbers have signs of a currency."""
        return self.is_number and _share(self.texts[:500], lambda text: bool(numbers.CURRENCY.search(text))) > 0.3

    @cached_property
    def is_whole(self) -> bool:
        """Whether its numbers are whole ones, of which `3.0` is one."""
        return self.is_number and all(re.fullmatch(r"[-+]?[0-9]+(\.0+)?", text) for text in self.texts)

    @property
    def has_negative(self) -> bool:
        """Whether some of its numbers are negative."""
        return self.is_number and any(text.startswith(("-", "(")) or text.endswith("-") for text in self.texts)

    @property
    def are_whole_ids_as_floats(self) -> bool:
        """Whether ids are written like `17850.0`."""
        return any(numbers.WHOLE_AS_FLOAT.fullmatch(text) for text in self.texts)

    @property
    def is_personal(self) -> bool:
        """Whether its values are e-mail or network addresses."""
        return _share(self.texts[:500], lambda text: bool(EMAIL.fullmatch(text) or ADDRESS.fullmatch(text))) > 0.3

    def example_row(self, text: str) -> int:
        """The first row with a text."""
        return next(row for row in self.rows if self.cells[row] == text)


TIME_WORDS = frozenset({
    "at", "created", "data", "date", "datum", "day", "epoch", "fecha", "millis", "ms", "tag", "time", "timestamp", "ts",
    "when", "zeit", "zeitpunkt", "zeitstempel",
})  # fmt: skip

OTHER_TIME = frozenset({
    "birth", "delivered", "delivery", "dob", "due", "end", "ended", "expires", "expiry", "geburt", "joined", "modified",
    "registered", "registration", "shipped", "shipping", "signup", "updated", "valid",
})  # fmt: skip


def _share(texts: Iterable[str], holds: Callable[[str], bool]) -> float:
    found = [holds(text) for text in texts]
    return sum(found) / len(found) if found else 0.0
