"""What the recommender learns from logs: only the days before as_of, made again only where they changed."""

import json
import math
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from conf.errors import InputError
from conf.load import overridden
from jobs.context import Context
from jobs.interactions import interactions
from jobs.lineage.shown import stale_parts
from jobs.rollup import rollup
from jobs.storage.layer import RECORD
from tests.support.layers import changed_record
from tests.support.recommending import AS_OF, logged, music_context, recommended, rows_of, values_of_metrics


def test_the_table_of_interactions_has_what_the_issue_asks_for(done: Context) -> None:
    rows = rows_of(done.data.interactions)
    assert len(rows) == len({(row["customer_id"], row["title"]) for row in rows})
    some = next(row for row in rows if row["plays"] and row["downloads"])
    assert some["title"] > 0 and some["play_seconds"] > 0 and 0 <= some["share_heard"] <= 1
    record = done.data.interactions.records()[str(AS_OF)]
    assert record.pairs == len(rows)


# ---- time ----


def test_nothing_later_than_as_of_is_known(folder: Path, copy: Path, tmp_path: Path, sail: SparkSession) -> None:
    """The negative control of a leak: logs that end at as_of give the same as logs that go on."""
    as_of = date(2017, 4, 24)
    going_on, ended = music_context(copy), music_context(Path(shutil.copytree(folder, tmp_path / "ended")))
    recommended(going_on, sail, as_of=as_of)
    for layer in (ended.data.events("play"), ended.data.events("down"), ended.data.events("search")):
        for day in layer.values():
            if day >= str(as_of):
                shutil.rmtree(layer.partition(day))
    rollup(ended, sail)
    assert recommended(ended, sail)[0] == str(as_of)
    for of in ("titles_for_customers", "customers_for_titles"):
        went_on, stopped = (
            [row for row in rows_of(getattr(one.data, of)) if row["as_of"] == str(as_of)] for one in (going_on, ended)
        )
        # customers arrive in another order, which rounds the last digit of a score (float32) otherwise
        scores, stopped_scores = (
            [math.nan if (score := row.pop("score")) is None else score for row in rows] for rows in (went_on, stopped)
        )
        assert went_on and went_on == stopped
        assert scores == pytest.approx(stopped_scores, rel=1e-5, nan_ok=True)
    assert values_of_metrics(going_on) == pytest.approx(values_of_metrics(ended))


@pytest.mark.parametrize("day", ["2017-03-30", "2017-04-30"])
def test_outside_the_logs_nothing_is_known(copy: Path, sail: SparkSession, day: str) -> None:
    with pytest.raises(InputError, match=f"as_of {day} is outside the logs"):
        recommended(music_context(copy), sail, as_of=date.fromisoformat(day))


def test_names_that_come_later_are_not_known(done: Context, sail: SparkSession) -> None:
    """A title that nobody had met before as_of has no name then."""
    of = date(2017, 4, 5)
    known = {row["title"] for row in rows_of(done.data.title_names) if str(row["date"]) < str(of)}
    assert {row["title_id"] for row in logged(done, sail, of).names().collect()} == known
    assert known < {row["title"] for row in rows_of(done.data.title_names)}


# ---- days that changed ----


def test_only_days_that_changed_are_made_again(copy: Path, sail: SparkSession) -> None:
    context = music_context(copy)
    data = context.data
    assert interactions(context, sail) == 0
    shutil.rmtree(data.title_names.partition("2017-04-03"))
    change_basis(data.title_days.partition("2017-04-05"))
    before = rows_of(data.title_days)
    assert interactions(context, sail) == 2
    assert rows_of(data.title_days) == before
    shutil.rmtree(data.events("play").partition("2017-04-07"))
    shutil.rmtree(data.events("down").partition("2017-04-07"))
    assert interactions(context, sail) == 0
    assert "2017-04-07" not in data.title_days.values() + data.title_names.values()


def test_a_day_of_other_events_is_made_again(copy: Path, sail: SparkSession) -> None:
    context = music_context(copy)
    change_basis(context.data.events("play").partition("2017-04-03"), files=["of another archive"])
    assert interactions(context, sail) == 1


def test_what_logs_say_is_made_of_days_of_bots_and_of_the_declaration(copy: Path, sail: SparkSession) -> None:
    """A model of other interactions, of other bots or of another strength is out of date; later days say nothing."""
    context, day = music_context(copy), "2017-04-05"
    of, earlier = logged(context, sail).basis, logged(context, sail, date.fromisoformat(day)).basis
    service = overridden(context.service, {"interactions": {"half_life_days": 3}})
    assert logged(replace(context, service=service), sail).basis != of
    for layer in (context.data.title_days, context.data.daily):
        text = change_basis(layer.partition(day))
        assert logged(context, sail).basis != of
        assert logged(context, sail, date.fromisoformat(day)).basis == earlier
        (layer.partition(day) / RECORD).write_text(text)
    assert logged(context, sail).basis == of


def test_recommendations_of_other_interactions_are_not_shown(copy: Path) -> None:
    context = music_context(copy)
    assert stale_parts(context.lineage) == {}
    service = overridden(context.service, {"interactions": {"half_life_days": 3}})
    text = change_basis(context.data.title_days.partition("2017-04-05"))
    for other in (context, replace(context, service=service)):
        assert "run `encore recommend` again" in str(stale_parts(other.lineage)["titles"])
        (context.data.title_days.partition("2017-04-05") / RECORD).write_text(text)
    assert stale_parts(context.lineage) == {}


def change_basis(folder: Path, **changes: object) -> str:
    """Say of a day that it was made from something else. Returns the record as it was."""
    path = folder / RECORD
    text = path.read_text()
    basis = json.loads(text)["basis"] | (changes or {"configuration": "other"})
    path.write_text(changed_record(text, basis=basis))
    return text


# ---- slices ----


def test_what_logs_say_is_the_same_in_slices(
    done: Context, sail: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every customer is in one of them, and only in one."""
    half = done.data.interactions.records()[str(AS_OF)].pairs // 2
    monkeypatch.setattr("jobs.recommending.sources.SLICE_ROWS", half)
    logs = logged(done, sail)
    parts = logs.slices(logs.window)
    rows = [row for part in parts for row in logs.pairs(logs.window, part).collect()]
    whole = {(row["customer_id"], row["title"]): row["strength"] for row in rows_of(done.data.interactions)}
    assert len(parts) > 1 and len(rows) == len(whole)
    assert {(row["customer_id"], row["title_id"]): row["strength"] for row in rows} == pytest.approx(whole)
