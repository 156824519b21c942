"""Reading configurations: one YAML file to one validated object, or one line that names file, key and fix."""

import hashlib
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from conf.declaration import Declaration
from conf.errors import UsageError
from conf.given_windows import with_windows
from conf.profile import Profile
from conf.schema import Service
from conf.targeting import OWN_VALUE
from conf.yaml_text import MOST_BYTES, read_yaml

FOLDER = files("conf")  # on a cluster it lies in a zip
D = TypeVar("D", bound=Declaration)
FORM = re.compile(r"(list|dict|literal)\[")
MOST_LETTERS = 1_500  # of an error, which may list many names


def load_service(name: str) -> Service:
    """Load the service `conf/<name>.yaml`, or the file `name` if that is a path.

    Raises:
        UsageError: there is no such file, or it is not a valid service.
    """
    return _load(name, FOLDER, Service)


class Windowed(NamedTuple):
    """A service with windows of the command line.

    windows: these as OBSERVATION-OUTCOME-GAP in days, such as `365-90-0`; empty where they are the service's own.
    left_out: the columns of its features that no longer fit into the observation window.
    """

    service: Service
    windows: str
    left_out: list[str]


def load_with_windows(name: str, given: Mapping[str, int | None]) -> Windowed:
    """Load a service with other windows than its own.

    Args:
        given: by key of `windows`, its days; None keeps those of the service.

    Raises:
        UsageError: as for `load_service`; or it starts from a finished table, or needs a feature that is left out.
    """
    service = load_service(name)
    changed = {key: days for key, days in given.items() if days is not None and days != getattr(service.windows, key)}
    if not changed:
        return Windowed(service, "", [])
    if service.table:
        raise UsageError(
            f"{name}: this service starts from a finished table, whose windows cannot be changed; "
            f"remove --observation-days, --outcome-days and --gap-days"
        )
    path = _find(name, FOLDER)
    try:
        found, left_out = with_windows(_read(path), service, changed)
    except ValidationError as error:
        raise UsageError(f"{path}: {_one_line(_first_problem(error))}") from None
    except (ValueError, UsageError) as error:
        raise UsageError(f"{path}: {_one_line(str(error))}") from None
    new = found.windows
    return Windowed(found, f"{new.observation_days}-{new.outcome_days}-{new.gap_days}", left_out)


def load_profile(name: str) -> Profile:
    """Load the profile `conf/profiles/<name>.yaml`, or the file `name` if that is a path.

    Raises:
        UsageError: there is no such file, or it is not a valid profile.
    """
    return _load(name, FOLDER / "profiles", Profile)


def overridden(service: Service, given: Mapping[str, Mapping[str, Any]]) -> Service:
    """Replace values in sections of a service by those of the command line.

    Args:
        given: by section (such as `training`), the new values by key, which may be mappings of keys themselves; None
            keeps the declared value.

    Raises:
        UsageError: the new values are not valid.
    """
    changed = service.model_dump()
    for section, values in given.items():
        new = _given(values)
        if new:
            declared = changed[section] or {}
            changed[section] = declared | _removed_by(new) | {key: _merged(declared, key, new) for key in new}
    try:
        return Service.model_validate(changed)
    except ValidationError as error:
        raise UsageError(f"command line: {_one_line(_first_problem(error))}") from None


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not None, of mappings too; a mapping of none is none."""
    found = {key: _given(value) if isinstance(value, Mapping) else value for key, value in values.items()}
    return {key: value for key, value in found.items() if value is not None and value != {}}


def _merged(declared: Mapping[str, Any], key: str, new: Mapping[str, Any]) -> Any:
    """The new value of a key; a mapping keeps those of its declared keys that it does not replace."""
    value = new[key]
    return (declared.get(key) or {}) | value if isinstance(value, dict) else value


def _removed_by(new: Mapping[str, Any]) -> dict[str, Any]:
    """The declared values that no longer hold beside these of the command line."""
    # At most one of the two limits may be set, so a new one removes the declared one.
    limits = {"contacts": None, "budget": None} if {"contacts", "budget"} & new.keys() else {}
    value = new.get("value_of_customer")
    return limits | ({"value_about": OWN_VALUE if isinstance(value, str) else None} if value is not None else {})


def fingerprint(*values: object) -> str:
    """A short hash of declarations. It changes with every value and with the order of checks, not with comments.

    Args:
        values: declarations, and other values that JSON can represent.
    """
    text = json.dumps(values, sort_keys=True, default=lambda value: value.model_dump_json())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _load(name: str, folder: Traversable, schema: type[D]) -> D:
    path = _find(name, folder)
    try:
        return schema.model_validate(_read(path))
    except ValidationError as error:
        raise UsageError(f"{path}: {_one_line(_first_problem(error))}") from None


def _find(name: str, folder: Traversable) -> Traversable:
    is_path = name.endswith((".yaml", ".yml")) or "/" in name
    path: Traversable = Path(name) if is_path else folder / f"{name}.yaml"
    try:
        is_there = path.is_file()
    except OSError as error:  # no permission, or a name that is too long
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give the path of a YAML file") from None
    if not is_there:
        files_there = sorted(file.name for file in folder.iterdir() if file.name.endswith(".yaml"))
        known = ", ".join(name.removesuffix(".yaml") for name in files_there)
        raise UsageError(f"there is no configuration {path}; give one of {known}, or the path of a YAML file")
    return path


def _read(path: Traversable) -> Any:
    try:
        with path.open("rb") as file:
            return read_yaml(file.read(MOST_BYTES + 1))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give a file that can") from None
    except ValueError as error:
        raise UsageError(f"{path}: {_one_line(str(error))}") from None


def _first_problem(error: ValidationError) -> str:
    # A misspelt key is missed under its right name too, and only the misspelling shows what to fix.
    problem = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    # Of a key that has one of several forms, the form stands in the path too.
    key = ".".join(_short_key(str(part)) for part in problem["loc"] if not FORM.match(str(part)))
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key; remove it or correct its spelling"
    if problem["type"] == "missing":
        return f"{key}: this key is missing; add it"
    if problem["type"] == "model_type":
        return f"{key or 'the file'}: must be a mapping of keys to values (given: {_short(problem['input'])})"
    # A check on a whole declaration names the key in its message, and the whole declaration is too long to print.
    message = problem["msg"].removeprefix("Value error, ")
    given = "" if isinstance(problem["input"], dict) else f" (given: {_short(problem['input'])})"
    return f"{key}: {message}{given}" if key else f"{message}{given}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _short_key(key: str) -> str:
    return key if key.isprintable() and len(key) <= 60 else _short(key)


def _one_line(text: str) -> str:
    """The text on one line, at most MOST_LETTERS long."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_LETTERS else f"{line[: MOST_LETTERS - 3]}..."
