"""Windows of the command line: two outcomes of one ingest, each in a folder of its own."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from conf.errors import UsageError
from conf.load import load_with_windows
from jobs.console.session import open_context
from jobs.context import Context
from jobs.engine import engine
from jobs.features import features
from jobs.ingest import ingest
from jobs.report import report
from jobs.rollup import rollup
from jobs.unpack import unpack
from tests.support.archives import table
from tests.support.console import Encore
from tests.support.engines import SMALL
from tests.support.shop_logs import DAYS, SERVICE, archive, lines

TWICE = {"kind": "count", "unit": "coins", "from_features": "2 * spent_10d", "fill": 0}
LABEL = SERVICE["label"] | {"about": "Spends within {outcome_days} days"}
SHOP: dict[str, Any] = SERVICE | {"label": LABEL, "features": SERVICE["features"] | {"spent_twice": TWICE}}
# By folder: the windows that are given, and those of the features that fit into them.
GIVEN: dict[str, tuple[dict[str, int], list[int]]] = {
    "10-1-1": ({"outcome_days": 1, "gap_days": 1}, [1, 3, 10]),
    "3-4-0": ({"observation_days": 3, "outcome_days": 4}, [1, 3]),
}
LEFT_OUT = ["days_10d", "spent_10d", "spent_twice"]


def fitting(windows: dict[str, int], lengths: list[int]) -> dict[str, Any]:
    """The shop as a file of its own for these windows."""
    features = {
        name: one | ({"windows": lengths} if "windows" in one else {})
        for name, one in SHOP["features"].items()
        if 10 in lengths or name != "spent_twice"
    }
    return SHOP | {"windows": SHOP["windows"] | windows, "features": features}


def written(path: Path, service: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(service, sort_keys=False))
    return path


def opened(data: Path, service: Path, **windows: int) -> Context:
    return open_context(str(data), str(service), "local", "sail", windows=windows)


def with_tables(run: Context) -> list[str]:
    """From landed lines to feature tables and the report; returns what is said of the tables."""
    with engine("sail", SMALL) as sail:
        ingest(run, sail)
        rollup(run, sail)
        said = features(run, sail).notices
        report(run, sail)
    return said


def written_at(folder: Path) -> dict[Path, int]:
    """When the files of the service's own windows were written; a manifest is written by each command."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith("manifest.csv")]
    return {path: path.stat().st_mtime_ns for path in files if folder / "windows" not in path.parents}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tables and the report of the service's own windows."""
    data = tmp_path_factory.mktemp("own")
    service = written(data / "shop.yaml", SHOP)
    for day in range(1, DAYS + 1):
        archive(data / "raw", day, lines(day))
    unpack(opened(data, service))
    with_tables(opened(data, service))
    return data


@pytest.mark.parametrize("folder", GIVEN)
def test_other_windows_are_those_of_a_service_of_their_own(data: Path, tmp_path: Path, folder: str) -> None:
    windows, lengths = GIVEN[folder]
    before = written_at(data)
    said = with_tables(opened(data, data / "shop.yaml", **windows))
    assert written_at(data) == before  # neither events nor tiles, nor a result of the service's own windows
    shutil.copytree(data / "landing", tmp_path / "landing", copy_function=shutil.copy2)
    alone = opened(tmp_path, written(tmp_path / "shop.yaml", fitting(windows, lengths)))
    assert with_tables(alone) == said[1:] if 10 not in lengths else with_tables(alone) == said
    here = data / "windows" / folder
    rows = table(here / "features")
    assert len(rows) > 300 and rows == table(tmp_path / "features")
    assert rows != table(data / "features")
    page = (here / "report" / "index.html").read_text()
    assert f"Spends within {windows['outcome_days']} days" in page
    assert "Spends within 2 days" in (data / "report" / "index.html").read_text()
    if 10 not in lengths:
        assert said[0] == f"left out, since the observation window has 3 days: {', '.join(LEFT_OUT)}"


def test_windows_of_the_service_are_its_own(data: Path) -> None:
    run = opened(data, data / "shop.yaml", observation_days=10, outcome_days=2, gap_days=0)
    assert (run.data.windows, run.data.features.root) == ("", data / "features")


def test_what_models_need_is_not_left_out(data: Path) -> None:
    with pytest.raises(UsageError, match=r"shop.yaml: an observation window of 2 days leaves out the feature days_3d"):
        load_with_windows(str(data / "shop.yaml"), {"observation_days": 2})
    with pytest.raises(UsageError, match="this service starts from a finished table, whose windows cannot be changed"):
        load_with_windows("audiobooks_table", {"outcome_days": 30})


@pytest.mark.parametrize("length", ["0", "-1", "two weeks", "36501", "101 years"])
def test_lengths_that_are_none(data: Path, encore: Encore, length: str) -> None:
    code, error = encore("features", "--data", data, "--outcome-days", length)
    assert code == 2 and "--outcome-days" in error or "outcome_days" in error


def test_an_error_names_the_windows_for_the_next_command(data: Path, encore: Encore) -> None:
    service = data / "shop.yaml"
    code, error = encore("score", "--data", data, "--service", service, "--outcome-days", "1 week", "--gap-days=2")
    assert code == 3 and "windows/10-7-2/" in error
    assert error.endswith("(--outcome-days '1 week' --gap-days 2 too)")


def test_presets_are_made_anew_for_other_windows() -> None:
    cdnow, folder, left_out = load_with_windows("cdnow", {"observation_days": 200, "outcome_days": 90})
    assert folder == "200-90-0"
    assert left_out == ["purchases_last_365d", "cds_last_365d", "price_usd_last_365d"]
    assert cdnow.features["purchases_last_{days}d"].windows == [30, 90, 180, 200]
    assert cdnow.features["price_usd_per_purchase"].from_features == (
        "price_usd_last_200d / nullif(purchases_last_200d, 0)"
    )
    assert cdnow.eligible.when == "purchases_last_200d > 0"
    assert cdnow.label.about == "At least one purchase in the 90 days that follow"
