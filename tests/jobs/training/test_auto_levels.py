"""Levels of the training rows, from the tables to the scores: what a model knows is what it was trained with."""

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.score import score
from jobs.train import train
from jobs.training.artifacts import ModelFolder
from tests.support.archives import table
from tests.support.customers import customers
from tests.support.frames import Rows
from tests.support.model_folder import SERVICE, shop, write_tables

PLACES = {"ar": "it's in Köln", "ip": "Zürich 9", "wp": "wp"}  # by device
DEVICE: dict[str, Any] = SERVICE["features"]["device"] | {"levels": "auto"}


def placed(rows: Rows) -> Rows:
    """The customers with places of any text instead of devices."""
    return [row | {"device": PLACES.get(str(row["device"]), row["device"])} for row in rows]


def test_a_model_knows_the_levels_of_its_training_rows(tmp_path: Path, spark: SparkSession) -> None:
    context = shop(tmp_path, features=SERVICE["features"] | {"device": DEVICE})
    newest = [row | {"device": "nobody trained"} for row in customers(300)]
    write_tables(context, placed(customers(1_200)), newest)
    train(context, spark, ["lr"])
    models = ModelFolder(context.data.models)
    assert set(models.record("lr").levels["device"]) == set(PLACES.values())
    names = [one.name for one in models.model("lr").inputs if one.feature == "device"]
    assert sorted(names) == ["device_is_Zurich_9", "device_is_it_s_in_Koln", "device_is_wp"]
    assert models.typical("lr").features["device"] in PLACES.values()
    score(context, spark)
    scored = {row["customer_id"]: row["probability"] for row in table(context.data.scores.root)}
    assert len(scored) == 300
