"""Landing text to feature tables: each step of Encore, and DuckDB with SQL written by hand (features.sql).

    python benchmarks/features.py [--customers 88000] [--rounds 3] [--data FOLDER]

88,000 simulated customers are about 12 M plays in 44 days. Every step is a process of its own, start included; on both
sides the round with the least CPU time counts, since others may share the machine. Then the two feature tables are
compared, column by column: exit status 4 where they differ.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
SQL = Path(__file__).with_suffix(".sql")
STEPS = {"ingest": 15.0, "rollup": 4.0, "features": 3.0}  # seconds that 12 M plays may take on 2 quiet cores
KEYS = ("as_of", "customer_id")
SKETCHED = "distinct_songs_"  # columns that Encore estimates and DuckDB counts
SKETCH_TOLERANCE = 0.05
DOUBLE_TOLERANCE = 1e-9


@dataclass(frozen=True, order=True)
class Cost:
    """What a process took, its children included."""

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float


def main() -> int:
    """Measures, prints one table of figures and the comparison; returns the exit status."""
    options = parse_options()
    if options.duckdb:
        run_duckdb(*options.duckdb)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or Path(folder)
        prepare(data, options.customers)
        print(describe(data / "landing"), flush=True)
        most = Cost(float("inf"), 0, 0)
        encore, by_hand, nothing = dict.fromkeys(STEPS, most), most, most
        table = Path(folder, "duckdb.parquet")
        for _ in range(options.rounds):
            for layer in ("events", "daily", "features"):
                shutil.rmtree(data / layer, ignore_errors=True)
            for step in STEPS:
                encore[step] = min(encore[step], cost_of(encore_command(step, data)))
            nothing = min(nothing, cost_of(encore_command("features", data)))
            arguments = [sys.executable, __file__, "--duckdb", data / "landing", table]
            by_hand = min(by_hand, cost_of(arguments))
        print(figures(encore, nothing, by_hand))
        rows, different = compare(data / "features", table)
        verdict = f"differ in {different}" if different else "are equal"
        print(f"\nThe two tables ({rows:,} rows) {verdict}.")
    return 4 if different else 0


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=88_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="keeps the simulated data there, and takes what is there")
    parser.add_argument("--duckdb", type=Path, nargs=2, metavar=("LANDING", "TARGET"), help="only DuckDB's part")
    return parser.parse_args()


def prepare(data: Path, customers: int) -> None:
    """Simulated logs, unpacked; what is there already is taken."""
    if (data / "landing" / "days.csv").exists():
        return
    subprocess.run(encore_command("simulate", data, "--customers", str(customers)), cwd=ROOT, check=True)
    unpack = ["sh", ROOT / "shell" / "unpack.sh", data / "raw", data / "landing"]
    subprocess.run(unpack, stderr=subprocess.DEVNULL, check=True)


def encore_command(step: str, data: Path, *more: str) -> list[str | Path]:
    """The command of a step on the engine sail."""
    program = [sys.executable, "-c", "from jobs.cli import main; main()", step]
    where = ["--out", data] if step == "simulate" else ["--data", data, "--engine", "sail"]
    return [*program, *where, *more]


def cost_of(command: list[str | Path]) -> Cost:
    """Runs a command to its end. Raises CalledProcessError when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall_seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)  # it is gone: Popen must not wait for it
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    peak_kb = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Cost(used.ru_utime + used.ru_stime, wall_seconds, peak_kb / 1024)


def run_duckdb(landing: Path, target: Path) -> None:
    """The SQL written by hand, from landing text to one Parquet file."""
    with duckdb.connect() as connection:
        connection.execute("SET VARIABLE landing = ?", [str(landing)])
        connection.execute("SET VARIABLE features = ?", [str(target)])
        connection.execute(SQL.read_text(encoding="utf-8"))


def describe(landing: Path) -> str:
    """How much text there is, as `days.csv` lists it."""
    sums = f"SELECT event, sum(records), sum(bytes) / 1e6 FROM read_csv('{landing / 'days.csv'}')"
    per_event = duckdb.sql(f"{sums} GROUP BY ALL ORDER BY ALL").fetchall()
    return "\n".join(f"{event:<10} {lines:>12,} lines {megabytes:>8,.0f} MB" for event, lines, megabytes in per_event)


def figures(encore: dict[str, Cost], nothing: Cost, by_hand: Cost) -> str:
    """The table of what each step took, and the ratios.

    Args:
        nothing: the cost of a command that finds all done, which every step has on top of its work.
    """
    whole = Cost(
        sum(cost.cpu_seconds for cost in encore.values()),
        sum(cost.wall_seconds for cost in encore.values()),
        max(cost.peak_mb for cost in encore.values()),
    )
    rows = {f"encore {step}": cost for step, cost in encore.items()}
    rows |= {"encore, all": whole, "duckdb": by_hand, "(encore, no work)": nothing}
    lines = [f"{'':<18} {'CPU s':>8} {'wall s':>8} {'peak MB':>8} {'target, wall s':>15}"]
    for name, cost in rows.items():
        target = STEPS.get(name.removeprefix("encore "), "")
        numbers = f"{cost.cpu_seconds:8.1f} {cost.wall_seconds:8.1f} {cost.peak_mb:8.0f}"
        lines.append(f"{name:<18} {numbers} {target:>15}".rstrip())
    cpu, wall = whole.cpu_seconds / by_hand.cpu_seconds, whole.wall_seconds / by_hand.wall_seconds
    lines.append(f"ratio encore / duckdb: {cpu:.2f} in CPU time, {wall:.2f} in wall time")
    return "\n".join(lines)


def compare(features: Path, table: Path) -> tuple[int, dict[str, int]]:
    """Number of rows, and the rows that differ by column; a table that lacks a row or a column differs in all rows."""
    with duckdb.connect() as connection:
        source = f"read_parquet('{features}/as_of=*/*.parquet', hive_partitioning = true, hive_types = {{as_of: DATE}})"
        connection.execute(f"CREATE VIEW ours AS SELECT * FROM {source}")
        connection.execute(f"CREATE VIEW theirs AS SELECT * FROM read_parquet('{table}')")
        types = {name: columns_of(connection, name) for name in ("ours", "theirs")}
        rows = connection.execute("SELECT count(*) FROM ours").fetchall()[0][0]
        names = sorted(types["ours"].keys() | types["theirs"].keys())
        odd = {name: rows for name in names if types["ours"].get(name) != types["theirs"].get(name)}
        checks = {"rows of one table only": "ours.as_of IS NULL OR theirs.as_of IS NULL"} | {
            name: differs(name, kind) for name, kind in types["ours"].items() if name not in (*KEYS, *odd)
        }
        counts = ", ".join(f"count_if({check})" for check in checks.values())
        joined = " AND ".join(f"ours.{key} = theirs.{key}" for key in KEYS)
        found = connection.execute(f"SELECT {counts} FROM ours FULL JOIN theirs ON {joined}").fetchall()[0]
    return rows, odd | {name: count for name, count in zip(checks, found, strict=True) if count}


def columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Name and type of each column."""
    return {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {table}").fetchall()}


def differs(name: str, kind: str) -> str:
    """The SQL condition that the two values of a column differ by more than they may."""
    is_other = f"ours.{name} IS DISTINCT FROM theirs.{name}"
    if name.startswith(SKETCHED):
        return f"{is_other} AND coalesce(abs(ours.{name} - theirs.{name}) > {SKETCH_TOLERANCE} * theirs.{name}, true)"
    if kind != "DOUBLE":
        return is_other
    allowed = f"{DOUBLE_TOLERANCE} * greatest(1, abs(theirs.{name}))"
    # A NaN is larger than every number, so it never passes for equal.
    return f"{is_other} AND coalesce(abs(ours.{name} - theirs.{name}) > {allowed}, true)"


if __name__ == "__main__":
    sys.exit(main())
