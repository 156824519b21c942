"""The report of a small data folder written by hand, every number of it worked out on paper."""

import csv
import html
import json
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from conf.errors import InputError
from jobs import formatting as wording
from jobs.context import Context
from jobs.engine import engine
from jobs.report import report
from jobs.reporting.model_comparison import verdict
from jobs.reporting.styles import Look, looks
from models.evaluation.curves import CURVES
from models.evaluation.intervals import Interval
from models.evaluation.metrics import METRICS
from tests.support.engines import SMALL
from tests.support.paths import ROOT
from tests.support.report_folder import (
    DECIDES,
    FIT,
    HOSTILE,
    HOSTILE_ARCHIVE,
    LOSSES,
    SPLIT,
    TABLE,
    alone,
    around,
    change_json,
    fitted_on,
    plan,
    write_audit,
    write_data,
    write_drift,
    write_feature_rows,
    write_features,
    write_flagged,
    write_network,
    write_record,
    write_scores,
    write_truth,
)

FIGURES = {"flow", "deciles", "profit", "uplift", "models", "drivers", "dependence-0", "dependence-1", *CURVES}
OF_NETWORK = "epochs-0"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A data folder of the test's own, to be changed before it is reported."""
    return write_data(tmp_path / "data")


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A data folder with its report, for all tests that only read."""
    context = write_data(tmp_path_factory.mktemp("reported") / "data")
    with engine("sail", SMALL) as session:
        assert report(context, session) == context.data.report / "index.html"
    return context


@pytest.fixture(scope="module")
def page(reported: Context) -> str:
    """The page of the whole data folder."""
    return (reported.data.report / "index.html").read_text(encoding="utf-8")


def text_of(page: str) -> str:
    """What a reader sees: no tags, no styles, single spaces."""
    body = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", page, flags=re.S)
    seen = html.unescape(re.sub(r"<[^>]*>", " ", body)).replace(wording.UNBREAKABLE, " ").replace(wording.MINUS, "-")
    return re.sub(r"\s+([,.;:)])", r"\1", " ".join(seen.split())).replace("( ", "(")


def written(context: Context, spark: SparkSession) -> str:
    """The page of this folder with empty figures, which take longer than all else."""
    with mock.patch("jobs.report._figures", return_value=dict.fromkeys([*FIGURES, OF_NETWORK], "")):
        return report(context, spark).read_text(encoding="utf-8")


def shown(context: Context, spark: SparkSession) -> str:
    """What a reader of the report of this folder sees."""
    return text_of(written(context, spark))


def figures_of(page: str) -> dict[str, ElementTree.Element]:
    found = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, flags=re.S)]
    return {svg.attrib["id"].removeprefix("figure-"): svg for svg in found}


def sheet(context: Context, name: str) -> list[dict[str, str]]:
    with (context.data.report / "csv" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ---- what the page says ----


@pytest.mark.parametrize(
    "sentence",
    [
        # the headline: 0.18 of 2,000 come back, so 1,640 leave; of 1,000 whose outcome is known 250 came back
        "1,640 of 2,000 customers are expected to leave; contacting 90 should earn 1,234 EUR.",
        "From 2024-03-05 to 2024-03-06. "
        f"Leaving means the outcome “came back” does not come (Spends {HOSTILE} & more).",
        "Will leave 1,640 82.0 % of 2,000 customers, the sum of their probabilities. "
        "Last known: 75.0 %, as of 2024-03-03.",
        "How sure 70 of 100 pairs of customers put in the right order (95 % interval 60.0 to 80.0); "
        "better than the recency rule (60). Probabilities are calibrated: off by 1.2 points on average.",
        "Whom to contact 90 customers, for 135 EUR. 10 more are held out: they are not contacted, so that the effect",
        "Expected gain 1,234 EUR after costs, if a contact costs 1.50 EUR, a customer kept is worth 40 EUR "
        "and 10.0 % of the leavers contacted stay.",
        "Measured on customers the model never saw, 10.0 % of the customers contacted: per 1,000 customers "
        "50.40 EUR (40.40 to 60.40) by the model, "
        "30.00 EUR by the recency rule, -20.00 EUR at random; contacting all, -200.00 EUR.",
        # 16 of 120 lines rejected
        "Data: 13.3 % of the lines were rejected; 1 day without any log; parts of 2 days are missing.",
        "1 archive could not be read and is missing from every number here",
        # the tenths: of 200 customers a tenth, or nine tenths, come back
        "10 200 90.0 % 20 9 200 10.0 % 180",
        "10 is the tenth with the highest probability of it, where fewest leave.",
        # whom to contact: 100 of 2,000, the nearest share that was measured is 10 %
        "On the list are the 100 customers (5.0 %) with the highest expected profit, as far as a budget of 135 EUR "
        "goes. "
        "90 are to be contacted; 10, drawn at random (12.5 %), are held out and must not be. "
        "The contacts cost 135 EUR, keep 34 customers who would have left, and earn 1,234 EUR after costs.",
        "10.0 % of the customers contacted Profit per 1,000 customers by the model 50.40 EUR 40.40 to 60.40 "
        "by the recency rule 30.00 EUR 20.00 to 40.00 at random -20.00 EUR -30.00 to -10.00 "
        "everybody -200.00 EUR nobody 0.00 EUR",
        "That is 20.40 EUR more than by the recency rule (95 % interval of the difference 15.40 to 25.40).",
        "The plan contacts 5.0 %; 10.0 % is the nearest share that was measured.",
        "This is a response model, not uplift.",
        "compare the 10 held out with the 90 contacted",
        # more visits raise the probability of coming back, so they lower that of leaving
        # and each reason shows the customer's own value; that of customer 7 is null
        f"20 90.0 % 8 EUR ▼ lowers: Days with a visit in 3 {HOSTILE}: 2.5 "
        f"▲ raises: Days with a visit in 1 {HOSTILE}: 0 3 90.0 %",
        f"raises: Days with a visit in 1 {HOSTILE}: 0 ▲ raises: Days since coins were spent: 29 7 90.0 % 5 EUR",
        "▲ raises: Days since coins were spent: not known 0 90.0 % 1 EUR",
        "The whole list: scores/as_of=2024-03-05/ (Parquet)",
        "Qini coefficient 0.030 0.020 to 0.040;",
        "Tenth Treated Not treated Uplift 10 10 20 0.100 0.080 to 0.120 9 10 20 0.090",
        # the models beside what a coin, the baselines and the truth reach: (0.7 - 0.5) / (0.75 - 0.5)
        "Take one customer with the outcome “came back” and one without, among customers the model never saw: "
        "boosted trees gives the first the higher probability in 70 of 100 such pairs",
        "It is better than the recency rule (last_spending alone), which manages 60: on the same customers the AUC "
        "differs by +0.100 (95 % interval 0.050 to 0.150). "
        "The strongest baseline (BG/NBD, expected events) has an AUC of 0.610.",
        "the best that any model could do: 0.750. The model has come 80.0 % of the way from the coin to that.",
        "Chosen boosted trees: the highest AUC in cross-validation.",
        "Split by customer: three in four; not used: 2024-03-04, whose outcome was still open then.",
        "Learned from 1,234,567 rows, 25.0 % of them with the outcome, of the more frequent outcome only a part.",
        "Judged on 4 rows as of 2024-03-03, as they came",
        "Probabilities isotonic calibration, on customers kept for it; calibrated: off by 1.2 points on average.",
        "Threshold 43.5 %, where F1 is highest in training.",
        "Left out visits_1d: one value only",
        # every measure: the number, its interval, and that in training; the best on unseen customers first
        "logistic regression 0.720 0.620 to 0.820 train 0.920 0.610 0.560 to 0.660 train 0.610",
        "boosted trees (chosen) 0.700 0.600 to 0.800 train 0.900 0.610 0.560 to 0.660 train 0.610",
        "BG/NBD, expected events (baseline) 0.610 0.510 to 0.710 train 0.610",
        "last spending alone (baseline) 0.600 0.500 to 0.700 train 0.600",
        "majority class (baseline) 0.500 0.400 to 0.600 train 0.500",
        "best possible 0.750",
        # what was tried
        "boosted trees depth 5, rounds 50 (best of its grid) 0.710 ± 0.004 3 folds, 20,000 rows "
        "depth 3, rounds 50 0.700 ± 0.002 ± is the deviation between folds",
        # the audit
        "In 1,000 rows that models learn from, 25.0 % of them with the outcome “came back” (label 1), "
        "none of 2 features is flagged.",
        f"visits_3d Days with a visit in 3 {HOSTILE} 0.650 0.640 to 0.660 higher values last_spending",
        "Days since coins were spent (1: yesterday) 0.600 0.590 to 0.610 lower values AUC alone: of the",
        "Flagged as “decides”: of customers with some values at most 1.0 % have the other label, "
        "and right beside them its odds are at least 30 times as high, "
        "each with 95 % confidence; and those odds by a model of all features above suspicion are so many times "
        "as high, too.",
        # what matters: weights of either model in one table
        f"visits_3d Days with a visit in 3 {HOSTILE} 0.125 0.100 to 0.150 ▲ +0.75 75.0 %",
        "last_spending Days since coins were spent (1: yesterday) 0.010 -0.010 to 0.030 ▼ -0.25 25.0 %",
        "Weight: of logistic regression,",
        "the splits of boosted trees gained",
        "How the probability goes with the two most important",
        # drift
        "The 2,000 customers as of 2024-03-05 against those that gbt learned from (2024-03-03): "
        "no feature of 2 is above a limit. The mean score, the probability of “came back”, is 18.0 %, "
        "25.0 % when the model was judged; its PSI is 0.062.",
        f"visits_3d Days with a visit in 3 {HOSTILE} 0.500 30.0 % 10.0 % – last_spending",
        "Limits: PSI 0.25, a change of the share of nulls by 10.0 %, new categories 1.0 %.",
        # rows in and out: two archives, two days, three days of tiles, and the days that each table looks at
        "landing visit lines to records 120 108 9 rejected, 1 header, 2 joined to the line before",
        "events visit records to events 108 95 7 rejected, 6 duplicate",
        "daily 3 days events to customer-days 95 75",
        "features as of 2024-03-03 customer-days to customers 50 1,200 3 left out as bots",
        "features as of 2024-03-05 customer-days to customers 45 2,100 1 left out as bots",
        "scores as of 2024-03-05 customers to scores 2,100 2,000 100 not eligible",
        # by reason, the most frequent first
        "visit too many fields more fields than a line has 7 5.8 % landing",
        "visit blank an empty line 2 1.7 % landing",
        "visit spent unreadable spent cannot be read as int 4 3.7 % events visit too much too much 3 2.8 % events",
        "visit in cents in cents 3 2.8 % events",
        # days, parts, bots, archives
        "2024-03-03 1,200 1,000 250 25.0 % 3 2 1 2024-03-05 2,100 2,000 not known yet 1 1 0",
        "4 days, 2024-03-01 to 2024-03-04. Without any log: 2024-03-03.",
        "visit: 2 of 3 on 2024-03-02, 2024-03-04 sale: 0 of 1 on 2024-03-02",
        "3 customer-days marked as a bot's. More than three visits in a day.",
        f"1 failed: {HOSTILE_ARCHIVE} 1 undated: 20240399_visit.log.gz 1 duplicate: 20240301_visit.log (1).gz",
        "1 not a log: list.html 2 unpacked",
        # definitions
        f"Spends {HOSTILE} & more. The label is 1 when some day of the outcome window meets spent > 0.",
        "comes from the 3 days before it; the outcome is looked for in the 2 days from it.",
        f"{METRICS['ks'].title} {METRICS['ks'].about} More is better.",
        f"{METRICS['brier'].title} {METRICS['brier'].about} Less is better.",
    ],
)
def test_says(page: str, sentence: str) -> None:
    assert sentence in text_of(page)


def test_where_the_label_is_leaving_the_label_is_told(tmp_path: Path, sail: SparkSession) -> None:
    said = shown(write_data(tmp_path / "data", one_if="absent"), sail)
    assert "360 of 2,000 customers are expected to leave" in said
    assert f"Leaving means “came back”: Spends {HOSTILE} & more." in said
    assert "Last known: 25.0 %, as of 2024-03-03" in said
    assert "10 200 90.0 % 180 9 200 10.0 % 20" in said
    assert f"20 10.0 % 8 EUR ▲ raises: Days with a visit in 3 {HOSTILE}: 2.5" in said
    assert "10 is the tenth with the highest probability of it, where most leave." in said
    assert "The label is 1 when no day of the outcome window meets" in said


def test_list_shows_the_first_twenty_to_contact_and_nobody_held_out(page: str) -> None:
    ids = [int(number) for number in re.findall(r'<td class="id">(\d+)</td>', page)]
    # By profit 8, 5, 5, then 1, those of equal profit by number: 17 of the 21 others.
    assert ids == [20, 3, 7, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19]


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        ((0.1, 0.001, 0.2), "better than"),
        ((0.1, 0.0, 0.2), "not clearly better than"),
        ((-0.1, -0.2, 0.0), "not clearly better than"),
        ((-0.1, -0.2, -0.001), "worse than"),
        ((None, None, None), "not clearly better than"),
    ],
)
def test_better_is_said_only_when_the_paired_interval_is_above_nothing(
    context: Context, sail: SparkSession, gain: tuple[float | None, ...], said: str
) -> None:
    changed = dict(zip(("value", "low", "high"), gain, strict=True))
    change_json(context.data.models / "gbt" / "metrics.json", gain_over_recency=changed)
    assert f"80.0); {said} the recency rule (60)." in shown(context, sail)


def test_large_calibration_error_is_not_called_calibrated(context: Context, sail: SparkSession) -> None:
    path = context.data.models / "gbt" / "metrics.json"
    metrics = json.loads(path.read_text())["metrics"]
    metrics["test"]["calibration_error"] = around(0.02, 0.01)
    change_json(path, metrics=metrics)
    assert "Probabilities are not calibrated: off by 2.0 points on average." in shown(context, sail)


def test_without_a_choice_the_model_that_tuning_favours_is_chosen(context: Context, sail: SparkSession) -> None:
    (context.data.models / "chosen.json").unlink()
    # On the test rows the logistic regression is better, 0.72; cross-validation on training rows prefers the trees.
    assert "Chosen boosted trees: the highest AUC in cross-validation on training rows." in shown(context, sail)


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ({"tables": {"2024-03-02": TABLE}}, "logistic regression"),
        ({"split": "another"}, "logistic regression"),
        ({"shared": "another"}, "logistic regression"),
        ({"shared": "another"}, "BG/NBD, expected events; last spending alone; majority class"),
    ],
)
def test_models_of_other_tables_or_declarations_are_not_compared_in_silence(
    context: Context, sail: SparkSession, change: dict[str, Any], title: str
) -> None:
    name = "lr" if title == "logistic regression" else "baselines"
    change_json(context.data.models / name / "metrics.json", fitted_on=fitted_on(name) | change)
    assert (
        f"Fitted on other tables or by other declarations than boosted trees: {title}. "
        "Train again before comparing them."
    ) in shown(context, sail)


def test_models_that_differ_by_their_own_grid_alone_are_compared(context: Context, sail: SparkSession) -> None:
    change_json(context.data.models / "lr" / "metrics.json", fitted_on=fitted_on("lr") | {"own": "another"})
    assert "Fitted on other tables" not in shown(context, sail)


def test_split_by_time_says_of_nobody_that_the_model_never_saw_them(context: Context, sail: SparkSession) -> None:
    for name in ("gbt", "lr", "baselines"):
        change_json(context.data.models / name / "metrics.json", split=SPLIT | {"by": "time", "text": "by time: then, now"})
    page = written(context, sail)
    said = text_of(page)
    assert "never saw" not in page and "no model sees" not in page and "unseen" not in page.lower()
    later = "outcomes later than all the model learned from"
    assert f"Measured on {later}, 10.0 % of the customers contacted: per 1,000 customers 50.40 EUR" in said
    assert f"Profit per 1,000 customers, by share contacted, measured on {later}." in said
    assert f"one without, among {later}: boosted trees gives the first" in said
    assert f"AUC with 95 % interval on {later} (filled)" in said
    assert f"Curves, on {later}" in said
    assert (
        "All customers both train and judge: models learn from outcomes that had ended by the as-of date of the test, "
        f"and are judged by what came after it. All quality is measured on {later}."
    ) in said


def test_split_by_customer_says_that_the_model_never_saw_them(page: str) -> None:
    said = text_of(page)
    never = "customers the model never saw"
    assert said.count(never) == 7
    assert f"AUC with 95 % interval on {never} (filled)" in said
    assert f"Curves, on {never}" in said
    assert f"How much AUC boosted trees loses on {never} when" in said
    assert f"that no model sees in training. All quality is measured on {never}." in said
    assert "later than all" not in said


def test_baseline_that_could_not_be_had_is_told_with_its_reason(
    context: Context, sail: SparkSession, page: str
) -> None:
    assert "No such baseline" not in page
    change_json(context.data.models / "baselines" / "metrics.json", left_out={"bgnbd": f"nobody came twice {HOSTILE}"})
    assert f"No such baseline bgnbd: nobody came twice {HOSTILE}" in shown(context, sail)


@pytest.mark.parametrize("metric", ["ks", "auc", "calibration_error"])
def test_metric_that_is_no_number_anywhere_is_a_dash(context: Context, sail: SparkSession, metric: str) -> None:
    nothing = {"value": None, "low": None, "high": None}
    shutil.rmtree(context.data.truth.root)
    for name in ("gbt", "lr", "baselines"):
        path = context.data.models / name / "metrics.json"
        told = json.loads(path.read_text())
        for one in [told, *told.get("baselines", [])]:
            for part in one.get("metrics", {}).values():
                part[metric] = nothing
        if metric == "auc" and "importance" in told:
            told |= {"importance": [one | {"permutation": nothing} for one in told["importance"]]}
            told |= {"gain_over_recency": nothing}
        change_json(path, **told)
    page = report(context, sail).read_text(encoding="utf-8")
    said = text_of(page)
    assert set(figures_of(page)) == FIGURES
    assert "nan" not in said.lower() and "None" not in said
    place = list(METRICS).index(metric)
    found = re.findall(r"<tr[^>]*>(?:(?!</tr>).)*?train (?:(?!</tr>).)*</tr>", page, flags=re.S)
    assert len(found) == page.count("train –") == 5
    for table_row in found:
        cells = [text_of(cell) for cell in re.findall(r"<td.*?</td>", table_row, flags=re.S)]
        assert cells[1 + place] == "– train –"
        assert "–" not in "".join(cells[1 : place + 1] + cells[2 + place :])
    if metric == "calibration_error":
        assert "Probabilities are not known to be calibrated." in said


def test_candidate_without_an_auc_is_told_as_a_dash(context: Context, sail: SparkSession) -> None:
    path = context.data.models / "gbt" / "metrics.json"
    tuning = json.loads(path.read_text())["tuning"]
    tuning["candidates"][0] |= {"auc": None, "deviation": None}
    change_json(path, tuning=tuning)
    assert "depth 3, rounds 50 – ± –" in shown(context, sail)


def test_reasons_of_a_table_by_other_declarations_have_the_values_that_it_has(
    context: Context, sail: SparkSession
) -> None:
    path = context.data.features.partition("2024-03-05") / "part-0.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["last_spending"]), path)
    said = shown(context, sail)
    assert f"Days with a visit in 1 {HOSTILE}: 0 ▲ raises: Days since coins were spent 7 90.0 % 5 EUR" in said


def test_values_are_those_of_the_day_whatever_the_tables_of_other_days_look_like(
    context: Context, spark: SparkSession
) -> None:
    """Spark takes the columns of a layer from one of its partitions."""
    pq.write_table(pa.table({"customer_id": [20]}), context.data.features.partition("2024-03-03") / "part-0.parquet")
    assert f"20 90.0 % 8 EUR ▼ lowers: Days with a visit in 3 {HOSTILE}: 2.5" in shown(context, spark)


def test_reasons_without_a_table_have_no_values(context: Context, sail: SparkSession) -> None:
    (context.data.features.partition("2024-03-05") / "part-0.parquet").unlink()
    said = shown(context, sail)
    assert f"20 90.0 % 8 EUR ▼ lowers: Days with a visit in 3 {HOSTILE} ▲ raises: Days with" in said


def test_weight_of_nothing_is_told_and_points_nowhere(context: Context, sail: SparkSession) -> None:
    path = context.data.models / "lr" / "metrics.json"
    first, second = json.loads(path.read_text())["importance"]
    change_json(path, importance=[first | {"coefficient": 0.0}, second])
    assert f"3 {HOSTILE} 0.125 0.100 to 0.150 0.00 75.0 %" in shown(context, sail)
    assert sheet(context, "features")[0]["coefficient"] == "0.0"


# ---- the numbers beside it ----


def test_numbers_lie_beside_it_for_spreadsheets(reported: Context) -> None:
    rows_out = [(row["layer"], row["rows_in"], row["rows_out"]) for row in sheet(reported, "flow")]
    assert rows_out == [
        ("landing", "120", "108"),
        ("events", "108", "95"),
        ("daily", "95", "75"),
        ("features", "50", "1200"),
        ("features", "45", "2100"),
        ("scores", "2100", "2000"),
    ]
    reasons = [(row["done"], row["reason"], row["rows"]) for row in sheet(reported, "reasons")]
    assert reasons == [
        ("rejected", "too_many_fields", "7"),
        ("rejected", "blank", "2"),
        ("rejected", "spent_unreadable", "4"),
        ("rejected", "too_much", "3"),
        ("repaired", "shape", "4"),
        ("repaired", "in_cents", "3"),
    ]
    assert len(sheet(reported, "deciles")) == 10
    assert sheet(reported, "customers")[0]["positive_share"] == "0.25"
    profit = sheet(reported, "profit")[0]
    assert (profit["share"], profit["model_value"], profit["recency_low"], profit["random_high"]) == (
        "0.1", "50.4", "20.0", "-10.0",
    )  # fmt: skip
    assert profit["over_recency_value"] == "20.4"
    assert [row["decile"] for row in sheet(reported, "uplift")] == [str(n) for n in range(10, 0, -1)]
    assert [row["psi"] for row in sheet(reported, "drift")] == ["0.5", "0.125"]


def test_models_are_told_in_full_for_spreadsheets(reported: Context) -> None:
    rows = [row for row in sheet(reported, "models") if row["metric"] == "auc"]
    assert [(row["name"], row["role"], row["part"], round(float(row["value"]), 9)) for row in rows] == [
        ("lr", "model", "train", 0.92),
        ("lr", "model", "test", 0.72),
        ("gbt", "model", "train", 0.9),
        ("gbt", "model", "test", 0.7),
        ("bgnbd", "baseline", "train", 0.61),
        ("bgnbd", "baseline", "test", 0.61),
        ("recency", "baseline", "train", 0.6),
        ("recency", "baseline", "test", 0.6),
        ("majority", "baseline", "train", 0.5),
        ("majority", "baseline", "test", 0.5),
        ("best", "truth", "test", 0.75),
    ]
    of_one = [row["metric"] for row in sheet(reported, "models") if (row["name"], row["part"]) == ("gbt", "test")]
    assert sorted(of_one) == sorted(METRICS)
    assert [(row["name"], row["chosen"], row["folds"], row["rows"]) for row in sheet(reported, "tuning")] == [
        ("lr", "True", "3", "20000"), ("lr", "False", "3", "20000"),
        ("gbt", "True", "3", "20000"), ("gbt", "False", "3", "20000"),
    ]  # fmt: skip
    features = sheet(reported, "features")
    assert [(row["feature"], row["coefficient"], row["tree_importance"]) for row in features] == [
        ("visits_3d", "0.75", "0.75"), ("last_spending", "-0.25", "0.25"),
    ]  # fmt: skip
    assert [row["value"] for row in sheet(reported, "dependence")] == ["0.0", "1.0", "3.0", "1.0", "not known"]


@pytest.mark.parametrize("kind", CURVES)
def test_curves_lie_beside_it_for_spreadsheets(reported: Context, kind: str) -> None:
    rows = sheet(reported, kind)
    assert {row["name"] for row in rows} == {"lr", "gbt", "bgnbd", "recency", "majority", "best"}
    if kind == "roc":
        # True probabilities 0.9 and 0.4 against 0.5 and 0.1: found, false alarm, found, false alarm.
        best = [(float(r["false_positive_rate"]), float(r["true_positive_rate"])) for r in rows if r["name"] == "best"]
        assert best == [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]


# ---- features that know the outcome ----


@pytest.fixture(scope="module")
def flagged(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A data folder with its report, in which last_spending is flagged."""
    context = write_data(tmp_path_factory.mktemp("flagged") / "data")
    write_flagged(context)
    with engine("sail", SMALL) as session:
        report(context, session)
    return context


@pytest.fixture(scope="module")
def flagged_page(flagged: Context) -> str:
    return (flagged.data.report / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "sentence",
    [
        "1 feature may know the outcome beforehand: last_spending. "
        "What is said of the model here is said of one without it; see the leakage audit.",
        "How sure 60 of 100",
        "Without last_spending: flagged by the leakage audit.",
        "1 of 2 features is flagged.",
        # 0.99 ** 299 is 0.0495, and 0.99 ** 298 is 0.0500
        "Values that fewer than 299 customers have are never enough for that.",
        "0.800 0.790 to 0.810 lower values ⚠ decides All 1,500 customers with last_spending > 5 have label 0; "
        "of the 2,000 right beside, with last_spending from 4 to 5, 26.0 % have label 1; "
        "a model of the features that are above suspicion expects 18.0 % of those with last_spending > 5 to have it "
        "visits_3d",
        # of the models without it the better one on the test rows comes first
        "Model Test AUC without Test AUC with logistic regression 0.620 0.520 to 0.720 0.720 0.620 to 0.820 "
        "boosted trees (chosen, without) 0.600 0.500 to 0.700 0.700 0.600 to 0.800",
        "Believe those without. A value that decides the label alone is more likely a trace of how the table was made "
        "than behaviour, until somebody can explain it. "
        "The chosen model is one of them: boosted trees without flagged features.",
        # weights are those of a model without it
        "Weight: of logistic regression without flagged features,",
    ],
)
def test_says_what_is_flagged(flagged_page: str, sentence: str) -> None:
    assert sentence in text_of(flagged_page)


def test_flagged_rows_are_marked_and_warned_of_on_top(flagged_page: str) -> None:
    said = text_of(flagged_page)
    assert said.index("may know the outcome beforehand") < said.index("1,640 of 2,000")
    assert flagged_page.count('<tr class="above">') == 1


def test_audit_is_told_in_full_for_spreadsheets(flagged: Context) -> None:
    first, second = sheet(flagged, "audit")
    assert (first["feature"], first["auc_value"], first["auc_low"], first["direction"]) == (
        "last_spending", "0.8", "0.79", "lower",
    )  # fmt: skip
    assert (first["flags"], first["where"], first["label"], first["rows"], first["others"]) == (
        "decides", "last_spending > 5", "0", "1500", "0",
    )  # fmt: skip
    assert (first["beside"], first["beside_rows"], first["beside_share"], first["expected_share"]) == (
        "last_spending from 4 to 5", "2000", "0.26", "0.18",
    )  # fmt: skip
    assert (second["feature"], second["flags"], second["where"]) == ("visits_3d", "", "")
    assert second["meaning"] == f"Days with a visit in 3 {HOSTILE}"


def test_twins_have_one_colour_and_what_is_doubted_is_dashed(flagged: Context) -> None:
    judged = verdict(flagged)
    assert judged and judged.kinds == ["gbt", "lr"]
    found = looks(judged, None)
    for name in ("gbt", "lr"):
        doubted, twin = found[name], found[f"{name}_unflagged"]
        assert doubted.colour == twin.colour and doubted.dashes and not twin.dashes
    assert found["gbt"].colour != found["lr"].colour
    assert found["gbt_unflagged"].width > max(found[name].width for name in ("gbt", "lr", "lr_unflagged"))


def test_a_few_of_the_other_label_are_counted(context: Context, sail: SparkSession) -> None:
    write_flagged(context, others=2, label=1)
    assert "1,498 of 1,500 customers with last_spending > 5 have label 1; of the 2,000" in shown(context, sail)
    assert "26.0 % have label 0" in shown(context, sail)


def test_without_a_choice_one_without_flagged_features_is_chosen(context: Context, sail: SparkSession) -> None:
    write_flagged(context)
    (context.data.models / "chosen.json").unlink()
    assert "Chosen boosted trees without flagged features: the highest AUC in cross-validation" in shown(context, sail)


def test_choice_of_a_doubted_model_is_warned_of(context: Context, sail: SparkSession) -> None:
    write_flagged(context)
    change_json(context.data.models / "chosen.json", model="gbt")
    said = shown(context, sail)
    assert "The model looks at it, so do not trust it yet; see the leakage audit." in said
    assert "boosted trees (chosen, with) 0.600" in said
    assert "The chosen model, boosted trees, looks at flagged features: train again." in said


def test_a_twin_that_looks_at_what_is_flagged_since_is_not_believed(context: Context, sail: SparkSession) -> None:
    """As after a kill, or an audit with other limits, before the twins are fitted anew."""
    write_flagged(context)
    change_json(context.data.models / "lr_unflagged" / "metrics.json", without=["visits_3d", "last_spending"])
    write_audit(context, *(alone(name, 0.97, None) | {"flags": ["auc"]} for name in ("visits_3d", "last_spending")))
    said = shown(context, sail)
    assert "The model looks at them, so do not trust it yet; see the leakage audit." in said
    assert (
        "Model Test AUC without Test AUC with logistic regression 0.620 0.520 to 0.720 0.720 0.620 to 0.820 Bel" in said
    )
    assert "The chosen model, boosted trees without flagged features, looks at flagged features: train again." in said
    change_json(context.data.models / "lr_unflagged" / "metrics.json", without=["last_spending"])
    assert "There is no model without flagged features, so none can be believed until" in shown(context, sail)


def test_flagged_features_before_any_model_are_told(context: Context, sail: SparkSession) -> None:
    write_audit(context, alone("last_spending", 0.97, None) | {"flags": ["auc"]})
    for name in ("lr", "gbt"):
        shutil.rmtree(context.data.models / name)
    said = shown(context, sail)
    assert "beforehand: last_spending. Models are fitted with it and without it; see the leakage audit." in said
    assert "The model looks at" not in said and "There is no model without" not in said


def test_what_others_clear_of_deciding_may_be_flagged_all_the_same(context: Context, sail: SparkSession) -> None:
    expected = {"beside_rows": 2000, "beside_share": 0.26, "expected_share": 0.18}
    write_audit(context, alone("last_spending", 0.97, "lower", **DECIDES | expected) | {"flags": ["auc"]})
    said = shown(context, sail)
    assert "⚠ ranks alone All 1,500 customers with last_spending > 5 have label 0; of the 2,000 right beside" in said
    assert "> 5 to have it: not flagged for these values, since others know nearly as much" in said


def test_flagged_features_that_no_model_does_without_are_told(context: Context, sail: SparkSession) -> None:
    both = [alone(name, 0.97, None) | {"flags": ["auc"]} for name in ("visits_3d", "last_spending")]
    write_audit(context, *both)
    said = shown(context, sail)
    assert "2 features may know the outcome beforehand: visits_3d, last_spending. The model looks at them," in said
    assert "2 of 2 features are flagged." in said
    assert "0.970 0.960 to 0.980 some levels ⚠ ranks alone last_spending" in said
    assert "There is no model without flagged features, so none can be believed until" in said
    assert "Believe those without" not in said


def test_page_shows_ten_features_and_all_that_are_flagged(context: Context, sail: SparkSession) -> None:
    def rows(flagged: int) -> int:
        found = [alone(f"f{n}", 0.97, "higher") | {"flags": ["auc"] if n < flagged else []} for n in range(14)]
        write_audit(context, *found)
        page = written(context, sail)
        assert f"The first {max(flagged, 10)} of 14." in text_of(page)
        return len(re.findall(r"<code>f\d+</code><br>", page))

    assert (rows(1), rows(12)) == (10, 12)
    assert "beforehand: f0, f1, f2, f3, f4 and 7 more." in shown(context, sail)


def test_feature_without_an_auc_is_a_dash(context: Context, sail: SparkSession) -> None:
    unknown = {"auc": {"value": None, "low": None, "high": None}}
    write_audit(context, alone("visits_3d", 0.5, "higher") | unknown)
    assert f"Days with a visit in 3 {HOSTILE} – higher values" in shown(context, sail)


def test_audit_of_other_tables_is_said_to_be_one(context: Context, sail: SparkSession) -> None:
    change_json(context.data.models / "audit.json", fitted_on=fitted_on("audit") | {"split": "another"})
    assert "Made of other tables or by other declarations than boosted trees: train again." in shown(context, sail)


def test_without_an_audit_it_is_said_who_makes_one(context: Context, sail: SparkSession) -> None:
    (context.data.models / "audit.json").unlink()
    assert "Nobody has looked yet: encore train looks at each feature alone" in shown(context, sail)
    assert not (context.data.report / "csv" / "audit.csv").exists()


# ---- a neural network ----


@pytest.fixture(scope="module")
def networked(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A data folder with its report, in which a network stands beside the other models."""
    context = write_data(tmp_path_factory.mktemp("networked") / "data")
    write_network(context)
    with engine("sail", SMALL) as session:
        report(context, session)
    return context


@pytest.fixture(scope="module")
def networked_page(networked: Context) -> str:
    return (networked.data.report / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "sentence",
    [
        # tried once, so there are neither folds nor a deviation between them, nor a grid
        "Model Setting AUC in tuning Judged logistic regression depth 5,",
        "(best of its grid) 0.710 ± 0.004 3 folds, 20,000 rows depth 3, rounds 50 0.700 ± 0.002 neural network "
        "hidden 30 and 20 tanh, dropout 0.25, batch 1280 0.900 once, on 1,268 rows kept for early stopping "
        "± is the deviation between folds, all of training rows; no customer is in two of them. "
        "A neural network is judged once, on training customers kept for early stopping: they choose its epoch, so "
        "that AUC is not comparable with a cross-validated one, and a network is chosen only where there is no other "
        "model. csv/tuning.csv",
        "How the network learned neural network Mean loss on the rows kept for early stopping, after each epoch",
        "Layers 30 and 20 units, tanh, dropout 0.25.",
        "Fitted by nadam, learning rate 0.01 (cosine schedule), in batches of 1,280 rows. "
        "Epochs 4 of at most 1,500; the weights are those of epoch 2, with the lowest loss on the rows kept for early "
        "stopping, 0.4000. "
        "Ranks 4, by the launcher horovod: 12,345 rows/s, 87.5 % of 4 times what one manages alone.",
    ],
)
def test_says_of_a_network(networked_page: str, sentence: str) -> None:
    said = text_of(networked_page)
    assert sentence in said
    assert "± –" not in said and "0 folds" not in said


def test_without_a_network_nothing_is_said_of_one(reported: Context, page: str) -> None:
    assert "network" not in text_of(page)
    assert not (reported.data.report / "csv" / "epochs.csv").exists()


def test_losses_stand_where_they_were_measured_and_the_best_epoch_is_marked(networked_page: str) -> None:
    """The network is the second by name, so it has the second colour; its training loss is the dashed line."""
    figure = figures_of(networked_page)[OF_NETWORK]
    assert figure.attrib["aria-label"] == "Training and validation loss of neural network by epoch; best: 2"
    is_dashed = {"stroke-dasharray" in path.attrib["style"]: path for path in stroked(figure, "--series-2")}
    places = {dashed: numbers_of(path) for dashed, path in is_dashed.items()}
    losses = {True: [loss for loss, _ in LOSSES.values()], False: [loss for _, loss in LOSSES.values()]}
    assert set(places) == set(losses)
    per_loss = (places[True][-1] - places[True][1]) / (losses[True][-1] - losses[True][0])
    for dashed, found in places.items():
        assert [(y - places[True][1]) / per_loss + losses[True][0] for y in found[1::2]] == pytest.approx(
            losses[dashed], abs=1e-3
        )
    across = places[False][0::2]
    assert [(x - across[0]) / (across[-1] - across[0]) for x in across] == pytest.approx([0, 1 / 3, 2 / 3, 1], abs=1e-3)
    [mark] = stroked(figure, "--ink")
    assert numbers_of(mark)[0] == numbers_of(mark)[2] == pytest.approx(across[1], abs=1e-3)
    assert "best: epoch 2" in "".join(figure.itertext())


def test_epochs_lie_beside_it_for_spreadsheets(networked: Context) -> None:
    assert [tuple(row.values()) for row in sheet(networked, "epochs")] == [
        ("keras", "1", "0.9", "0.7", "0.125", "False"),
        ("keras", "2", "0.5", "0.4", "0.25", "True"),
        ("keras", "3", "0.4", "0.5", "0.375", "False"),
        ("keras", "4", "0.3", "0.6", "0.5", "False"),
    ]
    assert list(sheet(networked, "epochs")[0]) == ["name", "epoch", "loss", "validation_loss", "seconds", "is_best"]
    tuning = [(row["name"], row["deviation"], row["judged"], row["folds"]) for row in sheet(networked, "tuning")]
    assert tuning[0] == ("lr", "0.004", "3 folds, 20,000 rows", "3")
    assert tuning[-1] == ("keras", "", "once, on 1,268 rows kept for early stopping", "0")


def test_a_loss_that_is_no_number_leaves_a_gap(context: Context, sail: SparkSession) -> None:
    nothing: dict[str, Any] = {"loss": None, "validation_loss": None}
    write_network(context, epochs=[*FIT["epochs"][:3], FIT["epochs"][3] | nothing])
    page = report(context, sail).read_text(encoding="utf-8")
    assert "nan" not in text_of(page).lower()
    figure = figures_of(page)[OF_NETWORK]
    assert "nan" not in ElementTree.tostring(figure, encoding="unicode").lower()
    assert [len(numbers_of(path)) for path in stroked(figure, "--series-2")] == [2 * 3] * 2
    assert [(row["loss"], row["validation_loss"]) for row in sheet(context, "epochs")][2:] == [("0.4", "0.5"), ("", "")]


def test_one_epoch_is_a_dot(context: Context, sail: SparkSession) -> None:
    write_network(context, epochs=FIT["epochs"][:1], best_epoch=1)
    figure = figures_of(report(context, sail).read_text(encoding="utf-8"))[OF_NETWORK]
    assert len({use.attrib["y"] for use in figure.iter("use") if "--series-2" in use.attrib["style"]}) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"throughput": {}}, "Ranks 4, by the launcher horovod. Leakage audit"),
        (
            {"ranks": 1, "launcher": "local", "throughput": FIT["throughput"] | {"efficiency": 1.0}},
            "Ranks 1, by the launcher local: 12,345 rows/s. Leakage audit",
        ),
        (
            {"declared": FIT["declared"] | {"dropout": 0.0, "schedule": "constant", "scaling": "square_root"}},
            "Layers 30 and 20 units, tanh. Fitted by nadam, learning rate 0.01, in batches of 1,280 rows on each rank, "
            "the learning rate growing with their square root.",
        ),
    ],
    ids=["taken up when all was done", "one rank", "scaled"],
)
def test_what_a_network_was_fitted_by(context: Context, sail: SparkSession, changes: dict[str, Any], said: str) -> None:
    write_network(context, **changes)
    assert said in shown(context, sail)


def test_twins_of_a_network_are_told_each(context: Context, sail: SparkSession) -> None:
    write_flagged(context)
    write_network(context)
    write_network(context, "_unflagged", best_epoch=3)
    page = report(context, sail).read_text(encoding="utf-8")
    assert [figures_of(page)[f"epochs-{number}"].attrib["aria-label"] for number in (0, 1)] == [
        "Training and validation loss of neural network without flagged features by epoch; best: 3",
        "Training and validation loss of neural network by epoch; best: 2",
    ]
    assert [row["name"] for row in sheet(context, "epochs")] == ["keras_unflagged"] * 4 + ["keras"] * 4


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ("gbt lr keras", "gbt"),
        ("keras", "keras"),
        ("keras keras_unflagged", "keras_unflagged"),
        ("gbt gbt_unflagged keras keras_unflagged", "gbt_unflagged"),
    ],
)
def test_without_a_choice_a_network_is_chosen_where_there_is_no_other_model(
    context: Context, there: str, chosen: str
) -> None:
    """Its AUC in tuning is by far the highest."""
    write_flagged(context)
    write_network(context)
    write_network(context, "_unflagged")
    for path in context.data.models.iterdir():
        if path.is_dir() and path.name not in there.split():
            shutil.rmtree(path)
    (context.data.models / "chosen.json").unlink()
    judged = verdict(context)
    assert judged and judged.chosen.name == chosen


def test_network_alone_is_told_without_weights_of_its_own(context: Context, sail: SparkSession) -> None:
    write_network(context)
    shutil.rmtree(context.data.models / "lr")
    shutil.rmtree(context.data.models / "gbt")
    (context.data.models / "chosen.json").unlink()
    page = report(context, sail).read_text(encoding="utf-8")
    said = text_of(page)
    assert set(figures_of(page)) == FIGURES | {OF_NETWORK}
    assert "Chosen neural network: the highest AUC on the rows kept for early stopping." in said
    assert "± is the deviation" not in said and "± –" not in said
    assert f"Feature and meaning AUC lost visits_3d Days with a visit in 3 {HOSTILE} 0.125 0.100 to 0.150 last" in said
    assert "Weight:" not in said and "In trees:" not in said
    assert {(row["coefficient"], row["tree_importance"]) for row in sheet(context, "features")} == {("", "")}


# ---- what is not there is said, and what is not known is not ----


def test_best_possible_is_told_only_of_the_dates_whose_truth_is_known(context: Context, sail: SparkSession) -> None:
    shutil.rmtree(context.data.truth.root)
    write_truth(context, "2024-03-05")
    page = written(context, sail)
    assert "logistic regression 0.720" in text_of(page)
    assert "simulated" not in page
    assert "best possible" not in page


def test_part_of_the_held_out_customers_with_a_truth_is_said(context: Context, sail: SparkSession) -> None:
    rows = {"customer_id": [1, 3, 4], "leaving_probability": [0.9, 0.5, 0.1]}
    pq.write_table(pa.table(rows), context.data.truth.partition("2024-03-03") / "part-0.parquet")
    assert "The best possible is known for 3 of the 4." in shown(context, sail)


def test_truth_of_customers_of_one_label_has_no_best(context: Context, sail: SparkSession) -> None:
    rows = {"customer_id": [1, 2], "leaving_probability": [0.9, 0.5]}
    pq.write_table(pa.table(rows), context.data.truth.partition("2024-03-03") / "part-0.parquet")
    assert "best possible" not in shown(context, sail)


def test_sample_is_said_before_any_number(context: Context, sail: SparkSession) -> None:
    shutil.rmtree(context.data.daily.root)
    write_features(context, sample=0.1)
    said = shown(context, sail)
    warning = (
        "A sample of 10.0 % of the customers. Every count on this page is of the sample; all customers are about 10"
    )
    assert said.index(warning) < said.index("1,640 of 2,000")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("newer table", "there is a newer table of customers, as of 2024-03-06"),
        ("other table", "the table of customers has changed since"),
        ("other fit", "the model gbt has been trained again since"),
        ("other choice", "they are by the model gbt, and lr is the chosen one"),
    ],
)
def test_old_scores_are_said_to_be_old(context: Context, sail: SparkSession, change: str, why: str) -> None:
    newest = context.data.features.partition("2024-03-05")
    if change == "newer table":
        shutil.copytree(newest, context.data.features.partition("2024-03-06"))
    elif change == "other table":
        record = json.loads((newest / "_encore.json").read_text())
        write_record(newest, record | {"basis": {"tiles": "others", "configuration": "c"}})
    elif change == "other fit":
        change_json(context.data.models / "gbt" / "metrics.json", fitted_on=fitted_on("another grid"))
    else:
        change_json(context.data.models / "chosen.json", model="lr")
    assert f"These scores are not the newest: {why}." in shown(context, sail)


def test_what_is_fresh_and_within_limits_is_not_warned_of(page: str) -> None:
    assert re.findall('<div class="warning"><b>([^<]*)', page) == ["1 archive could not be read"]


def test_drift_above_a_limit_is_said_on_top_and_marked(context: Context, sail: SparkSession) -> None:
    write_drift(context, "psi", "null_share")
    page = written(context, sail)
    said = text_of(page)
    warning = "The customers have changed since the model was trained: 1 feature above the limits of drift."
    assert said.index(warning) < said.index("1,640 of 2,000")
    assert f"3 {HOSTILE} 0.500 30.0 % 10.0 % – ⚠ PSI ⚠ nulls last_spending" in said
    assert page.count('<tr class="above">') == 1


def test_drift_of_another_date_than_the_scores_is_said(context: Context, sail: SparkSession) -> None:
    drift = context.data.root / "drift"
    (drift / "as_of=2024-03-05").rename(drift / "as_of=2024-03-03")
    assert "The scores are as of 2024-03-05: run encore drift again." in shown(context, sail)


def test_plan_that_does_not_pay_is_said(context: Context, sail: SparkSession) -> None:
    write_scores(context, plan(contacts=0, held_out=0, cost=0.0, expected_gain=0.0))
    said = shown(context, sail)
    assert "Contacting nobody is best" in said
    assert "1,640 of 2,000 customers are expected to leave." in said


def test_plan_without_limit_hold_out_and_uplift(context: Context, sail: SparkSession) -> None:
    told = plan(limit={}, held_out=0, uplift=None, value_of_customer="2 * <visits_3d>", expected_gain=1.25)
    write_scores(context, told)
    page = report(context, sail).read_text(encoding="utf-8")
    said = text_of(page)
    assert "with the highest expected profit: all whose contact is expected to earn more than it costs." in said
    assert "nobody is held out." in said
    assert "so what the contacts do will never be known" in said
    assert "is worth 2 * <visits_3d> EUR" in said
    assert "<visits_3d>" not in page
    assert "contacting 90 should earn 1.25 EUR" in said
    assert "Qini" not in said
    assert set(figures_of(page)) == FIGURES - {"uplift"}


def test_uplift_without_a_tenth_to_compare(context: Context, sail: SparkSession) -> None:
    write_scores(context, plan(uplift={"qini": around(0.5, 0.25), "deciles": []}))
    page = report(context, sail).read_text(encoding="utf-8")
    assert "Qini coefficient 0.500 0.250 to 0.750" in text_of(page)
    assert "uplift" not in figures_of(page)


def test_scores_without_a_plan_say_how_to_get_one(context: Context, sail: SparkSession) -> None:
    change_json(context.data.scores.partition("2024-03-05") / "_encore.json", plan=None)
    said = shown(context, sail)
    assert "The scores were made without a plan. Say in the service's configuration under targeting:" in said
    assert "Expected gain – It takes targeting:" in said


def test_one_model_alone_without_baselines(context: Context, sail: SparkSession) -> None:
    shutil.rmtree(context.data.models / "lr")
    shutil.rmtree(context.data.models / "baselines")
    said = shown(context, sail)
    assert "encore train --model all puts others beside it" in said
    assert "better than the recency rule." in said
    assert "strongest baseline" not in said
    assert f"3 {HOSTILE} 0.125 0.100 to 0.150 75.0 %" in said  # no weights but those of the trees


@pytest.mark.parametrize(
    ("kept", "figures", "said"),
    [
        ("landing", {"flow"}, "120 108"),
        ("events", {"flow"}, "Data: 6.5 % of the lines were rejected"),
        ("features", {"flow"}, "The label is 1 when"),
        ("scores", {"flow", "deciles", "profit", "uplift"}, "1,640 of 2,000 customers are expected to leave"),
        (
            "models",
            FIGURES - {"flow", "deciles", "profit", "uplift"},
            "There are no records of layers in this folder.",
        ),
    ],
)
def test_layers_that_are_missing_are_said_in_words(
    context: Context, sail: SparkSession, kept: str, figures: set[str], said: str
) -> None:
    for folder in list(context.data.root.iterdir()):
        if folder.name != kept:
            shutil.rmtree(folder)
    page = report(context, sail).read_text(encoding="utf-8")
    text = text_of(page)
    assert set(figures_of(page)) == figures
    assert said in text
    assert ("There are no scores yet" in text) == (kept != "scores")
    assert ("There is no model yet" in text) == (kept != "models")
    assert "Nobody has looked yet: encore drift" in text
    assert (context.data.report / "csv" / "deciles.csv").exists() == (kept == "scores")


def test_nothing_at_all_is_an_input_error_and_leaves_no_trace(context: Context, sail: SparkSession) -> None:
    shutil.rmtree(context.data.root)
    context.data.root.mkdir()
    with pytest.raises(InputError, match=r"nothing to report yet; run `encore run"):
        report(context, sail)
    assert list(context.data.root.iterdir()) == []


def test_report_is_replaced_as_a_whole(context: Context, sail: SparkSession) -> None:
    (context.data.report / "csv").mkdir(parents=True)
    (context.data.report / "csv" / "old.csv").touch()
    first = report(context, sail).read_bytes()
    assert not (context.data.report / "csv" / "old.csv").exists()
    assert not list(context.data.root.glob(".staging-*"))
    assert report(context, sail).read_bytes() == first  # the same data, the same page


# ---- one page, safe and whole ----


def test_words_of_the_data_are_only_words(page: str) -> None:
    assert page.count(html.escape("<script>", quote=False)) >= 10  # title twice, label, features and reasons
    assert "<script" not in page
    assert "<img" not in page
    assert "onerror=&#34;" in page


def test_customers_that_are_text_are_only_words(context: Context, sail: SparkSession) -> None:
    path = context.data.scores.partition("2024-03-05") / "part-0.parquet"
    table = pq.read_table(path)
    names = pa.array([f"{HOSTILE}{number}" for number in range(2000)])
    pq.write_table(table.set_column(0, "customer_id", names), path)
    write_feature_rows(context, customer_id=names.to_pylist()[:25])
    page = written(context, sail)
    assert "<script" not in page
    assert f"{HOSTILE}20 90.0 % 8 EUR" in text_of(page)


def test_page_needs_nothing_from_elsewhere(page: str) -> None:
    assert not re.search(r"https?:|//[a-z]|@import|<link|<iframe|\bsrc=[\"']", page.replace("// ", ""))
    assert {target[0] for target in re.findall(r'href="([^"]*)"', page)} == {"#"}
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))


def test_all_figures_are_drawn_and_their_parts_are_found(page: str) -> None:
    figures = figures_of(page)
    assert set(figures) == FIGURES
    for figure in figures.values():
        assert figure.attrib["role"] == "img"
        assert figure.attrib["aria-label"]
        assert len(figure.findall(".//path")) >= 2
        assert not re.search(r"#0[0-9a-f]0[0-9a-f]0[0-9a-f]", ElementTree.tostring(figure, encoding="unicode"))
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    wanted = re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', page)
    assert {one or other for one, other in wanted} <= set(ids)


def test_flow_adds_up_the_events_and_shows_the_newest_tables(page: str) -> None:
    assert figures_of(page)["flow"].attrib["aria-label"] == (
        "Rows by layer: Lines in the archives 120, Records unpacked 108, Events kept 95, Customer-days 75, "
        "Customers in the table 2,100, Customers scored 2,000"
    )


def test_bars_are_as_long_as_their_numbers(page: str) -> None:
    heights = [span_of(path, 1) for path in filled(figures_of(page)["deciles"], "--series-1")]
    assert len(heights) == 10
    assert [height / heights[0] for height in heights] == pytest.approx([1] * 9 + [9], rel=1e-3)
    lengths = [span_of(path, 0) for path in filled(figures_of(page)["drivers"], "--series-1")]
    assert lengths[0] / lengths[1] == pytest.approx(0.125 / 0.01, rel=1e-3)


@pytest.mark.parametrize(("kind", "middle"), [("roc", 0.75), ("gains", 0.75)])
def test_curve_of_the_chosen_model_goes_through_its_points(page: str, kind: str, middle: float) -> None:
    """gbt is the first by name, so it has the first colour; half way to the right it stands at `middle`."""
    [path] = stroked(figures_of(page)[kind], "--series-1")
    numbers = numbers_of(path)
    (left, bottom), (x, y), (right, top) = zip(numbers[0::2], numbers[1::2], strict=True)
    assert left < right and bottom > top  # y grows downwards in SVG
    assert (x - left) / (right - left) == pytest.approx(0.5, abs=1e-3)
    assert (bottom - y) / (bottom - top) == pytest.approx(middle, abs=1e-3)


def test_chosen_model_is_drawn_thickest(page: str) -> None:
    widths = {
        name: float((re.findall(r"stroke-width: ([\d.]+)", path.attrib["style"]) or ["1"])[0])
        for name in ("series-1", "series-2", "muted", "ink")
        for path in stroked(figures_of(page)["roc"], f"--{name}")
    }
    assert widths["series-1"] == max(widths.values())
    assert list(widths.values()).count(widths["series-1"]) == 1


def test_profit_stands_where_it_was_measured(page: str) -> None:
    """From nothing at 0 % over 50.4 at 10 % to -200 at 100 %."""
    paths = [
        path
        for path in stroked(figures_of(page)["profit"], "--series-1")
        if "stroke-width: 2.4" in path.attrib["style"]
    ]
    numbers = numbers_of(paths[0])
    (x0, y0), (x1, y1), (x2, y2) = zip(numbers[0::2], numbers[1::2], strict=True)
    assert x0 < x2 and y0 < y2
    assert (x1 - x0) / (x2 - x0) == pytest.approx(0.1, abs=1e-3)
    assert (y1 - y0) / (y2 - y0) == pytest.approx(50.4 / -200, rel=1e-2)


def filled(figure: ElementTree.Element, variable: str) -> list[ElementTree.Element]:
    return [path for path in figure.iter("path") if path.attrib.get("style", "").startswith(f"fill: var({variable})")]


def stroked(figure: ElementTree.Element, variable: str) -> list[ElementTree.Element]:
    """Lines of one colour, without markers."""
    is_line = re.compile(rf"fill: none;.*stroke: var\({variable}\)")
    return [path for path in figure.iter("path") if is_line.match(path.attrib.get("style", ""))]


def numbers_of(path: ElementTree.Element) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path.attrib["d"])]


def span_of(path: ElementTree.Element, axis: int) -> float:
    numbers = numbers_of(path)[axis::2]
    return max(numbers) - min(numbers)


def test_report_knows_no_service() -> None:
    jobs = ROOT / "jobs"
    files = [path for path in (jobs / "reporting").rglob("*") if path.suffix in (".py", ".j2", ".css")]
    files += [jobs / "report.py", jobs / "formatting.py", jobs / "training" / "selection.py"]
    text = "".join(file.read_text() for file in files)
    words = set(re.findall(r"[a-z]+", text.lower().replace("_", " ")))
    assert (
        words & {"churn", "churned", "song", "songs", "play", "plays", "music", "audiobook", "purchase", "cd"} == set()
    )


def test_only_a_report_that_is_drawn_imports_matplotlib() -> None:
    code = "import sys, jobs.report; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


# ---- numbers as people read them ----


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (29.0, "29"),
        (29, "29"),
        (0, "0"),
        (0.33333, "0.33"),
        (-2.56, "-2.6"),
        (99.7, "100"),
        (12345.6, "12,346"),
        (None, "not known"),
        ("ios", "ios"),
    ],
)
def test_value_as_text(value: float | str | None, shown: str) -> None:
    assert wording.value_as_text(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.5739, "57.4 %"), (0, "0.0 %"), (1, "100.0 %"), (0.0004, "< 0.1 %"), (0.9999, "> 99.9 %"), (None, "–")],
)
def test_percent(share: float | None, shown: str) -> None:
    assert plain(wording.percent(share)).replace("\u2009", " ") == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (71234, "71k"), (999_499, "999k"), (999_500, "1.0M"), (2.5e9, "2.5G")],
)
def test_short_count(number: float, shown: str) -> None:
    assert wording.short_count(number) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(0.8166, "0.817"), (-0.8166, "-0.817"), (-0.0001, "0.000"), (None, "–"), (float("nan"), "–")]
)
def test_fixed(number: float | None, shown: str) -> None:
    assert plain(wording.fixed(number)) == shown


def test_signed_shows_the_sign_of_what_is_not_nothing() -> None:
    assert [plain(wording.signed(number)) for number in (0.5, -0.5, 0.0)] == ["+0.500", "-0.500", "0.000"]


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(12345.6, "12,346 EUR"), (1.5, "1.50 EUR"), (-99.99, "-99.99 EUR"), (3.0, "3 EUR"), (None, "– "), (0, "0 EUR")],
)
def test_money(amount: float | None, shown: str) -> None:
    assert plain(wording.money(amount, "EUR")) == shown.rstrip()


def test_money_with_the_decimals_of_its_table() -> None:
    assert [plain(wording.money(amount, "EUR", 2)) for amount in (200.0, 1.5)] == ["200.00 EUR", "1.50 EUR"]
    assert plain(wording.money(45.74, "EUR", 0)) == "46 EUR"


def test_span_of_an_interval_that_is_not_known_is_empty() -> None:
    assert plain(wording.span(Interval(0.5, -0.25, 0.75), 2)) == "-0.25 to 0.75"
    assert wording.span(Interval(0.5, float("nan"), 0.75)) == ""
    assert wording.span(None) == ""


def test_settings_are_told_in_words() -> None:
    assert plain(wording.settings({"l1_share": 0.5, "depth": 3})) == "l1 share 0.5, depth 3"
    assert wording.settings({}) == "–"


def test_spans_join_days_in_a_row_across_a_month() -> None:
    days = [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 4)]
    assert wording.spans(days) == ["2024-02-28 to 2024-03-01", "2024-03-04"]
    assert wording.spans([]) == []


def test_key_shows_the_dashes_of_the_line() -> None:
    assert Look("series-1", 2.0).css == "height: 2px; background: var(--series-1)"
    assert Look("muted", 1.5, (5, 2)).css == (
        "height: 1.6px; background: repeating-linear-gradient(90deg, var(--muted) 0px 7.5px, transparent 7.5px 10.5px)"
    )


def plain(text: str) -> str:
    return text.replace(wording.UNBREAKABLE, " ").replace(wording.MINUS, "-")
