"""Figures as SVG to stand inside a page: drawn at a phone's width, in the page's own colours and typeface.

matplotlib draws with stand-in colours, and each of them becomes a CSS variable of the page, so that one figure serves
light, dark and paper. No state of pyplot is touched.
"""

import io
import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from jobs.outlook import Best, Decile, Driver, Judged, Points
from jobs.wording import UNBREAKABLE, count, short_count, words

INCH = 72.0  # the unit of an SVG of matplotlib is a point
WIDTH = 360.0
ROW = 40.0  # height of a bar with its label above it

INK, MUTED, GRID = "#010101", "#020202", "#030303"
RAISES, LOWERS = "#040404", "#050505"
SERIES = ("#060606", "#070707", "#080808", "#090909")
_VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", RAISES: "raises", LOWERS: "lowers"} | {
    colour: f"series-{number}" for number, colour in enumerate(SERIES, 1)
}
BASELINE_DASHES = ((5, 2), (1.5, 2), (5, 2, 1.5, 2))

_SETTINGS: Any = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and copied
    "svg.hashsalt": "encore",  # the same figure gives the same bytes
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.size": 11.5,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
}


def roc_figure(judged: Sequence[Judged], best: Best | None) -> str:
    """ROC curves of all models and baselines, and of the best possible where it is known."""
    with _drawing(WIDTH) as figure:
        axes = _axes(figure, left=40, bottom=40, right=8, top=8)
        axes.grid(True)
        if best:
            _curve(axes, "best possible", best.auc, best.roc, color=INK, lw=1, ls=(0, (1, 1)))
        baselines = [one for one in judged if one.role != "model"]
        for dashes, one in zip(cycle(BASELINE_DASHES), baselines, strict=False):
            _curve(axes, one.name, one.auc, one.roc, color=MUTED, lw=1.4, ls=(0, dashes))
        models = [one for one in judged if one.role == "model"]
        for colour, one in zip(cycle(SERIES), models, strict=False):
            _curve(axes, one.name, one.auc, one.roc, color=colour, lw=2.2)
        ticks = [0, 0.2, 0.4, 0.6, 0.8, 1]
        axes.set(xlim=(0, 1), ylim=(0, 1.005), xticks=ticks, yticks=ticks)
        axes.set_xlabel("False alarms: share of those without the outcome")
        axes.set_ylabel("Found: share of those with it")
        axes.legend(loc="lower right", frameon=False, fontsize=9.5, title="Area under the curve", title_fontsize=9.5)
        return _svg(figure, "roc", "ROC curves of " + ", ".join(one.name for one in judged))


def _curve(axes: Axes, name: str, auc: float, points: Points, **style: Any) -> None:
    axes.plot(*zip(*points, strict=True), label=f"{words(name)} {auc:.3f}", **style)


def drivers_figure(drivers: Sequence[Driver]) -> str:
    """The weights of the strongest terms as bars from a common zero: to the right raises, to the left lowers."""
    with _drawing(ROW * len(drivers) + 10) as figure:
        axes = _bar_axes(figure, len(drivers))
        most = max((abs(driver.weight) for driver in drivers), default=1.0) or 1.0
        axes.set_xlim(-1.32 * most, 1.32 * most)
        for row, driver in enumerate(drivers):
            axes.plot([0, 0], [row + 0.4, row + 0.92], color=MUTED, lw=0.8)
            axes.barh(row + 0.66, driver.weight, height=0.4, color=RAISES if driver.raises else LOWERS)
            axes.text(0.0, row + 0.24, driver.term, transform=axes.get_yaxis_transform(), va="center")
            gap, side = (0.02, "left") if driver.raises else (-0.02, "right")
            shown = f"{driver.weight:+.2f}".replace("-", "\u2212")
            axes.text(driver.weight + gap * most, row + 0.66, shown, va="center", ha=side, color=MUTED)
        return _svg(figure, "drivers", "Weights of the strongest features")


def flow_figure(rows_out: Sequence[tuple[str, int]]) -> str:
    """The number of rows of each layer as bars, the first layer on top."""
    with _drawing(ROW * len(rows_out) + 10) as figure:
        axes = _bar_axes(figure, len(rows_out))
        most = max((rows for _, rows in rows_out), default=1) or 1
        axes.set_xlim(0, most)
        for row, (name, rows) in enumerate(rows_out):
            axes.barh(row + 0.66, max(rows, most / 400), height=0.4, color=SERIES[0])
            axes.text(0.0, row + 0.24, name, transform=axes.get_yaxis_transform(), va="center")
            axes.text(
                1.0, row + 0.24, count(rows), transform=axes.get_yaxis_transform(), va="center", ha="right", color=MUTED
            )
        return _svg(figure, "flow", "Rows by layer: " + ", ".join(f"{name} {count(rows)}" for name, rows in rows_out))


def deciles_figure(deciles: Sequence[Decile], outcome: str) -> str:
    """Mean probability of each tenth of the customers, and how many are in it."""
    with _drawing(260) as figure:
        axes = _axes(figure, left=40, bottom=54, right=4, top=14)
        axes.grid(True, axis="y")
        places = [one.decile for one in deciles]
        heights = [100 * one.mean_probability for one in deciles]
        axes.bar(places, heights, width=0.78, color=SERIES[0])
        for place, height in zip(places, heights, strict=True):
            axes.text(place, height + 1.5, f"{height:.0f}", ha="center", fontsize=10)
        axes.set(xlim=(0.4, 10.6), ylim=(0, 104), xticks=range(1, 11), yticks=range(0, 101, 20))
        axes.set_yticklabels([f"{tick}{UNBREAKABLE}%" for tick in range(0, 101, 20)])
        customers = {one.decile: short_count(one.customers) for one in deciles}
        axes.set_xticklabels([f"{decile}\n{customers.get(decile, '0')}" for decile in range(1, 11)])
        axes.tick_params(length=0)
        axes.set_xlabel("Tenth of the customers, and how many are in it")
        return _svg(figure, "deciles", f"Mean probability of {outcome} by tenth of the customers")


@contextmanager
def _drawing(height: float) -> Iterator[Figure]:
    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        # The page's typeface draws the text, so it is no matter what matplotlib's own fonts lack.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield Figure(figsize=(WIDTH / INCH, height / INCH))


def _axes(figure: Figure, left: float, bottom: float, right: float, top: float) -> Axes:
    """Axes with these margins in points."""
    width, height = figure.get_size_inches() * INCH
    return figure.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height))


def _bar_axes(figure: Figure, bars: int) -> Axes:
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_ylim(max(bars, 1), 0)
    return axes


def _svg(figure: Figure, name: str, about: str) -> str:
    """The figure as an `<svg>` element that stands alone: no prologue, no metadata, ids with `name` in front."""
    buffer = io.BytesIO()
    FigureCanvasSVG(figure).print_figure(buffer, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    root = ElementTree.fromstring(buffer.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        attributes = {_local(key): _as_of_page(_local(key), value, name) for key, value in element.attrib.items()}
        element.attrib.clear()
        element.attrib.update(attributes)
    del root.attrib["width"], root.attrib["height"]
    root.attrib.update({"role": "img", "aria-label": about, "id": f"figure-{name}"})
    return ElementTree.tostring(root, encoding="unicode")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _as_of_page(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == "href":
        return value.replace("#", f"#{name}-")
    value = value.replace("url(#", f"url(#{name}-")
    if key != "style":
        return value
    for colour, variable in _VARIABLES.items():
        value = value.replace(colour, f"var(--{variable})")
    return re.sub(r"font-family: [^;]*", "font-family: var(--typeface)", value)
