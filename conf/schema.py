"""What a service's YAML may say. Each class is one kind of declaration; all the layers are derived from them.

Every expression is Spark SQL and is checked when the file is read: it parses, and reads only columns that exist.
"""

import re
from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from conf import sql
from conf.declaration import (
    FOLDERS,
    MODEL_KEYS,
    MODEL_PREFIXES,
    OBSERVED_KEYS,
    TABLE_KEYS,
    TILE_KEYS,
    Days,
    Declaration,
    Level,
    Name,
    check_aggregate,
    check_row,
)
from conf.events import Event, Measure
from conf.finished import FinishedTable
from conf.learning import Alive, Audit, Drift, Targeting, Training
from conf.network import Network
from conf.recommender import Interactions, Recommender


class Windows(Declaration):
    """Lengths of the windows around an as-of date, in days.

    observation_days: features look at these days before the as-of date.
    gap_days: days from the as-of date to the beginning of the outcome.
    outcome_days: the label looks at these days.
    """

    observation_days: Days
    gap_days: int = Field(default=0, ge=0, le=36_500)
    outcome_days: Days


class Bots(Declaration):
    """Which customers are bots. From such a day on, a customer is in no table.

    when: condition on one day of a customer, as SQL over the measures and `events`, the number of events of any kind.
    about: the same in words.
    """

    when: str
    about: str


class Eligible(Declaration):
    """Which customers are used for training, evaluation and scoring; the others have `eligible` false.

    when: condition on a customer, as SQL over the features.
    about: the same in words.
    """

    when: str
    about: str


class Label(Declaration):
    """The outcome that is predicted.

    name: short name of label 1, such as churn.
    when: condition on one day of the outcome, as SQL over the measures; of a finished table, on its row.
    one_if: the label is 1 if some day of the outcome meets the condition (`present`), or if none does (`absent`).
    about: label 1 in words.
    """

    name: Name
    when: str
    one_if: Literal["present", "absent"]
    about: str

    @property
    def leaves_is_one(self) -> bool:
        """Whether label 1 says that the customer left: nothing happened any more (`absent`).

        The one place that decides the direction; every risk and all money follow from it.
        """
        return self.one_if == "absent"


Kind = Literal["count", "flag", "amount", "duration", "days", "share", "ratio", "rating", "category", "sketch"]


def may_be_null(fill: float | None, null_means: str) -> bool:
    """Whether null occurs in a column: not where a fill replaces it, nor where the declaration rules it out."""
    return fill is None and not null_means.startswith("never null")


class Feature(Declaration):
    """A column of the feature table, for each of its windows.

    `{days}` stands for the length of the window in the name and in all texts and SQL. Give exactly one of `from_tiles`
    and `from_features`, and exactly one of `fill` and `null_means`.

    kind: type, range and treatment in models; a sketch is always internal.
    unit: unit of the values.
    about: meaning.
    from_tiles: one aggregate over the daily tiles of the window, as SQL over the measures, `date`, `events`,
        `age_days` (1 for the day before the as-of date) and `gap_days` (days since the customer's active day before).
    where: condition on the tiles that count, as SQL.
    from_features: SQL over features declared above, and over the columns of a finished table.
    windows: lengths in days, one column for each; by default the whole observation window.
    fill: replaces null.
    cap: greater values are set to it; the customers above it are counted.
    null_means: what null means; a text that begins with `never null` promises that there is none.
    alias: another name, for the feature dictionary.
    levels: values of a category, each with an input of its own in a model.
    internal: the feature is used by others and is not in the table.
    """

    kind: Kind
    unit: str
    about: str
    from_tiles: str | None = None
    where: str | None = None
    from_features: str | None = None
    windows: list[PositiveInt] = []
    fill: int | float | None = None
    cap: int | float | None = None
    null_means: str | None = None
    alias: str | None = None
    levels: list[Level] = []
    internal: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> "Feature":
        if (self.from_tiles is None) == (self.from_features is None):
            raise ValueError("give one of from_tiles and from_features")
        if self.where and not self.from_tiles:
            raise ValueError("`where` belongs to from_tiles")
        if (self.fill is None) == (self.null_means is None) and not self.internal:
            raise ValueError("say what null means: give one of fill and null_means")
        if self.kind == "sketch" and not self.internal:
            raise ValueError("a sketch is no column of the table: it must be internal")
        if self.cap is not None and (self.kind in ("category", "sketch") or self.internal):
            raise ValueError("a cap belongs to a number of the table")
        if bool(self.levels) != (self.kind == "category"):
            raise ValueError("`levels` belongs to a category, and a category needs it")
        if len({level.lower() for level in self.levels}) < len(self.levels):
            raise ValueError("levels: each needs a name of its own, and upper or lower case makes no difference")
        if self.from_tiles:
            sql.aggregate_name(self.from_tiles)
        return self

    @property
    def term_endings(self) -> list[str]:
        """Endings of the terms that a model has for it besides one of its own name: for each level, or for null."""
        is_null_told = may_be_null(self.fill, self.null_means or "")
        return [f"_is_{level}" for level in self.levels] or (["_is_missing"] if is_null_told else [])


class Service(Declaration):
    """A service: `conf/<name>.yaml`. It starts from raw `events`, or from a finished `table`.

    title: name for people.
    about: what the service is, and what its outcome means.
    windows: lengths of the observation window and of the outcome.
    events: raw activity, by the name of the event.
    table: the finished table that replaces events.
    bots: which customers are bots.
    features: columns of the feature table by name, in their order.
    eligible: which customers are used for training, evaluation and scoring.
    label: the outcome that is predicted.
    recency_feature: feature of the recency baseline, which predicts from it alone.
    alive: what the BG/NBD baseline reads; without it there is no such baseline.
    training: how models are fitted.
    network: the neural network of `encore train-keras`.
    interactions: what customers did with titles; without it nothing is recommended.
    recommender: how recommenders are fitted and evaluated.
    targeting: costs and values for the contact list; without it nobody is marked as a contact.
    audit: limits of the leakage audit.
    drift: limits of drift.
    """

    title: str
    about: str
    windows: Windows
    events: dict[Name, Event] = {}
    table: FinishedTable | None = None
    bots: Bots | None = None
    features: dict[str, Feature] = Field(min_length=1)
    eligible: Eligible
    label: Label
    recency_feature: Name
    alive: Alive | None = None
    training: Training = Training()
    network: Network = Network()
    interactions: Interactions | None = None
    recommender: Recommender = Recommender()
    targeting: Targeting | None = None
    audit: Audit = Audit()
    drift: Drift = Drift()

    @model_validator(mode="after")
    def _layers_fit(self) -> "Service":
        if bool(self.events) == bool(self.table):
            raise ValueError("give one of events (raw logs) and table (a finished table)")
        taken = sorted(FOLDERS & set(self.events))
        if taken:
            raise ValueError(f"events.{taken[0]}: this is a name of Encore's own; choose another")
        tile = set(self.measures) | TILE_KEYS
        if self.bots and self.table:
            raise ValueError("bots: a finished table has no days by which to know them")
        if self.bots:
            check_row("bots.when", self.bots.when, tile - {"is_bot"})
        check_row("label.when", self.label.when, set(self.table.columns) if self.table else tile)
        table = self._check_features(set(self.measures) | OBSERVED_KEYS)
        check_row("eligible.when", self.eligible.when, table)
        internal = {template for template, feature in self.features.items() if feature.internal}
        if self.recency_feature not in table - internal:
            raise ValueError(f"recency_feature: there is no feature {self.recency_feature!r} in the table")
        for key, expression in (self.alive.model_dump(exclude={"unit_days"}) if self.alive else {}).items():
            check_row(f"alive.{key}", expression, table - internal)
        for key, expression in (self.targeting.expressions if self.targeting else {}).items():
            check_row(f"targeting.{key}", expression, table - internal)
        if self.interactions:
            self.interactions.check(self.events)
        return self

    def _check_features(self, observed: set[str]) -> set[str]:
        given = set(self.table.columns) if self.table else set()
        known: set[str] = set()
        for template, feature in self.features.items():
            where = f"features.{template}"
            if self.table and feature.from_tiles:
                raise ValueError(f"{where}: a finished table has no tiles; use from_features")
            if bool(feature.windows) != ("{days}" in template):
                raise ValueError(f"{where}: a name has {{days}} exactly when it has windows")
            for days in feature.windows or [self.windows.observation_days]:
                name = template.replace("{days}", str(days))
                is_taken = name in known | TABLE_KEYS | MODEL_KEYS or name.startswith(MODEL_PREFIXES)
                if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or is_taken:
                    raise ValueError(f"{where}: {name!r} is no name for a feature, or is taken")
                if days > self.windows.observation_days:
                    raise ValueError(f"{where}: {days} days is longer than the observation window")
                if feature.from_tiles:
                    check_aggregate(f"{where}.from_tiles", feature.from_tiles, observed)
                    check_row(f"{where}.where", feature.where or "true", observed)
                else:
                    finished = (feature.from_features or "").replace("{days}", str(days))
                    check_row(f"{where}.from_features", finished, known | given)
                known.add(name)
        self._check_terms()
        return known

    def _check_terms(self) -> None:
        """Refuse features of which a model would have two terms of one name; engines do not tell case apart."""
        owners: dict[str, str] = {}
        for template, feature in self.features.items():
            endings = [] if feature.internal else ["", *feature.term_endings]
            for days in feature.windows or [self.windows.observation_days]:
                name = template.replace("{days}", str(days))
                for term in (name + ending for ending in endings):
                    if (owner := owners.setdefault(term.lower(), name)) != name:
                        raise ValueError(
                            f"features.{template}: {term!r} is a name that {owner!r} has in a model; rename"
                        )

    @model_validator(mode="after")
    def _measures_agree(self) -> "Service":
        types = {event.columns["customer_id"].type for event in self.events.values()}
        if len(types) > 1:
            raise ValueError(f"customer_id has different types in the events: {sorted(types)}")
        declared: dict[str, str] = {}
        for event in self.events.values():
            for name, measure in event.measures.items():
                is_taken = name in TILE_KEYS | OBSERVED_KEYS | TABLE_KEYS
                if is_taken or declared.setdefault(name, measure.merged_by) != measure.merged_by:
                    raise ValueError(f"measure {name!r} is declared with two meanings, or is a name of Encore's own")
        return self

    @property
    def measures(self) -> dict[str, Measure]:
        """All measures of a tile; one that several events share stands once."""
        return {name: measure for event in self.events.values() for name, measure in event.measures.items()}
