"""`encore recommend` as a whole, on simulated music and on files of ratings."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from conf.errors import InputError, NothingToLearnError, UsageError
from conf.load import overridden
from jobs import recommend as module
from jobs.cli import main
from jobs.context import Context
from jobs.engine import engine
from jobs.ingest import ingest
from jobs.interactions import interactions
from jobs.recommend import Wish, library, recommend
from jobs.recommending.sources import Logs
from jobs.rollup import rollup
from jobs.simulate import simulate
from jobs.storage.layer import RECORD, read_record
from jobs.unpack import unpack
from models.evaluation.intervals import Interval
from models.recommender.rankers import NeighbourRanker
from models.recommender.ratings import RatingErrors
from models.recommender.serialization import unpack_model
from tests.support.archives import context as music
from tests.support.archives import table
from tests.support.engines import SMALL
from tests.support.paths import ROOT

CUSTOMERS, DAYS = 1_500, 30
AS_OF = date(2017, 4, 29)  # the day after the last of them
ALS = {"factors": [32], "alpha": [10.0], "weights": ["log"], "regularisation": [0.5]}
ITEM_ITEM = {"neighbours": [100], "weights": ["binary"]}
GRIDS = {"als": ALS, "item_item": ITEM_ITEM}
Lists = dict[Any, list[dict[str, Any]]]


def context_of(data: Path, **changes: Any) -> Context:
    """The music service with candidates that are fitted soon."""
    context = replace(music(data), profile=SMALL)
    return replace(context, service=overridden(context.service, {"recommender": {"grids": GRIDS} | changes}))


def quiet(done: int, total: int, what: str) -> None:
    assert done <= total and what


def recommended(context: Context, spark: SparkSession, **wish: Any) -> tuple[str, dict[str, Any]]:
    return recommend(context, spark, Wish(**{"library": "implicit"} | wish), quiet)


def rows_of(context: Context, of: str = "titles") -> list[dict[str, Any]]:
    return table(context.recommendations(of).root)


def lists(rows: Iterable[dict[str, Any]], key: str = "customer_id") -> Lists:
    found: Lists = {}
    for row in sorted(rows, key=lambda row: int(row["rank"])):
        found.setdefault(row[key], []).append(row)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A music service of which everybody was recommended something."""
    data = tmp_path_factory.mktemp("music")
    simulate(data, CUSTOMERS, DAYS, seed=5)
    context = context_of(data)
    unpack(context)
    with engine("sail", SMALL) as sail:
        ingest(context, sail)
        rollup(context, sail)
        assert recommended(context, sail)[0] == str(AS_OF)
    shutil.rmtree(context.data.landing)
    shutil.rmtree(context.data.raw)
    return data


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "data"))


@pytest.fixture(scope="module")
def done(folder: Path) -> Context:
    return context_of(folder)


def study(context: Context) -> dict[str, Any]:
    return read_record(context.data.recommender) or {}


# ---- how good it is ----


@pytest.mark.parametrize("part", ["later", "drawn"])
def test_als_finds_the_tastes_that_popularity_does_not(done: Context, part: str) -> None:
    judged = study(done)["parts"][part]
    ndcg = {name: one["metrics"]["ndcg"] for name, one in judged.items()}
    assert ndcg["als"]["value"] >= 1.5 * ndcg["popular"]["value"]
    assert ndcg["als"]["low"] > ndcg["popular"]["high"]
    assert judged["als"]["ndcg_over_popular"]["low"] > 0
    assert judged["popular"]["coverage"] < judged["als"]["coverage"] < 1


def test_what_was_judged_is_said(done: Context) -> None:
    record = study(done)
    assert record["chosen"] in ("als", "item-item") and record["chosen_by"] == "validation"
    assert record["settings"]["als"] == {
        "factors": 32, "iterations": 10, "alpha": 10.0, "weights": "log", "regularisation": 0.5
    }  # fmt: skip
    assert [len(record["tried"][name]) for name in ("als", "item-item", "popular")] == [1, 1, 1]
    assert record["tried"]["als"][0]["ndcg"]["value"] > record["tried"]["popular"][0]["ndcg"]["value"]
    assert "ratings" not in record


# ---- what is recommended ----


def test_every_list_is_whole_and_nothing_seen_is_on_it(done: Context) -> None:
    seen = {(row["customer_id"], row["title"]) for row in table(done.data.interactions.root)}
    found = lists(rows_of(done))
    for customer, rows in found.items():
        assert [row["rank"] for row in rows] == list(range(1, 11))
        assert len({row["title_id"] for row in rows}) == 10
        assert not {(customer, row["title_id"]) for row in rows} & seen
        scores = [row["score"] for row in rows if row["source"] == "history"]
        assert scores == sorted(scores, reverse=True)


def test_everybody_who_was_here_has_a_list_and_nobody_else(done: Context) -> None:
    """Those who searched only have no history; bots and uid 0 are nobody."""
    tiles = table(done.data.daily.root)
    bots = {row["customer_id"] for row in tiles if row["is_bot"]}
    here = {row["customer_id"] for row in tiles} - bots
    known = {row["customer_id"] for row in table(done.data.interactions.root) if row["strength"] > 0}
    found = lists(rows_of(done))
    assert bots and set(found) == here
    without = {customer for customer, rows in found.items() if all(row["source"] == "popular" for row in rows)}
    assert without == here - known and without
    assert not known & bots
    record = done.data.titles_for_customers.records()[str(AS_OF)]
    assert (record["customers"], record["without_history"]) == (len(here), len(without))


def test_without_a_history_the_titles_are_those_most_liked_of_late(done: Context) -> None:
    likers: dict[int, set[int]] = {}
    bots = {row["customer_id"] for row in table(done.data.daily.root) if row["is_bot"]}
    for row in table(done.data.title_days.root):
        is_liked = row["plays_through"] + row["downloads"] > 0 and row["customer_id"] not in bots
        if is_liked and str(row["date"]) >= "2017-04-22":
            likers.setdefault(row["title"], set()).add(row["customer_id"])
    most = sorted((len(customers) for customers in likers.values()), reverse=True)[:10]
    found = lists(rows_of(done))
    popular = next(
        rows for rows in found.values() if all(row["source"] == "popular" and row["score"] is None for row in rows)
    )
    assert [len(likers[row["title_id"]]) for row in popular] == most


def test_titles_have_the_name_they_had_most_often(done: Context) -> None:
    names: dict[int, dict[str, int]] = {}
    for row in table(done.data.title_names.root):
        of_title = names.setdefault(row["title"], {})
        of_title[row["name"]] = of_title.get(row["name"], 0) + row["events"]
    for row in rows_of(done):
        assert names[row["title_id"]][row["name"]] == max(names[row["title_id"]].values())


def test_for_a_title_those_customers_whose_score_of_it_is_highest(done: Context) -> None:
    """Whoever is told of a title is on its own list, or scores it no higher than the last who is."""
    found = lists(rows_of(done, "customers"), "title_id")
    for rows in found.values():
        scores = [row["score"] for row in rows]
        assert scores == sorted(scores, reverse=True) and [row["rank"] for row in rows] == list(range(1, 11))
    is_listed = 0
    for row in rows_of(done):
        if row["source"] == "history":
            best = {one["customer_id"]: one["score"] for one in found[row["title_id"]]}
            if row["customer_id"] in best:
                assert row["score"] == pytest.approx(best[row["customer_id"]], rel=1e-5)
                is_listed += 1
            else:
                assert row["score"] <= min(best.values()) + 1e-6
    assert is_listed > 50


def test_what_is_told_of_the_lists_is_what_stands_on_them(done: Context) -> None:
    """What the report shows: titles by the lists they stand on, and customers with what they liked most."""
    record, rows = done.data.titles_for_customers.records()[str(AS_OF)], rows_of(done)
    counts = Counter(row["title_id"] for row in rows)
    most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:20]
    assert [(one["title_id"], one["customers"]) for one in record["most_recommended"]] == most
    assert record["titles"] == len(counts)
    names = {row["title_id"]: row["name"] for row in table(done.data.recommender / "titles")}
    liked: dict[Any, list[tuple[float, Any]]] = {}
    for row in table(done.data.interactions.root):
        if row["strength"] > 0:
            liked.setdefault(row["customer_id"], []).append((row["strength"], row["title"]))
    found = lists(rows)
    assert len(record["examples"]) == 5
    for one in record["examples"]:
        customer, history = one["customer_id"], sorted(liked[one["customer_id"]], reverse=True)
        assert one["history_titles"] == len(history)
        eighth = history[7][0] * (1 + 1e-6)  # equally strong ones may stand in any order
        assert {names[title] for strength, title in history if strength > eighth} <= set(one["history"])
        assert one["history"][0] in {
            names[title] for strength, title in history if strength * (1 + 1e-6) > history[0][0]
        }
        assert len(one["history"]) == 8
        assert one["recommended"] == [row["name"] for row in found[customer]][:8]


def test_the_table_of_interactions_has_what_the_issue_asks_for(done: Context) -> None:
    rows = table(done.data.interactions.root)
    assert len(rows) == len({(row["customer_id"], row["title"]) for row in rows})
    some = next(row for row in rows if row["plays"] and row["downloads"])
    assert some["title"] > 0 and some["play_seconds"] > 0 and 0 <= some["share_heard"] <= 1
    record = done.data.interactions.records()[str(AS_OF)]
    assert record["pairs"] == len(rows)


# ---- time ----


def judged(context: Context) -> dict[str, float]:
    """The figures of all models."""
    return {
        f"{part} {model} {metric}": value["value"]
        for part, models in study(context)["parts"].items()
        for model, one in models.items()
        for metric, value in one["metrics"].items()
    }


def test_nothing_later_than_as_of_is_known(folder: Path, copy: Path, tmp_path: Path, sail: SparkSession) -> None:
    """The negative control of a leak: logs that end at as_of give the same as logs that go on."""
    as_of = date(2017, 4, 24)
    recommended(context_of(copy), sail, as_of=as_of)
    ended = context_of(Path(shutil.copytree(folder, tmp_path / "ended")))
    for layer in (ended.events("play"), ended.events("down"), ended.events("search")):
        for day in layer.values():
            if day >= str(as_of):
                shutil.rmtree(layer.partition(day))
    rollup(ended, sail)
    assert recommended(ended, sail)[0] == str(as_of)
    for of in ("titles", "customers"):
        went_on = [row for row in rows_of(context_of(copy), of) if row["as_of"] == str(as_of)]
        stopped = [row for row in rows_of(ended, of) if row["as_of"] == str(as_of)]
        assert went_on and went_on == stopped
    assert judged(context_of(copy)) == pytest.approx(judged(ended))


@pytest.mark.parametrize("day", ["2017-03-30", "2017-04-30"])
def test_outside_the_logs_nothing_is_known(copy: Path, sail: SparkSession, day: str) -> None:
    with pytest.raises(InputError, match=f"as_of {day} is outside the logs"):
        recommended(context_of(copy), sail, as_of=date.fromisoformat(day))


def test_only_days_that_changed_are_made_again(copy: Path, sail: SparkSession) -> None:
    context = context_of(copy)
    assert interactions(context, sail) == 0
    shutil.rmtree(context.data.title_names.partition("2017-04-03"))
    path = context.data.title_days.partition("2017-04-05") / RECORD
    path.write_text(path.read_text().replace('"configuration": "', '"configuration": "other'))
    before = table(context.data.title_days.root)
    assert interactions(context, sail) == 2
    assert table(context.data.title_days.root) == before
    shutil.rmtree(context.data.events("play").partition("2017-04-07"))
    shutil.rmtree(context.data.events("down").partition("2017-04-07"))
    assert interactions(context, sail) == 0
    assert "2017-04-07" not in context.data.title_days.values() + context.data.title_names.values()


def test_what_is_up_to_date_is_left_alone(copy: Path, sail: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    context = context_of(copy)
    files = {path: path.stat().st_mtime_ns for path in context.data.root.rglob("*.parquet")}
    recommended(context, sail)
    assert {path: path.stat().st_mtime_ns for path in context.data.root.rglob("*.parquet")} == files
    with monkeypatch.context() as patched:
        patched.setattr(module, "Study", None)  # the model need not be fitted again for longer lists
        assert recommended(context, sail, top=3)[1]["top"] == 3
    assert {row["rank"] for row in rows_of(context)} == {1, 2, 3}


def change_basis(folder: Path) -> str:
    """Say of a day that it was made from something else. Returns the record as it was."""
    path = folder / RECORD
    text = path.read_text()
    path.write_text(json.dumps(json.loads(text) | {"basis": {"configuration": "other"}}))
    return text


def test_what_logs_say_is_made_of_days_of_bots_and_of_the_declaration(copy: Path, sail: SparkSession) -> None:
    """A model of other interactions, of other bots or of another strength is out of date; later days say nothing."""
    context, day = context_of(copy), "2017-04-05"
    of, earlier = Logs(context, sail, AS_OF).basis, Logs(context, sail, date.fromisoformat(day)).basis
    service = overridden(context.service, {"interactions": {"half_life_days": 3}})
    assert Logs(replace(context, service=service), sail, AS_OF).basis != of
    for layer in (context.data.title_days, context.data.daily):
        text = change_basis(layer.partition(day))
        assert Logs(context, sail, AS_OF).basis != of
        assert Logs(context, sail, date.fromisoformat(day)).basis == earlier
        (layer.partition(day) / RECORD).write_text(text)
    assert Logs(context, sail, AS_OF).basis == of


def test_what_logs_say_is_the_same_in_slices(
    done: Context, sail: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every customer is in one of them, and only in one."""
    monkeypatch.setattr("jobs.recommending.sources.SLICE_ROWS", done.data.interactions.records()[str(AS_OF)]["pairs"] // 2)
    logs = Logs(done, sail, AS_OF)
    parts = logs.slices(logs.window)
    rows = [row for part in parts for row in logs.pairs(logs.window, part).collect()]
    whole = {(row["customer_id"], row["title"]): row["strength"] for row in table(done.data.interactions.root)}
    assert len(parts) > 1 and len(rows) == len(whole)
    assert {(row["customer_id"], row["title_id"]): row["strength"] for row in rows} == pytest.approx(whole)


def test_names_that_come_later_are_not_known(done: Context, sail: SparkSession) -> None:
    """A title that nobody had met before as_of has no name then."""
    of = date(2017, 4, 5)
    known = {row["title"] for row in table(done.data.title_names.root) if str(row["date"]) < str(of)}
    assert {row["title_id"] for row in Logs(done, sail, of).names().collect()} == known
    assert known < {row["title"] for row in table(done.data.title_names.root)}


def test_who_was_here_before_the_history_or_comes_later_is_not_asked_for(
    done: Context, sail: SparkSession, tmp_path: Path
) -> None:
    """By default titles are for those who were here on the days that count, and were no bot until then."""
    of, first = date(2017, 4, 10), "2017-04-05"
    service = overridden(done.service, {"interactions": {"history_days": 5}})
    context = replace(done, service=service)
    asked = module._asked(context, sail, Logs(context, sail, of), Wish("implicit"), tmp_path).customers
    assert asked
    tiles = [row for row in table(done.data.daily.root) if str(row["date"]) < str(of)]
    here = {row["customer_id"] for row in tiles if str(row["date"]) >= first}
    bots = {row["customer_id"] for row in tiles if row["is_bot"]}
    assert sorted(row["customer_id"] for row in asked.collect()) == sorted(here - bots)
    assert here < {row["customer_id"] for row in tiles}


def test_a_day_of_other_events_is_made_again(copy: Path, sail: SparkSession) -> None:
    context = context_of(copy)
    change_basis(context.data.events("play").partition("2017-04-03"))
    assert interactions(context, sail) == 1


def test_a_model_is_fitted_again_for_whatever_it_was_made_from(
    tmp_path: Path, sail: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise figures and lists of another model, seed or file would be told as those asked for."""
    file = write_ratings(tmp_path / "r.csv", has_time=False)
    context = ratings_context(tmp_path)
    wish = {"ratings": file, "model": "popular", "as_of": date(2024, 2, 1)}
    recommended(context, sail, **wish)
    monkeypatch.setattr(module, "Study", None)  # whoever fits fails
    recommended(context, sail, **wish)
    seeded = replace(context, service=overridden(context.service, {"training": {"seed": 99}}))
    others: list[tuple[Context, dict[str, Any]]] = [
        (seeded, {}),
        (ratings_context(tmp_path, exclude_seen=False), {}),
        (context, {"model": "item-item"}),
        (context, {"library": "spark"}),
        (context, {"as_of": date(2024, 2, 2)}),
        (context, {"is_explicit": True}),
        (context, {"ratings": write_ratings(tmp_path / "other.csv", has_time=False)}),
    ]
    for other, change in others:
        with pytest.raises(TypeError):
            recommended(other, sail, **wish | change)
    with file.open("a", encoding="utf-8") as text:
        text.write("c00,t00,5\n")
    with pytest.raises(TypeError):
        recommended(context, sail, **wish)


# ---- to whom ----


def test_those_of_a_file_and_nobody_else(copy: Path, sail: SparkSession, tmp_path: Path) -> None:
    known = sorted({row["customer_id"] for row in table(context_of(copy).interactions.root) if row["strength"] > 0})[:2]
    whole = lists(rows_of(context_of(copy)))
    text = f'\ufeffcustomer_id,why\n"{known[0]}",x\n\n {known[1]}\n{known[1]}\n42,new\n'
    (tmp_path / "wanted.csv").write_text(text, encoding="utf-8")
    _, record = recommended(context_of(copy), sail, customers=tmp_path / "wanted.csv")
    found = lists(rows_of(context_of(copy)))
    assert set(found) == {*known, 42}
    for customer in known:
        assert [row["title_id"] for row in found[customer]] == [row["title_id"] for row in whole[customer]]
    assert {row["source"] for row in found[42]} == {"popular"}
    assert (record["customers"], record["without_history"]) == (3, 1)


def test_a_file_without_ids_is_refused(copy: Path, sail: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "wanted.csv").write_text("12\nanna\n")
    with pytest.raises(InputError, match="'anna' is no customer's id"):
        recommended(context_of(copy), sail, customers=tmp_path / "wanted.csv")
    with pytest.raises(InputError, match="there is no such file"):
        recommended(context_of(copy), sail, customers=tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("customer_id\n")
    with pytest.raises(InputError, match="there is nobody to recommend anything to"):
        recommended(context_of(copy), sail, customers=tmp_path / "empty.csv")


def write_scores(context: Context, contacts: dict[int, str]) -> None:
    partition = context.data.scores.partition(str(AS_OF))
    partition.mkdir(parents=True)
    columns = {
        "customer_id": list(contacts),
        "contact": list(contacts.values()),
        "expected_profit": [1.0] * len(contacts),
    }
    pq.write_table(pa.table(columns), partition / "part.parquet")
    (partition / RECORD).write_text(json.dumps({"basis": {"of": "test"}}))


def test_the_list_of_contacts_gets_its_titles(copy: Path, sail: SparkSession) -> None:
    context = context_of(copy)
    with pytest.raises(InputError, match="there is no list of contacts at 2017-04-29; run `encore score` first"):
        recommended(context, sail, segment="contact")
    whole = lists(rows_of(context))
    first, second, third, *_ = sorted(whole)
    write_scores(context, {first: "contact", second: "hold out", third: "no", 42: "contact"})
    recommended(context, sail)
    for wish in ({}, {"segment": "contact"}):
        recommended(context, sail, **wish)
        contacts = {row["customer_id"]: row for row in rows_of(context, "contacts")}
        assert set(contacts) == {first, 42}
        told = [(one["rank"], one["title_id"], one["name"], one["source"]) for one in contacts[first]["titles"]]
        assert told == [(row["rank"], row["title_id"], row["name"], row["source"]) for row in whole[first]]
        assert contacts[first]["expected_profit"] == 1.0
    assert set(lists(rows_of(context))) == {first, 42}
    assert {one["source"] for one in contacts[42]["titles"]} == {"popular"}


def test_seen_titles_may_be_told_again(copy: Path, sail: SparkSession) -> None:
    context = context_of(copy, exclude_seen=False)
    recommended(context, sail, model="item-item")
    seen = {(row["customer_id"], row["title"]) for row in table(context.data.interactions.root)}
    assert {(row["customer_id"], row["title_id"]) for row in rows_of(context)} & seen


# ---- killed ----

KILLED = """
import sys
from pathlib import Path
from tests.jobs.test_recommend import SMALL, context_of, engine, recommended
from jobs.storage.layer import sole_writer
context = context_of(Path(sys.argv[1]))
with sole_writer(context.data.root), engine("sail", SMALL) as sail:
    print("ready", flush=True)
    recommended(context, sail, top=4)
"""


def test_killed_it_leaves_the_old_or_the_new_and_is_finished_by_the_next(copy: Path) -> None:
    context = context_of(copy)
    old = {of: rows_of(context, of) for of in ("titles", "customers")}
    path = context.data.recommender / RECORD
    path.write_text(path.read_text().replace('"seed": 1', '"seed": 2'))  # to be fitted again
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(copy)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "ready\n"
    time.sleep(3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for of, rows in old.items():
        left = rows_of(context, of)
        assert left == rows or {row["rank"] for row in left} == {1, 2, 3, 4}
    assert (context.data.recommender / study(context)["file"]).is_file()
    subprocess.run([sys.executable, "-c", KILLED, str(copy)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    found = lists(rows_of(context))
    assert {customer: [row["title_id"] for row in rows] for customer, rows in found.items()} == {
        customer: [row["title_id"] for row in rows][:4] for customer, rows in lists(old["titles"]).items()
    }
    assert not list(copy.rglob(".staging-*"))


# ---- files of ratings ----


def write_ratings(file: Path, has_time: bool = True, scale: float = 1.0) -> Path:
    """Forty customers of two tastes and thirty titles; each likes some of his own kind, a few each day of 30."""
    random = np.random.default_rng(1)
    with file.open("w", newline="", encoding="utf-8") as text:
        writer = csv.writer(text)
        writer.writerow(["customer", "title", "strength", *(["time"] if has_time else [])])
        for customer in range(40):
            for number, title in enumerate(random.permutation(30)):
                is_own = (customer + title) % 2 == 0
                if random.random() < (0.6 if is_own else 0.05):
                    rating = scale * (random.integers(4, 6) if is_own else 1)
                    time_of = [f"2024-01-{1 + (number + customer) % 30:02d}"] if has_time else []
                    writer.writerow([f"c{customer:02d}", f"t{title:02d}", rating, *time_of])
    return file


def own_kind(rows: list[dict[str, Any]]) -> float:
    return float(np.mean([(int(row["customer_id"][1:]) + int(row["title_id"][1:])) % 2 == 0 for row in rows]))


SMALL_GRIDS = {
    "als": {"factors": [4], "alpha": [1.0], "weights": ["binary"], "regularisation": [0.1],
            "regularisation_per_interaction": [0.05], "iterations": 5},
    "item_item": {"neighbours": [30], "weights": ["binary"]},
    "ease": {"regularisation": [0.5]},
}  # fmt: skip


def ratings_context(data: Path, **changes: Any) -> Context:
    return context_of(data, grids=SMALL_GRIDS, holdout_days=5, **changes)


@pytest.mark.parametrize("model", ["als", "item-item", "ease", "popular"])
def test_any_file_of_ratings_by_every_model(tmp_path: Path, sail: SparkSession, model: str) -> None:
    context = ratings_context(tmp_path)
    day, record = recommended(context, sail, ratings=write_ratings(tmp_path / "r.csv"), model=model, top=2)
    assert (day, record["model"], record["customers"]) == ("2024-01-31", model, 40)
    assert set(study(context)["parts"]) == {"later", "drawn"}
    assert set(study(context)["settings"]) == {model, "item-item", "popular"}
    of_titles = lists(rows_of(context, "customers"), "title_id")
    if model == "popular":
        assert of_titles == {}
    else:
        assert own_kind([row for row in rows_of(context) if row["rank"] == 1]) > 0.8
        assert of_titles and own_kind([row for rows in of_titles.values() for row in rows]) > 0.6


def test_without_times_a_share_of_each_customers_titles_is_held_out(tmp_path: Path, sail: SparkSession) -> None:
    context = ratings_context(tmp_path)
    file = write_ratings(tmp_path / "r.csv", has_time=False)
    day, _ = recommended(context, sail, ratings=file, as_of=date(2024, 2, 1), model="als")
    record = study(context)
    assert (day, set(record["parts"])) == ("2024-02-01", {"drawn"})
    judged = record["parts"]["drawn"]
    assert judged["als"]["metrics"]["ndcg"]["low"] > judged["popular"]["metrics"]["ndcg"]["high"]


def test_spark_alone_judges_as_sail_and_implicit_do(tmp_path: Path, sail: SparkSession) -> None:
    """Item-item, which both compute exactly, has the same figures; and ALS by MLlib recommends by taste."""
    file = write_ratings(tmp_path / "r.csv", has_time=False)
    one, other = ratings_context(tmp_path / "sail"), replace(ratings_context(tmp_path / "spark"), engine="spark")
    recommended(one, sail, ratings=file, model="item-item")
    with engine("spark", SMALL) as spark:
        _, record = recommended(other, spark, ratings=file, model="als", library="spark")
    item_item = {name: value for name, value in judged(one).items() if "item-item" in name}
    assert item_item == pytest.approx({name: judged(other)[name] for name in item_item}, abs=1e-6)
    assert (record["customers"], record["model"]) == (40, "als")
    assert own_kind([row for row in rows_of(other) if row["rank"] == 1]) > 0.8


def test_explicit_ratings_have_an_error_besides(tmp_path: Path, sail: SparkSession) -> None:
    context = ratings_context(tmp_path)
    recommended(context, sail, ratings=write_ratings(tmp_path / "r.csv"), is_explicit=True, model="item-item")
    found = study(context)["ratings"]
    assert found["rmse"]["value"] < 0.8 * found["rmse_of_mean"]["value"]
    assert found["rmse"]["low"] < found["rmse"]["value"] < found["rmse"]["high"] and found["rows"] > 50
    assert own_kind([row for row in rows_of(context) if row["rank"] == 1]) > 0.8


def test_the_best_candidate_is_fitted_saved_and_said(tmp_path: Path, sail: SparkSession) -> None:
    """A title's nearest neighbour is itself, so that of the two candidates only the second finds the tastes; and a
    penalty that leaves nothing of any factor makes ALS no better than what is popular."""
    grids = {"als": SMALL_GRIDS["als"] | {"regularisation": [5.0]}, "item_item": {"neighbours": [1, 30]}}
    context = context_of(tmp_path, grids=grids, holdout_days=5)
    recommended(context, sail, ratings=write_ratings(tmp_path / "r.csv"))
    record = study(context)
    tried = {name: {one["ndcg"]["value"] for one in found} for name, found in record["tried"].items()}
    assert max(tried["item-item"]) > 1.2 * max(tried["als"])
    assert (record["chosen"], record["settings"]["item-item"]["neighbours"]) == ("item-item", 30)
    ranker = unpack_model((context.data.recommender / record["file"]).read_bytes()).ranker
    assert isinstance(ranker, NeighbourRanker) and ranker.similarity.nnz > 100


def test_figures_worked_out_by_hand_where_all_do_the_same_again(tmp_path: Path, sail: SparkSession) -> None:
    """Four customers like two titles of their own each day, so that item-item foretells the last day wholly. Of four
    who like anything one knows each title: two bits. A fifth has only seen a ninth title, and counts nowhere."""
    rows = [f"c{c},t{c}{t},1,2024-01-0{day}" for c in range(4) for t in range(2) for day in range(1, 5)]
    rows.append("d,u,0,2024-01-01")
    (tmp_path / "r.csv").write_text("\n".join(["customer,title,strength,time", *rows]) + "\n")
    context = context_of(tmp_path, grids=SMALL_GRIDS, holdout_days=1, judged_titles=2, exclude_seen=False)
    recommended(context, sail, ratings=tmp_path / "r.csv", model="item-item", top=2)
    record = study(context)
    found = record["parts"]["later"]["item-item"]
    values = {name: one["value"] for name, one in found["metrics"].items()}
    assert values == {"ndcg": 1.0, "map": 1.0, "precision": 1.0, "recall": 1.0, "novelty": 2.0}
    assert (found["customers"], found["coverage"]) == (4, 1.0)
    assert (record["customers"], record["titles"], record["pairs"]) == (4, 8, 9)


def test_no_rating_that_is_foretold_is_known(
    tmp_path: Path, sail: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fitted on all ratings the error would be smaller still, and say nothing."""
    parts: list[set[tuple[int, int]]] = []

    def errors(*rows_of_parts: Any) -> RatingErrors:
        parts.extend({(row["customer"], row["title"]) for row in rows.collect()} for rows in rows_of_parts[:2])
        return RatingErrors(Interval(2.0, 1.0, 3.0), Interval(2.0, 1.0, 3.0), 0)

    monkeypatch.setattr(module, "rating_errors", errors)
    monkeypatch.setattr(module, "engine", lambda *which: nullcontext(sail))  # no Spark is needed for that
    context = ratings_context(tmp_path)
    file = write_ratings(tmp_path / "r.csv", has_time=False)
    recommended(context, sail, ratings=file, is_explicit=True, model="popular")
    known, held = parts
    assert known and held and not known & held
    assert len(known | held) == study(context)["pairs"]


def test_some_customers_at_a_time_have_the_same_lists_and_figures(
    tmp_path: Path, sail: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pairs made, popularity counted and lists served in slices are those of all customers at once."""
    file, found = write_ratings(tmp_path / "r.csv"), []
    for rows in (6_000_000, 50):
        monkeypatch.setattr("jobs.recommending.sources.SLICE_ROWS", rows)
        monkeypatch.setattr("jobs.recommending.output.SLICE_PAIRS", rows)
        context = ratings_context(tmp_path / str(rows))
        recommended(context, sail, ratings=file, model="item-item", top=3)
        of = [{(row["title_id"], row["rank"]): row["customer_id"] for row in rows_of(context, "customers")}]
        of += [{(row["customer_id"], row["rank"]): row["title_id"] for row in rows_of(context)}]
        found.append((judged(context), of))
    assert found[0][0] == pytest.approx(found[1][0])
    assert found[0][1] == found[1][1]


def test_so_few_ratings_that_all_are_held_out_have_no_error(tmp_path: Path, sail: SparkSession) -> None:
    (tmp_path / "r.csv").write_text("customer,title,strength\na,x,5\n")
    context = ratings_context(tmp_path, exclude_seen=False)
    recommended(context, sail, ratings=tmp_path / "r.csv", is_explicit=True)
    assert study(context)["ratings"] is None


def test_nothing_liked_is_nothing_to_learn_from(tmp_path: Path, sail: SparkSession) -> None:
    (tmp_path / "r.csv").write_text("customer,title,strength\na,x,0\nb,y,-1\n")
    with pytest.raises(NothingToLearnError, match="no interaction has a strength above 0"):
        recommended(ratings_context(tmp_path), sail, ratings=tmp_path / "r.csv")


def test_one_customer_and_one_title_are_enough_not_to_fail(tmp_path: Path, sail: SparkSession) -> None:
    (tmp_path / "r.csv").write_text("customer,title,strength\na,x,1\n")
    context = ratings_context(tmp_path, exclude_seen=False)
    _, record = recommended(context, sail, ratings=tmp_path / "r.csv")
    assert (record["customers"], study(context)["parts"]) == (1, {})
    assert [(row["title_id"], row["rank"]) for row in rows_of(context)] == [("x", 1)]


def test_a_catalogue_too_large_for_ease_is_refused(tmp_path: Path, sail: SparkSession) -> None:
    grids = SMALL_GRIDS | {"ease": {"most_titles": 29}}
    context = context_of(tmp_path, grids=grids)
    with pytest.raises(InputError, match="there are 30 titles; the service allows 29"):
        recommended(context, sail, ratings=write_ratings(tmp_path / "r.csv"), model="ease")


# ---- the command ----


def test_the_command(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    service = tmp_path / "shop.yaml"
    text = (
        (ROOT / "conf" / "music.yaml")
        .read_text()
        .replace(
            "recommender: {holdout_days: 7", "recommender: {grids: " + json.dumps(SMALL_GRIDS) + ", holdout_days: 5"
        )
    )
    service.write_text(text)
    file, data = write_ratings(tmp_path / "r.csv"), tmp_path / "data"
    words = [
        "recommend",
        "--data",
        data,
        "--service",
        service,
        "--interactions",
        file,
        "--top",
        3,
        "--model",
        "item-item",
    ]
    monkeypatch.setattr(sys, "argv", ["encore", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    said = capfd.readouterr().err
    assert "titles for 40 customers at 2024-01-31 by item-item" in said
    assert "Item-item  NDCG@10" in said and "Popular" in said
    assert {row["rank"] for row in table(data / "recommendations" / "titles")} == {1, 2, 3}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--model", "oracle"], "there is no such recommender; give als, item-item, ease, popular or auto"),
        (["--engine", "sail"], "--engine sail: recommenders are fitted by spark or implicit"),
        (["--segment", "everybody"], "--segment everybody: give contact"),
        (["--segment", "contact", "--customers", "x.csv"], "neither --customers nor --interactions"),
        (["--explicit"], "give it by --interactions"),
        (["--as-of", "tomorrow"], "give a date as YYYY-MM-DD"),
        (["--service", "cdnow"], "this service declares no interactions"),
        (["--service", "audiobooks_table"], "this service declares no interactions"),
    ],
)
def test_bad_usage(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], problem: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["encore", "recommend", "--data", str(tmp_path), *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert problem in capfd.readouterr().err


def test_without_implicit_spark_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (library(None, "sail"), library(None, "spark"), library("spark", "sail")) == ("implicit", "spark", "spark")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert library(None, "sail") == "spark"
    with pytest.raises(UsageError, match="pip install implicit"):
        library("implicit", "sail")
