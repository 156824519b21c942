"""What matters, beside scikit-learn, paper, a bootstrap and models whose answer is known."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.inspection import permutation_importance as of_sklearn
from sklearn.metrics import roc_auc_score

from models.evaluation.importance import partial_dependence, permutation_importance
from models.scoring.linear import Linear
from models.scoring.trees import Trees


def linear(*weights: float, intercept: float = 0.0) -> Linear:
    """A linear model of inputs that are standardised already."""
    terms = len(weights)
    return Linear(intercept, np.zeros(terms), np.ones(terms), np.array(weights))


def customers(rows: int = 800, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Three inputs, of which the first decides, the second (with ties) helps, the third does nothing; labels."""
    random = np.random.default_rng(seed)
    inputs = np.column_stack([random.normal(size=rows), random.integers(0, 3, rows), random.normal(size=rows)])
    odds = 2 * inputs[:, 0] + 0.7 * (inputs[:, 1] - 1)
    return inputs, (odds + random.logistic(size=rows) > 0).astype(int)


MODEL = linear(2.0, 0.7, 0.05)
GROUPS = {"decides": [0], "helps": [1], "idle": [2]}


class Fixed(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A scorer as scikit-learn wants it."""

    classes_ = (0, 1)

    def fit(self, inputs: Any, labels: Any) -> "Fixed":
        return self

    def decision_function(self, inputs: np.ndarray) -> np.ndarray:
        return MODEL.margin(inputs)


def test_like_scikit_learn() -> None:
    inputs, labels = customers()
    ours = permutation_importance(MODEL, inputs, labels, GROUPS, seed=3, repeats=20)
    theirs = of_sklearn(Fixed(), inputs, labels, scoring="roc_auc", n_repeats=20, random_state=5)
    for place, found in enumerate(ours.values()):
        noise = theirs.importances_std[place] * math.sqrt(2 / 20)
        assert found.value == pytest.approx(theirs.importances_mean[place], abs=4 * noise)


def test_decisive_and_useless_features() -> None:
    inputs, labels = customers()
    found = permutation_importance(MODEL, inputs, labels, GROUPS, seed=3)
    assert found["decides"].low > 0.2
    assert found["helps"].low > 0
    assert found["idle"].low < 0 < found["idle"].high
    assert found["idle"].high < 0.02


@dataclass(frozen=True)
class Switched:
    """Scores by the first input, or by the second as soon as anything in the third is out of order."""

    def margin(self, inputs: np.ndarray) -> np.ndarray:
        in_order = bool((inputs[:, 2] == np.arange(len(inputs))).all())
        return inputs[:, 0] if in_order else inputs[:, 1]

    probability = probability_of = explainer = to_json = None  # type: ignore[assignment]


def test_interval_like_a_bootstrap() -> None:
    """The loss is AUC(first score) - AUC(second score), whatever the shuffle; both scores have ties."""
    random = np.random.default_rng(2)
    labels = random.integers(0, 2, 400)
    scores = np.round(labels[:, None] * [1.5, 0.6] + random.normal(size=(400, 1)) + random.normal(size=(400, 2)))
    inputs = np.column_stack([scores, np.arange(400)])
    found = permutation_importance(Switched(), inputs, labels, {"switch": [2]}, seed=1)["switch"]

    def difference(rows: np.ndarray) -> float:
        first, second = (roc_auc_score(labels[rows], scores[rows, place]) for place in (0, 1))
        return float(first - second)

    assert found.value == pytest.approx(difference(np.arange(400)), abs=1e-12)
    replicates = [difference(random.integers(0, 400, 400)) for _ in range(400)]
    reach = 1.96 * np.std(replicates)
    assert [found.low, found.high] == pytest.approx([found.value - reach, found.value + reach], abs=0.1 * reach)


def test_interval_covers_the_choice_of_customers_and_the_shuffle() -> None:
    """The spread of results over samples of their own, each with a shuffle of its own, is what intervals say."""
    found = []
    for seed in range(300):
        inputs, labels = customers(150, seed)
        found.append(permutation_importance(MODEL, inputs, labels, {"helps": [1]}, seed)["helps"])
    spread = np.std([one.value for one in found])
    said = np.mean([(one.high - one.low) / 2 / 1.96 for one in found])
    assert said == pytest.approx(spread, rel=0.15)
    truth = np.mean([one.value for one in found])
    assert np.mean([one.low <= truth <= one.high for one in found]) == pytest.approx(0.95, abs=0.03)


def test_terms_of_a_feature_are_shuffled_together() -> None:
    random = np.random.default_rng(1)
    twin, signal = random.normal(size=300), random.normal(size=300)
    inputs, labels = np.column_stack([twin, twin, signal]), (signal > 0).astype(int)
    model = linear(1.0, -1.0, 1.0)  # of which the twins cancel
    together = permutation_importance(model, inputs, labels, {"twins": [0, 1]}, seed=1)["twins"]
    assert (together.value, together.low, together.high) == (0.0, 0.0, 0.0)
    apart = permutation_importance(model, inputs, labels, {"one": [0], "other": [1]}, seed=1)
    assert min(one.low for one in apart.values()) > 0.1


def test_same_seed_same_result_whatever_else_is_asked() -> None:
    inputs, labels = customers(200)
    every = permutation_importance(MODEL, inputs, labels, GROUPS, seed=7)
    assert permutation_importance(MODEL, inputs, labels, {"helps": [1]}, seed=7) == {"helps": every["helps"]}
    assert permutation_importance(MODEL, inputs, labels, {"helps": [1]}, seed=8)["helps"] != every["helps"]


def test_inputs_are_left_as_they_were() -> None:
    inputs, labels = customers(50)
    before = inputs.copy()
    permutation_importance(MODEL, inputs, labels, GROUPS, seed=7)
    partial_dependence(MODEL.probability, inputs, GROUPS["decides"], inputs[:2] + 1)
    assert np.array_equal(inputs, before)


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 0], []])
def test_fewer_than_two_rows_of_a_label_are_refused(labels: list[int]) -> None:
    with pytest.raises(ValueError, match="two rows of each label"):
        permutation_importance(linear(1.0), np.zeros((len(labels), 1)), np.array(labels, int), {"one": [0]}, seed=1)


# Goes left, to -1, where the first input is at most 0, else right, to 1; the second input is never tested.
STUMP = Trees(
    roots=np.array([0]),
    feature=np.array([0, -1, -1], np.int32),
    threshold=np.zeros(3),
    left=np.array([1, -1, -1]),
    right=np.array([2, -1, -1]),
    value=np.array([0.5, -1.0, 1.0]),
    cover=np.array([4.0, 1.0, 3.0]),
    base=0.5,
    terms=2,
    link="log_odds",
)


class Counting(Trees):
    """Trees that count how often they are asked."""

    calls = 0

    def margin(self, inputs: np.ndarray) -> np.ndarray:
        type(self).calls += 1
        return super().margin(inputs)


def test_features_that_no_tree_tests_are_not_scored() -> None:
    inputs, labels = customers(100)
    found = permutation_importance(
        Counting.from_json(STUMP.to_json()), inputs[:, :2], labels, {"helps": [1], "decides": [0]}, seed=1, repeats=2
    )
    assert (found["helps"].value, found["helps"].low, found["helps"].high) == (0.0, 0.0, 0.0)
    assert found["decides"].low > 0
    assert Counting.calls == 1 + 2


def test_partial_dependence_by_hand() -> None:
    model = linear(1.0, 2.0, -1.0, intercept=0.5)
    inputs = np.array([[9.0, 9.0, 1.0], [8.0, 8.0, 3.0]])
    grid = np.array([[0.0, 1.0, 7.0], [2.0, -1.0, 7.0]])  # whose third column is not the feature's
    # margins: 0.5 + 2 - (1, 3) and 0.5 + 2 - 2 - (1, 3)
    means = [(odds(1.5) + odds(-0.5)) / 2, (odds(-0.5) + odds(-2.5)) / 2]
    assert partial_dependence(model.probability, inputs, [0, 1], grid) == pytest.approx(means)
    assert partial_dependence(model.probability, inputs, [0, 1], grid[:0]) == []


def odds(margin: float) -> float:
    return 1 / (1 + math.exp(-margin))
