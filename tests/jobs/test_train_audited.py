"""`encore train` where a feature knows the outcome: two models, with it and without, and which one is believed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from conf.learning import Audit
from jobs.context import Context
from jobs.drift import drift
from jobs.score import score
from jobs.train import train
from jobs.training.artifacts import ModelFolder
from tests.support.archives import table
from tests.support.customers import customers
from tests.support.frames import Rows
from tests.support.model_folder import SERVICE, shop, write_tables

LIMITS = Audit().model_dump()


def leaking(count: int) -> Rows:
    """Whose label follows visits a little, and whose share is above 0 for two in three of label 0 and nobody else."""
    rows = customers(count)
    for row in rows:
        n = row["customer_id"]
        row["label"] = int((n * 7_919) % 100 < 20 + 4 * row["visits"])
        row["share"] = 0.0 if row["label"] or n % 3 == 0 else (n % 7 + 1) / 8
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audited")


@pytest.fixture
def trained(folder: Path, spark: SparkSession) -> Context:
    context = shop(folder, audit=LIMITS)
    if not (context.data.models / "chosen.json").exists():
        write_tables(context, mature=leaking(3_000), newest=leaking(900))
        train(context, spark, ["lr", "gbt"])
    return context


def models(context: Context) -> ModelFolder:
    return ModelFolder(context.data.models)


def auc(context: Context, name: str) -> float:
    return models(context).record(name).metrics["test"]["auc"].value


def test_each_model_stands_with_and_without_what_is_flagged(trained: Context) -> None:
    keys = ["schema_version", "rows", "positive_share", "limits", "flagged", "features", "fitted_on", "record_crc32"]
    assert list(json.loads((trained.data.models / "audit.json").read_text())) == keys
    found = models(trained).audit()
    assert found and found.flagged == ["share"]
    for name in ("lr", "gbt"):
        twin = models(trained).record(f"{name}_unflagged")
        assert (twin.model, twin.without) == (f"{name}_unflagged", ["share"])
        assert twin.title.endswith(" without flagged features")
        assert "share" in models(trained).model(name).features
        assert "share" not in models(trained).model(f"{name}_unflagged").features
        assert "share" not in models(trained).reference(f"{name}_unflagged").features
        assert auc(trained, name) > auc(trained, f"{name}_unflagged") + 0.05


def test_the_choice_is_among_those_without(trained: Context) -> None:
    chosen = models(trained).find_chosen()
    assert chosen and chosen.model in ("lr_unflagged", "gbt_unflagged")
    assert "without flagged features" in chosen.why


def test_what_is_up_to_date_is_left_alone(trained: Context, spark: SparkSession) -> None:
    files = [*trained.data.models.rglob("metrics.json"), trained.data.models / "audit.json"]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert len(before) == 6  # two models, their twins, the baselines, the audit
    train(trained, spark, ["gbt"])
    assert {path: path.stat().st_mtime_ns for path in files} == before


def test_the_chosen_one_scores_and_is_watched(trained: Context, sail: SparkSession) -> None:
    day, record = score(trained, sail)
    assert record.model.endswith("_unflagged") and record.customers == 900
    reasons = {row[f"reason_{n}_feature"] for row in table(trained.data.scores.root) for n in (1, 2, 3)}
    assert "visits" in reasons and "share" not in reasons
    _, found = drift(trained, sail)
    assert "share" not in {one.feature for one in found.features}


def test_where_nothing_is_flagged_any_more_the_twins_go(trained: Context, spark: SparkSession, tmp_path: Path) -> None:
    data = shutil.copytree(trained.data.root, tmp_path / "data")
    [told] = train(shop(data), spark, ["lr"])  # with limits that nothing reaches
    assert told.model == "lr" and ModelFolder(data / "models").chosen() in ("lr", "gbt")
    assert not list((data / "models").glob("*_unflagged"))


def test_where_more_is_flagged_a_twin_that_looks_at_it_goes(
    trained: Context, spark: SparkSession, tmp_path: Path
) -> None:
    context = shop(shutil.copytree(trained.data.root, tmp_path / "data"), audit=LIMITS | {"auc": 0.51})
    train(context, spark, ["lr"])
    audit = models(context).audit()
    assert audit and {"share", "visits"} <= set(audit.flagged)
    assert models(context).record("lr_unflagged").without == audit.flagged
    assert (context.data.models / "gbt").exists() and not (context.data.models / "gbt_unflagged").exists()
    assert models(context).chosen() == "lr_unflagged"


def test_where_all_is_flagged_there_is_no_twin(spark: SparkSession, tmp_path: Path) -> None:
    only: dict[str, Any] = {name: SERVICE["features"][name] for name in ("share",)}
    context = shop(tmp_path, audit=LIMITS, features=only, eligible={"when": "share >= 0", "about": "all"},
                   recency_feature="share")  # fmt: skip
    write_tables(context, mature=leaking(1_500))
    [told] = train(context, spark, ["lr"])
    audit = models(context).audit()
    assert told.model == "lr" and audit and audit.flagged == ["share"]
