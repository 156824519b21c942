"""A record as small as can be, for tests of layers of any content; and records of files that were put in by hand."""

import json
from pathlib import Path
from typing import Any, ClassVar

from jobs.storage.layer import RECORD, Layer
from jobs.storage.location import Place
from jobs.storage.records import PartitionRecord
from jobs.storage.remote_layer import layer
from jobs.storage.seals import seals


class FilesRecord(PartitionRecord):
    """How many files a partition has, and which version of it this is."""

    COMMAND: ClassVar[str] = "`encore rollup`"
    basis: str = ""
    files: int = 0
    version: int = 0


def reseal(folder: Path) -> None:
    """Let the record of a partition, where there is one, name the files that a test has put there by hand."""
    file = folder / RECORD
    if file.exists():
        content = {name: one.model_dump() for name, one in seals(folder).items()}
        file.write_text(json.dumps(json.loads(file.read_text()) | {"content": content}))


def records_of(layer: Layer[Any]) -> dict[str, PartitionRecord]:
    """The records of a layer without the names and checksums of files, which differ each time they are written."""
    return {value: record.model_copy(update={"content": {}}) for value, record in layer.records().items()}


def daily_layer(data: Place) -> Layer[FilesRecord]:
    """The layer `daily` in a data folder, by date."""
    return layer(data / "daily", "date", FilesRecord)
