"""Figures of the recommenders: how well each ranks what customers took up."""

from math import isfinite

from jobs.formatting import fixed
from jobs.reporting.recommender_evaluation import RANKED_BY, HeldOutPart, RecommenderEvaluation
from jobs.reporting.styles import LineStyle
from jobs.reporting.svg import COLOURS, as_svg, bar_axes, drawing, row_label


def ranking_figures(evaluation: RecommenderEvaluation, styles: dict[str, LineStyle]) -> dict[str, str]:
    """A figure for each part, all on one scale so that they can be compared."""
    ends = [end for part in evaluation.parts for one in part.rankers for end in (one.ndcg.value, one.ndcg.high)]
    most = max((end for end in ends if isfinite(end)), default=0.0) or 1.0
    metric = evaluation.called(RANKED_BY)
    return {f"ranking-{part.name}": _ranking_figure(part, metric, styles, most) for part in evaluation.parts}


def _ranking_figure(part: HeldOutPart, metric: str, styles: dict[str, LineStyle], most: float) -> str:
    """NDCG of each model with its interval, the best on top."""
    with drawing(36 * len(part.rankers) + 40) as figure:
        axes = bar_axes(figure, len(part.rankers), bottom=34)
        axes.set_axis_on()
        axes.yaxis.set_visible(False)
        axes.grid(True, axis="x")
        axes.spines["left"].set_visible(False)
        axes.set_xlim(-0.05 * most, 1.06 * most)
        for row, one in enumerate(part.rankers):
            colour, y = COLOURS[styles[one.name].colour], row + 0.68
            axes.plot([max(one.ndcg.low, 0.0), one.ndcg.high], [y, y], color=colour, lw=2.2, solid_capstyle="round")
            axes.plot(one.ndcg.value, y, "o", color=colour, ms=6, clip_on=False)
            row_label(axes, row, f"{one.title} (chosen)" if one.is_chosen else one.title, fixed(one.ndcg.value))
        axes.set_xlabel(f"{metric}: 1 is all of it first, 0 is none of it")
        return as_svg(
            figure,
            f"ranking-{part.name}",
            f"{metric} by {part.about}: " + ", ".join(f"{one.title} {fixed(one.ndcg.value)}" for one in part.rankers),
        )
