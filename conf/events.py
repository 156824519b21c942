"""Declarations of raw events: the layout of their lines, their columns, checks and measures."""

import re
from pathlib import PurePath
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

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


class Landing(Declaration):
    """Layout of the raw lines of an event, which Encore passes to `shell/unpack.sh`.

    files: shell pattern of the names of the event's files, such as `*play.log*`.
    fields: names of the fields of a line, in order. For `records` they are the columns of the CSV header or the keys of
        the JSON objects.
    customer: the field with the customer's id.
    day: where the day of a line is read: a field, or `name` for the YYYYMMDD at the start of the file's name, or
        `name,<field>` for the file's name and, if it has no day, the field.
    format: `lines` are split at the separator into fields by position. `records` have fields by name: CSV with a header
        or JSON lines, whichever the file begins as.
    separator: separator of the fields of `lines`: `tab`, or `space` for runs of spaces and tabs.
    header: number of lines to skip at the start of each file of `lines`.
    zone: time zone of `records`, an IANA name. A time in the field `day` that has an offset is converted to this zone;
        a time without one is in this zone already. The day of a record is its day there.
    part: regular expression that finds the number of a part in the name of an archive, in its one group. Null: archives
        are not numbered.
    parts_per_day: number of parts that a complete day has; goes with `part`. Null: no part can be missing.
    lines_of: another event, whose lines this one reads too, with their layout: files with several kinds of event are
        unpacked once. Only `where` stands beside it. Null: the event has files of its own.
    where: Spark SQL over the fields and `date` for the lines that are this event, such as `page = 'NextSong'`; a
        condition that is null counts as false, and a null marker is null. Null: every line is. Lines that are of no
        event are counted and said.
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
    parts_per_day: int | None = Field(default=None, gt=0, le=10_000)
    lines_of: Name | None = None
    where: str | None = None

    @model_validator(mode="after")
    def _check_fields(self) -> "Landing":
        if len(set(self.fields)) < len(self.fields):
            raise ValueError("fields: a name occurs twice; rename one of the two fields")
        if "date" in self.fields:
            raise ValueError("fields: `date` is reserved for the day of the line; rename the field")
        for key, name in (("customer", self.customer), *(("day", name) for name in self.day.split(","))):
            if name not in self.fields and (key, name) != ("day", "name"):
                raise ValueError(f"{key}: {name!r} is not a field; choose one of {', '.join(self.fields)}")
        return self

    @model_validator(mode="after")
    def _check_parts(self) -> "Landing":
        if (self.part is None) != (self.parts_per_day is None):
            raise ValueError("part, parts_per_day: only one of the two is given; give both or neither")
        if self.part is not None and _groups(self.part) != 1:
            raise ValueError(f"part: {self.part!r} must be a regular expression with one group, the part's number")
        return self

    @model_validator(mode="after")
    def _check_format(self) -> "Landing":
        if self.format == "records" and (self.header or self.separator != "tab"):
            raise ValueError("separator, header: `records` have fields by name; remove these keys")
        if self.format == "records" and "name" in self.day.split(","):
            raise ValueError("day: the day of `records` is read from a field; give its name instead of `name`")
        if self.format == "lines" and self.zone != "UTC":
            raise ValueError("zone: only `records` have a time zone; remove this key")
        return self

    @field_validator("zone")
    @classmethod
    def _check_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise ValueError(f"{value!r} is not a time zone; give one such as Europe/Berlin") from None
        return value

    def parts(self) -> list[str]:
        """The numbers of the parts of a complete day; empty if `parts_per_day` is not declared."""
        return [str(number) for number in range(1, (self.parts_per_day or 0) + 1)]

    def missing_parts(self, archives: list[str]) -> list[str]:
        """The numbers of the parts of a day that none of its archives has.

        An archive without a number is taken as the complete day.
        """
        numbers = [re.search(self.part, PurePath(archive).name) for archive in archives] if self.part else [None]
        found = {number[1] for number in numbers if number}
        is_whole = any(number is None for number in numbers)
        return [] if is_whole else [part for part in self.parts() if part not in found]

    def option(self, event: str) -> str:
        """The value of the `--event` option of `shell/unpack.sh`, which numbers fields from 1."""
        days = [day if day == "name" else str(self.fields.index(day) + 1) for day in self.day.split(",")]
        named = f" format=records names={','.join(self.fields)} zone={self.zone}" if self.format == "records" else ""
        return (
            f"{event} files={self.files} fields={len(self.fields)} customer={self.fields.index(self.customer) + 1}"
            f" day={','.join(days)} separator={self.separator} header={self.header}{named}"
        )


def _groups(expression: str) -> int:
    """The number of groups of a regular expression. Raises ValueError where it is none."""
    try:
        return re.compile(expression).groups
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"part: {expression[:60]!r} is not a regular expression ({error}); fix it") from None


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
            check_row("landing.where", self.landing.where, set(self.landing.fields) | {"date"})
        for name, column in self.columns.items():
            check_row(f"columns.{name}.sql", column.sql, set(self.landing.fields) | {"date"})
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
