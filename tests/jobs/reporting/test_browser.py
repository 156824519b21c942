"""The report in a browser: everything is drawn, nothing goes wrong, nothing comes from elsewhere, it fits a phone."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.report_folder import ReportFolder
from tests.support.report_records import HOSTILE

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed (apt-get install chromium)")
PHONE, DESK, PAPER = 390, 1280, 688  # pixels; A4 less its margins
FIGURES = 14
DRAWN = """figures => figures.map(svg => ({
    id: svg.id, height: svg.getBoundingClientRect().height, width: svg.getBoundingClientRect().width,
    left: svg.getBoundingClientRect().left, right: svg.getBoundingClientRect().right,
    paths: svg.querySelectorAll('path').length,
}))"""
# Labels of figures that stand outside the box that their figure scrolls or prints in.
CUT = """figures => figures.flatMap(svg => [...svg.querySelectorAll('text')]
    .filter(text => { const box = text.getBoundingClientRect()
                      return box.left < 0 || box.right > document.documentElement.clientWidth })
    .map(text => svg.id + ': ' + text.textContent))"""


@dataclass
class Heard:
    """What the browser complained of or asked for."""

    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def path(networked: ReportFolder) -> Path:
    """The report with a network beside the models, and drift above a limit."""
    return networked.data.report / "index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    """Debian's Chromium."""
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(params=[(PHONE, "light"), (DESK, "light"), (DESK, "dark")], ids=["phone", "desk", "dark"])
def opened(
    browser: "playwright.Browser", path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple["playwright.Page", Heard]]:
    """The report on a phone, on a desk, and in the dark."""
    width, scheme = request.param
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    heard = Heard()
    page.on("console", lambda message: heard.complaints.append(message.text))
    page.on("pageerror", lambda error: heard.complaints.append(str(error)))
    page.on("request", lambda asked: heard.requests.append(asked.url))
    page.goto(path.as_uri())
    yield page, heard
    page.close()


def test_nothing_goes_wrong_and_nothing_else_is_asked_for(opened: tuple["playwright.Page", Heard], path: Path) -> None:
    _, heard = opened
    assert heard.complaints == []
    assert heard.requests == [path.as_uri()]


def test_words_of_the_data_did_not_run(opened: tuple["playwright.Page", Heard]) -> None:
    page, _ = opened
    assert page.title() == f"Shop {HOSTILE}: came back"
    assert page.locator("script, img, iframe, link").count() == 0


def test_all_figures_are_drawn(opened: tuple["playwright.Page", Heard]) -> None:
    page, _ = opened
    drawn = page.eval_on_selector_all("figure svg", DRAWN)
    assert len(drawn) == FIGURES
    for box in drawn:
        assert box["height"] > 50, box
        assert 250 <= box["width"] <= 440, box
        assert box["paths"] >= 2, box
        assert 0 <= box["left"] < box["right"] <= page.viewport_size["width"], box


def test_page_is_no_wider_than_the_screen_and_no_label_is_cut(opened: tuple["playwright.Page", Heard]) -> None:
    page, _ = opened
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert page.eval_on_selector_all("figure svg", CUT) == []


def test_page_with_titles_is_no_wider_than_a_phone(browser: "playwright.Browser", titled: ReportFolder) -> None:
    for width in (320, 390, 700):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto((titled.data.report / "index.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        beside = page.locator(".people td.titles").first.bounding_box()
        assert beside["width"] > 0.8 * width  # a line of its own below the customer's
        page.close()


def test_colours_of_figures_are_those_of_the_scheme(browser: "playwright.Browser", path: Path) -> None:
    bars = {}
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto(path.as_uri())
        bars[scheme] = page.eval_on_selector(
            "#figure-deciles [style*='--series-1']", "bar => getComputedStyle(bar).fill"
        )
        page.close()
    assert bars == {"light": "rgb(31, 95, 191)", "dark": "rgb(110, 166, 255)"}


def test_paper_holds_all_of_it(browser: "playwright.Browser", path: Path) -> None:
    page = browser.new_page(viewport={"width": PAPER, "height": 980}, color_scheme="dark")
    page.emulate_media(media="print")
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert ink == "rgb(24, 32, 44)"  # dark on white, whatever the screen's scheme is
    assert len(page.pdf(format="A4")) > 10_000
    page.close()
