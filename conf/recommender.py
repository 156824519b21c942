"""Declarations of interactions and recommenders: what counts, how strong it is, and the candidates of each model."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from conf.declaration import EVENT_KEYS, Declaration, Name, Positive, check_aggregate, check_row
from conf.events import Event, Measure
from conf.lengths import Days
from conf.sql import SKETCHES, aggregate_name

# Columns that Encore adds to the interactions; a service must not declare columns with these names.
INTERACTION_KEYS = frozenset({"customer_id", "title", "date", "strength", "days", "first_date", "last_date"})

Weights = Literal["binary", "log", "linear"]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Factors = Annotated[int, Field(gt=0, le=1_000)]


class SourceEvent(Declaration):
    """A kind of event that counts as an interaction between a customer and a title.

    title: the column that identifies titles. If it is text, it is an id, as with `is_id: true`: each title has one
        spelling.
    name: Spark SQL over the columns of the event and `date` for the name of the title that people read.
    where: Spark SQL over the same columns for the events that count.
    measures: aggregates over a customer's events with a title on one day, by name.
    """

    title: Name
    name: str
    where: str = "true"
    measures: dict[Name, Measure] = Field(min_length=1)


class DerivedColumn(Declaration):
    """A column of the interactions that is computed from their measures.

    sql: Spark SQL over the measures of an interaction, merged over its days.
    about: meaning of the column. Default: its name in words.
    """

    sql: str
    about: str = ""


class Interactions(Declaration):
    """How events become interactions: one row per customer and title.

    sources: kinds of event that count, by the name of the event.
    columns: columns computed from the measures, by name.
    strength: Spark SQL over the measures of one day. The strength of an interaction is the sum over its days; if it is
        not above 0, the customer has seen the title but does not like it.
    half_life_days: number of days after which the strength of a day counts half. Null: it never fades.
    history_days: number of days before the as-of date that count. Null: all.
    """

    sources: dict[Name, SourceEvent] = Field(min_length=1)
    columns: dict[Name, DerivedColumn] = {}
    strength: str
    half_life_days: Days | None = None
    history_days: Days | None = None

    @property
    def measures(self) -> dict[str, Measure]:
        """The measures of a day, by name; sources may share a measure."""
        return {name: measure for source in self.sources.values() for name, measure in source.measures.items()}

    def with_ids(self, events: dict[str, Event]) -> dict[str, Event]:
        """The events, with each text that identifies titles as an id."""
        titles = {name: source.title for name, source in self.sources.items()}
        return {
            name: event.with_id(titles[name]) if titles.get(name) in event.columns else event
            for name, event in events.items()
        }

    def check(self, events: dict[str, Event]) -> None:
        """Check the sources and their SQL against the events of the service.

        Raises:
            ValueError: a source is not an event of the service, its SQL is not valid, or a name is taken.
        """
        types = set()
        merges: dict[str, str] = {}
        for name, source in self.sources.items():
            where = f"interactions.sources.{name}"
            if name not in events:
                raise ValueError(f"{where}: there is no such event; there are: {', '.join(sorted(events)) or 'none'}")
            columns = events[name].columns
            known = set(columns) | EVENT_KEYS
            if source.title not in set(columns) - {"customer_id"}:
                others = ", ".join(sorted(set(columns) - {"customer_id"})) or "none"
                raise ValueError(f"{where}.title: {source.title!r} cannot identify titles; choose one of {others}")
            types.add(columns[source.title].type)
            check_row(f"{where}.name", source.name, known)
            check_row(f"{where}.where", source.where, known)
            for key, measure in source.measures.items():
                check_aggregate(f"{where}.measures.{key}", measure.sql, known)
                if aggregate_name(measure.sql) in SKETCHES:
                    raise ValueError(f"{where}.measures.{key}: a sketch cannot be a measure of a title; remove it")
                if key in INTERACTION_KEYS:
                    raise ValueError(f"{where}.measures.{key}: this name is reserved; choose another")
                if merges.setdefault(key, measure.merged_by) != measure.merged_by:
                    raise ValueError(
                        f"{where}.measures.{key}: another source merges this name by {merges[key]}; rename one"
                    )
        if len(types) > 1:
            raise ValueError(
                f"interactions.sources: the titles have different types ({', '.join(sorted(types))}); "
                f"declare columns of one type"
            )
        check_row("interactions.strength", self.strength, set(merges))
        for key, column in self.columns.items():
            if key in INTERACTION_KEYS | set(merges):
                raise ValueError(f"interactions.columns.{key}: this name is taken; choose another")
            check_row(f"interactions.columns.{key}", column.sql, set(merges))


class AlsGrid(Declaration):
    """Candidates of ALS for implicit feedback: every combination of the lists.

    An interaction with strength s has the confidence `1 + alpha * w(s)`, and a title without an interaction has the
    confidence 1. The penalty of the library `implicit` means the same for few customers as for many, since it is
    relative to the size of the interactions, which is the sum of their confidences divided by the square root of
    customers times titles.

    factors: numbers of factors of a title, at most 1,000.
    iterations: number of iterations.
    alpha: factors of the weight in the confidence.
    weights: kinds of the weight w(s): `binary` is 1, `log` is log(1 + s), `linear` is s.
    regularisation: penalties of the library `implicit`, the same for every title and customer, relative to the size of
        the interactions. At about 1.5 all factors are 0.
    regularisation_per_interaction: penalties of Spark, which multiplies them by the number of interactions of each
        title or customer.
    """

    factors: list[Factors] = Field(default=[64], min_length=1)
    iterations: PositiveInt = 10
    alpha: list[NotNegative] = Field(default=[1.0, 10.0], min_length=1)
    weights: list[Weights] = Field(default=["binary", "log"], min_length=1)
    regularisation: list[Positive] = Field(default=[0.02, 0.1, 0.5], min_length=1)
    regularisation_per_interaction: list[Positive] = Field(default=[0.1, 0.3], min_length=1)


class ItemItemGrid(Declaration):
    """Candidates of item-item, which is cosine similarity of titles: every combination of the lists.

    neighbours: numbers of most similar titles that are kept for each title.
    weights: kinds of the weight of an interaction: `binary`, `log` or `linear`, as for ALS.
    history_titles: number of titles of a customer, the strongest ones, from which Spark computes similarities. The
        number of their pairs grows with its square. The library `implicit` uses all titles.
    """

    neighbours: list[PositiveInt] = Field(default=[50, 200], min_length=1)
    weights: list[Weights] = Field(default=["binary", "log"], min_length=1)
    history_titles: PositiveInt = 200


class EaseGrid(Declaration):
    """Candidates of EASE: every combination of the lists. EASE inverts a matrix of titles by titles.

    regularisation: penalties, relative to the mean of that matrix's diagonal (which for `binary` weights is the mean
        number of customers who like a title).
    weights: kinds of the weight of an interaction: `binary`, `log` or `linear`, as for ALS.
    most_titles: maximum number of titles in the catalogue.
    """

    regularisation: list[Positive] = Field(default=[0.5, 5.0], min_length=1)
    weights: list[Weights] = Field(default=["binary"], min_length=1)
    most_titles: PositiveInt = 20_000


class RecommenderGrids(Declaration):
    """Candidates of each recommender. The best one on the validation set is fitted again on all interactions.

    als: ALS for implicit feedback.
    item_item: cosine similarity of titles.
    ease: EASE.
    """

    als: AlsGrid = AlsGrid()
    item_item: ItemItemGrid = ItemItemGrid()
    ease: EaseGrid = EaseGrid()


class Recommender(Declaration):
    """How recommenders are fitted and evaluated, and what they recommend.

    The test set is the last `holdout_days` days, and the validation set is as many days before them. `holdout_share` of
    each customer's titles is a second test set. If the interactions have no dates, or cover fewer than three times
    `holdout_days` days, it is the only one, and such a share is the validation set, too.

    holdout_days: number of days of the test set and of the validation set.
    holdout_share: share of each customer's titles, chosen by hash, that is held out; above 0 and below 1.
    judged_titles: number of recommendations per customer that the metrics use.
    tuning_customers: maximum number of customers, chosen by hash, on whom candidates are compared; at least 2.
    judged_customers: maximum number of customers, chosen by hash, on whom a recommender is evaluated; at least 2.
    popular_days: number of last days from which the popularity of a title is computed.
    exclude_seen: whether titles that a customer has seen are not recommended.
    liked_from: least explicit rating that counts as liked. Null: the mean rating.
    grids: candidates of each recommender.
    """

    holdout_days: Days = 7
    holdout_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    judged_titles: PositiveInt = 10
    tuning_customers: PositiveInt = 5_000
    judged_customers: PositiveInt = 20_000
    popular_days: Days = 7
    exclude_seen: bool = True
    liked_from: float | None = None
    grids: RecommenderGrids = RecommenderGrids()

    @model_validator(mode="after")
    def _check_customers(self) -> "Recommender":
        if self.judged_customers < 2 or self.tuning_customers < 2:
            raise ValueError("tuning_customers, judged_customers: give at least 2, since intervals need two customers")
        return self
