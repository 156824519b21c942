"""The whole way with the data elsewhere than on a disk: the same tables, on both engines, each by its own means."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pyspark.sql import SparkSession

from conf.errors import InputError, UsageError
from jobs.cli import app
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.drift import drift
from jobs.engine import engine
from jobs.features import features
from jobs.ingest import ingest
from jobs.prepare import prepare
from jobs.recommend import RecommendRequest, recommend
from jobs.report import report
from jobs.rollup import rollup
from jobs.score import score
from jobs.storage.backend import current, replace_folder, sole_writer, staging_folder
from jobs.storage.layer import Layer
from jobs.storage.location import Place, Remote
from jobs.table import table as take_table
from jobs.train import train
from jobs.training.artifacts import ModelFolder
from jobs.unpack import unpack
from tests.support import finished_table as tabled
from tests.support.archives import context, table
from tests.support.engines import SMALL
from tests.support.frames import before
from tests.support.layers import records_of
from tests.support.object_store import Store
from tests.support.shop_logs import DAYS, SERVICE, archive, lines


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service, a profile, and raw archives."""
    root = tmp_path_factory.mktemp("root")
    (root / "shop.yaml").write_text(yaml.safe_dump(SERVICE, sort_keys=False))
    (root / "small.yaml").write_text(yaml.safe_dump(SMALL.model_dump(exclude_unset=True)))
    for day in range(DAYS):
        archive(root / "raw", day, lines(day))
    return root


@pytest.fixture(scope="module")
def local(root: Path) -> Context:
    """All of it on a disk, by Sail but for the model."""
    run = of(root, root / "local")
    with pytest.MonkeyPatch.context() as patch, engine("sail", SMALL) as sail:
        patch.setattr("jobs.training.mlflow.find_spec", lambda name: None)  # MLflow takes seconds to import
        unpack(run, root / "raw")
        tables(run, sail)
        with engine("spark", SMALL) as spark:
            train(run, spark, ["lr"])
        with_model(run, sail)
    return run


def of(root: Path, data: Place) -> Context:
    """A context of Sail."""
    return replace(context(root, str(root / "shop.yaml")), data=DataFolder(data), profile=SMALL)


def on_disk(run: Context) -> Path:
    """The data folder of a context, which is a path."""
    assert isinstance(run.data.root, Path)
    return run.data.root


def tables(run: Context, spark: SparkSession) -> None:
    ingest(run, spark)
    rollup(run, spark)
    features(run, spark)


def with_model(run: Context, spark: SparkSession) -> None:
    score(run, spark)
    drift(run, spark)
    recommend(run, spark, RecommendRequest("implicit"), lambda done, total, what: None)
    report(run, spark)


def copied(folder: Path, to: Remote) -> None:
    """As any tool copies a folder."""
    for file in folder.rglob("*"):
        if file.is_file():
            (to / str(file.relative_to(folder))).put(file)


def brought(here: Context, there: Context, *names: str) -> None:
    """Published folders, as if they had been made there."""
    for name in names:
        target = there.data.root / name
        with staging_folder(target) as folder:
            assert isinstance(folder, Remote)
            copied(on_disk(here) / name, folder / target.name)
            replace_folder(folder / target.name, target)


def rows(layer: Layer[Any], tmp_path: Path) -> list[dict[str, object]]:
    """What counts in a layer, as numbers to so many digits as the order of its files leaves alone."""
    root = layer.root
    if isinstance(root, Remote):
        copy = tmp_path / str(layer.root).replace("/", "_")
        for value in layer.values():
            for file in layer.partition(value).glob("*.parquet"):
                target = copy / f"{layer.key}={value}" / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read_bytes())
        root = copy
    told = [
        {key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()}
        for row in table(Path(str(root)))
    ]
    if str(layer.root).endswith("/customers"):  # whom of many with one score a title is given, each engine decides
        told = [{key: value for key, value in row.items() if key != "customer_id"} for row in told]
    return sorted(told, key=lambda row: [str(row[key]) for key in sorted(row) if not key.endswith("_sketch")])


def layers(run: Context) -> dict[str, Layer[Any]]:
    return {
        "events": run.data.events("visit"),
        "rejected": run.data.rejected("visit"),
        "daily": run.data.daily,
        "features": run.data.features,
        "scores": run.data.scores,
        "days of titles": run.data.title_days,
        "titles of customers": run.data.interactions,
        "titles": run.data.titles_for_customers,
        "customers": run.data.customers_for_titles,
        "contacts": run.data.titles_for_contacts,
    }


def assert_same(left: Context, right: Context, tmp_path: Path) -> None:
    """The same tables, records and page."""
    for name, one in layers(left).items():
        other, same = layers(right)[name], rows(one, tmp_path)
        assert same == rows(other, tmp_path), f"{name} differs"
        assert same, f"{name} is empty"
        known = [{day: record.basis for day, record in each.records().items()} for each in (one, other)]
        assert known[0] == known[1]
    for folder in (left.data.report, right.data.report):
        assert (current(folder) / "index.html").read_bytes() == (folder / "index.html").read_bytes()
    names = [{file.name for file in (current(one.data.report) / "csv").iterdir()} for one in (left, right)]
    assert names[0] == names[1] and len(names[0]) > 5


# ---- Spark, through Hadoop ----


def test_spark_makes_the_same_through_hadoop(
    root: Path, local: Context, mounted: Remote, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(on_disk(local) / "landing", mounted / "landing")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    named = ["--service", str(root / "shop.yaml"), "--profile", str(root / "small.yaml")]
    app(["ingest", "--data", str(mounted), *named], standalone_mode=False)
    there = replace(of(root, mounted), engine="spark")
    with sole_writer(mounted):
        tables(there, spark)
        train(there, spark, ["lr"])
        brought(local, there, "recommender")  # Spark has some forty seconds of small jobs for it
        with_model(there, spark)
    assert_same(local, there, tmp_path)
    told = [ModelFolder(one.data.models).record("lr") for one in (local, there)]
    assert told[0].fitted_on == told[1].fitted_on and told[0].train_rows == told[1].train_rows
    assert told[0].metrics["test"]["auc"].value == pytest.approx(told[1].metrics["test"]["auc"].value)
    assert len(list((current(there.data.models / "lr") / "pipeline" / "stages").iterdir())) >= 4
    assert {path.name for path in (tmp_path / "mlruns").rglob("*.json")} >= {"model.json", "metrics.json"}
    assert (mounted / ".service").read_text() == f"{root / 'shop.yaml'}\n" and not (mounted / ".lock").exists()
    assert not [str(path) for path in mounted.rglob() if path.name.startswith(".staging-") or ".tmp" in path.name]


# ---- Sail, by S3's protocol ----


@pytest.fixture
def on_s3(root: Path, local: Context, bucket: Remote) -> Context:
    """A context in the store, to where the lines and the models were copied."""
    folder_here = on_disk(local)
    copied(folder_here / "landing", bucket / "landing")
    run = of(root, bucket)
    brought(local, run, "models/lr", "models/baselines")
    for name in ("chosen.json", "audit.json"):
        (run.data.models / name).put(folder_here / "models" / name)
    return run


def made(store: Store, data: Remote) -> dict[str, float]:
    """When the rows and records of each partition and folder were written; the page and lists for people always are."""
    return {
        key: store.objects[f"{data.key}/{key}"][1]
        for key in store.keys(f"{data.key}/")
        if ("_records/" in key or key.endswith(".parquet")) and not key.startswith("report/")
    }


def test_sail_makes_the_same_on_s3_and_only_what_has_changed(
    root: Path, local: Context, on_s3: Context, sail: SparkSession, store: Store, tmp_path: Path
) -> None:
    data = on_s3.data.root
    assert isinstance(data, Remote)
    run = ["run", "--data", str(data), "--service", str(root / "shop.yaml"), "--profile", str(root / "small.yaml")]
    run += ["--engine", "sail", "--model", "lr"]
    app(run, standalone_mode=False)  # the model is up to date, so that Spark, to which S3 is strange, reads nothing
    assert_same(local, on_s3, tmp_path / "first")
    arrays = []
    for one in (local, on_s3):
        prepare(one, tmp_path / str(len(arrays)))
        arrays.append(dict(np.load(tmp_path / str(len(arrays)) / "train.npz")))
    assert all((arrays[0][name] == arrays[1][name]).all() for name in arrays[0])
    export = "_export/features_2017-05-02.csv"
    assert sorted((on_s3.data.features.root / export).open()) == sorted((local.data.features.root / export).open())

    before_it = made(store, data)
    app(run, standalone_mode=False)
    assert made(store, data) == before_it, "nothing had changed"

    here = of(root, tmp_path / "here")
    shutil.copytree(on_disk(local), on_disk(here), copy_function=shutil.copy2)
    shutil.copytree(root / "raw", tmp_path / "raw")
    archive(tmp_path / "raw", 3, lines(3, "other"))
    unpack(here, tmp_path / "raw")
    copied(on_disk(here) / "landing", data / "landing")
    for one in (here, on_s3):
        tables(one, sail)
    for name in ("events", "daily", "features"):
        left, right = (rows(layers(one)[name], tmp_path / "second") for one in (here, on_s3))
        assert left == right, f"{name} differs"
    old, new = set(before_it), set(made(store, data))
    changed = {key for key in old ^ new if key.startswith(("events/", "daily/"))}
    assert changed and all(f"date={before(3)}" in key for key in changed), "one day alone is written anew"
    with engine("spark", SMALL) as spark, pytest.raises(InputError, match="S3AFileSystem not found.* jars of Spark"):
        train(on_s3, spark, ["lr"])


def test_a_finished_table_is_taken(bucket: Remote, sail: SparkSession, tmp_path: Path) -> None:
    file = tabled.write(tmp_path / "records.csv", tabled.row(), tabled.row("8", again="0"))
    here = tabled.shop(tmp_path / "here")
    there = replace(here, data=DataFolder(bucket))
    for run in (here, there):
        assert take_table(run, sail, file)[1].customers == 2
    assert rows(here.data.features, tmp_path) == rows(there.data.features, tmp_path) != []
    assert records_of(here.data.features) == records_of(there.data.features)


# ---- what cannot be ----


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("simulate --out s3://b/d", "--out s3://b/d: this can only be written to a disk of this machine; give a path"),
        ("demo --data s3://b/d", "--data s3://b/d: this can only be written to a disk"),
        ("prepare --out s3://b/d", "--out s3://b/d: this can only be written to a disk"),
        ("ingest --data ftp://b/d", "ftp://b/d: Encore cannot read such a URL"),
        ("unpack --data URL", "aws s3 sync --delete FOLDER/landing s3://encore/"),
        ("run --data URL --raw raw", "copy the lines by `aws s3 sync"),
    ],
)
def test_what_stays_on_a_disk(bucket: Remote, command: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        app(command.replace("URL", str(bucket)).split(), standalone_mode=False)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (("gs", "b"), "gsutil -m rsync -r -d FOLDER/landing gs://b/data/landing"),
        (("hdfs", "node:8020"), "hdfs dfs -put -f FOLDER/landing hdfs://node:8020/data"),
    ],
)
def test_how_lines_come_there(root: Path, url: tuple[str, str], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        unpack(of(root, Remote(*url, "/data", "sail")))
    assert f"copy the lines by `{said}`" in str(refused.value)


def test_networks_are_fitted_where_ranks_share_a_folder(root: Path, bucket: Remote, tmp_path: Path) -> None:
    run = of(root, bucket)
    with pytest.raises(UsageError, match="set the key `shared` of the profile to a path"):
        _ = run.fits
    shared = replace(run, profile=SMALL.model_copy(update={"shared": str(tmp_path)}))
    assert shared.fits.parent == tmp_path and shared.fits != replace(shared, data=DataFolder(bucket / "other")).fits
    assert of(root, tmp_path).fits == tmp_path / "fits"
