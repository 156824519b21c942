"""Figures of the models: side by side, their curves, how networks learned, and what matters most to the chosen one."""

from collections.abc import Sequence
from math import isfinite
from statistics import median
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from conf.words import in_words
from jobs.formatting import brief, fixed, short_count
from jobs.reporting.importance import Dependence, FeatureWeight
from jobs.reporting.learning_curve import LearningCurve
from jobs.reporting.model_comparison import Evaluated, ModelComparison
from jobs.reporting.oracle import Oracle
from jobs.reporting.styles import DASHED, NO_MODEL, LineStyle
from jobs.reporting.svg import (
    COLOURS,
    INK,
    MUTED,
    SERIES,
    SMALL,
    THIRD,
    TINY,
    as_line,
    as_svg,
    bar_axes,
    drawing,
    margins,
    mark,
    percent_ticks,
    row_label,
)
from models.evaluation.curves import CURVES, Points

CONSTANT = "majority"  # its curves are the reference lines
FIFTHS = [0, 0.2, 0.4, 0.6, 0.8, 1]
FIRST_SHARE = 0.02  # left of it a lift is made of a few customers
MOST_LETTERS = 44  # of a line below a figure
MOST_DOTS = 60  # of a line, before they run together
HEAVY_TAILED = 5  # times the median is the largest value


def models_figure(comparison: ModelComparison, oracle: Oracle | None, styles: dict[str, LineStyle]) -> str:
    """AUC with interval on the test set (filled) and on the training set (hollow), the best on top."""
    evaluated = [*([oracle] if oracle else []), *(one for one in comparison.all if one.name != CONSTANT)]
    with drawing(36 * len(evaluated) + 40) as figure:
        axes = bar_axes(figure, len(evaluated), bottom=34)
        axes.set_axis_on()
        axes.yaxis.set_visible(False)
        axes.grid(True, axis="x")
        axes.spines["left"].set_visible(False)
        aucs = [end for one in evaluated for end in (one.auc.low, one.auc.high)]
        aucs += [one.train["auc"].value for one in evaluated if "auc" in one.train]
        known = [auc for auc in aucs if isfinite(auc)] or [0.5, 1.0]
        low, high = min(known), max(known)
        axes.set_xlim(low - 0.06 * (high - low) - 0.005, high + 0.06 * (high - low) + 0.005)
        for row, one in enumerate(evaluated):
            colour, y = COLOURS[styles[one.name].colour], row + 0.68
            axes.plot([one.auc.low, one.auc.high], [y, y], color=colour, lw=2.2, solid_capstyle="round")
            if "auc" in one.train:
                axes.plot(one.train["auc"].value, y, "o", mfc="none", mec=colour, mew=1.4, ms=7.5)
            axes.plot(one.auc.value, y, "o", color=colour, ms=6)
            name = f"{in_words(one.title)} (chosen)" if one.name == comparison.chosen.name else in_words(one.title)
            row_label(axes, row, name, fixed(one.auc.value))
        axes.set_xlabel("AUC: 0.5 is chance, 1 is perfect")
        return as_svg(figure, "models", "AUC of " + ", ".join(f"{o.title} {fixed(o.auc.value)}" for o in evaluated))


def curve_figures(comparison: ModelComparison, oracle: Oracle | None, styles: dict[str, LineStyle]) -> dict[str, str]:
    """A figure for each kind of curve, of all models and baselines; the chosen model is drawn on top."""
    others = [one for one in comparison.all if one.name not in (CONSTANT, comparison.chosen.name)]
    drawn = [*([oracle] if oracle else []), *reversed(others), comparison.chosen]
    return {kind: _curve_figure(kind, drawn, styles) for kind in CURVES if comparison.chosen.curves.get(kind)}


def _curve_figure(kind: str, evaluated: Sequence[Evaluated], styles: dict[str, LineStyle]) -> str:
    with drawing(275, THIRD) as figure:
        axes = margins(figure, left=44, bottom=48, right=20, top=20)
        axes.grid(True)
        _reference(axes, kind, evaluated[-1].curves[kind])
        for one in evaluated:
            points, style = _seen(kind, one.curves.get(kind, [])), styles[one.name]
            x, y = [point[0] for point in points], [point[1] for point in points]
            axes.plot(x, y, **as_line(style))
        if kind == "calibration":
            _intervals(axes, evaluated[-1].curves[kind], styles[evaluated[-1].name])
        percent_ticks(axes.xaxis, FIFTHS)
        axes.set_xlim(0, 1)
        if kind == "lift":
            axes.set_ylim(bottom=0)
        else:
            percent_ticks(axes.yaxis, FIFTHS)
            axes.set_ylim(0, 1.005)
        axes.set_xlabel(fill(CURVES[kind].x, MOST_LETTERS), fontsize=TINY)
        _above(axes, CURVES[kind].y)
        return as_svg(figure, kind, f"{CURVES[kind].title} of {', '.join(one.title for one in evaluated)}")


def _above(axes: Axes, name: str) -> None:
    """The name of the y axis in a line above it, where it has more room than beside it."""
    axes.annotate(
        name, (0, 1), (-42, 7), xycoords="axes fraction", textcoords="offset points", fontsize=TINY, color=MUTED
    )


def _reference(axes: Axes, kind: str, points: Points) -> None:
    """The line without any model: a diagonal, or a level line."""
    level = {"lift": 1.0, "precision_recall": points[-1][1]}.get(kind)
    axes.plot([0, 1], [0, 1] if level is None else [level, level], **as_line(NO_MODEL))


def _seen(kind: str, points: Points) -> Points:
    return [point for point in points if point[0] >= FIRST_SHARE] if kind == "lift" else points


def _intervals(axes: Axes, points: Points, style: LineStyle) -> None:
    """The dots of a calibration curve, with the intervals of the shares."""
    for predicted, share, low, high, *_ in points:
        axes.plot([predicted, predicted], [low, high], color=COLOURS[style.colour], lw=1.2)
        axes.plot(predicted, share, "o", color=COLOURS[style.colour], ms=4)


def epochs_figures(curves: Sequence[LearningCurve], styles: dict[str, LineStyle]) -> dict[str, str]:
    """The losses of each network by epoch, in its colour."""
    named = {f"epochs-{number}": one for number, one in enumerate(curves)}
    return {name: _epochs_figure(name, one, styles[one.name].colour) for name, one in named.items()}


def _epochs_figure(name: str, one: LearningCurve, colour: str) -> str:
    """Validation loss (solid) and training loss (dashed), the epoch that was kept marked."""
    with drawing(240) as figure:
        axes = margins(figure, left=56, bottom=42, right=10, top=24)
        axes.grid(True)
        numbers = [epoch.number for epoch in one.network.epochs]
        dots = "o" if len(numbers) <= MOST_DOTS else ""  # of one epoch there is no line
        for losses, style in (
            ([epoch.loss for epoch in one.network.epochs], LineStyle(colour, 1.4, DASHED)),
            ([epoch.validation_loss for epoch in one.network.epochs], LineStyle(colour, 2.2)),
        ):
            axes.plot(numbers, losses, marker=dots, ms=3, **as_line(style))
        axes.plot(one.network.best_epoch, one.best.validation_loss, "o", color=COLOURS[colour], ms=7)
        axes.set_xlim(0.5, max(numbers) + 0.5)
        mark(axes, one.network.best_epoch, f"best: epoch {one.network.best_epoch}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.ticklabel_format(axis="y", style="plain", useOffset=False)
        axes.set_xlabel("Epoch")
        axes.set_ylabel(f"Loss ({in_words(one.network.declared.loss)})")
        return as_svg(
            figure, name, f"Training and validation loss of {one.title} by epoch; best: {one.network.best_epoch}"
        )


def importance_figure(weights: Sequence[FeatureWeight]) -> str:
    """What the AUC loses without each of the first features, as bars with intervals."""
    with drawing(40 * len(weights) + 10) as figure:
        axes = bar_axes(figure, len(weights))
        ends = [end for one in weights for end in (one.permutation.low, one.permutation.high) if isfinite(end)]
        low, high = min([0.0, *ends]), max(ends, default=0.0) or 1.0
        axes.set_xlim(1.02 * low, 1.2 * high)
        for row, one in enumerate(weights):
            found, y = one.permutation, row + 0.66
            axes.barh(y, found.value, height=0.36, color=SERIES[0])
            axes.plot([found.low, found.high], [y, y], color=INK, lw=1.4)
            row_label(axes, row, one.feature)
            axes.text(found.high + 0.02 * high, y, fixed(found.value), va="center", color=MUTED, fontsize=SMALL)
        return as_svg(figure, "drivers", "Permutation importance of the strongest features")


def dependence_figures(dependence: Sequence[Dependence]) -> dict[str, str]:
    """Partial dependence of each feature, all on one scale so that they can be compared."""
    means = [mean for one in dependence for _, mean in one.points]
    low, high = max(min(means, default=0.0) - 0.05, 0.0), min(max(means, default=1.0) + 0.05, 1.0)
    named = {f"dependence-{number}": one for number, one in enumerate(dependence)}
    return {name: _dependence_figure(name, one, low, high) for name, one in named.items()}


def _dependence_figure(name: str, one: Dependence, low: float, high: float) -> str:
    with drawing(190, THIRD) as figure:
        axes = margins(figure, left=44, bottom=36, right=20, top=8)
        axes.grid(True)
        if one.numbers:
            _line(axes, one)
        else:
            axes.plot(range(len(one.levels)), [mean for _, mean in one.levels], "s", color=SERIES[1], ms=7)
            axes.set_xticks(range(len(one.levels)), [level for level, _ in one.levels])
            axes.set_xlim(-0.6, len(one.levels) - 0.4)
        ticks = [tick / 10 for tick in range(11) if low <= tick / 10 <= high]
        percent_ticks(axes.yaxis, ticks if len(ticks) > 1 else [low, high])
        axes.set_ylim(low, high)
        axes.set_xlabel(one.unit, fontsize=SMALL)
        return as_svg(figure, name, f"Mean probability by {brief(one.meaning)}")


def _line(axes: Axes, one: Dependence) -> None:
    """Numbers as a line, on a log scale where they are heavy-tailed; what is not known as a level line."""
    values, means = [value for value, _ in one.numbers], [mean for _, mean in one.numbers]
    axes.plot(values, means, "o-", color=SERIES[0], lw=2, ms=4)
    if values[0] >= 0 and values[-1] > max(HEAVY_TAILED * median(values), 1):
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xlim(left=-0.2 if values[0] < 1 else None)
        axes.minorticks_off()
    axes.xaxis.set_major_formatter(lambda value, _: short_count(value) if value >= 10 else f"{value:g}")
    for level, mean in one.levels:
        axes.axhline(mean, color=SERIES[1], lw=1.5, ls=(0, (4, 2)))
        axes.text(0.99, mean, level, transform=axes.get_yaxis_transform(), ha="right", va="bottom", fontsize=SMALL)
