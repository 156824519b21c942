"""Feature tables to models: each kind of model of Encore, with scikit-learn and xgboost alone on the same matrix.

    python benchmarks/models.py --data FOLDER [--customers 700000] [--only lr,gbt] [--profile local]

The table is made up: 45 features of customers whose label follows a hidden propensity. Three customers in four train.
Every measurement is a process of its own, one after the other. "Fit" is the last fit alone, on rows that are prepared
and cached (of the libraries: loaded); the "command" is all of `encore train --model NAME` with a grid of that one
candidate: start, reading, baselines, cross-validation, fit, evaluation, explanation, saving. Memory is the peak of the
process with all its children (Python, JVM, workers), whose shared pages count more than once. Prints one table, writes
`results.json` and logs beside the data; exit status 1 where a measurement failed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich import box
from rich.console import Console
from rich.table import Table

# Before this script's own folder, where `models` would be this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conf.load import load_profile, load_service
from conf.schema import Service
from features.declared import table_features
from features.windows import Moment
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.engine import engine
from jobs.records.layers import FeaturesBasis, FeaturesRecord
from jobs.storage.backend import replace_folder, staging_folder, write_text
from jobs.storage.layer import RECORD
from jobs.storage.records import write_record
from jobs.training.artifacts import ModelFolder
from models.fitting.fit import TrainingSet, make_training_set
from models.fitting.kind import FitContext
from models.fitting.kinds import KINDS, parameter_grid
from models.fitting.preprocessing import INPUTS
from models.fitting.split import choose_split

ROOT = Path(__file__).resolve().parents[1]
SEED = 1
CORES = 2  # that the libraries may use; Spark takes those of the profile's master
AS_OF = date(2017, 5, 1)
FILES = 8
FIT_SECONDS = {"lr": 15.0, "rf": 300.0, "gbt": 90.0, "xgb": 30.0}  # at most, of 700,000 customers; a command twice that
MOST_GB = 10.0
SECONDS_PER_SAMPLE = 0.2
BESIDE = {
    "lr": "scikit-learn LogisticRegression",
    "rf": "scikit-learn RandomForest",
    "gbt": "scikit-learn HistGradientBoosting",
    "xgb": "xgboost alone",
}

# 24 counts, 12 shares, 8 features of days and a category: 45. The number is how far each follows the propensity.
COUNTS = {"logins": 0.8, "plays": 0.6, "searches": 0.3, "messages": 0.2, "errors": -0.2, "downloads": 0.0}
WINDOWS = (7, 14, 30, 90)
SHARES = {f"share_{number}": 0.4 - 0.07 * number for number in range(12)}
DAYS = {  # beside those since the first and the last login
    "days_since_purchase": 0.5,
    "days_since_search": 0.35,
    "days_since_error": 0.2,
    "days_since_reply": 0.05,
    "days_since_call": 0.0,
    "days_since_gift": -0.2,
}
LEVELS = ("desktop", "phone", "tablet", "television")


@dataclass(frozen=True)
class Cost:
    """What a process took, its children included."""

    wall_seconds: float
    peak_gb: float


@dataclass(frozen=True)
class Row:
    """What was measured of a model; None: not measured, or failed."""

    name: str
    title: str
    fit_seconds: float | None = None
    command_seconds: float | None = None
    peak_gb: float | None = None
    test_auc: float | None = None


def main() -> int:
    """Measures, prints the table of figures and writes it; returns the exit status."""
    options = parse_options()
    if options.one:
        return say(fit_alone(options))
    if options.library:
        return say(fit_library(options.library, options.data))
    if options.matrix:
        return write_matrix(options)
    options.data = (options.data / f"{options.customers}-customers").absolute()
    prepare(options.data, options.customers)
    if not (options.data / "matrix" / "test.npz").exists():
        measured([*own_command(options), "--matrix"], options.data / "logs" / "matrix")
    rows: list[Row] = []
    for name in options.only:
        rows += [encore_row(name, options), library_row(name, options)]
        results = {"customers": options.customers, "cores": os.cpu_count(), "rows": [asdict(row) for row in rows]}
        write_text(options.data / "results.json", json.dumps(results, indent=1))
    print_figures(rows, options)
    failed = any(row.test_auc is None or row.fit_seconds is None for row in rows)
    return 1 if failed else 0


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="gets a folder per number of customers; kept")
    parser.add_argument("--customers", type=int, default=700_000)
    parser.add_argument("--only", default=",".join(KINDS), help="names of models, with commas between")
    parser.add_argument("--profile", default="local", help="of Spark: name in conf/profiles/, or path of a YAML file")
    parser.add_argument("--one", choices=KINDS, help="only this fit, on what is in DATA")
    parser.add_argument("--library", choices=KINDS, help="only the library's fit beside it, on what is in DATA")
    parser.add_argument("--matrix", action="store_true", help="only write the matrix that the libraries read")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if unknown := set(options.only) - set(KINDS):
        parser.error(f"--only: there is no model {min(unknown)!r}; give some of {','.join(KINDS)}")
    return options


def say(found: dict[str, float]) -> int:
    """Prints what a process of its own has found, for the one that started it."""
    print(json.dumps(found))
    return 0


# ---- the table ----


def service() -> Service:
    """The service whose table this is. Its features are made up, so that their SQL is never run."""

    def declared(kind: str, about: str, **more: Any) -> dict[str, Any]:
        return {"kind": kind, "unit": kind, "about": about, "from_tiles": "max(spent)"} | more

    nullable = ["days_since_last_login", "days_since_first_login", *DAYS]
    counts = {f"{name}_last_{{days}}d": declared("count", name, windows=list(WINDOWS), fill=0) for name in COUNTS}
    shares = {name: declared("share", name, fill=0.0) for name in SHARES}
    days = {name: declared("days", name, null_means="not in the window") for name in nullable}
    device = declared("category", "Device", null_means="none was logged", levels=list(LEVELS))
    column = {"type": "bigint", "sql": "who", "required": True, "about": "Who"}
    spent = {"type": "int", "sql": "spent", "about": "Coins"}
    event = {
        "about": "One visit.",
        "landing": {"files": "*visit*", "fields": ["who", "spent"], "customer": "who", "day": "name"},
        "columns": {"customer_id": column, "spent": spent},
        "duplicates": "drop",
        "measures": {"spent": {"sql": "sum(spent)", "about": "Coins"}},
    }
    grids = {
        "lr": {"regularisation": [1e-3], "l1_share": [0.0]},
        "rf": {"trees": [100], "depth": [10]},
        "gbt": {"rounds": [50], "depth": [5], "learning_rate": [0.1]},
        "xgb": {"rounds": [100], "depth": [6], "learning_rate": [0.1]},
    }
    whole = {
        "title": "Benchmark",
        "about": "Customers made up to measure models by.",
        "windows": {"observation_days": max(WINDOWS), "outcome_days": 30},
        "events": {"visit": event},
        "features": counts | shares | days | {"device": device},
        "eligible": {"when": "logins_last_90d >= 0", "about": "Everybody"},
        "label": {"name": "came_back", "when": "spent > 0", "one_if": "present", "about": "Spends"},
        "recency_feature": "days_since_last_login",
        "alive": {
            "frequency": "greatest(logins_last_90d - 1, 0)",
            "recency_days": "days_since_first_login - days_since_last_login",
            "age_days": "days_since_first_login",
        },
        "training": {"grids": grids, "seed": SEED},
    }
    return Service.model_validate(whole)


def prepare(data: Path, customers: int) -> None:
    """The feature table with its record, and the service as YAML; a table that is there already is taken."""
    text = yaml.safe_dump(service().model_dump(mode="json", exclude_none=True), sort_keys=False)
    write_text(data / "service.yaml", text)
    context = context_of(data, "local")
    folder = context.data.features.partition(str(AS_OF))
    if folder.exists():
        return
    with staging_folder(context.data.features.root) as new:
        positives = 0
        for number, part in enumerate(np.array_split(np.arange(customers), FILES)):
            table = made_up(part, np.random.default_rng([SEED, number]))
            positives += table.column("label").to_numpy().sum()
            pq.write_table(table, new / f"part-{number}.parquet")
        basis = FeaturesBasis(tiles=f"{customers} made up", configuration=context.tables.version, mature=True)
        record = FeaturesRecord(
            basis=basis,
            customers=customers,
            eligible=customers,
            positives=int(positives),
            label_status="mature",
            sample=1.0,
            missing_days=[],
            missing_parts={},
            bots_excluded=0,
            capped={},
        )
        write_record(new / RECORD, record)
        folder.parent.mkdir(parents=True, exist_ok=True)
        replace_folder(new, folder)


def made_up(customers: np.ndarray, random: np.random.Generator) -> pa.Table:
    """Rows of the feature table, correlated by a hidden propensity, which a model can recover only in part."""
    size = len(customers)
    propensity, habit = random.normal(size=(2, size))
    found: dict[str, Any] = {"customer_id": customers}
    for name, pull in COUNTS.items():
        per_day = np.exp(pull * propensity + 0.5 * habit + 0.7 * random.normal(size=size) - 2.5)
        lengths = np.diff((0, *WINDOWS))
        counts = np.cumsum([random.poisson(per_day * length) for length in lengths], axis=0)
        # A day with a login counts once: else BG/NBD would meet far more distinct frequencies than it ever does.
        most = np.reshape(WINDOWS, (-1, 1)) if name == "logins" else np.iinfo(np.int64).max
        found |= {f"{name}_last_{days}d": row for days, row in zip(WINDOWS, np.minimum(counts, most), strict=True)}
    for name, pull in SHARES.items():
        found[name] = logistic(pull * propensity + 0.3 * habit + random.normal(size=size))
    last, first = last_and_first(found["logins_last_90d"], random)
    found |= {"days_since_last_login": last, "days_since_first_login": first}
    for name, pull in DAYS.items():
        found[name] = since(np.ceil(random.exponential(np.exp(3.4 - pull * propensity))))
    taste = np.digitize(0.5 * propensity + random.normal(size=size), [-0.8, 0.4, 1.3])
    is_known = random.random(size) < 0.95
    found["device"] = pa.array(np.array(LEVELS)[taste], mask=~is_known)
    found["eligible"] = np.ones(size, bool)
    # Habit counts only for those of little propensity: something that trees see and a line does not.
    chance = logistic(3.0 * propensity + 1.5 * habit * (propensity < 0) + 0.4)
    found["label"] = (random.random(size) < chance).astype(np.int32)
    found["label_status"] = pa.array(["mature"] * size)
    return pa.table(found)


def last_and_first(logins: np.ndarray, random: np.random.Generator) -> tuple[pa.Array, pa.Array]:
    """Days since the last and the first login of the window: the same of one login, null of none."""
    longest = max(WINDOWS)
    last, first = np.ceil(random.exponential(longest / (logins + 1), size=(2, len(logins)))).clip(1, longest)
    first = np.where(logins == 1, last, np.maximum(last, longest + 1 - first))
    return pa.array(last, mask=logins == 0), pa.array(first, mask=logins == 0)


def since(days: np.ndarray) -> pa.Array:
    """Days since something, null where it lies before the window."""
    return pa.array(days, mask=days > max(WINDOWS))


def logistic(log_odds: np.ndarray) -> np.ndarray:
    """Probabilities."""
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))


# ---- what is measured, in a process of its own ----


def fit_alone(options: argparse.Namespace) -> dict[str, float]:
    """Seconds of one fit on the training part."""
    context = context_of(options.data, options.profile)
    kind, how = KINDS[options.one], context.service.training
    [params] = parameter_grid(options.one, how.grids)
    with prepared_parts(context) as (part, _):
        kind.stages(params, FitContext(how.seed, CORES))  # imports what it needs
        start = time.perf_counter()
        kind.fit(part.prepared, params, how.seed)
        return {"fit_seconds": time.perf_counter() - start}


def write_matrix(options: argparse.Namespace) -> int:
    """The prepared rows of both parts as arrays, by which the libraries are measured."""
    context = context_of(options.data, options.profile)
    with prepared_parts(context) as (part, test), staging_folder(options.data / "matrix") as new:
        for name, rows in {"train": part.prepared, "test": part.preprocessing.transform(test)}.items():
            found = rows.select("label", vector_to_array(F.col(INPUTS)).alias("inputs")).toArrow().combine_chunks()
            inputs = found.column("inputs").combine_chunks().flatten().to_numpy().reshape(found.num_rows, -1)
            np.savez(new / f"{name}.npz", inputs=inputs, labels=found.column("label").to_numpy())
        replace_folder(new, options.data / "matrix")
    return 0


@contextmanager
def prepared_parts(context: Context) -> Iterator[tuple[TrainingSet, DataFrame]]:
    """The training part, prepared and cached as `encore train` does it, and the rows of the test part."""
    split = choose_split([Moment.at(AS_OF, context.service.windows)], context.service.training.split)
    with engine(context.engine, context.profile) as spark:
        train, test = split.apply(context.tables.read(spark, [str(AS_OF)]))
        part = make_training_set(train, table_features(context.service), context.service.training)
        part.prepared.count()
        yield part, test


def fit_library(name: str, data: Path) -> dict[str, float]:
    """Seconds of the fit of a library on the same matrix, and the AUC on the test part."""
    from sklearn.metrics import roc_auc_score

    parts = {part: np.load(data / "matrix" / f"{part}.npz") for part in ("train", "test")}
    inputs, labels = parts["train"]["inputs"], parts["train"]["labels"]
    model = library_model(name, len(labels))
    start = time.perf_counter()
    model.fit(inputs, labels)
    seconds = time.perf_counter() - start
    probability = model.predict_proba(parts["test"]["inputs"])[:, 1]
    return {"fit_seconds": seconds, "test_auc": roc_auc_score(parts["test"]["labels"], probability)}


def library_model(name: str, rows: int) -> Any:
    """The model of a library with the same parameters."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from xgboost import XGBClassifier

    [params] = parameter_grid(name, service().training.grids)
    if name == "lr":
        # MLlib's penalty stands beside the mean of the losses, scikit-learn's beside C times their sum.
        strength = 1.0 / (params["regularisation"] * rows)
        return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=200))
    depth, cores = params["depth"], {"n_jobs": CORES, "random_state": SEED}
    if name == "rf":
        return RandomForestClassifier(params["trees"], max_depth=depth, **cores)
    boosting = {"learning_rate": params["learning_rate"], "max_depth": depth}
    if name == "xgb":
        return XGBClassifier(n_estimators=params["rounds"], tree_method="hist", **boosting, **cores)
    # By itself it would stop early, and bound the leaves below those of the depth.
    whole = {"max_iter": params["rounds"], "early_stopping": False, "max_leaf_nodes": None, "random_state": SEED}
    return HistGradientBoostingClassifier(**boosting, **whole)


def context_of(data: Path, profile: str) -> Context:
    """The benchmark's folder as jobs see it."""
    service = load_service(str(data / "service.yaml"))
    return Context(DataFolder(data), "service", service, load_profile(profile), "spark")


# ---- measuring ----


def encore_row(name: str, options: argparse.Namespace) -> Row:
    """The fit alone and the whole command, the baselines included."""
    data, title = options.data, f"encore {KINDS[name].title}"
    shutil.rmtree(data / "models", ignore_errors=True)
    program = [sys.executable, "-c", "from jobs.cli import main; main()", "train", "--model", name]
    where = ["--data", str(data), "--service", str(data / "service.yaml"), "--profile", options.profile]
    try:
        fit, _ = measured([*own_command(options), "--one", name], data / "logs" / f"{name}-fit")
        _, cost = measured([*program, *where], data / "logs" / f"{name}-command")
    except subprocess.CalledProcessError as error:
        print(error, file=sys.stderr, flush=True)
        return Row(name, title)
    auc = ModelFolder(data / "models").record(name).metrics["test"]["auc"].value
    return Row(name, title, fit["fit_seconds"], cost.wall_seconds, cost.peak_gb, auc)


def library_row(name: str, options: argparse.Namespace) -> Row:
    """The library's fit."""
    try:
        command = [*own_command(options), "--library", name]
        found, cost = measured(command, options.data / "logs" / f"{name}-library", OMP_NUM_THREADS=str(CORES))
    except subprocess.CalledProcessError as error:
        print(error, file=sys.stderr, flush=True)
        return Row(name, BESIDE[name])
    return Row(name, BESIDE[name], found["fit_seconds"], None, cost.peak_gb, found["test_auc"])


def own_command(options: argparse.Namespace) -> list[str]:
    """This script in a process of its own, without what it is to do."""
    return [sys.executable, __file__, "--data", str(options.data), "--profile", options.profile]


def measured(command: list[str], log: Path, **environment: str) -> tuple[dict[str, float], Cost]:
    """Runs a command to its end: what its last line of output says, where it is JSON, and what it took.

    Args:
        environment: variables that it gets beside those of this process.

    Raises CalledProcessError, whose command is the log's path, when it fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"{log.stem} …", file=sys.stderr, flush=True)
    said, complaints = log.with_suffix(".out"), log.with_suffix(".err")
    with said.open("w") as out, complaints.open("w") as err:
        start, peak_bytes = time.perf_counter(), 0
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=out, stderr=err)
        while True:
            try:
                status = process.wait(SECONDS_PER_SAMPLE)
                break
            except subprocess.TimeoutExpired:
                peak_bytes = max(peak_bytes, resident_bytes(process.pid))
        cost = Cost(time.perf_counter() - start, peak_bytes / 1e9)
    if status:
        raise subprocess.CalledProcessError(status, f"see {complaints}")
    *_, last = ["", *said.read_text(encoding="utf-8").splitlines()]
    return (json.loads(last) if last.startswith("{") else {}), cost


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and all below it, those that end meanwhile left out."""
    total = 0
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in family:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def print_figures(rows: list[Row], options: argparse.Namespace) -> None:
    """The table of what was measured, beside what it may take for 700,000 customers."""
    table = Table(box=box.SIMPLE, title=f"{options.customers:,} customers x 45 features, {os.cpu_count()} cores")
    table.add_column("")
    for title in ("fit, s", "target", "command, s", "target", "peak GB", "test AUC"):
        table.add_column(title, justify="right")
    for row in rows:
        most = FIT_SECONDS[row.name] if row.command_seconds else None
        table.add_row(
            row.title,
            number(row.fit_seconds, 1),
            number(most, 0),
            number(row.command_seconds, 1),
            number(most and 2 * most, 0),
            number(row.peak_gb, 1),
            number(row.test_auc, 4),
        )
    Console(width=max(100, Console().width)).print(table)
    print(
        "Three customers in four are fitted on, the others give the AUC. Targets are for 700,000 customers on two\n"
        f"quiet cores, with a peak under {MOST_GB:.0f} GB (of the command; of a library: loading, fit and scores)."
    )


def number(value: float | None, digits: int) -> str:
    """A number, or nothing where there is none."""
    return "" if value is None else f"{value:,.{digits}f}"


if __name__ == "__main__":
    sys.exit(main())
