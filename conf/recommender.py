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
    """What one kind of event says about a customer and a title.

    title: column with the id of the title.
    name: the title's name, as SQL over the columns.
    where: condition on the events that count, as SQL.
    measures: aggregates over a customer's events with a title on one day, by name.
    """

    title: Name
    name: str
    where: str = "true"
    measures: dict[Name, Measure] = Field(min_length=1)


class Column(Declaration):
    """A column of the interactions.

    sql: SQL over the measures of one row.
    about: meaning.
    """

    sql: str
    about: str


class Interactions(Declaration):
    """From events to one row per customer and title.

    sources: what counts as an interaction, by the name of the event.
    columns: further columns, by name.
    strength: SQL over the measures of one day. The strength of an interaction is the sum over its days; a title with a
        strength of 0 or less is seen, but not liked.
    half_life_days: a day counts half after so many days; null: always the same.
    history_days: only so many days before the as-of date count; null: all.
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

    factors: length of the vector of a customer or title.
    iterations: number of iterations.
    alpha: a strength s weighs `1 + alpha * w(s)`, and a title without an interaction weighs 1.
    weights: the function w: 1 (`binary`), log(1 + s) (`log`) or s (`linear`).
    regularisation: regularisation of the library `implicit`, in units of the size of the interactions (the sum of their
        weights over the square root of customers times titles), so that it means the same for few customers and for
        many; at about 1.5 all factors vanish.
    regularisation_per_interaction: regularisation of Spark, which multiplies it by the number of interactions of a
        customer or title.
    """

    factors: list[Factors] = Field(default=[64], min_length=1)
    iterations: PositiveInt = 10
    alpha: list[NotNegative] = Field(default=[1.0, 10.0], min_length=1)
    weights: list[Weights] = Field(default=["binary", "log"], min_length=1)
    regularisation: list[Positive] = Field(default=[0.02, 0.1, 0.5], min_length=1)
    regularisation_per_interaction: list[Positive] = Field(default=[0.1, 0.3], min_length=1)


class ItemItemGrid(Declaration):
    """Candidates of cosine similarity between titles: every combination of the lists.

    neighbours: number of similar titles that a title keeps.
    weights: the function w, as for ALS.
    history_titles: on Spark only so many of the strongest interactions of a customer are compared, since the number of
        pairs grows with the square.
    """

    neighbours: list[PositiveInt] = Field(default=[50, 200], min_length=1)
    weights: list[Weights] = Field(default=["binary", "log"], min_length=1)
    history_titles: PositiveInt = 200


class EaseGrid(Declaration):
    """Candidates of EASE: every combination of the lists.

    regularisation: regularisation, in units of the mean of the diagonal of the matrix of titles by titles, the weight
        of a title's interactions.
    weights: the function w, as for ALS.
    most_titles: maximum number of titles, since EASE inverts that matrix.
    """

    regularisation: list[Positive] = Field(default=[0.5, 5.0], min_length=1)
    weights: list[Weights] = Field(default=["binary"], min_length=1)
    most_titles: PositiveInt = 20_000


class RecommenderGrids(Declaration):
    """The candidates of each recommender; the best on the validation set is fitted again on all interactions.

    als: matrix factorisation for implicit feedback.
    item_item: cosine similarity of titles.
    ease: linear model of titles by titles in closed form.
    """

    als: AlsGrid = AlsGrid()
    item_item: ItemItemGrid = ItemItemGrid()
    ease: EaseGrid = EaseGrid()


class Recommender(Declaration):
    """How recommenders are fitted and evaluated, and what is recommended.

    holdout_days: the last so many days are the test set, and as many before them the validation set.
    holdout_share: share of each customer's titles, drawn by hash, in a second test set; the only one if the
        interactions have no dates.
    judged_titles: length of the evaluated lists.
    tuning_customers: maximum number of customers on whom candidates are compared, drawn by hash.
    judged_customers: maximum number of customers in an evaluation, drawn by hash.
    popular_days: titles that customers liked in the last so many days are popular.
    exclude_seen: recommend only titles that are new to the customer.
    liked_from: explicit rating from which a title counts as liked; null: their mean.
    grids: the candidates of each recommender.
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
