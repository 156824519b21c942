"""Declaration of a service: its windows, events, features, eligible customers and label. All layers derive from it.

Every expression is Spark SQL. It is checked when the file is read: it must parse, and read only columns that exist.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from pydantic import Field, model_validator

from conf import sql
from conf.declaration import (
    MODEL_KEYS,
    MODEL_PREFIXES,
    OBSERVED_KEYS,
    RESERVED_EVENTS,
    TABLE_KEYS,
    TILE_KEYS,
    Declaration,
    Level,
    Name,
    Share,
    check_aggregate,
    check_row,
)
from conf.defaults import completed
from conf.events import Event, Measure
from conf.families import Family
from conf.finished import FinishedTable
from conf.learning import Alive, Audit, Drift, Training
from conf.lengths import Days, DaysOrNone
from conf.levels import level_names
from conf.network import Network
from conf.recommender import Interactions, Recommender
from conf.says import problem_of
from conf.targeting import Targeting
from conf.uses import Use
from conf.words import Words

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Windows(Declaration):
    """Lengths of the windows before and after an as-of date, in days.

    observation_days: length of the observation window, which ends on the day before the as-of date.
    gap_days: number of days from the as-of date to the first day of the outcome window; with 0
        the as-of date is that day.
    outcome_days: length of the outcome window.
    """

    observation_days: Days
    gap_days: DaysOrNone = 0
    outcome_days: Days


class Coverage(Declaration):
    """Which days without logs are no reason to distrust a label.

    closed: days on which nothing is logged: days of the week in English and lower case, and dates, such as
        `[sunday, 2016-12-25]`.
    tolerated_missing_days: number of other days of an outcome window that may lack logs. Labels are uncertain if more
        are missing; features are thin if more days of their window are.
    """

    closed: list[Weekday | date] = []
    tolerated_missing_days: int = Field(default=0, ge=0, le=36_500)


class Rejections(Declaration):
    """How many rejected lines are normal; `--accept-rejected` takes more.

    An archive with more of them ends `encore unpack` with exit code 4. A day of an event with more is not ingested.

    most_share: greatest share of the lines of an archive or a day that may be rejected.
    always_lines: number of rejected lines of an archive or a day that is always accepted, as long as some line of it is
        not rejected.
    """

    most_share: Share = 0.05
    always_lines: int = Field(default=19, ge=0)

    def are_too_many(self, rejected: int, lines: int) -> bool:
        """Whether so many of the lines of an archive or a day must not be rejected."""
        are_many = rejected > self.always_lines and rejected > self.most_share * lines
        return rejected > 0 and (rejected == lines or are_many)


class Bots(Declaration):
    """Customers who are programs and not persons. They are left out from the day after such a day on.

    when: Spark SQL over one daily tile: `customer_id`, `date`, `events` (their number) and the measures.
    about: meaning of the condition, which the report prints. Default: the condition.
    """

    when: str
    about: str = ""


class Eligible(Declaration):
    """Customers who are used for training and tests, and who are scored.

    when: Spark SQL over the features, internal ones included. A condition that is null counts as false.
    about: meaning of the condition, which the report and the dictionary print. Default: the condition.
    """

    when: str
    about: str = ""


class Label(Declaration):
    """The outcome to predict: 0 or 1 for each customer and as-of date.

    name: name of the outcome, such as `churn`.
    when: Spark SQL over one daily tile of the outcome window: `customer_id`, `date`, `events`, `is_bot` and the
        measures. For a finished table it is over the columns of the row.
    one_if: `present` makes the label 1 if the condition is true on some day of the outcome window; `absent` makes it 1
        if the condition is true on no day.
    about: meaning of label 1, which the report and the dictionary print. Default: for a condition such as `purchases >
        0`, where `use` has an event that is counted so, a sentence; else the name in words.
    """

    name: Name
    when: str
    one_if: Literal["present", "absent"]
    about: str = ""

    @property
    def leaves_is_one(self) -> bool:
        """Whether label 1 means that the customer left, since nothing happened (`absent`).

        Only this property decides the direction of every risk and of all money.
        """
        return self.one_if == "absent"


FeatureKind = Literal["count", "flag", "amount", "duration", "days", "share", "ratio", "rating", "category", "sketch"]


def may_be_null(fill: float | None, null_means: str) -> bool:
    """Whether a feature may be null: not if a fill replaces null, nor if `null_means` says that it is never null."""
    return fill is None and not null_means.startswith("never null")


class Feature(Declaration):
    """A column of the feature table, or one for each of its windows.

    The text `{days}` in the name, `about`, `from_features`, `null_means`, `alias` and `says` stands for the length of
    the window. `{period}` in `about`, `null_means` and `says`, and in the `about` of the service, of `eligible` and of
    `label`, stands for the length of the observation window in words, such as `30 days` or `a year`, and
    `{outcome_days}` for the days of the outcome window.

    kind: kind of the values, which decides type and range: `count` (whole number from 0), `flag` (0 or 1), `amount`
        (number), `duration` (number from 0), `days` (number from 0), `share` (0 to 1), `ratio` (number), `rating` (0 to
        10), `category` (text) or `sketch` (of distinct values; only for an internal feature).
    unit: unit of the values, which the dictionary prints.
    about: meaning of the feature, which the report and the dictionary print. Default: the name in words.
    from_tiles: one call of an aggregate over the daily tiles of a customer in the window: Spark SQL over `date`,
        `events` (their number), `age_days` (1 for the day before the as-of date), `gap_days` (days since the customer's
        previous active day; null for the first one) and the measures. Give either `from_tiles` or `from_features`.
    where: Spark SQL over the same columns for the tiles that count; for `from_tiles` only. Its `gap_days` are then the
        days since the customer's previous day that counts, unless the condition itself reads `gap_days`.
    from_features: Spark SQL over the features declared above, and over the columns of a finished table.
    windows: lengths of windows in days, or such as `4 weeks`; each of them makes one column, and all of them end before
        the as-of date. Without it: the whole observation window.
    fill: value that replaces null. Give either `fill` or `null_means`, except for an internal feature.
    cap: greatest value; greater ones are set to it, and the report counts their customers. Null: no limit.
    null_means: what null means, for the dictionary. A text that begins with `never null` declares that null does not
        occur.
    alias: another name of the feature, which the dictionary prints.
    levels: values of a `category`, which may be any text; required for this kind, and for no other. The model term of
        `United Kingdom` is NAME_is_United_Kingdom. `auto` takes the 20 most frequent values of the training rows: each
        model keeps those that it was trained with.
    internal: whether the feature is left out of the table and only read by other features.
    family: what the feature tells of a customer: `recency` (how recently), `frequency` (how often), `depth` (how
        fully), `trend` (more or less than before), `money` or `taste` (what). Reasons are given by family. Null: by
        kind, `days` to recency, `count`, `flag` and `duration` to frequency, `share` and `rating` to depth, `ratio` to
        trend, `amount` to money, `category` to taste.
    says: the fact in words, for features that a reason may name, such as `last heard {value} {1:day|days} ago`:
        `{value}` is the customer's value (a duration with its unit), `{percent}` the value in percent, and a choice has
        a text for some values and one for all others; beside a choice, a count of 0 is `no`. Null: `about` with the
        value, where no feature of the family says anything.
    """

    kind: FeatureKind
    unit: str
    about: str = ""
    from_tiles: str | None = None
    where: str | None = None
    from_features: str | None = None
    windows: list[Days] = []
    fill: int | float | None = None
    cap: int | float | None = None
    null_means: str | None = None
    alias: str | None = None
    levels: list[Level] | Literal["auto"] = []
    internal: bool = False
    family: Family | None = None
    says: str | None = None

    @model_validator(mode="after")
    def _check_keys(self) -> "Feature":
        if (self.from_tiles is None) == (self.from_features is None):
            raise ValueError("from_tiles, from_features: give exactly one of them")
        if self.where and not self.from_tiles:
            raise ValueError("where: only a feature with from_tiles has it; remove it")
        if (self.fill is None) == (self.null_means is None) and not self.internal:
            raise ValueError("fill, null_means: give exactly one of them, so that it is clear what null means")
        if self.kind == "sketch" and not self.internal:
            raise ValueError("internal: a sketch cannot be a column of the table; give `internal: true`")
        if self.cap is not None and (self.kind in ("category", "sketch") or self.internal):
            raise ValueError("cap: only a number in the table has a cap; remove it")
        if self.kind == "category" and not self.levels:
            raise ValueError("levels: a category needs them; give its values")
        if self.levels and self.kind != "category":
            raise ValueError("levels: only a category has them; remove this key")
        if len(set(self.declared_levels)) < len(self.declared_levels):
            raise ValueError("levels: a value stands twice; remove one of the two")
        if self.says and self.internal:
            raise ValueError("says: no reason names an internal feature; remove this key")
        if self.says and (problem := problem_of(self.says, self.declared_levels)):
            raise ValueError(f"says: {problem}")
        if self.from_tiles:
            sql.aggregate_name(self.from_tiles)
        return self

    @property
    def declared_levels(self) -> list[str]:
        """The levels of a category; empty where they are those of the training rows, and for other kinds."""
        return [] if self.levels == "auto" else list(self.levels)

    @property
    def term_endings(self) -> list[str]:
        """The suffixes of the model's terms for this feature, besides its name: for each level, or for null."""
        if self.kind == "category":
            return [f"_is_{name}" for name in level_names(self.declared_levels).values()]
        return ["_is_missing"] if may_be_null(self.fill, self.null_means or "") else []


class Service(Declaration):
    """A service: `conf/<name>.yaml`.

    title: name of the service, for people.
    about: description of the service and of its outcome, which the report prints. Default: the title.
    words: what the report calls customers and titles, and what they do.
    windows: lengths of the windows before and after an as-of date.
    coverage: which days may lack logs.
    events: kinds of event in the raw logs, by name. Give either `events` or `table`.
    table: finished table with one row per customer.
    rejections: how many rejected lines of an event and day are normal.
    bots: customers who are programs.
    use: presets of features, by the name of the event.
    features: columns of the feature table, by name; each reads only features declared above it. Those of `use` come
        first.
    eligible: customers who are used for training and tests, and who are scored. Default: those with an event of the
        first of `use` in the observation window.
    label: the outcome to predict.
    recency_feature: feature of the table by which the recency baseline orders customers. Default: the days since the
        last event of the first of `use`, where it has the preset `recency`.
    alive: inputs of the BG/NBD baseline. Without them this baseline is not fitted.
    training: how models are fitted.
    network: the neural network.
    interactions: how events become interactions of customers and titles. Without it titles are recommended only from
        files of ratings.
    recommender: how recommenders are fitted and evaluated.
    targeting: aim, cost and value of contacting a customer. Without them there is no contact list, unless the command
        line gives them.
    audit: limits of the leakage audit.
    drift: limits of drift.
    """

    title: str
    about: str = ""
    words: Words = Words()
    windows: Windows
    coverage: Coverage = Coverage()
    events: dict[Name, Event] = {}
    table: FinishedTable | None = None
    rejections: Rejections = Rejections()
    bots: Bots | None = None
    use: dict[Name, Use] = Field(default={}, exclude=True)  # empty once it is expanded
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

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, declared: object) -> object:
        return completed(declared) if isinstance(declared, dict) else declared

    @model_validator(mode="after")
    def _check_layers(self) -> "Service":
        if bool(self.events) == bool(self.table):
            raise ValueError("events, table: give exactly one of events (raw logs) and table (a finished table)")
        taken = sorted(RESERVED_EVENTS & set(self.events))
        if taken:
            raise ValueError(f"events.{taken[0]}: this name is reserved; choose another")
        tile = set(self.measures) | TILE_KEYS
        if self.bots and self.table:
            raise ValueError("bots: a finished table has no daily tiles to find bots in; remove this key")
        if self.bots:
            check_row("bots.when", self.bots.when, tile - {"is_bot"})
        check_row("label.when", self.label.when, set(self.table.columns) if self.table else tile)
        table = self._check_features(set(self.measures) | OBSERVED_KEYS)
        check_row("eligible.when", self.eligible.when, table)
        internal = {template for template, feature in self.features.items() if feature.internal}
        if self.recency_feature not in table - internal:
            raise ValueError(f"recency_feature: there is no feature {self.recency_feature!r} in the table; choose one")
        for key, expression in (self.alive.model_dump(exclude={"unit_days"}) if self.alive else {}).items():
            check_row(f"alive.{key}", expression, table - internal)
        for key, expression in (self.targeting.expressions if self.targeting else {}).items():
            check_row(f"targeting.{key}", expression, table - internal)
        if self.interactions:
            object.__setattr__(self, "events", self.interactions.with_ids(self.events))  # it is frozen
            self.interactions.check(self.events)
        return self

    def _check_features(self, observed: set[str]) -> set[str]:
        given = set(self.table.columns) if self.table else set()
        known: set[str] = set()
        for template, feature in self.features.items():
            where = f"features.{template}"
            if self.table and feature.from_tiles:
                raise ValueError(f"{where}: a finished table has no daily tiles; use from_features")
            if bool(feature.windows) != ("{days}" in template):
                raise ValueError(f"{where}: a name needs {{days}} if the feature has windows, and only then; rename it")
            for days in feature.windows or [self.windows.observation_days]:
                name = template.replace("{days}", str(days))
                if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                    raise ValueError(
                        f"{where}: {name!r} must consist of a-z, 0-9 and _, and begin with a letter; rename it"
                    )
                if name in known | TABLE_KEYS | MODEL_KEYS or name.startswith(MODEL_PREFIXES):
                    raise ValueError(f"{where}: the name {name!r} is taken or reserved; choose another")
                if days > self.windows.observation_days:
                    raise ValueError(f"{where}: {days} days is longer than the observation window; shorten it")
                if feature.from_tiles:
                    check_aggregate(f"{where}.from_tiles", feature.from_tiles, observed)
                    check_row(f"{where}.where", feature.where or "true", observed)
                else:
                    expression = (feature.from_features or "").replace("{days}", str(days))
                    check_row(f"{where}.from_features", expression, known | given)
                known.add(name)
        self._check_terms()
        return known

    @model_validator(mode="after")
    def _check_readings(self) -> "Service":
        for name, event in self.events.items():
            if not event.landing.lines_of:
                try:
                    self.layout(name)
                except ValueError as error:
                    raise ValueError(f"events.{name}.{error}") from None
        return self

    def _check_terms(self) -> None:
        """Raise ValueError if a model would have two terms of one name; engines do not distinguish case."""
        owners: dict[str, str] = {}
        for template, feature in self.features.items():
            endings = [] if feature.internal else ["", *feature.term_endings]
            for days in feature.windows or [self.windows.observation_days]:
                name = template.replace("{days}", str(days))
                for term in (name + ending for ending in endings):
                    if (owner := owners.setdefault(term.lower(), name)) != name:
                        raise ValueError(
                            f"features.{template}: {term!r} is also a model term of {owner!r}; rename one of the two"
                        )
        self._check_auto_terms(owners)

    def _check_auto_terms(self, owners: Mapping[str, str]) -> None:
        """Raise ValueError if another term could be that of a level which only the training rows will show."""
        for template, feature in self.features.items():
            for days in (feature.windows or [self.windows.observation_days]) if feature.levels == "auto" else []:
                name = template.replace("{days}", str(days))
                for term, owner in owners.items():
                    if owner != name and term.startswith(f"{name}_is_".lower()):
                        raise ValueError(
                            f"features.{template}: {term!r} of {owner!r} could be the model term of a level; rename it"
                        )

    @model_validator(mode="after")
    def _check_measures(self) -> "Service":
        types = sorted({event.columns["customer_id"].type for event in self.events.values()})
        if len(types) > 1:
            raise ValueError(f"events: customer_id has different types: {', '.join(types)}; declare one type in all")
        if len({event.columns["customer_id"].whole_numbers for event in self.events.values()}) > 1:
            raise ValueError("events: customer_id has whole_numbers in some events only; declare it in all or in none")
        merges: dict[str, str] = {}
        for event_name, event in self.events.items():
            for name, measure in event.measures.items():
                where = f"events.{event_name}.measures.{name}"
                if name in TILE_KEYS | OBSERVED_KEYS | TABLE_KEYS:
                    raise ValueError(f"{where}: this name is reserved; choose another")
                if merges.setdefault(name, measure.merged_by) != measure.merged_by:
                    raise ValueError(f"{where}: another event merges this name by {merges[name]}; rename one")
        return self

    def sharing(self, name: str) -> dict[str, str | None]:
        """The events that read the lines of an event, itself included, with the condition of each."""
        own = self.events[name].landing.lines_of or name
        return {
            other: event.landing.where
            for other, event in self.events.items()
            if (event.landing.lines_of or other) == own
        }

    def layout(self, name: str) -> str:
        """The value of the `--event` option of `shell/unpack.sh` for an event with lines of its own."""
        return self.events[name].layout(name, self._sharing(name))

    def reading(self, name: str) -> dict[str, Any]:
        """How the files of an event with lines of its own are read; see `Event.reading`."""
        return self.events[name].reading(self._sharing(name))

    def _sharing(self, name: str) -> list[Event]:
        return [self.events[other] for other in self.sharing(name) if other != name]

    @property
    def has_whole_customers(self) -> bool:
        """Whether the id `17850.0` of a customer is that of `17850`."""
        if self.table:
            return self.table.columns["customer_id"].whole_numbers
        return any(event.columns["customer_id"].whole_numbers for event in self.events.values())

    @property
    def has_whole_titles(self) -> bool:
        """Whether the id `12.0` of a title is that of `12`."""
        sources = self.interactions.sources if self.interactions else {}
        return any(self.events[name].columns[source.title].whole_numbers for name, source in sources.items())

    @property
    def measures(self) -> dict[str, Measure]:
        """The measures of a daily tile, by name; events may share a measure."""
        return {name: measure for event in self.events.values() for name, measure in event.measures.items()}

    @property
    def label_events(self) -> list[str]:
        """The kinds of event that the label reads: those of its measures, or all where it reads others' traces."""
        read = sql.columns_of(self.label.when)
        owners = [name for name, event in self.events.items() if read & set(event.measures)]
        return owners if read <= set(self.measures) | {"customer_id", "date"} and owners else list(self.events)
