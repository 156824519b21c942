"""Models in MLflow: what a run holds, read back with MLflow's own client, and what happens without a server."""

import json
import os
import subprocess
import sys
from math import nan
from pathlib import Path
from typing import Any

import pytest

from conf.load import fingerprint
from jobs.training import mlflow as tracking
from jobs.training.mlflow import Logged, code_version, log_model_run
from tests.support.frames import shop

mlflow = pytest.importorskip("mlflow")
Result = dict[str, Any]

SILENT = "http://user:secret@127.0.0.1:1"  # nothing listens there


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow's settings as a user has them who set none; those made by a test end with it."""
    for name in (*tracking.SETTINGS, "MLFLOW_TRACKING_URI", "MLFLOW_ALLOW_FILE_STORE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def result(**changes: Any) -> Result:
    interval = {"value": 0.8, "low": 0.7, "high": 0.9}
    nothing = {"value": nan, "low": nan, "high": nan}
    return {
        "model": "gbt",
        "service": "shop",
        "split": {"by": "time", "text": "by time", "train_as_of": ["2017-03-01", "2017-04-01"]}
        | {"test_as_of": "2017-05-01", "unused_as_of": []},
        "balance": "weights",
        "calibration": "platt",
        "tuning": {
            "folds": 3,
            "rows": 10,
            "candidates": [
                {"params": {"depth": 3, "rounds": 50}, "auc": 0.8, "deviation": 0.1, "chosen": False},
                {"params": {"depth": 5, "rounds": 50}, "auc": 0.9, "deviation": 0.1, "chosen": True},
            ],
        },
        "metrics": {"train": {"auc": interval | {"value": 0.85}}, "test": {"auc": interval, "ks": nothing}},
        "fitted_on": {"2017-03-01": "aa", "2017-05-01": "bb"},
        "code_version": "abc+changes",
        "seed": 7,
    } | changes


def log(folder: Path, logged: Result | None = None) -> Logged:
    model = folder / "models" / "gbt"
    model.mkdir(parents=True)
    written = logged or result()
    (model / "metrics.json").write_text(json.dumps(written))
    (folder / "curve.csv").write_text("x,y\n")
    return log_model_run(model, written, [folder / "curve.csv", folder / "missing.csv"], folder, shop())


def test_a_run_holds_the_model(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    done = log(tmp_path)
    assert done.run_id and not done.warning
    assert capfd.readouterr() == ("", "")
    client = mlflow.MlflowClient((tmp_path / "mlruns").as_uri())
    run = client.get_run(done.run_id)
    assert client.get_experiment(run.info.experiment_id).name == "encore-shop"
    assert (run.info.run_name, run.info.status) == ("gbt", "FINISHED")
    assert run.data.root.metrics == {
        "train_auc": 0.85, "train_auc_low": 0.7, "train_auc_high": 0.9,
        "test_auc": 0.8, "test_auc_low": 0.7, "test_auc_high": 0.9,
    }  # fmt: skip
    assert run.data.root.params == {
        "depth": "5", "rounds": "50", "split": "time", "balance": "weights", "calibration": "platt", "seed": "7",
        "train_as_of": "2017-03-01, 2017-04-01", "test_as_of": "2017-05-01",
    }  # fmt: skip
    assert json.loads(run.data.root.tags["fitted_on"]) == {"2017-03-01": "aa", "2017-05-01": "bb"}
    assert run.data.root.tags["code_version"] == "abc+changes"
    assert run.data.root.tags["configuration_version"] == fingerprint(shop())
    assert sorted(file.path for file in client.list_artifacts(done.run_id)) == [
        "configuration.json", "curve.csv", "metrics.json",
    ]  # fmt: skip
    configuration = json.loads(Path(client.download_artifacts(done.run_id, "configuration.json")).read_text())
    assert configuration["label"]["name"] == "came_back"


def test_two_runs_share_an_experiment(tmp_path: Path) -> None:
    first = log(tmp_path)
    second = log_model_run(tmp_path / "models" / "gbt", result(model="lr"), [], tmp_path, shop())
    client = mlflow.MlflowClient((tmp_path / "mlruns").as_uri())
    (experiment,) = [one for one in client.search_experiments() if one.name == "encore-shop"]
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.run_id for run in runs} == {first.run_id, second.run_id}
    assert {run.info.run_name for run in runs} == {"gbt", "lr"}


def test_a_store_of_the_users_own_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "elsewhere").as_uri())
    assert log(tmp_path).run_id
    assert (tmp_path / "elsewhere").is_dir()
    assert not list(tmp_path.rglob("mlruns"))


def test_a_server_that_is_not_there_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", SILENT)
    done = log(tmp_path)
    assert done.run_id is None
    assert "gbt is trained and saved, but was not logged to MLflow at http://127.0.0.1:1" in done.warning
    assert "MLFLOW_TRACKING_URI" in done.warning
    assert "secret" not in done.warning
    assert capfd.readouterr() == ("", "")
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"
    assert "MLFLOW_ALLOW_FILE_STORE" not in os.environ


def test_the_users_patience_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", SILENT)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert log(tmp_path).warning
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0"


def test_a_run_that_fails_half_way_is_not_left_open(tmp_path: Path) -> None:
    done = log(tmp_path, result(metrics={"test": {"a name with a \n newline": {"value": 1.0}}}))
    assert done.run_id is None and done.warning
    client = mlflow.MlflowClient((tmp_path / "mlruns").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("encore-shop").experiment_id])
    assert run.info.status == "FAILED"


def test_without_mlflow_nothing_is_logged_or_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert log(tmp_path) == Logged(None, "")
    assert not (tmp_path / "mlruns").exists()


def test_the_module_does_not_import_mlflow() -> None:
    command = "import jobs.training.mlflow, sys; sys.exit('mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", command], check=True)


# ---- the version of the code ----


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=T", "-c", "user.email=t@example.com"]
    (tmp_path / "code.py").write_text("1\n")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *arguments], check=True)
    monkeypatch.setattr(tracking, "CHECKOUT", tmp_path)
    return tmp_path


def test_code_version_is_the_commit(checkout: Path) -> None:
    said = subprocess.run(["git", "-C", str(checkout), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert code_version() == said.stdout[:12]
    (checkout / "code.py").write_text("2\n")
    assert code_version() == said.stdout[:12] + "+changes"


def test_code_version_without_git(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert code_version() == "0.1.0"  # the package's
    monkeypatch.setattr(tracking, "CHECKOUT", tmp_path / "no checkout")
    assert code_version() == "0.1.0"


def test_code_version_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> str:
        raise tracking.PackageNotFoundError

    monkeypatch.setattr(tracking, "CHECKOUT", tmp_path)
    monkeypatch.setattr(tracking, "version", missing)
    assert code_version() == "unknown"
