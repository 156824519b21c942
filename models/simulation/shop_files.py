"""Makes the files of the audiobook shop: one per event and month, as CSV or JSON lines, compressed or not."""

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pyarrow as pa

from models.simulation.books import shop_books
from models.simulation.files import Archive, Simulation, Tally, gz
from models.simulation.instants import HOME_OFFSETS, instants
from models.simulation.owned import SECONDS_PER_DAY
from models.simulation.records import Fields, LineFormat
from models.simulation.shop_dirt import dirty_lines
from models.simulation.shop_events import ShopEvents
from models.simulation.shop_process import EVENTS

FILES = {
    "purchase": "purchases",
    "listening": "listening",
    "review": "reviews",
    "support": "support",
    "visit": "visits",
}
TIMES = {
    "purchase": "purchased_at",
    "listening": "listened_at",
    "review": "reviewed_at",
    "support": "requested_at",
    "visit": "visited_at",
}
USUALLY_JSON, USUALLY_PLAIN = {"listening", "support"}, {"review", "support"}
NUMBERS = frozenset({"length_minutes", "price", "minutes", "rating"})


@dataclass(frozen=True)
class Month:
    """The days of the logs in one calendar month, [first, end). number: 0 for the first month of the logs."""

    number: int
    first: int
    end: int


def months(simulation: Simulation) -> list[Month]:
    """The months of the logs; the first and the last may be incomplete."""
    groups = groupby(range(simulation.days), lambda day: simulation.date_of(day).replace(day=1))
    days = [list(of_month) for _, of_month in groups]
    return [Month(number, of_month[0], of_month[-1] + 1) for number, of_month in enumerate(days)]


def month_file(
    simulation: Simulation, ids: pa.StringArray, event: str, happened: ShopEvents, month: Month
) -> tuple[list[Archive], Tally]:
    """Make the file of one event and month, and a tally of `purchase.lines` etc."""
    turn = EVENTS.index(event) + month.number  # irregularities come in another month for each event
    rng = simulation.rng(5, EVENTS.index(event), month.number)
    low, high = np.searchsorted(happened.second, np.array([month.first, month.end]) * SECONDS_PER_DAY)
    rows = happened.take(np.arange(low, high))
    form = _form(event, rows, turn, rng)
    fields = _fields(simulation, ids, event, rows, rng)
    if rows.book is not None:
        fields["title"] = _titles(form, turn).take(pa.array(rows.book))
    lines, counts = dirty_lines(event, TIMES[event], fields, form, rng)
    counts.update(_odd(event, fields))
    data = "".join([form.header, *(f"{line}\n" for line in lines)]).encode()
    name = f"{FILES[event]}-{simulation.date_of(month.first):%Y-%m}.{'jsonl' if form.as_json else 'csv'}"
    is_plain = (event in USUALLY_PLAIN) != (turn % 5 == 3)
    file = Archive(name, data) if is_plain else Archive(f"{name}.gz", gz(data, simulation.date_of(month.end - 1)))
    return [file], Counter({f"{event}.{kind}": number for kind, number in counts.items()})


def _form(event: str, rows: ShopEvents, turn: int, rng: np.random.Generator) -> LineFormat:
    """The format of a file: one in six has the other format, one in three another order of fields."""
    names = ["customer_id", TIMES[event], *(["title"] if rows.book is not None else []), *rows.texts]
    if turn % 3 == 1:
        rng.shuffle(names)
    return LineFormat((event in USUALLY_JSON) != (turn % 6 == 4), tuple(names), NUMBERS, frozenset({"title"}))


def _fields(
    simulation: Simulation, ids: pa.StringArray, event: str, rows: ShopEvents, rng: np.random.Generator
) -> Fields:
    """All fields except the title."""
    homes = simulation.rng(6).integers(0, len(HOME_OFFSETS), simulation.customers + 1)
    time = instants(simulation.start, rows.second, homes[rows.customer], rng)
    return {"customer_id": ids.take(pa.array(rows.customer)), TIMES[event]: time, **rows.texts}


def _titles(form: LineFormat, turn: int) -> pa.StringArray:
    """The titles as encoded in this file; every other JSON file is ASCII only."""
    books = shop_books()
    return (books.json_ascii if turn % 2 else books.json) if form.as_json else books.csv


def _odd(event: str, fields: Fields) -> dict[str, int]:
    """Counts of true lines with irregularities that can be read."""
    if event == "purchase":
        price, length = fields["price"].to_pylist(), fields["length_minutes"].to_pylist()
        return {
            "returns": sum(text.startswith("-") for text in price),
            "no_length": sum(t in ("", "0") for t in length),
        }
    return {"no_rating": fields["rating"].to_pylist().count("")} if event == "review" else {}
