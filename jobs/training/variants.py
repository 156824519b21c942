"""The models to fit: each that is asked for, and once more without the features that the audit suspects."""

from collections.abc import Sequence
from dataclasses import dataclass

from conf.schema import Service
from features.declared import NamedFeature, table_features
from jobs.context import Context
from jobs.training.artifacts import Result
from jobs.training.dataset import fitted_on
from models.fitting.kinds import KINDS
from models.fitting.split import Split
from models.network.job import NETWORK

UNFLAGGED = "_unflagged"
TITLES = {name: kind.title for name, kind in KINDS.items()} | {NETWORK: "neural network"}


@dataclass(frozen=True)
class Wanted:
    """A model by its kind, a key of TITLES, and the features that it must do without."""

    kind: str
    without: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.kind + (UNFLAGGED if self.without else "")

    @property
    def title(self) -> str:
        """What people call it."""
        return TITLES[self.kind] + (" without flagged features" if self.without else "")

    def features(self, service: Service) -> list[NamedFeature]:
        """What it may look at."""
        return [feature for feature in table_features(service) if feature.name not in self.without]


def wanted(kinds: Sequence[str], flagged: Sequence[str], service: Service) -> list[Wanted]:
    """The models of these kinds, first with all features, then without the flagged ones where others are left."""
    twins = [Wanted(kind, tuple(flagged)) for kind in kinds] if flagged else []
    return [*(Wanted(kind) for kind in kinds), *(twin for twin in twins if twin.features(service))]


def basis_of(context: Context, split: Split, one: Wanted) -> Result:
    """What the model is fitted on, when it is up to date."""
    service = context.service
    declared = service.network if one.kind == NETWORK else getattr(service.training.grids, one.kind)
    return fitted_on(context, split, declared, *one.without)
