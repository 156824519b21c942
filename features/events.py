"""Raw lines to typed and checked events.

Every line becomes exactly one of three: an event, a rejected line with a reason, or a duplicate that is counted in the
`copies` of its event.
"""

from functools import partial, reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.declaration import RAW_PREFIX
from conf.events import Event, EventColumn
from conf.sql import columns_of

UNREADABLE = "_unreadable"
MISSING = "_missing"
# The valid texts of each type. On other texts ("0x1p3", " 1d ", "on", "2017-03-30T10:00") the engines differ, and both
# read a time without a day as a time of today.
NUMBER = r"^ *[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)? *$"
BOOLEANS = ("0", "1", "t", "f", "true", "false", "y", "n", "yes", "no")
DAY = r"^ *([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})"
# UTC is the only valid name of a zone: the engines would convert times of other zones, and the day of the line stays.
TIME = DAY + r"([T ][^A-Za-z]*([Zz]|UTC)?)? *$"
_COPIES = "_copies"  # not a valid name of a field
NETWORK_ADDRESS = r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"


def tagged(lines: DataFrame, event: Event) -> DataFrame:
    """Type and check lines; each row gets the reason of its rejection and its repairs.

    Args:
        lines: the raw fields of `event` as text, and `date`.

    Returns:
        One row per line: the columns of the event, `date`, `reason` (null if the row is valid), `repairs` (names of the
        checks that repaired it, in order, separated by commas; null if there are none), and the raw fields as
        `raw_<field>`.
    """
    return _tagged(lines, event, ["date"])


def clean(rows: DataFrame, event: Event) -> DataFrame:
    """The events layer: one row per event, with the number of its equal lines in `copies`.

    Args:
        rows: rows of `tagged`.
    """
    columns = ["date", *event.columns, "repairs"]
    if event.duplicates == "keep":
        return rows.where(F.col("reason").isNull()).select(*columns, F.lit(1).cast("bigint").alias("copies"))
    # Lines are equal if their raw texts are: two lines that only a repair made equal are two events. Only the texts are
    # grouped, and then tagged again: this takes half the time of a grouping with the typed columns. The tags of `rows`
    # are not read then, so the engines do not compute them.
    texts = [F.col(f"{RAW_PREFIX}{name}").alias(name) for name in event.landing.fields]
    by_text = rows.select("date", *texts).groupBy("date", *event.landing.fields).agg(F.count("*").alias(_COPIES))
    good = _tagged(by_text, event, ["date", _COPIES]).where(F.col("reason").isNull())
    return good.select(*columns, F.col(_COPIES).alias("copies"))


def rejected(rows: DataFrame, event: Event) -> DataFrame:
    """The rejected rows: `date`, `reason` and the raw fields, with masked network addresses."""
    masked = [masked_addresses(F.col(f"{RAW_PREFIX}{name}")).alias(name) for name in event.landing.fields]
    return rows.where(F.col("reason").isNotNull()).select("date", "reason", *masked)


def is_unreadable(reason: Column) -> Column:
    """Whether a reason is a missing or unreadable value, and not a check of the values."""
    return reason.endswith(UNREADABLE) | reason.endswith(MISSING)


def masked_addresses(text: Column) -> Column:
    """The text with every IPv4 address replaced, since an address identifies a person and no report needs it."""
    return F.regexp_replace(text, NETWORK_ADDRESS, "<address>")


def parsed(column: EventColumn) -> Column:
    """The value of a declared column, the same on both engines; null if the text is not valid for the type."""
    text = F.expr(column.sql).cast("string")
    if column.type.startswith("decimal"):
        # The cast goes through double, since the engines differ on exponents in decimals.
        return F.when(text.rlike(NUMBER), text).try_cast("double").try_cast(column.type)
    if column.type == "boolean":
        return F.when(F.lower(F.trim(text)).isin(*BOOLEANS), text).try_cast("boolean")
    if column.type == "date":
        return F.regexp_extract(text, DAY + "([T ]|$)", 1).try_cast("date")
    if column.type == "timestamp":
        return F.when(text.rlike(TIME), text).try_cast("timestamp")
    return text.try_cast(column.type)


def _tagged(lines: DataFrame, event: Event, kept: list[str]) -> DataFrame:
    """Type and check lines as `tagged` does, and keep the columns `kept` of the lines."""
    raw = [F.col(name).alias(f"{RAW_PREFIX}{name}") for name in event.landing.fields]
    typed = [parsed(column).alias(name) for name, column in event.columns.items()]
    rows = lines.select(*kept, *raw, *typed)
    rows = rows.withColumns({"reason": _type_reason(event), "repairs": F.lit(None).cast("string")})
    rows = reduce(partial(_apply, event), event.checks, rows)
    return rows.withColumn("reason", _computed_once(F.col("reason")))


def _computed_once(text: Column) -> Column:
    """The same text, but an optimizer does not push a filter on it down.

    A pushed filter replaces each column by its expression. Each check reads the columns that the previous one wrote, so
    the expression would double with every check. Optimizers do not push a filter below a random number.
    """
    return F.coalesce(text, F.when(F.rand() < 0, F.lit("never")))


def _type_reason(event: Event) -> Column:
    """The first reason to reject a row before the checks: a value is missing, or its text is not valid for its type."""
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
    return F.when(is_suspect, F.coalesce(*reasons))  # computes the texts only for the few rows that need one


def _apply(event: Event, rows: DataFrame, name: str) -> DataFrame:
    """Apply the check `name` to the rows that are not rejected yet."""
    check = event.checks[name]
    is_met = F.expr(check.when) & F.col("reason").isNull()
    if check.then == "reject":
        return rows.withColumn("reason", F.when(is_met, F.lit(name)).otherwise(F.col("reason")))
    repaired = {
        target: F.when(is_met, F.expr(value)).otherwise(F.col(target)).cast(event.columns[target].type)
        for target, value in check.set.items()
    }
    repairs = F.when(is_met, F.concat_ws(",", "repairs", F.lit(name))).otherwise(F.col("repairs"))
    return rows.withColumns({"repairs": repairs} | repaired)
