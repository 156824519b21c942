"""A finished table, one row per customer and made by somebody else, to the feature table.

What is known to be wrong with such files is undone first (labels that are swapped, means in the place of what is
missing), and whatever else breaks a rule of the declaration is counted, so that the file can be refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.declaration import RAW_PREFIX
from conf.events import EventColumn
from conf.finished import FinishedTable, TableColumn
from conf.schema import Service
from conf.sql import columns_of
from features.events import parsed
from features.table import derived_features, table_columns

Pair = tuple[str, str]
WHOLE = ("bigint", "int")
_HAPPENED = "_happened"  # no declared name begins so


@dataclass(frozen=True)
class Broken:
    """A rule that some rows break, in words, and one of their customers (None where that is what is missing)."""

    rule: str
    rows: int
    customer: str | None


@dataclass(frozen=True)
class Fill:
    """A value that stands for none in `rows` of the `of_rows` for which the declaration allows it."""

    value: Any
    rows: int
    of_rows: int


def typed(texts: DataFrame, table: FinishedTable) -> DataFrame:
    """The declared columns of a file with their types, null where a text is none of its type; the texts as `raw_…`.

    Spaces around a text are none of it, and a blank is no text.
    """
    trimmed = texts.select(*(F.expr(f"nullif(trim(`{name}`), '')").alias(name) for name in table.columns))
    raw = [F.col(name).alias(f"{RAW_PREFIX}{name}") for name in table.columns]
    return trimmed.select(*raw, *(_typed(name, column).alias(name) for name, column in table.columns.items()))


def swapped_pairs(rows: DataFrame, table: FinishedTable) -> dict[Pair, int]:
    """The ordered pairs whose labels are swapped: the first is above the second in so many rows, and below in none."""
    if not table.ordered:
        return {}
    counts = [
        F.count_if(condition).alias(f"{side}{number}")
        for number, (low, high) in enumerate(table.ordered)
        for side, condition in (("above", F.col(low) > F.col(high)), ("below", F.col(low) < F.col(high)))
    ]
    (row,) = rows.agg(*counts).collect()
    found = {pair: (row[f"above{number}"], row[f"below{number}"]) for number, pair in enumerate(table.ordered)}
    return {pair: above for pair, (above, below) in found.items() if above and not below}


def swapped_back(rows: DataFrame, pairs: Sequence[Pair]) -> DataFrame:
    """The rows with the two columns of each pair in each other's place."""
    both_ways = {one: other for low, high in pairs for one, other in ((low, high), (high, low))}
    return rows.select(*(F.col(both_ways.get(name, name)).alias(name) for name in rows.columns))


def fills(rows: DataFrame, table: FinishedTable) -> dict[str, Fill]:
    """By column, the value that was put where there is none.

    That is one which more than half of the rows that may be filled share, and which is not the commonest of the other
    rows too: where most customers give 10 points, 10 points are no fill.
    """
    found = {name: _fill(rows, name, condition) for name, condition in table.fills.items()}
    return {name: fill for name, fill in found.items() if fill}


def unfilled(rows: DataFrame, table: FinishedTable, found: Mapping[str, Fill]) -> DataFrame:
    """The rows with null in the place of each fill, and of its text."""
    # In one step, since a condition may read a column that loses its own fills.
    emptied = {
        column: F.when(~_is_fill(name, table, fill.value), F.col(column))
        for name, fill in found.items()
        for column in (name, f"{RAW_PREFIX}{name}")
    }
    return rows.select(*(emptied.get(name, F.col(name)).alias(name) for name in rows.columns))


def broken_rules(rows: DataFrame, table: FinishedTable) -> list[Broken]:
    """The rules of the declaration that some rows break, in the order in which to mend them."""
    rules = _rules(table)
    counts = [
        column.alias(f"{what}{number}")
        for number, broken in enumerate(rules.values())
        for what, column in (
            ("rows", F.count_if(broken)),
            ("customer", F.min(F.when(broken, F.col("customer_id").cast("string")))),
        )
    ]
    (row,) = rows.agg(*counts).collect()
    found = [Broken(rule, row[f"rows{n}"], row[f"customer{n}"]) for n, rule in enumerate(rules)]
    return [broken for broken in (*found, _repeated(rows)) if broken.rows]


def unlabelled(rows: DataFrame, service: Service) -> int:
    """In how many rows the outcome is not known: one of the columns that the label reads is empty."""
    reads = [F.col(name).isNull() for name in sorted(columns_of(service.label.when))]
    (row,) = rows.agg(F.count_if(reduce(Column.__or__, reads, F.lit(False))).alias("rows")).collect()
    return int(row["rows"])


def feature_rows(rows: DataFrame, service: Service, as_of: date, is_mature: bool) -> DataFrame:
    """One row per customer: `customer_id`, `as_of`, the features, `eligible`, `label`, `label_status`.

    Args:
        is_mature: whether the outcome of the customers is known; without it the label is null.
    """
    # Before the features are made, which may bear the names of columns.
    known = _in_doubles(rows).withColumn(_HAPPENED, _holds(service.label.when))
    table = derived_features(known.withColumn("as_of", F.lit(as_of)), service)
    return table.select(*table_columns(service, F.col(_HAPPENED), F.lit(is_mature)))


def _typed(name: str, column: TableColumn) -> Column:
    # 1.0 is how some write the 1 of a column with gaps, and the engines do not read it as a whole number.
    text = f"regexp_replace(`{name}`, '[.]0*$', '')" if column.type in WHOLE else f"`{name}`"
    return parsed(EventColumn(type=column.type, sql=text, about=""))


def _in_doubles(rows: DataFrame) -> DataFrame:
    """The rows without decimals: the engines divide those to different numbers of digits."""
    return rows.select(
        *(F.col(name).cast("double" if kind.startswith("decimal") else kind).alias(name) for name, kind in rows.dtypes)
    )


def _fill(rows: DataFrame, name: str, condition: str) -> Fill | None:
    counted = rows.groupBy(F.col(name).alias("value"), _holds(condition).alias("is_open")).agg(
        F.count("*").alias("rows")
    )
    inside, outside = counted.where("is_open"), counted.where("not is_open and value is not null")
    (total,) = inside.agg(F.coalesce(F.sum("rows"), F.lit(0)).alias("rows")).collect()
    top = inside.orderBy(F.desc("rows")).limit(1).collect()
    if not top or top[0]["value"] is None or 2 * top[0]["rows"] <= total["rows"]:
        return None
    value = top[0]["value"]
    of_value = F.max(F.when(F.col("value") == F.lit(value), F.col("rows")))
    (others,) = outside.agg(F.max("rows").alias("most"), of_value.alias("same")).collect()
    is_common = others["same"] is not None and others["same"] == others["most"]
    return None if is_common else Fill(value, top[0]["rows"], total["rows"])


def _is_fill(name: str, table: FinishedTable, value: Any) -> Column:
    return F.coalesce(_holds(table.fills[name]) & (F.col(name) == F.lit(value)), F.lit(False))


def _holds(condition: str) -> Column:
    return F.coalesce(F.expr(condition), F.lit(False))


def _rules(table: FinishedTable) -> dict[str, Column]:
    """What each rule is broken by."""
    unreadable, missing, outside = {}, {}, {}
    for name, column in table.columns.items():
        value, text = F.col(name), F.col(f"{RAW_PREFIX}{name}")
        unreadable[f"{name} cannot be read as {_kind(column)}"] = value.isNull() & text.isNotNull()
        if not column.may_be_empty:
            missing[f"{name} is empty"] = text.isNull()
        if column.least is not None:
            outside[f"{name} is below {column.least:g}"] = value < column.least
        if column.greatest is not None:
            outside[f"{name} is above {column.greatest:g}"] = value > column.greatest
    identities = {
        f"the identity {name} ({one.about}: {one.holds}) does not hold": ~F.coalesce(F.expr(one.holds), F.lit(True))
        for name, one in table.identities.items()
    }
    ordered = {f"{low} is above {high}": F.col(low) > F.col(high) for low, high in table.ordered}
    return unreadable | missing | outside | identities | ordered


def _kind(column: TableColumn) -> str:
    if column.type in WHOLE:
        return "a whole number"
    return "a number" if column.type.startswith("decimal") else f"a {column.type}"


def _repeated(rows: DataFrame) -> Broken:
    """Customers who stand more than once, and the first of them in the order of their ids."""
    again = rows.where(F.col("customer_id").isNotNull()).groupBy("customer_id").count().where("count > 1")
    first = F.min("customer_id").cast("string").alias("first")
    (row,) = again.agg(F.coalesce(F.sum("count"), F.lit(0)).alias("rows"), first).collect()
    return Broken("customer_id stands more than once", row["rows"], row["first"])
