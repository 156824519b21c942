"""Reasons of customers whose true drivers are known, by models of each form that were fitted to their labels."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from models.arrays import Floats, Ints
from models.evaluation.typical import pull
from models.fitting.tree_import import xgboost_trees
from models.scoring.linear import Linear, Scorer
from models.scoring.mlp import Mlp
from models.scoring.reason_codes import MAX_REASONS, ReasonCodes, TermFact
from models.scoring.shapley import Effects

FAMILIES = ("recency", "frequency", "depth", "trend", "money", "taste")
SCALES = (1.4, 1.1, 0.9, 0.7, 0.5, 0.3)  # of a family's term, in log odds
COLUMNS = 4  # of a family
WITHIN, BETWEEN = 0.9, 0.25  # correlations of the columns of a family, and of families
TRAINING, TEST, BACKGROUND = 20_000, 2_000, 200
SURE = 0.1  # a partial dependence beyond the error of so many rows of background


@dataclass(frozen=True)
class Drawn:
    """inputs (rows, terms), labels (rows,), effects (rows, families): true log odds less those of the average."""

    inputs: Floats
    labels: Ints
    effects: Floats

    @property
    def drivers(self) -> list[str]:
        """The family that truly moves each customer most."""
        return [FAMILIES[place] for place in np.abs(self.effects).argmax(axis=1)]


def family_of_terms() -> Ints:
    """(terms,) the number of each term's family."""
    return np.repeat(np.arange(len(FAMILIES)), COLUMNS)


def draw(rows: int, seed: int, is_bent: bool = True) -> Drawn:
    """Draw customers. The columns of a family measure one thing with errors, and each of them counts a little.

    Args:
        is_bent: whether the terms of recency, trend and money level off.
    """
    random = np.random.default_rng(seed)
    common = random.normal(size=(rows, 1))
    things = np.sqrt(BETWEEN) * common + np.sqrt(1 - BETWEEN) * random.normal(size=(rows, len(FAMILIES)))
    errors = random.normal(size=(rows, len(FAMILIES), COLUMNS))
    columns = np.sqrt(WITHIN) * things[:, :, None] + np.sqrt(1 - WITHIN) * errors
    terms = columns.mean(axis=2)
    if is_bent:
        terms[:, ::2] = np.tanh(1.5 * terms[:, ::2])
    effects = (terms - terms.mean(axis=0)) * (np.array(SCALES) * np.array([-1, 1, 1, 1, 1, -1]))
    labels = random.random(rows) < 1 / (1 + np.exp(0.5 - effects.sum(axis=1)))
    return Drawn(columns.reshape(rows, -1), labels.astype(np.int64), effects)


def linear(train: Drawn) -> Scorer:
    mean, deviation = train.inputs.mean(axis=0), train.inputs.std(axis=0)
    fitted = LogisticRegression().fit((train.inputs - mean) / deviation, train.labels)
    return Linear(float(fitted.intercept_[0]), mean, deviation, fitted.coef_[0])


def boosted(depth: int, rounds: int) -> Callable[[Drawn], Scorer]:
    params = {"objective": "binary:logistic", "max_depth": depth, "eta": 0.1, "nthread": 1, "seed": 1}

    def fit(train: Drawn) -> Scorer:
        fitted = xgboost.train(params, xgboost.DMatrix(train.inputs, train.labels), rounds)
        return xgboost_trees(fitted.save_raw("json"))

    return fit


def network(train: Drawn) -> Scorer:
    mean, deviation = train.inputs.mean(axis=0), train.inputs.std(axis=0)
    fitted = MLPClassifier((16, 16), max_iter=20, alpha=1.0, learning_rate_init=3e-3, random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged, as it should not: it would learn the noise
        fitted.fit((train.inputs - mean) / deviation, train.labels)
    return Mlp(mean, deviation, tuple(zip(fitted.coefs_, fitted.intercepts_, strict=True)), "relu")


# A linear model is fitted to customers whose terms are straight: of others it cannot know what moves them.
MODELS: Mapping[str, tuple[Callable[[Drawn], Scorer], bool]] = {
    "linear": (linear, False),
    "depth 3": (boosted(3, 100), True),
    "depth 5": (boosted(5, 50), True),
    "network": (network, True),
}


@dataclass(frozen=True)
class Explained:
    """What a model says of customers that it was not fitted on."""

    scorer: Scorer
    train: Drawn
    test: Drawn
    effects: Effects
    columns: dict[str, pa.Array]


@pytest.fixture(scope="module", params=list(MODELS))
def explained(request: pytest.FixtureRequest) -> Explained:
    fit, is_bent = MODELS[request.param]
    train, test = draw(TRAINING, 1, is_bent), draw(TEST, 2, is_bent)
    facts = (
        TermFact(FAMILIES[family], f"column_{n}", float(np.median(values)), pull(values, train.labels), 0.0, None)
        for n, (family, values) in enumerate(zip(family_of_terms(), train.inputs.T, strict=True))
    )
    codes, scorer = ReasonCodes(tuple(facts)), fit(train)
    effects = scorer.explainer(codes.family)(test.inputs)
    return Explained(scorer, train, test, effects, codes.columns(test.inputs, effects))


def test_the_first_reason_is_the_true_driver(explained: Explained) -> None:
    first = explained.columns["reason_1"].to_pylist()
    assert np.mean([said == true for said, true in zip(first, explained.test.drivers, strict=True)]) >= 0.8


def partial_dependence(scorer: Scorer, inputs: Floats, background: Floats, terms: Floats) -> Floats:
    """(rows,) the mean margin if all of the background had these terms of a row, less the mean margin."""
    changed = np.where(terms, inputs[:, None], background).reshape(-1, inputs.shape[1])
    margins = scorer.margin(changed).reshape(len(inputs), len(background))
    return margins.mean(axis=1) - scorer.margin(background).mean()


def test_no_reason_is_against_the_partial_dependence_of_its_family(explained: Explained) -> None:
    some = np.arange(200)
    names = np.array([explained.columns[f"reason_{n}"].to_pylist() for n in range(1, MAX_REASONS + 1)])[:, some]
    effects = np.array([explained.columns[f"reason_{n}_effect"].to_pylist() for n in range(1, MAX_REASONS + 1)], float)
    given = 0
    for number, family in enumerate(FAMILIES):
        terms = family_of_terms() == number
        dependence = partial_dependence(
            explained.scorer, explained.test.inputs[some], explained.train.inputs[:BACKGROUND], terms
        )
        is_given = names == family
        given += is_given.sum()
        assert not (is_given & (np.abs(dependence) > SURE) & (effects[:, some] * dependence < 0)).any()
    assert given > 2.5 * len(some)


def test_effects_are_near_the_truth(explained: Explained) -> None:
    assert np.corrcoef(explained.effects.moved.ravel(), explained.test.effects.ravel())[0, 1] > 0.95
