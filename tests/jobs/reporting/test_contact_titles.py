"""Whom to contact, which titles: what stands beside the customers of the list."""

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs.storage.layer import Layer
from tests.support.layers import reseal
from tests.support.page import shown, text_of
from tests.support.report_folder import ReportFolder
from tests.support.report_records import HOSTILE, NEWEST


def test_first_titles_stand_beside_the_customers_of_the_list(titled_page: str) -> None:
    said = text_of(titled_page)
    assert "Expected profit Titles Why" in said
    # three of four; what others like is marked; of the others on the list nothing is recommended
    assert f"20 90.0 % 8 EUR Song A {HOSTILE} Song C ▼ less likely" in said
    assert "3 90.0 % 5 EUR Song C Song A Song P (popular) ▼ less likely" in said
    assert "7 90.0 % 5 EUR Song P (popular) Song Q (popular) ▼ less likely" in said
    assert "0 90.0 % 1 EUR – ▼ less likely" in said
    assert "the whole list in words: contacts/contacts_2024-03-05.csv." in said
    assert "The first 3 titles of each; (popular): recommended because others like it" in said


def test_titles_of_another_date_than_the_scores_are_not_put_beside_them(
    recommended: ReportFolder, sail: SparkSession
) -> None:
    shutil.rmtree(recommended.data.root / "recommendations")
    found = shown(recommended.with_recommendations("2024-03-06"), sail)
    assert "20 90.0 % 8 EUR ▼ less likely" in found and "(popular)" not in found
    assert "The scores are as of 2024-03-05, so the contact list has none of these titles" in found
    assert "run encore recommend --as-of 2024-03-05." in found
    assert "Customers to contact, with all their titles" not in found


@pytest.mark.parametrize("change", ["gone", "other scores", "no rows"])
def test_list_with_titles_is_named_only_where_it_is_that_of_the_scores(
    recommended: ReportFolder, sail: SparkSession, change: str
) -> None:
    list_of_titles = recommended.data.titles_for_contacts.partition(NEWEST)
    if change == "other scores":
        recommended.with_contacts(table="other")
    elif change == "no rows":
        (list_of_titles / "part-0.parquet").unlink()
        reseal(list_of_titles)
    else:
        shutil.rmtree(list_of_titles)
    found = shown(recommended, sail)
    assert "recommendations/contacts" not in found and "Song A" in found


@pytest.mark.parametrize("are_text", ["titles", "scores"])
def test_customers_whose_ids_are_of_another_type_are_others(
    recommended: ReportFolder, sail: SparkSession, are_text: str
) -> None:
    as_text(recommended.data.titles_for_customers if are_text == "titles" else recommended.data.scores)
    recommended.without_feature_rows()
    found = shown(recommended, sail)
    assert "20 90.0 % 8 EUR ▼ less likely" in found and "(popular)" not in found


def test_customers_whose_ids_are_text_get_their_titles(recommended: ReportFolder, sail: SparkSession) -> None:
    as_text(recommended.data.scores)
    as_text(recommended.data.titles_for_customers)
    recommended.without_feature_rows()
    assert "u3 90.0 % 5 EUR Song C Song A Song P (popular) ▼ less likely" in shown(recommended, sail)


def as_text(layer: Layer) -> None:
    """Customer 20 becomes u20."""
    path = layer.partition(NEWEST) / "part-0.parquet"
    table = pq.read_table(path)
    ids = pa.array([f"u{number}" for number in table["customer_id"].to_pylist()])
    pq.write_table(table.set_column(0, "customer_id", ids), path)
    reseal(path.parent)
