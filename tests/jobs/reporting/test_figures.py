"""The figures of the report: all are drawn, and their lines and bars stand where the numbers say."""

import re
from xml.etree import ElementTree

import pytest

from tests.support.page import FIGURES, figures_of, filled, points_of, span_of, stroked


def test_all_figures_are_drawn_and_their_parts_are_found(page: str) -> None:
    figures = figures_of(page)
    assert set(figures) == FIGURES
    for figure in figures.values():
        assert figure.attrib["role"] == "img"
        assert figure.attrib["aria-label"]
        assert len(figure.findall(".//path")) >= 2
        assert not re.search(r"#0[0-9a-f]0[0-9a-f]0[0-9a-f]", ElementTree.tostring(figure, encoding="unicode"))
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    wanted = re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', page)
    assert {one or other for one, other in wanted} <= set(ids)


def test_flow_adds_up_the_events_and_shows_the_newest_tables(page: str) -> None:
    assert figures_of(page)["flow"].attrib["aria-label"] == (
        "Rows by layer: Lines in the archives 120, Records unpacked 108, Events kept 95, Customer-days 75, "
        "Customers in the table 2,100, Customers scored 2,000"
    )


def test_bars_are_as_long_as_their_numbers(page: str) -> None:
    heights = [span_of(path, 1) for path in filled(figures_of(page)["deciles"], "--series-1")]
    assert len(heights) == 10
    assert [height / heights[0] for height in heights] == pytest.approx([1] * 9 + [1 / 9], rel=1e-3)  # of leaving
    lengths = [span_of(path, 0) for path in filled(figures_of(page)["drivers"], "--series-1")]
    assert lengths[0] / lengths[1] == pytest.approx(0.125 / 0.01, rel=1e-3)


@pytest.mark.parametrize(("kind", "middle"), [("roc", 0.75), ("gains", 0.75)])
def test_curve_of_the_chosen_model_goes_through_its_points(page: str, kind: str, middle: float) -> None:
    """gbt is the first by name, so it has the first colour; half way to the right it stands at `middle`."""
    [path] = stroked(figures_of(page)[kind], "--series-1")
    (left, bottom), (x, y), (right, top) = points_of(path)
    assert left < right and bottom > top  # y grows downwards in SVG
    assert (x - left) / (right - left) == pytest.approx(0.5, abs=1e-3)
    assert (bottom - y) / (bottom - top) == pytest.approx(middle, abs=1e-3)


def test_chosen_model_is_drawn_thickest(page: str) -> None:
    widths = {
        name: float((re.findall(r"stroke-width: ([\d.]+)", path.attrib["style"]) or ["1"])[0])
        for name in ("series-1", "series-2", "muted", "ink")
        for path in stroked(figures_of(page)["roc"], f"--{name}")
    }
    assert widths["series-1"] == max(widths.values())
    assert list(widths.values()).count(widths["series-1"]) == 1


def test_profit_stands_where_it_was_measured(page: str) -> None:
    """From nothing at 0 % over 50.4 at 10 % to -200 at 100 %."""
    lines = stroked(figures_of(page)["profit"], "--series-1")
    [model] = [path for path in lines if "stroke-width: 2.4" in path.attrib["style"]]
    (x0, y0), (x1, y1), (x2, y2) = points_of(model)
    assert x0 < x2 and y0 < y2
    assert (x1 - x0) / (x2 - x0) == pytest.approx(0.1, abs=1e-3)
    assert (y1 - y0) / (y2 - y0) == pytest.approx(50.4 / -200, rel=1e-2)
