"""Which of the trained models may be chosen, and the reason for the choice."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from models.fitting.kinds import KINDS


class Trained(Protocol):
    """A trained model by its kind and the features that it must not use."""

    @property
    def kind(self) -> str: ...

    @property
    def without(self) -> Sequence[str]: ...


Model = TypeVar("Model", bound=Trained)


def choosable(trained: Sequence[Model]) -> list[Model]:
    """The models among which the AUC in tuning decides.

    Where features are flagged, those without them: money is not spent on what may know the outcome. A network's AUC
    does not come from cross-validation and cannot be compared with the others', so networks take part only where there
    is nothing else.
    """
    believed = [one for one in trained if one.without] or list(trained)
    return [one for one in believed if one.kind in KINDS] or believed


def reason(kind: str) -> str:
    """Why the best of them by its AUC in tuning, of this kind, is chosen."""
    where = "in cross-validation on the training set" if kind in KINDS else "on the rows kept for early stopping"
    return f"the highest AUC {where}"
