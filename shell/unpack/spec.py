"""How the files of an event are read: the JSON text that --event passes as spec=, percent-encoded."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

ISO = "iso"


@dataclass(frozen=True)
class Field:
    """A field of a landed line.

    source: names of columns or keys, whose texts are joined by a space.
    time: its format; empty if it is no time.
    whole_numbers: whether a hashed id such as 17850.0 is 17850.
    """

    name: str
    source: tuple[str, ...]
    time: str = ""
    is_number: bool = False
    is_hashed: bool = False
    whole_numbers: bool = False


@dataclass(frozen=True)
class Spec:
    """How records are read. `customer` and `day` are numbers of fields, from 0; `day` is None if none has the day.

    separator: None if it is to be found.
    quote, comment, thousands: empty if there is none.
    skip: number of lines above the header of CSV.
    column_names: of CSV without a header; empty if it has one.
    null_markers: those with a digit, which could be mistaken for unreadable numbers and times; all if a field is
        hashed.
    is_private: whether texts that are set aside are not kept, since they have what is hashed or dropped.
    """

    fields: tuple[Field, ...]
    customer: int
    day: int | None
    separator: str | None = None
    quote: str = '"'
    comment: str = ""
    skip: int = 0
    column_names: tuple[str, ...] = ()
    encoding: str = "utf-8"
    decimal: str = "."
    thousands: str = ""
    zone: str = "UTC"
    source_zone: str = "UTC"
    null_markers: tuple[str, ...] = ()
    is_private: bool = False

    @property
    def sources(self) -> list[str]:
        """The names that a file must have, each once."""
        return list(dict.fromkeys(name for field in self.fields for name in field.source))


def of_names(names: str, customer: int, day: int | None, zone: str) -> Spec:
    """The layout of fields that have the names of the columns, separated by commas."""
    fields = tuple(Field(name, (name,), ISO if number == day else "") for number, name in enumerate(names.split(",")))
    return Spec(fields, customer, day, zone=zone, source_zone=zone)


def of_option(text: str) -> Spec:
    """The layout that a percent-encoded JSON text describes. Raises ValueError, KeyError or TypeError if it is none."""
    return of_json(json.loads(unquote(text)))


def with_key(text: str, fingerprint: str) -> str:
    """A percent-encoded layout that also says by which key it hashes."""
    return quote(json.dumps(json.loads(unquote(text)) | {"key": fingerprint}, separators=(",", ":")), safe="")


def of_json(found: dict[str, Any]) -> Spec:
    """The layout that an object describes. Raises KeyError or TypeError if it is none."""
    fields = tuple(
        Field(
            one["name"],
            tuple(one["source"]),
            one.get("time", ""),
            one.get("number", False),
            one.get("hash", False),
            one.get("whole_numbers", False),
        )
        for one in found["fields"]
    )
    others = {key: found[key] for key in ("encoding", "decimal", "zone", "source_zone") if found.get(key)}
    return Spec(
        fields,
        found["customer"],
        found.get("day"),
        separator=found.get("separator"),
        quote=found.get("quote", '"'),
        comment=found.get("comment") or "",
        skip=found.get("skip", 0),
        column_names=tuple(found.get("column_names", ())),
        thousands=found.get("thousands", ""),
        null_markers=tuple(found.get("null_markers", ())),
        is_private=found.get("private", False),
        **others,
    )
