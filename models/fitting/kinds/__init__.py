"""The kinds of model: one module each, named like its grid in `conf.learning.Grids`, with `KIND`, a `ModelKind`."""

import itertools
from importlib import import_module

from conf.learning import Grids
from models.fitting.kind import ModelKind

LOGISTIC = "lr"  # the kind of the baselines
KINDS: dict[str, ModelKind] = {name: import_module(f"{__name__}.{name}").KIND for name in Grids.model_fields}


def parameter_grid(name: str, grids: Grids) -> list[dict[str, float]]:
    """Every combination of the hyperparameters declared for a kind, in the order of declaration."""
    grid = getattr(grids, name).model_dump()
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
