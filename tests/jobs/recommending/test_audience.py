"""To whom titles are recommended: everybody who was here, those of a file, or the contact list."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from conf.errors import InputError
from conf.load import overridden
from jobs import recommend as module
from jobs.context import Context
from jobs.lineage.bases import targeting_version
from jobs.recommend import RecommendRequest
from jobs.records.layers import FeaturesBasis
from jobs.records.scoring import ScoresBasis, ScoresRecord
from jobs.storage.layer import RECORD, sealed
from jobs.storage.records import write_record
from tests.support.recommending import AS_OF, lists, logged, music_context, recommended, rows_of, titles_of


def test_who_was_here_before_the_history_or_comes_later_is_not_asked_for(
    done: Context, sail: SparkSession, tmp_path: Path
) -> None:
    """By default titles are for those who were here on the days that count, and were no bot until then."""
    of, first = date(2017, 4, 10), "2017-04-05"
    service = overridden(done.service, {"interactions": {"history_days": 5}})
    context = replace(done, service=service)
    request = RecommendRequest("implicit")
    customers = module._audience(context, sail, logged(context, sail, of), request, tmp_path).customers
    assert customers
    tiles = [row for row in rows_of(done.data.daily) if str(row["date"]) < str(of)]
    here = {row["customer_id"] for row in tiles if str(row["date"]) >= first}
    bots = {row["customer_id"] for row in tiles if row["is_bot"]}
    assert sorted(row["customer_id"] for row in customers.collect()) == sorted(here - bots)
    assert here < {row["customer_id"] for row in tiles}


def test_those_of_a_file_and_nobody_else(copy: Path, sail: SparkSession, tmp_path: Path) -> None:
    context = music_context(copy)
    known = sorted({row["customer_id"] for row in rows_of(context.data.interactions) if row["strength"] > 0})[:2]
    whole = lists(titles_of(context))
    text = f'\ufeffcustomer_id,why\n"{known[0]}",x\n\n {known[1]}\n{known[1]}\n42,new\n'
    (tmp_path / "wanted.csv").write_text(text, encoding="utf-8")
    _, record = recommended(context, sail, customers=tmp_path / "wanted.csv")
    found = lists(titles_of(context))
    assert set(found) == {*known, 42}
    for customer in known:
        assert [row["title_id"] for row in found[customer]] == [row["title_id"] for row in whole[customer]]
    assert {row["source"] for row in found[42]} == {"popular"}
    assert (record.customers, record.without_history) == (3, 1)


def test_a_file_without_ids_is_refused(copy: Path, sail: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "wanted.csv").write_text("12\nanna\n")
    with pytest.raises(InputError, match="'anna' is not a customer id"):
        recommended(music_context(copy), sail, customers=tmp_path / "wanted.csv")
    with pytest.raises(InputError, match="there is no such file"):
        recommended(music_context(copy), sail, customers=tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("customer_id\n")
    with pytest.raises(InputError, match="there is no customer to recommend to"):
        recommended(music_context(copy), sail, customers=tmp_path / "empty.csv")


def test_the_list_of_contacts_gets_its_titles(copy: Path, sail: SparkSession) -> None:
    context = music_context(copy)
    with pytest.raises(InputError, match="there is no contact list at 2017-04-29; run `encore score` first"):
        recommended(context, sail, segment="contact")
    whole = lists(titles_of(context))
    first, second, third, *_ = sorted(whole)
    write_scores(context, {first: "contact", second: "hold out", third: "no", 42: "contact"})
    recommended(context, sail)
    for request in ({}, {"segment": "contact"}):
        recommended(context, sail, **request)
        contacts = {row["customer_id"]: row for row in rows_of(context.data.titles_for_contacts)}
        assert set(contacts) == {first, 42}
        told = [(one["rank"], one["title_id"], one["name"], one["source"]) for one in contacts[first]["titles"]]
        assert told == [(row["rank"], row["title_id"], row["name"], row["source"]) for row in whole[first]]
        assert contacts[first]["expected_profit"] == 1.0
    assert set(lists(titles_of(context))) == {first, 42}
    assert {one["source"] for one in contacts[42]["titles"]} == {"popular"}


def write_scores(context: Context, contacts: dict[int, str]) -> None:
    partition = context.data.scores.partition(str(AS_OF))
    partition.mkdir(parents=True)
    columns = {
        "customer_id": list(contacts),
        "contact": list(contacts.values()),
        "expected_profit": [1.0] * len(contacts),
    }
    pq.write_table(pa.table(columns), partition / "part.parquet")
    table = FeaturesBasis(tiles="t", configuration="c", mature=False)
    record = ScoresRecord(
        basis=ScoresBasis(table=table, model="m", targeting="t", declared=targeting_version(context.service)),
        model="gbt",
        customers=len(contacts),
        mean_probability=0.5,
        sample=1.0,
        plan=None,
    )
    write_record(partition / RECORD, sealed(record, partition))
