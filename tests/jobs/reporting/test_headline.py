"""The top of the report: the claim in one sentence, four numbers, and what is to be warned of."""

import re
import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from models.evaluation.intervals import Interval
from models.targeting.contact_list import OtherAim
from tests.support.model_records import fitted_on
from tests.support.page import shown, text_of
from tests.support.report_folder import ReportFolder
from tests.support.report_records import HOSTILE, NEWEST, NOTHING, around, table_basis


@pytest.mark.parametrize(
    "sentence",
    [
        # 0.18 of 2,000 come back, so 1,640 leave; of 1,000 whose outcome is known 250 came back
        "1,640 of 2,000 customers are expected to leave; contacting 90 should earn 1,234 EUR.",
        f"From 2024-03-05 to 2024-03-06. Spends {HOSTILE} & more: all others leave.",
        "Will leave 1,640 82.0 % of 2,000 customers, the sum of their probabilities. "
        "Last known: 75.0 %, as of 2024-03-03.",
        "How sure 70 of 100 pairs of customers put in the right order (95 % interval 60.0 to 80.0); "
        "better than the recency rule (60). Probabilities are calibrated: off by 1.2 points on average.",
        "Whom to contact 90 customers, for 135 EUR. 10 more are held out: not contacted, so that the effect",
        "Expected gain 1,234 EUR after costs, if a contact costs 1.50 EUR and keeps 10.0 % of those who would "
        "leave, each worth 40 EUR.",
        "Measured on customers the model never saw, 10.0 % of them contacted: per 1,000 "
        "50.40 EUR (40.40 to 60.40) by the model, 30.00 EUR by recency alone, -20.00 EUR at random; "
        "contacting all, -200.00 EUR.",
        # 16 of 120 lines rejected
        "Data: 13.3 % of the lines were rejected; 1 day without any log; parts of 2 days are missing.",
        "1 archive could not be read and is missing from every number here",
    ],
)
def test_says(page: str, sentence: str) -> None:
    assert sentence in text_of(page)


def test_where_the_label_is_leaving_the_label_is_told(tmp_path: Path, sail: SparkSession) -> None:
    said = shown(ReportFolder(tmp_path / "data", one_if="absent").with_everything(), sail)
    assert "360 of 2,000 customers are expected to leave; contacting 90 should earn" in said
    assert f"To leave means: Spends {HOSTILE} & more." in said
    assert "Last known: 25.0 %, as of 2024-03-03" in said
    assert "10 200 90.0 % 180 9 200 10.0 % 20" in said
    assert f"20 10.0 % 8 EUR ▲ likelier: Days with a visit in 3 {HOSTILE}: 2.5; typical: 1" in said
    assert "The label is 1 when no day of the outcome window meets" in said


def test_where_contacts_are_to_convert_it_is_told_who_stays(tmp_path: Path, sail: SparkSession) -> None:
    """0.18 of 2,000 spend again; the 90 contacted cost 135 EUR, and the other 1,910 would cost 2,865."""
    words = {
        "customer": "guest",
        "stay": "spend again",
        "stayed": "spent again",
        "leave": "be gone",
        "left": "were gone",
    }
    folder = ReportFolder(tmp_path / "data", words=words).with_everything()
    other = OtherAim("keep", 1, 1.5, 2.25, 1)
    convert = {
        "aim": "convert",
        "lift": 0.2,
        "expected_good_all": 360.0,
        "expected_good_contacted": 81.0,
        "other": other,
    }
    said = shown(folder.with_scores(**convert, left_out={"contacted": 3, "segments": 0}, expected_changed=1.4), sail)
    assert "360 of 2,000 guests are expected to spend again; 1,640 are not." in said
    assert (
        "Contacting 90 guests (4.5 %) reaches 22.5 % of those who will spend again, saves 2,865 EUR against contacting "
        "everybody, and should earn 1,234 EUR."
    ) in said
    assert f"To spend again means: Spends {HOSTILE} & more." in said
    assert "Last known: 25.0 %, as of 2024-03-03" in said
    assert "makes it 20.0 % likelier that a guest will spend again, each worth 40 EUR" in said
    assert "10 200 90.0 % 180 9 200 10.0 % 20" in said
    assert "win 1 more guest, and earn" in said
    assert "Not on the list by the rules of contact: 3 contacted not long ago." in said
    assert (
        "To keep guests instead (--aim keep), 1 guest would be contacted for 1.50 EUR, with an expected gain of "
        "2.25 EUR; 1 is on both lists."
    ) in said
    assert f"20 10.0 % 8 EUR ▲ likelier: Days with a visit in 3 {HOSTILE}: 2.5; typical: 1" in said
    assert "customer" not in said[said.index("guests are expected") : said.index("How good is the model")]


# ---- how sure ----


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (Interval(0.1, 0.001, 0.2), "better than"),
        (Interval(0.1, 0.0, 0.2), "not clearly better than"),
        (Interval(-0.1, -0.2, 0.0), "not clearly better than"),
        (Interval(-0.1, -0.2, -0.001), "worse than"),
        (NOTHING, "not clearly better than"),
    ],
)
def test_better_is_said_only_when_the_paired_interval_is_above_nothing(
    folder: ReportFolder, sail: SparkSession, gain: Interval, said: str
) -> None:
    folder.changing_model("gbt", gain_over_recency=gain)
    assert f"80.0); {said} the recency rule (60)." in shown(folder, sail)


def test_large_calibration_error_is_not_called_calibrated(folder: ReportFolder, sail: SparkSession) -> None:
    metrics = folder.models.record("gbt").metrics
    test = metrics["test"] | {"calibration_error": around(0.02, 0.01)}
    folder.changing_model("gbt", metrics=metrics | {"test": test})
    assert "Probabilities are not calibrated: off by 2.0 points on average." in shown(folder, sail)


# ---- what is to be warned of ----


def test_sample_is_said_before_any_number(folder: ReportFolder, sail: SparkSession) -> None:
    shutil.rmtree(folder.data.daily.root)
    said = shown(folder.with_features(sample=0.1), sail)
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
def test_old_scores_are_said_to_be_old(folder: ReportFolder, sail: SparkSession, change: str, why: str) -> None:
    if change == "newer table":
        shutil.copytree(folder.data.features.partition(NEWEST), folder.data.features.partition("2024-03-06"))
    elif change == "other table":
        folder.with_features(basis=table_basis("others", is_mature=False))
    elif change == "other fit":
        folder.changing_model("gbt", fitted_on=fitted_on("another grid"))
    else:
        folder.with_choice("lr")
    assert f"These scores are not the newest: {why}." in shown(folder, sail)


def test_what_is_fresh_and_within_limits_is_not_warned_of(page: str) -> None:
    assert re.findall('<div class="warning"><b>([^<]*)', page) == ["1 archive could not be read"]


def test_plan_that_does_not_pay_is_said(folder: ReportFolder, sail: SparkSession) -> None:
    said = shown(folder.with_scores(contacts=0, held_out=0, cost=0.0, expected_gain=0.0), sail)
    assert "Contacting nobody is best" in said
    assert "1,640 of 2,000 customers are expected to leave." in said
