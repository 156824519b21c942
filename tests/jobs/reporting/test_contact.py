"""Whom to contact: the plan, the head of the list with its reasons, profit by share contacted, uplift."""

import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from models.targeting.uplift import Uplift
from tests.support.layers import reseal
from tests.support.page import FIGURES, figures_of, page_of, shown, text_of
from tests.support.report_folder import ReportFolder
from tests.support.report_records import HOSTILE, MATURE, around


@pytest.mark.parametrize(
    "sentence",
    [
        # 100 of 2,000; the nearest share that was measured is 10 %
        "On the list are the 100 customers (5.0 %) with the highest expected profit, as far as a budget of 135 EUR "
        "goes. "
        "90 are to be contacted; 10, drawn at random (12.5 %), are held out and must not be contacted. "
        "The contacts cost 135 EUR, reach 14.0 % of those who will leave, keep 34 customers who would leave, and earn "
        "1,234 EUR after costs.",
        "10.0 % of the customers contacted Profit per 1,000 by the model 50.40 EUR 40.40 to 60.40 "
        "by recency alone 30.00 EUR 20.00 to 40.00 at random -20.00 EUR -30.00 to -10.00 "
        "everybody -200.00 EUR nobody 0.00 EUR",
        "That is 20.40 EUR more than by recency alone (95 % interval of the difference 15.40 to 25.40).",
        "The plan contacts 5.0 %; 10.0 % is the nearest share that was measured.",
        "What a contact changes is assumed, not learned.",
        "compare the 10 held out with the 90 contacted",
        # more visits raise the probability of coming back, so they lower that of leaving
        # and each reason shows the customer's own value; that of customer 7 is null
        f"20 90.0 % 8 EUR ▼ less likely: Days with a visit in 3 {HOSTILE}: 2.5; typical: 1 "
        f"▲ likelier: Days with a visit in 1 {HOSTILE}: 0; typical: 1 3 90.0 %",
        f"likelier: Days with a visit in 1 {HOSTILE}: 0; typical: 1 "
        "▲ likelier: Days since coins were spent: 29; typical: 4 7 90.0 % 5 EUR",
        "▲ likelier: nothing spent; typical: Days since coins were spent: 4 0 90.0 % 1 EUR",
        "the whole list in words: contacts/contacts_2024-03-05.csv.",
        "Qini coefficient 0.030 0.020 to 0.040;",
        "Tenth Treated Not treated Uplift 10 10 20 0.100 0.080 to 0.120 9 10 20 0.090",
    ],
)
def test_says(page: str, sentence: str) -> None:
    assert sentence in text_of(page)


# ---- the plan ----


def test_plan_without_limit_hold_out_and_uplift(folder: ReportFolder, sail: SparkSession) -> None:
    folder.with_scores(
        limit={},
        held_out=0,
        uplift=None,
        value_of_customer="2 * <visits_3d>",
        value_about="2 EUR a <visit>",
        expected_gain=1.25,
    )
    page = page_of(folder, sail)
    said = text_of(page)
    assert "with the highest expected profit: all whose contact is expected to earn more than it costs." in said
    assert "nobody is held out." in said
    assert "so the effect of the contacts will never be known" in said
    assert "Each customer who is kept is worth 2 EUR a <visit>." in said
    assert "visits_3d" not in said[: said.index("How good is the model")]
    assert "<visit>" not in page
    assert "contacting 90 should earn 1.25 EUR" in said
    assert "Qini" not in said
    assert set(figures_of(page)) == FIGURES - {"uplift"}


def test_uplift_without_a_tenth_to_compare(folder: ReportFolder, sail: SparkSession) -> None:
    page = page_of(folder.with_scores(uplift=Uplift(around(0.5, 0.25), [], deciles=[])), sail)
    assert "Qini coefficient 0.500 0.250 to 0.750" in text_of(page)
    assert "uplift" not in figures_of(page)


def test_scores_without_a_plan_say_how_to_get_one(folder: ReportFolder, sail: SparkSession) -> None:
    said = shown(folder.without_plan(), sail)
    assert "The scores were made without a plan. Say in the service's configuration under targeting:" in said
    assert "Expected gain – It takes targeting:" in said


# ---- the list ----


def test_list_shows_the_first_twenty_to_contact_and_nobody_held_out(page: str) -> None:
    ids = [int(number) for number in re.findall(r'<td class="id">(\d+)</td>', page)]
    # By profit 8, 5, 5, then 1, those of equal profit by number: 17 of the 21 others.
    assert ids == [20, 3, 7, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19]


def test_reasons_of_a_table_by_other_declarations_have_the_values_that_it_has(
    folder: ReportFolder, sail: SparkSession
) -> None:
    pq.write_table(pq.read_table(folder.feature_rows).drop_columns(["last_spending"]), folder.feature_rows)
    reseal(folder.feature_rows.parent)
    said = shown(folder, sail)
    assert (
        f"in 1 {HOSTILE}: 0; typical: 1 ▲ likelier: Days since coins were spent (1: yesterday) 7 90.0 % 5 EUR" in said
    )


def test_values_are_those_of_the_day_whatever_the_tables_of_other_days_look_like(
    folder: ReportFolder, spark: SparkSession
) -> None:
    """Spark takes the columns of a layer from one of its partitions."""
    mature = folder.data.features.partition(MATURE)
    pq.write_table(pa.table({"customer_id": [20]}), mature / "part-0.parquet")
    reseal(mature)
    assert f"20 90.0 % 8 EUR ▼ less likely: Days with a visit in 3 {HOSTILE}: 2.5; typical: 1" in shown(folder, spark)


def test_reasons_without_a_table_have_no_values(folder: ReportFolder, sail: SparkSession) -> None:
    folder.without_feature_rows()
    said = shown(folder, sail)
    assert f"20 90.0 % 8 EUR ▼ less likely: Days with a visit in 3 {HOSTILE} ▲ likelier: Days with" in said
