"""Reads the trees that Spark MLlib and xgboost save as `Trees`, whole tables at a time."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from models.arrays import Floats, Ints
from models.scoring.trees import Trees

FOREST = "org.apache.spark.ml.classification.RandomForestClassificationModel"
BOOSTED = "org.apache.spark.ml.classification.GBTClassificationModel"
NUMERIC = -1  # number of categories of a split by a threshold

# Our names of the columns of nodes that MLlib saves. The statistics of a forest's node are its weights of label 0 and
# of label 1; those of a boosted node describe the residuals, whose mean is the prediction.
NODES = {
    "tree": "treeID",
    "node": "nodeData.id",
    "left": "nodeData.leftChild",
    "right": "nodeData.rightChild",
    "feature": "nodeData.split.featureIndex",
    "threshold": "get(nodeData.split.leftCategoriesOrThreshold, 0)",
    "categories": "nodeData.split.numCategories",
}
COVER = {FOREST: "nodeData.impurityStats[0] + nodeData.impurityStats[1]", BOOSTED: "nodeData.impurityStats[0]"}
SHARE = "nodeData.impurityStats[1] / (nodeData.impurityStats[0] + nodeData.impurityStats[1])"


def mllib_trees(spark: SparkSession, folder: str) -> Trees:
    """Read the random forest or boosted trees that MLlib saved in `folder`, for two classes and numeric inputs.

    These are the three tables of `RandomForestClassificationModel.save` and `GBTClassificationModel.save`; of a
    pipeline give the folder of the stage. Either engine can read them.

    Raises:
        ValueError: another model, another number of classes, or a split by categories.
    """
    about = _metadata(spark, folder)
    is_forest = about["class"] == FOREST
    values = {"value": SHARE if is_forest else "nodeData.prediction", "cover": COVER[about["class"]]}
    nodes = _nodes(spark, folder, values)
    if (nodes["categories"] != NUMERIC).any():
        raise ValueError(f"{folder} splits by categories; only trees of numeric inputs can be read")
    roots, tree = np.unique(nodes["tree"], return_index=True)[1], nodes["tree"]
    # P = 1 / (1 + exp(-2 * margin)) in MLlib, so its margin is half the log odds.
    weight = np.full(len(roots), 1 / len(roots)) if is_forest else 2 * _tree_weights(spark, folder)
    value = nodes["value"] * weight[tree]
    return Trees(
        roots=roots,
        feature=nodes["feature"].astype(np.int32),
        threshold=np.where(nodes["feature"] >= 0, nodes["threshold"], 0.0),
        left=nodes["left"] + roots[tree],
        right=nodes["right"] + roots[tree],
        value=value,
        cover=nodes["cover"].astype(float),
        base=float(value[roots].sum()),
        terms=about["numFeatures"],
        link="share" if is_forest else "log_odds",
    )


def xgboost_trees(saved: bytes | bytearray) -> Trees:
    """Read the trees of `booster.save_raw("json")`, all rounds, for binary:logistic and numeric inputs.

    The value of an inner node is the mean of its leaves, weighted by their hessians in the fit, as in xgboost's own
    approximate contributions.

    Raises:
        ValueError: another booster or objective, or a split by categories.
    """
    learner = json.loads(saved)["learner"]
    _check_xgboost(learner)
    trees: list[dict[str, Any]] = learner["gradient_booster"]["model"]["trees"]
    counts = [len(tree["left_children"]) for tree in trees]
    roots = np.cumsum([0, *counts])[:-1]
    left, right = (_joined(trees, name).astype(np.int64) for name in ("left_children", "right_children"))
    condition = _joined(trees, "split_conditions").astype(np.float32)  # at a leaf, its prediction
    is_leaf, shift = left < 0, np.repeat(roots, counts)
    left, right = left + shift, right + shift
    cover = _joined(trees, "sum_hessian").astype(float)
    value = _with_means(condition.astype(float), cover, is_leaf, left, right, roots)
    # xgboost goes left where `input < threshold`, which is `input <= the next smaller number`.
    below = np.nextafter(condition, np.float32(-np.inf)).astype(float)
    return Trees(
        roots=roots,
        feature=np.where(is_leaf, -1, _joined(trees, "split_indices")).astype(np.int32),
        threshold=np.where(is_leaf, 0.0, below),
        left=left,
        right=right,
        value=value,
        cover=cover,
        base=_base_log_odds(learner) + float(value[roots].sum()),
        terms=int(learner["learner_model_param"]["num_feature"]),
        link="log_odds",
        single_precision=True,
    )


def _metadata(spark: SparkSession, folder: str) -> dict[str, Any]:
    """The metadata of the model."""
    line = spark.read.text(f"{folder}/metadata").first()
    about: dict[str, Any] = json.loads(line["value"]) if line else {}
    if about.get("class") not in (FOREST, BOOSTED):
        raise ValueError(f"{folder} holds {about.get('class')}, neither a random forest nor boosted trees")
    if about.get("numClasses", 2) != 2:
        raise ValueError(f"{folder} was fitted on {about['numClasses']} classes; the label must have two, 0 and 1")
    return about


def _nodes(spark: SparkSession, folder: str, values: dict[str, str]) -> dict[str, NDArray[Any]]:
    """The columns of the nodes, tree by tree; within a tree they are in the order of their ids, the root first."""
    columns = [F.expr(sql).alias(name) for name, sql in (NODES | values).items()]
    table = spark.read.parquet(f"{folder}/data").select(*columns).orderBy("tree", "node").toArrow()
    return {name: table[name].to_numpy() for name in table.column_names}


def _tree_weights(spark: SparkSession, folder: str) -> Floats:
    """(trees,) MLlib names the columns _1 (the tree), _2 and _3 (its weight)."""
    table = spark.read.parquet(f"{folder}/treesMetadata").orderBy("_1").select("_3").toArrow()
    return np.asarray(table["_3"].to_numpy())


def _check_xgboost(learner: dict[str, Any]) -> None:
    booster, objective = learner["gradient_booster"]["name"], learner["objective"]["name"]
    if (booster, objective) != ("gbtree", "binary:logistic"):
        raise ValueError(f"cannot read xgboost's {booster} for {objective}, only gbtree for binary:logistic")
    if any(any(tree["split_type"]) for tree in learner["gradient_booster"]["model"]["trees"]):
        raise ValueError("this xgboost model splits by categories; only trees of numeric inputs can be read")


def _joined(trees: list[dict[str, Any]], name: str) -> NDArray[Any]:
    return np.concatenate([np.asarray(tree[name]) for tree in trees])


def _with_means(
    value: Floats, weight: Floats, is_leaf: NDArray[np.bool_], left: Ints, right: Ints, roots: Ints
) -> Floats:
    """Values of all nodes: those of the leaves, and at inner nodes the weighted means of the children."""
    levels = [roots[~is_leaf[roots]]]
    while len(levels[-1]):
        children = np.concatenate([left[levels[-1]], right[levels[-1]]])
        levels.append(children[~is_leaf[children]])
    means = value.copy()
    for node in reversed(levels):
        children = np.stack([left[node], right[node]])
        weights = np.maximum(weight[children], np.finfo(float).tiny)  # the weight of a saturated child is 0
        means[node] = (means[children] * weights).sum(axis=0) / weights.sum(axis=0)
    return means


def _base_log_odds(learner: dict[str, Any]) -> float:
    """The log odds of `base_score`, a probability as text; from version 3 on it is in brackets."""
    probability = float(str(learner["learner_model_param"]["base_score"]).strip("[]"))
    return float(np.log(probability / (1 - probability)))
