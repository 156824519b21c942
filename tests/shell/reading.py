"""Reading a file as the worker of shell/unpack does, in this process: what it gives to lines.awk."""

import io
import sys
from importlib import import_module
from typing import Any

from conf.events import Event
from tests.support.paths import ROOT

sys.path.append(str(ROOT / "shell" / "unpack"))
records, spec, refusing, hashing = (import_module(name) for name in ("records", "spec", "lines", "hashing"))
COLUMN = {"about": "x", "required": False}


def event(landing: dict[str, Any], **columns: str) -> Event:
    """An event with a layout, and with columns of these types that are fields of the same name."""
    declared = {name: COLUMN | {"type": kind, "sql": name} for name, kind in columns.items()}
    declared["customer_id"] = COLUMN | {"type": "string", "sql": landing["customer"]}
    return Event.model_validate(
        {
            "about": "x",
            "landing": {"files": "*", "format": "records", "day": "name"} | landing,
            "columns": declared,
            "duplicates": "keep",
            "measures": {},
        }
    )


def read(content: bytes, landing: dict[str, Any], path: str = "x", **columns: str) -> list[list[str]]:
    """The texts of each line, in order; of one that is set aside, the reason after CR, and the text."""
    return read_as(event(landing, **columns), content, path)


def read_as(declared: Event, content: bytes, path: str = "x") -> list[list[str]]:
    """What `read` returns, of an event."""
    out = io.BytesIO()
    reader = records.Records(out, spec.of_json(declared.reading()), path)
    reader.write(io.BufferedReader(io.BytesIO(content)))
    count = reader.finish()
    lines = out.getvalue().decode("utf-8", "surrogateescape").split("\n")
    assert lines.pop() == "" and len(lines) == count
    return [line.split("\t") for line in lines]


def kept(content: bytes, landing: dict[str, Any], path: str = "x", **columns: str) -> list[list[str]]:
    """The lines without the header; no other line may be set aside."""
    lines = [line for line in read(content, landing, path, **columns) if line[0] != "\rheader"]
    assert not [line for line in lines if line[0].startswith("\r")]
    return lines


def why_refused(content: bytes, landing: dict[str, Any], path: str = "x") -> str:
    """Why a file cannot be read."""
    try:
        read(content, landing, path)
    except refusing.RefusedError as error:
        return str(error)
    raise AssertionError("the file was read")
