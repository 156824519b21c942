"""Sections of the report: a module and a template of one name make a section, and nothing else names it."""

import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader
from pyspark.sql import SparkSession

from jobs.reporting import sections
from tests.support.page import figures_of, page_of, sheet, text_of
from tests.support.paths import ROOT
from tests.support.report_folder import ReportFolder

TEMPLATES = ROOT / "jobs" / "reporting" / "templates"
OF_THE_PAGE = {"report", "headline", "macros"}  # templates that are no section
NAMES = [module.name for module in pkgutil.iter_modules(sections.__path__)]
MODULE = """
from jobs.reporting.section import Section

SECTION = Section(
    "Opening hours",
    order={order},
    read=lambda data, service, spark: {{"data": str(data), "shop": service.title, "engine": spark.version, "hours": 8}},
    figures=lambda page: {{"clock": f'<svg id="figure-clock">{{page.own["hours"]["hours"]}}</svg>'}},
    sheets=lambda page: {{"hours": (("day", "hours"), [("Monday", page.own["hours"]["hours"])])}},
    is_shown=lambda page: {is_shown},
)
"""
TEMPLATE = """
{% from "macros.html.j2" import figure with context %}
<section id="hours">
  <p>{{ own.hours.shop }} is open {{ own.hours.hours }} hours.</p>
  {{ figure("clock", "The clock.", "hours") }}
</section>
"""
Add = Callable[..., None]


@pytest.fixture
def add_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Add]:
    """Adds the section `hours`, by its module and its template alone."""
    modules, templates = tmp_path / "sections", tmp_path / "templates"
    monkeypatch.setattr(sections, "__path__", [*sections.__path__, str(modules)])
    loader = ChoiceLoader([PackageLoader("jobs.reporting"), FileSystemLoader(templates)])
    monkeypatch.setattr("jobs.report.PackageLoader", lambda package: loader)

    def add(order: int, is_shown: bool = True) -> None:
        for folder, file, text in [
            (modules, "hours.py", MODULE.format(order=order, is_shown=is_shown)),
            (templates, "hours.html.j2", TEMPLATE),
        ]:
            folder.mkdir()
            (folder / file).write_text(text, encoding="utf-8")

    yield add
    sys.modules.pop("jobs.reporting.sections.hours", None)
    vars(sections).pop("hours", None)


@pytest.fixture
def small(tmp_path: Path) -> ReportFolder:
    """A data folder of two days of events."""
    return ReportFolder(tmp_path / "data").with_events()


@pytest.mark.parametrize(("order", "before"), [(1, "expected"), (75, "data"), (99, None)])
def test_section_that_is_added_is_on_the_page_in_its_place(
    small: ReportFolder, sail: SparkSession, add_section: Add, order: int, before: str | None
) -> None:
    add_section(order)
    page = page_of(small, sail)
    names = re.findall(r'<section id="([^"]*)">', page)
    assert sorted(names) == sorted({*NAMES, "hours"} - {"titles"})  # no titles are recommended, nor could they be
    assert re.findall(r'<a href="#([^"]*)">[^<]*</a>\s', page[: page.index("<main>")]) == names
    assert names[names.index("hours") + 1 :][:1] == ([before] if before else [])
    assert f"{small.context.service.title} is open 8 hours. The clock. csv/hours.csv" in text_of(page)
    assert figures_of(page)["clock"].text == "8"
    assert sheet(small, "hours") == [{"day": "Monday", "hours": "8"}]


def test_section_that_is_not_shown_is_neither_on_the_page_nor_in_the_nav(
    small: ReportFolder, sail: SparkSession, add_section: Add
) -> None:
    add_section(75, is_shown=False)
    page = page_of(small, sail)
    assert "hours" not in page and "Opening hours" not in page


@pytest.mark.parametrize("name", NAMES)
def test_template_of_a_section_is_one_element_with_its_name_as_id(name: str) -> None:
    template = (TEMPLATES / f"{name}.html.j2").read_text(encoding="utf-8")
    without_macros = re.sub(r"\{% macro .*?endmacro %\}", "", template, flags=re.S)
    elements = re.sub(r"\{%.*?%\}|\{#.*?#\}", "", without_macros, flags=re.S).strip()
    assert elements.startswith(f'<section id="{name}">')
    assert elements.endswith("</section>")
    assert elements.count("<section") == elements.count("</section>") == 1


def test_every_template_belongs_to_a_section_or_to_the_page() -> None:
    assert {path.name.removesuffix(".html.j2") for path in TEMPLATES.glob("*.html.j2")} == {*NAMES, *OF_THE_PAGE}
