"""JSON records: what one command writes and another reads, typed, with the version of their schema.

A record is a pydantic model. Every file of records is written and read here, so that a reader meets either a record of
the declared type or one line that says which command writes it again. Each ends with a checksum of what stands before
it, so that a changed number is noticed.
"""

import json
import math
import re
import zlib
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from conf.errors import DataCheckError, InputError
from jobs.storage.backend import write_text
from jobs.storage.location import Place

SCHEMA_VERSION = "schema_version"  # the first key of every file
CHECKSUM = "record_crc32"  # the last one, which files of older versions lack
_CHECKSUM = re.compile(rf',\s*"{CHECKSUM}":\s*([0-9]+)\s*}}\s*\Z')


class Section(BaseModel):
    """A part of a record."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Record(Section):
    """What a JSON file holds.

    Attributes:
        VERSION: of the schema; a change of the fields raises it.
        COMMAND: the command that writes the record again, in backticks; {partition} stands for the partition's value.
    """

    VERSION: ClassVar[int] = 1
    COMMAND: ClassVar[str]


class FileSeal(Section):
    """A file as it was published; crc32: None where whole files are not read, see `jobs.storage.seals`.

    size: in bytes; -1 for a folder, which no partition has.
    """

    size: int
    crc32: int | None


class SealedRecord(Record):
    """The record of a folder that is published as a whole.

    content: the files of the folder by name, or by path below it; filled in when the folder is published.
    """

    content: dict[str, FileSeal] = {}


class PartitionRecord(SealedRecord):
    """The record of a partition of a layer; partitions of equal bases are equal.

    basis: what the partition is made from, all the way down: declarations, and the bases of its sources.
    """

    VERSION: ClassVar[int] = 2  # 1 had no content, and Spark's timestamps of another kind than Sail's
    basis: Any


R = TypeVar("R", bound=Record)


class UnreadableRecordError(InputError):
    """A record that this version of Encore cannot read."""


class DamagedRecordError(DataCheckError):
    """A record that is not as it was written."""


def to_text(record: Record, indent: int | None = 1) -> str:
    """The content of a record's file; NaN and infinity become null, since JSON has neither."""
    data = {SCHEMA_VERSION: record.VERSION, **record.model_dump(mode="json", by_alias=True)}
    text = json.dumps(_with_nulls(data), indent=indent, allow_nan=False).removesuffix("}").rstrip()
    return f'{text},\n "{CHECKSUM}": {zlib.crc32(text.encode())}\n}}'


def from_text(kind: type[R], text: str, file: object, partition: str = "") -> R:
    """The record that a text holds.

    Args:
        file: named in errors.
        partition: value of the partition that the record belongs to, if any.

    Raises:
        UnreadableRecordError: the text is no record of this type and version.
        DamagedRecordError: it is not whole, or was changed.
    """
    again = f"run {kind.COMMAND.format(partition=partition)} again"
    checksum = _CHECKSUM.search(text, max(0, len(text) - 99))
    try:
        data = json.loads(text)
        version = data.pop(SCHEMA_VERSION, None)
        data.pop(CHECKSUM, None)
    except (ValueError, AttributeError, TypeError):
        raise DamagedRecordError(f"{file}: is not a whole record; {again}") from None
    if version != kind.VERSION:
        by = "an older version of Encore" if version is None else f"a version of Encore with schema {version}"
        raise UnreadableRecordError(f"{file}: was written by {by} (this one reads schema {kind.VERSION}); {again}")
    if checksum and zlib.crc32(text[: checksum.start()].encode()) != int(checksum[1]):
        raise DamagedRecordError(f"{file}: this record is not as it was written (its checksum differs); {again}")
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise UnreadableRecordError(f"{file}: {_first_problem(error)}; {again}") from None


def write_record(file: Place, record: Record, indent: int | None = 1) -> None:
    """Write a record as a whole file, or leave the old one as it was."""
    write_text(file, to_text(record, indent))


def read_record(kind: type[R], file: Place) -> R:
    """The record of a file. Raises FileNotFoundError, UnreadableRecordError, DamagedRecordError."""
    return from_text(kind, text_of(file), file)


def text_of(file: Place) -> str:
    """The text of a record's file; a byte that is not UTF-8 becomes a mark, at which its checksum differs."""
    return file.read_bytes().decode("utf-8", "replace")


def find_record(kind: type[R], file: Place) -> R | None:
    """The record of a file, None where there is no such file. Raises as `read_record` does."""
    try:
        return read_record(kind, file)
    except FileNotFoundError:
        return None


def readable(kind: type[R], text: str) -> R | None:
    """The record that a text holds, None where it cannot be read; for callers that would then write it again."""
    try:
        return from_text(kind, text, "")
    except (UnreadableRecordError, DamagedRecordError):
        return None


def find_readable(kind: type[R], file: Place) -> R | None:
    """The record of a file, None where there is none that can be read; see `readable`."""
    try:
        return readable(kind, text_of(file))
    except FileNotFoundError:
        return None


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(map(str, problem["loc"]))
    known = {"missing": f"the key {key} is missing", "extra_forbidden": f"the key {key} is unknown"}
    return known.get(problem["type"], f"the value of {key} cannot be read")


def _with_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_nulls(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_nulls(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
