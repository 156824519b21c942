"""What tests read off the report: its words, its figures, its CSV tables."""

import csv
import html
import re
from dataclasses import replace
from unittest import mock
from xml.etree import ElementTree

from pyspark.sql import SparkSession

from jobs import formatting
from jobs.report import report
from jobs.reporting.section import all_sections
from models.evaluation.curves import CURVES
from tests.support.report_folder import ReportFolder

FIGURES = {"flow", "deciles", "profit", "uplift", "models", "drivers", "dependence-0", "dependence-1", *CURVES}
OF_NETWORK = "epochs-0"
OF_TITLES = {"ranking-later", "ranking-drawn"}


# ---- the page ----


def page_of(folder: ReportFolder, spark: SparkSession) -> str:
    """The page of a folder, with its figures."""
    return report(folder.context, spark).read_text(encoding="utf-8")


def page_without_figures(folder: ReportFolder, spark: SparkSession) -> str:
    """The page of a folder with empty figures, which take longer than all else."""
    empty = dict.fromkeys([*FIGURES, OF_NETWORK, *OF_TITLES], "")
    sections = {name: replace(one, figures=lambda page: empty) for name, one in all_sections().items()}
    with mock.patch("jobs.report.all_sections", return_value=sections):
        return page_of(folder, spark)


def shown(folder: ReportFolder, spark: SparkSession) -> str:
    """What a reader of the report of a folder sees."""
    return text_of(page_without_figures(folder, spark))


def text_of(page: str) -> str:
    """What a reader sees: no tags, no styles, single spaces."""
    body = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", page, flags=re.S)
    seen = plain(html.unescape(re.sub(r"<[^>]*>", " ", body)))
    return re.sub(r"\s+([,.;:)])", r"\1", " ".join(seen.split())).replace("( ", "(")


def plain(text: str) -> str:
    """The text with ordinary spaces and minus signs."""
    return text.replace(formatting.UNBREAKABLE, " ").replace(formatting.MINUS, "-")


def sheet(folder: ReportFolder, name: str) -> list[dict[str, str]]:
    """The rows of a CSV table beside the page."""
    with (folder.data.report / "csv" / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# ---- figures ----


def figures_of(page: str) -> dict[str, ElementTree.Element]:
    """The figures by name."""
    found = [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, flags=re.S)]
    return {svg.attrib["id"].removeprefix("figure-"): svg for svg in found}


def filled(figure: ElementTree.Element, variable: str) -> list[ElementTree.Element]:
    """Areas of one colour."""
    return [path for path in figure.iter("path") if path.attrib.get("style", "").startswith(f"fill: var({variable})")]


def stroked(figure: ElementTree.Element, variable: str) -> list[ElementTree.Element]:
    """Lines of one colour, without markers."""
    is_line = re.compile(rf"fill: none;.*stroke: var\({variable}\)")
    return [path for path in figure.iter("path") if is_line.match(path.attrib.get("style", ""))]


def numbers_of(path: ElementTree.Element) -> list[float]:
    """The coordinates of a path: x, y, x, y and so on."""
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", path.attrib["d"])]


def points_of(path: ElementTree.Element) -> list[tuple[float, float]]:
    """The points of a path."""
    numbers = numbers_of(path)
    return list(zip(numbers[0::2], numbers[1::2], strict=True))


def span_of(path: ElementTree.Element, axis: int) -> float:
    """How far a path reaches along x (0) or y (1)."""
    numbers = numbers_of(path)[axis::2]
    return max(numbers) - min(numbers)
