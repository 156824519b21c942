"""Line styles of models, baselines and rules, the same in every chart and in the keys beside them.

They differ by colour, dashes and width, so that print and colour-blind readers can distinguish them.
"""

from dataclasses import dataclass
from itertools import accumulate, cycle

from jobs.reporting.model_comparison import ModelComparison
from jobs.reporting.oracle import Oracle
from jobs.reporting.recommender_evaluation import BASELINE
from models.recommender.candidates import MODELS

SERIES = tuple(f"series-{number}" for number in range(1, 6))  # the colours of the page's style sheet
DASHED, DASHED_AND_DOTTED, DOTTED = (5.0, 2.0), (5.0, 2.0, 1.5, 2.0), (1.5, 2.0)


@dataclass(frozen=True)
class LineStyle:
    """A line: a colour of the style sheet, a width in points, and lengths of dashes and gaps in widths of the line."""

    colour: str
    width: float
    dashes: tuple[float, ...] = ()

    @property
    def css(self) -> str:
        """The line as the background of a box."""
        ends = [self.width * end for end in accumulate(self.dashes)]
        starts = [0.0, *ends]
        colours = cycle([f"var(--{self.colour})", "transparent"])
        steps = [f"{one} {start:g}px {end:g}px" for one, start, end in zip(colours, starts, ends, strict=False)]
        fill = f"repeating-linear-gradient(90deg, {', '.join(steps)})" if steps else f"var(--{self.colour})"
        return f"height: {max(self.width, 1.6):g}px; background: {fill}"


NO_MODEL = LineStyle("muted", 1.0, (1.0, 2.0))
RULES = {
    "model": LineStyle("series-1", 2.4),
    "recency": LineStyle("series-2", 1.7, DASHED),
    "bgnbd": LineStyle("series-3", 1.7, DASHED_AND_DOTTED),
    "random": LineStyle("muted", 1.5, DOTTED),
}
RULE_NAMES = {"model": "by the model", "recency": "by recency alone", "bgnbd": "by BG/NBD", "random": "at random"}


def ranker_styles(chosen: str) -> dict[str, LineStyle]:
    """By name: a colour for each recommender, always the same, the chosen one thick; popular titles grey and dashed."""
    colours = dict(zip((name for name in MODELS if name != BASELINE), SERIES, strict=False))
    found = {name: LineStyle(colour, 2.8 if name == chosen else 1.3) for name, colour in colours.items()}
    return found | {BASELINE: LineStyle("muted", 2.8 if chosen == BASELINE else 1.5, DASHED)}


def model_styles(comparison: ModelComparison, oracle: Oracle | None) -> dict[str, LineStyle]:
    """Line styles by name.

    Each kind of model has a colour; the chosen model is thick, and a model that uses flagged features beside a twin
    that does not is dashed. Baselines are grey and dashed, the truth is dotted.
    """
    colours = dict(zip(comparison.kinds, cycle(SERIES), strict=False))
    found = {
        one.name: LineStyle(
            colours[one.kind],
            2.8 if one is comparison.chosen else 1.3,
            DASHED if comparison.is_doubted(one) else (),
        )
        for one in comparison.models
    }
    for dashes, one in zip(cycle([DASHED, DASHED_AND_DOTTED, DOTTED]), comparison.baselines, strict=False):
        found[one.name] = LineStyle("muted", 1.5, dashes)
    return found | ({oracle.name: LineStyle("ink", 1.2, (1.0, 1.4))} if oracle else {})
