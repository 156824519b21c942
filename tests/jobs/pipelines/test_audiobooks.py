"""The audiobook shop from raw logs to its table, beside a plain pandas computation of the shop's ten columns."""

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from conf.load import load_service
from features.events import clean, tagged
from features.table import feature_table
from features.tiles import daily_tiles
from features.windows import Moment
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.engine import engine
from jobs.features import features
from jobs.ingest import ingest, read_lines
from jobs.rollup import rollup
from jobs.simulate import simulate
from jobs.unpack import unpack
from tests.support.archives import table
from tests.support.engines import SMALL

CUSTOMERS = 2_000
DAY = timedelta(days=1)
Tables = dict[str, list[dict[str, Any]]]
TEN = [
    "length_minutes_avg", "length_minutes_sum", "price_avg", "price_sum", "review_left", "review_out_of_10",
    "completion", "minutes_listened", "support_requests", "last_visit_minus_first_purchase_days",
]  # fmt: skip
FIELDS = {
    "purchase": ["customer_id", "purchased_at", "title", "length_minutes", "price"],
    "listen": ["customer_id", "listened_at", "title", "minutes"],
    "review": ["customer_id", "reviewed_at", "title", "rating"],
    "support": ["customer_id", "requested_at"],
    "visit": ["customer_id", "visited_at"],
}
NUMBERS = {"length_minutes", "price", "minutes", "rating"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw logs of the shop, unpacked."""
    data = tmp_path_factory.mktemp("audiobooks")
    simulate(data, CUSTOMERS, days=None, seed=3, service="audiobooks")
    unpack(_context(data, "sail"))
    return data


def _context(data: Path, name: str) -> Context:
    return Context(DataFolder(data), "audiobooks", load_service("audiobooks"), SMALL, name)


@pytest.fixture(scope="module")
def tables(shop: Path) -> Tables:
    """By as-of date, the rows of the feature table, by Sail."""
    context = _context(shop, "sail")
    with engine("sail", SMALL) as sail:
        ingest(context, sail)
        rollup(context, sail)
        features(context, sail)
    return {day: table(context.data.features.partition(day)) for day in context.data.features.values()}


def test_spark_gives_the_same_table(shop: Path, tables: Tables, spark: SparkSession) -> None:
    """From the landed lines in one go: to write and list a layer of 900 days for each event takes Spark minutes."""
    context = _context(shop, "spark")
    service, logs = context.service, context.data.logs()
    events = {}
    for name, event in service.events.items():
        lines = read_lines(spark, event, context.data.landing / name, context.data.events(name).values())
        events[name] = clean(tagged(lines, event), event)
    moments = [Moment.at(date.fromisoformat(day), service.windows) for day in tables]
    rows = feature_table(daily_tiles(events, service), moments, logs, service).toPandas()
    for day, expected in tables.items():
        sail = pd.DataFrame(expected).set_index("customer_id").sort_index()
        of_day = rows[rows["as_of"] == date.fromisoformat(day)].set_index("customer_id").sort_index()
        pd.testing.assert_frame_equal(_with_none(sail), _with_none(of_day[sail.columns]), rtol=1e-12)


def test_the_ten_columns_are_those_of_a_plain_computation(shop: Path, tables: Tables) -> None:
    logs = {event: _log(shop / "raw", event) for event in FIELDS}
    for day, rows in tables.items():
        computed = pd.DataFrame(rows).set_index("customer_id").sort_index()
        expected = _ten_columns(logs, date.fromisoformat(day))
        eligible = computed[computed["eligible"]]
        assert len(expected) > 1_000 and list(eligible.index) == list(expected.index)
        for column in TEN:
            np.testing.assert_allclose(
                eligible[column].astype(float), expected[column].astype(float), rtol=1e-9, err_msg=f"{column} at {day}"
            )


def test_who_buys_again(shop: Path, tables: Tables) -> None:
    """The mature table's label, from the raw lines."""
    [(day, rows)] = [(day, rows) for day, rows in tables.items() if rows[0]["label_status"] == "mature"]
    as_of = date.fromisoformat(day)
    bought = _log(shop / "raw", "purchase")
    later = bought[(bought["price"] >= 0) & (bought["day"] >= as_of) & (bought["day"] < as_of + 183 * DAY)]
    again = set(later["customer_id"])
    found = {row["customer_id"]: row["label"] for row in rows if row["eligible"]}
    assert found == {customer: int(customer in again) for customer in found}
    assert 0.1 < np.mean(list(found.values())) < 0.25


def test_the_simulation_has_what_makes_it_hard(shop: Path, tables: Tables) -> None:
    """Else the comparison above would prove little."""
    logs = {event: _log(shop / "raw", event) for event in FIELDS}
    rows = [row for of_day in tables.values() for row in of_day if row["eligible"]]
    assert (logs["purchase"]["price"] < 0).sum() > 20
    assert logs["purchase"]["length_minutes"].isna().any()
    assert sum(row["completion"] == 1 for row in rows) > 20
    assert sum(row["review_left"] == 1 and row["review_out_of_10"] is None for row in rows) > 5
    assert not set(logs["review"]["customer_id"]) <= set(logs["purchase"]["customer_id"])
    assert any(row["customer_id"].startswith("0") for row in rows)


def test_capped_customers_are_counted(shop: Path, tables: Tables) -> None:
    """Of a share above one, only the one is left in the table."""
    records = _context(shop, "sail").data.features.records()
    logs = {event: _log(shop / "raw", event) for event in ("purchase", "listen")}
    for day, rows in tables.items():
        since, until = date.fromisoformat(day) - 730 * DAY, date.fromisoformat(day)
        seen = {event: log[(log["day"] >= since) & (log["day"] < until)] for event, log in logs.items()}
        heard = seen["listen"].groupby("customer_id")["minutes"].sum()
        bought = seen["purchase"]
        signed = bought["length_minutes"].abs() * np.where(bought["price"] < 0, -1, 1)
        length = signed.groupby(bought["customer_id"]).sum()
        length = length[length > 0]
        above = (heard.reindex(length.index).fillna(0) > length).sum()
        assert records[day].capped == {"completion": above} and above > 20
        assert sum(row["completion"] == 1 for row in rows) >= above


def _with_none(rows: pd.DataFrame) -> pd.DataFrame:
    """None for whatever is null: an all-null column has no type to tell it by."""
    return rows.astype(object).where(rows.notna(), None)


def _ten_columns(logs: dict[str, pd.DataFrame], as_of: date) -> pd.DataFrame:
    """The shop's columns of the customers with a purchase in the 730 days before as_of, by its definitions."""
    seen = {
        event: rows[(rows["day"] >= as_of - 730 * DAY) & (rows["day"] < as_of)].groupby("customer_id")
        for event, rows in logs.items()
    }
    ten = {}
    for customer, bought in seen["purchase"]:
        of_customer = {
            event: groups.get_group(customer) if customer in groups.groups else logs[event].iloc[:0]
            for event, groups in seen.items()
        }
        if (bought["price"] >= 0).any():
            ten[customer] = _row(bought, of_customer)
    return pd.DataFrame.from_dict(ten, orient="index", columns=TEN).sort_index()


def _row(bought: pd.DataFrame, seen: dict[str, pd.DataFrame]) -> list[float]:
    """A book given back is taken off again, and no sum goes below nothing."""
    sign = np.where(bought["price"] < 0, -1, 1)
    length = bought["length_minutes"].abs() * sign
    known = sign[length.notna()].sum()
    length_sum, price_sum = max(length.sum(), 0), max(bought["price"].sum(), 0)
    heard, ratings = seen["listen"]["minutes"].sum(), seen["review"]["rating"].dropna()
    first = bought.loc[bought["price"] >= 0, "day"].min()
    last = max([first, *seen["visit"]["day"]])
    return [
        length_sum / known if known > 0 else np.nan,
        length_sum,
        price_sum / sign.sum() if sign.sum() > 0 else np.nan,
        price_sum,
        float(len(seen["review"]) > 0),
        ratings.mean() if len(ratings) else np.nan,
        min(heard / length_sum, 1) if length_sum > 0 else np.nan,
        heard,
        len(seen["support"]),
        (last - first).days,
    ]


def _log(raw: Path, event: str) -> pd.DataFrame:
    """The good lines of an event, each once, with the day by UTC."""
    fields, time = FIELDS[event], FIELDS[event][1]
    rows = pd.DataFrame(_records(raw, event, fields), columns=fields)
    instants = [_instant(text) for text in rows[time]]
    rows[time] = instants
    rows["day"] = [instant.date() if instant else None for instant in instants]
    rows = rows[rows["day"].notna() & (rows["customer_id"] != "")].drop_duplicates(fields)
    for name in NUMBERS & set(fields):
        rows[name] = pd.to_numeric(rows[name].replace("", None))
    if event == "purchase":
        rows.loc[~(rows["length_minutes"].abs() > 0), "length_minutes"] = np.nan
        rows = rows[rows["price"].notna()]
    if event == "listen":
        rows = rows[rows["minutes"].between(0, 1440)]
    if event == "review":
        rows = rows[rows["rating"].isna() | rows["rating"].between(1, 10)]
    return rows


def _records(raw: Path, event: str, fields: list[str]) -> Iterator[list[str]]:
    for path in sorted(raw.glob(f"*{event}*")):
        open_text = gzip.open if path.suffix == ".gz" else open
        with open_text(path, "rt", encoding="utf-8") as file:
            if ".json" in path.name:
                yield from ([_text(one.get(field)) for field in fields] for one in _objects(file))
            else:
                header, *records = csv.reader(file)
                whole = (dict(zip(header, one, strict=True)) for one in records if len(one) == len(header))
                yield from ([one[field] for field in fields] for one in whole)


def _objects(file: Any) -> Iterator[dict[str, Any]]:
    for line in file:
        try:
            found = json.loads(line, parse_float=str, parse_int=str)
        except json.JSONDecodeError:
            continue
        if isinstance(found, dict):
            yield found


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
