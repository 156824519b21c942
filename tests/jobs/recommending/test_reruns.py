"""The same command again: what is up to date is left alone, and a kill leaves the old or the new."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from conf.load import overridden
from jobs import recommend as module
from jobs.context import Context
from jobs.storage.layer import RECORD
from tests.support.layers import changed_record
from tests.support.paths import ROOT
from tests.support.ratings import write_ratings
from tests.support.recommending import (
    fitted,
    lists,
    music_context,
    ratings_context,
    recommended,
    rows_of,
    titles_of,
)

KILLED = """
import sys
from pathlib import Path
from jobs.engine import engine
from jobs.storage.backend import sole_writer
from tests.support.engines import SMALL
from tests.support.recommending import music_context, recommended
context = music_context(Path(sys.argv[1]))
with sole_writer(context.data.root), engine("sail", SMALL) as sail:
    print("ready", flush=True)
    recommended(context, sail, top=4)
"""


def test_what_is_up_to_date_is_left_alone(copy: Path, sail: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    context = music_context(copy)
    files = {path: path.stat().st_mtime_ns for path in context.data.root.rglob("*.parquet")}
    recommended(context, sail)
    assert {path: path.stat().st_mtime_ns for path in context.data.root.rglob("*.parquet")} == files
    with monkeypatch.context() as patched:
        patched.setattr(module, "RecommenderEvaluation", None)  # longer lists need no other model
        assert recommended(context, sail, top=3)[1].top == 3
    assert {row["rank"] for row in titles_of(context)} == {1, 2, 3}


def test_a_model_is_fitted_again_for_whatever_it_was_made_from(
    tmp_path: Path, sail: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise figures and lists of another model, seed or file would be told as those asked for."""
    file = write_ratings(tmp_path / "r.csv", has_time=False)
    context = ratings_context(tmp_path)
    request = {"ratings": file, "model": "popular", "as_of": date(2024, 2, 1)}
    recommended(context, sail, **request)
    monkeypatch.setattr(module, "RecommenderEvaluation", None)  # whoever fits fails
    recommended(context, sail, **request)
    seeded = replace(context, service=overridden(context.service, {"training": {"seed": 99}}))
    others: list[tuple[Context, dict[str, Any]]] = [
        (seeded, {}),
        (ratings_context(tmp_path, exclude_seen=False), {}),
        (context, {"model": "item-item"}),
        (context, {"library": "spark"}),
        (context, {"as_of": date(2024, 2, 2)}),
        (context, {"is_explicit": True}),
        (context, {"ratings": write_ratings(tmp_path / "other.csv", has_time=False)}),
    ]
    for other, change in others:
        with pytest.raises(TypeError):
            recommended(other, sail, **request | change)
    with file.open("a", encoding="utf-8") as text:
        text.write("c00,t00,5\n")
    with pytest.raises(TypeError):
        recommended(context, sail, **request)


def test_killed_it_leaves_the_old_or_the_new_and_is_finished_by_the_next(copy: Path) -> None:
    context = music_context(copy)
    layers = (context.data.titles_for_customers, context.data.customers_for_titles)
    old = [rows_of(layer) for layer in layers]
    path = context.data.recommender / RECORD
    basis = json.loads(path.read_text())["basis"] | {"seed": 2}
    path.write_text(changed_record(path.read_text(), basis=basis))  # to be fitted again
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(copy)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "ready\n"
    time.sleep(3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for layer, rows in zip(layers, old, strict=True):
        left = rows_of(layer)
        assert left == rows or {row["rank"] for row in left} == {1, 2, 3, 4}
    assert (context.data.recommender / fitted(context).file).is_file()
    subprocess.run([sys.executable, "-c", KILLED, str(copy)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    found = lists(titles_of(context))
    assert {customer: [row["title_id"] for row in rows] for customer, rows in found.items()} == {
        customer: [row["title_id"] for row in rows][:4] for customer, rows in lists(old[0]).items()
    }
    assert not list(copy.rglob(".staging-*"))
