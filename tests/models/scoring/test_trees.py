"""Ensembles of trees beside paper, a walk of one row after another, MLlib's own transform and xgboost's predict."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st
from pyspark.ml.classification import DecisionTreeClassifier, GBTClassifier, RandomForestClassifier
from pyspark.ml.feature import VectorIndexer
from pyspark.ml.functions import vector_to_array
from pyspark.ml.linalg import Vectors
from pyspark.sql import DataFrame, SparkSession

import models.scoring.trees
from jobs.engine import engine as started
from models.fitting.tree_import import mllib_trees, xgboost_trees
from models.scoring.tree_games import EXACT_LEVELS
from models.scoring.trees import Trees
from tests.support.engines import SMALL

FITTERS: dict[str, tuple[Any, dict[str, Any]]] = {
    # Without bootstrap a node's value is the mean of the rows given, which a test below holds on to.
    "forest": (RandomForestClassifier, {"numTrees": 4, "bootstrap": False, "featureSubsetStrategy": "2"}),
    "boosted": (GBTClassifier, {"maxIter": 3}),
}


def ensemble(
    nodes: list[tuple[int, float, int, int, float]], roots: list[int], terms: int = 2, cover: Any = None, **more: Any
) -> Trees:
    """From nodes of (feature, threshold, left, right, value)."""
    feature, threshold, left, right, value = (np.array(column) for column in zip(*nodes, strict=True))
    base = float(sum(value[root] for root in roots))
    return Trees(
        np.array(roots), feature.astype(np.int32), threshold.astype(float), left, right, value.astype(float),
        np.ones(len(nodes)) if cover is None else np.array(cover, float),
        **({"base": base, "terms": terms, "link": "log_odds"} | more),
    )  # fmt: skip


LEAF = (-1, 0.0, -1, -1)
# 100 training rows: 60 with x0 <= 1, whose mean is 0.5; 40 right of it at -1, of them 30 with x1 <= 5 at -2, 10 at 2.
BY_HAND = ensemble(
    [(0, 1.0, 1, 2, -0.1), (*LEAF, 0.5), (1, 5.0, 3, 4, -1.0), (*LEAF, -2.0), (*LEAF, 2.0)],
    roots=[0],
    cover=[100, 60, 40, 30, 10],
)
EACH = np.arange(2)  # each term is a family
ROWS = np.array([[1.0, 9.0], [1.0000000000000002, 5.0], [3.0, 5.000000000000001], [-1e300, 1e300]])


def test_tree_by_hand() -> None:
    assert BY_HAND.margin(ROWS) == pytest.approx([0.5, -2.0, 2.0, 0.5])
    assert BY_HAND.probability(ROWS) == pytest.approx([1 / (1 + math.exp(-margin)) for margin in (0.5, -2, 2, 0.5)])


def test_effects_by_hand() -> None:
    """Of row 0, (left, right): nobody -0.1, x0 alone 0.5, x1 alone 0.6 * 0.5 + 0.4 * 2 = 1.1, both 0.5.

    Of row 1, (right, left): x0 alone -1, x1 alone 0.3 - 0.8 = -0.5, both -2. Of row 2, (right, right): both 2. Row 3 is
    row 0.
    """
    effects = BY_HAND.explainer(EACH)(ROWS)
    assert effects.margin.tolist() == BY_HAND.margin(ROWS).tolist()
    first = [(0.6 + (0.5 - 1.1)) / 2, (1.2 + (0.5 - 0.5)) / 2]
    second = [(-0.9 + (-2 + 0.5)) / 2, (-0.4 + (-2 + 1)) / 2]
    third = [(-0.9 + (2 - 1.1)) / 2, (1.2 + (2 + 1)) / 2]
    assert effects.moved == pytest.approx(np.array([first, second, third, first]))
    assert effects.alone == pytest.approx(np.array([[0.6, 1.2], [-0.9, -0.4], [-0.9, 1.2], [0.6, 1.2]]))


def test_terms_of_one_family_are_one_player() -> None:
    effects = BY_HAND.explainer(np.zeros(2, int))(ROWS)
    assert effects.moved == pytest.approx(np.array([[0.6], [-1.9], [2.1], [0.6]]))
    assert effects.alone == pytest.approx(effects.moved)


def test_offset_beside_the_roots_counts() -> None:
    assert replace(BY_HAND, base=0.9).margin(ROWS) == pytest.approx([1.5, -1.0, 3.0, 1.5])


def test_share_is_the_probability_itself() -> None:
    votes = ensemble([(0, 0.0, 1, 2, 0.25), (*LEAF, 0.0), (*LEAF, 1.0)], roots=[0], link="share")
    assert votes.probability(np.array([[0.0, 0.0], [0.1, 0.0]])).tolist() == [0.0, 1.0]


def test_share_does_not_leave_its_range_by_rounding() -> None:
    nine = ensemble([(*LEAF, 1 / 9)] * 9, roots=list(range(9)), link="share", base=1.0000000000000002)
    assert nine.margin(ROWS).max() > 1
    assert nine.probability(ROWS).tolist() == [1.0] * 4


def test_lone_leaf_has_one_score_and_no_reasons() -> None:
    lone = ensemble([(*LEAF, 0.7)], roots=[0])
    assert lone.margin(ROWS).tolist() == [0.7] * 4
    assert lone.explainer(EACH)(ROWS).moved.tolist() == [[0.0, 0.0]] * 4
    assert lone.tested.tolist() == [False, False]


def test_no_rows() -> None:
    nobody = np.empty((0, 2))
    assert BY_HAND.margin(nobody).shape == (0,)
    assert BY_HAND.explainer(EACH)(nobody).moved.shape == (0, 2)


def test_other_number_of_inputs_is_refused() -> None:
    with pytest.raises(ValueError, match="fitted on 2 inputs and cannot score 3"):
        BY_HAND.margin(np.zeros((1, 3)))


def test_terms_that_are_tested() -> None:
    assert replace(BY_HAND, terms=4).tested.tolist() == [True, True, False, False]


@st.composite
def forests(draw: st.DrawFn) -> Trees:
    """One to four trees of any shape over three inputs of few values, so that rows meet thresholds."""
    nodes: list[Any] = []

    def grow(depth: int) -> int:
        place = len(nodes)
        nodes.append((*LEAF, draw(st.integers(-8, 8)) / 4))
        if depth and draw(st.booleans()):
            feature, threshold, value = draw(st.integers(0, 2)), draw(st.integers(-2, 2)), nodes[place][4]
            nodes[place] = (feature, threshold, grow(depth - 1), grow(depth - 1), value)
        return place

    roots = [grow(draw(st.integers(1, 7))) for _ in range(draw(st.integers(1, 3)))]
    cover = [draw(st.integers(1, 9)) for _ in nodes]
    return ensemble(nodes, roots, terms=3, cover=cover)


def walked(trees: Trees, row: list[float]) -> float:
    """Margin of one row, node by node."""
    margin = trees.base
    for root in trees.roots:
        node = root
        while (tested := trees.feature[node]) >= 0:
            node = trees.left[node] if row[tested] <= trees.threshold[node] else trees.right[node]
        margin += trees.value[node] - trees.value[root]
    return margin


ROWS_OF_THREE = st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), min_size=1, max_size=9)


@given(forests(), ROWS_OF_THREE)
def test_like_a_walk_of_each_row(trees: Trees, rows: list[list[float]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models.scoring.trees, "BLOCK_ROWS", 4)  # several blocks, and a part of one
        margin, effects = trees.margin(np.array(rows, float)), trees.explainer(np.arange(3))(np.array(rows, float))
    assert margin.tolist() == pytest.approx([walked(trees, row) for row in rows])
    assert effects.margin.tolist() == margin.tolist()


def worth(trees: Trees, row: list[float], own: set[int], family: list[int], node: int, level: int = 0) -> float:
    """What a subtree says of a row if only the terms of some families are its own."""
    tested = trees.feature[node]
    if tested < 0 or level == EXACT_LEVELS:
        return float(trees.value[node])
    left, right = int(trees.left[node]), int(trees.right[node])
    if family[tested] in own:
        child = left if row[tested] <= trees.threshold[node] else right
        return worth(trees, row, own, family, child, level + 1)
    both = [worth(trees, row, own, family, child, level + 1) for child in (left, right)]
    return float(np.average(both, weights=[trees.cover[left], trees.cover[right]]))


def steps_below(trees: Trees, row: list[float], family: list[int], families: int) -> list[float]:
    """By family, the differences of the values on the way of a row below EXACT_LEVELS."""
    added = [0.0] * families
    for root in trees.roots:
        node, level = int(root), 0
        while (tested := trees.feature[node]) >= 0:
            child = int(trees.left[node] if row[tested] <= trees.threshold[node] else trees.right[node])
            if level >= EXACT_LEVELS:
                added[family[tested]] += float(trees.value[child] - trees.value[node])
            node, level = child, level + 1
    return added


@given(forests(), ROWS_OF_THREE, st.sampled_from([[0, 1, 2], [0, 0, 1], [1, 0, 1], [0, 0, 0]]))
def test_effects_are_the_means_over_all_orders_of_the_families(
    trees: Trees, rows: list[list[float]], family: list[int]
) -> None:
    families = max(family) + 1
    effects = trees.explainer(np.array(family))(np.array(rows, float))
    for row, moved, alone in zip(rows, effects.moved, effects.alone, strict=True):

        def value(own: set[int], row: list[float] = row) -> float:
            return sum(worth(trees, row, own, family, int(root)) for root in trees.roots)

        orders = list(permutations(range(families)))
        expected = np.array(steps_below(trees, row, family, families))
        for order in orders:
            for place, one in enumerate(order):
                expected[one] += (value(set(order[: place + 1])) - value(set(order[:place]))) / len(orders)
        assert moved == pytest.approx(expected)
        assert alone == pytest.approx(np.array([value({one}) - value(set()) for one in range(families)]))


@given(forests())
def test_round_trip_of_json(trees: Trees) -> None:
    trees = replace(trees, value=trees.value / 3, base=0.1, link="share", single_precision=True)
    again = Trees.from_json(json.loads(json.dumps(trees.to_json())))
    for name, kept in vars(trees).items():
        assert np.array_equal(getattr(again, name), kept)
        assert getattr(getattr(again, name), "dtype", None) == getattr(kept, "dtype", None)


# ---- Spark MLlib ----


def customers(count: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs of which two have ties and one is constant, labels, weights."""
    random = np.random.default_rng(4)
    inputs = np.column_stack(
        [random.integers(0, 6, count), random.normal(size=count), random.integers(0, 2, count), np.full(count, 3.0)]
    )
    odds = inputs[:, 0] - 2.5 + inputs[:, 1] * inputs[:, 2]
    labels = (odds + random.logistic(size=count) > 0).astype(int)
    return inputs, labels, np.where(labels == 1, 1.5, 0.75)


def vectors(spark: SparkSession, inputs: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> DataFrame:
    rows = zip(inputs, labels, weights, strict=True)
    return spark.createDataFrame(
        [(Vectors.dense(row), int(label), float(weight)) for row, label, weight in rows],
        ["features", "label", "weight"],
    )


@pytest.fixture(scope="module", params=list(FITTERS))
def fitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A model of MLlib as saved, and what it says of customers and of rows that stand on its thresholds."""
    folder = str(tmp_path_factory.mktemp("mllib") / request.param)
    inputs, labels, weights = customers()
    with started("spark", SMALL) as spark:
        fitter, params = FITTERS[request.param]
        estimator = fitter(maxDepth=4, seed=1, weightCol="weight", **params)
        model = estimator.fit(vectors(spark, inputs, labels, weights))
        model.save(folder)
        splits = re.findall(r"feature (\d+) <= ([-\d.E]+)", model.toDebugString)
        on_thresholds = np.repeat(inputs[:1], len(splits), axis=0)
        for row, (feature, threshold) in zip(on_thresholds, splits, strict=True):
            row[int(feature)] = float(threshold)
        rows = np.concatenate([inputs, on_thresholds])
        one = np.ones(len(rows))
        scored = model.transform(vectors(spark, rows, one, one)).select(vector_to_array("probability")[1]).collect()
    assert len(splits) > 15
    yield SimpleNamespace(folder=folder, rows=rows, probability=np.array([row[0] for row in scored]), weights=weights)


def test_like_mllib(engine: SparkSession, fitted: SimpleNamespace) -> None:
    trees = mllib_trees(engine, fitted.folder)
    assert trees.probability(fitted.rows) == pytest.approx(fitted.probability, abs=1e-12, rel=0)
    sums = trees.base + trees.explainer(np.arange(4))(fitted.rows).moved.sum(axis=1)
    assert sums == pytest.approx(trees.margin(fitted.rows), abs=1e-12)


def test_cover_is_the_weight_of_the_training_rows(sail: SparkSession, fitted: SimpleNamespace) -> None:
    """So the value of an inner node is the mean of its children's, and a forest's roots hold all rows."""
    trees = mllib_trees(sail, fitted.folder)
    inner = np.flatnonzero(trees.feature >= 0)
    both = np.stack([trees.left[inner], trees.right[inner]])
    means = np.average(trees.value[both], axis=0, weights=trees.cover[both])
    assert trees.value[inner] == pytest.approx(means, abs=1e-12)
    assert trees.cover[both].sum(axis=0) == pytest.approx(trees.cover[inner])
    assert trees.cover[trees.roots] == pytest.approx([fitted.weights.sum()] * len(trees.roots))


def test_the_base_is_the_mean_margin_of_the_training_rows(sail: SparkSession, fitted: SimpleNamespace) -> None:
    trees, training = mllib_trees(sail, fitted.folder), fitted.rows[: len(fitted.weights)]
    probability = fitted.probability[: len(training)]
    margin = probability if trees.link == "share" else np.log(probability / (1 - probability))
    assert trees.base == pytest.approx(np.average(margin, weights=fitted.weights), abs=1e-12)


def test_lone_leaf_of_mllib(spark: SparkSession, tmp_path: Path) -> None:
    nothing_to_see = vectors(spark, np.zeros((8, 2)), np.array([1, 1, 0, 0, 0, 0, 0, 0]), np.ones(8))
    RandomForestClassifier(numTrees=2, bootstrap=False).fit(nothing_to_see).save(str(tmp_path / "model"))
    trees = mllib_trees(spark, str(tmp_path / "model"))
    assert trees.probability(np.zeros((3, 2))).tolist() == [0.25] * 3


def test_models_of_mllib_that_cannot_be_read(spark: SparkSession, tmp_path: Path) -> None:
    inputs, labels, weights = customers(60)
    rows = vectors(spark, inputs, labels, weights)
    one_tree = DecisionTreeClassifier(maxDepth=1).fit(rows)
    classes = RandomForestClassifier(numTrees=1, maxDepth=1).fit(vectors(spark, inputs, np.arange(60) % 3, weights))
    indexed = VectorIndexer(inputCol="features", outputCol="indexed", maxCategories=7).fit(rows).transform(rows)
    categories = RandomForestClassifier(numTrees=1, maxDepth=2, featuresCol="indexed").fit(indexed)
    words = {one_tree: "DecisionTreeClassificationModel", classes: "3 classes", categories: "splits by categories"}
    for place, (model, said) in enumerate(words.items()):
        model.save(str(tmp_path / str(place)))
        with pytest.raises(ValueError, match=said):
            mllib_trees(spark, str(tmp_path / str(place)))


# ---- xgboost ----


def boosted(rounds: int = 6, data: xgboost.DMatrix | None = None, **params: Any) -> xgboost.Booster:
    inputs, labels, weights = customers()
    data = data or xgboost.DMatrix(inputs, labels, weight=weights)
    return xgboost.train({"objective": "binary:logistic", "nthread": 1, "seed": 1} | params, data, rounds)


def on_splits(booster: xgboost.Booster) -> np.ndarray:
    """Customers, and rows that stand on the thresholds, or so near that only 64 bits tell them apart."""
    inputs = customers()[0]
    splits = booster.trees_to_dataframe().query("Feature != 'Leaf'")
    rows = np.repeat(inputs[:1], 3 * len(splits), axis=0)
    for place, (feature, threshold) in enumerate(zip(splits["Feature"], splits["Split"], strict=True)):
        below = float(np.nextafter(np.float32(threshold), np.float32(-np.inf)))
        rows[3 * place : 3 * place + 3, int(feature[1:])] = threshold, threshold - 1e-12, below + 1e-12
    return np.concatenate([inputs, rows])


@pytest.mark.parametrize(
    "params",
    [
        {"max_depth": 4},
        {"tree_method": "exact", "gamma": 2.0, "subsample": 0.7},  # pruned nodes stay in the file
        {"num_parallel_tree": 2, "base_score": 0.1, "max_depth": 2},
        {"min_child_weight": 0, "reg_lambda": 0, "eta": 1.0, "max_depth": 8},  # saturated
        {"max_depth": 3, "grow_policy": "lossguide", "max_leaves": 5},
    ],
    ids=str,
)
def test_like_xgboost(params: dict[str, Any]) -> None:
    booster = boosted(**params)
    trees, rows = xgboost_trees(booster.save_raw("json")), on_splits(booster)
    data = xgboost.DMatrix(rows)
    assert trees.probability(rows) == pytest.approx(booster.predict(data), abs=1e-6)
    assert trees.margin(rows) == pytest.approx(booster.predict(data, output_margin=True), abs=1e-5)
    moved = trees.explainer(np.arange(4))(rows).moved
    if params.get("max_depth", 6) <= EXACT_LEVELS:
        theirs = booster.predict(data, pred_contribs=True)  # TreeSHAP
        assert moved == pytest.approx(theirs[:, :-1], abs=1e-5)
        assert trees.base == pytest.approx(theirs[0, -1], abs=1e-5)
    assert trees.base + moved.sum(axis=1) == pytest.approx(trees.margin(rows), abs=1e-12)


def test_xgboost_compares_in_single_precision() -> None:
    booster = boosted()
    trees, rows = xgboost_trees(booster.save_raw("json")), on_splits(booster)
    in_double = replace(trees, single_precision=False).margin(rows)
    assert np.abs(in_double - trees.margin(rows)).max() > 0.1


def test_lone_leaves_of_xgboost() -> None:
    booster = boosted(gamma=1e9)
    trees = xgboost_trees(booster.save_raw("json"))
    inputs = customers()[0]
    assert trees.probability(inputs) == pytest.approx(booster.predict(xgboost.DMatrix(inputs)), abs=1e-6)
    assert not trees.explainer(np.arange(4))(inputs).moved.any()


def test_base_score_of_older_versions_has_no_brackets() -> None:
    saved = bytes(boosted(base_score=0.25).save_raw("json"))
    assert b'"[2.5E-1]"' in saved
    inputs = customers()[0]
    older = xgboost_trees(saved.replace(b'"[2.5E-1]"', b'"2.5E-1"'))
    assert older.margin(inputs).tolist() == xgboost_trees(saved).margin(inputs).tolist()


def test_models_of_xgboost_that_cannot_be_read() -> None:
    inputs, labels, _ = customers()
    kinds = ["c", "q", "q", "q"]
    categories = xgboost.DMatrix(inputs, labels, feature_types=kinds, enable_categorical=True)
    for booster, said in [
        (boosted(booster="dart"), "dart for binary:logistic"),
        (boosted(objective="reg:squarederror"), "gbtree for reg:squarederror"),
        (boosted(data=categories), "splits by categories"),
    ]:
        with pytest.raises(ValueError, match=said):
            xgboost_trees(booster.save_raw("json"))
