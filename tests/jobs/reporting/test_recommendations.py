"""What the report says of recommended titles, of records written by hand."""

import dataclasses
import html
import json
import shutil
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from conf.schema import Service
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.engine import engine
from jobs.report import report
from jobs.reporting.recommender_evaluation import NAMES
from jobs.reporting.styles import ranker_looks
from jobs.storage.layer import Layer
from models.recommender.candidates import MODELS
from models.recommender.ranking import METRICS
from tests.jobs.reporting.test_report import FIGURES, figures_of, numbers_of, sheet, stroked, text_of
from tests.support.engines import SMALL
from tests.support.report_folder import (
    FORMULA,
    HOSTILE,
    INTERACTIONS,
    MOST,
    NOTHING,
    SERVICE,
    around,
    change_json,
    ranked,
    write_contacts,
    write_data,
    write_recommendations,
    write_recommender,
)

CHROMIUM = shutil.which("chromium")
DAY = "2024-03-05"
OF_TITLES = {"ranking-later", "ranking-drawn"}
BY = "on the same customers its NDCG@10 differs by"
ALS_LATER = f"ALS beats popular titles: {BY} +0.150 (95 % interval 0.120 to 0.180)."


@pytest.fixture
def bare(tmp_path: Path) -> Context:
    """A data folder of the test's own, in which titles are recommended and nothing else is done."""
    context = Context(DataFolder(tmp_path / "data"), "shop", Service.model_validate(SERVICE), SMALL, "sail")
    write_recommender(context)
    write_recommendations(context)
    return context


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A data folder of the test's own, with all layers, in which titles are recommended."""
    return recommended(tmp_path / "data")


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """The same with its report, for all tests that only read."""
    context = recommended(tmp_path_factory.mktemp("titles") / "data")
    with engine("sail", SMALL) as session:
        report(context, session)
    return context


@pytest.fixture(scope="module")
def page(reported: Context) -> str:
    return (reported.data.report / "index.html").read_text(encoding="utf-8")


def recommended(data: Path) -> Context:
    context = write_data(data)
    write_recommender(context)
    write_recommendations(context)
    write_contacts(context)
    return context


def declared(context: Context, **recommender: Any) -> Context:
    """The same data of a service that declares interactions."""
    service = SERVICE | {"interactions": INTERACTIONS, "recommender": recommender}
    return dataclasses.replace(context, service=Service.model_validate(service))


def written(context: Context, spark: SparkSession) -> str:
    """The page of this folder with empty figures, which take longer than all else."""
    with mock.patch("jobs.report._figures", return_value=dict.fromkeys(FIGURES | OF_TITLES, "")):
        return report(context, spark).read_text(encoding="utf-8")


def shown(context: Context, spark: SparkSession) -> str:
    return text_of(written(context, spark))


def judged_by(context: Context, spark: SparkSession, **models: dict[str, Any]) -> str:
    """What is said where these models were judged by what came later, and by nothing else."""
    write_recommender(context, parts={"later": {name.replace("_", "-"): one for name, one in models.items()}})
    return shown(context, spark)


# ---- what the section says ----


@pytest.mark.parametrize(
    "sentence",
    [
        "Whom to contact With which titles How good is the model",  # where it stands among the sections
        "As of 2024-03-05, 1,000 customers are recommended up to 4 titles each, by ALS. "
        "30 of them have no history that says what they like, so they get popular titles only. "
        "Judged by what customers did in the last days, ALS beats popular titles.",
        # 0.35 is the better of its two settings; with one setting each of the other models these are four
        "Chosen ALS: the highest NDCG@10 of 4 settings of 3 models, 0.350 0.340 to 0.360 on what was held out for this",
        "Settings factors 64, alpha 10.0; fitted by the library implicit.",
        "Learned from 1,800 customers who liked something, and 2,400 titles that somebody liked.",
        "Seen titles Left out: nobody is recommended what they have seen already",
        f"400 customers are judged: how high the first 10 titles of a list rank what was held out. {ALS_LATER}",
        # halves, quarters and fifths of the NDCG
        "Model NDCG@10 Beats popular by MAP@10 Precision@10 Recall@10 Novelty Coverage Customers judged "
        "ALS (chosen) 0.400 0.350 to 0.450 +0.150 0.120 to 0.180 0.200 0.150 to 0.250 0.100 0.050 to 0.150 "
        "0.080 0.030 to 0.130 5.00 4.75 to 5.25 12.5 % 400 "
        "Item-item 0.300 0.250 to 0.350 +0.050 -0.010 to 0.110",
        "Popular (baseline) 0.250 0.200 to 0.300 – 0.125 0.075 to 0.175 0.062 0.013 to 0.113 0.050 0.000 to 0.100 "
        "5.00 4.75 to 5.25 < 0.1 % 400 Judged by a share of each customer's titles, drawn by hash",
        # there the best is not the chosen one
        "its NDCG@10 differs by +0.240 (95 % interval 0.200 to 0.280). Item-item ranks higher than ALS on the same "
        "customers: NDCG@10 0.500 (95 % interval 0.450 to 0.550) against 0.440 (95 % interval 0.390 to 0.490).",
        "Customers judged Item-item 0.500 0.450 to 0.550 +0.300",
        f"Title Customers Share {HOSTILE} 500 50.0 % {FORMULA} 100 10.0 % Song 0 50 5.0 %",
        # 600 of 2,400 titles
        "600 titles are on the list of anybody, 25.0 % of the 2,400 that could be recommended. "
        "The 10 on most lists are shown.",
        f"20 32 titles liked Old 1 {HOSTILE} Song A Song B 3 1 title liked Old 2 Song C Customers drawn by a hash",
        f"NDCG@10 {METRICS['ndcg']}.",
        f"Novelty {METRICS['novelty']}. Coverage Share of the titles that could be recommended",
    ],
)
def test_says_of_titles(page: str, sentence: str) -> None:
    assert sentence in text_of(page).replace("\u2009", " ")


def test_section_is_in_the_nav_and_what_is_in_order_is_not_warned_of(page: str) -> None:
    assert page.count('<a href="#titles">With which titles</a>') == 1
    assert page.count('<section id="titles">') == 1
    section = text_of(page[page.index('<section id="titles">') : page.index('<section id="model">')])
    assert section.count("ranks higher than") == 1  # by what was drawn, and not by what came later
    assert "not known" not in section and "Not judged by" not in section and "RMSE" not in section
    assert "Song 8" not in section  # the eleventh
    assert 'class="warning"' not in page[page.index('<section id="titles">') :]


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
            {"value": 0.01, "low": 0.0, "high": 0.02},
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
    bare: Context, sail: SparkSession, over_popular: dict[str, float] | None, said: str
) -> None:
    found = judged_by(bare, sail, als=ranked(0.4, over_popular), popular=ranked(0.25, None))
    assert said in found
    claimed = found.replace("Whether ALS beats", "").count("ALS beats popular titles")
    assert claimed == (2 if said == ALS_LATER else 0)  # on top and beside the figure


def test_popular_titles_that_rank_higher_than_the_chosen_model_are_told(bare: Context, sail: SparkSession) -> None:
    found = judged_by(bare, sail, als=ranked(0.2, around(-0.05, 0.03)), popular=ranked(0.25, None))
    assert (
        "Popular ranks higher than ALS on the same customers: NDCG@10 0.250 (95 % interval 0.200 to 0.300) against "
        "0.200 (95 % interval 0.150 to 0.250)."
    ) in found
    assert "last days, ALS ranks lower than popular titles." in found


def test_of_one_judged_customer_nothing_is_sure(bare: Context, sail: SparkSession) -> None:
    """Its mean has no deviation, so the record has an interval of no width."""
    found = judged_by(
        bare,
        sail,
        als=ranked(0.4, around(0.15, 0.0), customers=1),
        popular=ranked(0.25, None, customers=1),
    )
    assert "1 customer is judged" in found
    assert "Whether ALS beats popular titles is not known" in found
    assert "ALS (chosen) 0.400 +0.150 0.200 0.100 0.080 5.00 12.5 % 1" in found


def test_metric_without_a_number_is_a_dash_and_ranks_last(bare: Context, sail: SparkSession) -> None:
    unknown = dict.fromkeys(METRICS, NOTHING)
    parts = {
        "later": {"item-item": ranked(0.3, NOTHING, metrics=unknown), "als": ranked(0.4, around(0.1, 0.05))},
        "drawn": {name: ranked(0.4, NOTHING, metrics=unknown) for name in ("als", "popular")},
    }
    write_recommender(bare, parts=parts)
    page = report(bare, sail).read_text(encoding="utf-8")
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
def test_part_that_is_missing_is_said(bare: Context, sail: SparkSession, missing: str, about: str) -> None:
    parts = json.loads((bare.data.recommender / "_encore.json").read_text())["parts"]
    write_recommender(bare, parts={name: one for name, one in parts.items() if name != missing})
    found = shown(bare, sail)
    assert f"Not judged by {about}: there are too few days or customers for that." in found
    assert found.count("Customers judged") == 1


def test_where_nobody_could_be_judged_nothing_is_claimed(bare: Context, sail: SparkSession) -> None:
    tried = {name: [{"settings": {}, "ndcg": None}] for name in ("als", "item-item", "popular")}
    write_recommender(bare, parts={}, tried=tried)
    page = report(bare, sail).read_text(encoding="utf-8")
    found = text_of(page)
    assert "Chosen ALS: the first of those tried, since nothing could be held out to choose by. Settings" in found
    assert "How good ALS is, and whether it beats popular titles, is not known: nobody could be judged" in found
    assert "Customers judged" not in found and " beats popular titles." not in found
    assert figures_of(page) == {}
    assert sheet(bare, "recommenders") == []


def test_model_of_the_command_line_is_said_to_be_asked_for(bare: Context, sail: SparkSession) -> None:
    write_recommender(bare, chosen_by="command line", engine="spark")
    found = shown(bare, sail)
    assert "Chosen ALS: asked for on the command line, whatever the others would have given, 0.350" in found
    assert "alpha 10.0; fitted by Spark." in found


def test_popular_titles_that_are_chosen_have_nothing_to_beat(context: Context, sail: SparkSession) -> None:
    write_recommender(context, chosen="popular")
    write_recommendations(context)
    found = shown(context, sail)
    assert "up to 4 titles each, what is popular: the same for everybody but for what each has seen." in found
    assert "no history that says" not in found
    assert "Popular titles, the baseline, are what was chosen: there is nothing that they would have to beat." in found
    assert "Popular (chosen) (baseline) 0.250" in found
    assert "ALS ranks higher than Popular on the same customers: NDCG@10 0.400" in found
    assert "Song A (popular)" in found  # whatever its source says


def test_seen_titles_that_are_not_left_out_are_said_to_be_judged_by(bare: Context, sail: SparkSession) -> None:
    other = declared(bare, exclude_seen=False)
    write_recommender(other, chosen="popular")
    write_recommendations(other)
    found = shown(other, sail)
    assert "Seen titles Not left out: customers may be recommended what they have seen already" in found
    assert "what is popular: the same for everybody. " in found


def test_errors_of_ratings_stand_beside_the_mean_and_say_nothing_of_lists(bare: Context, sail: SparkSession) -> None:
    write_recommender(bare, ratings={"rmse": around(0.92, 0.01), "rmse_of_mean": around(1.13, 0.02), "rows": 1234})
    assert (
        "Foretold ratings RMSE 0.920 0.910 to 0.930; that of the mean rating, for all alike, 1.130 1.110 to 1.150: "
        "on 1,234 ratings that were held out. It says how near ratings are foretold, and nothing about how titles are "
        "ranked"
    ) in shown(bare, sail)


# ---- what is not there, or not of these recommendations ----


def test_without_recommendations_it_is_said_who_makes_them(tmp_path: Path, sail: SparkSession) -> None:
    context = declared(write_data(tmp_path / "data"))
    page = written(context, sail)
    assert "With which titles Nothing is recommended yet: encore recommend says which titles suit" in text_of(page)
    assert page.count('href="#titles"') == 1
    assert not (context.data.report / "csv" / "recommended.csv").exists()


def test_without_interactions_nothing_is_said(tmp_path: Path, sail: SparkSession) -> None:
    context = write_data(tmp_path / "data")
    page = written(context, sail)
    assert "#titles" not in page and 'id="titles"' not in page and "recommend" not in text_of(page)
    assert not (context.data.report / "csv" / "recommenders.csv").exists()


def test_recommendations_alone_make_a_page(bare: Context, sail: SparkSession) -> None:
    page = report(bare, sail).read_text(encoding="utf-8")
    assert set(figures_of(page)) == OF_TITLES
    assert ALS_LATER in text_of(page) and "There are no scores yet" in text_of(page)


def test_recommendations_without_the_record_of_the_recommender(bare: Context, sail: SparkSession) -> None:
    shutil.rmtree(bare.data.recommender)
    found = shown(bare, sail)
    assert "up to 4 titles each, by ALS." in found
    assert "How good these recommendations are is not known: there is no record of a recommender" in found
    assert "600 titles are on the list of anybody. The 10" in found
    assert not (bare.data.report / "csv" / "recommenders.csv").exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"evidence": "other"}, "the recommender has been fitted again since, as of 2024-03-05"),
        ({"declared": "other"}, "the service declares its recommender otherwise now"),
    ],
)
def test_recommender_that_is_not_that_of_the_lists_is_warned_of(
    bare: Context, sail: SparkSession, change: dict[str, str], why: str
) -> None:
    basis = json.loads((bare.data.recommender / "_encore.json").read_text())["basis"]
    write_recommender(bare, basis=basis | change)
    if "declared" in change:
        write_recommendations(bare)
    found = shown(bare, sail)
    assert f"What is said here of the models is not of these recommendations: {why}. Run encore recommend" in found
    assert "last days, ALS beats" not in found  # not on top
    assert "600 titles are on the list of anybody. The 10" in found  # not of as many as this recommender knows


def test_the_newest_recommendations_are_told(bare: Context, sail: SparkSession) -> None:
    write_recommendations(bare, "2024-03-03", customers=777)
    assert "As of 2024-03-05, 1,000 customers are recommended" in shown(bare, sail)


# ---- the list of contacts ----


def test_first_titles_stand_beside_the_customers_of_the_list(page: str) -> None:
    said = text_of(page)
    assert "Expected profit With which titles Why:" in said
    # three of four; what others like is marked; of the others on the list nothing is recommended
    assert f"20 90.0 % 8 EUR Song A {HOSTILE} Song C ▼ lowers" in said
    assert "3 90.0 % 5 EUR Song C Song A Song P (popular) ▼ lowers" in said
    assert "7 90.0 % 5 EUR Song P (popular) Song Q (popular) ▼ lowers" in said
    assert "0 90.0 % 1 EUR – ▼ lowers" in said
    assert "Those to be contacted, with all their titles: recommendations/contacts/as_of=2024-03-05/ (Parquet)." in said
    assert "The first 3 titles of each; (popular): recommended because others like it" in said


def test_titles_of_another_date_than_the_scores_are_not_put_beside_them(context: Context, sail: SparkSession) -> None:
    shutil.rmtree(context.data.root / "recommendations")
    write_recommendations(context, "2024-03-06")
    found = shown(context, sail)
    assert "20 90.0 % 8 EUR ▼ lowers" in found and "(popular)" not in found
    assert "The scores are as of 2024-03-05, so the list of contacts has no titles of these" in found
    assert "run encore recommend --as-of 2024-03-05." in found
    assert "Those to be contacted, with all their titles" not in found


@pytest.mark.parametrize("change", ["gone", "other scores", "no rows"])
def test_list_with_titles_is_named_only_where_it_is_that_of_the_scores(
    context: Context, sail: SparkSession, change: str
) -> None:
    folder = context.data.titles_for_contacts.partition(DAY)
    if change == "other scores":
        write_contacts(context, scores={"table": "other"})
    elif change == "no rows":
        (folder / "part-0.parquet").unlink()
    else:
        shutil.rmtree(folder)
    found = shown(context, sail)
    assert "recommendations/contacts" not in found and "Song A" in found


@pytest.mark.parametrize("are_text", ["titles", "scores"])
def test_customers_whose_ids_are_of_another_type_are_others(
    context: Context, sail: SparkSession, are_text: str
) -> None:
    as_text(context.data.titles_for_customers if are_text == "titles" else context.data.scores)
    (context.data.features.partition(DAY) / "part-0.parquet").unlink()
    found = shown(context, sail)
    assert "20 90.0 % 8 EUR ▼ lowers" in found and "(popular)" not in found


def test_customers_whose_ids_are_text_get_their_titles(context: Context, sail: SparkSession) -> None:
    as_text(context.data.scores)
    as_text(context.data.titles_for_customers)
    (context.data.features.partition(DAY) / "part-0.parquet").unlink()
    assert "u3 90.0 % 5 EUR Song C Song A Song P (popular) ▼ lowers" in shown(context, sail)


def as_text(layer: Layer) -> None:
    """Customer 20 becomes u20."""
    path = layer.partition(DAY) / "part-0.parquet"
    table = pq.read_table(path)
    ids = pa.array([f"u{number}" for number in table["customer_id"].to_pylist()])
    pq.write_table(table.set_column(0, "customer_id", ids), path)


# ---- safe and whole, and for spreadsheets ----


def test_names_of_titles_are_only_words(page: str) -> None:
    assert "<script" not in page
    beside, most, example = 1, 1, 1
    section = page[page.index('<section id="contact">') : page.index('<section id="model">')]
    titles = section.count(f">{html.escape(HOSTILE, quote=True).replace('&#x27;', '&#39;')}<")
    assert titles == beside + most + example
    assert all(target.startswith("#") for target in page.split('href="')[1:])


def test_figures_show_each_model_where_it_stands(page: str) -> None:
    figures = figures_of(page)
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


@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed (apt-get install chromium)")
def test_page_with_titles_is_no_wider_than_a_phone(reported: Context) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for width in (320, 390, 700):
            screen = chromium.new_page(viewport={"width": width, "height": 800})
            screen.goto((reported.data.report / "index.html").as_uri())
            assert screen.evaluate("document.documentElement.scrollWidth") <= width
            beside = screen.locator(".people td.titles").first.bounding_box()
            assert beside["width"] > 0.8 * width  # a line of its own below the customer's
        chromium.close()


def test_recommenders_are_told_in_full_for_spreadsheets(reported: Context) -> None:
    rows = sheet(reported, "recommenders")
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


def test_most_recommended_titles_lie_there_for_spreadsheets_and_compute_nothing(reported: Context) -> None:
    rows = sheet(reported, "recommended")
    assert len(rows) == len(MOST)  # the page shows ten
    assert tuple(rows[0].values()) == ("11", HOSTILE, "500", "0.5")
    assert tuple(rows[1].values()) == ("12", f"'{FORMULA}", "100", "0.1")


def test_cell_that_a_spreadsheet_would_compute_is_text(bare: Context, sail: SparkSession) -> None:
    """A carriage return would begin a row, and its cell may be a formula."""
    computed, plain = ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1"], ["a=1", "'a", "", "a\r=1", "a\n=1"]
    most = [{"title_id": name, "name": name, "customers": 1} for name in computed + plain]
    change_json(bare.data.titles_for_customers.partition(DAY) / "_encore.json", most_recommended=most)
    written(bare, sail)
    cells = ["'=1+1", "'+1", "'-1", "'@a", "'\t=1", "' =1", "a=1", "'a", "", "a =1", "a =1"]
    assert [(row["title_id"], row["name"]) for row in sheet(bare, "recommended")] == [(one, one) for one in cells]


def test_each_model_has_a_look_of_its_own_and_each_metric_a_name() -> None:
    looks = ranker_looks("ease")
    assert set(looks) == set(MODELS)
    assert len({(look.colour, look.dashes) for look in looks.values()}) == len(MODELS)
    assert [name for name, look in looks.items() if look.width > 2] == ["ease"]
    assert set(NAMES) == set(METRICS)
