"""Models in MLflow: what a run holds, read back with MLflow's own client, and what happens without a server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conf.load import fingerprint
from jobs.records.training import FittedOn, ModelRecord
from jobs.storage.records import write_record
from jobs.training import mlflow as tracking
from jobs.training.mlflow import Logged, log_model_run
from models.evaluation.intervals import Interval
from tests.support.frames import shop
from tests.support.trained_model import model_record

mlflow = pytest.importorskip("mlflow")
SILENT = "http://user:secret@127.0.0.1:1"  # nothing listens there


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow's settings as a user has them who set none; those made by a test end with it."""
    for name in (*tracking.SETTINGS, "MLFLOW_TRACKING_URI", "MLFLOW_ALLOW_FILE_STORE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def log(folder: Path, logged: ModelRecord | None = None) -> Logged:
    model = folder / "models" / "gbt"
    model.mkdir(parents=True)
    written = logged or model_record()
    write_record(model / "metrics.json", written)
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
    assert run.data.metrics == {
        "train_auc": 0.85, "train_auc_low": 0.7, "train_auc_high": 0.9,
        "test_auc": 0.8, "test_auc_low": 0.7, "test_auc_high": 0.9,
    }  # fmt: skip
    assert run.data.params == {
        "depth": "5", "rounds": "50", "split": "time", "balance": "weights", "calibration": "platt", "seed": "7",
        "train_as_of": "2017-03-01, 2017-04-01", "test_as_of": "2017-05-01",
    }  # fmt: skip
    fitted_on = json.loads(run.data.tags["fitted_on"])
    assert {day: basis["tiles"] for day, basis in fitted_on["tables"].items()} == {
        "2017-03-01": "aa",
        "2017-05-01": "bb",
    }
    assert FittedOn.model_validate(fitted_on) == model_record().fitted_on
    assert run.data.tags["code_version"] == "abc+changes"
    assert run.data.tags["configuration_version"] == fingerprint(shop())
    assert sorted(file.path for file in client.list_artifacts(done.run_id)) == [
        "configuration.json", "curve.csv", "metrics.json",
    ]  # fmt: skip
    configuration = json.loads(Path(client.download_artifacts(done.run_id, "configuration.json")).read_text())
    assert configuration["label"]["name"] == "came_back"


def test_two_runs_share_an_experiment(tmp_path: Path) -> None:
    first = log(tmp_path)
    second = log_model_run(tmp_path / "models" / "gbt", model_record(model="lr"), [], tmp_path, shop())
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
    done = log(tmp_path, model_record(metrics={"test": {"a name with a \n newline": Interval(1.0, 1.0, 1.0)}}))
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
