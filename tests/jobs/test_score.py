"""`encore score` and `encore drift` on tables and a model of a small shop."""

import csv
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.errors import DataCheckError, InputError
from conf.load import overridden
from jobs.contacts.sheet import write_sheet
from jobs.context import Context
from jobs.drift import drift, refuse_drift
from jobs.engine import engine
from jobs.records.recommending import RecommendationsBasis, RecommendationsRecord
from jobs.report import report
from jobs.score import score, summary
from jobs.storage.layer import RECORD, sealed
from jobs.storage.records import write_record
from jobs.training.artifacts import ModelFolder
from jobs.training.backtest import backtest
from jobs.training.reasons import with_words
from tests.support.archives import table
from tests.support.customers import customers
from tests.support.engines import SMALL
from tests.support.frames import AS_OF
from tests.support.layers import DAMAGES, changed_record, flip_a_bit
from tests.support.model_folder import MONEY, NEWEST, SERVICE, shop, write_table

DAY = str(NEWEST)
COLUMNS = {
    "customer_id", "as_of", "probability", "decile", "risk", "value", "expected_profit", "contact", "left_out",
    "reason_1", "reason_1_effect", "reason_1_feature", "reason_2", "reason_2_effect", "reason_2_feature",
    "reason_3", "reason_3_effect", "reason_3_feature",
}  # fmt: skip
FAMILY_OF = {None: None, "visits": "frequency", "share": "depth", "age": "recency", "device": "taste"}  # by kind


@pytest.fixture
def trained(trained_shop: Path, tmp_path: Path) -> Context:
    """A copy of the trained folder, to be changed."""
    shutil.copytree(trained_shop, tmp_path / "data")
    return shop(tmp_path / "data")


def priced(context: Context, **money: Any) -> Context:
    """The context with other economics than the service's."""
    return replace(context, service=overridden(context.service, {"targeting": money}))


def scores(context: Context) -> dict[int, dict[str, Any]]:
    return {row["customer_id"]: row for row in table(context.data.scores.root)}


def test_every_eligible_customer_has_a_row_that_says_why(trained: Context, sail: SparkSession) -> None:
    write_table(trained, NEWEST, [row | {"eligible": row["visits"] != 5} for row in customers(900)], is_mature=False)
    day, record = score(trained, sail)
    found = scores(trained)
    assert day == DAY
    assert set(found) == {row["customer_id"] for row in customers(900) if row["visits"] != 5}
    assert set(next(iter(found.values()))) == COLUMNS
    assert record.customers == len(found)
    assert record.mean_probability == pytest.approx(sum(row["probability"] for row in found.values()) / len(found))
    for row in found.values():
        assert row["risk"] == pytest.approx(1 - row["probability"])  # label 1: came back
        assert row["expected_profit"] == pytest.approx(row["risk"] * 0.2 * 20 - 1)
        assert FAMILY_OF.get(row["reason_1_feature"]) == row["reason_1"]
        assert all((row[f"reason_{n}"] is None) == (row[f"reason_{n}_effect"] is None) for n in (1, 2, 3))
        effects = [abs(row[f"reason_{n}_effect"] or 0) for n in (1, 2, 3)]
        assert effects == sorted(effects, reverse=True)
    assert {row["reason_1"] for row in found.values()} >= {"frequency"}


def test_the_reason_is_what_the_customer_is_like(trained: Context, sail: SparkSession) -> None:
    """The label follows visits: twelve of them speak for coming back, none against it."""
    score(trained, sail, model="lr")
    visits = {row["customer_id"]: row["visits"] for row in customers(900)}
    for customer, row in scores(trained).items():
        if visits[customer] in (0, 12):
            assert (row["reason_1"], row["reason_1_feature"]) == ("frequency", "visits")
            assert (row["reason_1_effect"] > 0) == (visits[customer] == 12)


def test_the_list_is_that_of_those_who_pay(trained: Context, sail: SparkSession) -> None:
    _, record = score(trained, sail)
    found = scores(trained).values()
    by_contact = {what: [row for row in found if row["contact"] == what] for what in ("contact", "hold out", "no")}
    assert all(row["expected_profit"] > 0 for what in ("contact", "hold out") for row in by_contact[what])
    assert all(row["expected_profit"] <= 0 for row in by_contact["no"])
    plan = record.plan
    assert plan
    assert (plan.contacts, plan.held_out) == (len(by_contact["contact"]), len(by_contact["hold out"]))
    assert plan.held_out / (plan.contacts + plan.held_out) == pytest.approx(0.1, abs=0.05)
    assert plan.cost == pytest.approx(plan.contacts * 1.0)
    assert plan.expected_gain == pytest.approx(sum(row["expected_profit"] for row in by_contact["contact"]))
    assert [point.share for point in plan.curve] == pytest.approx([n / 20 for n in range(1, 21)])
    assert plan.uplift is None


def test_the_command_line_wins_over_the_configuration(trained: Context, sail: SparkSession) -> None:
    _, first = score(trained, sail)
    _, record = score(priced(trained, budget=50.0, cost_of_contact=2.0), sail)
    assert first.plan and first.plan.contacts > 100
    assert record.plan and record.plan.contacts == 25 and record.plan.cost == 50
    assert record.plan.limit == {"budget": 50.0}


def test_the_value_may_follow_the_customer_and_the_past_tell_uplift(trained: Context, sail: SparkSession) -> None:
    declared = MONEY | {"value_of_customer": "visits * 10", "treated": "device = 'ar'", "hold_out_share": 0.0}
    _, record = score(priced(trained, **declared), sail)
    visits = {row["customer_id"]: row["visits"] for row in customers(900)}
    for customer, row in scores(trained).items():
        assert row["expected_profit"] == pytest.approx(row["risk"] * 0.2 * 10 * visits[customer] - 1)
    assert record.plan and record.plan.uplift
    assert record.plan.uplift.deciles and math.isfinite(record.plan.uplift.qini.value)
    assert record.plan.held_out == 0


# ---- the list for those who write the letters ----


def sheet(context: Context) -> list[dict[str, str]]:
    """The list as a spreadsheet opens it; `utf-8-sig` fails to remove the mark where there is none."""
    text = context.data.contact_sheet(DAY).read_text(encoding="utf-8")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(text[1:].splitlines()))


@pytest.mark.parametrize("aim", ["convert", "keep"])
def test_the_list_is_a_sheet_in_words(trained: Context, sail: SparkSession, aim: str) -> None:
    score(priced(trained, aim=aim, lift=0.5), sail)
    found, listed = scores(trained), sheet(trained)
    contacted = [row for row in found.values() if row["contact"] == "contact"]
    by_risk = [(row["risk"], -row["expected_profit"], row["customer_id"]) for row in contacted]
    by_profit = [(-row["expected_profit"], row["customer_id"]) for row in contacted]
    order = sorted(by_risk) if aim == "convert" else sorted(by_profit)
    assert [int(row["customer_id"]) for row in listed] == [key[-1] for key in order]
    for row in listed:
        own = found[int(row["customer_id"])]
        is_convert = aim == "convert"
        assert float(row["probability"]) == pytest.approx(1 - own["risk"] if is_convert else own["risk"], abs=6e-5)
        assert float(row["expected_profit"]) == pytest.approx(own["expected_profit"], abs=6e-3)
        assert (row["aim"], float(row["value"]), row["titles"]) == (aim, 20.0, "")
        if own["reason_1_feature"] == "visits":
            visits = customers(900)[int(row["customer_id"])]["visits"]
            assert row["reason_1"].startswith(f"Visits: {visits}; typical: ")
    assert sum(bool(row["reason_1"]) for row in listed) > len(listed) / 2


@pytest.mark.parametrize("name", ["sail", "spark"])
def test_a_list_of_nobody_is_a_sheet_with_a_header(trained: Context, name: str) -> None:
    with engine(name, SMALL) as session:
        _, record = score(priced(trained, cost_of_contact=1e6), session)
    assert record.plan and record.plan.contacts == 0
    text = trained.data.contact_sheet(DAY).read_text(encoding="utf-8")
    assert text.startswith("\ufeffcustomer_id,aim,probability,") and text.count("\n") == 1 and sheet(trained) == []


def test_the_sheet_names_the_titles_of_these_scores(trained: Context, sail: SparkSession) -> None:
    """Two titles for customer 0 and none for others; titles made of other scores are not named."""
    _, record = score(priced(trained, hold_out_share=0.0, cost_of_contact=1e-6), sail)
    layer, path = trained.data.titles_for_contacts, trained.data.contact_sheet(DAY)
    for basis, titles in ((record.basis, "=1+1; Momo"), (record.basis.model_copy(update={"model": "other"}), "")):
        made_of = RecommendationsBasis(recommender="r", scores=basis, top=2, who="everybody")
        folder = layer.partition(DAY)
        folder.mkdir(parents=True, exist_ok=True)
        names = [{"rank": rank, "name": name} for rank, name in ((1, "=1+1"), (2, "Momo"))]
        pq.write_table(pa.table({"customer_id": [0], "titles": [names]}), folder / "part-0.parquet")
        write_record(folder / RECORD, sealed(RecommendationsRecord(basis=made_of), folder))
        path.unlink()
        write_sheet(trained.data, sail, trained.service, DAY)
        first = next(row for row in sheet(trained) if row["customer_id"] == "0")
        assert first["titles"] == (f"'{titles}" if titles else "")  # inert in a spreadsheet
        assert {row["titles"] for row in sheet(trained) if row["customer_id"] != "0"} == {""}


def test_scores_without_a_list_have_no_sheet_not_even_an_old_one(trained: Context, sail: SparkSession) -> None:
    score(trained, sail)
    assert trained.data.contact_sheet(DAY).is_file()
    score(replace(trained, service=trained.service.model_copy(update={"targeting": None})), sail)
    assert not trained.data.contact_sheet(DAY).exists()


def test_by_convert_those_likely_to_come_back_are_contacted(trained: Context, sail: SparkSession) -> None:
    """Beside the other rules; and what the other aim would do is what it does when it is asked for."""
    _, record = score(priced(trained, aim="convert", lift=0.25), sail)
    found, plan = scores(trained), record.plan
    assert plan and (plan.aim, plan.lift, plan.kept_share) == ("convert", 0.25, 0.2)
    for row in found.values():
        gain = min(0.25 * row["probability"], 1 - row["probability"]) * 20
        assert row["expected_profit"] == pytest.approx(gain - 1)
    expected = sum(row["probability"] for row in found.values())
    assert plan.expected_good_all == pytest.approx(expected)
    assert set(plan.curve[0].rules) == {"model", "recency", "bgnbd", "random"}
    half = plan.curve[9]
    assert half.rules["model"].reached.value > 0.9 and half.saved == pytest.approx(500)
    ours = {customer for customer, row in found.items() if row["contact"] == "contact"}
    _, by_keep = score(priced(trained, aim="keep", lift=0.25), sail)
    theirs = {customer for customer, row in scores(trained).items() if row["contact"] == "contact"}
    assert plan.other and by_keep.plan and by_keep.plan.other
    assert (plan.other.aim, plan.other.contacts) == ("keep", len(theirs)) and len(theirs) == by_keep.plan.contacts
    assert plan.other.in_both == by_keep.plan.other.in_both == len(ours & theirs)
    assert plan.other.expected_gain == pytest.approx(by_keep.plan.expected_gain)


def test_limits_of_contact(trained: Context, sail: SparkSession, tmp_path: Path) -> None:
    """Whom a file names, who was contacted two days before, all but ten of each of four devices."""
    score(trained, sail)
    would_be = {customer for customer, row in scores(trained).items() if row["contact"] != "no"}
    refused = sorted(would_be)[:5]
    file = tmp_path / "no.csv"
    file.write_text("customer_id\n" + "".join(f"{customer}.0\n" for customer in refused))
    limits: dict[str, Any] = {"do_not_contact": {"file": str(file), "when": "visits = 3"}}
    _, record = score(priced(trained, **limits, segments={"by": "device", "most_contacts": 10}), sail)
    found, visits = scores(trained), {row["customer_id"]: row["visits"] for row in customers(900)}
    barred = {customer for customer in would_be if customer in refused or visits[customer] == 3}
    assert {customer for customer, row in found.items() if row["left_out"] == "do_not_contact"} == barred
    assert record.plan and record.plan.left_out["do_not_contact"] == len(barred)
    assert record.plan.contacts == 40 == sum(row["contact"] == "contact" for row in found.values())
    on_list = record.plan.contacts + record.plan.held_out
    assert record.plan.left_out["segments"] == len(would_be - barred) - on_list
    file.write_text("customer_id\n")
    _, again = score(priced(trained, **limits, segments={"by": "device", "most_contacts": 10}), sail)
    assert again.basis != record.basis and again.plan and again.plan.left_out["do_not_contact"] < len(barred)
    later = NEWEST + timedelta(2)
    write_table(trained, later, customers(900), is_mature=False)
    sent = {customer for customer, row in scores(trained).items() if row["contact"] == "contact"}
    _, record = score(priced(trained, contacted={"again_after_days": 3}), sail)
    rows = {row["customer_id"]: row for row in table(trained.data.scores.partition(str(later)))}
    assert {customer for customer, row in rows.items() if row["left_out"]} == sent
    assert record.plan and record.plan.left_out == {"contacted": 40}
    _, record = score(priced(trained, contacted={"again_after_days": 2}), sail)
    assert record.plan and record.plan.left_out == {"contacted": 0}


def test_without_economics_nobody_is_contacted(trained: Context, sail: SparkSession) -> None:
    poor = replace(trained, service=trained.service.model_copy(update={"targeting": None}))
    _, record = score(poor, sail)
    assert record.plan is None
    assert {(row["contact"], row["expected_profit"]) for row in scores(poor).values()} == {(None, None)}
    assert all(0 < row["risk"] < 1 for row in scores(poor).values())


@pytest.mark.parametrize("model", ["lr", "gbt"])
def test_both_engines_give_the_same_list(trained: Context, model: str) -> None:
    found, sheets = [], []
    for name in ("sail", "spark"):
        shutil.rmtree(trained.data.scores.root, ignore_errors=True)
        with engine(name, SMALL) as session:
            score(trained, session, model=model)
        found.append(scores(trained))
        sheets.append(trained.data.contact_sheet(DAY).read_text(encoding="utf-8"))
    left, right = found
    assert sheets[0] == sheets[1] and sheets[0].count("\n") > 100
    assert left.keys() == right.keys()
    for customer, row in left.items():
        other = right[customer]
        assert {key: row[key] for key in row if not isinstance(row[key], float)} == {
            key: other[key] for key in other if not isinstance(other[key], float)
        }
        floats = [key for key in row if isinstance(row[key], float)]
        assert [row[key] for key in floats] == pytest.approx([other[key] for key in floats], abs=1e-12)


def test_other_words_change_the_reasons_and_neither_tables_nor_models(trained: Context, sail: SparkSession) -> None:
    score(trained, sail, model="lr")
    features = {name: dict(one) for name, one in SERVICE["features"].items()}
    features["visits"] |= {"family": "recency", "says": "came {value} {1:time|times}"}
    other = shop(trained.data.root, features=features)
    assert other.tables.version == trained.tables.version
    score(other, sail, model="lr")
    found = {row["reason_1"]: row["reason_1_feature"] for row in scores(other).values() if row["reason_1"] == "recency"}
    assert found == {"recency": "visits"}  # age, which says nothing, is of this family too
    listed = sail.read.parquet(str(other.data.scores.partition(DAY)))
    said = with_words(listed, other.data, sail, other.service, DAY, "lr").collect()
    visits = {row["customer_id"]: row["visits"] for row in customers(900)}
    for row in said:
        if row["reason_1_feature"] == "visits":
            times = {0: "no times", 1: "1 time"}.get(visits[row["customer_id"]], f"{visits[row['customer_id']]} times")
            assert row["reason_1_words"].startswith(f"came {times}; typical: ")


def test_what_is_up_to_date_is_left_alone(trained: Context, sail: SparkSession) -> None:
    score(trained, sail)
    stamp = (trained.data.scores.partition(DAY) / "_encore.json").stat().st_mtime_ns
    score(trained, sail)
    assert (trained.data.scores.partition(DAY) / "_encore.json").stat().st_mtime_ns == stamp
    score(priced(trained, contacts=3), sail)
    assert (trained.data.scores.partition(DAY) / "_encore.json").stat().st_mtime_ns > stamp


def test_a_past_date_is_a_backtest_without_a_list(trained: Context, sail: SparkSession) -> None:
    """The split is by customer: of 1,200 customers those held out did not train the model."""
    day, record = score(trained, sail, AS_OF, "lr")
    assert (day, record.customers, record.plan) == ("2017-05-01", 1_200, None)
    assert {(row["contact"], row["expected_profit"]) for row in scores(trained).values()} == {(None, None)}
    told, found = ModelFolder(trained.data.models).record("lr"), record.backtest
    assert found and told.split.by == "customer"
    assert (found.customers, found.left_out) == (told.test_rows, told.train_rows)
    assert found.metrics["auc"] == told.metrics["test"]["auc"]  # the very customers of the test
    assert "backtest: AUC 0." in summary(day, record)


def test_a_past_list_is_written_when_it_is_asked_for(trained: Context, sail: SparkSession) -> None:
    _, record = score(trained, sail, AS_OF, lists_past=True)
    assert record.backtest and record.plan and record.plan.contacts > 0
    assert "contact" in {row["contact"] for row in scores(trained).values()}
    _, record = score(trained, sail, AS_OF)
    assert record.plan is None, "the list that was asked for once stays no longer than that"


def test_the_newest_date_is_no_backtest(trained: Context, sail: SparkSession) -> None:
    day, record = score(trained, sail)
    assert record.backtest is None and record.plan
    assert "backtest" not in summary(day, record)


def test_an_outcome_that_is_not_known_gives_no_figure(trained: Context, sail: SparkSession) -> None:
    write_table(trained, NEWEST, customers(300), is_mature=False)
    file = trained.data.features.partition(DAY) / "_encore.json"
    file.write_text(changed_record(file.read_text(), label_status="uncertain"))
    day, record = score(trained, sail)
    assert record.plan is None and record.backtest and record.backtest.metrics == {}
    assert "its outcome is not known" in summary(day, record)


def test_customers_of_dates_whose_outcomes_were_open_are_left_out(trained: Context, sail: SparkSession) -> None:
    """By time: a model trained at 2017-05-01 knows the outcomes of its customers at the dates just after it."""
    later = date(2017, 5, 2)
    write_table(
        trained,
        later,
        [*customers(100), *(row | {"customer_id": 9_000 + n} for n, row in enumerate(customers(200)))],
        is_mature=True,
    )
    told = ModelFolder(trained.data.models).record("lr")
    by_time = told.model_copy(update={"split": told.split.model_copy(update={"by": "time"})})
    table = trained.tables.read(sail, [str(later)])
    found = backtest(trained.tables, by_time, table, table.withColumn("probability", F.lit(0.5)))
    assert (found.customers, found.left_out) == (200, 100)
    distant = date(2018, 5, 2)
    write_table(trained, distant, customers(100), is_mature=True)
    table = trained.tables.read(sail, [str(distant)])
    found = backtest(trained.tables, by_time, table, table.withColumn("probability", F.lit(0.5)))
    assert (found.customers, found.left_out) == (100, 0)


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (lambda run: shutil.rmtree(run.data.models), "there is no trained model; run `encore train"),
        (
            lambda run: shutil.rmtree(run.data.models / "gbt"),
            "no such model; run `encore train` first, or give one of these: lr$",
        ),
        (lambda run: shutil.rmtree(run.data.features.root), "there is no feature table; run `encore features` first"),
        (
            lambda run: write_table(run, NEWEST, [row | {"eligible": False} for row in customers(9)], is_mature=False),
            "no customer in this table is eligible",
        ),
    ],
)
def test_what_is_not_there_is_said(trained: Context, sail: SparkSession, broken: Any, problem: str) -> None:
    broken(trained)
    with pytest.raises(InputError, match=problem):
        score(trained, sail, model="gbt" if "gbt" in problem else None)


def test_a_model_of_other_columns_is_refused(trained: Context, sail: SparkSession) -> None:
    """First the table must be made anew, and then it lacks what the model reads."""
    features = {name: feature for name, feature in SERVICE["features"].items() if name != "share"}
    other = shop(trained.data.root, features=features)
    with pytest.raises(InputError, match="was computed with another configuration"):
        score(other, sail)
    write_table(other, NEWEST, customers(900), is_mature=False)
    with pytest.raises(InputError, match="has no column share, which the model (lr|gbt) was trained on; train again"):
        score(other, sail)


def test_a_model_of_other_declarations_is_refused(trained: Context, sail: SparkSession) -> None:
    """The column has the same name, but counts otherwise."""
    visits = SERVICE["features"]["visits"] | {"from_tiles": "count(spent)"}
    other = shop(trained.data.root, features=SERVICE["features"] | {"visits": visits})
    write_table(other, NEWEST, customers(900), is_mature=False)
    with pytest.raises(InputError, match="made by other declarations .* run `encore train` again"):
        score(other, sail)


def test_the_same_customers_have_not_drifted(trained: Context, engine: SparkSession) -> None:
    write_table(trained, NEWEST, customers(1_200), is_mature=False)
    score(trained, engine)
    day, found = drift(trained, engine)
    assert (day, found.customers) == (DAY, 1_200)
    assert found.reference_as_of == ["2017-05-01"]
    assert {one.feature for one in found.features} == {"visits", "share", "age", "device", "constant"}
    assert all(one.psi < 0.05 and not one.above for one in found.features)
    assert found.score.psi < 0.05
    refuse_drift(day, found)


def test_what_has_moved_is_named_written_and_refused(trained: Context, sail: SparkSession) -> None:
    changes = {"visits": 12, "age": None, "device": "wp"}
    rows = [row | (changes if row["customer_id"] % 2 else {}) for row in customers(1_200)]
    write_table(trained, NEWEST, rows, is_mature=False)
    score(trained, sail)
    day, found = drift(trained, sail)
    above = {one.feature: one.above for one in found.features}
    assert "psi" in above["visits"] and "null_share" in above["age"]
    assert above["share"] == above["constant"] == []
    written = json.loads((trained.data.drift.partition(day) / "_encore.json").read_text())
    assert written["features"] == found.model_dump(mode="json")["features"]
    assert trained.data.drift.record(day) == found
    assert (
        (trained.data.drift.partition(day) / "_drift.csv")
        .read_text(encoding="utf-8-sig")
        .startswith("feature,kind,psi,null_share")
    )
    with pytest.raises(DataCheckError, match="drift at 2017-05-03 against 2017-05-01: above the limits are .*visits"):
        refuse_drift(day, found)


def test_drift_of_scores_that_are_old_is_refused(trained: Context, sail: SparkSession) -> None:
    score(trained, sail)
    write_table(trained, NEWEST, customers(450), is_mature=False)
    with pytest.raises(InputError, match="has changed since these scores; run `encore score --as-of 2017-05-03` again"):
        drift(trained, sail)
    shutil.rmtree(trained.data.models)
    with pytest.raises(InputError, match="there is no such model|has changed since"):
        drift(trained, sail)


def test_another_seed_draws_another_hold_out(trained: Context, sail: SparkSession) -> None:
    score(trained, sail, model="lr")
    first = {customer for customer, row in scores(trained).items() if row["contact"] == "hold out"}
    other = shop(trained.data.root, training=SERVICE["training"] | {"seed": 5})
    other = replace(other, declared=trained.service)  # else the model would have to be trained again
    score(other, sail, model="lr")
    second = {customer for customer, row in scores(other).items() if row["contact"] == "hold out"}
    assert first and second and first != second


def test_drift_needs_scores(trained: Context, sail: SparkSession) -> None:
    with pytest.raises(InputError, match="there are no scores; run `encore score` first"):
        drift(trained, sail)


# ---- files of a model that were changed ----


def refused(call: Callable[[], object], said: str) -> None:
    """A call is refused with exit code 4 and one line that begins so."""
    with pytest.raises(DataCheckError) as error:
        call()
    assert str(error.value).startswith(said) and "\n" not in str(error.value)
    assert "run `encore train`" in str(error.value) and error.value.exit_code == 4


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", ["model.json", "reference.json", "test_scores"])
def test_a_changed_file_of_a_model_is_named(
    trained: Context, sail: SparkSession, name: str, damage: Callable[[Path], str]
) -> None:
    models = ModelFolder(trained.data.models)
    folder = trained.data.models / models.chosen()
    file = folder / name
    said = damage(next(file.glob("*.parquet")) if file.is_dir() else file)
    for call in (
        lambda: score(trained, sail),
        lambda: models.reference(models.chosen()),
        lambda: models.test_scores(models.chosen()),
        lambda: report(trained, sail),
    ):
        refused(call, said)
    other = next(one for one in models.names() if one != models.chosen())
    assert models.model(other), "the other model is whole"
    assert not trained.data.scores.values() and not trained.data.report.exists()


@pytest.mark.parametrize("name", ["MODEL/metrics.json", "chosen.json", "audit.json", "baselines/metrics.json"])
def test_a_changed_record_of_training_is_named(trained: Context, sail: SparkSession, name: str) -> None:
    models = ModelFolder(trained.data.models)
    file = trained.data.models / name.replace("MODEL", models.chosen())
    whole = file.read_text()
    file.write_text(whole.replace("0.", "0.9", 1) if "0." in whole else whole.replace("e", "a", 1))
    said = f"{file}: this record is not as it was written"
    if name in ("MODEL/metrics.json", "chosen.json"):
        refused(lambda: score(trained, sail), said)
    refused(lambda: report(trained, sail), said)


def test_a_model_of_an_older_version_is_refused_by_one_line(trained: Context, sail: SparkSession) -> None:
    """It has no checksums, so nothing would tell whether it is whole."""
    name = ModelFolder(trained.data.models).chosen()
    file = trained.data.models / name / "metrics.json"
    old = json.loads(changed_record(file.read_text(), schema_version=1))
    del old["content"]
    file.write_text(json.dumps(old))
    with pytest.raises(InputError, match=r"with schema 1 \(this one reads schema 2\); run `encore train`") as error:
        score(trained, sail)
    assert error.value.exit_code == 3


def test_drift_refuses_a_changed_reference(trained: Context, sail: SparkSession) -> None:
    score(trained, sail)
    said = flip_a_bit(trained.data.models / ModelFolder(trained.data.models).chosen() / "reference.json")
    refused(lambda: drift(trained, sail), said)
