"""Reading configurations: one YAML file to one validated object, or one line that names file, key and mend."""

import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from conf.errors import UsageError
from conf.schema import Declaration, Profile, Service

FOLDER = Path(__file__).parent
Declared = TypeVar("Declared", bound=Declaration)


def load_service(name: str) -> Service:
    """The service of `conf/<name>.yaml`, or of the file when `name` is a path. Raises UsageError."""
    return _load(name, FOLDER, Service)


def load_profile(name: str) -> Profile:
    """The profile of `conf/profiles/<name>.yaml`, or of the file when `name` is a path. Raises UsageError."""
    return _load(name, FOLDER / "profiles", Profile)


def fingerprint(*values: object) -> str:
    """A short hash that changes when what is declared changes; comments and the order of keys do not count.

    Args:
        values: declarations, and whatever else JSON can say.
    """
    text = json.dumps(values, sort_keys=True, default=lambda value: value.model_dump(mode="json"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _load(name: str, folder: Path, schema: type[Declared]) -> Declared:
    path = _find(name, folder)
    try:
        return schema.model_validate(_read(path))
    except ValidationError as error:
        raise UsageError(f"{path}: {_first_problem(error)}") from None


def _find(name: str, folder: Path) -> Path:
    is_path = name.endswith((".yaml", ".yml")) or "/" in name
    path = Path(name) if is_path else folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
        raise UsageError(f"there is no configuration {path}; give one of {known}, or the path of a YAML file")
    return path


def _read(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_NoKeyTwice)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise UsageError(f"{path}: this is not YAML in UTF-8 ({problem}); mend the file there") from None


class _NoKeyTwice(yaml.SafeLoader):
    """Plain YAML lets a second key replace the first without a word: here it is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"]) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key; remove it or mend its spelling"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {message} (given: {_short(problem['input'])})"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
