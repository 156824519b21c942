"""Scoring starts without the libraries that fit models: a worker that loads them loses seconds."""

import subprocess
import sys

IMPORT_ALL = """
import importlib, pkgutil, sys
import models.scoring
names = [module.name for module in pkgutil.walk_packages(models.scoring.__path__, "models.scoring.")]
for name in names:
    importlib.import_module(name)
loaded = [name for name in sys.modules if name.startswith(("pyspark.ml", "models.fitting", "sklearn", "scipy"))]
print(len(names), *loaded)
"""


def test_no_module_of_scoring_loads_mllib() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True)
    modules, *loaded = done.stdout.split()
    assert int(modules) >= 8
    assert loaded == []
