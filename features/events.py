"""Raw lines to typed, checked events.

Every line ends in one of three places, and nowhere else: in an event, in `rejected` with a reason, or as a duplicate
counted in the `copies` of the event that it repeats.
"""

from functools import partial, reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.declaration import RAW_PREFIX
from conf.events import Event, EventColumn
from conf.sql import columns_of

UNREADABLE = "_unreadable"
MISSING = "_missing"
# Texts that each type takes: the engines' own readers differ on others ("0x1p3", " 1d ", "on", "2017-03-30T10:00"),
# and both read a time without a day as one of today.
NUMBER = r"^ *[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)? *$"
TRUTHS = ("0", "1", "t", "f", "true", "false", "y", "n", "yes", "no")
DAY = r"^ *([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})"
# No name of a zone but UTC: the engines would move the time to another clock than that of the line's day.
TIME = DAY + r"([T ][^A-Za-z]*([Zz]|UTC)?)? *$"
_COPIES = "_copies"  # no field of a line can have this name
NETWORK_ADDRESS = r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"


def tagged(lines: DataFrame, event: Event) -> DataFrame:
    """Typed rows, each with the reason why it is rejected and the repairs made on it.

    Args:
        lines: the raw fields of `event` as text, and `date`.

    Returns:
        One row per line: the event's columns, `date`, `reason` (null for a good row), `repairs` (names of the
        repairs made, in order and separated by commas; null where none was), the raw fields named `raw_<field>`.
    """
    return _tagged(lines, event, ["date"])


def clean(rows: DataFrame, event: Event) -> DataFrame:
    """The events layer: one row per event, `copies` being the number of equal lines that it stands for."""
    columns = ["date", *event.columns, "repairs"]
    if event.duplicates == "keep":
        return rows.where(F.col("reason").isNull()).select(*columns, F.lit(1).cast("bigint").alias("copies"))
    # Lines are equal when their raw text is: two that only became equal by a repair are two events. The texts alone
    # are grouped and then tagged anew, which takes half the time of carrying the typed columns through the grouping;
    # nobody reads the tags of `rows` then, so that the engines do not even make them.
    texts = [F.col(f"{RAW_PREFIX}{name}").alias(name) for name in event.landing.fields]
    by_text = rows.select("date", *texts).groupBy("date", *event.landing.fields).agg(F.count("*").alias(_COPIES))
    good = _tagged(by_text, event, ["date", _COPIES]).where(F.col("reason").isNull())
    return good.select(*columns, F.col(_COPIES).alias("copies"))


def rejected(rows: DataFrame, event: Event) -> DataFrame:
    """Rows that were rejected: `date`, `reason` and the raw fields, client addresses masked."""
    masked = [masked_addresses(F.col(f"{RAW_PREFIX}{name}")).alias(name) for name in event.landing.fields]
    return rows.where(F.col("reason").isNotNull()).select("date", "reason", *masked)


def is_unreadable(reason: Column) -> Column:
    """Whether a reason comes from typing, before any check on meaning: a missing or unreadable value."""
    return reason.endswith(UNREADABLE) | reason.endswith(MISSING)


def masked_addresses(text: Column) -> Column:
    """The text with every IPv4 address replaced: an address tells who somebody is, and no report needs it."""
    return F.regexp_replace(text, NETWORK_ADDRESS, "<address>")


def parsed(column: EventColumn) -> Column:
    """The value of a declared column, null where its text is none of its type; the same on both engines."""
    text = F.expr(column.sql).cast("string")
    if column.type.startswith("decimal"):
        # By way of a double, since the engines differ on exponents in decimals.
        return F.when(text.rlike(NUMBER), text).try_cast("double").try_cast(column.type)
    if column.type == "boolean":
        return F.when(F.lower(F.trim(text)).isin(*TRUTHS), text).try_cast("boolean")
    if column.type == "date":
        return F.regexp_extract(text, DAY + "([T ]|$)", 1).try_cast("date")
    if column.type == "timestamp":
        return F.when(text.rlike(TIME), text).try_cast("timestamp")
    return text.try_cast(column.type)


def _tagged(lines: DataFrame, event: Event, kept: list[str]) -> DataFrame:
    """What `tagged` says, with the columns `kept` of the lines."""
    raw = [F.col(name).alias(f"{RAW_PREFIX}{name}") for name in event.landing.fields]
    typed = [parsed(column).alias(name) for name, column in event.columns.items()]
    rows = lines.select(*kept, *raw, *typed)
    nothing = F.lit(None).cast("string")
    rows = rows.withColumns({"reason": _type_reason(event), "repairs": nothing})
    rows = reduce(partial(_apply, event), event.checks, rows)
    return rows.withColumn("reason", _computed_once(F.col("reason")))


def _computed_once(text: Column) -> Column:
    """The same text, but a filter on it stays above its computation.

    An optimizer moves a filter down and writes in it, for each column, the expression behind it. Through the checks,
    each of which reads what the one before wrote, that doubles at every step. A random number may not be moved.
    """
    return F.coalesce(text, F.when(F.rand() < 0, F.lit("never")))


def _type_reason(event: Event) -> Column:
    """The first reason why a row's texts cannot be read: a missing value, or one that is not of its type."""
    reasons, is_suspect = [], F.lit(False)
    for name, column in event.columns.items():
        is_null = F.col(name).isNull()
        sources = sorted(columns_of(column.sql) & set(event.landing.fields))
        texts = [F.col(f"{RAW_PREFIX}{source}") for source in sources]
        has_text = reduce(Column.__or__, (text.isNotNull() for text in texts), F.lit(False))
        reasons.append(F.when(is_null & has_text, F.lit(f"{name}{UNREADABLE}")))
        if column.required:
            reasons.append(F.when(is_null, F.lit(f"{name}{MISSING}")))
        is_suspect = is_suspect | (is_null if column.required else is_null & has_text)
    return F.when(is_suspect, F.coalesce(*reasons))  # texts are made for the few rows that need one


def _apply(event: Event, rows: DataFrame, name: str) -> DataFrame:
    check = event.checks[name]
    is_met = F.expr(check.when) & F.col("reason").isNull()
    if check.then == "reject":
        return rows.withColumn("reason", F.when(is_met, F.lit(name)).otherwise(F.col("reason")))
    mended = {
        target: F.when(is_met, F.expr(value)).otherwise(F.col(target)).cast(event.columns[target].type)
        for target, value in check.set.items()
    }
    repairs = F.when(is_met, F.concat_ws(",", "repairs", F.lit(name))).otherwise(F.col("repairs"))
    return rows.withColumns({"repairs": repairs} | mended)
