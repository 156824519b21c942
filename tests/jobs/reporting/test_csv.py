"""The numbers of the report as CSV tables for spreadsheets."""

import pytest
from pyspark.sql import SparkSession

from jobs.records.recommending import MostRecommended
from models.evaluation.curves import CURVES
from models.evaluation.metrics import METRICS
from tests.support.page import page_without_figures, sheet
from tests.support.report_folder import ReportFolder


def test_numbers_lie_beside_it_for_spreadsheets(reported: ReportFolder) -> None:
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
        ("rejected", "customer_id_unreadable", "4"),
        ("rejected", "too_much", "3"),
        ("repaired", "shape", "4"),
        ("repaired", "in_cents", "3"),
    ]
    assert len(sheet(reported, "deciles")) == 10
    assert sheet(reported, "customers")[0]["positive_share"] == "0.25"
    profit = sheet(reported, "profit")[0]
    columns = ("share", "model_profit_value", "recency_profit_low", "random_profit_high")
    assert tuple(profit[name] for name in columns) == ("0.1", "50.4", "20.0", "-10.0")
    assert (profit["over_recency_value"], profit["saved"]) == ("20.4", "1350.0")
    assert [row["decile"] for row in sheet(reported, "uplift")] == [str(n) for n in range(10, 0, -1)]
    assert [row["psi"] for row in sheet(reported, "drift")] == ["0.5", "0.125"]


def test_models_are_told_in_full_for_spreadsheets(reported: ReportFolder) -> None:
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
def test_curves_lie_beside_it_for_spreadsheets(reported: ReportFolder, kind: str) -> None:
    rows = sheet(reported, kind)
    assert {row["name"] for row in rows} == {"lr", "gbt", "bgnbd", "recency", "majority", "best"}
    if kind == "roc":
        # True probabilities 0.9 and 0.4 against 0.5 and 0.1: found, false alarm, found, false alarm.
        best = [(float(r["false_positive_rate"]), float(r["true_positive_rate"])) for r in rows if r["name"] == "best"]
        assert best == [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]


def test_cell_that_a_spreadsheet_would_compute_is_text(bare: ReportFolder, sail: SparkSession) -> None:
    """A carriage return would begin a row, and its cell may be a formula. A number is none."""
    computed, plain = ["=1+1", "+1", "-1+2", "@a", "\t=1", "\r=1"], ["-1", "a=1", "'a", "", "a\r=1", "a\n=1"]
    most = [MostRecommended(title_id=name, name=name, customers=1) for name in computed + plain]
    page_without_figures(bare.with_recommendations(most_recommended=most), sail)
    cells = ["'=1+1", "'+1", "'-1+2", "'@a", "' =1", "' =1", "-1", "a=1", "'a", "", "a =1", "a =1"]
    assert [(row["title_id"], row["name"]) for row in sheet(bare, "recommended")] == [(one, one) for one in cells]
