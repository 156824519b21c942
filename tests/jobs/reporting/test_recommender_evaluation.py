"""How good the recommender is: each model beside popular titles, and what is claimed of it."""

import pytest
from pyspark.sql import SparkSession

from jobs.records.recommending import RankerEvaluation, Tried
from models.evaluation.intervals import Interval
from models.recommender.ranking import METRICS
from models.recommender.ratings import RatingErrors
from tests.support.page import FIGURES, OF_TITLES, figures_of, numbers_of, page_of, sheet, shown, stroked, text_of
from tests.support.recommendation_records import ALS_LATER, BY, DRAWN, LATER, ranked
from tests.support.report_folder import ReportFolder
from tests.support.report_records import NOTHING, around


def judged_by(bare: ReportFolder, spark: SparkSession, **models: RankerEvaluation) -> str:
    """What is said where these models were judged by what came later, and by nothing else."""
    later = {name.replace("_", "-"): one for name, one in models.items()}
    return shown(bare.with_recommender(parts={"later": later}), spark)


# ---- beside popular titles ----


@pytest.mark.parametrize(
    ("over_popular", "said"),
    [
        (around(0.15, 0.03), ALS_LATER),
        (
            around(0.02, 0.03),
            f"ALS does not clearly beat popular titles: {BY} +0.020 "
            "(95 % interval -0.010 to 0.050), which chance alone may make.",
        ),
        (
            Interval(0.01, 0.0, 0.02),
            f"ALS does not clearly beat popular titles: {BY} +0.010",
        ),
        (
            around(-0.1, 0.03),
            f"ALS ranks lower than popular titles: {BY} -0.100 (95 % interval -0.130 to -0.070).",
        ),
        (NOTHING, "Whether ALS beats popular titles is not known: there is no interval of the difference."),
        (None, "Whether ALS beats popular titles is not known: there is no interval of the difference."),
    ],
)
def test_beaten_are_popular_titles_only_where_the_paired_interval_is_above_nothing(
    bare: ReportFolder, sail: SparkSession, over_popular: Interval | None, said: str
) -> None:
    found = judged_by(bare, sail, als=ranked(0.4, over_popular), popular=ranked(0.25, None))
    assert said in found
    claimed = found.replace("Whether ALS beats", "").count("ALS beats popular titles")
    assert claimed == (2 if said == ALS_LATER else 0)  # on top and beside the figure


def test_popular_titles_that_rank_higher_than_the_chosen_model_are_told(bare: ReportFolder, sail: SparkSession) -> None:
    found = judged_by(bare, sail, als=ranked(0.2, around(-0.05, 0.03)), popular=ranked(0.25, None))
    assert (
        "Popular ranks higher than ALS on the same customers: NDCG@10 0.250 (95 % interval 0.200 to 0.300) against "
        "0.200 (95 % interval 0.150 to 0.250)."
    ) in found
    assert "last days, ALS ranks lower than popular titles." in found


def test_of_one_judged_customer_nothing_is_sure(bare: ReportFolder, sail: SparkSession) -> None:
    """Its mean has no deviation, so the record has an interval of no width."""
    als, popular = ranked(0.4, around(0.15, 0.0), customers=1), ranked(0.25, None, customers=1)
    found = judged_by(bare, sail, als=als, popular=popular)
    assert "1 customer is evaluated" in found
    assert "Whether ALS beats popular titles is not known" in found
    assert "ALS (chosen) 0.400 +0.150 0.200 0.100 0.080 5.00 12.5 % 1" in found


# ---- numbers and parts that there are not ----


def test_metric_without_a_number_is_a_dash_and_ranks_last(bare: ReportFolder, sail: SparkSession) -> None:
    unknown = ranked(0.4, NOTHING, metrics=dict.fromkeys(METRICS, NOTHING))
    parts = {
        "later": {"item-item": unknown, "als": ranked(0.4, around(0.1, 0.05))},
        "drawn": {"als": unknown, "popular": unknown},
    }
    page = page_of(bare.with_recommender(parts=parts), sail)
    said = text_of(page)
    assert "12.5 % 400 Item-item – – – – – – 12.5 % 400 " in said
    assert "nan" not in said.lower() and "None" not in said
    assert set(figures_of(page)) == OF_TITLES
    assert {row["value"] for row in sheet(bare, "recommenders") if row["name"] == "item-item"} == {""}


@pytest.mark.parametrize(
    ("missing", "about"),
    [
        ("later", "what customers did in the last days"),
        ("drawn", "a share of each customer's titles, drawn by hash"),
    ],
)
def test_part_that_is_missing_is_said(bare: ReportFolder, sail: SparkSession, missing: str, about: str) -> None:
    parts = {name: one for name, one in {"later": LATER, "drawn": DRAWN}.items() if name != missing}
    found = shown(bare.with_recommender(parts=parts), sail)
    assert f"Not evaluated on {about}: there are too few days or customers." in found
    assert found.count("Customers evaluated") == 1


def test_where_nobody_could_be_judged_nothing_is_claimed(bare: ReportFolder, sail: SparkSession) -> None:
    untried = {name: [Tried(settings={}, ndcg=None)] for name in ("als", "item-item", "popular")}
    page = page_of(bare.with_recommender(parts={}, tried=untried), sail)
    found = text_of(page)
    assert "Chosen ALS: the first of those tried, since nothing could be held out to choose by. Settings" in found
    assert "How good ALS is, and whether it beats popular titles, is not known: there are too few days" in found
    assert "Customers evaluated" not in found and " beats popular titles." not in found
    assert figures_of(page) == {}
    assert sheet(bare, "recommenders") == []


# ---- how it was chosen ----


def test_model_of_the_command_line_is_said_to_be_asked_for(bare: ReportFolder, sail: SparkSession) -> None:
    found = shown(bare.with_recommender(chosen_by="command line", engine="spark"), sail)
    assert "Chosen ALS: asked for on the command line, whatever the others would have given, 0.350" in found
    assert "alpha 10.0; fitted by Spark." in found


def test_popular_titles_that_are_chosen_have_nothing_to_beat(recommended: ReportFolder, sail: SparkSession) -> None:
    found = shown(recommended.with_recommender(chosen="popular").with_recommendations(), sail)
    assert "up to 4 titles each, popular titles: the same for all, without those that each has seen." in found
    assert "no history, so they get" not in found
    assert "Popular titles, which are the baseline, were chosen." in found
    assert "Popular (chosen) (baseline) 0.250" in found
    assert "ALS ranks higher than Popular on the same customers: NDCG@10 0.400" in found
    assert "Song A (popular)" in found  # whatever its source says


def test_seen_titles_that_are_not_left_out_are_said_to_be_judged_by(bare: ReportFolder, sail: SparkSession) -> None:
    other = bare.declaring_interactions(exclude_seen=False)
    found = shown(other.with_recommender(chosen="popular").with_recommendations(), sail)
    assert "Seen titles Not left out: titles that a customer has seen may be recommended" in found
    assert "popular titles: the same for all. " in found


def test_errors_of_ratings_stand_beside_the_mean_and_say_nothing_of_lists(
    bare: ReportFolder, sail: SparkSession
) -> None:
    errors = RatingErrors(rmse=around(0.92, 0.01), rmse_of_mean=around(1.13, 0.02), rows=1234)
    assert (
        "Predicted ratings RMSE 0.920 0.910 to 0.930; that of the mean rating 1.130 1.110 to 1.150: "
        "on 1,234 ratings that were held out. This measures predicted ratings, not the ranking of "
        "titles"
    ) in shown(bare.with_recommender(ratings=errors), sail)


# ---- figures, and numbers for spreadsheets ----


def test_figures_show_each_model_where_it_stands(titled_page: str) -> None:
    figures = figures_of(titled_page)
    assert set(figures) == FIGURES | OF_TITLES
    assert figures["ranking-later"].attrib["aria-label"] == (
        "NDCG@10 by what customers did in the last days: ALS 0.400, Item-item 0.300, Popular 0.250"
    )
    ends = {}
    for part, colours in {"later": ("--series-1", "--series-2"), "drawn": ("--series-1", "--series-2")}.items():
        for colour in colours:
            [line] = stroked(figures[f"ranking-{part}"], colour)
            ends[part, colour] = numbers_of(line)[0::2]
    per_unit = (ends["later", "--series-1"][0] - ends["later", "--series-2"][0]) / (0.35 - 0.25)
    at_nothing = ends["later", "--series-2"][0] - 0.25 * per_unit
    found = {key: [(x - at_nothing) / per_unit for x in xs] for key, xs in ends.items()}
    assert found == {
        ("later", "--series-1"): pytest.approx([0.35, 0.45], abs=1e-3),
        ("later", "--series-2"): pytest.approx([0.25, 0.35], abs=1e-3),
        ("drawn", "--series-1"): pytest.approx([0.39, 0.49], abs=1e-3),  # both on one scale
        ("drawn", "--series-2"): pytest.approx([0.45, 0.55], abs=1e-3),
    }
    assert "ALS (chosen)" in "".join(figures["ranking-later"].itertext())


def test_recommenders_are_told_in_full_for_spreadsheets(titled: ReportFolder) -> None:
    rows = sheet(titled, "recommenders")
    assert list(rows[0]) == [
        *("part", "name", "title", "chosen", "metric", "value", "low", "high", "customers", "coverage")
    ]
    assert [(row["part"], row["name"], row["chosen"]) for row in rows if row["metric"] == "ndcg"] == [
        ("later", "als", "True"), ("later", "item-item", "False"), ("later", "popular", "False"),
        ("drawn", "item-item", "False"), ("drawn", "als", "True"), ("drawn", "popular", "False"),
    ]  # fmt: skip
    of_one = {row["metric"]: tuple(row.values())[5:] for row in rows if (row["part"], row["name"]) == ("later", "als")}
    assert set(of_one) == {*METRICS, "ndcg_over_popular"}
    assert of_one["ndcg"] == ("0.4", "0.35", "0.45", "400", "0.125")
    assert of_one["ndcg_over_popular"] == ("0.15", "0.12", "0.18", "400", "0.125")
    [none] = [
        row for row in rows if (row["part"], row["name"], row["metric"]) == ("later", "popular", "ndcg_over_popular")
    ]
    assert (none["value"], none["low"], none["high"], none["coverage"]) == ("", "", "", "0.0004")
