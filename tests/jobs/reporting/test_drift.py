"""Drift: what the report says of customers that have changed since training."""

import pytest
from pyspark.sql import SparkSession

from tests.support.page import page_without_figures, shown, text_of
from tests.support.report_folder import ReportFolder
from tests.support.report_records import HOSTILE, MATURE, NEWEST


@pytest.mark.parametrize(
    "sentence",
    [
        "The 2,000 customers as of 2024-03-05 against those that gbt learned from (2024-03-03): "
        "no feature of 2 is above a limit. The mean score, the probability of “came back”, is 18.0 %, "
        "25.0 % when the model was evaluated; its PSI is 0.062.",
        f"visits_3d Days with a visit in 3 {HOSTILE} 0.500 30.0 % 10.0 % – last_spending",
        "Limits: PSI 0.25, a change of the share of nulls by 10.0 %, new categories 1.0 %.",
    ],
)
def test_says(page: str, sentence: str) -> None:
    assert sentence in text_of(page)


def test_drift_above_a_limit_is_said_on_top_and_marked(folder: ReportFolder, sail: SparkSession) -> None:
    page = page_without_figures(folder.with_drift("psi", "null_share"), sail)
    said = text_of(page)
    warning = "The customers have changed since the model was trained: 1 feature above the limits of drift."
    assert said.index(warning) < said.index("1,640 of 2,000")
    assert f"3 {HOSTILE} 0.500 30.0 % 10.0 % – ⚠ PSI ⚠ nulls last_spending" in said
    assert page.count('<tr class="above">') == 1


def test_drift_of_another_date_than_the_scores_is_said(folder: ReportFolder, sail: SparkSession) -> None:
    folder.data.drift.partition(NEWEST).rename(folder.data.drift.partition(MATURE))
    assert "The scores are as of 2024-03-05: run encore drift again." in shown(folder, sail)
