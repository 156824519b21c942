"""What a service's YAML may say. Each class is one kind of declaration; all the layers are derived from them.

Every expression is Spark SQL and is checked when the file is read: it parses, and reads only columns that exist.
"""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import PurePath
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator, model_validator

from conf import sql

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Type = Annotated[str, Field(pattern=r"^(bigint|int|string|boolean|date|timestamp|decimal\(\d{1,2},\d{1,2}\))$")]

Level = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]  # becomes part of a column's name
Days = Annotated[int, Field(gt=0, le=36_500)]  # a date this far back can still be written down

# Columns of each layer that no service declares: they are the grain, or follow from it.
EVENT_KEYS = frozenset({"customer_id", "date"})
RESERVED = frozenset({"date", "reason", "repairs", "copies"})
RAW = "raw_"  # stands before the name of a raw field beside the typed columns
TILE_KEYS = frozenset({"customer_id", "date", "events", "is_bot"})
OBSERVED_KEYS = frozenset({"date", "events", "age_days", "gap_days"})
TABLE_KEYS = frozenset({"customer_id", "as_of", "eligible", "label", "label_status"})
# Columns that training and scoring put beside the features, and how the names of others begin.
MODEL_KEYS = frozenset(
    {
        "probability",
        "recency_probability",
        "inputs",
        "risk",
        "decile",
        "expected_profit",
        "contact",
        "weight",
        "fold",
        "fine_bin",
    }
)
MODEL_PREFIXES = ("reason_", "input_", RAW)
FOLDERS = frozenset({"rejected"})  # stands beside the folders of the events


class Declaration(BaseModel):
    """Base of all declarations: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Windows(Declaration):
    """Lengths of the windows around an as-of date, in days."""

    observation_days: Days
    gap_days: int = Field(default=0, ge=0, le=36_500)
    outcome_days: Days


class Landing(Declaration):
    """How the raw lines of an event look; `shell/unpack.sh` is told by these words.

    `lines` are split at the separator, fields by position. `records` are CSV with a header or JSON lines, whichever a
    file begins as, fields by name; a time with an offset in the field `day` is put on the clock of `zone`, which
    tells the day, and one without is on it already.
    """

    files: str = Field(min_length=1)
    fields: list[Name] = Field(min_length=1)
    customer: Name
    day: str = Field(pattern=r"^(name|[a-z][a-z0-9_]*)(,[a-z][a-z0-9_]*)?$")
    format: Literal["lines", "records"] = "lines"
    separator: Literal["tab", "space"] = "tab"
    header: int = Field(default=0, ge=0)
    zone: str = "UTC"
    part: str | None = None
    parts_per_day: PositiveInt | None = None

    @model_validator(mode="after")
    def _names_are_fields(self) -> "Landing":
        if len(set(self.fields)) < len(self.fields) or "date" in self.fields:
            raise ValueError("fields: each needs a name of its own, and `date` is the day of the line")
        for name in (self.customer, *self.day.split(",")):
            if name != "name" and name not in self.fields:
                raise ValueError(f"{name!r} is not among the fields {self.fields}")
        if (self.part is None) != (self.parts_per_day is None):
            raise ValueError("`part` (where an archive's name has its number) and `parts_per_day` go together")
        if self.part and re.compile(self.part).groups != 1:
            raise ValueError(f"part: {self.part!r} must be a regular expression with one group, the part's number")
        return self

    @model_validator(mode="after")
    def _records_are_named(self) -> "Landing":
        if self.format == "records" and (self.header or self.separator != "tab" or "name" in self.day.split(",")):
            raise ValueError("records have fields by name, one of them the day: no separator, no header, no `name`")
        if self.format == "lines" and self.zone != "UTC":
            raise ValueError("zone: times are put on a clock in `records` only")
        return self

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise ValueError(f"{value!r} is no time zone; give one such as Europe/Berlin") from None
        return value

    def parts(self) -> list[str]:
        """The numbers of the parts that a day has, none where the configuration does not say."""
        return [str(number) for number in range(1, (self.parts_per_day or 0) + 1)]

    def missing_parts(self, archives: list[str]) -> list[str]:
        """The parts of a day that none of its archives is; an archive without a number is taken for a whole day."""
        numbers = [re.search(self.part, PurePath(archive).name) for archive in archives] if self.part else [None]
        found = {number[1] for number in numbers if number}
        is_whole = any(number is None for number in numbers)
        return [] if is_whole else [part for part in self.parts() if part not in found]

    def option(self, event: str) -> str:
        """The `--event` option of `shell/unpack.sh`, where fields are numbered from 1."""
        days = [day if day == "name" else str(self.fields.index(day) + 1) for day in self.day.split(",")]
        named = f" format=records names={','.join(self.fields)} zone={self.zone}" if self.format == "records" else ""
        return (
            f"{event} files={self.files} fields={len(self.fields)} customer={self.fields.index(self.customer) + 1}"
            f" day={','.join(days)} separator={self.separator} header={self.header}{named}"
        )


class Column(Declaration):
    """A typed column of the events layer. `sql` reads raw fields, which are all text."""

    type: Type
    sql: str
    about: str
    required: bool = False

    @field_validator("type")
    @classmethod
    def _decimal_fits(cls, value: str) -> str:
        digits = [int(number) for number in re.findall(r"\d+", value)]
        if digits and not 0 < digits[0] <= 38 or digits[1:] > digits[:1]:
            raise ValueError("a decimal has 1 to 38 digits, and no more behind the point than in all")
        return value


class Check(Declaration):
    """A condition that an event must not meet, and what is done when it does.

    `reject` sets the row aside with the check's name as reason; `repair` replaces the columns named in `set`.
    """

    when: str
    then: Literal["reject", "repair"]
    set: dict[Name, str] = {}
    about: str

    @model_validator(mode="after")
    def _repairs_set_something(self) -> "Check":
        if (self.then == "repair") != bool(self.set):
            raise ValueError("`set` belongs to a repair, and a repair needs it")
        return self


class Measure(Declaration):
    """A column of the daily tile: one aggregate over a customer's events of a day that can be merged."""

    sql: str
    about: str

    @field_validator("sql")
    @classmethod
    def _can_be_merged(cls, value: str) -> str:
        sql.merge_function(value)
        return value

    @property
    def merged_by(self) -> str:
        """Name of the aggregate that merges partial values."""
        return sql.merge_function(self.sql)


class Event(Declaration):
    """One kind of raw activity."""

    about: str
    landing: Landing
    columns: dict[Name, Column]
    checks: dict[Name, Check] = {}
    duplicates: Literal["drop", "keep"]
    measures: dict[Name, Measure]

    @model_validator(mode="after")
    def _expressions_read_what_exists(self) -> "Event":
        if "customer_id" not in self.columns:
            raise ValueError("columns must declare customer_id")
        taken = sorted(name for name in self.columns if name in RESERVED or name.startswith(RAW))
        if taken:
            raise ValueError(f"columns: {taken[0]!r} is a name of Encore's own; choose another")
        typed = set(self.columns) | EVENT_KEYS
        for name, column in self.columns.items():
            _check_row(f"columns.{name}.sql", column.sql, set(self.landing.fields) | {"date"})
        for name, check in self.checks.items():
            _check_row(f"checks.{name}.when", check.when, typed)
            for target, value in check.set.items():
                if target not in self.columns:
                    raise ValueError(f"checks.{name}.set: {target!r} is not a column of this event")
                _check_row(f"checks.{name}.set.{target}", value, typed)
        for name, measure in self.measures.items():
            _check(f"measures.{name}.sql", measure.sql, typed)
        return self


def plain(name: str) -> str:
    """The name of a column without what files write differently: case, spaces, signs."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


class TableColumn(Declaration):
    """A column of a finished table, with the other names that files give it; upper case, spaces and the like in a
    header make no difference. A value outside `least` and `greatest` refuses the file."""

    type: Type
    names: list[str] = []
    least: float | None = None
    greatest: float | None = None
    may_be_empty: bool = False


class Identity(Declaration):
    """What holds in every row of a finished table, as SQL over its columns; a file where it does not is refused."""

    holds: str
    about: str


class FinishedTable(Declaration):
    """One row per customer, made by somebody else, in the place of events.

    columns: in the order of a file without a header, `customer_id` among them.
    as_of: of a file for which the command line says none.
    ordered: pairs of columns, the first never above the second; where a pair is only ever the other way round, its
        labels are swapped, and they are swapped back.
    fills: by column, a condition for having no value: the value that more than half of those who meet it share is null,
        unless it is the commonest of the others too.
    """

    as_of: date
    columns: dict[Name, TableColumn]
    ordered: list[tuple[Name, Name]] = []
    identities: dict[Name, Identity] = {}
    fills: dict[Name, str] = {}

    @field_validator("ordered", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        return [tuple(pair) if isinstance(pair, list) else pair for pair in value] if isinstance(value, list) else value

    @model_validator(mode="after")
    def _reads_what_exists(self) -> "FinishedTable":
        if "customer_id" not in self.columns:
            raise ValueError("columns must declare customer_id")
        if taken := sorted(set(self.columns) & (TABLE_KEYS - {"customer_id"})):
            raise ValueError(f"columns: {taken[0]!r} is a name of Encore's own; choose another")
        self._check_names()
        for name in [*(name for pair in self.ordered for name in pair), *self.fills]:
            if name not in self.columns:
                raise ValueError(f"{name!r} is not among the columns {sorted(self.columns)}")
        for name, identity in self.identities.items():
            _check_row(f"identities.{name}.holds", identity.holds, set(self.columns))
        for name, condition in self.fills.items():
            _check_row(f"fills.{name}", condition, set(self.columns))
        return self

    def _check_names(self) -> None:
        """Refuse names of a header that could mean two columns."""
        owners: dict[str, str] = {}
        for column, declared in self.columns.items():
            for name in (column, *declared.names):
                if (owner := owners.setdefault(plain(name), column)) != column:
                    raise ValueError(f"columns.{column}: {name!r} is a name of {owner!r}, too")


class Bots(Declaration):
    """Who is no person: a condition on one customer's day."""

    when: str
    about: str


class Eligible(Declaration):
    """Who is in the table: a condition on the features of a customer."""

    when: str
    about: str


class Label(Declaration):
    """What is foretold. The label is 1 when some (`present`) or no (`absent`) day of the outcome meets `when`."""

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

    Exactly one of `from_tiles` (one aggregate over the tiles of the window) and `from_features` (a row expression
    over features declared above, and over the columns of a finished table) is given. `{days}` stands for the window's
    length everywhere. What null means is always said: `fill` replaces it by a value, `null_means` explains it. Without
    `windows` a feature looks at the whole observation window. An `internal` feature serves others and is not in the
    table; a sketch always is. What is above `cap` is set to it, and the customers above it are counted.
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


Share = Annotated[float, Field(ge=0, le=1)]


class LogisticGrid(Declaration):
    """Candidates of the logistic regression: its penalty, and the share of it that is L1 (elastic net)."""

    regularisation: list[Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default=[1e-3, 1e-2], min_length=1)
    l1_share: list[Share] = Field(default=[0.0], min_length=1)


class ForestGrid(Declaration):
    """Candidates of the random forest."""

    trees: list[PositiveInt] = Field(default=[100], min_length=1)
    depth: list[Annotated[int, Field(gt=0, le=12)]] = Field(default=[6, 10], min_length=1)


class BoostingGrid(Declaration):
    """Candidates of boosted trees."""

    rounds: list[PositiveInt] = Field(default=[50], min_length=1)
    depth: list[Annotated[int, Field(gt=0, le=12)]] = Field(default=[3, 5], min_length=1)
    learning_rate: list[Annotated[float, Field(gt=0, le=1)]] = Field(default=[0.1], min_length=1)


class Grids(Declaration):
    """What each model is tried with; the best by cross-validation on training customers is fitted on all of them."""

    lr: LogisticGrid = LogisticGrid()
    rf: ForestGrid = ForestGrid()
    gbt: BoostingGrid = BoostingGrid()
    xgb: BoostingGrid = BoostingGrid(rounds=[100])


class Training(Declaration):
    """How models are fitted; they are judged on the untouched distribution whatever is said here.

    `balance` weighs the rarer label up or draws as many of the other; the probabilities are then calibrated on a
    fifth of the training customers kept for it. `tuning_rows` bounds what cross-validation looks at, and the newest
    `as_of_dates` train: a nightly run would otherwise learn from one more table each night.
    """

    split: Literal["auto", "customer", "time"] = "auto"
    balance: Literal["none", "weights", "undersample"] = "none"
    calibrate: Literal["auto", "none", "isotonic", "platt"] = "auto"
    folds: int = Field(default=3, ge=2, le=20)
    tuning_rows: int = Field(default=20_000, ge=100)
    as_of_dates: PositiveInt = 12
    seed: int = Field(default=1, ge=0, lt=2**63)  # Spark's seeds are longs
    grids: Grids = Grids()


class Alive(Declaration):
    """What the BG/NBD baseline reads, as SQL over features: repeat purchases, and days from the first to the last
    purchase and to as_of. `unit_days` is its unit of time, in which distinct customers are counted."""

    frequency: str
    recency_days: str
    age_days: str
    unit_days: PositiveInt = 7


class Targeting(Declaration):
    """What contacting a customer costs and brings, for the list of whom to contact.

    `value_of_customer` is a number, or SQL over features; `kept_share` is the share of contacted leavers who stay.
    At most one of `contacts` and `budget` bounds the list. `treated` is SQL over features that says who was contacted
    before, where that is known.
    """

    currency: str
    cost_of_contact: float = Field(gt=0, allow_inf_nan=False)
    value_of_customer: float | str
    kept_share: Share
    contacts: PositiveInt | None = None
    budget: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    hold_out_share: float = Field(default=0.1, ge=0, lt=1)
    treated: str | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> "Targeting":
        if self.contacts is not None and self.budget is not None:
            raise ValueError("give at most one of contacts and budget")
        if isinstance(self.value_of_customer, float) and not 0 < self.value_of_customer < math.inf:
            raise ValueError("value_of_customer: a customer kept must be worth something, and not without end")
        return self

    @property
    def expressions(self) -> dict[str, str]:
        """The SQL in it, by key."""
        found = {"value_of_customer": self.value_of_customer, "treated": self.treated}
        return {key: value for key, value in found.items() if isinstance(value, str)}


class Audit(Declaration):
    """When a feature is suspected of knowing the outcome: alone it ranks customers with an AUC of `auc` or more (or as
    little as 1 - `auc`), or a range of its values decides the label: in it at most `other_label_share` of the customers
    have the other label, and the odds of that label are at least `odds` times as high right beside it, and in it by a
    model of all features that are not suspected."""

    auc: float = Field(default=0.95, gt=0.5, le=1)
    other_label_share: float = Field(default=0.01, gt=0, lt=0.5)
    odds: float = Field(default=30.0, gt=1, allow_inf_nan=False)


class Drift(Declaration):
    """How far a table may be from the one trained on: population stability index, change of the share of nulls,
    share of categories never declared."""

    psi: float = Field(default=0.25, gt=0)
    null_share: Share = 0.1
    new_category_share: Share = 0.01


class Service(Declaration):
    """A whole service: `conf/<name>.yaml`. It begins with raw `events`, or with a finished `table`."""

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
            _check_row("bots.when", self.bots.when, tile - {"is_bot"})
        _check_row("label.when", self.label.when, set(self.table.columns) if self.table else tile)
        table = self._check_features(set(self.measures) | OBSERVED_KEYS)
        _check_row("eligible.when", self.eligible.when, table)
        internal = {template for template, feature in self.features.items() if feature.internal}
        if self.recency_feature not in table - internal:
            raise ValueError(f"recency_feature: there is no feature {self.recency_feature!r} in the table")
        for key, expression in (self.alive.model_dump(exclude={"unit_days"}) if self.alive else {}).items():
            _check_row(f"alive.{key}", expression, table - internal)
        for key, expression in (self.targeting.expressions if self.targeting else {}).items():
            _check_row(f"targeting.{key}", expression, table - internal)
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
                    _check(f"{where}.from_tiles", feature.from_tiles, observed)
                    _check_row(f"{where}.where", feature.where or "true", observed)
                else:
                    finished = (feature.from_features or "").replace("{days}", str(days))
                    _check_row(f"{where}.from_features", finished, known | given)
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


class Profile(Declaration):
    """Where Encore runs: `conf/profiles/<name>.yaml`. What is left out is left to spark-submit."""

    engine: Literal["sail", "spark"]
    master: str | None = None
    driver_memory: str | None = Field(default=None, pattern=r"^\d+[kmg]$")
    shuffle_partitions: PositiveInt | None = None


def _check(where: str, expression: str, known: set[str]) -> None:
    """Check an aggregate, which `aggregate_name` has seen, and name the key of a mistake."""
    with _naming(where):
        sql.check_columns(expression, known)


def _check_row(where: str, expression: str, known: set[str]) -> None:
    with _naming(where):
        sql.check_row(expression, known)


@contextmanager
def _naming(where: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
