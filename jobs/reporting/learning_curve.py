"""How a network learned: its losses epoch by epoch, and what they were had by."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.reporting.model_comparison import Verdict
from models.network.checkpoint import Epoch

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Descent:
    """The fit of a network as declared. `throughput` holds nothing where the last run has not trained any more."""

    name: str
    title: str
    declared: Json
    epochs: list[Epoch]
    best_epoch: int
    launcher: str
    ranks: int
    throughput: Json

    @property
    def best(self) -> Epoch:
        """The epoch whose weights were kept."""
        return next(epoch for epoch in self.epochs if epoch.number == self.best_epoch)


def descents(verdict: Verdict) -> list[Descent]:
    """That of each network, in the order of the models."""
    return [_descent(one.name, one.title, one.told["network"]) for one in verdict.models if "network" in one.told]


def _descent(name: str, title: str, told: Json) -> Descent:
    epochs = [_epoch(one) for one in told["epochs"]]
    others = {key: told[key] for key in ("declared", "best_epoch", "launcher", "ranks", "throughput")}
    return Descent(name, title, epochs=epochs, **others)


def _epoch(told: Json) -> Epoch:
    return Epoch(told["number"], _number(told["loss"]), _number(told["validation_loss"]), told["seconds"])


def _number(told: float | None) -> float:
    """A loss of JSON, where what is no number is null."""
    return math.nan if told is None else told
