"""Imports what a cluster needs, and fails if a module comes from outside the unpacked environment."""

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path

NEEDED = ("numpy", "pandas", "pyarrow", "scipy", "sklearn", "xgboost", "pyspark", "jobs.cli", "models.network.launch")
OPTIONAL = ("tensorflow", "horovod.tensorflow", "implicit")  # missing if setup.sh could not install them


def strays() -> list[str]:
    """Modules that belong neither to this environment, nor to a zip, nor to its base Python."""
    for name in (*NEEDED, *(name for name in OPTIONAL if find_spec(name.partition(".")[0]))):
        importlib.import_module(name)
    homes = (sys.prefix, sys.base_prefix)
    files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
    return [
        f"{name} is {file}"
        for name, file in files.items()
        if not (name in ("__main__", "__mp_main__") or not file or ".zip/" in file or _is_in(file, homes))
    ]


def _is_in(file: str, homes: tuple[str, ...]) -> bool:
    return any(Path(file).is_relative_to(home) for home in homes)


if __name__ == "__main__":
    if found := strays():
        sys.exit("\n".join(found[:5]))
