"""Rows of a finished table, which has one row per customer, to the feature table.

Two known defects of such files are corrected: swapped labels of columns, and values that were filled in where there are
none. Rows that break another rule of the declaration are counted, so that the file can be refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.declaration import RAW_PREFIX
from conf.finished import FinishedTable, TableColumn
from conf.schema import Service
from conf.sql import columns_of
from features.table import derived_features, table_columns
from features.values import normalised_id, unmarked, value_of

Pair = tuple[str, str]
INTEGERS = ("bigint", "int")
_HAPPENED = "_happened"  # not a valid name of a column or feature


@dataclass(frozen=True)
class BrokenRule:
    """A rule, in words, that some rows break, and the id of one of their customers (None if those rows have no id)."""

    rule: str
    rows: int
    customer: str | None


@dataclass(frozen=True)
class Fill:
    """A value that was filled in for `rows` of the `of_rows` rows that meet the condition of the declaration."""

    value: Any
    rows: int
    of_rows: int


def typed(texts: DataFrame, table: FinishedTable) -> DataFrame:
    """Type the texts of a file.

    Spaces around a text are removed, the customer's id is normalised, and a null marker is null.

    Returns:
        The declared columns, null if the text is not valid for the type, and their texts as `raw_<column>`.
    """
    trimmed = texts.select(*(unmarked(_trimmed(name, table), table.null_markers).alias(name) for name in table.columns))
    raw = [F.col(name).alias(f"{RAW_PREFIX}{name}") for name in table.columns]
    return trimmed.select(*raw, *(_typed(name, column).alias(name) for name, column in table.columns.items()))


def swapped_pairs(rows: DataFrame, table: FinishedTable) -> dict[Pair, int]:
    """Find the ordered pairs whose labels are swapped.

    Returns:
        By pair, the number of rows in which the first column is above the second; it is below in none.
    """
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
    """Exchange the two columns of each pair."""
    partners = {one: other for low, high in pairs for one, other in ((low, high), (high, low))}
    return rows.select(*(F.col(partners.get(name, name)).alias(name) for name in rows.columns))


def fills(rows: DataFrame, table: FinishedTable) -> dict[str, Fill]:
    """Find the value that was filled in for missing values, by column.

    More than half of the rows that meet the condition of `table.fills` have this value, and it is not also the most
    common value of the other rows: if most customers give 10 points, 10 points were not filled in.
    """
    found = {name: _fill(rows, name, condition) for name, condition in table.fills.items()}
    return {name: fill for name, fill in found.items() if fill}


def unfilled(rows: DataFrame, table: FinishedTable, found: Mapping[str, Fill]) -> DataFrame:
    """Replace each value that was filled in, and its text, by null."""
    # In one step, since a condition may read a column in which values are replaced, too.
    emptied = {
        column: F.when(~_is_fill(name, table, fill.value), F.col(column))
        for name, fill in found.items()
        for column in (name, f"{RAW_PREFIX}{name}")
    }
    return rows.select(*(emptied.get(name, F.col(name)).alias(name) for name in rows.columns))


def broken_rules(rows: DataFrame, table: FinishedTable) -> list[BrokenRule]:
    """The rules of the declaration that some rows break, in the order in which to fix them."""
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
    found = [BrokenRule(rule, row[f"rows{n}"], row[f"customer{n}"]) for n, rule in enumerate(rules)]
    return [broken for broken in (*found, _repeated(rows)) if broken.rows]


def unlabelled(rows: DataFrame, service: Service) -> int:
    """The number of rows without a known outcome: a column that the label reads is empty."""
    reads = [F.col(name).isNull() for name in sorted(columns_of(service.label.when))]
    (row,) = rows.agg(F.count_if(reduce(Column.__or__, reads, F.lit(False))).alias("rows")).collect()
    return int(row["rows"])


def feature_rows(rows: DataFrame, service: Service, as_of: date, is_mature: bool) -> DataFrame:
    """Compute the feature table: one row per customer.

    Args:
        rows: typed and corrected rows of the finished table.
        is_mature: whether the outcome is known; if not, the label is null.

    Returns:
        `customer_id`, `as_of`, the features, `eligible`, `label`, `label_status`.
    """
    # The label is computed before the features, which may have the names of columns.
    known = in_doubles(rows).withColumn(_HAPPENED, _is_true(service.label.when))
    table = derived_features(known.withColumn("as_of", F.lit(as_of)), service)
    return table.select(*table_columns(service, F.col(_HAPPENED), F.lit(is_mature)))


def _trimmed(name: str, table: FinishedTable) -> Column:
    if name == "customer_id":
        return normalised_id(F.col(name), table.columns[name].whole_numbers)
    return F.trim(F.col(name))


def _typed(name: str, column: TableColumn) -> Column:
    # Some files write a whole number of a column with gaps as 1.0, which the engines do not read as a whole number.
    text = F.regexp_replace(F.col(name), r"[.]0*\z", "") if column.type in INTEGERS else F.col(name)
    return value_of(text, column.type)


def in_doubles(rows: DataFrame) -> DataFrame:
    """Cast decimals to double, since the engines divide decimals to different numbers of digits."""
    return rows.select(
        *(F.col(name).cast("double" if kind.startswith("decimal") else kind).alias(name) for name, kind in rows.dtypes)
    )


def _fill(rows: DataFrame, name: str, condition: str) -> Fill | None:
    """The value that was filled in where `condition` is true; None if there is none."""
    counted = rows.groupBy(F.col(name).alias("value"), _is_true(condition).alias("is_inside")).agg(
        F.count("*").alias("rows")
    )
    inside, outside = counted.where("is_inside"), counted.where("not is_inside and value is not null")
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
    return F.coalesce(_is_true(table.fills[name]) & (F.col(name) == F.lit(value)), F.lit(False))


def _is_true(condition: str) -> Column:
    return F.coalesce(F.expr(condition), F.lit(False))


def _rules(table: FinishedTable) -> dict[str, Column]:
    """By rule in words, the condition of a row that breaks it."""
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
    if column.type in INTEGERS:
        return "a whole number"
    return "a number" if column.type.startswith("decimal") else f"a {column.type}"


def _repeated(rows: DataFrame) -> BrokenRule:
    """The rule that a customer has one row; the example is the first customer by id who has more."""
    again = rows.where(F.col("customer_id").isNotNull()).groupBy("customer_id").count().where("count > 1")
    first = F.min("customer_id").cast("string").alias("first")
    (row,) = again.agg(F.coalesce(F.sum("count"), F.lit(0)).alias("rows"), first).collect()
    return BrokenRule("customer_id occurs more than once", row["rows"], row["first"])
