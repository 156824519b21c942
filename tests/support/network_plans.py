"""What tests of ranks share: plans to fit, and what a rank does in them; ranks import this."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from conf.network import Network
from models.network.fit import fit_network
from models.network.job import FitOrigin, NetworkJob
from models.network.ranks import Ranks
from models.network.sharding import Layout, lanes_for
from models.network.shards import Singles, write_lanes

WIDTH, BATCH = 6, 64
ROWS, JUDGES = 10 * BATCH, 100
SEED = 5
SAME = {"batch": BATCH, "epochs": 3, "patience": None, "hidden": [8, 4]}
CASES = {
    "sgd": Network(optimizer="sgd", momentum=0.9, learning_rate=0.05, shuffle=False, **SAME),
    "adam": Network(optimizer="adam", clip_norm=0.02, learning_rate=0.01, **SAME),
}


def rows(count: int, seed: int = 0) -> Singles:
    """Inputs, a label that follows them, and weights of one half and one and a half."""
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(count, WIDTH))
    labels = random.random(count) < 1 / (1 + np.exp(-2 * inputs[:, 0] - inputs[:, 1] * inputs[:, 2]))
    weights = np.where(np.arange(count) % 2, 0.5, 1.5)
    return np.column_stack([inputs, labels, weights]).astype(np.float32)


def write_case(folder: Path, network: Network, count: int = ROWS) -> None:
    """A plan that 1, 2, 4 and 8 ranks can fit."""
    lanes = lanes_for(BATCH, 1)
    train, validation = Layout(count, WIDTH, BATCH, lanes), Layout(JUDGES, WIDTH, 16, lanes)
    write_lanes(folder / "train", train, [rows(count)])
    write_lanes(folder / "validation", validation, [rows(JUDGES, seed=1)])
    mean, deviation = (0.1,) * WIDTH, (1.2,) * WIDTH
    NetworkJob(network, SEED, mean, deviation, train, validation, FitOrigin({}, 1, ())).write(folder)


class Loner:
    """Ranks of which one thing is switched off, so that a test must see it."""

    def __init__(self, ranks: Ranks, averages: bool = True, agrees: bool = True) -> None:
        self.rank, self.size, self.gather = ranks.rank, ranks.size, ranks.gather
        self._ranks, self._averages, self._agrees = ranks, averages, agrees

    def average(self, gradients: Sequence[Any]) -> Sequence[Any]:
        return self._ranks.average(gradients) if self._averages else gradients

    def agree(self, variables: Sequence[Any]) -> None:
        if self._agrees:
            self._ranks.agree(variables)


def fit_cases(folder: Path, ranks: Ranks) -> int:
    """Fit every case, and `sgd` twice more with something switched off."""
    for name in CASES:
        fit_network(folder / name, ranks)
    fit_network(folder / "unaveraged", Loner(ranks, averages=False))
    fit_network(folder / "unagreed", Loner(ranks, agrees=False))
    return ranks.size


def fail(how: str, failing: Path, ranks: Ranks) -> None:
    """Rank 1 writes the file `failing` and fails in the midst of it; the other one waits for its gradients."""
    ranks.gather([0.0])
    if ranks.rank == 1:
        failing.touch()
    if ranks.rank == 1 and how == "raises":
        raise ValueError("rank one has had enough")
    if ranks.rank == 1 and how == "is killed":
        os.kill(os.getpid(), 9)
    ranks.gather([1.0])
