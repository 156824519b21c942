"""How the cost of each step grows with the events: what docs/scale.md is reckoned from.

    python benchmarks/scale.py [--customers 10000 100000 1000000] [--engine sail spark] [--data FOLDER]

10,000 simulated customers are about 1.5 M events in 44 days. Every step is a process of its own, start included. On
Spark its event log says how many bytes were read, shuffled, spilled and written, of how much CPU time of executors;
on Sail the bytes are those of the layers on the disk.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import yaml

from features import ROOT, Cost, cost_of, prepare

LAYERS = {"ingest": ("landing", "events"), "rollup": ("events", "daily"), "features": ("daily", "features")}
SHOWN = ("read", "shuffled", "spilled", "written")  # MB


def main() -> int:
    """Measures, and prints a line for each engine, size and step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--engine", nargs="+", default=["sail", "spark"], choices=["sail", "spark"])
    parser.add_argument("--data", type=Path, help="keeps the simulated data there, and takes what is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or Path(folder)
        names = "".join(f"{name:>10}" for name in (*(f"{name} MB" for name in SHOWN), "CPU s", "wall s", "peak MB"))
        print(f"{'engine':<7}{'events':>12}  {'step':<9}{names}", flush=True)
        for customers in options.customers:
            place = data / str(customers)
            prepare(place, customers)
            for engine in options.engine:
                measure(place, engine)
    return 0


def measure(place: Path, engine: str) -> None:
    """All steps of one engine on one size, from the landed text."""
    for layer in ("events", "daily", "features"):
        subprocess.run(["rm", "-rf", place / layer], check=True)
    events = sum(json.loads(line) for line in records(place))
    for step, (read, written) in LAYERS.items():
        with tempfile.TemporaryDirectory() as log:
            cost = cost_of(command(step, place, engine, Path(log)))
            told = from_log(Path(log)) if engine == "spark" else Counter(read=size(place / read))
        told["written"] = size(place / written)
        print(line_of(engine, events, step, told, cost), flush=True)


def records(place: Path) -> list[str]:
    """The number of lines of each landed file."""
    rows = (place / "landing" / "days.csv").read_text(encoding="utf-8").splitlines()
    at = rows[0].split(",").index("records")
    return [row.split(",")[at] for row in rows[1:]]


def command(step: str, place: Path, engine: str, log: Path) -> list[str | Path]:
    """The command of a step; Spark writes its event log."""
    profile = log / "profile.yaml"
    local = yaml.safe_load((ROOT / "conf" / "profiles" / "local.yaml").read_text(encoding="utf-8"))
    plain = {"spark.eventLog.compress": "false", "spark.eventLog.rolling.enabled": "false"}
    profile.write_text(yaml.safe_dump(local | {"event_log": f"file:{log}", "settings": plain}))
    program = [sys.executable, "-c", "from jobs.cli import main; main()", step]
    return [*program, "--data", place, "--engine", engine, "--profile", profile]


def from_log(log: Path) -> Counter[str]:
    """What the tasks of an application read, shuffled, spilled and wrote, in MB, and their CPU seconds."""
    found: Counter[str] = Counter()
    for file in log.glob("local-*"):
        for line in file.open(encoding="utf-8"):
            if '"SparkListenerTaskEnd"' in line:
                told = json.loads(line)["Task Metrics"]
                found["read"] += told["Input Metrics"]["Bytes Read"] / 1e6
                found["shuffled"] += told["Shuffle Write Metrics"]["Shuffle Bytes Written"] / 1e6
                found["spilled"] += told["Disk Bytes Spilled"] / 1e6
                found["cpu"] += told["Executor CPU Time"] / 1e9
    return found


def size(layer: Path) -> float:
    """MB of the data files of a layer."""
    files = (file for file in layer.rglob("*") if file.suffix in (".parquet", ".log") and "rejected" not in file.parts)
    return sum(file.stat().st_size for file in files) / 1e6


def line_of(engine: str, events: int, step: str, told: Counter[str], cost: Cost) -> str:
    """One line of the table; of Spark the CPU time is that of its tasks."""
    numbers = "".join(f"{told[name]:>10,.0f}" for name in SHOWN)
    cpu = told["cpu"] or cost.cpu_seconds
    return f"{engine:<7}{events:>12,}  {step:<9}{numbers}{cpu:>10.1f}{cost.wall_seconds:>10.1f}{cost.peak_mb:>10,.0f}"


if __name__ == "__main__":
    sys.exit(main())
