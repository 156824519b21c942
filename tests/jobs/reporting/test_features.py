"""What matters most: importance of features, the weights that models have of their own, partial dependence."""

import pytest
from pyspark.sql import SparkSession

from tests.support.model_records import importance
from tests.support.page import sheet, shown, text_of
from tests.support.report_folder import ReportFolder
from tests.support.report_records import HOSTILE


@pytest.mark.parametrize(
    "sentence",
    [
        # weights of either model in one table
        f"visits_3d Days with a visit in 3 {HOSTILE} 0.125 0.100 to 0.150 ▲ +0.75 75.0 %",
        "last_spending Days since coins were spent (1: yesterday) 0.010 -0.010 to 0.030 ▼ -0.25 25.0 %",
        "Weight: of logistic regression,",
        "the splits of boosted trees gained",
        "How the probability depends on the two most important",
    ],
)
def test_says(page: str, sentence: str) -> None:
    assert sentence in text_of(page)


def test_weight_of_nothing_is_told_and_points_nowhere(folder: ReportFolder, sail: SparkSession) -> None:
    folder.changing_model("lr", importance=importance(coefficient=(0.0, -0.25)))
    assert f"3 {HOSTILE} 0.125 0.100 to 0.150 0.00 75.0 %" in shown(folder, sail)
    assert sheet(folder, "features")[0]["coefficient"] == "0.0"
