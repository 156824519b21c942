"""The report of a small data folder written by hand, every number of it worked out on paper."""

import csv
import html
import json
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from conf.errors import InputError
from conf.load import fingerprint
from conf.schema import Service
from jobs import wording
from jobs.context import Context
from jobs.engine import engine
from jobs.outlook import Judged
from jobs.report import report
from tests.conftest import SMALL
from tests.given import SHOP

ROOT = Path(__file__).parents[1]
HOSTILE = "<script>document.title='pwned'</script>"
HOSTILE_ARCHIVE = '<img src=x onerror="document.title=1">_visit.log.gz'
SERVICE: dict[str, Any] = SHOP | {
    "title": f"Shop {HOSTILE}",
    "windows": {"observation_days": 3, "outcome_days": 2},
    "features": {
        "visits_{days}d": {
            "kind": "count",
            "unit": "days",
            "about": f"Days with a visit in {{days}} {HOSTILE}",
            "from_tiles": "count(*)",
            "windows": [1, 3],
            "fill": 0,
        },
        "last_spending": SHOP["features"]["last_spending"],
    },
    "eligible": {"when": "visits_3d > 0", "about": "Was here in the last three days"},
    "label": SHOP["label"] | {"about": f"Spends {HOSTILE} & more"},
}
LANDING = {
    "lines": (100, 20),
    "header": (1, 0),
    "kept": (90, 20),
    "repaired": (4, 0),
    "left_out": (0, 0),
    "rejected": (9, 0),
    "records": (88, 20),
    "rejected_blank": (2, 0),
    "rejected_too_many_fields": (7, 0),
}
FORMULA = {"intercept": 0.1, "terms": []}
TABLE = {"tiles": "t", "configuration": "c"}
STRONGEST = [
    {
        "term": "visits_3d",
        "feature": "visits_3d",
        "meaning": f"Days with a visit in 3 {HOSTILE}",
        "weight": 0.6931471806,
    },
    {"term": "last_spending_is_missing", "feature": "last_spending", "meaning": "Days since", "weight": -0.2},
]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A data folder of the test's own, to be changed before it is reported."""
    return write_data(tmp_path / "data")


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A data folder with its report, for all tests that only read."""
    context = write_data(tmp_path_factory.mktemp("reported") / "data")
    with engine("sail", SMALL) as session:
        assert report(context, session) == context.report / "index.html"
    return context


@pytest.fixture(scope="module")
def page(reported: Context) -> str:
    """The page of the whole data folder."""
    return (reported.report / "index.html").read_text(encoding="utf-8")


def write_data(data: Path) -> Context:
    """All layers: logs of 1, 2 and 4 March 2024, tables as of 3 and 5 March."""
    context = Context(
        data,
        "shop",
        Service.model_validate(SERVICE),
        SMALL,
        "sail",
    )
    write_landing(context.landing)
    write_events(context)
    for day, customers, bots, events, parts in [
        ("2024-03-01", 30, 1, 40, []),
        ("2024-03-02", 20, 0, 30, ["visit: 2 of 3", "sale: 0 of 1"]),
        ("2024-03-04", 25, 2, 25, ["visit: 2 of 3"]),
    ]:
        tile = {"customers": customers, "bots": bots, "events": events, "missing_parts": parts, "sample": 1.0}
        write_record(context.daily.partition(day), tile)
    write_features(context)
    write_model(context)
    write_scores(context)
    write_truth(context, "2024-03-03")
    return context


def write_record(folder: Path, record: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "_encore.json").write_text(json.dumps(record), encoding="utf-8")


def write_landing(folder: Path) -> None:
    folder.mkdir(parents=True)
    others = [
        (HOSTILE_ARCHIVE, "failed"),
        ("20240301_visit.log (1).gz", "duplicate"),
        ("list.html", "not_a_log"),
        ("20240399_visit.log.gz", "undated"),
    ]
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["archive", "event", "status", "bytes", "checksum", "sample", *LANDING])
        for number in (0, 1):
            counts = [values[number] for values in LANDING.values()]
            rows.writerow([f"2024030{number + 1}_visit.log.gz", "visit", "unpacked", 999, "c", "1", *counts])
        for name, status in others:
            rows.writerow([name, "visit" if status != "not_a_log" else "", status, 9, "c", "1", *[0] * len(LANDING)])


def write_events(context: Context) -> None:
    layer = context.events("visit")
    days = {
        "2024-03-01": (60, 50, 6, 4, {"spent_unreadable": 4, "too_much": 2}, {"in_cents": 3}),
        "2024-03-02": (48, 45, 1, 2, {"too_much": 1}, {}),
    }
    for day, (lines, events, rejected, duplicates, reasons, repaired) in days.items():
        counts = {"lines": lines, "events": events, "rejected": rejected, "duplicates": duplicates, "left_out": 0}
        write_record(layer.partition(day), counts | {"reasons": reasons, "repaired": repaired, "sample": 1.0})


def write_features(context: Context, sample: float = 1.0) -> None:
    same = {"basis": TABLE, "sample": sample}
    mature = {"customers": 1200, "eligible": 1000, "positives": 250, "label_status": "mature", "bots_excluded": 3}
    newest = {"customers": 2100, "eligible": 2000, "positives": 0, "label_status": "immature", "bots_excluded": 1}
    # The outcome of 3 March lacks its first day; that of 5 March is still to come, so only 3 March is missing there.
    gaps = {"missing_days": ["2024-02-29", "2024-03-03"], "missing_parts": {"2024-03-02": ["visit: 2 of 3"]}}
    open_gaps = {"missing_days": ["2024-03-03", "2024-03-05", "2024-03-06"], "missing_parts": {}}
    write_record(context.features.partition("2024-03-03"), same | mature | gaps)
    write_record(context.features.partition("2024-03-05"), same | newest | open_gaps)


def write_model(context: Context) -> None:
    held_out = {"rows": 4, "positives": 2}
    models = [
        {"name": "logistic regression", "role": "model", "auc": 0.7, "accuracy": 0.75, "log_loss": 0.5},
        {"name": "last_spending alone", "role": "baseline", "auc": 0.6, "accuracy": 0.5, "log_loss": 0.6},
        {"name": "majority class", "role": "baseline", "auc": 0.5, "accuracy": 0.5, "log_loss": 0.7},
    ]
    roc = [[0.0, 0.0], [0.0, 0.5], [1.0, 1.0]]
    metrics = {
        "split": "by customer: three in four",
        "test_as_of": "2024-03-03",
        "train_rows": 1234567,
        "models": [one | held_out | {"roc": roc} for one in models],
        "strongest": STRONGEST,
    }
    folder = context.models / "lr"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "formula.json").write_text(json.dumps(FORMULA))
    (folder / "test_scores").mkdir()
    held_out_rows = {"customer_id": [1, 2, 3, 4], "label": [1, 1, 0, 0], "probability": [0.5, 0.5, 0.5, 0.5]}
    pq.write_table(pa.table(held_out_rows), folder / "test_scores" / "part-0.parquet")


def write_scores(context: Context) -> None:
    """2,000 customers: deciles 1 to 9 of 200 with 0.1, the last of 200 with 0.9; 0.18 on average, so 360."""
    folder = context.scores.partition("2024-03-05")
    basis = {"table": TABLE, "model": fingerprint(FORMULA)}
    write_record(folder, {"basis": basis, "customers": 2000, "mean_probability": 0.18, "sample": 1.0})
    decile = [1 + number // 200 for number in range(2000)]
    probability = [0.9 if one == 10 else 0.1 for one in decile]
    rows = {"customer_id": range(2000), "probability": probability, "decile": decile}
    pq.write_table(pa.table({key: list(values) for key, values in rows.items()}), folder / "part-0.parquet")


def write_truth(context: Context, as_of: str) -> None:
    """Of the four pairs of held-out customers three are in order. Customer 9 was not held out and would spoil it."""
    folder = context.truth.partition(as_of)
    folder.mkdir(parents=True)
    rows = {"customer_id": [1, 2, 3, 4, 9], "leaving_probability": [0.9, 0.4, 0.5, 0.1, 0.99], "left": [1, 1, 0, 0, 0]}
    pq.write_table(pa.table(rows), folder / "part-0.parquet")
    (context.truth.root / "simulation.json").write_text("{}")  # lies beside the partitions and is no Parquet


def text_of(page: str) -> str:
    """What a reader sees: no tags, no styles, single spaces."""
    body = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", page, flags=re.S)
    seen = html.unescape(re.sub(r"<[^>]*>", " ", body)).replace(wording.UNBREAKABLE, " ")
    return re.sub(r"\s+([,.;:)])", r"\1", " ".join(seen.split()))


def figures_of(page: str) -> dict[str, ElementTree.Element]:
    found = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, flags=re.S)]
    return {svg.attrib["id"]: svg for svg in found}


def sheet(context: Context, name: str) -> list[dict[str, str]]:
    with (context.report / "csv" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ---- what the page says ----


@pytest.mark.parametrize(
    "sentence",
    [
        # the headline: 0.18 of 2,000; 250 of 1,000; 16 of 120 lines rejected
        "Expected: came back 360 of 2,000 customers (18.0 %), 2024-03-05 to 2024-03-06",
        "Last known: came back 25.0 % 250 of 1,000 customers as of 2024-03-03",
        "Model 70 of 100 pairs of customers put in the right order; better than last spending alone (60)",
        "Data 13.3 % of the lines were rejected; 1 day without any log; parts of 2 days are missing",
        "1 archive could not be read and is missing from every number here",
        # the tenths
        "10 200 90.0 % 180 9 200 10.0 % 20",
        # the model beside what a coin, the baselines and the truth reach
        "logistic regression 0.700 ± 0.576 75.0 % 0.500 80.0 %",
        "last spending alone (baseline) 0.600 ± 0.619 50.0 % 0.600 40.0 %",
        "majority class (baseline) 0.500 50.0 % 0.700 0.0 %",
        "best possible 0.750 – – 100.0 %",
        "The model has come 80.0 % of the way from the coin to that.",
        "All on the same 4 held-out customers, 2 of them with the outcome. Split by customer: three in four. "
        "Trained on 1,234,567 rows.",
        # the features
        f"visits_3d Days with a visit in 3 {HOSTILE} ▲ raises × 2.00",
        "last_spending_is_missing Not known: nothing spent ▼ lowers × 0.82",
        # rows in and out: two archives, two days, three days of tiles, and the days that each table looks at
        "landing visit lines to records 120 108 9 rejected, 1 header, 2 joined to the line before",
        "events visit records to events 108 95 7 rejected, 6 duplicate",
        "daily 3 days events to customer-days 95 75",
        "features as of 2024-03-03 customer-days to customers 50 1,200 3 left out as bots",
        "features as of 2024-03-05 customer-days to customers 45 2,100 1 left out as bots",
        "scores as of 2024-03-05 customers to scores 2,100 2,000 100 not eligible",
        # by reason, the most frequent first
        "visit too many fields more fields than a line has 7 5.8 % landing",
        "visit blank an empty line 2 1.7 % landing",
        "visit spent unreadable spent cannot be read as int 4 3.7 % events visit too much too much 3 2.8 % events",
        "visit in cents in cents 3 2.8 % events",
        # days, parts, bots, archives
        "2024-03-03 1,200 1,000 250 25.0 % 3 2 1 2024-03-05 2,100 2,000 not known yet 1 1 0",
        "4 days, 2024-03-01 to 2024-03-04. Without any log: 2024-03-03.",
        "visit: 2 of 3 on 2024-03-02, 2024-03-04 sale: 0 of 1 on 2024-03-02",
        "3 customer-days marked as a bot's. More than three visits in a day.",
        f"1 failed: {HOSTILE_ARCHIVE} 1 undated: 20240399_visit.log.gz 1 duplicate: 20240301_visit.log (1).gz",
        "1 not a log: list.html 2 unpacked",
        # definitions
        f"Spends {HOSTILE} & more. The label is 1 when some day of the outcome window meets spent > 0.",
        "comes from the 3 days before it; the outcome is looked for in the 2 days from it.",
    ],
)
def test_says(page: str, sentence: str) -> None:
    assert sentence in text_of(page)


def test_numbers_lie_beside_it_for_spreadsheets(reported: Context) -> None:
    rows_out = [(row["layer"], row["rows_in"], row["rows_out"]) for row in sheet(reported, "flow")]
    assert rows_out == [
        ("landing", "120", "108"),
        ("events", "108", "95"),
        ("daily", "95", "75"),
        ("features", "50", "1200"),
        ("features", "45", "2100"),
        ("scores", "2100", "2000"),
    ]
    assert [(row["name"], float(row["auc"])) for row in sheet(reported, "models")] == [
        ("logistic regression", 0.7),
        ("last_spending alone", 0.6),
        ("majority class", 0.5),
        ("best possible", 0.75),
    ]
    # True probabilities 0.9 and 0.4 against 0.5 and 0.1: found, false alarm, found, false alarm.
    best = [row for row in sheet(reported, "roc") if row["name"] == "best possible"]
    points = [(float(row["false_positive_rate"]), float(row["true_positive_rate"])) for row in best]
    assert points == [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]
    assert [row["reason"] for row in sheet(reported, "reasons") if row["done"] == "repaired"] == ["shape", "in_cents"]
    assert len(sheet(reported, "deciles")) == 10
    assert len(sheet(reported, "drivers")) == 2
    assert sheet(reported, "customers")[0]["positive_share"] == "0.25"


def test_interval_of_an_auc_is_that_of_hanley_and_mcneil() -> None:
    # Two of each, AUC 3/4: Q1 = 0.6, Q2 = 9/14, variance (0.1875 + 0.0375 + 0.0803571) / 4 = 0.0763393.
    three_quarters = Judged("m", "model", 4, 2, 0.75, 0.5, 0.5, [])
    assert three_quarters.auc_margin == pytest.approx(1.96 * 0.0763393**0.5, rel=1e-6)
    assert Judged("m", "model", 4, 4, float("nan"), 0.5, 0.5, []).auc_margin is None


# ---- what is not there is said, and what is not known is not ----


def test_best_possible_is_told_only_of_the_dates_whose_truth_is_known(context: Context, sail: SparkSession) -> None:
    shutil.rmtree(context.truth.root)
    write_truth(context, "2024-03-05")
    page = text_of(report(context, sail).read_text(encoding="utf-8"))
    assert "logistic regression 0.700" in page
    assert "simulated" not in page
    assert "best possible" not in page


def test_part_of_the_held_out_customers_with_a_truth_is_said(context: Context, sail: SparkSession) -> None:
    rows = {"customer_id": [1, 3, 4], "leaving_probability": [0.9, 0.5, 0.1]}
    pq.write_table(pa.table(rows), context.truth.partition("2024-03-03") / "part-0.parquet")
    page = text_of(report(context, sail).read_text(encoding="utf-8"))
    assert "The best possible is known for 3 of them." in page


def test_sample_is_said_before_any_number(context: Context, sail: SparkSession) -> None:
    shutil.rmtree(context.daily.root)
    write_features(context, sample=0.1)
    page = text_of(report(context, sail).read_text(encoding="utf-8"))
    warning = (
        "A sample of 10.0 % of the customers. Every count on this page is of the sample; all customers are about 10"
    )
    assert page.index(warning) < page.index("Expected: came back")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("newer table", "there is a newer table of customers, as of 2024-03-06"),
        ("other table", "the table of customers has changed since"),
        ("other model", "the model has been trained again since"),
    ],
)
def test_old_scores_are_said_to_be_old(context: Context, sail: SparkSession, change: str, why: str) -> None:
    newest = context.features.partition("2024-03-05")
    if change == "newer table":
        shutil.copytree(newest, context.features.partition("2024-03-06"))
    elif change == "other table":
        record = json.loads((newest / "_encore.json").read_text())
        write_record(newest, record | {"basis": {"tiles": "others", "configuration": "c"}})
    else:
        (context.models / "lr" / "formula.json").write_text(json.dumps(FORMULA | {"intercept": 0.2}))
    page = text_of(report(context, sail).read_text(encoding="utf-8"))
    assert f"These scores are not the newest: {why}." in page


def test_fresh_scores_are_not_said_to_be_old(page: str) -> None:
    assert "not the newest" not in page


@pytest.mark.parametrize(
    ("kept", "figures", "said"),
    [
        ("landing", ["flow"], "120 108"),
        ("events", ["flow"], "Data 6.5 % of the lines were rejected"),
        ("features", ["flow"], "The label is 1 when"),
        ("models", ["drivers", "roc"], "There are no records of layers in this folder."),
    ],
)
def test_layers_that_are_missing_are_said_in_words(
    context: Context, sail: SparkSession, kept: str, figures: list[str], said: str
) -> None:
    for folder in list(context.data.iterdir()):
        if folder.name != kept:
            shutil.rmtree(folder)
    page = report(context, sail).read_text(encoding="utf-8")
    text = text_of(page)
    assert sorted(figures_of(page)) == [f"figure-{name}" for name in figures]
    assert said in text
    assert "There are no scores yet" in text
    assert ("There is no model yet" in text) == (kept != "models")
    assert not (context.report / "csv" / "deciles.csv").exists()


def test_nothing_at_all_is_an_input_error_and_leaves_no_trace(context: Context, sail: SparkSession) -> None:
    shutil.rmtree(context.data)
    context.data.mkdir()
    with pytest.raises(InputError, match=r"nothing to report yet; run `encore run"):
        report(context, sail)
    assert list(context.data.iterdir()) == []


def test_report_is_replaced_as_a_whole(context: Context, sail: SparkSession) -> None:
    (context.report / "csv").mkdir(parents=True)
    (context.report / "csv" / "old.csv").touch()
    first = report(context, sail).read_bytes()
    assert not (context.report / "csv" / "old.csv").exists()
    assert not list(context.data.glob(".staging-*"))
    assert report(context, sail).read_bytes() == first  # the same data, the same page


# ---- one page, safe and whole ----


def test_words_of_the_data_are_only_words(page: str) -> None:
    assert page.count(html.escape("<script>", quote=False)) >= 4  # title twice, label, feature
    assert "<script" not in page
    assert "<img" not in page
    assert "onerror=&#34;" in page


def test_page_needs_nothing_from_elsewhere(page: str) -> None:
    assert not re.search(r"https?:|//[a-z]|@import|<link|<iframe|\bsrc=[\"']", page.replace("// ", ""))
    assert {target[0] for target in re.findall(r'href="([^"]*)"', page)} == {"#"}
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))


def test_all_figures_are_drawn_and_their_parts_are_found(page: str) -> None:
    figures = figures_of(page)
    assert sorted(figures) == ["figure-deciles", "figure-drivers", "figure-flow", "figure-roc"]
    for figure in figures.values():
        assert figure.attrib["role"] == "img"
        assert figure.attrib["aria-label"]
        assert len(figure.findall(".//path")) >= 2
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    wanted = re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', page)
    assert {one or other for one, other in wanted} <= set(ids)


def test_flow_adds_up_the_events_and_shows_the_newest_tables(page: str) -> None:
    assert figures_of(page)["figure-flow"].attrib["aria-label"] == (
        "Rows by layer: Lines in the archives 120, Records unpacked 108, Events kept 95, Customer-days 75, "
        "Customers in the table 2,100, Customers scored 2,000"
    )


def test_bars_are_as_long_as_their_numbers(page: str) -> None:
    heights = [height_of(path) for path in filled(figures_of(page)["figure-deciles"], "--series-1")]
    assert len(heights) == 10
    assert [height / heights[0] for height in heights] == pytest.approx([1] * 9 + [9], rel=1e-3)
    colours = [
        "raises" if "--raises" in path.attrib["style"] else "lowers"
        for path in figures_of(page)["figure-drivers"].iter("path")
        if re.search("--raises|--lowers", path.attrib.get("style", ""))
    ]
    assert colours == ["raises", "lowers"]


def filled(figure: ElementTree.Element, variable: str) -> list[ElementTree.Element]:
    return [path for path in figure.iter("path") if path.attrib.get("style", "").startswith(f"fill: var({variable})")]


def height_of(path: ElementTree.Element) -> float:
    numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path.attrib["d"])]
    return max(numbers[1::2]) - min(numbers[1::2])


def test_report_knows_no_service() -> None:
    sources = ["report.py", "figures.py", "flow.py", "quality.py", "outlook.py", "spreadsheets.py", "wording.py"]
    text = "".join((ROOT / "jobs" / name).read_text() for name in [*sources, "templates/report.html.j2"])
    words = set(re.findall(r"[a-z]+", text.lower().replace("_", " ")))
    assert (
        words & {"churn", "churned", "song", "songs", "play", "plays", "music", "audiobook", "purchase", "cd"} == set()
    )


# Runs in the page, which stands in a frame as wide as the screen to be tried (a window cannot be as narrow as a phone),
# and tells the frame's owner what the browser made of it.
MEASURE = """<script>addEventListener('load', () => parent.postMessage(JSON.stringify({
    width: innerWidth, needed: document.documentElement.scrollWidth, title: document.title,
    figures: [...document.querySelectorAll('figure svg')].map(svg => svg.getBoundingClientRect().toJSON()),
}), '*'))</script></body>"""
OWNER = """<!DOCTYPE html><pre></pre>
<script>onmessage = told => { document.querySelector('pre').textContent = told.data }</script>
<iframe src="page.html" width="{width}" height="800" style="border: 0"></iframe>"""


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed (apt-get install chromium)")
@pytest.mark.parametrize("width", [390, 1280])
def test_browser_shows_all_figures_and_nothing_wider_than_the_screen(page: str, tmp_path: Path, width: int) -> None:
    (tmp_path / "page.html").write_text(page.replace("</body>", MEASURE), encoding="utf-8")
    (tmp_path / "owner.html").write_text(OWNER.replace("{width}", str(width)), encoding="utf-8")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=5000",
        f"--user-data-dir={tmp_path}",
    ]
    command = ["chromium", *options, "--dump-dom", (tmp_path / "owner.html").as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    told = json.loads(html.unescape(dom.partition("<pre>")[2].partition("</pre>")[0]))
    assert told["title"] == f"Shop {HOSTILE}: came back"  # no script of the data ran
    assert told["width"] == width
    assert told["needed"] <= width
    assert len(told["figures"]) == 4
    for box in told["figures"]:
        assert 300 <= box["width"] <= 440
        assert box["height"] > 60
        assert 0 <= box["left"] < box["right"] <= width


# ---- numbers as people read them ----


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.5739, "57.4 %"), (0, "0.0 %"), (1, "100.0 %"), (0.0004, "< 0.1 %"), (0.9999, "> 99.9 %"), (None, "–")],
)
def test_percent(share: float | None, shown: str) -> None:
    assert wording.percent(share).replace(wording.UNBREAKABLE, " ").replace("\u2009", " ") == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (71234, "71k"), (999_499, "999k"), (999_500, "1.0M"), (2.5e9, "2.5G")],
)
def test_short_count(number: float, shown: str) -> None:
    assert wording.short_count(number) == shown


def test_spans_join_days_in_a_row_across_a_month() -> None:
    days = [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 4)]
    assert wording.spans(days) == ["2024-02-28 to 2024-03-01", "2024-03-04"]
    assert wording.spans([]) == []
