"""The SQL of a service, resolved by an engine on empty frames before data are read.

The frames have the declared types and come from the functions that build the layers, so an expression meets the types
that it will meet in a run.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import product
from typing import Literal, TypeVar

from pyspark.errors import AnalysisException, ArithmeticException, IllegalArgumentException, ParseException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sqlglot import expressions as exp

from conf.errors import UsageError
from conf.finished import FinishedTable
from conf.recommender import Interactions
from conf.schema import Service
from conf.sql import parse
from features.finished import in_doubles
from features.interactions import interactions, title_days
from features.observation import observation_tiles
from features.table import computed_features, derived_features
from features.tiles import daily_tiles
from features.windows import Moment, Window

Kind = Literal["condition", "number", "value"]
NUMBERS = ("bigint", "int", "smallint", "tinyint", "double", "float", "decimal")
DAY = date(2000, 1, 1)  # any: the frames are empty
ISO_DAY = re.compile(r"\d{4}-\d{1,2}(-\d{1,2}([T ].*)?)?")
ERRORS = (AnalysisException, ArithmeticException, IllegalArgumentException, ParseException)
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ)
T = TypeVar("T")


@dataclass(frozen=True)
class Clause:
    """An expression of a service: its key, its SQL, and what its value must be."""

    key: str
    sql: str
    kind: Kind = "value"
    is_aggregate: bool = False
    as_type: str = ""  # to which it is cast; empty: to none


def resolve(spark: SparkSession, service: Service) -> None:
    """Resolve all SQL of a service.

    Raises:
        UsageError: the engine does not know a function with such arguments, compares values of different types, or
            finds another type than the key needs; the message begins with the key.
    """
    if service.table:
        _resolve_table(spark, service, service.table)
        return
    events = {name: _event_rows(spark, service, name) for name in service.events}
    unmarked = service.model_copy(update={"bots": None})
    tiles = _layer(spark, "events", lambda: daily_tiles(events, unmarked))
    of_tiles = [Clause("bots.when", service.bots.when, "condition")] if service.bots else []
    _check(tiles.drop("is_bot"), of_tiles)
    _check(tiles, [Clause("label.when", service.label.when, "condition")])
    observed = _layer(spark, "windows", lambda: observation_tiles(tiles, [Moment.at(DAY, service.windows)]))
    from_tiles = {name: one for name, one in service.features.items() if one.from_tiles}
    where = [Clause(f"features.{name}.where", one.where, "condition") for name, one in from_tiles.items() if one.where]
    sums = [
        Clause(f"features.{name}.from_tiles", str(one.from_tiles), is_aggregate=True)
        for name, one in from_tiles.items()
    ]
    _check(observed, where)
    _check(observed, sums)
    alone = service.model_copy(update={"features": from_tiles})
    _resolve_features(spark, _layer(spark, "features", lambda: computed_features(observed, alone)), service)
    if service.interactions:
        _resolve_interactions(spark, events, service.interactions)


def _event_rows(spark: SparkSession, service: Service, name: str) -> DataFrame:
    """The events layer of one event, without rows."""
    event, where = service.events[name], f"events.{name}"
    declared = {key: column.type for key, column in event.columns.items()}
    lines = _empty(spark, dict.fromkeys(event.landing.names, "string") | {"date": "date"})
    own = [Clause(f"{where}.landing.where", event.landing.where, "condition")] if event.landing.where else []
    _check(lines, own)
    texts = [Clause(f"{where}.columns.{key}.sql", one.sql, as_type="string") for key, one in event.columns.items()]
    _check(lines, texts)
    rows = _empty(spark, {"date": "date"} | declared)
    checks = event.checks.items()
    _check(rows, [Clause(f"{where}.checks.{key}.when", check.when, "condition") for key, check in checks])
    repairs = [
        Clause(f"{where}.checks.{key}.set.{target}", value, as_type=declared[target])
        for key, check in checks
        for target, value in check.set.items()
    ]
    _check(rows, repairs)
    measures = event.measures.items()
    _check(rows, [Clause(f"{where}.measures.{key}.sql", one.sql, is_aggregate=True) for key, one in measures])
    return rows


def _resolve_interactions(spark: SparkSession, events: Mapping[str, DataFrame], declared: Interactions) -> None:
    for name, source in declared.sources.items():
        where, rows = f"interactions.sources.{name}", events[name]
        _check(rows, [Clause(f"{where}.where", source.where, "condition"), Clause(f"{where}.name", source.name)])
        measures = source.measures.items()
        _check(rows, [Clause(f"{where}.measures.{key}", one.sql, is_aggregate=True) for key, one in measures])
    days = _layer(spark, "interactions.sources", lambda: title_days(dict(events), declared))
    columns = [Clause(f"interactions.columns.{key}", column.sql) for key, column in declared.columns.items()]
    _check(days, [Clause("interactions.strength", declared.strength, "number"), *columns])
    _layer(spark, "interactions", lambda: interactions(days, declared, Window(DAY, DAY + timedelta(days=1))))


def _resolve_table(spark: SparkSession, service: Service, table: FinishedTable) -> None:
    rows = _empty(spark, {name: column.type for name, column in table.columns.items()})
    rules = {f"table.identities.{name}.holds": one.holds for name, one in table.identities.items()}
    rules |= {f"table.fills.{name}": condition for name, condition in table.fills.items()}
    rules["label.when"] = service.label.when
    _check(rows, [Clause(key, sql, "condition") for key, sql in rules.items()])
    _resolve_features(spark, in_doubles(rows), service)


def _resolve_features(spark: SparkSession, table: DataFrame, service: Service) -> None:
    """Resolve the features that are made of other columns, in order, and what reads features."""
    derived = {name: one for name, one in service.features.items() if one.from_features}

    def with_features(rows: DataFrame, names: Sequence[str]) -> DataFrame:
        only = service.model_copy(update={"features": {name: derived[name] for name in names}})
        return _without_rows(spark, derived_features(rows, only))

    try:
        features = with_features(table, list(derived))
    except ERRORS:
        features = table
        for name in derived:  # the first one that fails is to blame
            features = _built(f"features.{name}.from_features", partial(with_features, features, [name]))
    _check(features, [Clause("eligible.when", service.eligible.when, "condition")])
    alive = service.alive.model_dump(exclude={"unit_days"}) if service.alive else {}
    _check(features, [Clause(f"alive.{key}", sql, "number") for key, sql in alive.items()])
    kinds: dict[str, Kind] = {
        "value_of_customer": "number",
        "do_not_contact.when": "condition",
        "segments.by": "value",
        "treated": "condition",
    }
    targeting = service.targeting.expressions if service.targeting else {}
    _check(features, [Clause(f"targeting.{key}", sql, kinds[key]) for key, sql in targeting.items()])


def _empty(spark: SparkSession, types: Mapping[str, str]) -> DataFrame:
    return spark.createDataFrame([], ", ".join(f"`{name}` {kind}" for name, kind in types.items()))


def _check(rows: DataFrame, clauses: Sequence[Clause]) -> None:
    """Resolve expressions over the rows of a layer, all in one request; one by one where that fails.

    Raises:
        UsageError: the first expression that fails, by its key.
    """
    types = dict(rows.dtypes)
    for clause in clauses:
        _refuse_other_kinds(clause, types)
    try:
        found = _types(rows, clauses)
    except ERRORS:
        found = [kind for clause in clauses for kind in _built(clause.key, partial(_types, rows, [clause]))]
    for clause, kind in zip(clauses, found, strict=True):
        is_number = kind.startswith(NUMBERS)
        if clause.kind == "condition" and kind not in ("boolean", "void"):
            raise UsageError(f"{clause.key}: {clause.sql!r} is of type {kind}; give a condition, such as x > 0")
        if clause.kind == "number" and not is_number:
            raise UsageError(f"{clause.key}: {clause.sql!r} is of type {kind}; give a number")


def _types(rows: DataFrame, clauses: Sequence[Clause]) -> list[str]:
    values = [F.expr(one.sql).cast(one.as_type) if one.as_type else F.expr(one.sql) for one in clauses]
    columns = [value.alias(f"c{number}") for number, value in enumerate(values)]
    if not columns:
        return []
    is_aggregate = clauses[0].is_aggregate
    return [kind for _, kind in (rows.agg(*columns) if is_aggregate else rows.select(*columns)).dtypes]


def _layer(spark: SparkSession, key: str, build: Callable[[], DataFrame]) -> DataFrame:
    """A layer without rows, as `build` makes it. Raises UsageError with the key where the engine refuses."""
    return _built(key, lambda: _without_rows(spark, build()))


def _without_rows(spark: SparkSession, rows: DataFrame) -> DataFrame:
    """An empty frame of the same columns: what is made of it needs no plan of what `rows` are made of."""
    return spark.createDataFrame([], rows.schema)


def _built(key: str, build: Callable[[], T]) -> T:
    """What `build` makes. Raises UsageError with the key where the engine refuses."""
    try:
        made = build()
        return made
    except ERRORS as error:
        said = " ".join(str(error).split("SQLSTATE")[0].split())[:300]
        raise UsageError(f"{key}: the engine cannot resolve this ({said}); fix the expression or the types") from None


def _refuse_other_kinds(clause: Clause, types: Mapping[str, str]) -> None:
    """Raise UsageError where a column is compared with a fixed value of another kind.

    The engines would convert one of the two, each in its own way, and fail at the first row that they cannot convert.
    """
    for node in parse(clause.sql).find_all(*COMPARISONS, exp.In, exp.Between):
        sides = [node.this, *(one for key, one in node.args.items() if key in ("expression", "low", "high"))]
        sides += node.args.get("expressions") or []
        columns = [side for side in sides if isinstance(side, exp.Column) and side.name in types]
        fixed = [side for side in sides if isinstance(side, exp.Literal | exp.Boolean)]
        for column, value in product(columns, fixed):
            if not _is_comparable(types[column.name], value):
                raise UsageError(
                    f"{clause.key}: {clause.sql!r} compares {column.name}, which is of type {types[column.name]}, with "
                    f"{value.sql()}; give a value of this type"
                )


def _is_comparable(kind: str, value: exp.Expr) -> bool:
    if isinstance(value, exp.Boolean):
        return kind == "boolean"
    is_text = isinstance(value, exp.Literal) and value.is_string
    if kind.startswith(NUMBERS):
        return not is_text
    if kind in ("date", "timestamp"):
        return is_text and bool(ISO_DAY.fullmatch(value.name))
    return is_text if kind == "string" else kind != "boolean"
