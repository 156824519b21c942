"""Fitted models logged to MLflow, where it is installed; a model is never lost because logging failed.

MLflow is imported only where it is used: that takes seconds, and it is optional.
"""

import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from urllib.parse import urlsplit

from conf.load import fingerprint
from conf.schema import Service
from jobs.records.training import ModelRecord
from jobs.storage.backend import backend, disk_path, local_copy
from jobs.storage.location import Place

SETTINGS = {
    # By its own settings MLflow would wait many minutes for a server that does not answer.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
LONGEST = 5_000  # characters of a tag or a parameter that every server takes


@dataclass(frozen=True)
class Logged:
    """The id of MLflow's run, or a warning why there is none (empty where MLflow is not installed)."""

    run_id: str | None = None
    warning: str = ""


def log_model_run(
    folder: Place, record: ModelRecord, artifacts: Sequence[Place], data: Place, service: Service
) -> Logged:
    """Log a fitted model as a run of the experiment `encore-<service>`, named after the model.

    The tracking server is that of MLFLOW_TRACKING_URI, or else files in `<data>/mlruns`. Where the data does not lie on
    a disk, MLflow cannot write such files, and nothing is logged without a server. Nothing is raised: the returned
    value says what went wrong.

    Args:
        folder: the model's folder; its `metrics.json` is logged, too.
        record: the model's record.
        artifacts: more files to log; one that does not exist is skipped.
        data: the data folder.
        service: its configuration is logged as `configuration.json`.
    """
    if find_spec("mlflow") is None:
        return Logged()
    own_files = disk_path(data / "mlruns").absolute().as_uri() if backend(data).is_disk else ""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or own_files
    if not uri:
        return Logged()
    # MLflow 3.17 and later refuse a store of plain files unless this is set.
    is_folder = urlsplit(uri).scheme in ("", "file")
    for key, value in (SETTINGS | ({"MLFLOW_ALLOW_FILE_STORE": "true"} if is_folder else {})).items():
        os.environ.setdefault(key, value)
    files = [path for path in (folder / "metrics.json", *artifacts) if path.is_file()]
    try:
        return Logged(_log(uri, record, files, service))
    except Exception as error:  # whatever MLflow raises: the model is trained, and stays
        problem = _without_password(f"{uri}: {' '.join(str(error).split())[:300]}")
        return Logged(
            warning=f"the model {record.model} is trained and saved, but was not logged to MLflow at {problem}; "
            f"start the server or correct MLFLOW_TRACKING_URI before the next training"
        )


def _log(uri: str, record: ModelRecord, files: Sequence[Place], service: Service) -> str:
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.tracking import MlflowClient

    # The client, unlike mlflow.start_run, prints nothing and keeps no state: no run is left open in the process.
    client = MlflowClient(uri)
    name = f"encore-{record.service}"
    experiment = client.get_experiment_by_name(name)
    run = client.create_run(
        experiment.experiment_id if experiment else client.create_experiment(name), run_name=record.model
    )
    run_id: str = run.info.run_id
    try:
        client.log_batch(
            run_id,
            metrics=[Metric(key, value, run.info.start_time, 0) for key, value in _metrics(record).items()],
            params=[Param(key, value[:LONGEST]) for key, value in _parameters(record).items()],
            tags=[RunTag(key, value[:LONGEST]) for key, value in _tags(record, service).items()],
        )
        for file in files:
            with local_copy(file) as local:
                client.log_artifact(run_id, str(local))
        client.log_dict(run_id, service.model_dump(mode="json"), "configuration.json")
    except Exception:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)
    return run_id


def _metrics(record: ModelRecord) -> dict[str, float]:
    """`test_auc`, `test_auc_low`, `test_auc_high`, ...: all that are finite."""
    found = {
        f"{part}_{name}" + ("" if bound == "value" else f"_{bound}"): value
        for part, metrics in record.metrics.items()
        for name, interval in metrics.items()
        for bound, value in vars(interval).items()
    }
    return {key: value for key, value in found.items() if math.isfinite(value)}


def _parameters(record: ModelRecord) -> dict[str, str]:
    [chosen] = [candidate.params for candidate in record.tuning.candidates if candidate.chosen]
    split = record.split
    all_of_them = {
        **chosen,
        "split": split.by,
        "balance": record.balance,
        "calibration": record.calibration,
        "seed": record.seed,
        "train_as_of": ", ".join(split.train_as_of),
        "test_as_of": split.test_as_of,
    }
    return {key: str(value) for key, value in all_of_them.items()}


def _tags(record: ModelRecord, service: Service) -> dict[str, str]:
    return {
        "fitted_on": json.dumps(record.fitted_on.model_dump(mode="json"), sort_keys=True),
        "code_version": record.code_version,
        "configuration_version": fingerprint(service),
    }


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]+@", "//", text)
