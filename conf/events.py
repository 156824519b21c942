"""How raw activity is declared: the look of its lines, its columns, its checks, its measures."""

import re
from pathlib import PurePath
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, PositiveInt, field_validator, model_validator

from conf import sql
from conf.declaration import EVENT_KEYS, RAW, RESERVED, Declaration, Name, Type, check_aggregate, check_row


class Landing(Declaration):
    """How the raw lines of an event look; `shell/unpack.sh` gets these values.

    files: pattern of the names of the archives, such as `*play.log*`.
    fields: names of the fields, in the order of the line.
    customer: the field with the customer's id.
    day: where the day of a line comes from: `name` (the name of the archive), a field, or `name` and a field, separated
        by a comma: the field where the name has no day.
    format: `lines` are split at the separator, with fields by position; `records` are CSV with a header or JSON lines,
        with fields by name.
    separator: separator of the fields; only of `lines`.
    header: number of first lines of an archive to skip; only of `lines`.
    zone: time zone of the service's clock; only of `records`. A time with an offset is converted to it before its day
        is taken; a time without one is on this clock already.
    part: regular expression whose group is the number of the part of a day in the name of an archive.
    parts_per_day: number of parts of a whole day; missing ones are reported.
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
    """A typed column of the events layer.

    type: SQL type.
    sql: value, as SQL over the raw fields, which are all text.
    about: meaning.
    required: a row without a value is rejected.
    """

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
    """A condition that an event must not meet, and what is done where it does.

    when: the condition, as SQL over the columns.
    then: `reject` sets the row aside, with the name of the check as reason; `repair` replaces columns.
    set: of a repair: SQL of the new value, by column.
    about: what the condition means.
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
    """A column of the daily tiles, or of the interactions of a day.

    sql: one aggregate over a customer's events of a day that can be merged: bool_or, count, count_if, hll_sketch_agg,
        max, min or sum.
    about: meaning.
    """

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
    """One kind of raw activity.

    about: what an event is.
    landing: how its raw lines look.
    columns: typed columns by name; `customer_id` must be one.
    checks: checks by name, made in this order.
    duplicates: `drop` keeps one of equal lines of a day and counts the others; `keep` keeps all.
    measures: columns of the daily tile, by name.
    """

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
            check_row(f"columns.{name}.sql", column.sql, set(self.landing.fields) | {"date"})
        for name, check in self.checks.items():
            check_row(f"checks.{name}.when", check.when, typed)
            for target, value in check.set.items():
                if target not in self.columns:
                    raise ValueError(f"checks.{name}.set: {target!r} is not a column of this event")
                check_row(f"checks.{name}.set.{target}", value, typed)
        for name, measure in self.measures.items():
            check_aggregate(f"measures.{name}.sql", measure.sql, typed)
        return self
