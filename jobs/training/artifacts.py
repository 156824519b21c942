"""Trained models as they lie in `models/`: what is said of them, and which one scores."""

import json
import math
from typing import Any

from pydantic import TypeAdapter

from conf.errors import InputError
from conf.load import fingerprint
from jobs.context import Context
from jobs.storage.layer import published, write_text
from jobs.storage.location import Place
from jobs.storage.versions import current
from models.drift import Reference
from models.scoring.portable import PortableModel

BASELINES = "baselines"
CHOSEN = "chosen.json"
METRICS, MODEL, REFERENCE = "metrics.json", "model.json", "reference.json"
Result = dict[str, Any]


def chosen_model(context: Context) -> str:
    """The model to score with. Raises InputError where there is none."""
    path = context.models / CHOSEN
    if not path.is_file():
        raise InputError(f"{path}: there is no trained model; run `encore train --data {context.data}` first")
    return str(read_json(path)["model"])


def plain_model(context: Context, name: str) -> PortableModel:
    """A trained model. Raises InputError where it is not there."""
    return PortableModel.from_json(read_json(_file(context, name, MODEL)))


def drift_reference(context: Context, name: str) -> Reference:
    """What tables and scores are compared with for drift. Raises InputError where the model is not there."""
    return TypeAdapter(Reference).validate_python(read_json(_file(context, name, REFERENCE)))


def model_result(context: Context, name: str) -> Result:
    """What is said of a trained model. Raises InputError where it is not there."""
    return read_json(_file(context, name, METRICS))


def find_result(context: Context, name: str) -> Result | None:
    """What is said of a model or of the baselines, None where they are not there."""
    path = current(context.models / name) / METRICS
    return read_json(path) if path.is_file() else None


def model_basis(context: Context, name: str) -> str:
    """Fingerprint of a trained model; fitting is repeatable, so it is that of what the model was fitted on."""
    return fingerprint(name, model_result(context, name)["fitted_on"])


def read_json(path: Place) -> Result:
    """A file of plain data."""
    found: Result = json.loads(path.read_text(encoding="utf-8"))
    return found


def write_json(path: Place, value: Any, indent: int | None = 1) -> None:
    """Plain data as a whole file; what is no number is null, since JSON has no NaN."""
    write_text(path, json.dumps(_with_nulls(value), indent=indent, allow_nan=False))


def files_of_models(context: Context, file: str) -> list[tuple[str, Place]]:
    """By name of the model (or `baselines`), in order, this file of each that has it."""
    found = [(folder.name, current(folder) / file) for folder in published(context.models)]
    return [(name, path) for name, path in found if path.is_file()]


def _file(context: Context, name: str, file: str) -> Place:
    path = current(context.models / name) / file
    if not path.is_file():
        there = ", ".join(name for name, _ in files_of_models(context, file)) or "none yet"
        raise InputError(
            f"{path}: there is no such model; run `encore train` first, or give one that is there: {there}"
        )
    return path


def _with_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_nulls(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_nulls(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
