"""How a network learned: its losses by epoch, and what it was fitted with."""

from dataclasses import dataclass

from jobs.records.training import NetworkSection
from jobs.reporting.model_comparison import ModelComparison
from models.network.checkpoint import Epoch


@dataclass(frozen=True)
class LearningCurve:
    """The fit of a network."""

    name: str
    title: str
    network: NetworkSection

    @property
    def best(self) -> Epoch:
        """The epoch whose weights were kept."""
        return next(epoch for epoch in self.network.epochs if epoch.number == self.network.best_epoch)


def learning_curves(comparison: ModelComparison) -> list[LearningCurve]:
    """The curve of each network, in the order of the models."""
    return [LearningCurve(one.name, one.title, one.record.network) for one in comparison.models if one.record.network]
