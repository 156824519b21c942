"""A record as small as can be, for tests of layers of any content; and records of files that were put in by hand."""

import json
import shutil
from pathlib import Path
from typing import Any, ClassVar

from jobs.storage.layer import RECORD, Layer
from jobs.storage.location import Place
from jobs.storage.records import CHECKSUM, PartitionRecord
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
        file.write_text(changed_record(file.read_text(), content=content))


def changed_record(text: str, **changes: object) -> str:
    """The text of a record with keys changed, and without the checksum that it had."""
    data = json.loads(text) | changes
    return json.dumps({key: value for key, value in data.items() if key != CHECKSUM})


def records_of(layer: Layer[Any]) -> dict[str, PartitionRecord]:
    """The records of a layer without the names and checksums of files, which differ each time they are written."""
    return {value: record.model_copy(update={"content": {}}) for value, record in layer.records().items()}


def daily_layer(data: Place) -> Layer[FilesRecord]:
    """The layer `daily` in a data folder, by date."""
    return layer(data / "daily", "date", FilesRecord)


def flip_a_bit(file: Path) -> str:
    """Change a bit in the middle of a file, as a disk does; returns what is said of it."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    return f"{file}: the content of this file is not what was written"


def cut_in_half(file: Path) -> str:
    """Leave the first half of a file; returns what is said of it."""
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[: size // 2])
    return f"{file}: this file has {size // 2:,} bytes, and {size:,} were written"


def copy_beside(file: Path) -> str:
    """Copy a file in; returns what is said of it."""
    copy = file.with_name(f"part-9{file.suffix}")
    shutil.copy(file, copy)
    return f"{copy}: this file was not written by Encore"


def remove(file: Path) -> str:
    """Remove a file; returns what is said of it."""
    file.unlink()
    return f"{file}: this file is missing"


DAMAGES = {one.__name__: one for one in (flip_a_bit, cut_in_half, copy_beside, remove)}
