"""`encore recommend` as a command: its options, its closing message, its errors."""

import json
import sys
from pathlib import Path

import pytest

from conf.errors import UsageError
from jobs import recommend as module
from jobs.cli import main
from jobs.recommend import library
from tests.support.archives import table
from tests.support.paths import ROOT
from tests.support.ratings import write_ratings
from tests.support.recommending import SMALL_GRIDS


def encore(monkeypatch: pytest.MonkeyPatch, *words: object) -> int | str | None:
    """Run `encore recommend` with these words. Returns the exit code."""
    monkeypatch.setattr(sys, "argv", ["encore", "recommend", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_the_command(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    service, data, file = tmp_path / "shop.yaml", tmp_path / "data", write_ratings(tmp_path / "r.csv")
    music = (ROOT / "conf" / "music.yaml").read_text()
    declared = "recommender: {grids: " + json.dumps(SMALL_GRIDS) + ", holdout_days: 5"
    service.write_text(music.replace("recommender: {holdout_days: 7", declared))
    words = ["--data", data, "--service", service, "--interactions", file, "--top", 3, "--model", "item-item"]
    assert encore(monkeypatch, *words) == 0
    said = capfd.readouterr().err
    assert "titles for 40 customers at 2024-01-31 by item-item" in said
    assert "Item-item  NDCG@10" in said and "Popular" in said
    assert {row["rank"] for row in table(data / "recommendations" / "titles")} == {1, 2, 3}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--model", "oracle"], "'oracle' is not one of 'auto', 'als', 'item-item', 'ease', 'popular'"),
        (["--engine", "sail"], "'sail' is not one of 'spark', 'implicit'"),
        (["--segment", "everybody"], "'everybody' is not one of 'contact'"),
        (["--segment", "contact", "--customers", "x.csv"], "neither --customers nor --interactions"),
        (["--explicit"], "give it by --interactions"),
        (["--as-of", "tomorrow"], "give a date as YYYY-MM-DD"),
        (["--service", "cdnow"], "this service declares no interactions"),
        (["--service", "audiobooks_table"], "this service declares no interactions"),
    ],
)
def test_bad_usage(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], problem: str
) -> None:
    assert encore(monkeypatch, "--data", tmp_path, *words) == 2
    said = " ".join(capfd.readouterr().err.replace("│", " ").split())
    assert problem in said
    assert words[0].startswith("--service") or words[0] in said


def test_without_implicit_spark_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (library(None, "sail"), library(None, "spark"), library("spark", "sail")) == ("implicit", "spark", "spark")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert library(None, "sail") == "spark"
    with pytest.raises(UsageError, match="pip install implicit"):
        library("implicit", "sail")
