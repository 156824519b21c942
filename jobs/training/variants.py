"""The models to fit: each kind that is asked for, and once more without the features that the audit flags."""

from collections.abc import Sequence
from dataclasses import dataclass

from conf.schema import Service
from features.declared import NamedFeature, table_features
from jobs.records.training import FittedOn, ModelRecord
from jobs.training.dataset import declared_version, fitted_on
from jobs.training.feature_tables import FeatureTables
from models.fitting.kinds import KINDS
from models.fitting.split import Split
from models.network.job import NETWORK

UNFLAGGED = "_unflagged"
TITLES = {name: kind.title for name, kind in KINDS.items()} | {NETWORK: "neural network"}


@dataclass(frozen=True)
class ModelVariant:
    """A model by its kind, a key of TITLES, and the features that it must not use."""

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

    def features(self, known: Sequence[NamedFeature]) -> list[NamedFeature]:
        """Those of the features that it may use."""
        return [feature for feature in known if feature.name not in self.without]

    def fitted_on(self, tables: FeatureTables, split: Split) -> FittedOn:
        """What the model is fitted on when it is up to date."""
        return fitted_on(tables, split, self._own)

    def declared_version(self, declared: Service) -> str:
        """Fingerprint of what a service declares of it, whatever the command line says."""
        return declared_version(declared, self._own)

    def _own(self, service: Service) -> Sequence[object]:
        grid = service.network if self.kind == NETWORK else getattr(service.training.grids, self.kind)
        return (grid, *self.without)


def variant_of(model: ModelRecord) -> ModelVariant:
    """The variant that a trained model is."""
    return ModelVariant(model.model.removesuffix(UNFLAGGED), tuple(model.without))


def model_variants(kinds: Sequence[str], flagged: Sequence[str], service: Service) -> list[ModelVariant]:
    """The models of these kinds, first with all features, then without the flagged ones where others are left."""
    twins = [ModelVariant(kind, tuple(flagged)) for kind in kinds] if flagged else []
    known = table_features(service)
    return [*(ModelVariant(kind) for kind in kinds), *(twin for twin in twins if twin.features(known))]
