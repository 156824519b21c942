"""Raw lines to typed and checked events.

Every line becomes exactly one of three: an event, a rejected line with a reason, or a duplicate that is counted in the
`copies` of its event.
"""

from collections.abc import Sequence
from functools import partial, reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.declaration import RAW_PREFIX
from conf.events import Event
from conf.sql import columns_of
from features.values import normalised_id, offset_of, readable_markers, unmarked, value_of

UNREADABLE = "_unreadable"
MISSING = "_missing"
# Not valid names of fields.
_COPIES, _LINE, _REPEAT = "_copies", "_line", "_repeat"
NETWORK_ADDRESS = r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"


def tagged(lines: DataFrame, event: Event) -> DataFrame:
    """Type and check lines; each row gets the reason of its rejection and its repairs.

    Args:
        lines: the raw fields of `event` as text, and `date`.

    Returns:
        One row per line: the columns of the event, `date`, `reason` (null if the row is valid), `repairs` (names of the
        checks that repaired it, in order, and before them `<column>_unreadable` for each optional column whose text
        became null, separated by commas; null if there are none), and the raw fields as `raw_<field>`.
    """
    return _tagged(lines, event, ["date"])


def lines_where(lines: DataFrame, event: Event, condition: str | None) -> DataFrame:
    """The lines for which a condition over the raw fields holds; all without a condition.

    A condition that is null does not hold, and a text that marks a missing value is null in it.
    """
    return lines if condition is None else _lines_that(lines, event, [condition], True)


def lines_but(lines: DataFrame, event: Event, conditions: Sequence[str]) -> DataFrame:
    """The lines for which none of some conditions holds."""
    return _lines_that(lines, event, conditions, False)


def _lines_that(lines: DataFrame, event: Event, conditions: Sequence[str], holds: bool) -> DataFrame:
    """The lines for which one of some conditions holds, or none."""
    raw = F.struct(*(F.col(name) for name in event.landing.names)).alias(_LINE)
    texts = [unmarked(F.col(name), event.null_markers).alias(name) for name in event.landing.names]
    one_holds = reduce(Column.__or__, (F.coalesce(F.expr(one), F.lit(False)) for one in conditions))
    kept = lines.select("date", raw, *texts).where(one_holds if holds else ~one_holds)
    return kept.select(*(F.col(f"{_LINE}.{name}").alias(name) for name in event.landing.names), "date")


def clean(rows: DataFrame, event: Event) -> DataFrame:
    """The events layer: one row per event, with the number of its equal lines in `copies`.

    Which of the equal lines stays does not depend on the engine or the order of the lines.

    Args:
        rows: rows of `tagged`.
    """
    columns = ["date", *event.columns, "repairs"]
    if event.duplicates == "keep":
        return rows.where(F.col("reason").isNull()).select(*columns, F.lit(1).cast("bigint").alias("copies"))
    different = _by_text(rows, event) if event.duplicates == "drop" else _by_key(rows, event, event.duplicates)
    good = _tagged(different, event, ["date", _COPIES]).where(F.col("reason").isNull())
    copies = F.col(_COPIES)
    if event.repeats is not None:
        is_repeat = F.coalesce(F.expr(event.repeats), F.lit(False))
        times = F.when(is_repeat, copies).otherwise(F.lit(1)).cast("int")
        good = good.withColumn(_REPEAT, F.explode(F.array_repeat(F.lit(True), times)))
        copies = F.when(is_repeat, F.lit(1)).otherwise(copies).cast("bigint")
    return good.select(*columns, copies.alias("copies"))


def rejected(rows: DataFrame, event: Event) -> DataFrame:
    """The rejected rows: `date`, `reason` and the raw fields, with masked network addresses."""
    masked = [masked_addresses(F.col(f"{RAW_PREFIX}{name}")).alias(name) for name in event.landing.names]
    return rows.where(F.col("reason").isNotNull()).select("date", "reason", *masked)


def is_unreadable(reason: Column) -> Column:
    """Whether a reason is a missing or unreadable value, and not a check of the values."""
    return reason.endswith(UNREADABLE) | reason.endswith(MISSING)


def example_of(event: Event) -> Column:
    """Of a rejected row the raw fields that its reason reads, as text: `play_time: 7>(<address>)TM`."""
    fields = {f"{name}{ending}": _sources(event, name) for name in event.columns for ending in (UNREADABLE, MISSING)}
    for name, check in event.checks.items():
        columns = sorted(columns_of(check.when) & set(event.columns))
        fields[name] = sorted({source for column in columns for source in _sources(event, column)})
    shown = {
        reason: F.concat_ws(
            ", ",
            *(F.concat(F.lit(f"{name}: "), F.coalesce(F.substring(name, 1, 60), F.lit("(empty)"))) for name in names),
        )
        for reason, names in fields.items()
    }
    cases = [F.when(F.col("reason") == reason, text) for reason, text in shown.items()]
    return F.coalesce(*cases, F.lit(""))


def masked_addresses(text: Column) -> Column:
    """The text with every IPv4 address replaced, since an address identifies a person and no report needs it."""
    return F.regexp_replace(text, NETWORK_ADDRESS, "<address>")


def _by_text(rows: DataFrame, event: Event) -> DataFrame:
    """The lines with different raw texts of a day, as raw fields, and the number of their copies.

    Two lines that only a repair made equal are two events. Only the texts are grouped, and then tagged again: this
    takes half the time of a grouping with the typed columns. The tags of `rows` are not read, so the engines do not
    compute them.
    """
    texts = [F.col(f"{RAW_PREFIX}{name}").alias(name) for name in event.landing.names]
    return rows.select("date", *texts).groupBy("date", *event.landing.names).agg(F.count("*").alias(_COPIES))


def _by_key(rows: DataFrame, event: Event, keys: Sequence[str]) -> DataFrame:
    """The valid lines of a day with different values of `keys`, as raw fields, and the number of their copies.

    Of equal lines the first in the order of their bytes stays. A line without a value in one of `keys` is equal only to
    lines of the same text: what is not known is not the same.
    """
    fields = event.landing.names
    line = F.concat_ws("\t", *(F.coalesce(F.col(f"{RAW_PREFIX}{name}"), F.lit("")) for name in fields))
    is_partial = reduce(Column.__or__, (F.col(key).isNull() for key in keys))
    parts = [*(part for key in keys for part in _key_parts(event, key)), F.when(is_partial, line)]
    named = [part.alias(f"_key{number}") for number, part in enumerate(parts)]
    valid = rows.where(F.col("reason").isNull()).select("date", *named, line.alias(_LINE))
    grouped = valid.groupBy("date", *(f"_key{number}" for number in range(len(parts))))
    first = grouped.agg(F.count("*").alias(_COPIES), F.min(_LINE).alias(_LINE))
    cells = F.split(F.col(_LINE), "\t", -1)
    texts = [F.nullif(cells[number], F.lit("")).alias(name) for number, name in enumerate(fields)]
    return first.select("date", _COPIES, *texts)


def _key_parts(event: Event, key: str) -> list[Column]:
    """What must be equal for two lines to have the same value of a column: of a time the second and the offset."""
    if event.columns[key].type != "timestamp":
        return [F.col(key)]
    offsets = [offset_of(F.col(f"{RAW_PREFIX}{source}")) for source in _sources(event, key)]
    return [F.date_trunc("second", F.col(key)), *offsets]


def _tagged(lines: DataFrame, event: Event, kept: list[str]) -> DataFrame:
    """Type and check lines as `tagged` does, and keep the columns `kept` of the lines."""
    raw = [F.col(name).alias(f"{RAW_PREFIX}{name}") for name in event.landing.names]
    texts = [unmarked(F.col(name), _markers(event, name)).alias(name) for name in event.landing.names]
    typed = [_value(event, name).alias(name) for name in event.columns]
    rows = lines.select(*kept, *raw, *texts)
    rows = rows.select(*kept, *(f"{RAW_PREFIX}{name}" for name in event.landing.names), *typed)
    rows = rows.withColumns({"reason": _type_reason(event), "repairs": _type_repairs(event)})
    rows = reduce(partial(_apply, event), event.checks, rows)
    return rows.withColumn("reason", _computed_once(F.col("reason")))


def _sources(event: Event, column: str) -> list[str]:
    """The raw fields that a column is made from."""
    return sorted(columns_of(event.columns[column].sql) & set(event.landing.names))


def _markers(event: Event, field: str) -> list[str]:
    """The null markers that must be looked for in a field: all, or few if its text is only ever read as a number."""
    readers = [column for column in event.columns.values() if field in columns_of(column.sql)]
    kinds = {column.type if column.sql == field else "string" for column in readers}
    wanted = [marker for kind in kinds for marker in readable_markers(event.null_markers, kind)]
    return sorted(set(wanted))


def _value(event: Event, name: str) -> Column:
    column = event.columns[name]
    text = F.expr(column.sql).cast("string")
    if event.is_id(name):
        # Only without what surrounds it can a marker be seen.
        text = normalised_id(text, column.whole_numbers)
        text = unmarked(text, readable_markers(event.null_markers, column.type))
    return value_of(text, column.type)


def _has_text(event: Event, name: str) -> Column:
    """Whether some raw field of a column has a text that is no marker of a missing value."""
    texts = [F.col(f"{RAW_PREFIX}{source}") for source in _sources(event, name)]
    plain = [normalised_id(text) for text in texts] if event.is_id(name) else texts
    found = [unmarked(text, event.null_markers).isNotNull() for text in plain]
    return reduce(Column.__or__, found, F.lit(False))


def _type_reason(event: Event) -> Column:
    """The first reason to reject a row before the checks: a required value is missing, or its text not valid."""
    required = [name for name, column in event.columns.items() if column.required]
    is_suspect = reduce(Column.__or__, (F.col(name).isNull() for name in required), F.lit(False))
    reasons = [
        F.when(F.col(name).isNull(), F.when(_has_text(event, name), F.lit(f"{name}{UNREADABLE}")).otherwise(missing))
        for name, missing in ((name, F.lit(f"{name}{MISSING}")) for name in required)
    ]
    # Computes the texts only for the few rows that need one.
    return F.when(is_suspect, F.coalesce(*reasons)) if required else F.lit(None).cast("string")


def _type_repairs(event: Event) -> Column:
    """The optional columns whose text is not valid for the type, as names of repairs; null if there are none."""
    optional = [name for name, column in event.columns.items() if not column.required and column.type != "string"]
    nulls = {name: F.col(name).isNull() for name in optional}
    has_raw = {
        name: reduce(
            Column.__or__, (F.col(f"{RAW_PREFIX}{one}").isNotNull() for one in _sources(event, name)), F.lit(False)
        )
        for name in optional
    }
    is_suspect = reduce(Column.__or__, (nulls[name] & has_raw[name] for name in optional), F.lit(False))
    names = [F.when(nulls[name] & _has_text(event, name), F.lit(f"{name}{UNREADABLE}")) for name in optional]
    if not names:
        return F.lit(None).cast("string")
    return F.when(is_suspect, F.nullif(F.concat_ws(",", *names), F.lit("")))


def _computed_once(text: Column) -> Column:
    """The same text, but an optimizer does not push a filter on it down.

    A pushed filter replaces each column by its expression. Each check reads the columns that the previous one wrote, so
    the expression would double with every check. Optimizers do not push a filter below a random number.
    """
    return F.coalesce(text, F.when(F.rand() < 0, F.lit("never")))


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
