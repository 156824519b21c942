"""What is to be fitted, as a folder that any process can work on: rows in lanes, and a file that says the rest."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from conf.network import Network
from models.network.sharding import Layout

NETWORK = "keras"  # the kind of model that ranks fit
FILE = "plan.json"
TRAIN, VALIDATION = "train", "validation"


@dataclass(frozen=True)
class Plan:
    """The network, mean and deviation of its inputs in training, its seed, and how the rows stand in `train/` and
    `validation/`. `about` is the caller's."""

    network: Network
    seed: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    train: Layout
    validation: Layout
    about: dict[str, Any]

    def write(self, folder: Path) -> None:
        """Write the file that makes the folder a plan."""
        said = asdict(self) | {"network": self.network.model_dump()}
        (folder / FILE).write_text(json.dumps(said, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Plan":
        """The plan of a folder."""
        said = json.loads((folder / FILE).read_text(encoding="utf-8"))
        layouts = {part: Layout(**said[part]) for part in (TRAIN, VALIDATION)}
        columns = {name: tuple(said[name]) for name in ("mean", "deviation")}
        return cls(**(said | layouts | columns | {"network": Network.model_validate(said["network"])}))

    @property
    def standard(self) -> tuple[Any, Any]:
        """Mean and deviation as arrays (inputs,)."""
        return np.array(self.mean), np.array(self.deviation)
