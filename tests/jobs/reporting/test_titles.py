"""Which titles: what the report says of recommendations, and of those that are missing or old."""

import html
import shutil
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.records.recommending import RatingsBasis
from models.recommender.ranking import METRICS
from tests.support.page import OF_TITLES, figures_of, page_of, page_without_figures, sheet, shown, text_of
from tests.support.recommendation_records import ALS_LATER, FORMULA, MOST
from tests.support.report_folder import ReportFolder
from tests.support.report_records import HOSTILE, MATURE

OTHER_FILE = RatingsBasis(file=("other.csv", 1, 0.0), liked_from=None)


@pytest.mark.parametrize(
    "sentence",
    [
        "Whom to contact Which titles How good is the model",  # where it stands among the sections
        "As of 2024-03-05, 1,000 customers are recommended up to 4 titles each, by ALS. "
        "30 of them have no history, so they get popular titles only. "
        "Evaluated on what customers did in the last days, ALS beats popular titles.",
        # 0.35 is the better of its two settings; with one setting each of the other models these are four
        "Chosen ALS: the highest NDCG@10 of 4 settings of 3 models, 0.350 0.340 to 0.360 on the titles held out",
        "Settings factors 64, alpha 10.0; fitted by the library implicit.",
        "Learned from 1,800 customers who liked something, and 2,400 titles that somebody liked.",
        "Seen titles Left out: they are neither recommended nor evaluated",
        f"400 customers are evaluated: how high the first 10 titles of a list rank the titles held out. {ALS_LATER}",
        # halves, quarters and fifths of the NDCG
        "Model NDCG@10 Beats popular by MAP@10 Precision@10 Recall@10 Novelty Coverage Customers evaluated "
        "ALS (chosen) 0.400 0.350 to 0.450 +0.150 0.120 to 0.180 0.200 0.150 to 0.250 0.100 0.050 to 0.150 "
        "0.080 0.030 to 0.130 5.00 4.75 to 5.25 12.5 % 400 "
        "Item-item 0.300 0.250 to 0.350 +0.050 -0.010 to 0.110",
        "Popular (baseline) 0.250 0.200 to 0.300 – 0.125 0.075 to 0.175 0.062 0.013 to 0.113 0.050 0.000 to 0.100 "
        "5.00 4.75 to 5.25 < 0.1 % 400 Evaluated on a share of each customer's titles, drawn by hash",
        # there the best is not the chosen one
        "its NDCG@10 differs by +0.240 (95 % interval 0.200 to 0.280). Item-item ranks higher than ALS on the same "
        "customers: NDCG@10 0.500 (95 % interval 0.450 to 0.550) against 0.440 (95 % interval 0.390 to 0.490).",
        "Customers evaluated Item-item 0.500 0.450 to 0.550 +0.300",
        f"Title Customers Share {HOSTILE} 500 50.0 % {FORMULA} 100 10.0 % Song 0 50 5.0 %",
        # 600 of 2,400 titles
        "600 titles are on some list, 25.0 % of the 2,400 that could be recommended. The 10 on most lists are shown.",
        f"20 32 titles liked Old 1 {HOSTILE} Song A Song B 3 1 title liked Old 2 Song C Customers drawn by a hash",
        f"NDCG@10 {METRICS['ndcg']}.",
        f"Novelty {METRICS['novelty']}. Coverage Share of the titles that could be recommended",
    ],
)
def test_says_of_titles(titled_page: str, sentence: str) -> None:
    assert sentence in text_of(titled_page).replace("\u2009", " ")


def test_section_is_in_the_nav_and_what_is_in_order_is_not_warned_of(titled_page: str) -> None:
    page = titled_page
    assert page.count('<a href="#titles">Which titles</a>') == 1
    assert page.count('<section id="titles">') == 1
    section = text_of(page[page.index('<section id="titles">') : page.index('<section id="model">')])
    assert section.count("ranks higher than") == 1  # by what was drawn, and not by what came later
    assert "not known" not in section and "RMSE" not in section
    assert "Song 8" not in section  # the eleventh
    assert 'class="warning"' not in page[page.index('<section id="titles">') :]


def test_names_of_titles_are_only_words(titled_page: str) -> None:
    page = titled_page
    assert "<script" not in page
    beside, most, example = 1, 1, 1
    section = page[page.index('<section id="contact">') : page.index('<section id="model">')]
    titles = section.count(f">{html.escape(HOSTILE, quote=True).replace('&#x27;', '&#39;')}<")
    assert titles == beside + most + example
    assert all(target.startswith("#") for target in page.split('href="')[1:])


def test_most_recommended_titles_lie_there_for_spreadsheets_and_compute_nothing(titled: ReportFolder) -> None:
    rows = sheet(titled, "recommended")
    assert len(rows) == len(MOST)  # the page shows ten
    assert tuple(rows[0].values()) == ("11", HOSTILE, "500", "0.5")
    assert tuple(rows[1].values()) == ("12", f"'{FORMULA}", "100", "0.1")


# ---- what is not there, or not of these recommendations ----


def test_without_recommendations_it_is_said_who_makes_them(folder: ReportFolder, sail: SparkSession) -> None:
    declaring = folder.declaring_interactions()
    page = page_without_figures(declaring, sail)
    assert "Which titles Nothing is recommended yet: encore recommend recommends titles to" in text_of(page)
    assert page.count('href="#titles"') == 1
    assert not (folder.data.report / "csv" / "recommended.csv").exists()


def test_without_interactions_nothing_is_said(folder: ReportFolder, sail: SparkSession) -> None:
    page = page_without_figures(folder, sail)
    assert "#titles" not in page and 'id="titles"' not in page and "recommend" not in text_of(page)
    assert not (folder.data.report / "csv" / "recommenders.csv").exists()


def test_recommendations_alone_make_a_page(bare: ReportFolder, sail: SparkSession) -> None:
    page = page_of(bare, sail)
    assert set(figures_of(page)) == OF_TITLES
    assert ALS_LATER in text_of(page) and "There are no scores yet" in text_of(page)


def test_recommendations_without_the_record_of_the_recommender(bare: ReportFolder, sail: SparkSession) -> None:
    shutil.rmtree(bare.data.recommender)
    found = shown(bare, sail)
    assert "up to 4 titles each, by ALS." in found
    assert "How good these recommendations are is not known: there is no record of a recommender" in found
    assert "600 titles are on some list. The 10" in found
    assert not (bare.data.report / "csv" / "recommenders.csv").exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"evidence": OTHER_FILE}, "the recommender has been fitted again since, as of 2024-03-05"),
        ({"declared": "other"}, "the service declares its recommender otherwise now"),
    ],
)
def test_recommender_that_is_not_that_of_the_lists_is_warned_of(
    bare: ReportFolder, sail: SparkSession, change: dict[str, Any], why: str
) -> None:
    bare.with_recommender(basis=bare.recommender.basis.model_copy(update=change))
    if "declared" in change:
        bare.with_recommendations()
    found = shown(bare, sail)
    assert (
        f"The evaluation below belongs to another model than these recommendations: {why}. Run encore recommend"
        in found
    )
    assert "Evaluated on the last" not in found  # not on top
    assert "600 titles are on some list. The 10" in found  # not of as many as this recommender knows


def test_the_newest_recommendations_are_told(bare: ReportFolder, sail: SparkSession) -> None:
    found = shown(bare.with_recommendations(MATURE, customers=777), sail)
    assert "As of 2024-03-05, 1,000 customers are recommended" in found
