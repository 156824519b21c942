"""The real sample lines of the music service, packed as its archives, through every layer."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.features import features
from jobs.ingest import ingest
from jobs.rollup import rollup
from jobs.storage.landing import read_rows
from jobs.unpack import unpack
from tests.support.archives import context, pack, table
from tests.support.paths import SHARED

LINES = SHARED / "musicbox"
pytestmark = pytest.mark.skipif(not LINES.is_dir(), reason=f"the real sample lines are not at {LINES}")


@pytest.fixture
def landed(tmp_path: Path) -> Path:
    for event in ("play", "down", "search"):
        name = f"20170330_3_{event}.log"
        member = f"3_{event}.log" if event == "down" else name
        pack(tmp_path / "raw", f"{name}.tar.gz", member, (LINES / name).read_bytes())
    unpack(context(tmp_path))
    return tmp_path


def test_every_line_is_kept_repaired_or_rejected(landed: Path, engine: SparkSession) -> None:
    run = context(landed)
    ingest(run, engine)
    manifest = {row["event"]: row for row in read_rows(landed / "landing" / "manifest.csv")}
    records = {event: run.data.events(event).records()["2017-03-30"] for event in run.service.events}
    typed = {event: int(manifest[event]["records"]) - records[event].unreadable for event in records}
    refused = {event: int(manifest[event]["rejected"]) + records[event].unreadable for event in records}
    assert typed == {"play": 996, "down": 996, "search": 1000}
    assert refused == {"play": 5, "down": 0, "search": 0}
    assert {event: int(row["repaired"]) for event, row in manifest.items()} == {"play": 2, "down": 4, "search": 0}
    assert {event: int(row["lines"]) for event, row in manifest.items()} == {"play": 1001, "down": 1000, "search": 1000}


def test_they_go_on_to_a_table_with_immature_labels(landed: Path, sail: SparkSession) -> None:
    run = context(landed)
    ingest(run, sail)
    rollup(run, sail)
    assert features(run, sail, [date(2017, 3, 31)]).written == [date(2017, 3, 31)]
    rows = table(run.data.features.root)
    record = run.data.features.records()["2017-03-31"]
    assert len(rows) > 500
    assert {(row["label"], row["label_status"]) for row in rows} == {(None, "immature")}
    assert {row["days_since_last_event"] for row in rows} == {1.0}
    assert record.missing_parts == {
        "2017-03-30": [f"{event} {part}" for event in ("play", "down", "search") for part in (1, 2)]
    }
    assert len(record.missing_days) == 29


def test_no_client_address_leaves_the_rejected_lines(landed: Path, sail: SparkSession) -> None:
    run = context(landed)
    ingest(run, sail)
    rollup(run, sail)
    features(run, sail)
    holding = [file for file in landed.rglob("*") if file.is_file() and holds_address(file)]
    assert {file.relative_to(landed).parts[:2] for file in holding} <= {("landing", "rejected")}
    assert holding, "the sample has addresses, so they must be somewhere"


def holds_address(file: Path) -> bool:
    if file.suffix == ".parquet":
        return "203.0.113" in str(table(file.parent))
    return b"203.0.113" in file.read_bytes()
