"""The checkpoint of a fit, in one file that is replaced atomically: a kill leaves the old or the new one."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.intervals import Number

FILE = "checkpoint.npz"
ARRAYS = ("variables", "optimizer", "best")
VariableValues = tuple[NDArray[Any], ...]


@dataclass(frozen=True)
class Epoch:
    """An epoch: mean loss of the training rows and of the validation rows, and seconds of training."""

    number: int
    loss: Number
    validation_loss: Number
    seconds: float


@dataclass(frozen=True)
class Throughput:
    """Training rows per second, of all ranks together and of each rank.

    efficiency: rows per second of all ranks, divided by the ranks times the rows per second of one rank alone.
    """

    rows_per_second: float
    by_rank: list[float]
    efficiency: float


@dataclass(frozen=True)
class Progress:
    """The state from which a fit is resumed.

    variables, optimizer: of the network and of its optimizer. best: the network's variables after the best epoch.
    throughput: of the last run; None before its end, and if it trained no epoch.
    """

    epochs: tuple[Epoch, ...] = ()
    variables: VariableValues = ()
    optimizer: VariableValues = ()
    best: VariableValues = ()
    is_done: bool = False
    throughput: Throughput | None = None

    @property
    def best_epoch(self) -> Epoch | None:
        """The epoch with the lowest validation loss, the first of equal ones; None if no loss is finite."""
        known = [epoch for epoch in self.epochs if math.isfinite(epoch.validation_loss)]
        return min(known, key=lambda epoch: epoch.validation_loss, default=None)

    def after(self, epoch: Epoch, variables: VariableValues, optimizer: VariableValues) -> "Progress":
        """The progress after one more epoch."""
        more = replace(self, epochs=(*self.epochs, epoch), variables=variables, optimizer=optimizer)
        return replace(more, best=variables) if more.best_epoch == epoch else more

    def is_over(self, epochs: int, patience: int | None) -> bool:
        """Whether all epochs are done, or none of the last `patience` epochs was the best."""
        waited = len(self.epochs) - (self.best_epoch.number if self.best_epoch else 0)
        return len(self.epochs) >= epochs or (patience is not None and waited >= patience)

    def write(self, folder: Path) -> None:
        """Write the checkpoint of a folder atomically."""
        data = {
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "is_done": self.is_done,
            "throughput": asdict(self.throughput) if self.throughput else {},
        }
        arrays = {f"{name}_{number}": value for name in ARRAYS for number, value in enumerate(getattr(self, name))}
        new = folder / f".{FILE}"
        with new.open("wb") as file:
            np.savez(file, said=json.dumps(data), **arrays)
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / FILE)

    @classmethod
    def read(cls, folder: Path) -> "Progress":
        """The last checkpoint of a folder, or the state before the first epoch."""
        if not (folder / FILE).is_file():
            return cls()
        with np.load(folder / FILE) as file:
            data = json.loads(str(file["said"]))
            named = {name: file[name] for name in file.files if name != "said"}
        variables, optimizer, best = (_numbered(named, name) for name in ARRAYS)
        throughput = Throughput(**data["throughput"]) if data["throughput"] else None
        return cls(_epochs(data), variables, optimizer, best, data["is_done"], throughput)


def read_epochs(folder: Path) -> tuple[Epoch, ...]:
    """The epochs of the last checkpoint of a folder; its arrays, which may be large, are not read."""
    if not (folder / FILE).is_file():
        return ()
    with np.load(folder / FILE) as file:
        return _epochs(json.loads(str(file["said"])))


def values_of(variables: Sequence[Any]) -> VariableValues:
    """The values of Keras variables."""
    return tuple(variable.value.numpy() for variable in variables)


def _epochs(data: dict[str, Any]) -> tuple[Epoch, ...]:
    return tuple(Epoch(**one) for one in data["epochs"])


def _numbered(named: dict[str, NDArray[Any]], name: str) -> VariableValues:
    count = sum(key.rsplit("_", 1)[0] == name for key in named)
    return tuple(named[f"{name}_{number}"] for number in range(count))
