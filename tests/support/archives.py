"""What the tests of whole commands share: contexts, archives as the service packs them, tables as plain rows."""

import io
import tarfile
from pathlib import Path

import pyarrow.parquet

from conf.load import load_profile, load_service
from jobs.context import Context
from jobs.data_folder import DataFolder
from tests.support.console import Encore


def context(data: Path, service: str = "music", engine: str = "sail") -> Context:
    """A context with the local profile."""
    return Context(DataFolder(data), Path(service).stem, load_service(service), load_profile("local"), engine)


def pack(raw: Path, name: str, member: str, content: bytes) -> Path:
    """An archive as the music service leaves it."""
    raw.mkdir(parents=True, exist_ok=True)
    with tarfile.open(raw / name, "w:gz") as archive:
        info = tarfile.TarInfo(member)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return raw / name


def table(folder: Path) -> list[dict[str, object]]:
    """The rows of a folder of Parquet files in an order of their own, partition keys as text."""
    rows = []
    for file in sorted(folder.rglob("*.parquet")):
        partitions = dict(part.split("=", 1) for part in file.relative_to(folder).parts[:-1] if "=" in part)
        rows += [row | partitions for row in pyarrow.parquet.ParquetFile(file).read().to_pylist()]
    return sorted(rows, key=lambda row: [(key, str(row[key])) for key in sorted(row) if not key.endswith("_sketch")])


def without_sketches(folder: Path) -> list[dict[str, object]]:
    """The rows of a folder without its sketches, whose bytes are each engine's own."""
    return [{key: value for key, value in row.items() if not key.endswith("_sketch")} for row in table(folder)]


def play_line(customer: object = 1, seconds: object = 200, length: object = 240, song: object = 7) -> str:
    """One play as the log has it."""
    return f"{customer}\tar\t{song}\t0\t歌\t歌手\t{seconds}\t{length}\t0\n"


GOOD = "".join(play_line(customer) for customer in range(1, 30))


def landed(data: Path, encore: Encore, content: str | bytes = GOOD, day: str = "20170401") -> Path:
    """A data folder of music with one landed archive of plays."""
    raw = content if isinstance(content, bytes) else content.encode()
    pack(data / "raw", f"{day}_1_play.log.tar.gz", "1_play.log", raw)
    assert encore("unpack", "--data", data)[0] == 0
    return data
