"""Declarations of raw events: the layout of their lines, their columns, checks and measures."""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote

from pydantic import field_validator, model_validator

from conf import sql
from conf.declaration import (
    EVENT_KEYS,
    ID_TYPES,
    NULL_MARKERS,
    RAW_PREFIX,
    RESERVED_COLUMNS,
    ColumnType,
    Declaration,
    Name,
    check_aggregate,
    check_row,
)
from conf.landing import ISO, SEPARATORS, FieldSource, Landing


class EventColumn(Declaration):
    """A typed column of the events layer.

    type: Spark type: bigint, int, string, boolean, date, timestamp, or decimal(digits, digits after the point).
    sql: Spark SQL over the raw fields, which are all text, and `date`, the day of the line.
    about: meaning of the column. Default: its name in words.
    required: whether a line without a readable value is rejected. By default it is not: the value is null, and a text
        that cannot be read as the type is counted.
    is_id: whether the text identifies something, as that of `customer_id` always does. One spelling is made of it: NFC,
        no invisible characters, no white space around it, and one space for white space within it.
    whole_numbers: whether an id such as `17850.0` is read as `17850`. A number with an exponent, such as 1.785E+4, may
        have lost digits and cannot be read as an id then.
    """

    type: ColumnType
    sql: str
    about: str = ""
    required: bool = False
    is_id: bool = False
    whole_numbers: bool = False

    @property
    def only_field(self) -> str:
        """The field that is the whole of its `sql`; otherwise a text that is the name of none."""
        return self.sql.strip().strip("`")

    @field_validator("type")
    @classmethod
    def _check_decimal(cls, value: str) -> str:
        digits = [int(number) for number in re.findall(r"\d+", value)]
        if digits and not 0 < digits[0] <= 38 or digits[1:] > digits[:1]:
            raise ValueError("a decimal has 1 to 38 digits, at most all of them after the point; change the numbers")
        return value


class Check(Declaration):
    """A condition that is true for wrong events, and what happens to them.

    Checks apply in the order of declaration, so a check sees what earlier ones repaired. A condition that is null
    counts as false.

    when: the condition: Spark SQL over the columns of the event and `date`.
    then: `reject` moves the row to the rejected lines, with the name of the check as reason; `repair` replaces values.
    set: by column, Spark SQL for the new value; for `repair` only.
    about: meaning of the check, which the report prints. Default: its name in words.
    """

    when: str
    then: Literal["reject", "repair"]
    set: dict[Name, str] = {}
    about: str = ""

    @model_validator(mode="after")
    def _check_set(self) -> "Check":
        if self.then == "repair" and not self.set:
            raise ValueError("set: a repair needs it; give a column and its new value")
        if self.then == "reject" and self.set:
            raise ValueError("set: only a repair has it; remove it, or say `then: repair`")
        return self


class Measure(Declaration):
    """An aggregate over events whose partial values can be merged: a column of the daily tiles or the interactions.

    sql: one call of an aggregate: count, count_if, sum, min, max, bool_or or hll_sketch_agg, without distinct. It reads
        the columns of the event and `date`, and covers a customer's events of one day (for interactions: with one
        title).
    about: meaning of the column. Default: its name in words.
    """

    sql: str
    about: str = ""

    @field_validator("sql")
    @classmethod
    def _check_mergeable(cls, value: str) -> str:
        sql.merge_function(value)
        return value

    @property
    def merged_by(self) -> str:
        """The name of the aggregate function that merges partial values."""
        return sql.merge_function(self.sql)


class Event(Declaration):
    """A kind of event in the raw logs.

    about: what one event is. Default: its name in words.
    landing: layout of the raw lines.
    columns: columns of the events layer, by name; one of them is `customer_id`.
    checks: checks of the typed columns, by name, in the order in which they apply.
    duplicates: `drop` makes one event of equal lines of a day, `keep` makes an event of each line. A list of columns
        makes one event of the lines of a day that have equal values in all of them. Times are compared with their
        offsets, to the second. A line without a value in one of them equals only lines of the same text.
    repeats: Spark SQL over the columns of the event and `date`: where it is true, equal lines are repeats of what they
        record, and each of them is an event. Null: all equal lines are duplicates.
    null_markers: texts that mean that there is no value, in any field. Upper and lower case are the same, and so are
        texts with spaces around them.
    measures: columns of the daily tiles, by name.
    """

    about: str = ""
    landing: Landing
    columns: dict[Name, EventColumn]
    checks: dict[Name, Check] = {}
    duplicates: Literal["drop", "keep"] | list[Name]
    repeats: str | None = None
    null_markers: list[str] = list(NULL_MARKERS)
    measures: dict[Name, Measure]

    @model_validator(mode="after")
    def _check_expressions(self) -> "Event":
        if "customer_id" not in self.columns:
            raise ValueError("columns must declare customer_id")
        taken = sorted(name for name in self.columns if name in RESERVED_COLUMNS or name.startswith(RAW_PREFIX))
        if taken:
            raise ValueError(f"columns: {taken[0]!r} is a reserved name; choose another")
        typed = set(self.columns) | EVENT_KEYS
        if self.landing.where is not None:
            check_row("landing.where", self.landing.where, set(self.landing.names) | {"date"})
        for name, column in self.columns.items():
            check_row(f"columns.{name}.sql", column.sql, set(self.landing.names) | {"date"})
        for name, check in self.checks.items():
            check_row(f"checks.{name}.when", check.when, typed)
            for target, value in check.set.items():
                if target not in self.columns:
                    known = ", ".join(self.columns)
                    raise ValueError(f"checks.{name}.set: {target!r} is not a column; choose one of {known}")
                check_row(f"checks.{name}.set.{target}", value, typed)
        for name, measure in self.measures.items():
            check_aggregate(f"measures.{name}.sql", measure.sql, typed)
        return self

    @model_validator(mode="after")
    def _check_ids(self) -> "Event":
        for name, column in self.columns.items():
            if column.whole_numbers and not self.is_id(name):
                raise ValueError(f"columns.{name}.whole_numbers: only an id has it; add `is_id: true`, or remove it")
            if column.is_id and column.type not in ID_TYPES:
                raise ValueError(f"columns.{name}.is_id: an id is one of {', '.join(ID_TYPES)}; change the type")
        return self

    @model_validator(mode="after")
    def _check_hashed(self) -> "Event":
        hashed = {name for name, source in self.landing.fields.items() if source.hash}
        for name, column in self.columns.items():
            if column.only_field in hashed and column.type != "string":
                raise ValueError(f"columns.{name}.type: its field is hashed, and a hash is text; make it `string`")
        return self

    @model_validator(mode="after")
    def _check_duplicates(self) -> "Event":
        keys = self.duplicates if isinstance(self.duplicates, list) else []
        if self.duplicates == []:
            raise ValueError("duplicates: the list is empty; give the columns that make two lines the same, or `keep`")
        if unknown := [key for key in keys if key not in self.columns]:
            raise ValueError(f"duplicates: {unknown[0]!r} is not a column; choose from {', '.join(self.columns)}")
        if self.repeats is not None and self.duplicates == "keep":
            raise ValueError("repeats: with `duplicates: keep` each line is an event; remove one of the two keys")
        if self.repeats is not None:
            check_row("repeats", self.repeats, set(self.columns) | EVENT_KEYS)
        return self

    def with_id(self, column: str) -> "Event":
        """The event with a column of text as an id."""
        declared = self.columns[column]
        is_id = declared.is_id or declared.type == "string"
        return self.model_copy(
            update={"columns": self.columns | {column: declared.model_copy(update={"is_id": is_id})}}
        )

    def is_id(self, column: str) -> bool:
        """Whether the texts of a column identify something, so that one spelling is made of them."""
        return column == "customer_id" or self.columns[column].is_id

    def layout(self, name: str, sharing: Sequence["Event"] = ()) -> str:
        """The value of the `--event` option of `shell/unpack.sh` for this event of a name.

        Args:
            sharing: other events that read the same lines.
        """
        read = self.reading(sharing)
        told = {key: value for key, value in read.items() if key not in ("files", "members", "dated_by_name")}
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        return self.landing.option(name, quote(text, safe=""))

    def reading(self, sharing: Sequence["Event"] = ()) -> dict[str, Any]:
        """How files are read: what shell/unpack takes as `spec`, and preview.py as `--spec`.

        Raises:
            ValueError: a field is both a number and a text, so that it must say which.
        """
        landing = self.landing
        days = [day for day in landing.day.split(",") if day != "name"]
        read: dict[str, Any] = {
            "files": landing.files,
            "members": landing.members,
            "dated_by_name": landing.day.startswith("name"),
            "format": landing.format,
            "fields": [self._field(name, landing.fields[name], [self, *sharing]) for name in landing.names],
            "customer": landing.names.index(landing.customer),
            "day": landing.names.index(days[0]) if days else None,
        }
        if landing.format == "lines":
            return read | {"separator": landing.separator or "tab", "header": landing.header}
        is_hashed = any(source.hash for source in landing.fields.values())
        read |= {
            "separator": SEPARATORS.get(landing.separator or "", landing.separator),
            "quote": landing.quote,
            "skip": landing.header or None,
            "column_names": landing.column_names,
            "comment": landing.comment,
            "encoding": landing.encoding,
            "decimal": landing.decimal,
            "thousands": landing.thousands,
            "zone": landing.zone,
            "source_zone": landing.source_zone or landing.zone,
            "null_markers": [one for one in self.null_markers if is_hashed or re.search("[0-9]", one)],
            "private": landing.is_private or None,
        }
        return {key: value for key, value in read.items() if value not in (None, [])}

    def _field(self, name: str, source: FieldSource, events: Sequence["Event"]) -> dict[str, Any]:
        """How a field is read; the columns say whether it is a number or a time, where the field does not."""
        alone = {
            "id" if event.is_id(key) else column.type
            for event in events
            for key, column in event.columns.items()
            if column.only_field == name
        }
        is_time = name in self.landing.day.split(",") or "timestamp" in alone
        is_number = any(kind in ("int", "bigint") or kind.startswith("decimal") for kind in alone)
        time = source.time or (ISO if is_time and not source.number else None)
        number = source.number if source.number is not None else is_number and not time
        if self.landing.format == "lines":
            return {"name": name}
        if number and source.number is None and alone & {"string", "id"}:
            raise ValueError(
                f"landing.fields.{name}: one column reads it as a number and another as text; say `number: true`, or "
                f"`number: false` to keep its text as it comes"
            )
        read: dict[str, Any] = {"name": name, "source": source.source or [name]}
        if source.hash:
            columns = [column for event in events for column in event.columns.values()]
            whole = any(column.whole_numbers for column in columns if column.only_field == name)
            return read | {"hash": True} | ({"whole_numbers": True} if whole else {})
        if time:
            read["time"] = time
        if number:
            read["number"] = True
        return read
