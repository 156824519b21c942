"""A shop that comes as a finished table small enough for paper, and files of it."""

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from conf.schema import Service
from jobs.context import Context
from jobs.data_folder import DataFolder
from tests.support.engines import SMALL


def _feature(kind: str, made_from: str, null_means: str = "never null for a customer of the table") -> dict[str, Any]:
    return {"kind": kind, "unit": "one", "about": made_from, "from_features": made_from, "null_means": null_means}


# What was paid for all records and for one on average, whether they were rated and how, the minutes on them and those
# heard; whoever bought again is 1.
TABLED: dict[str, Any] = {
    "title": "Records",
    "about": "Sold.",
    "windows": {"observation_days": 10, "outcome_days": 2},
    "table": {
        "as_of": "2017-05-01",
        "columns": {
            "customer_id": {"type": "string", "names": ["ID"]},
            "mean": {"type": "decimal(9,2)", "least": 0.5, "names": ["Price (USD)_avg"]},
            "total": {"type": "decimal(9,2)"},
            "rated": {"type": "bigint", "least": 0, "greatest": 1},
            "stars": {"type": "decimal(9,2)", "least": 1, "greatest": 5, "may_be_empty": True, "names": ["Stars 5/5"]},
            "minutes": {"type": "bigint"},
            "heard": {"type": "decimal(9,2)"},
            "again": {"type": "bigint", "least": 0, "greatest": 1, "may_be_empty": True},
        },
        "ordered": [["mean", "total"]],
        "identities": {"heard_is_on_it": {"holds": "heard <= 1.5 * minutes", "about": "Nobody hears much more"}},
        "fills": {"stars": "rated = 0"},
    },
    "features": {
        "price": _feature("amount", "total"),
        "records": _feature("ratio", "total / mean"),
        "stars": _feature("rating", "stars", "no rating was given"),
        "heard": _feature("share", "least(heard / minutes, 1)"),
    },
    "eligible": {"when": "price > 10", "about": "Paid more than ten"},
    "label": {"name": "bought_again", "when": "again = 1", "one_if": "present", "about": "Buys"},
    "recency_feature": "heard",
}
NAMES = tuple(TABLED["table"]["columns"])


def service(**changes: Any) -> Service:
    """The service, with other keys in its table where they are given."""
    table = TABLED["table"] | changes
    table["as_of"] = date.fromisoformat(str(table["as_of"]))
    return Service.model_validate(TABLED | {"table": table})


def shop(data: Path, engine: str = "sail") -> Context:
    """A context of the service."""
    return Context(DataFolder(data), "records", service(), SMALL, engine)


def row(customer: str = "7", **changes: object) -> dict[str, object]:
    """A row as a file has it that keeps every rule, with other cells where they are given."""
    sound = dict(zip(NAMES, (customer, "10.00", "20.00", "1", "4.5", "40", "30.00", "1"), strict=True))
    return sound | changes


def write(path: Path, *rows: dict[str, object], header: Sequence[str] | None = NAMES) -> Path:
    """A file of these rows; `header` names and orders the columns, None leaves the header out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        named = csv.DictWriter(file, header or NAMES)
        if header:
            named.writeheader()
        named.writerows(rows)
    return path
