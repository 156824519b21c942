"""Killed at any moment: every partition is wholly old or wholly new, and running again finishes the work."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import yaml

from jobs.simulate import simulate
from jobs.unpack import unpack
from tests.support.archives import context, table, without_sketches
from tests.support.customers import customers
from tests.support.model_folder import SERVICE, shop, write_tables
from tests.support.paths import ROOT

STEPS = """
import sys
from datetime import date
from pathlib import Path
from jobs.engine import engine
from jobs.features import features
from jobs.ingest import ingest
from jobs.rollup import rollup
from jobs.storage.backend import sole_writer
from tests.support.archives import context

run = context(Path(sys.argv[1]))
with sole_writer(run.data.root), engine("sail", run.profile) as spark:
    print("ready", flush=True)
    ingest(run, spark)
    rollup(run, spark)
    features(run, spark, [date(2017, 4, 2), date(2017, 4, 16)])
"""
LAYERS = ("events", "daily", "features")

# A model that is fitted soon; the commands in their order, and what each of them writes.
QUICK = SERVICE | {"alive": None, "training": {"folds": 2, "grids": {"lr": {"regularisation": [0.001]}}}}
LOCAL = {"engine": "sail", "master": "local[2]", "driver_memory": "1g", "shuffle_partitions": 1}
# Without MLflow, which takes seconds to import.
RUN = "from jobs import cli; from jobs.training import mlflow; mlflow.find_spec = lambda name: None; cli.main()"
COMMANDS = {"train": ["train", "--model", "lr"], "score": ["score"], "drift": ["drift"]}
WRITTEN = {"train": "models", "score": "scores", "drift": "drift"}


def start(data: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", STEPS, str(data)],
        cwd=ROOT,
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


@pytest.mark.parametrize("share", [0.3, 0.6, 0.85])
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


# ---- what is made of the feature tables, by the commands themselves ----


def begin(root: Path, data: Path, command: str) -> subprocess.Popen[bytes]:
    """Start a command; it has begun when it holds the data folder."""
    (data / ".lock").unlink(missing_ok=True)
    options = ["--data", data, "--service", root / "shop.yaml", "--profile", root / "small.yaml"]
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *COMMANDS[command], *map(str, options)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not (data / ".lock").exists():
        assert process.poll() is None, f"encore {command} ended before it began"
        time.sleep(0.01)
    return process


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    """A folder whose `data` holds what the commands make when nobody kills them, and how long each of them took."""
    root = tmp_path_factory.mktemp("undisturbed")
    write_tables(shop(root / "data"), customers(600), customers(300))
    (root / "shop.yaml").write_text(yaml.safe_dump(QUICK, sort_keys=False))
    (root / "small.yaml").write_text(yaml.safe_dump(LOCAL))
    seconds = {}
    for command in COMMANDS:
        process, began = begin(root, root / "data", command), time.monotonic()
        assert process.wait() == 0
        seconds[command] = time.monotonic() - began
    return root, seconds


@pytest.mark.parametrize(
    ("command", "shares", "seen"),
    [("train", [], "lr"), ("score", [0.5, 0.8], "as_of=2017-05-03"), ("drift", [0.4, 0.7], "as_of=2017-05-03")],
)
def test_a_killed_command_leaves_whole_results_and_is_finished_by_the_next(
    undisturbed: tuple[Path, dict[str, float]], tmp_path: Path, command: str, shares: list[float], seen: str
) -> None:
    """Killed at shares of its time, and at the first sight of what it writes, when a slow writer is not done."""
    root, seconds = undisturbed
    layer, before = WRITTEN[command], list(WRITTEN.values())[: list(WRITTEN).index(command)]
    for name in ("features", *before):
        shutil.copytree(root / "data" / name, tmp_path / name)
    whole = told(root / "data" / layer)
    ended = []
    for share in [*shares, None]:
        process = begin(root, tmp_path, command)
        if share is None:
            while not (tmp_path / layer / seen).exists() and process.poll() is None:
                time.sleep(0.001)
        else:
            time.sleep(share * seconds[command])
        process.kill()
        ended.append(process.wait())
        there = told(tmp_path / layer)
        assert there == {name: found for name, found in whole.items() if name in there}
        for folder in (path.name for path in (tmp_path / layer).glob("[!.]*") if path.is_dir()):
            assert {name for name in whole if name.startswith(f"{folder}/")} <= set(there), f"{folder} is not whole"
    assert -signal.SIGKILL in ended, "each of them came after its end"
    assert begin(root, tmp_path, command).wait() == 0
    assert told(tmp_path / layer) == whole
    assert not list(tmp_path.rglob(".staging-*")), "what a killed run left behind is cleaned by the next"


# Names of files are new each time, and so are checksums.
DIFFER = ("content", "record_crc32")


def told(layer: Path) -> dict[str, Any]:
    """What stands in a layer, by file: JSON, rows of Parquet by their folder, else nothing but that it is there."""
    found: dict[str, Any] = {}
    for path in sorted(layer.rglob("*")):
        name = str(path.relative_to(layer))
        if path.is_dir() or "/pipeline/" in name or any(part.startswith(".") for part in Path(name).parts):
            continue
        if path.suffix == ".json":
            told = json.loads(path.read_text(encoding="utf-8"), parse_float=rounded)
            found[name] = {key: value for key, value in told.items() if key not in (*DIFFER, "code_version")}
        elif path.suffix == ".parquet":
            rows = table(path.parent)
            found[f"{Path(name).parent}/rows"] = [
                {key: rounded(value) if isinstance(value, float) else value for key, value in row.items()}
                for row in rows
            ]
        else:
            found[name] = ""
    return found


def rounded(number: str | float) -> float:
    """Without the last digits, which follow the order in which Spark's tasks end."""
    return round(float(number), 6)
