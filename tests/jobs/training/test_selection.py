"""Which trained models may be chosen, where some look at flagged features and a network is among them."""

import pytest

from jobs.training.selection import choosable, reason
from jobs.training.variants import ModelVariant

LR, GBT, KERAS = ModelVariant("lr"), ModelVariant("gbt"), ModelVariant("keras")
LR_TWIN, KERAS_TWIN = ModelVariant("lr", ("spent",)), ModelVariant("keras", ("spent",))


@pytest.mark.parametrize(
    ("trained", "expected"),
    [
        ([LR, GBT], [LR, GBT]),
        ([LR, KERAS], [LR]),
        ([KERAS], [KERAS]),
        ([LR, GBT, LR_TWIN], [LR_TWIN]),
        ([LR, LR_TWIN, KERAS, KERAS_TWIN], [LR_TWIN]),
        ([LR, KERAS_TWIN], [KERAS_TWIN]),  # a network to believe before a model that may know the outcome
    ],
)
def test_who_may_be_chosen(trained: list[ModelVariant], expected: list[ModelVariant]) -> None:
    assert choosable(trained) == expected


def test_the_reason_says_what_the_auc_was_of() -> None:
    assert reason("gbt") == "the highest AUC in cross-validation on the training set"
    assert reason("keras") == "the highest AUC on the rows kept for early stopping"
