"""`encore train` on tables written by hand: what it writes, what it leaves alone, what it refuses."""

import math
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.ml import PipelineModel
from pyspark.sql import SparkSession
from sklearn.metrics import roc_auc_score

from conf.errors import InputError
from jobs.context import Context
from jobs.records.training import ModelRecord
from jobs.storage.records import to_text
from jobs.train import train
from jobs.training.artifacts import ModelFolder
from models.evaluation.metrics import METRICS
from models.fitting.kinds import KINDS
from tests.support.archives import table
from tests.support.customers import customers
from tests.support.frames import AS_OF
from tests.support.layers import reseal
from tests.support.model_folder import ALIVE, SERVICE, copy_tables, shop, write_table, write_tables


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trained")


@pytest.fixture
def trained(folder: Path, trained_shop: Path, spark: SparkSession) -> Context:
    """All kinds of models, fitted once for this module."""
    context = shop(folder / "data", alive=ALIVE)
    if not context.data.root.exists():
        shutil.copytree(trained_shop, context.data.root)
        train(context, spark, list(KINDS))
    return context


def record(context: Context, name: str) -> ModelRecord:
    return ModelFolder(context.data.models).record(name)


def test_every_model_is_there_whole(trained: Context, spark: SparkSession) -> None:
    for name in KINDS:
        told = record(trained, name)
        assert told.model == name and told.split.by == "customer"
        assert told.train_rows + told.test_rows == 1_200
        assert told.test_rows == pytest.approx(300, abs=60)
        for part in ("train", "test"):
            assert list(told.metrics[part]) == list(METRICS)
            assert all(one.low <= one.value <= one.high for one in told.metrics[part].values())
        assert told.left_out == {"constant": "the same for everybody in training"}
        assert [one.chosen for one in told.tuning.candidates].count(True) == 1
        assert {one.feature for one in told.importance} == {"visits", "share", "age", "device"}
        assert told.importance[0].feature == told.partial_dependence[0].feature == "visits"
        stages = PipelineModel.load(f"file:{trained.data.models / name / 'pipeline'}").stages
        assert len(stages) >= 4


def test_metrics_are_those_of_the_test_scores(trained: Context) -> None:
    for name in KINDS:
        rows = table(trained.data.models / name / "test_scores")
        auc = roc_auc_score([row["label"] for row in rows], [row["probability"] for row in rows])
        assert record(trained, name).metrics["test"]["auc"].value == pytest.approx(auc, abs=1e-4)
        recency = roc_auc_score([row["label"] for row in rows], [row["recency_probability"] for row in rows])
        gain = record(trained, name).gain_over_recency
        assert gain.value == pytest.approx(auc - recency, abs=2e-3)
        assert gain.low > 0


def test_nobody_judges_who_trained(trained: Context) -> None:
    told, judged = record(trained, "lr"), table(trained.data.models / "lr" / "test_scores")
    assert len({row["customer_id"] for row in judged}) == len(judged) == told.test_rows


def test_partial_dependence_rises_with_visits(trained: Context) -> None:
    """The label follows visits, so that more of them can only raise the probability."""
    for name in KINDS:
        [points] = [one.points for one in record(trained, name).partial_dependence if one.feature == "visits"]
        means = [mean for _, mean in points]
        assert [value for value, _ in points] == sorted(value for value, _ in points)
        assert means == sorted(means) and means[-1] > means[0] + 0.3


def test_baselines_stand_beside(trained: Context) -> None:
    found = ModelFolder(trained.data.models).baselines()
    assert found
    told = {one.name: one for one in found.baselines}
    assert list(told) == ["recency", "majority", "bgnbd"]
    assert told["majority"].metrics["test"]["auc"].value == 0.5
    share = record(trained, "lr").train_positive_share
    assert told["majority"].metrics["train"]["log_loss"].value == pytest.approx(
        -share * math.log(share) - (1 - share) * math.log(1 - share), abs=1e-6
    )


def test_the_test_set_has_its_probabilities_by_bgnbd(trained: Context) -> None:
    models = ModelFolder(trained.data.models)
    [bgnbd] = [one for one in models.baselines().baselines if one.name == "bgnbd"]  # type: ignore[union-attr]
    assert models.bgnbd_scores("lr")
    by_bgnbd = {row["customer_id"]: row["bgnbd_probability"] for row in table(trained.data.models / "baselines")}
    judged = table(trained.data.models / "lr" / "test_scores")
    assert set(by_bgnbd) == {row["customer_id"] for row in judged}
    # Here they hardly differ: those in the same bin of 0.002 of log odds count as tied.
    odds = [by_bgnbd[row["customer_id"]] / (1 - by_bgnbd[row["customer_id"]]) for row in judged]
    auc = roc_auc_score([row["label"] for row in judged], [math.floor(500 * math.log(one)) for one in odds])
    assert bgnbd.metrics["test"]["auc"].value == pytest.approx(auc, abs=1e-4)


def test_the_chosen_one_has_the_best_cross_validated_auc(trained: Context) -> None:
    auc = {name: max(one.auc for one in record(trained, name).tuning.candidates) for name in KINDS}
    assert ModelFolder(trained.data.models).chosen() == max(auc, key=lambda name: auc[name])


def test_what_is_up_to_date_is_left_alone(trained: Context, spark: SparkSession) -> None:
    before = {path: path.stat().st_mtime_ns for path in trained.data.models.rglob("metrics.json")}
    train(trained, spark, ["lr", "gbt"])
    assert {path: path.stat().st_mtime_ns for path in trained.data.models.rglob("metrics.json")} == before


def test_training_again_elsewhere_gives_the_same_numbers(trained: Context, spark: SparkSession, tmp_path: Path) -> None:
    other = shop(tmp_path, alive=ALIVE)
    copy_tables(Path(str(trained.data.root)), tmp_path)
    train(other, spark, ["rf", "gbt"])
    for name in ("rf", "gbt"):
        # Spark's files have random names, and so their list in the record differs.
        ours, theirs = (record(one, name).model_copy(update={"content": {}}) for one in (other, trained))
        assert to_text(ours) == to_text(theirs) and ours.model == name
        models = [(one.data.models / name / "model.json").read_text() for one in (other, trained)]
        assert models[0] == models[1]


def test_by_time_customers_may_be_the_same_and_moments_not(spark: SparkSession, tmp_path: Path) -> None:
    """Also: progress is told to its end."""
    context = shop(tmp_path)
    write_tables(context)
    write_table(context, AS_OF.replace(month=4), customers(800), is_mature=True)
    steps: list[tuple[int, int, str]] = []
    told = train(context, spark, ["lr"], lambda *step: steps.append(step))[0]
    done = [step[0] for step in steps]
    assert done == sorted(done) and done[0] == 0 and steps[-1][0] == steps[-1][1]
    assert "logistic regression: cross-validation" in {step[2] for step in steps}
    assert told.split.by == "time"
    assert (told.split.train_as_of, told.split.test_as_of) == (["2017-04-01"], "2017-05-01")
    assert (told.train_rows, told.test_rows) == (800, 1_200)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([row | {"label": 1} for row in customers(400)], "0 customers of [23]\\d\\d rows have label 0"),
        ([row | {"label": int(row["customer_id"] < 40)} for row in customers(400)], "at least 50 are needed"),
        ([row | {"label": None} for row in customers(400)], "0 customers of 0 rows"),
        ([row | {"eligible": False} for row in customers(400)], "0 customers of 0 rows"),
        (
            [row | {"visits": 1, "share": 0.5, "age": None, "device": "ar"} for row in customers(400)],
            "every feature is the same",
        ),
    ],
)
def test_nothing_to_learn_from_is_refused(spark: SparkSession, tmp_path: Path, rows: Any, problem: str) -> None:
    context = shop(tmp_path)
    write_tables(context, mature=rows)
    with pytest.raises(InputError, match=problem):
        train(context, spark, ["lr"])
    assert not list(context.data.models.glob("*/model.json"))


def test_tables_of_another_configuration_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    write_tables(shop(tmp_path))
    other = shop(tmp_path, eligible=SERVICE["eligible"] | {"when": "visits > 0"})
    with pytest.raises(InputError, match="another configuration .* `encore features --as-of 2017-05-01` again"):
        train(other, spark, ["lr"])


def test_old_tables_of_other_declarations_lie_idle(spark: SparkSession, tmp_path: Path) -> None:
    """With labels and without. Their tiles may be gone, so that they cannot be made again; and they lack a column."""
    features = {name: one for name, one in SERVICE["features"].items() if name != "share"}
    old = shop(tmp_path, features=features)
    for month, is_mature in ((2, False), (3, True)):
        write_table(old, AS_OF.replace(month=month), customers(300), is_mature)
        lacking = old.data.features.partition(f"2017-0{month}-01") / "part-0.parquet"
        pq.write_table(pq.read_table(lacking, partitioning=None).drop_columns(["share"]), lacking)
        reseal(lacking.parent)
    context = shop(tmp_path)
    write_tables(context)
    [told] = train(context, spark, ["lr"])
    assert told.split.train_as_of == [*told.split.unused_as_of, "2017-05-01"]
    assert "share" in {one.feature for one in told.importance}


def test_a_rare_label_is_explained_all_the_same(spark: SparkSession, tmp_path: Path) -> None:
    rare = [row | {"label": int(row["visits"] > 10 and row["customer_id"] % 2)} for row in customers(1_200)]
    context = shop(tmp_path)
    write_tables(context, mature=rare)
    [told] = train(context, spark, ["lr"])
    assert told.importance[0].feature == "visits"
    share = told.train_positive_share
    means = [mean for one in told.partial_dependence for _, mean in one.points if one.feature == "share"]
    assert means and all(
        abs(mean - share) < 0.08 for mean in means
    )  # of customers as they are, not of as many of each label


def test_a_split_by_time_needs_an_earlier_table(spark: SparkSession, tmp_path: Path) -> None:
    context = shop(tmp_path, training=SERVICE["training"] | {"split": "time"})
    write_tables(context)
    with pytest.raises(InputError, match="none may be used for training; run `encore features` at an earlier --as-of"):
        train(context, spark, ["lr"])


def test_an_undersampled_model_is_judged_on_the_untouched_distribution(spark: SparkSession, tmp_path: Path) -> None:
    rare = [row | {"label": int(row["visits"] > 10)} for row in customers(1_200)]  # 2 of 13
    context = shop(tmp_path, training=SERVICE["training"] | {"balance": "undersample"})
    write_tables(context, mature=rare)
    told = train(context, spark, ["lr"])[0]
    assert (told.balance, told.calibration) == ("undersample", "isotonic")
    judged = table(context.data.models / "lr" / "test_scores")
    assert len(judged) == told.test_rows == pytest.approx(300, abs=60)
    share = sum(row["label"] for row in judged) / len(judged)
    assert share == pytest.approx(2 / 13, abs=0.06)
    assert sum(row["probability"] for row in judged) / len(judged) == pytest.approx(share, abs=0.05)
