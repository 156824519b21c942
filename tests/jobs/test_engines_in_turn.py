"""One folder, both engines, in any order: each reads what the other wrote, and the tables are those of one engine."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.context import Context
from jobs.engine import engine
from jobs.features import features
from jobs.ingest import ingest
from jobs.rollup import rollup
from jobs.unpack import unpack
from tests.support.archives import context, without_sketches
from tests.support.engines import SMALL

HEADER = "customer_id,visited_at\n"
# Case 21c: a night in which the clocks of the United States go forward; then the day after; then a late file.
VISITS = [
    "K1,2017-03-12 02:30:00\nK2,2017-03-12 05:00:00\n",
    "K1,2017-03-13 02:30:00\nK3,2017-03-13 05:00:00\n",
    "K1,2017-03-12 12:30:00\n",
]


def delivered(run: Context, number: int) -> None:
    """The next file of visits comes, and is unpacked."""
    raw = run.data.raw
    assert isinstance(raw, Path)
    raw.mkdir(parents=True, exist_ok=True)
    (raw / f"visits{number + 1}.csv").write_text(HEADER + VISITS[number])
    unpack(run)


def after(data: Path, *engines: str) -> Context:
    """The audiobook shop after three deliveries; engines: of ingest and rollup of each, the first of features, too."""
    run = context(data, "audiobooks")
    for number in range(3):
        delivered(run, number)
        with engine(engines[2 * number], SMALL) as spark:
            ingest(run, spark)
        with engine(engines[2 * number + 1], SMALL) as spark:
            rollup(run, spark)
    with engine(engines[0], SMALL) as spark:
        features(run, spark)
    return run


def times(data: Path) -> set[str]:
    """The types of the timestamps of all layers, and whether they are kept as the old INT96."""
    found = set()
    for file in data.rglob("*.parquet"):
        parquet = pq.ParquetFile(file)
        for number, field in enumerate(parquet.schema_arrow):
            if pa.types.is_timestamp(field.type):
                found.add(f"{parquet.schema.column(number).physical_type} {field.type}")
    return found


def test_each_reads_what_the_other_wrote(tmp_path: Path) -> None:
    one = after(tmp_path / "one", *["sail"] * 6)
    assert len(without_sketches(tmp_path / "one" / "events" / "visit")) == 5
    orders = {
        "sail first #1: a%20b, é": ["sail", "sail", "spark", "sail", "sail", "spark"],
        "spark first #2: a%20b, é": ["spark", "spark", "sail", "spark", "spark", "sail"],
    }
    for name, order in orders.items():
        run = after(tmp_path / name, *order)
        assert times(tmp_path / name) <= times(tmp_path / "one") == {"INT64 timestamp[us, tz=UTC]"}
        for layer in ("events/visit", "daily", "features"):
            tables = [without_sketches(tmp_path / each / layer) for each in ("one", name)]
            assert tables[0] == tables[1], f"{layer}, {name}"
        assert run.data.daily.values() == one.data.daily.values() == ["2017-03-12", "2017-03-13"]
    at = sorted(str(row["visited_at"]) for row in without_sketches(tmp_path / name / "events" / "visit"))
    noon = datetime(2017, 3, 12, 12, 30, tzinfo=UTC)
    assert at[2] == str(noon) and len(at) == 5, "times are those of the shop's clock, on both engines"
