"""`encore demo`, small: every layer is there, and the model comes near the best that any model could be."""

import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from sklearn.metrics import roc_auc_score

from jobs.cli import main
from jobs.engine import engine
from jobs.score import score
from jobs.train_keras import train_keras
from jobs.training.keras import KerasFitter
from tests.docs.examples import blocks
from tests.support.archives import context, table
from tests.support.engines import SMALL


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("demo")
    arguments, sys.argv = sys.argv, ["encore", "demo", "--data", str(data), "--customers", "4000", "--model", "lr"]
    try:
        main()
    except SystemExit as end:
        assert not end.code
    finally:
        sys.argv = arguments
    return data


def share_reached(data: Path, model: str) -> float:
    """How far the model has come from a coin to the true probabilities, on the customers that judge it."""
    truth = {row["customer_id"]: row["churn_probability"] for row in table(data / "truth" / "as_of=2017-04-29")}
    judged = table(data / "models" / model / "test_scores")
    labels = [row["label"] for row in judged]
    best = roc_auc_score(labels, [truth[row["customer_id"]] for row in judged])
    reached = roc_auc_score(labels, [row["probability"] for row in judged])
    assert len(judged) > 500
    assert 0.88 < best < 0.96
    return float((reached - 0.5) / (best - 0.5))


def test_the_model_comes_near_the_best_possible(demo: Path) -> None:
    assert share_reached(demo, "lr") >= 0.95


def test_a_network_comes_near_the_best_possible(demo: Path, tmp_path: Path, spark: SparkSession) -> None:
    pytest.importorskip("tensorflow", reason="the network needs TensorFlow")
    for layer in ("features", "truth"):
        (tmp_path / layer).symlink_to(demo / layer)
    run = replace(context(tmp_path), profile=SMALL)
    train_keras(run, spark, KerasFitter(run.fits))
    assert share_reached(tmp_path, "keras") >= 0.95  # of 4,000 customers; of 20,000 it reaches 0.99


def test_labels_are_those_of_the_simulation(demo: Path) -> None:
    """The label agrees with the simulation's own account, made without any log line."""
    churned = {row["customer_id"]: row["churned"] for row in table(demo / "truth" / "as_of=2017-04-29")}
    labels = {row["customer_id"]: row["label"] for row in table(demo / "features" / "as_of=2017-04-29")}
    assert len(labels.keys() & churned.keys()) > 2000
    assert {key: labels[key] for key in labels.keys() & churned.keys()} == {
        key: churned[key] for key in labels.keys() & churned.keys()
    }
    assert 0.55 < sum(labels.values()) / len(labels) < 0.69


def test_every_eligible_customer_at_the_newest_as_of_is_scored(demo: Path) -> None:
    scored = table(demo / "scores" / "as_of=2017-05-13")
    features = table(demo / "features" / "as_of=2017-05-13")
    assert {row["customer_id"] for row in scored} == {row["customer_id"] for row in features if row["eligible"]}
    sizes = [sum(row["decile"] == decile for row in scored) for decile in range(1, 11)]
    assert all(0.08 < size / len(scored) < 0.12 for size in sizes)
    by_probability = sorted(scored, key=lambda row: row["probability"])
    assert [row["decile"] for row in by_probability] == sorted(row["decile"] for row in scored)


def test_scores_are_the_same_on_spark(demo: Path, tmp_path: Path) -> None:
    for layer in ("features", "models"):
        (tmp_path / layer).symlink_to(demo / layer)
    run = context(tmp_path)
    with engine("spark", SMALL) as spark:
        score(run, spark)
    left, right = (
        {row["customer_id"]: (row["probability"], row["decile"]) for row in table(data / "scores")}
        for data in (demo, tmp_path)
    )
    assert left.keys() == right.keys()
    assert all(abs(left[key][0] - right[key][0]) < 1e-12 and left[key][1] == right[key][1] for key in left)


def test_the_report_is_one_page_that_needs_no_network(demo: Path) -> None:
    page = (demo / "report" / "index.html").read_text()
    assert "<svg" in page and "best possible" in page
    assert 'src="http' not in page and 'href="http' not in page


def test_the_examples_for_analysts_run(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "encore-demo").symlink_to(demo)
    monkeypatch.chdir(tmp_path)
    named: dict[str, object] = {}
    for block in blocks("analyst.md", "python"):
        exec(compile(block, "analyst.md", "exec"), named)
    contacts = named["contacts"]
    assert isinstance(contacts, pd.DataFrame) and len(contacts) > 100
    statements = [one for block in blocks("analyst.md", "sql") for one in block.split(";") if one.strip()]
    answers = [duckdb.sql(one).fetchall() for one in statements]
    assert len(answers) == 3 and all(answers)
    assert len(answers[0]) == len(contacts)
