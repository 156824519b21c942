"""One customer with millions of events among ordinary ones: what each of Spark's tasks gets of him in a rollup.

    python benchmarks/skew.py [--heavy 7500000] [--events 7500000]

The play events of 44 days are made in Spark, rolled up to tiles and written, with that customer's events and with as
many of ordinary customers in their place. Of every stage it prints the largest and the median task: by rows that come
in, by rows that are shuffled, by time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

# As a script it lies beside benchmarks/features.py, which is not the package.
sys.path[:] = [folder for folder in sys.path if Path(folder or ".").resolve() != Path(__file__).resolve().parent]

from pyspark.sql import DataFrame, SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

from conf.load import load_service  # noqa: E402
from conf.profile import Profile  # noqa: E402
from features.tiles import daily_tiles  # noqa: E402
from jobs.engine import engine  # noqa: E402

DAYS, SONGS, TASKS = 44, 5_000, 16
HEAVY = 1  # his id


def main() -> int:
    """Measures both, and prints a line for each stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heavy", type=int, default=7_500_000, help="events of the one customer")
    parser.add_argument("--events", type=int, default=7_500_000, help="events of all others, 80 each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        log.mkdir()
        plain = {"spark.eventLog.compress": "false", "spark.eventLog.rolling.enabled": "false"}
        profile = Profile(
            engine="spark", master="local[2]", driver_memory="4g", shuffle_partitions=TASKS, event_log=f"file:{log}",
            settings=plain | {"spark.sql.adaptive.enabled": "false"},
        )  # fmt: skip
        with engine("spark", profile) as spark:
            for name, heavy in (("without", 0), ("with", options.heavy)):
                events = Path(folder, f"events-{name}")
                plays(spark, options.heavy + options.events, heavy).write.parquet(str(events))
                spark.sparkContext.setJobGroup(name, name)
                roll_up(spark, events, Path(folder, name))
            spark.stop()
        [file] = log.glob("local-*")
        print("\n".join(lines(file)))
    return 0


def plays(spark: SparkSession, count: int, heavy: int) -> DataFrame:
    """`count` plays, of which the first `heavy` are of one customer; spread over days and songs by hash."""
    drawn = F.xxhash64("id")
    columns = load_service("music").events["play"].columns
    known = {
        "customer_id": F.when(F.col("id") < heavy, HEAVY).otherwise(2 + F.floor(F.col("id") / 80)),
        "song_id": F.pmod(drawn, F.lit(SONGS)),
        "date": F.expr(f"date_add(date'2017-03-30', cast(pmod(xxhash64(id, 1), {DAYS}) as int))"),
        "play_seconds": F.lit(200),
        "song_seconds": F.lit(240),
    }
    typed = {name: known.get(name, F.lit(None)).cast(column.type) for name, column in columns.items()}
    rows = spark.range(0, count, numPartitions=TASKS)
    return rows.select(*(value.alias(name) for name, value in (typed | {"date": known["date"]}).items()))


def roll_up(spark: SparkSession, events: Path, target: Path) -> None:
    """The tiles of the plays, written."""
    service = load_service("music")
    found = {"play": spark.read.parquet(str(events))}
    for name, event in service.events.items():
        kinds = ", ".join([*(f"`{key}` {column.type}" for key, column in event.columns.items()), "`date` date"])
        found.setdefault(name, spark.createDataFrame([], kinds))
    daily_tiles(found, service).write.parquet(str(target))


def lines(log: Path) -> list[str]:
    """Of each stage of the rollups: tasks, and largest / median of rows in, rows shuffled, seconds."""
    groups: dict[int, str] = {}
    tasks: dict[int, list[tuple[int, int, float]]] = {}
    for text in log.open(encoding="utf-8"):
        event = json.loads(text)
        if event["Event"] == "SparkListenerJobStart":
            name = event["Properties"].get("spark.jobGroup.id", "")
            groups |= dict.fromkeys(event["Stage IDs"], name)
        elif event["Event"] == "SparkListenerTaskEnd" and groups.get(event["Stage ID"]):
            told = event["Task Metrics"]
            read = told["Input Metrics"]["Records Read"] + told["Shuffle Read Metrics"]["Total Records Read"]
            shuffled = told["Shuffle Write Metrics"]["Shuffle Records Written"]
            tasks.setdefault(event["Stage ID"], []).append((read, shuffled, told["Executor Run Time"] / 1000))
    header = f"{'':<9}{'stage':>5}{'tasks':>7}{'rows in, most / median':>28}{'shuffled':>24}{'seconds':>16}"
    return [header] + [line(groups[stage], stage, found) for stage, found in sorted(tasks.items())]


def line(name: str, stage: int, found: list[tuple[int, int, float]]) -> str:
    """One stage."""
    read, shuffled, seconds = ((max(values), median(values)) for values in zip(*found, strict=True))
    rows = f"{read[0]:>14,.0f} /{read[1]:>11,.0f}{shuffled[0]:>13,.0f} /{shuffled[1]:>9,.0f}"
    return f"{name:<9}{stage:>5}{len(found):>7}{rows}{seconds[0]:>8.1f} /{seconds[1]:>6.1f}"


if __name__ == "__main__":
    sys.exit(main())
