"""A record as small as can be, for tests of layers of any content."""

from typing import ClassVar

from jobs.storage.layer import Layer
from jobs.storage.location import Place
from jobs.storage.records import PartitionRecord
from jobs.storage.remote_layer import layer


class FilesRecord(PartitionRecord):
    """How many files a partition has, and which version of it this is."""

    COMMAND: ClassVar[str] = "`encore rollup`"
    basis: str = ""
    files: int = 0
    version: int = 0


def daily_layer(data: Place) -> Layer[FilesRecord]:
    """The layer `daily` in a data folder, by date."""
    return layer(data / "daily", "date", FilesRecord)
