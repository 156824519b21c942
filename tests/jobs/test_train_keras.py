"""`encore train-keras` on tables written by hand: what it writes, how it goes on, what it refuses."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession
from sklearn.metrics import roc_auc_score

from conf.errors import InputError, RankError, UsageError
from jobs.context import Context
from jobs.engine import engine
from jobs.score import score
from jobs.train import train
from jobs.train_keras import train_keras
from jobs.training.artifacts import ModelFolder
from jobs.training.keras import KerasFitter, RowsReady
from models.evaluation.metrics import METRICS
from models.network.checkpoint import FILE, Progress
from models.network.fit import fit_network as fit_of_ranks
from models.network.job import NetworkJob
from models.network.ranks import OneProcess
from tests.support import engines
from tests.support.archives import table
from tests.support.customers import customers
from tests.support.model_folder import NEWEST, NOTHING_FLAGGED, SERVICE, copy_tables, shop, write_tables
from tests.support.paths import ROOT

pytest.importorskip("tensorflow", reason="the network needs TensorFlow")
SMALL = {"hidden": [16], "learning_rate": 0.02, "batch": 64, "epochs": 12, "patience": 12, "validation_share": 0.15}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the tables, their audit and the baselines, which take longer than what most tests look at."""
    context = shop(tmp_path_factory.mktemp("audited"), network=SMALL)
    write_tables(context)
    with engine("spark", engines.SMALL) as spark, pytest.raises(RowsReady):
        train_keras(context, spark, KerasFitter(context.fits, rows_only=True))
    return Path(str(context.data.root))


@pytest.fixture
def trained(folder: Path, audited: Path, spark: SparkSession) -> Context:
    """A network fitted once for this module, and nothing beside it."""
    context = shop(folder / "data", network=SMALL)
    if not context.data.root.exists():
        copy_tables(audited, folder / "data")
        train_keras(context, spark, KerasFitter(context.fits))
    return context


def models(context: Context) -> ModelFolder:
    return ModelFolder(context.data.models)


def test_it_is_told_like_any_other_model(trained: Context) -> None:
    told = models(trained).record("keras")
    assert (told.title, told.split.by) == ("neural network", "customer")
    assert told.train_rows + told.test_rows == 1_200
    for part in ("train", "test"):
        assert list(told.metrics[part]) == list(METRICS)
    rows = table(trained.data.models / "keras" / "test_scores")
    auc = roc_auc_score([row["label"] for row in rows], [row["probability"] for row in rows])
    assert told.metrics["test"]["auc"].value == pytest.approx(auc, abs=1e-3)
    assert auc > 0.95, "visits all but decide the label"
    assert told.importance[0].feature == "visits"
    assert {one.feature for one in told.importance} == {"visits", "share", "age", "device"}
    assert told.left_out == {"constant": "the same for everybody in training"}
    assert told.tuning.folds == 0 and 50 < told.tuning.rows < 250
    assert told.network and len(told.network.epochs) == 12
    assert told.network.throughput and told.network.throughput.rows_per_second > 0
    assert models(trained).chosen() == "keras", "there is no other"
    assert not (trained.data.root / "fits" / "keras").exists()


def test_customers_kept_for_early_stopping_are_neither_fitted_on_nor_judged(
    spark: SparkSession, audited: Path, tmp_path: Path
) -> None:
    """By the rows that the ranks get: 15 % of those that train, and the mean of the others alone."""
    context = shop(tmp_path, network=SMALL)
    copy_tables(audited, tmp_path)
    with pytest.raises(RowsReady) as ready:
        train_keras(context, spark, KerasFitter(context.fits, "horovodrun", 2, rows_only=True))
    plan = NetworkJob.read(ready.value.folder)
    judged = 1_200 - plan.train.rows - plan.validation.rows
    assert judged == pytest.approx(300, abs=60)
    assert plan.validation.rows / (plan.train.rows + plan.validation.rows) == pytest.approx(0.15, abs=0.04)


def test_both_engines_score_with_it_alike(trained: Context, sail: SparkSession, tmp_path: Path) -> None:
    score(trained, sail)
    other = shop(tmp_path, network=SMALL)
    for layer in ("features", "models"):
        (tmp_path / layer).symlink_to(trained.data.root / layer)
    with engine("spark", trained.profile) as spark:
        score(other, spark)
    left, right = (
        {row["customer_id"]: row for row in table(one.data.scores.partition(str(NEWEST)))} for one in (trained, other)
    )
    assert left.keys() == right.keys() and len(left) == 900
    assert all(abs(left[who]["probability"] - right[who]["probability"]) < 1e-9 for who in left)
    assert all(left[who]["reason_1"] == right[who]["reason_1"] for who in left)
    assert {row["reason_1_feature"] for row in left.values()} >= {"visits"}


def test_the_saved_file_alone_gives_the_scores(trained: Context, sail: SparkSession) -> None:
    """Read by Keras in a process that knows nothing of Encore, on raw feature rows."""
    score(trained, sail)
    rows = pq.read_table(trained.data.features.partition(str(NEWEST)) / "part-0.parquet", partitioning=None).to_pydict()
    given = {name: rows[name] for name in ("visits", "share", "age", "device")}
    code = """if True:
        import json, sys
        import keras, numpy as np, tensorflow as tf
        given = json.load(sys.stdin)
        device = tf.constant([[text or ""] for text in given.pop("device")])
        filled = {key: [[np.nan if x is None else x] for x in column] for key, column in given.items()}
        numbers = {key: tf.constant(column, tf.float32) for key, column in filled.items()}
        network = keras.saving.load_model(sys.argv[1])
        print(json.dumps(np.asarray(network(numbers | {"device": device}))[:, 0].tolist()))"""
    command = [sys.executable, "-P", "-c", code, str(trained.data.models / "keras" / "network.keras")]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, cwd="/", check=True)
    by_file = dict(zip(rows["customer_id"], json.loads(done.stdout), strict=True))
    scored = {row["customer_id"]: row["probability"] for row in table(trained.data.scores.partition(str(NEWEST)))}
    assert scored == pytest.approx({who: by_file[who] for who in scored}, abs=1e-5)


def test_a_network_that_is_up_to_date_is_left_as_it_is(trained: Context, spark: SparkSession) -> None:
    before = (trained.data.models / "keras" / "metrics.json").stat().st_mtime_ns
    [told] = train_keras(trained, spark, KerasFitter(trained.fits))
    assert (trained.data.models / "keras" / "metrics.json").stat().st_mtime_ns == before
    assert told == models(trained).record("keras")


def test_beside_other_models_it_is_not_chosen(trained: Context, spark: SparkSession) -> None:
    """What it was judged by beside theirs are other rows than those of cross-validation."""
    train(trained, spark, ["lr"])
    train_keras(trained, spark, KerasFitter(trained.fits))
    assert models(trained).chosen() == "lr"
    assert (trained.data.models / "keras" / "model.json").exists()


def test_where_the_audit_flags_a_feature_there_is_a_twin_without_it(spark: SparkSession, tmp_path: Path) -> None:
    rows = [row | {"share": float(row["label"])} for row in customers(1_200)]
    context = shop(tmp_path, network=SMALL | {"epochs": 2}, audit=NOTHING_FLAGGED | {"auc": 0.999})
    write_tables(context, mature=rows)
    told = train_keras(context, spark, KerasFitter(context.fits))
    assert [one.model for one in told] == ["keras", "keras_unflagged"]
    assert told[1].without == ["share"] and "share" not in {one.feature for one in told[1].importance}
    assert models(context).chosen() == "keras_unflagged"


def test_a_network_with_class_weights_is_calibrated(spark: SparkSession, tmp_path: Path) -> None:
    rare = [row | {"label": int(row["visits"] > 10)} for row in customers(1_600)]  # 2 of 13
    context = shop(tmp_path, network=SMALL, training=SERVICE["training"] | {"balance": "weights"})
    write_tables(context, mature=rare)
    told, *_ = train_keras(context, spark, KerasFitter(context.fits))  # the audit has something to say of visits, too
    assert told.calibration == "isotonic"
    judged = table(context.data.models / "keras" / "test_scores")
    share = sum(row["label"] for row in judged) / len(judged)
    assert sum(row["probability"] for row in judged) / len(judged) == pytest.approx(share, abs=0.05)


# ---- ranks, and going on ----


def test_two_ranks_of_spark_make_the_same_model(
    trained: Context, spark: SparkSession, audited: Path, tmp_path: Path
) -> None:
    pytest.importorskip("horovod", reason="ranks need Horovod")
    lines: list[str] = []
    told: list[tuple[int, int, str]] = []
    context = shop(tmp_path, network=SMALL)
    copy_tables(audited, tmp_path)
    fitter = KerasFitter(context.fits, "horovod", 2, say=lines.append)
    [found] = train_keras(context, spark, fitter, lambda *step: told.append(step))
    assert weights(context) == pytest.approx(weights(trained), abs=1e-3)
    assert len(lines) == 12 and lines[0].startswith("neural network: epoch 1 of 12: loss 0.")
    done = [step[0] for step in told]
    assert done == sorted(done) and told[-1][0] == told[-1][1]
    assert found.network and found.network.ranks == 2
    assert found.network.throughput and len(found.network.throughput.by_rank) == 2
    assert 0 < found.network.throughput.efficiency < 2


def weights(context: Context) -> list[float]:
    layers = json.loads((context.data.models / "keras" / "model.json").read_text())["scorer"]["layers"]
    return [float(x) for layer in layers for x in np.ravel(layer["weights"]).tolist() + layer["bias"]]


LONG = SMALL | {"epochs": 60, "patience": None}
SMALL_SPARK = {"engine": "sail", "master": "local[2]", "driver_memory": "1g", "shuffle_partitions": 1}


def start(root: Path, data: Path) -> subprocess.Popen[str]:
    """The command itself with two ranks, without MLflow, which takes seconds to import."""
    (root / "shop.yaml").write_text(yaml.safe_dump(SERVICE | {"network": LONG}, sort_keys=False))
    (root / "small.yaml").write_text(yaml.safe_dump(SMALL_SPARK))
    code = "from jobs import cli; from jobs.training import mlflow; mlflow.find_spec = lambda name: None; cli.main()"
    options = ["--data", data, "--service", root / "shop.yaml", "--profile", root / "small.yaml"]
    ranks = ["--ranks", "2", "--launcher", "horovodrun"]
    return subprocess.Popen(
        [sys.executable, "-c", code, "train-keras", *map(str, options), *ranks],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_killed_command_goes_on_to_the_same_model(spark: SparkSession, audited: Path, tmp_path: Path) -> None:
    """Killed with its two ranks in the midst of it; none of them outlives it. The same epochs as of one process that
    nobody kills; that dropout goes on, too, test_ranks.py shows."""
    pytest.importorskip("horovod", reason="ranks need Horovod")
    killed, whole = shop(tmp_path / "killed", network=LONG), tmp_path / "whole"
    copy_tables(audited, tmp_path / "killed")
    process, fit = start(tmp_path, killed.data.root), killed.fits / "keras"
    while not Progress.read(fit).epochs:
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(3)
    found = Progress.read(fit)
    assert not found.is_done and not (killed.data.models / "keras").exists()
    time.sleep(1)
    assert len(Progress.read(fit).epochs) == len(found.epochs) < 60, "a rank has outlived its command"
    shutil.copytree(fit, whole, ignore=shutil.ignore_patterns(f"*{FILE}"))
    [told] = train_keras(killed, spark, KerasFitter(killed.fits, "horovodrun", 2, resume=True))
    assert told.network
    epochs = told.network.epochs
    known = [epoch.seconds for epoch in found.epochs]
    assert [epoch.seconds for epoch in epochs][: len(known)] == known, "an epoch was done twice"
    fit_of_ranks(whole, OneProcess())
    for name in ("loss", "validation_loss"):
        expected = [getattr(epoch, name) for epoch in Progress.read(whole).epochs]
        assert [getattr(epoch, name) for epoch in epochs] == pytest.approx(expected, abs=1e-4)


def test_what_cannot_be_gone_on_with_is_refused(spark: SparkSession, audited: Path, tmp_path: Path) -> None:
    context = shop(tmp_path, network=SMALL)
    copy_tables(audited, tmp_path)
    with pytest.raises(InputError, match="there is no fit to continue; run the command without --resume"):
        train_keras(context, spark, KerasFitter(context.fits, resume=True))
    with pytest.raises(RowsReady):
        train_keras(context, spark, KerasFitter(context.fits, rows_only=True))
    other = shop(tmp_path, network=SMALL | {"hidden": [17]})
    with pytest.raises(InputError, match="this fit began with other tables or settings"):
        train_keras(other, spark, KerasFitter(other.fits, resume=True))
    [told] = train_keras(context, spark, KerasFitter(context.fits, resume=True))
    assert told.network and len(told.network.epochs) == 12


def test_a_rank_that_fails_ends_the_command_with_its_own_traceback(
    spark: SparkSession, audited: Path, tmp_path: Path
) -> None:
    """The second rank misses one of its files."""
    pytest.importorskip("horovod", reason="ranks need Horovod")
    context = shop(tmp_path, network=SMALL)
    copy_tables(audited, tmp_path)
    with pytest.raises(RowsReady) as ready:
        train_keras(context, spark, KerasFitter(context.fits, "horovodrun", 2, rows_only=True))
    (ready.value.folder / "validation" / "lane-5.parquet").unlink()
    with pytest.raises(RankError, match="of 2 ranks, rank 1: FileNotFoundError.* again with --resume") as failed:
        train_keras(context, spark, KerasFitter(context.fits, "horovodrun", 2, resume=True))
    assert failed.value.trace.startswith("Traceback") and "read_blocks" in failed.value.trace
    assert failed.value.exit_code == 1 and not (context.data.models / "keras").exists()


@pytest.mark.parametrize(
    ("network", "how", "problem"),
    [
        ({"batch": 63}, ("horovodrun", 2), "--batch 63: does not divide into 2 ranks; give a multiple of 2"),
        ({"batch": 63}, ("horovod", 3), "3 ranks need as many slots of Spark"),
        ({}, ("local", 2), "which is one process"),
    ],
)
def test_ranks_that_cannot_be_are_refused_before_any_work(
    spark: SparkSession, tmp_path: Path, network: dict[str, Any], how: tuple[str, int], problem: str
) -> None:
    context = shop(tmp_path, network=SMALL | network)
    write_tables(context)
    with pytest.raises(UsageError, match=problem):
        train_keras(context, spark, KerasFitter(context.fits, *how))
    assert not context.data.models.exists()


def test_a_loss_that_is_no_number_is_refused(spark: SparkSession, audited: Path, tmp_path: Path) -> None:
    context = shop(tmp_path, network=SMALL | {"optimizer": "sgd", "learning_rate": 1e30, "epochs": 2})
    copy_tables(audited, tmp_path)
    with pytest.raises(InputError, match="loss is not a number; lower its learning_rate"):
        train_keras(context, spark, KerasFitter(context.fits))
