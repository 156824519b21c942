"""Line styles: told apart by colour, dashes and width, and the same in the key as in the chart."""

from jobs.reporting.recommender_evaluation import NAMES
from jobs.reporting.styles import LineStyle, ranker_styles
from models.recommender.candidates import MODELS
from models.recommender.ranking import METRICS


def test_key_shows_the_dashes_of_the_line() -> None:
    assert LineStyle("series-1", 2.0).css == "height: 2px; background: var(--series-1)"
    assert LineStyle("muted", 1.5, (5, 2)).css == (
        "height: 1.6px; background: repeating-linear-gradient(90deg, var(--muted) 0px 7.5px, transparent 7.5px 10.5px)"
    )


def test_each_model_has_a_look_of_its_own_and_each_metric_a_name() -> None:
    styles = ranker_styles("ease")
    assert set(styles) == set(MODELS)
    assert len({(style.colour, style.dashes) for style in styles.values()}) == len(MODELS)
    assert [name for name, style in styles.items() if style.width > 2] == ["ease"]
    assert set(NAMES) == set(METRICS)
