"""What is concluded of a user's files, and what is still to be decided."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from os.path import commonprefix

from conf.declaration import MODEL_PREFIXES, TILE_KEYS
from conf.errors import InputError
from conf.schema import Windows
from conf.words import plural
from jobs.onboarding import numbers, times
from jobs.onboarding.columns import Column, field_names, snake_case
from jobs.onboarding.look import Look
from jobs.onboarding.roles import OF_ALL, OF_ONE, Roles, is_given, roles_of, rows_of_event

OUTCOMES = (180, 90, 60, 30, 14, 7)
OBSERVATIONS = (365, 180, 90, 60, 30, 14)
FEWEST_DAYS = 35  # with which there is something to train on
DAY_IN_NAME = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12][0-9]|3[01])(?![0-9])")
DIGITS = re.compile(r"[0-9]+(?:[-_.][0-9]+)*")
NO_WORD = re.compile(r"[\s\[\]{}'\"=]")  # in a shell pattern within the options of unpack.sh
PURCHASES = frozenset({"bestellung", "buy", "checkout", "kauf", "order", "purchase", "sale", "transaction"})
NO_NAMES = frozenset({"", "data", "event", "export", "log", "part", "rejected"})  # of events
MOST_OTHERS = 12  # columns of no role that become columns of the service
LONG_TEXT = 60


@dataclass(frozen=True)
class DraftEvent:
    """A kind of event.

    where: the value of the column that tells events apart; empty if there is one kind alone.
    columns: the columns of the files that it has. counted_by: the measure with its number. sums: measures by name, as
    SQL over columns. has_returns: whether negative quantities are counted apart. without_customer: share of its records
    that have no customer.
    """

    name: str
    where: str
    rows: int
    columns: Sequence[Column]
    counted_by: str
    sums: dict[str, str]
    has_returns: bool = False
    without_customer: float = 0.0

    @property
    def is_purchase(self) -> bool:
        """Whether it is something that a customer pays."""
        return bool(set(self.name.split("_")) & PURCHASES)


@dataclass
class Draft:
    """A service in the making. todo: what the user has to decide, by the key of the service that it concerns."""

    look: Look
    columns: Sequence[Column]
    roles: Roles
    marks: numbers.Marks
    events: list[DraftEvent] = field(default_factory=list)
    todo: dict[str, str] = field(default_factory=dict)

    @cached_property
    def days(self) -> tuple[date, date] | None:
        """The first and the last day of what was looked at; None where no record has a day."""
        column, format = self.roles.time, self.roles.time.time if self.roles.time else None
        if column and format:
            found = [moment for text in column.counts if (moment := times.instant(text, format.format))]
            return (min(found).date(), max(found).date()) if found else None
        named = [day_of_name(path.name) or day_of_name(path.parent.name) for path in self.look.files]
        known = [day for day in named if day]
        return (min(known), max(known)) if known else None

    @property
    def windows(self) -> Windows:
        """Windows that fit into the days of the files."""
        first, last = self.days or (date.min, date.min)
        number = (last - first).days + 1
        outcome = next((days for days in OUTCOMES if days <= number / 4), OUTCOMES[-1])
        observation = next((days for days in OBSERVATIONS if days <= number - outcome), OBSERVATIONS[-1])
        return Windows(observation_days=observation, outcome_days=outcome)

    @property
    def main(self) -> DraftEvent:
        """The event that the outcome is about."""
        return next((event for event in self.events if event.is_purchase), self.events[0])

    @property
    def is_spaced(self) -> bool:
        """Whether the files are lines that are split by position."""
        records = self.look.first.records
        return records.format == "lines" or (records.separator == "\t" and not records.has_header)

    @property
    def has_clock(self) -> bool:
        """Whether the records have a time of day."""
        time = self.roles.time
        return self.roles.clock is not None or bool(time and time.time and time.time.has_clock)

    def unreadable(self, column: Column) -> list[str]:
        """The texts of a column that are not what most of its texts are."""
        format = column.time
        if format and column in (self.roles.time, *self.roles.other_times):
            return [text for text in column.texts if times.instant(text, format.format) is None]
        return [text for text in column.texts if not numbers.fits(text, self.marks)] if column.is_number else []

    def is_read_as_number(self, column: Column) -> bool:
        """Whether a column is one of numbers in the service, and not of ids."""
        named = (self.roles.customer, self.roles.item, self.roles.order, self.roles.session, self.roles.time)
        return column.is_number and column not in named


def drafted(look: Look) -> Draft:
    """What can be concluded of the files. Raises InputError where no column can be the customer."""
    names = field_names(look.names)
    columns = [Column(name, names[name], [row[name] for row in look.rows]) for name in look.names]
    roles = roles_of(columns)
    if roles.customer is None:
        known = ", ".join(look.names)
        raise InputError(f"{look.first.name}: no column can be the customer ({known}); give other files")
    found = numbers.Evidence()
    for column in columns:
        is_id = column in (roles.customer, roles.item, roles.order, roles.session)
        if column.is_number and not is_id:
            # 3.0 is a whole number that went through a float, in files of any decimal mark.
            found.add(numbers.evidence([text for text in column.texts if not numbers.WHOLE_AS_FLOAT.fullmatch(text)]))
    draft = Draft(look, columns, roles, numbers.marks(found))
    draft.events = _events(draft)
    _note_what_is_open(draft)
    return draft


def day_of_name(name: str) -> date | None:
    """The day in the name of a file or a folder."""
    found = DAY_IN_NAME.search(name)
    try:
        return date(int(found[1]), int(found[3]), int(found[4])) if found else None
    except ValueError:
        return None


def files_pattern(names: Sequence[str]) -> str:
    """A shell pattern that matches all names, with a star for dates and numbers."""
    masks = sorted({re.sub(r"\*+", "*", DIGITS.sub("*", NO_WORD.sub("?", name))) for name in names})
    if len(masks) == 1:
        return masks[0]
    begin, end = commonprefix(masks), commonprefix([mask[::-1] for mask in masks])[::-1]
    shortest = min(map(len, masks))
    return re.sub(r"\*+", "*", f"{begin}*{end[max(0, len(begin) + len(end) - shortest) :]}")


# ---------------------------------------------------------------- events


def _events(draft: Draft) -> list[DraftEvent]:
    roles, every = draft.roles, range(len(draft.look.rows))
    if not roles.event_of:
        name = "purchase" if roles.amounts or roles.quantity else _name_of_files(draft.look)
        return [_event(draft, name, "", every, set())]
    found: list[DraftEvent] = []
    taken: set[str] = set()
    for value in roles.events:
        name = snake_case(value) or f"event_{len(found) + 1}"
        is_free = name[0].isalpha() and name not in NO_NAMES and not f"{name}_".startswith(MODEL_PREFIXES)
        name = name if is_free else f"event_{name}"
        while name in {event.name for event in found}:
            name += "_2"
        event = _event(draft, name, value, rows_of_event(roles, value), taken)
        taken |= {event.counted_by, *event.sums}
        found.append(event)
    main = next((event for event in found if event.is_purchase), found[0])
    others = [event for event in found if event is not main]
    # Columns of no role stand once, with the main event.
    known = _with_roles(roles)
    return [main, *(replace(event, columns=[one for one in event.columns if one in known]) for event in others)]


def _name_of_files(look: Look) -> str:
    name = snake_case(look.files[0].name.partition(".")[0])
    words = [word for word in name.split("_") if word.isalpha() and len(word) > 2]
    word = words[-1] if words else ""
    one = word.removesuffix("s") if not word.endswith("ss") else word
    return one if one not in NO_NAMES and not f"{one}_".startswith(MODEL_PREFIXES) else "activity"


def _event(draft: Draft, name: str, where: str, rows: Sequence[int], taken: set[str]) -> DraftEvent:
    roles = draft.roles
    known = [column for column in draft.columns if _is_of_service(draft, column)]
    given = [column for column in known if not where or is_given(column, rows)]
    others = [column for column in given if column not in _with_roles(roles)]
    columns = [column for column in given if column not in others[MOST_OTHERS:]]
    reserved = TILE_KEYS | {"age_days", "gap_days"} | taken
    sums = {_free(f"{name}_{key}" if key in taken else key, reserved): sql for key, sql in _sums(roles, given).items()}
    counted_by = _free(plural(name), reserved | sums.keys())
    has_returns = roles.quantity in given and roles.quantity is not None and roles.quantity.has_negative
    without = _without_customer(roles, where)
    return DraftEvent(name, where, len(rows), columns, counted_by, sums, has_returns, without)


def _without_customer(roles: Roles, where: str) -> float:
    """The share of the records of an event that have no customer."""
    known = set(roles.customer.rows) if roles.customer else set()
    column = roles.event_of or roles.customer
    rows = [row for row, cell in enumerate(column.cells) if not where or cell == where] if column else []
    return sum(row not in known for row in rows) / max(len(rows), 1)


def _free(name: str, taken: "set[str] | frozenset[str]") -> str:
    return f"{name}_number" if name in taken else name


def _with_roles(roles: Roles) -> list[Column | None]:
    return [
        roles.customer, roles.time, roles.clock, *roles.amounts, roles.quantity, *roles.durations, roles.item,
        roles.item_name, roles.order, roles.session, roles.event_of,
    ]  # fmt: skip


def _is_of_service(draft: Draft, column: Column) -> bool:
    """Whether a column is worth reading: not personal, not empty, no long text, and no second time."""
    roles = draft.roles
    if column in _with_roles(roles):
        return True
    if column in roles.personal or not column.rows or column in roles.other_times or column.time:
        return False
    is_list = column.texts[0].startswith(("[", "{"))
    return not is_list and max(map(len, column.texts[:500])) <= LONG_TEXT and len(column.counts) > 1


def _sums(roles: Roles, given: Sequence[Column]) -> dict[str, str]:
    """The measures that are sums: what was paid, how many pieces, how long."""
    amounts = [column for column in roles.amounts if column in given]
    whole = [column for column in amounts if not is_price_of_one(column, roles)]
    found = {column.field: f"sum({column.field})" for column in whole}
    if not whole and amounts and roles.quantity:
        name = "spent" if "spent" not in {column.field for column in given} else "amount_spent"
        found[name] = f"sum({amounts[0].field} * {roles.quantity.field})"
    for column in ([roles.quantity] if roles.quantity in given and roles.quantity else []) + [
        column for column in roles.durations if column in given
    ]:
        found[column.field] = f"sum({column.field})"
    return found


def is_price_of_one(column: Column, roles: Roles) -> bool:
    """Whether an amount is the price of one piece, since there is a quantity and no word for the whole."""
    return roles.quantity is not None and bool(column.tokens & OF_ONE) and not column.tokens & OF_ALL


# ---------------------------------------------------------------- what is open


def _note_what_is_open(draft: Draft) -> None:
    roles, look, todo = draft.roles, draft.look, draft.todo
    if reason := roles.guesses.get("customer"):
        todo["customer"] = f"is this the customer? {reason}"
    if roles.time and roles.time.time and roles.time.time.is_guess:
        todo["time"] = f"is the order right? {roles.time.time.why}, as in {roles.time.time.example}"
    elif not roles.time and not draft.days:
        todo["day"] = "no column is a time, and no name of a file has a date: give the field with the time"
    if draft.marks.is_guess:
        todo["thousands"] = "is this a mark of thousands? no number has decimals"
    if look.first.encoding.is_guess:
        todo["encoding"] = "a guess; look at the texts that `encore check` shows"
    records = look.first.records
    if records.format == "CSV" and not records.has_header and not draft.is_spaced:
        todo["fields"] = "the files have no header: give their columns better names, here and in column_names"
    if draft.days and (draft.days[1] - draft.days[0]).days < FEWEST_DAYS:
        todo["windows"] = "these files have too few days to train on; give more files, then longer windows"
