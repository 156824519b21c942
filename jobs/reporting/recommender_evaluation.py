"""How good the recommender is: each model beside the others and popular titles, on whatever was held out."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from jobs.formatting import plural
from jobs.recommending.dataset import PARTS
from jobs.reporting.model_comparison import UNKNOWN, interval
from jobs.storage.layer import Record
from models.evaluation.intervals import Interval
from models.recommender.candidates import MODELS
from models.recommender.ranking import METRICS

BASELINE = "popular"
RANKED_BY = "ndcg"
NAMES = {"ndcg": "NDCG", "map": "MAP", "precision": "Precision", "recall": "Recall", "novelty": "Novelty"}
AT_LENGTH = ("ndcg", "map", "precision", "recall")  # told with the length of the lists that they look at
FEWEST = 2  # customers that an interval takes


@dataclass(frozen=True)
class Ranker:
    """A model as it was judged on a part; `over_popular` is the paired difference of its NDCG to the baseline's."""

    name: str
    title: str
    metrics: dict[str, Interval]
    customers: int
    coverage: float
    over_popular: Interval
    is_chosen: bool

    @property
    def is_baseline(self) -> bool:
        """Whether it recommends what is popular, the same to everybody."""
        return self.name == BASELINE

    @property
    def ndcg(self) -> Interval:
        """By which models are chosen and compared."""
        return self.metrics.get(RANKED_BY, UNKNOWN)

    @property
    def comparison(self) -> str:
        """How it stands against popular titles, by the interval of the paired difference; empty if not known."""
        if self.over_popular.low > 0:
            return "beats"
        if self.over_popular.high < 0:
            return "ranks lower than"
        return "does not clearly beat" if isfinite(self.over_popular.low) else ""


@dataclass(frozen=True)
class Part:
    """Something that was held out, in words, and the models judged by it, the best first."""

    name: str
    about: str
    rankers: list[Ranker]

    @property
    def chosen(self) -> Ranker | None:
        """The model that recommends."""
        return next((one for one in self.rankers if one.is_chosen), None)

    @property
    def baseline(self) -> Ranker | None:
        """Popular titles."""
        return next((one for one in self.rankers if one.is_baseline), None)

    @property
    def better(self) -> list[Ranker]:
        """Those that rank higher than the chosen model on the same customers."""
        return [one for one in self.rankers if self.chosen and one.ndcg.value > self.chosen.ndcg.value]

    @property
    def customers(self) -> int:
        """Who are judged: the same for all models."""
        return max((one.customers for one in self.rankers), default=0)


@dataclass(frozen=True)
class RatingErrors:
    """Root mean squared error of foretold ratings, and of the mean rating, on the ratings that both foretell."""

    rmse: Interval
    rmse_of_mean: Interval
    rows: int


@dataclass(frozen=True)
class Study:
    """What is known of the recommender; `told` is its record."""

    told: Record
    parts: list[Part]

    @property
    def title(self) -> str:
        """What the chosen model is called."""
        return title_of(self.told["chosen"])

    @property
    def length(self) -> int:
        """Titles of a list that the metrics look at."""
        number: int = self.told["judged_titles"]
        return number

    @property
    def why(self) -> str:
        """Why this model recommends, in words."""
        if self.told["chosen_by"] != "validation":
            return "asked for on the command line, whatever the others would have given"
        tried = plural(sum(map(len, self.told["tried"].values())), "setting")
        if isnan(self.validation_ndcg.value):
            return "the first of those tried, since nothing could be held out to choose by"
        return f"the highest {self.called(RANKED_BY)} of {tried} of {plural(len(self.told['tried']), 'model')}"

    @property
    def validation_ndcg(self) -> Interval:
        """NDCG of the chosen model on what was held out for the choice, with its best settings."""
        found = [interval(one["ndcg"]) for one in self.told["tried"].get(self.told["chosen"], [])]
        return max((one for one in found if isfinite(one.value)), key=lambda one: one.value, default=UNKNOWN)

    @property
    def settings(self) -> dict[str, Any]:
        """Those of the chosen model."""
        found: dict[str, Any] = self.told["settings"].get(self.told["chosen"], {})
        return found

    @property
    def metrics(self) -> dict[str, str]:
        """What the metrics are called."""
        return {name: self.called(name) for name in METRICS}

    def called(self, metric: str) -> str:
        """'ndcg' -> 'NDCG@10'."""
        name = NAMES.get(metric, metric)
        return f"{name}@{self.length}" if metric in AT_LENGTH else name

    @property
    def missing(self) -> list[str]:
        """What nobody could be judged by, in words."""
        there = {one.name for one in self.parts}
        return [about for name, about in PARTS.items() if name not in there]

    @property
    def rating_errors(self) -> RatingErrors | None:
        """Of explicit ratings only."""
        told = self.told.get("ratings")
        if not told:
            return None
        rmse, rmse_of_mean = (_interval(told[name], told["rows"]) for name in ("rmse", "rmse_of_mean"))
        return RatingErrors(rmse, rmse_of_mean, told["rows"])


def studied(told: Record) -> Study:
    """The study of which this is the record."""
    return Study(told, _parts(told))


def title_of(model: str) -> str:
    """What people call a model."""
    return MODELS.get(model, model)


def _parts(study: Record) -> list[Part]:
    return [
        Part(name, about, _rankers(study["parts"][name], study["chosen"]))
        for name, about in PARTS.items()
        if study["parts"].get(name)
    ]


def _rankers(told: Record, chosen: str) -> list[Ranker]:
    """The best first; those of whom nothing is known last."""
    found = [
        Ranker(
            name,
            title_of(name),
            {metric: _interval(value, one["customers"]) for metric, value in one["metrics"].items()},
            one["customers"],
            one["coverage"],
            _interval(one["ndcg_over_popular"], one["customers"]),
            name == chosen,
        )
        for name, one in told.items()
    ]
    return sorted(found, key=lambda one: -one.ndcg.value if isfinite(one.ndcg.value) else 1.0)


def _interval(told: Mapping[str, Any] | None, customers: int) -> Interval:
    """Of one customer there is a number, and nothing that says how sure it is."""
    found = interval(told)
    return found if customers >= FEWEST else Interval(found.value, UNKNOWN.low, UNKNOWN.high)
