"""Simulated logs with all their dirt through ingest, rollup, features and score: on both engines, and again."""

import math
import re
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from conf.errors import DataCheckError, InputError
from conf.load import overridden
from conf.profile import Profile
from jobs.engine import engine as started
from jobs.features import features
from jobs.ingest import ingest
from jobs.rollup import rollup
from jobs.simulate import simulate
from jobs.unpack import unpack
from tests.support.archives import context, pack, play_line, table
from tests.support.layers import changed_record

DAYS = 18
AS_OF = [date(2017, 4, 3), date(2017, 4, 17)]  # the outcome of the first is over, the second the day after the last
LAYERS = ("events/play", "events/rejected/play", "daily", "features")


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("landed")
    simulate(data, customers=300, days=DAYS, seed=7)
    unpack(context(data))
    return data


def copy_of(landed: Path, data: Path) -> Path:
    shutil.copytree(landed / "landing", data / "landing", copy_function=shutil.copy2)
    return data


def without_customers(data: Path, day: str) -> Path:
    """The same lines, of which those of a day are nobody's, so that all of them are rejected."""
    for file in (data / "landing").glob(f"*/date={day}/*.log"):
        file.write_bytes(re.sub(rb"(?m)^\d+", lambda uid: b"0" * len(uid[0]), file.read_bytes()))
    return data


def without_content(record: str) -> str:
    """A record's text but for the names and checksums of its files, which are each engine's own."""
    return changed_record(record, content=None)


def through(data: Path, spark: SparkSession) -> None:
    run = context(data)
    ingest(run, spark, accept_rejected=True)
    rollup(run, spark)
    features(run, spark, AS_OF)


def comparable(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Sketches are compared by the estimates made of them: their bytes are the engine's own."""
    return [{key: value for key, value in row.items() if not key.endswith("_sketch")} for row in rows]


def test_both_engines_make_the_same_tables(landed: Path, tmp_path: Path, sail: SparkSession) -> None:
    """With a day in their midst on which nothing is left."""
    empty = "2017-04-09"
    through(without_customers(copy_of(landed, tmp_path / "sail"), empty), sail)
    profile = Profile(engine="spark", master="local[2]", driver_memory="1g", shuffle_partitions=2)
    with started("spark", profile) as spark:
        before = spark.conf.get("spark.sql.adaptive.enabled")
        spark.conf.set("spark.sql.adaptive.enabled", "true")  # as on a cluster: tests are faster without
        through(without_customers(copy_of(landed, tmp_path / "spark"), empty), spark)
        spark.conf.set("spark.sql.adaptive.enabled", before)
    for layer in LAYERS:
        left, right = (comparable(table(tmp_path / name / layer)) for name in ("sail", "spark"))
        assert len(left) > 20, f"{layer} is too small to say anything"
        assert left == right, f"{layer} differs between the engines"
    days = {path.name: path for path in (tmp_path / "spark" / "daily").glob("date=*")}
    assert len(days) == DAYS and not list(days.pop(f"date={empty}").glob("*.parquet"))
    for day in days.values():
        assert len(list(day.glob("*.parquet"))) == 1, "each of Spark's tasks has written a file into each day"
    for layer in ("events/play", "daily", "features"):
        records = [sorted((tmp_path / name / layer).glob("*/_encore.json")) for name in ("sail", "spark")]
        left, right = ([without_content(path.read_text()) for path in of_engine] for of_engine in records)
        assert left == right


def test_a_second_run_writes_nothing(landed: Path, tmp_path: Path, sail: SparkSession) -> None:
    through(copy_of(landed, tmp_path), sail)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    run = context(tmp_path)
    assert {one.days for one in ingest(run, sail).values()} == {0}
    assert rollup(run, sail) == 0
    assert features(run, sail, AS_OF).written == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")} == before


def test_a_new_day_touches_only_itself(landed: Path, tmp_path: Path, sail: SparkSession) -> None:
    """The same tables whether the last day comes with the others or later; and no other day is written again."""
    whole, later = copy_of(landed, tmp_path / "whole"), copy_of(landed, tmp_path / "later")
    last = "2017-04-16"
    for folder in (later / "landing").glob(f"*/date={last}"):
        shutil.rmtree(folder)
    listed = (later / "landing" / "days.csv").read_text()
    (later / "landing" / "days.csv").write_text("".join(line for line in listed.splitlines(True) if last not in line))
    run = context(later)
    ingest(run, sail)
    rollup(run, sail)
    shutil.copytree(whole / "landing", later / "landing", dirs_exist_ok=True)
    assert {name: one.days for name, one in ingest(run, sail).items()} == {"play": 1, "down": 1, "search": 1}
    assert rollup(run, sail) == 1
    features(run, sail, AS_OF)
    through(whole, sail)
    for layer in LAYERS:
        assert comparable(table(whole / layer)) == comparable(table(later / layer))


def test_lines_are_conserved(landed: Path, tmp_path: Path, sail: SparkSession) -> None:
    run = context(copy_of(landed, tmp_path))
    ingest(run, sail)
    for event in run.service.events:
        landed_lines = sum(
            len(file.read_bytes().splitlines()) for file in (tmp_path / "landing" / event).rglob("*.log")
        )
        records = run.data.events(event).records().values()
        parts = [sum(getattr(record, part) for record in records) for part in ("events", "rejected", "duplicates")]
        assert sum(parts) == landed_lines
        assert len(table(run.data.events(event).root)) == parts[0]
        assert len(table(run.data.rejected(event).root)) == parts[1]


def test_a_lost_line_is_met(landed: Path, tmp_path: Path, sail: SparkSession) -> None:
    """The negative control of conservation: the list says one line more than the file has."""
    data = copy_of(landed, tmp_path)
    days = data / "landing" / "days.csv"
    first, row, *rest = days.read_text().splitlines()
    event, day, file, archive, records, size = row.split(",")
    days.write_text(
        "\n".join([first, ",".join([event, day, file, archive, str(int(records) + 1), size]), *rest]) + "\n"
    )
    with pytest.raises(DataCheckError, match=f"{event}, {day}"):
        ingest(context(data), sail)
    assert not context(data).data.events(event).values()


def test_a_sample_is_of_customers_and_rates_do_not_mix(landed: Path, tmp_path: Path, sail: SparkSession) -> None:
    run = context(copy_of(landed, tmp_path))
    ingest(run, sail, 0.3)
    kept = {row["customer_id"] for row in table(run.data.events("play").root)}
    assert 0.1 < len(kept) / 300 < 0.5
    assert {record.sample for record in run.data.events("play").records().values()} == {0.3}
    assert all(ingest(run, sail, 0.3)[event].days == 0 for event in run.service.events)
    before = table(run.data.events("play").root)
    for other in (0.2, None):
        with pytest.raises(InputError, match="holds a sample of 0.3.*use the same --sample"):
            ingest(run, sail, other)
    assert table(run.data.events("play").root) == before


def test_an_event_at_as_of_counts_for_the_outcome_only(tmp_path: Path, sail: SparkSession) -> None:
    """Customer 1 plays the day before as_of, 2 at as_of too, 3 at as_of only, 4 on the last day of the outcome."""
    as_of, last = date(2017, 5, 1), date(2017, 5, 14)
    plays = {date(2017, 4, 30): (1, 2, 4), as_of: (2, 3), last: (4,), date(2017, 4, 1): (5,), date(2017, 3, 31): (6,)}
    for day, customers in plays.items():
        lines = "".join(play_line(customer) for customer in customers)
        pack(tmp_path / "raw", f"{day:%Y%m%d}_1_play.log.tar.gz", "1_play.log", lines.encode())
    unpack(context(tmp_path))
    run = context(tmp_path)
    tolerant = {"coverage": {"tolerated_missing_days": 14}}  # most days are not there, nor are most parts
    run = replace(run, service=overridden(run.service, tolerant))
    ingest(run, sail)
    rollup(run, sail)
    features(run, sail, [as_of])
    rows = {row["customer_id"]: row for row in table(run.data.features.root)}
    assert {key: row["label"] for key, row in rows.items()} == {1: 1, 2: 0, 4: 0, 5: 1}  # 3 and 6 are outside
    assert {key: row["days_since_last_event"] for key, row in rows.items()} == {1: 1.0, 2: 1.0, 4: 1.0, 5: 30.0}
    assert {key: row["plays_last_1d"] for key, row in rows.items()} == {1: 1, 2: 1, 4: 1, 5: 0}
    assert math.isclose(rows[1]["completion_last_1d"], 200 / 240)


def test_the_shell_and_the_jobs_sample_the_same_customers(landed: Path, tmp_path: Path, sail: SparkSession) -> None:
    jobs, shell = context(copy_of(landed, tmp_path / "jobs")), context(tmp_path / "shell")
    ingest(jobs, sail, 0.4)
    unpack(shell, landed / "raw", sample=0.4)
    ingest(shell, sail)
    for event in jobs.service.events:
        events = [table(run.data.events(event).root) for run in (jobs, shell)]
        assert events[0] and events[0] == events[1]
