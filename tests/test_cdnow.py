"""The real purchases of CDNOW, from the raw file to metrics, by configuration alone."""

import json
from pathlib import Path

import pytest

from jobs.cli import progress
from jobs.run import run
from tests.pipeline import SHARED, context

RAW = SHARED / "cdnow" / "CDNOW_master.txt"


@pytest.mark.skipif(not RAW.is_file(), reason=f"the real purchases are not at {RAW}")
def test_from_the_raw_file_to_metrics(tmp_path: Path) -> None:
    shop = context(tmp_path, "cdnow")
    page = run(shop, progress, raw=RAW)
    table = shop.features.records()["1998-01-01"]
    result = json.loads((shop.models / "lr" / "metrics.json").read_text())
    model, recency, majority = result["models"]
    assert (table["eligible"], table["positives"]) == (23_570, 5_374)
    assert result["test_as_of"] == "1998-01-01"
    assert model["auc"] >= 0.80 > 0.5 == majority["auc"]
    assert model["log_loss"] < recency["log_loss"] < majority["log_loss"]
    assert page.is_file()
    # 69,659 purchases and a header: every line is an event, since equal lines are purchases of their own.
    events = shop.events("purchase").records().values()
    assert sum(day["events"] for day in events) == 69_659
    assert sum(day["duplicates"] + day["rejected"] for day in events) == 0
