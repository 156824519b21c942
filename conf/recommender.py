"""How a recommender is declared: what counts as an interaction, how strong it is, and with what models are tried."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from conf.declaration import EVENT_KEYS, Days, Declaration, Name, Positive, check_aggregate, check_row
from conf.events import Event, Measure
from conf.sql import SKETCHES, aggregate_name

# Columns of the interactions that no service declares.
INTERACTION_KEYS = frozenset({"customer_id", "title", "date", "strength", "days", "first_date", "last_date"})

Weights = Literal["binary", "log", "linear"]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Factors = Annotated[int, Field(gt=0, le=1_000)]


class Source(Declaration):
    """What one kind of event says of a customer and a title.

    title: the column that tells titles apart; name: SQL for what people call the title; where: SQL for the events
    that count; measures: aggregates over a customer's events with a title on one day, which can be merged.
    """

    title: Name
    name: str
    where: str = "true"
    measures: dict[Name, Measure] = Field(min_length=1)


class Column(Declaration):
    """A column of the interactions made of their measures: SQL over one row."""

    sql: str
    about: str


class Interactions(Declaration):
    """From events to one row per customer and title.

    sources: by the name of the event. strength: SQL over the measures of one day; the strength of an interaction is
    the sum over its days, each worth half as much after `half_life_days` (null: always as much). What is not above 0
    is seen, but not liked. history_days: only so many days before as_of count (null: all).
    """

    sources: dict[Name, Source] = Field(min_length=1)
    columns: dict[Name, Column] = {}
    strength: str
    half_life_days: Days | None = None
    history_days: Days | None = None

    @property
    def measures(self) -> dict[str, Measure]:
        """All measures of a day; one that several sources share stands once."""
        return {name: measure for source in self.sources.values() for name, measure in source.measures.items()}

    def check(self, events: dict[str, Event]) -> None:
        """Raise ValueError where the sources are not of these events, or their SQL reads what is not there."""
        types = set()
        merges: dict[str, str] = {}
        for name, source in self.sources.items():
            where = f"interactions.sources.{name}"
            if name not in events:
                raise ValueError(f"{where}: there is no such event; there are: {', '.join(sorted(events)) or 'none'}")
            columns = events[name].columns
            known = set(columns) | EVENT_KEYS
            if source.title not in set(columns) - {"customer_id"}:
                raise ValueError(f"{where}.title: {source.title!r} is no column of this event that could tell titles")
            types.add(columns[source.title].type)
            check_row(f"{where}.name", source.name, known)
            check_row(f"{where}.where", source.where, known)
            for key, measure in source.measures.items():
                check_aggregate(f"{where}.measures.{key}", measure.sql, known)
                if aggregate_name(measure.sql) in SKETCHES:
                    raise ValueError(f"{where}.measures.{key}: a sketch says nothing of one title")
                is_taken = key in INTERACTION_KEYS
                if is_taken or merges.setdefault(key, measure.merged_by) != measure.merged_by:
                    raise ValueError(f"{where}.measures.{key}: has two meanings, or is a name of Encore's own")
        if len(types) > 1:
            raise ValueError(f"interactions.sources: the titles have different types: {sorted(types)}")
        check_row("interactions.strength", self.strength, set(merges))
        for key, column in self.columns.items():
            if key in INTERACTION_KEYS | set(merges):
                raise ValueError(f"interactions.columns.{key}: this name is taken")
            check_row(f"interactions.columns.{key}", column.sql, set(merges))


class AlsGrid(Declaration):
    """Candidates of ALS for implicit feedback: every combination of the lists.

    A strength s weighs `1 + alpha * w(s)` against 1 for a title without an interaction; w is 1 (`binary`), log(1 + s)
    (`log`) or s (`linear`). `regularisation` is that of the library `implicit`, the same for every title and customer,
    in units of the interactions' own size: the sum of their weights over the root of customers times titles, of which
    about 1.5 leave nothing of any factor. So it means the same for few customers and for many. That of Spark, times the
    interactions of each customer or title, does so by itself: `regularisation_per_interaction`.
    """

    factors: list[Factors] = Field(default=[64], min_length=1)
    iterations: PositiveInt = 10
    alpha: list[NotNegative] = Field(default=[1.0, 10.0], min_length=1)
    weights: list[Weights] = Field(default=["binary", "log"], min_length=1)
    regularisation: list[Positive] = Field(default=[0.02, 0.1, 0.5], min_length=1)
    regularisation_per_interaction: list[Positive] = Field(default=[0.1, 0.3], min_length=1)


class ItemItemGrid(Declaration):
    """Candidates of cosine similarity between titles, of which each keeps its nearest `neighbours`.

    On Spark only the `history_titles` strongest interactions of a customer say which titles go together: their pairs
    grow with the square.
    """

    neighbours: list[PositiveInt] = Field(default=[50, 200], min_length=1)
    weights: list[Weights] = Field(default=["binary", "log"], min_length=1)
    history_titles: PositiveInt = 200


class EaseGrid(Declaration):
    """Candidates of EASE; it inverts a matrix of titles by titles, so the catalogue has at most `most_titles`.

    `regularisation` is in units of the mean of that matrix's diagonal: a title's interactions, by weight.
    """

    regularisation: list[Positive] = Field(default=[0.5, 5.0], min_length=1)
    weights: list[Weights] = Field(default=["binary"], min_length=1)
    most_titles: PositiveInt = 20_000


class RecommenderGrids(Declaration):
    """What each model is tried with; the best on the validation part is fitted again on everything."""

    als: AlsGrid = AlsGrid()
    item_item: ItemItemGrid = ItemItemGrid()
    ease: EaseGrid = EaseGrid()


class Recommender(Declaration):
    """How models are fitted and judged, and what is recommended.

    The last `holdout_days` days are the test part, as many before them the validation part; where the interactions have
    no dates, `holdout_share` of each customer's titles, drawn by hash, take their place (and are looked at besides).
    Metrics look at the first `judged_titles` recommendations. At most `tuning_customers` and `judged_customers`, drawn
    by hash, are looked at. popular_days: what customers liked in these last days is popular. `liked_from`: explicit
    ratings from here on say that a title is liked (null: from their mean on).
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
    def _something_is_judged(self) -> "Recommender":
        if self.judged_customers < 2 or self.tuning_customers < 2:
            raise ValueError("tuning_customers and judged_customers: an interval needs two at least")
        return self
