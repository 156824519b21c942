"""How good the recommender is: each model beside the others and popular titles, on whatever was held out."""

from dataclasses import dataclass
from math import isfinite, isnan

from jobs.formatting import plural
from jobs.recommending.dataset import PARTS
from jobs.records.recommending import RankerEvaluation, RecommenderRecord, Settings
from jobs.reporting.model_comparison import UNKNOWN
from models.evaluation.intervals import Interval
from models.recommender.candidates import MODELS
from models.recommender.ranking import METRICS
from models.recommender.ratings import RatingErrors

BASELINE = "popular"
RANKED_BY = "ndcg"
NAMES = {"ndcg": "NDCG", "map": "MAP", "precision": "Precision", "recall": "Recall", "novelty": "Novelty"}
AT_LENGTH = ("ndcg", "map", "precision", "recall")  # shown with the length of the lists
FEWEST = 2  # customers that an interval needs


@dataclass(frozen=True)
class Ranker:
    """A model evaluated on a part; `over_popular` is the paired difference of its NDCG to the baseline's."""

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
class HeldOutPart:
    """What was held out, in words, and the models evaluated on it, the best first."""

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
        """Customers in the evaluation: the same for all models."""
        return max((one.customers for one in self.rankers), default=0)


@dataclass(frozen=True)
class RecommenderEvaluation:
    """What is known of the recommender, from its record."""

    record: RecommenderRecord
    parts: list[HeldOutPart]

    @property
    def title(self) -> str:
        """What the chosen model is called."""
        return title_of(self.record.chosen)

    @property
    def length(self) -> int:
        """Titles of a list that the metrics look at."""
        return self.record.judged_titles

    @property
    def why(self) -> str:
        """Why this model recommends, in words."""
        if self.record.chosen_by != "validation":
            return "asked for on the command line, whatever the others would have given"
        tried = plural(sum(map(len, self.record.tried.values())), "setting")
        if isnan(self.validation_ndcg.value):
            return "the first of those tried, since nothing could be held out to choose by"
        return f"the highest {self.called(RANKED_BY)} of {tried} of {plural(len(self.record.tried), 'model')}"

    @property
    def validation_ndcg(self) -> Interval:
        """NDCG of the chosen model on what was held out for the choice, with its best settings."""
        found = [one.ndcg or UNKNOWN for one in self.record.tried.get(self.record.chosen, [])]
        return max((one for one in found if isfinite(one.value)), key=lambda one: one.value, default=UNKNOWN)

    @property
    def settings(self) -> Settings:
        """Those of the chosen model."""
        return self.record.settings.get(self.record.chosen, {})

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
        """What nothing could be held out for, in words."""
        there = {one.name for one in self.parts}
        return [about for name, about in PARTS.items() if name not in there]

    @property
    def rating_errors(self) -> RatingErrors | None:
        """Of explicit ratings only."""
        found = self.record.ratings
        if not found:
            return None
        return RatingErrors(_interval(found.rmse, found.rows), _interval(found.rmse_of_mean, found.rows), found.rows)


def evaluation_of(record: RecommenderRecord) -> RecommenderEvaluation:
    """The evaluation in a record."""
    parts = [
        HeldOutPart(name, about, _rankers(record.parts[name], record.chosen))
        for name, about in PARTS.items()
        if record.parts.get(name)
    ]
    return RecommenderEvaluation(record, parts)


def title_of(model: str) -> str:
    """What people call a model."""
    return MODELS.get(model, model)


def _rankers(found: dict[str, RankerEvaluation], chosen: str) -> list[Ranker]:
    """The best first; those without a metric last."""
    rankers = [
        Ranker(
            name,
            title_of(name),
            {metric: _interval(value, one.customers) for metric, value in one.metrics.items()},
            one.customers,
            one.coverage,
            _interval(one.ndcg_over_popular, one.customers),
            name == chosen,
        )
        for name, one in found.items()
    ]
    return sorted(rankers, key=lambda one: -one.ndcg.value if isfinite(one.ndcg.value) else 1.0)


def _interval(found: Interval | None, customers: int) -> Interval:
    """One customer gives a number, and nothing that says how sure it is."""
    known = found or UNKNOWN
    return known if customers >= FEWEST else Interval(known.value, UNKNOWN.low, UNKNOWN.high)
