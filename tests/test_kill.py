"""Killed at any moment: every partition is wholly old or wholly new, and running again finishes the work."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet
import pytest

from jobs.simulate import simulate
from jobs.unpack import unpack
from tests.pipeline import context, table

STEPS = """
import sys
from datetime import date
from pathlib import Path
from jobs.engine import engine
from jobs.features import features
from jobs.ingest import ingest
from jobs.rollup import rollup
from jobs.storage import sole_writer
from tests.pipeline import context

run = context(Path(sys.argv[1]))
with sole_writer(run.data), engine("sail", run.profile) as spark:
    print("ready", flush=True)
    ingest(run, spark)
    rollup(run, spark)
    features(run, spark, [date(2017, 4, 2), date(2017, 4, 16)])
"""
LAYERS = ("events", "daily", "features")


def start(data: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", STEPS, str(data)],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """Layers of a run that nobody killed, and how long it took from the engine's start."""
    data = tmp_path_factory.mktemp("whole")
    simulate(data, customers=300, days=17, seed=3)
    unpack(context(data))
    began = time.monotonic()
    assert start(data).wait() == 0
    return data, time.monotonic() - began


@pytest.mark.parametrize("share", [0.15, 0.35, 0.55, 0.75, 0.9])
def test_a_killed_run_leaves_whole_partitions_and_is_finished_by_the_next(
    whole: tuple[Path, float], tmp_path: Path, share: float
) -> None:
    data, seconds = whole
    (tmp_path / "landing").symlink_to(data / "landing")
    process = start(tmp_path)
    time.sleep(share * seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for layer in LAYERS:
        for file in (tmp_path / layer).rglob("*=*/*.parquet"):
            if ".staging-" not in str(file):
                counted = pyarrow.parquet.ParquetFile(file).metadata.num_rows
                same = data / file.parent.relative_to(tmp_path)
                assert counted and rows_of(file.parent) == rows_of(same), f"{file.parent} is neither old nor new"
    assert start(tmp_path).wait() == 0
    for layer in LAYERS:
        assert without_sketches(tmp_path / layer) == without_sketches(data / layer)
    left = list(tmp_path.rglob(".staging-*"))
    assert not left, "what a killed run left behind is cleaned by the next"


def rows_of(folder: Path) -> int:
    return sum(pyarrow.parquet.ParquetFile(file).metadata.num_rows for file in folder.glob("*.parquet"))


def without_sketches(folder: Path) -> list[dict[str, object]]:
    rows = table(folder)
    return [{key: value for key, value in row.items() if not key.endswith("_sketch")} for row in rows]
