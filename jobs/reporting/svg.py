"""Figures as SVG to stand inside a page: drawn at a phone's width, in the page's own colours and typeface.

matplotlib draws with stand-in colours, and each of them becomes a CSS variable of the page, so that one figure serves
light, dark and paper. No state of pyplot is touched. matplotlib takes half a second to import: import this module only
when a figure is drawn.
"""

import io
import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from jobs.formatting import UNBREAKABLE
from jobs.reporting.styles import LineStyle

INCH = 72.0  # the unit of an SVG of matplotlib is a point
WIDTH = 360.0
THIRD = 290.0  # width of figures that stand three in a row
SMALL, TINY = 10.0, 9.0  # sizes of type beside marks

INK, MUTED, GRID = "#010101", "#020202", "#030303"
SERIES = ("#060606", "#070707", "#080808", "#090909", "#0a0a0a")
COLOURS = {"ink": INK, "muted": MUTED, "grid": GRID} | {f"series-{n}": colour for n, colour in enumerate(SERIES, 1)}

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


@contextmanager
def drawing(height: float, width: float = WIDTH) -> Iterator[Figure]:
    """A figure of such a size in points, by default as wide as a phone."""
    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        # The page's typeface draws the text, so it is no matter what matplotlib's own fonts lack.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield Figure(figsize=(width / INCH, height / INCH))


def margins(figure: Figure, left: float, bottom: float, right: float, top: float) -> Axes:
    """Axes with these margins in points."""
    width, height = figure.get_size_inches() * INCH
    return figure.add_axes((left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height))


def bar_axes(figure: Figure, bars: int, top: float = 0.0, bottom: float = 0.0) -> Axes:
    """Axes for so many rows, the first on top, without a frame; `top` and `bottom` in points are left free."""
    height = figure.get_size_inches()[1] * INCH
    axes = figure.add_axes((0, bottom / height, 1, 1 - (top + bottom) / height))
    axes.set_axis_off()
    axes.set_ylim(max(bars, 1), 0)
    return axes


def as_line(style: LineStyle) -> dict[str, Any]:
    """A look as arguments of `plot`."""
    return {"color": COLOURS[style.colour], "lw": style.width, "ls": (0, style.dashes) if style.dashes else "-"}


def row_label(axes: Axes, row: int, name: str, number: str = "") -> None:
    """A name above the bar of a row, and a number at the right end."""
    across = axes.get_yaxis_transform()
    axes.text(0.0, row + 0.24, name, transform=across, va="center")
    axes.text(1.0, row + 0.24, number, transform=across, va="center", ha="right", color=MUTED)


def mark(axes: Axes, place: float, text: str) -> None:
    """A line upright there, with a text above the axes that stays between their sides; their limits are set before."""
    low, high = axes.get_xlim()
    share = (place - low) / (high - low)
    axes.axvline(place, color=INK, lw=1, ls=(0, (2, 2)))
    side = "left" if share < 0.15 else "right" if share > 0.85 else "center"
    axes.text(place, 1.02, text, transform=axes.get_xaxis_transform(), ha=side, fontsize=SMALL)


def percent_ticks(axis: Any, ticks: list[float]) -> None:
    """Shares as ticks in percent."""
    axis.set_ticks(ticks, [f"{100 * tick:.0f}{UNBREAKABLE}%" for tick in ticks])


def as_svg(figure: Figure, name: str, about: str) -> str:
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
    for variable, colour in COLOURS.items():
        value = value.replace(colour, f"var(--{variable})")
    return re.sub(r"font-family: [^;]*", "font-family: var(--typeface)", value)
