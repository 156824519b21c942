"""Fitted models logged to MLflow, where it is installed; a model is never lost because logging failed.

MLflow is imported only where it is used: that takes seconds, and it is optional.
"""

import json
import math
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conf.load import fingerprint
from conf.schema import Service
from jobs.storage.location import Place, Remote, here

CHECKOUT = Path(__file__).parents[2]
SETTINGS = {
    # By its own settings MLflow would wait many minutes for a server that does not answer.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
LONGEST = 5_000  # characters of a tag or a parameter that every server takes
Result = dict[str, Any]


@dataclass(frozen=True)
class Logged:
    """What became of logging: the id of MLflow's run, else why there is none (empty where MLflow is not installed)."""

    run_id: str | None = None
    warning: str = ""


def log_model_run(folder: Place, result: Result, artifacts: Sequence[Place], data: Place, service: Service) -> Logged:
    """Log a fitted model as a run of the experiment `encore-<service>`, named after the model.

    The tracking server is that of MLFLOW_TRACKING_URI, or else files in `<data>/mlruns`; where the data lies elsewhere
    than on a disk, MLflow could write no such files, and nothing is logged without a server. Nothing is raised:
    whatever goes wrong is said in the answer.

    Args:
        folder: the model's folder; its `metrics.json` goes along.
        result: what `metrics.json` holds.
        artifacts: more files to go along; one that does not exist is passed over.
        data: the data folder.
        service: its configuration goes along as `configuration.json`.
    """
    if find_spec("mlflow") is None:
        return Logged()
    by_default = "" if isinstance(data, Remote) else (data / "mlruns").absolute().as_uri()
    uri = os.environ.get("MLFLOW_TRACKING_URI") or by_default
    if not uri:
        return Logged()
    # Since 3.17 MLflow refuses plain files unless told; who names a folder, or no server at all, wants them.
    is_folder = urlsplit(uri).scheme in ("", "file")
    for key, value in (SETTINGS | ({"MLFLOW_ALLOW_FILE_STORE": "true"} if is_folder else {})).items():
        os.environ.setdefault(key, value)
    files = [path for path in (folder / "metrics.json", *artifacts) if path.is_file()]
    try:
        return Logged(_log(uri, result, files, service))
    except Exception as error:  # whatever MLflow raises: the model is trained, and stays
        problem = _without_password(f"{uri}: {' '.join(str(error).split())[:300]}")
        return Logged(
            warning=f"the model {result.get('model')} is trained and saved, but was not logged to MLflow at {problem}; "
            f"start the server or mend MLFLOW_TRACKING_URI before the next training"
        )


def code_version() -> str:
    """The commit of this checkout, with `+changes` where files differ from it; elsewhere the package's version."""
    commit = _git("rev-parse", "HEAD") if (CHECKOUT / ".git").exists() else None
    if commit:
        return f"{commit[:12]}+changes" if _git("status", "--porcelain") else commit[:12]
    try:
        return version("encore")
    except PackageNotFoundError:
        return "unknown"


def _log(uri: str, result: Result, files: Sequence[Place], service: Service) -> str:
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.tracking import MlflowClient

    # The client, unlike mlflow.start_run, prints nothing and keeps no state: no run is left open in the process.
    client = MlflowClient(uri)
    name = f"encore-{result['service']}"
    experiment = client.get_experiment_by_name(name)
    run = client.create_run(
        experiment.experiment_id if experiment else client.create_experiment(name), run_name=result["model"]
    )
    run_id: str = run.info.run_id
    try:
        client.log_batch(
            run_id,
            metrics=[Metric(key, value, run.info.start_time, 0) for key, value in _metrics(result).items()],
            params=[Param(key, value[:LONGEST]) for key, value in _parameters(result).items()],
            tags=[RunTag(key, value[:LONGEST]) for key, value in _tags(result, service).items()],
        )
        for file in files:
            with here(file) as local:
                client.log_artifact(run_id, str(local))
        client.log_dict(run_id, service.model_dump(mode="json"), "configuration.json")
    except Exception:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)
    return run_id


def _metrics(result: Result) -> dict[str, float]:
    """`test_auc`, `test_auc_low`, `test_auc_high`, ...: what is a number."""
    found = {
        f"{part}_{name}" + ("" if bound == "value" else f"_{bound}"): value
        for part, metrics in result["metrics"].items()
        for name, interval in metrics.items()
        for bound, value in interval.items()
    }
    return {key: float(value) for key, value in found.items() if value is not None and math.isfinite(value)}


def _parameters(result: Result) -> dict[str, str]:
    chosen = [candidate["params"] for candidate in result["tuning"]["candidates"] if candidate.get("chosen")]
    said = {key: result[key] for key in ("balance", "calibration", "seed") if key in result}
    split = result["split"]
    dates = {"train_as_of": ", ".join(split["train_as_of"]), "test_as_of": split["test_as_of"]}
    together = {**(chosen[0] if chosen else {}), "split": split["by"], **said, **dates}
    return {key: str(value) for key, value in together.items()}


def _tags(result: Result, service: Service) -> dict[str, str]:
    return {
        "fitted_on": json.dumps(result["fitted_on"], sort_keys=True),
        "code_version": str(result.get("code_version") or code_version()),
        "configuration_version": fingerprint(service),
    }


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]+@", "//", text)


def _git(*arguments: str) -> str | None:
    """What git prints, None where it cannot."""
    try:
        command = ["git", "-C", str(CHECKOUT), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return None
    return done.stdout.strip()
