"""Declaration of raw files: the layout of their lines, and how texts are read from other formats."""

import codecs
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from conf.declaration import Declaration, Name

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
EPOCHS = ("epoch_s", "epoch_ms", "epoch_us")
ISO = "iso"
_A_DAY = datetime(
    2017, 11, 22, tzinfo=UTC
)  # no two of its numbers are equal, so that a format that leaves one out is found
_ONLY_OF_RECORDS = ("zone", "source_zone", "quote", "comment", "encoding", "decimal", "thousands", "column_names")


class FieldSource(Declaration):
    """Where a field of `records` stands in the files, and how its text is read. A text alone is its source.

    source: name of the column or key, spelled as in the file. A dot goes into a nested object, unless a key has the dot
        itself. A list of several: their texts, joined by a space. By default the name of the field.
    time: how a time is written: `epoch_s`, `epoch_ms` or `epoch_us` (seconds, milliseconds or microseconds since 1970
        in UTC), `iso` (ISO 8601), or a format of Python's strptime such as `%d.%m.%Y %H:%M`. Null: `iso` if it is the
        field `day` or a timestamp column whose `sql` is this field alone; otherwise the text is no time.
    number: whether it is read as a number, with the marks `decimal` and `thousands`; the sign of a currency is dropped.
        Null: it is if a column of a numeric type, no id, has this field alone as its `sql`.
    hash: whether the text is replaced by a keyed hash (HMAC-SHA256, 32 hexadecimal digits) before anything is written.
        The key is the environment's ENCORE_HASH_KEY, or in the file that ENCORE_HASH_KEY_FILE names. Of lines that are
        set aside, nothing but the reason is kept then.
    drop: whether the field is never written, and lines that are set aside are not kept either.
    """

    source: list[str] = []
    time: str | None = None
    number: bool | None = None
    hash: bool = False
    drop: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"source": [value]}
        if isinstance(value, Mapping) and isinstance(value.get("source"), str):
            return {**value, "source": [value["source"]]}
        return value

    @field_validator("source")
    @classmethod
    def _check_source(cls, value: list[str]) -> list[str]:
        if any(not name.strip() for name in value):
            raise ValueError("a name is empty; give the name of a column or key of the file")
        return value

    @field_validator("time")
    @classmethod
    def _check_time(cls, value: str | None) -> str | None:
        if value is None or value == ISO or value in EPOCHS:
            return value
        try:
            is_day = datetime.strptime(_A_DAY.strftime(value), value).date() == _A_DAY.date()
        except (ValueError, re.error):
            is_day = False
        if not is_day:
            raise ValueError(
                f"{value!r} gives no whole date; give {', '.join(EPOCHS)}, {ISO}, or a format of strptime such as "
                "%d.%m.%Y %H:%M"
            )
        return value

    @model_validator(mode="after")
    def _check_kind(self) -> "FieldSource":
        if self.time and self.number:
            raise ValueError("time, number: a field is one of the two; remove the other key")
        if self.hash and (self.time or self.number):
            raise ValueError("hash: a hash is no time and no number; remove the other key")
        if self.drop and (self.time or self.number or self.hash):
            raise ValueError("drop: what is never written is not read; remove the other keys")
        return self


class Landing(Declaration):
    """Layout of the raw files of an event, which Encore passes to `shell/unpack.sh`.

    files: shell pattern of the names of the event's files, such as `*play.log*`.
    members: shell pattern of the names within archives. Null: those that match `files`, or all if none does.
    fields: the fields of a line: a list of their names, in order, or for `records` a mapping of names to sources, such
        as `order: InvoiceNo`. The names in a list are those of the file. Names in the header of a CSV file match
        without regard to upper and lower case and surrounding spaces, if only one does. A source that a file lacks and
        that stands in its path as `source=value` is taken from there.
    customer: the field with the customer's id.
    day: where the day of a line is read: a field, or `name` for a day such as 20181102 or 2018-11-02 in the name of the
        file or else of its folder, or `name,<field>` for the file's name and, if it has no day, the field.
    format: `lines` are split at the separator into fields by position. `records` have fields by name: CSV with a header
        or JSON, whichever the file begins as.
    separator: separator of the fields. Of `lines`: `tab` (by default), or `space` for runs of spaces and tabs. Of
        `records`: one character, or `comma`, `semicolon`, `tab` or `bar`. Null: the one with which the names of the
        fields are found in the header.
    quote: the quote of CSV; an empty text if there is none.
    comment: text with which lines of CSV begin that are comments. They are counted, and are no records. Null: none.
    encoding: encoding of the text of `records`, a name of Python's codecs such as `cp1252`. The byte order mark of a
        file wins.
    decimal: the decimal mark of numbers, `.` or `,`.
    thousands: the mark between groups of three digits: empty, `.`, `,`, `'` or a space (of any kind).
    header: number of lines to skip at the start of each file of `lines`, or above the header of each CSV file.
    column_names: names of the columns of CSV files without a header, in order. Null: the files have a header.
    zone: time zone of `records`, an IANA name. A time that has an offset is converted to this zone. The day of a record
        is its day there.
    source_zone: time zone of times without an offset. Null: they are in `zone` already.
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
    members: str | None = Field(default=None, pattern=r"^[^\s/]+$")
    fields: dict[Name, FieldSource] = Field(min_length=1)
    customer: Name
    day: str = Field(pattern=r"^(name|[a-z][a-z0-9_]*)(,[a-z][a-z0-9_]*)?$")
    format: Literal["lines", "records"] = "lines"
    separator: str | None = None
    quote: str = '"'
    comment: str | None = Field(default=None, min_length=1)
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    header: int = Field(default=0, ge=0)
    column_names: list[str] | None = Field(default=None, min_length=1)
    zone: str = "UTC"
    source_zone: str | None = None
    part: str | None = None
    parts_per_day: int | None = Field(default=None, gt=0, le=10_000)
    lines_of: Name | None = None
    where: str | None = None

    @field_validator("fields", mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        if not isinstance(value, list | dict) or not all(isinstance(name, str) for name in value):
            return value
        if wrong := [name for name in value if not re.fullmatch("[a-z][a-z0-9_]*", name)]:
            own = re.sub("[^a-z0-9]+", "_", wrong[0].lower()).strip("_")
            raise ValueError(
                f"{wrong[0]!r} is no name of a field, which has a-z, 0-9 and _ only and begins with a letter; give the "
                f"names of the file as sources, such as `{own or 'name'}: {wrong[0]}`"
            )
        if isinstance(value, dict):
            return value
        if len(set(value)) < len(value):
            raise ValueError("a name occurs twice; rename one of the two fields")
        return {name: {} for name in value}

    @model_validator(mode="after")
    def _check_fields(self) -> "Landing":
        if "date" in self.fields:
            raise ValueError("fields: `date` is reserved for the day of the line; rename the field")
        for key, name in (("customer", self.customer), *(("day", name) for name in self.day.split(","))):
            if name not in self.names and (key, name) != ("day", "name"):
                raise ValueError(f"{key}: {name!r} is not a field; choose one of {', '.join(self.names)}")
            if key == "day" and name in self.fields and self.fields[name].hash:
                raise ValueError(f"day: the field {name} is hashed, which leaves no day; choose another field")
        if self.format == "lines" and any(source != FieldSource() for source in self.fields.values()):
            raise ValueError("fields: only `records` have sources by name; give a list, or say `format: records`")
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
        if self.format == "lines":
            own = [key for key in _ONLY_OF_RECORDS if getattr(self, key) != type(self).model_fields[key].default]
            if own:
                raise ValueError(f"{own[0]}: only `records` have it; remove this key, or say `format: records`")
            if self.separator not in (None, "tab", "space"):
                raise ValueError("separator: of `lines` it is tab or space; change it, or say `format: records`")
        else:
            self._check_records()
        return self

    def _check_records(self) -> None:
        folded = [name.strip().lower() for name in self.column_names or []]
        if len(set(folded)) < len(folded):
            raise ValueError(
                "column_names: a name occurs twice, apart from upper and lower case; rename one of the two"
            )
        if self.separator is not None and not _is_mark(self.separator) and self.separator not in SEPARATORS:
            raise ValueError(f"separator: {self.separator!r} is neither one character nor {', '.join(SEPARATORS)}")
        if self.quote and not _is_mark(self.quote):
            raise ValueError("quote: give one character, or an empty text if texts are not quoted")
        if self.quote and self.quote == SEPARATORS.get(self.separator or "", self.separator):
            raise ValueError("separator, quote: they are the same; change one of the two")
        if self.thousands == self.decimal:
            raise ValueError("decimal, thousands: they are the same; change one of the two")

    @field_validator("zone", "source_zone")
    @classmethod
    def _check_zone(cls, value: str | None) -> str | None:
        try:
            ZoneInfo(value or "UTC")
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise ValueError(f"{value!r} is not a time zone; give one such as Europe/Berlin") from None
        return value

    @field_validator("encoding")
    @classmethod
    def _check_encoding(cls, value: str) -> str:
        try:
            found = codecs.lookup(value)
            is_text = found.incrementaldecoder is not None and isinstance(found.decode(b"")[0], str)
        except (LookupError, ValueError, TypeError):
            is_text = False
        if not is_text:
            raise ValueError(f"{value!r} is no encoding of text; give one such as utf-8, utf-16 or cp1252")
        return value

    @property
    def names(self) -> list[str]:
        """The names of the fields of a landed line, in order."""
        return [name for name, source in self.fields.items() if not source.drop]

    @property
    def is_private(self) -> bool:
        """Whether the files have what must not be written."""
        return any(source.hash or source.drop for source in self.fields.values())

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

    def option(self, event: str, reading: str = "") -> str:
        """The value of the `--event` option of `shell/unpack.sh`, which numbers fields from 1.

        Args:
            reading: what `reading` of the event returns, as text.
        """
        days = [day if day == "name" else str(self.names.index(day) + 1) for day in self.day.split(",")]
        layout = (
            f"{event} files={self.files} fields={len(self.names)} customer={self.names.index(self.customer) + 1}"
            f" day={','.join(days)}"
        )
        members = f" members={self.members}" if self.members else ""
        if self.format == "records":
            return f"{layout}{members} format=records spec={reading}"
        return f"{layout} separator={self.separator or 'tab'} header={self.header}{members}"


def _is_mark(text: str) -> bool:
    """Whether a text is one character that can stand between fields, or around them."""
    return len(text) == 1 and not text.isalnum() and text not in "\r\n\0"


def _groups(expression: str) -> int:
    """The number of groups of a regular expression. Raises ValueError where it is none."""
    try:
        return re.compile(expression).groups
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"part: {expression[:60]!r} is not a regular expression ({error}); fix it") from None
