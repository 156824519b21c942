"""The job of fitting a network, as a folder that any process can read: rows in lanes, and a file with the rest."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from conf.network import Network
from models.network.sharding import Layout
from models.scoring.inputs import Input

NETWORK = "keras"  # the kind of model that ranks fit
FILE = "plan.json"
TRAIN, VALIDATION = "train", "validation"


@dataclass(frozen=True)
class FitOrigin:
    """What a fit began with; a fit is resumed only where it is the same.

    fitted_on: the tables and declarations that the fit depends on, as plain data that is compared as a whole. ranks:
    how many trained at first. inputs: the columns of the matrix.
    """

    fitted_on: Mapping[str, object]
    ranks: int
    inputs: tuple[Input, ...]


@dataclass(frozen=True)
class NetworkJob:
    """What is fitted.

    mean, deviation: (inputs,) of the training rows. train, validation: the layouts of the rows in the folders of these
    names. about: what the fit began with.
    """

    network: Network
    seed: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    train: Layout
    validation: Layout
    about: FitOrigin

    def write(self, folder: Path) -> None:
        """Write the file of the job."""
        data = asdict(self) | {"network": self.network.model_dump()}
        (folder / FILE).write_text(json.dumps(data, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "NetworkJob":
        """The job of a folder."""
        data = json.loads((folder / FILE).read_text(encoding="utf-8"))
        layouts = {part: Layout(**data[part]) for part in (TRAIN, VALIDATION)}
        columns = {name: tuple(data[name]) for name in ("mean", "deviation")}
        about = data["about"]
        origin = FitOrigin(about["fitted_on"], about["ranks"], tuple(Input(**one) for one in about["inputs"]))
        network = Network.model_validate(data["network"])
        return cls(**(data | layouts | columns | {"network": network, "about": origin}))

    @property
    def standard(self) -> tuple[Any, Any]:
        """Mean and standard deviation as arrays (inputs,)."""
        return np.array(self.mean), np.array(self.deviation)
