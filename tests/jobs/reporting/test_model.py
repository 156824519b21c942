"""How good the model is: models beside baselines and what is possible, measures, splits."""

import math
import re
import shutil
from dataclasses import replace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.records.training import EvaluationSection
from models.evaluation.metrics import METRICS
from tests.support.model_records import SPLIT, fitted_on
from tests.support.page import FIGURES, figures_of, page_of, page_without_figures, shown, text_of
from tests.support.report_folder import ReportFolder
from tests.support.report_records import HOSTILE, MATURE, NEWEST, NOTHING, table_basis


@pytest.mark.parametrize(
    "sentence",
    [
        # beside what a coin, the baselines and the truth reach: (0.7 - 0.5) / (0.75 - 0.5)
        "Take one customer with the outcome “came back” and one without, among customers the model never saw: "
        "boosted trees gives the first the higher probability in 70 of 100 such pairs",
        "It is better than the recency rule (last_spending alone), which ranks 60: on the same customers the AUC "
        "differs by +0.100 (95 % interval 0.050 to 0.150). "
        "The strongest baseline (BG/NBD, expected events) has an AUC of 0.610.",
        "the best that any model could do: 0.750. The model has come 80.0 % of the way from chance to that.",
        "Chosen boosted trees: the highest AUC in cross-validation.",
        "Split by customer: three in four; not used: 2024-03-04, whose outcome was not over by then.",
        "Training set 1,234,567 rows, 25.0 % of them with the outcome, of the more frequent outcome only a sample.",
        "Test set 4 rows as of 2024-03-03, with the outcomes in their natural shares",
        "Probabilities isotonic calibration, on customers kept for it; calibrated: off by 1.2 points on average.",
        "Threshold 43.5 %, with the highest F1 on the training set.",
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
    ],
)
def test_says(page: str, sentence: str) -> None:
    assert sentence in text_of(page)


# ---- which models ----


def test_without_a_choice_the_model_that_tuning_favours_is_chosen(folder: ReportFolder, sail: SparkSession) -> None:
    # On the test set the logistic regression is better, 0.72; cross-validation on the training set prefers the trees.
    said = shown(folder.without_choice(), sail)
    assert "Chosen boosted trees: the highest AUC in cross-validation on the training set." in said


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ({"tables": {"2024-03-02": table_basis()}}, "logistic regression"),
        ({"split": "another"}, "logistic regression"),
        ({"shared": "another"}, "logistic regression"),
        ({"shared": "another"}, "BG/NBD, expected events; last spending alone; majority class"),
    ],
)
def test_models_of_other_tables_or_declarations_are_not_compared_in_silence(
    folder: ReportFolder, sail: SparkSession, change: dict[str, Any], title: str
) -> None:
    if title == "logistic regression":
        folder.changing_model("lr", fitted_on=fitted_on("lr", **change))
    else:
        folder.with_baselines(fitted_on=fitted_on("baselines", **change))
    assert (
        f"Fitted on other tables or by other declarations than boosted trees: {title}. "
        "Train again before comparing them."
    ) in shown(folder, sail)


def test_models_that_differ_by_their_own_grid_alone_are_compared(folder: ReportFolder, sail: SparkSession) -> None:
    folder.changing_model("lr", fitted_on=fitted_on("another"))
    assert "Fitted on other tables" not in shown(folder, sail)


def test_baseline_that_could_not_be_had_is_told_with_its_reason(
    folder: ReportFolder, sail: SparkSession, page: str
) -> None:
    assert "No such baseline" not in page
    folder.with_baselines(left_out={"bgnbd": f"nobody came twice {HOSTILE}"})
    assert f"No such baseline bgnbd: nobody came twice {HOSTILE}" in shown(folder, sail)


def test_one_model_alone_without_baselines(folder: ReportFolder, sail: SparkSession) -> None:
    said = shown(folder.without_models("lr", "baselines"), sail)
    assert "encore train --model all puts others beside it" in said
    assert "better than the recency rule." in said
    assert "strongest baseline" not in said
    assert f"3 {HOSTILE} 0.125 0.100 to 0.150 75.0 %" in said  # no weights but those of the trees


# ---- who judges ----


def test_split_by_time_says_of_nobody_that_the_model_never_saw_them(folder: ReportFolder, sail: SparkSession) -> None:
    by_time = SPLIT.model_copy(update={"by": "time", "text": "by time: then, now"})
    folder.changing_model("gbt", split=by_time).changing_model("lr", split=by_time).with_baselines(split=by_time)
    page = page_without_figures(folder, sail)
    said = text_of(page)
    assert "never saw" not in page and "no model sees" not in page and "unseen" not in page.lower()
    later = "outcomes later than all the model learned from"
    assert f"Measured on {later}, 10.0 % of them contacted: per 1,000 50.40 EUR" in said
    assert f"Profit per 1,000 customers, by share contacted, measured on {later}." in said
    assert f"one without, among {later}: boosted trees gives the first" in said
    assert f"AUC with 95 % interval on {later} (filled)" in said
    assert f"Curves, on {later}" in said
    assert (
        "All customers are in both sets: models learn from outcomes that had ended by the as-of date of the "
        f"test set, and are evaluated on what came after it. All metrics are measured on {later}."
    ) in said


def test_split_by_customer_says_that_the_model_never_saw_them(page: str) -> None:
    said = text_of(page)
    never = "customers the model never saw"
    assert said.count(never) == 8
    assert f"AUC with 95 % interval on {never} (filled)" in said
    assert f"Curves, on {never}" in said
    assert f"How much AUC boosted trees loses on {never} when" in said
    assert f"that no model sees in training. All metrics are measured on {never}." in said
    assert "later than all" not in said


# ---- numbers that there are not ----


@pytest.mark.parametrize("metric", ["ks", "auc", "calibration_error"])
def test_metric_that_is_no_number_anywhere_is_a_dash(folder: ReportFolder, sail: SparkSession, metric: str) -> None:
    shutil.rmtree(folder.data.truth.root)
    baselines = folder.models.baselines()
    assert baselines
    folder.with_baselines(baselines=[unmeasured(one, metric) for one in baselines.baselines])
    for name in ("gbt", "lr"):
        record = folder.models.record(name)
        folder.changing_model(name, metrics=unmeasured(record, metric).metrics)
        if metric == "auc":
            importance = [replace(one, permutation=NOTHING) for one in record.importance]
            folder.changing_model(name, importance=importance, gain_over_recency=NOTHING)
    page = page_of(folder, sail)
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


def unmeasured(found: EvaluationSection, metric: str) -> EvaluationSection:
    """The same evaluation without a number for this metric."""
    metrics = {part: values | {metric: NOTHING} for part, values in found.metrics.items()}
    return found.model_copy(update={"metrics": metrics})


def test_candidate_without_an_auc_is_told_as_a_dash(folder: ReportFolder, sail: SparkSession) -> None:
    tuning = folder.models.record("gbt").tuning
    first, second = tuning.candidates
    candidates = [replace(first, auc=math.nan, deviation=math.nan), second]
    folder.changing_model("gbt", tuning=tuning.model_copy(update={"candidates": candidates}))
    assert "depth 3, rounds 50 – ± –" in shown(folder, sail)


# ---- the best possible ----


def test_best_possible_is_told_only_of_the_dates_whose_truth_is_known(folder: ReportFolder, sail: SparkSession) -> None:
    page = page_without_figures(folder.with_truth(NEWEST), sail)
    assert "logistic regression 0.720" in text_of(page)
    assert "simulated" not in page
    assert "best possible" not in page


def test_part_of_the_held_out_customers_with_a_truth_is_said(folder: ReportFolder, sail: SparkSession) -> None:
    folder.with_truth(MATURE, customer_id=[1, 3, 4], leaving_probability=[0.9, 0.5, 0.1])
    assert "The best possible is known for 3 of the 4." in shown(folder, sail)


def test_truth_of_customers_of_one_label_has_no_best(folder: ReportFolder, sail: SparkSession) -> None:
    folder.with_truth(MATURE, customer_id=[1, 2], leaving_probability=[0.9, 0.5])
    assert "best possible" not in shown(folder, sail)
