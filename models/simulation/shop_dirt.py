"""Adds lines with defects to the true lines of the audiobook shop, as changed copies of some of them.

Defects that can be repaired are in the true events (shop_events). So the readable lines are exactly what the customers
did, and the truth stays exact.
"""

from collections import Counter

import numpy as np
import pyarrow as pa

from models.arrays import Ints
from models.simulation.records import Fields, LineFormat

# Defects by event: a field, its wrong values, and the number of such lines as a share of the true lines.
WRONG: dict[str, dict[str, tuple[str, tuple[str, ...], float]]] = {
    "purchase": {"no_price": ("price", ("",), 0.003)},
    "listening": {
        "negative": ("minutes", ("-1", "-37.5", "-600"), 0.002),
        "over_a_day": ("minutes", ("1440.5", "2880", "99999"), 0.002),
    },
    "review": {"out_of_range": ("rating", ("0", "11"), 0.010)},
}
NO_TIMES = ("", "n/a", "31/12/2017 10:00", "0000-00-00 00:00:00", "yesterday")
NO_CUSTOMER, NO_TIME, BROKEN, DUPLICATED = 0.002, 0.002, 0.003, 0.008


def dirty_lines(
    event: str, time: str, fields: Fields, form: LineFormat, rng: np.random.Generator
) -> tuple[list[str], Counter[str]]:
    """Write the true lines in their order, each followed by its added copies; also returns counts by kind of line.

    Args:
        time: name of the field with the time.
    """
    n = len(fields[time])
    wrong = {
        **WRONG.get(event, {}),
        "no_customer": ("customer_id", ("",), NO_CUSTOMER),
        "no_time": (time, NO_TIMES, NO_TIME),
    }
    lines, source = [form.lines(fields)], [np.arange(n)]
    counts: Counter[str] = Counter(events=n)
    for kind, (name, values, share) in wrong.items():
        rows = _some(n, share, rng)
        spoilt = pa.array(values).take(pa.array(rng.integers(0, len(values), len(rows))))
        lines.append(form.lines({**_take(fields, rows), name: spoilt}))
        source.append(rows)
        counts[kind] = len(rows)
    broken, again = _some(n, BROKEN, rng), _some(n, DUPLICATED, rng)
    lines += [pa.array(form.broken(_take(fields, broken), rng), pa.string()), lines[0].take(pa.array(again))]
    order = np.argsort(np.concatenate([*source, broken, again]), kind="stable")
    counts.update({form.defect: len(broken), "duplicates": len(again), "lines": len(order)})
    return pa.concat_arrays(lines).take(pa.array(order)).to_pylist(), counts


def _some(number: int, share: float, rng: np.random.Generator) -> Ints:
    """Draw about `share` of the rows at random, with replacement."""
    return rng.integers(0, max(number, 1), rng.binomial(number, share))


def _take(fields: Fields, rows: Ints) -> Fields:
    return {name: column.take(pa.array(rows)) for name, column in fields.items()}
