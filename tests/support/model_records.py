"""Records of models, baselines and the leakage audit, as `encore train` leaves them in a small data folder."""

import math
from typing import Any

from conf.learning import Audit
from conf.network import Network
from conf.schema import Label
from jobs.records.training import (
    AuditRecord,
    BaselineSection,
    BaselinesRecord,
    FittedOn,
    ModelRecord,
    NetworkSection,
    SplitSection,
    TuningSection,
)
from models.evaluation.curves import Points
from models.evaluation.explanation import FeatureImportance, PartialDependence
from models.evaluation.intervals import Interval
from models.fitting.cross_validation import Candidate
from models.leakage.audit import DecidingRegion, FeatureAudit
from models.network.checkpoint import Epoch, Throughput
from tests.support.report_records import MATURE, MEANINGS, SERVICE, around, table_basis

UNFLAGGED = "without flagged features"
SPLIT = SplitSection(
    by="customer",
    text="by customer: three in four",
    train_as_of=[MATURE],
    test_as_of=MATURE,
    unused_as_of=["2024-03-04"],
)
HITS = ("average_precision", "accuracy", "f1", "log_loss", "brier", "ks", "top_decile_lift")
BASELINES = {
    "recency": ("last_spending alone", 0.6),
    "bgnbd": ("BG/NBD, expected events", 0.61),
    "majority": ("majority class", 0.5),
}


def fitted_on(own: str, **changes: Any) -> FittedOn:
    """What a model was fitted on, its own grid among it."""
    return FittedOn(
        **{"tables": {MATURE: table_basis()}, "split": "s", "shared": "of all", "own": own, "declared": "d"} | changes
    )


def measured(auc: float, by: float, calibration_error: float) -> dict[str, Interval]:
    """All metrics; those of HITS are 0.61, 0.62 and so on."""
    others = {name: around(0.61 + number / 100, 0.05) for number, name in enumerate(HITS)}
    return {"auc": around(auc, by), "calibration_error": around(calibration_error, 0.001)} | others


def curves(hits: float) -> dict[str, Points]:
    """Curves that pass through `hits` at a half."""
    return {
        "roc": [[0.0, 0.0], [0.5, hits], [1.0, 1.0]],
        "precision_recall": [[0.5, hits], [1.0, 0.5]],
        "gains": [[0.0, 0.0], [0.5, hits], [1.0, 1.0]],
        "lift": [[0.005, 2.0], [0.5, 2 * hits], [1.0, 1.0]],
        "calibration": [[0.2, 0.25, 0.1, 0.4, 2.0], [0.8, 0.75, 0.6, 0.9, 2.0]],
    }


def model(name: str, title: str, auc: float, tuned: float, gain: Interval, **changes: Any) -> ModelRecord:
    """A model with such an AUC on the test set and in tuning; it has no weights of its own."""
    return ModelRecord(
        threshold=0.435,
        metrics={"train": measured(auc + 0.2, 0.01, 0.001), "test": measured(auc, 0.1, 0.012)},
        curves=curves(0.75),
        model=name,
        title=title,
        service="shop",
        label=Label.model_validate(SERVICE["label"]),
        split=SPLIT,
        train_rows=1234567,
        test_rows=4,
        train_positive_share=0.25,
        balance="undersample",
        calibration="isotonic",
        left_out={"visits_1d": "one value only"},
        fitted_on=fitted_on(name),
        code_version="v",
        seed=1,
        gain_over_recency=gain,
        partial_dependence=[
            dependence("visits_3d", (0.0, 0.75), (1.0, 0.5), (3.0, 0.25)),
            dependence("last_spending", (1.0, 0.5), ("not known", 0.625)),
        ],
        **{"without": [], "tuning": cross_validated(tuned), "importance": importance()} | changes,
    )


def cross_validated(auc: float) -> TuningSection:
    """Two candidates, of which the second is chosen."""
    return TuningSection(
        folds=3,
        rows=20000,
        candidates=[
            Candidate({"depth": 3, "rounds": 50}, auc - 0.01, 0.002, chosen=False),
            Candidate({"depth": 5, "rounds": 50}, auc, 0.004, chosen=True),
        ],
    )


def importance(**weights: tuple[float, float]) -> list[FeatureImportance]:
    """Permutation importance of two features, and their weights where a model has some: `coefficient=(0.75, -0.25)`."""
    permutation = {"visits_3d": around(0.125, 0.025), "last_spending": around(0.01, 0.02)}
    return [
        FeatureImportance(
            feature=name,
            meaning=MEANINGS[name],
            unit="days",
            permutation=lost,
            **{kind: weights[kind][number] if kind in weights else None for kind in ("coefficient", "tree_importance")},
        )
        for number, (name, lost) in enumerate(permutation.items())
    ]


def dependence(feature: str, *points: tuple[float | str, float]) -> PartialDependence:
    """Mean probability by value of a feature."""
    return PartialDependence(feature, MEANINGS[feature], "days", list(points))


def trees(name: str = "gbt", title: str = "boosted trees", **changes: Any) -> ModelRecord:
    """Boosted trees: the better ones in cross-validation."""
    weights = importance(tree_importance=(0.75, 0.25))
    return model(name, title, 0.7, 0.71, around(0.1, 0.05), importance=weights, **changes)


def regression() -> ModelRecord:
    """A logistic regression: the better one on the test set."""
    weights = importance(coefficient=(0.75, -0.25))
    return model("lr", "logistic regression", 0.72, 0.69, around(0.12, 0.15), importance=weights)


def twins() -> list[ModelRecord]:
    """Both models without last_spending."""
    by_trees, by_weights = importance(tree_importance=(0.75, 0.25)), importance(coefficient=(0.75, -0.25))
    without = ["last_spending"]
    return [
        model("gbt_unflagged", f"boosted trees {UNFLAGGED}", 0.6, 0.61, around(0.05, 0.02), importance=by_trees,
              without=without),
        model("lr_unflagged", f"logistic regression {UNFLAGGED}", 0.62, 0.59, around(0.02, 0.05),
              importance=by_weights, without=without),
    ]  # fmt: skip


def baselines(**changes: Any) -> BaselinesRecord:
    """The three of them."""
    sections = [
        BaselineSection(
            name=name,
            title=title,
            threshold=0.5,
            metrics={"train": measured(auc, 0.01, 0.001), "test": measured(auc, 0.1, 0.03)},
            curves=curves(0.6),
        )
        for name, (title, auc) in BASELINES.items()
    ]
    given = {"split": SPLIT, "baselines": sections, "left_out": {}, "fitted_on": fitted_on("baselines")}
    return BaselinesRecord(**given | changes)


# ---- a network ----

LOSSES = {1: (0.9, 0.7), 2: (0.5, 0.4), 3: (0.4, 0.5), 4: (0.3, 0.6)}  # in training, in validation
EPOCHS = [Epoch(number, *losses, seconds=number / 8) for number, losses in LOSSES.items()]
NETWORK = Network(
    hidden=[30, 20],
    activation="tanh",
    dropout=0.25,
    optimizer="nadam",
    learning_rate=0.01,
    schedule="cosine",
    batch=1280,
    epochs=1500,
)
THROUGHPUT = Throughput(12345.4, [3000.0, 3100.0, 3100.0, 3145.4], efficiency=0.875)


def network(twin: str = "", **changes: Any) -> ModelRecord:
    """A network that was evaluated once; its AUC then, 0.9, is not of cross-validation.

    twin: the end of the name of one that does without last_spending. changes: of how it was fitted.
    """
    params = {"hidden": "30 and 20 tanh", "dropout": 0.25, "batch": 1280}
    fit = {"declared": NETWORK, "launcher": "horovod", "ranks": 4, "epochs": EPOCHS, "best_epoch": 2}
    return model(
        f"keras{twin}",
        f"neural network {UNFLAGGED}" if twin else "neural network",
        0.65,
        0.9,
        around(0.05, 0.02),
        without=["last_spending"] if twin else [],
        tuning=TuningSection(folds=0, rows=1268, candidates=[Candidate(params, 0.9, math.nan, chosen=True)]),
        network=NetworkSection(**fit | {"throughput": THROUGHPUT} | changes),
    )


# ---- the audit ----

DECIDES = DecidingRegion(
    where="last_spending > 5",
    label=0,
    rows=1500,
    others=0,
    beside="last_spending from 4 to 5",
    beside_rows=2000,
    beside_share=0.26,
    sql="last_spending > 5",
    expected_share=0.18,
)


def alone(feature: str, auc: float, direction: Any, *flags: str, decides: DecidingRegion | None = None) -> FeatureAudit:
    """The audit of a feature alone."""
    return FeatureAudit(feature, around(auc, 0.01), direction, list(flags), decides)


def audit(*features: FeatureAudit, **changes: Any) -> AuditRecord:
    """The audit of 1,000 rows; by default nothing is flagged."""
    found = features or (alone("visits_3d", 0.65, "higher"), alone("last_spending", 0.6, "lower"))
    given = {
        "rows": 1000,
        "positive_share": 0.25,
        "limits": Audit(),
        "flagged": [one.feature for one in found if one.flags],
        "features": list(found),
        "fitted_on": fitted_on("audit"),
    }
    return AuditRecord(**given | changes)
