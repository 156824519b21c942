"""Which column is the customer, the time, an amount, a quantity, an item, and which one tells several events apart."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.onboarding.columns import OTHER_TIME, Column

# Words of names in English and other languages of shops. A word also stands for those that begin with it, where it
# has at least five letters: `kundennummer` begins with `kunde`.
CUSTOMER = {
    "customer": 6, "cust": 6, "client": 6, "kunde": 6, "kunden": 6, "klant": 6, "cliente": 6, "subscriber": 6, "uid": 6,
    "buyer": 5, "shopper": 5, "user": 5, "member": 5, "mitglied": 5, "nutzer": 5, "donor": 5, "patient": 5, "guest": 4,
    "visitor": 4, "account": 4, "household": 4, "konto": 3, "person": 3, "passenger": 5, "reader": 4,
}  # fmt: skip
NUMBER = frozenset({"id", "ids", "no", "nr", "num", "number", "nummer", "key", "code", "uuid"})
NOT_AN_ID = frozenset({
    "age", "agent", "alter", "birth", "city", "country", "email", "gender", "group", "land", "level", "mail", "name",
    "ort", "phone", "segment", "since", "state", "status", "type", "vorname", "zip",
})  # fmt: skip
EVENT_TIME = frozenset({
    "bestellt", "booked", "bought", "event", "gekauft", "invoice", "kauf", "listened", "order", "played", "purchase",
    "purchased", "sale", "sold", "timestamp", "transaction", "ts", "viewed", "visited",
})  # fmt: skip
AMOUNT = frozenset({
    "amount", "betrag", "brutto", "charge", "cost", "dollar", "dollars", "eur", "euro", "fare", "fee", "gesamtpreis",
    "gross", "importe", "montant", "netto", "paid", "payment", "precio", "preis", "price", "prix", "revenue", "sales",
    "spend", "spent", "summe", "total", "turnover", "umsatz", "usd", "value", "wert",
})  # fmt: skip
OF_ONE = frozenset({"einzelpreis", "precio", "preis", "price", "prix", "stueckpreis", "unit"})
OF_ALL = frozenset({"amount", "betrag", "gesamt", "gesamtpreis", "line", "sum", "summe", "total", "umsatz"})
QUANTITY = frozenset({
    "anzahl", "cantidad", "cds", "menge", "pcs", "pieces", "qty", "quantite", "quantity", "stueck", "stueckzahl",
    "units",
})  # fmt: skip
DURATION = frozenset({"dauer", "duration", "length", "listened", "minutes", "minuten", "seconds", "secs", "sekunden"})
ITEM = frozenset({
    "artikel", "artikelnr", "artikelnummer", "asin", "book", "course", "film", "isbn", "item", "movie", "product",
    "produkt", "sku", "song", "stock", "stockcode", "title", "titel", "track",
})  # fmt: skip
ITEM_NAME = frozenset({"beschreibung", "bezeichnung", "description", "name", "title", "titel"})
ORDER = frozenset({"basket", "bestellnr", "bestellnummer", "bestellung", "invoice", "order", "receipt", "rechnung"})
SESSION = frozenset({"session", "sitzung"})
PERSONAL = frozenset({
    "address", "adresse", "email", "firstname", "ip", "lastname", "mail", "nachname", "password", "phone", "strasse",
    "street", "surname", "telefon", "useragent", "vorname",
})  # fmt: skip
PERSONAL_PAIRS = (frozenset({"first", "name"}), frozenset({"last", "name"}), frozenset({"user", "agent"}))
EVENT_WORDS = frozenset({"action", "activity", "aktion", "event", "eventname", "eventtype", "page"})
KIND_WORDS = frozenset({"kind", "typ", "type", "verb"})
MOST_EVENTS, LEAST_SHARE = 6, 0.01  # of the values of a column that tells events apart
MOST_VALUES = 60
GIVEN = 0.5  # of the rows of an event must have a value, for a column to be one of this event


@dataclass
class Roles:
    """The columns by what they are; None or empty where there is none. `guesses`: why a role is a guess, by role.

    clock: the column with the time of day, where `time` has the day alone. events: by frequent value of `event_of`,
    the number of its rows.
    """

    customer: Column | None = None
    time: Column | None = None
    clock: Column | None = None
    amounts: list[Column] = field(default_factory=list)
    quantity: Column | None = None
    durations: list[Column] = field(default_factory=list)
    item: Column | None = None
    item_name: Column | None = None
    order: Column | None = None
    session: Column | None = None
    event_of: Column | None = None
    events: dict[str, int] = field(default_factory=dict)
    personal: list[Column] = field(default_factory=list)
    other_times: list[Column] = field(default_factory=list)
    guesses: dict[str, str] = field(default_factory=dict)


def roles_of(columns: Sequence[Column]) -> Roles:
    """What each of the columns is, by their names and their values."""
    found = Roles()
    used = [column for column in columns if column.rows]
    found.personal = [column for column in used if _is_personal(column)]
    open_ones = [column for column in used if column not in found.personal]
    _find_times(found, open_ones)
    taken = [found.time, found.clock, *found.other_times]
    _find_customer(found, [column for column in open_ones if column not in taken], found.personal)
    rest = [column for column in open_ones if column not in [*taken, found.customer]]
    found.amounts = [
        one for one in rest if one.is_number and not _is_id(one) and (_has(one, AMOUNT) or one.has_currency)
    ]
    found.quantity = _first(one for one in rest if one.is_number and not _is_id(one) and _has(one, QUANTITY))
    if found.quantity in found.amounts:
        found.amounts.remove(found.quantity)
    numeric = [one for one in rest if one.is_number and one not in [*found.amounts, found.quantity]]
    found.durations = [one for one in numeric if _has(one, DURATION)]
    rest = [one for one in rest if one not in [*found.amounts, found.quantity, *found.durations]]
    found.order = _first(one for one in rest if _has(one, ORDER))
    found.session = _first(one for one in rest if _has(one, SESSION) and (_is_id(one) or len(one.tokens) == 1))
    items = [one for one in rest if _has(one, ITEM) and not _has(one, SESSION) and one is not found.order]
    items.sort(key=lambda one: one.is_number)  # a name is more likely an item than a number is
    found.item = _first(one for one in items if _is_id(one) or one.tokens & {"sku", "isbn", "asin", "stockcode"})
    names = [one for one in rest if one not in (found.item, found.order, found.session) and _has(one, ITEM | ITEM_NAME)]
    found.item_name = _first(one for one in names if not one.is_number and len(one.counts) > 1)
    if found.item is None:
        found.item, found.item_name = _first(items) or found.item_name, None
    _find_events(found, rest, [column for column in used if column is not found.customer])
    return found


def _has(column: Column, words: Iterable[str]) -> bool:
    """Whether one of the words stands in the name, or begins one of its words."""
    long = tuple(word for word in words if len(word) >= 5)
    return any(token in words or token.startswith(long) for token in column.tokens)


def _first(columns: Iterable[Column]) -> Column | None:
    return next(iter(columns), None)


def _is_id(column: Column) -> bool:
    is_count = {"number", "of"} <= column.tokens
    is_named = any(token.endswith(("nummer", "nr", "code")) for token in column.tokens)
    return is_named or bool(column.tokens & NUMBER and not is_count)


def _is_amount(column: Column) -> bool:
    return column.is_number and not _is_id(column) and (_has(column, AMOUNT) or column.has_currency)


def _is_personal(column: Column) -> bool:
    is_named = _has(column, PERSONAL) or any(pair <= column.tokens for pair in PERSONAL_PAIRS)
    return (is_named and not _is_id(column)) or column.is_personal


# ---------------------------------------------------------------- time


def _find_times(found: Roles, columns: Sequence[Column]) -> None:
    candidates = [column for column in columns if column.time]
    if not candidates:
        return

    def score(column: Column) -> float:
        other = -5 * _has(column, OTHER_TIME)
        clock = 1 if column.time and column.time.has_clock else 0
        return other + 2 * _has(column, EVENT_TIME) + clock - 3 * column.missing

    found.time = max(candidates, key=score)
    found.other_times = [column for column in candidates if column is not found.time]
    if found.time.time and not found.time.time.has_clock and not found.time.time.is_epoch:
        found.clock = _first(column for column in columns if column.clock and column.missing < 0.5)


# ---------------------------------------------------------------- customer


def _find_customer(found: Roles, columns: Sequence[Column], personal: Sequence[Column]) -> None:
    named = {column: _customer_score(column) for column in columns}
    best = max(columns, key=lambda column: named[column], default=None)
    if best is not None and named[best] > 0:
        found.customer = best
        return
    repeated = [one for one in columns if 1 < len(one.counts) < 0.9 * len(one.rows) and _could_be_ids(one)]
    with_name = [one for one in repeated if _is_id(one) and not _has(one, ITEM | ORDER | SESSION)]
    mails = [column for column in personal if column.is_personal]
    found.customer = _first([*with_name, *mails, *repeated]) or _first(columns)
    found.guesses["customer"] = "no name of a column says that it is the customer"


def _customer_score(column: Column) -> float:
    words = [weight for word, weight in CUSTOMER.items() if _has(column, [word])]
    if not words or column.missing > 0.9 or (len(column.counts) < 2 and len(column.cells) > 1):
        return 0
    is_other = bool(column.tokens & NOT_AN_ID)
    return max(words) + 2 * _is_id(column) - 5 * is_other - column.missing


def _could_be_ids(column: Column) -> bool:
    """Whether values are whole numbers or short texts, and more than a few."""
    is_short = max(map(len, list(column.counts)[:500])) <= 40
    return (column.is_whole or not column.is_number) and is_short and len(column.counts) > 5 and not column.clock


# ---------------------------------------------------------------- several events


def _find_events(found: Roles, columns: Sequence[Column], all_columns: Sequence[Column]) -> None:
    """The column that tells events apart: named so, of few values, with other columns null by some of them."""
    customers = set(found.customer.rows) if found.customer else set()
    best, best_score = None, 0
    for column in columns:
        if column.is_number or not 2 <= len(column.counts) <= MOST_VALUES or column.missing > 0.05:
            continue
        is_event, is_kind = bool(column.tokens & EVENT_WORDS), bool(column.tokens & KIND_WORDS)
        told = len(_told_apart(column, all_columns, customers)) if is_event or is_kind else 0
        score = told + 10 * is_event
        if score > best_score:
            best, best_score = column, score
    if best is None:
        return
    counts = Counter(best.cells[row] for row in best.rows if row in customers)
    frequent = [(value, count) for value, count in counts.most_common() if count >= LEAST_SHARE * counts.total()]
    if len(counts) > 1 and frequent:
        found.event_of, found.events = best, dict(frequent[:MOST_EVENTS])


def _told_apart(column: Column, others: Sequence[Column], customers: set[int]) -> list[Column]:
    """The columns that have no value for one of the values of a column, and mostly have one for another."""
    rows: Mapping[str, list[int]] = {value: [] for value in column.counts}
    for row in column.rows:
        if row in customers:
            rows[column.cells[row]].append(row)
    wanted = [numbers for numbers in rows.values() if len(numbers) >= LEAST_SHARE * len(customers)]
    found = []
    for other in others:
        given = set(other.rows)
        shares = [sum(row in given for row in numbers) / len(numbers) for numbers in wanted if numbers]
        if other is not column and shares and min(shares) < 0.01 and max(shares) > GIVEN:
            found.append(other)
    return found


def rows_of_event(roles: Roles, value: str) -> list[int]:
    """The rows of an event that have a customer."""
    column, customer = roles.event_of, roles.customer
    if column is None or customer is None:
        return []
    known = set(customer.rows)
    return [row for row in column.rows if column.cells[row] == value and row in known]


def is_given(column: Column, rows: Sequence[int]) -> bool:
    """Whether most of some rows have a value of a column."""
    known = set(column.rows)
    return bool(rows) and sum(row in known for row in rows) > GIVEN * len(rows)
