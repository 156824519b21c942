"""Models of each kind from rows to plain data: the same as Spark's, the same twice, and no better than they are."""

import json
import pkgutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sklearn.metrics import roc_auc_score

from conf.learning import Grids, LogisticGrid
from jobs.engine import engine as started
from models.fitting import kinds
from models.fitting.cross_validation import cross_validate
from models.fitting.fit import FittedModel, constant_model, fit_logistic, fit_model, make_training_set
from models.fitting.kinds import KINDS, parameter_grid
from models.fitting.split import fold, is_for_calibration
from models.scoring.portable import PortableModel, score_table
from tests.support.customers import ALL, CONSTANT, QUICK, VISITS, customers, saving, table
from tests.support.engines import SMALL

OTHERS = customers(440)[400:]
OTHERS[3] |= {"visits": 10**9, "device": "mc", "age": None}


def fitted(spark: SparkSession, name: str, folder: Path, **how: object) -> FittedModel:
    return fitted_on(table(spark, customers()), name, folder, **how)


def fitted_on(rows: DataFrame, name: str, folder: Path, **how: object) -> FittedModel:
    training = QUICK.model_copy(update=how)
    part = make_training_set(rows, ALL, training)
    try:
        return fit_model(name, part, training, saving(folder))
    finally:
        part.prepared.unpersist()


def probabilities(spark: SparkSession, plain: PortableModel, rows: list) -> dict[int, float]:
    found = score_table(table(spark, rows), {"probability": plain}, ["customer_id"]).collect()
    return {row["customer_id"]: row["probability"] for row in found}


def with_probability(transformed: DataFrame) -> DataFrame:
    """The column `p`, P(label = 1); where the library gives a margin alone, its logistic function."""
    if "probability" in transformed.columns:
        return transformed.withColumn("p", vector_to_array(F.col("probability"))[1])
    return transformed.withColumn("p", 1 / (1 + F.exp(-vector_to_array(F.col("rawPrediction"))[1])))


@pytest.mark.parametrize("name", KINDS)
def test_plain_data_on_either_engine_is_what_the_saved_pipeline_computes(
    spark: SparkSession, name: str, tmp_path: Path
) -> None:
    """Nulls, a level never seen in training and values far off included."""
    plain = fitted(spark, name, tmp_path / "pipeline").portable
    pipeline = PipelineModel.load(f"file:{tmp_path / 'pipeline'}")
    transformed = with_probability(pipeline.transform(table(spark, OTHERS)))
    expected = {row["customer_id"]: row["p"] for row in transformed.select("customer_id", "p").collect()}
    assert len(expected) == 40 and max(expected.values()) > min(expected.values()) + 0.2
    tolerance = 1e-6 if name == "xgb" else 1e-12  # xgboost adds up in single precision
    again = PortableModel.from_json(json.loads(json.dumps(plain.to_json())))
    assert probabilities(spark, again, OTHERS) == pytest.approx(expected, abs=tolerance)
    with started("sail", SMALL) as sail:
        assert probabilities(sail, plain, OTHERS) == pytest.approx(expected, abs=tolerance)


def test_each_kind_is_a_module_and_a_declared_grid() -> None:
    assert {module.name for module in pkgutil.iter_modules(kinds.__path__)} == set(Grids.model_fields)
    assert list(KINDS) == list(Grids.model_fields)


@pytest.mark.parametrize("name", ["rf", "xgb"])
def test_the_same_seed_gives_the_same_model(spark: SparkSession, name: str) -> None:
    kind, part = KINDS[name], make_training_set(table(spark, customers()), ALL, QUICK)
    [params] = parameter_grid(name, QUICK.grids)
    first, second = (kind.fit(part.prepared, params, seed=1).stages for _ in range(2))
    part.prepared.unpersist()
    if name == "rf":
        assert first[-1].toDebugString.partition("\n")[2] == second[-1].toDebugString.partition("\n")[2]
    else:
        assert first[-1].get_booster().get_dump() == second[-1].get_booster().get_dump()


def test_how_rows_lie_says_nothing(spark: SparkSession, tmp_path: Path) -> None:
    """Written by another engine, on more cores or in another order, they give the same forest."""
    rows = table(spark, customers())
    others = rows.orderBy(F.desc("customer_id")).repartition(5)
    first, second = (fitted_on(one, "rf", tmp_path / "saved").portable for one in (rows, others))
    found = [probabilities(spark, plain, OTHERS) for plain in (first, second)]
    assert found[0] == pytest.approx(found[1], abs=1e-9)
    assert len(set(found[0].values())) > 5


def test_another_seed_gives_another_forest(spark: SparkSession, tmp_path: Path) -> None:
    first, second = (fitted(spark, "rf", tmp_path / str(seed), seed=seed).portable.to_json() for seed in (1, 2))
    assert first != second


def test_cross_validation_chooses_and_is_honest(spark: SparkSession) -> None:
    """Against scikit-learn's AUC of the same folds, fitted and judged apart."""
    part = make_training_set(table(spark, customers()), ALL, QUICK)
    ticks: list[int] = []
    found = cross_validate(
        part.prepared,
        KINDS["lr"],
        parameter_grid("lr", Grids(lr=LogisticGrid(regularisation=[1e-3, 10.0]))),
        3,
        1,
        lambda: ticks.append(1),
    )
    assert len(ticks) == 6
    assert [one.params["regularisation"] for one in found] == [1e-3, 10.0]
    assert [one.chosen for one in found] == [True, False] and found[0].auc > found[1].auc
    numbered = part.prepared.withColumn("fold", fold(F.col("customer_id"), 3)).cache()
    by_hand = []
    for judge in range(3):
        model = KINDS["lr"].fit(numbered.where(F.col("fold") != judge), found[0].params, 1)
        rows = model.transform(numbered.where(F.col("fold") == judge)).select("label", "probability").collect()
        by_hand.append(roc_auc_score([row["label"] for row in rows], [row["probability"][1] for row in rows]))
    assert found[0].auc == pytest.approx(np.mean(by_hand), abs=1e-9)
    assert found[0].deviation == pytest.approx(np.std(by_hand, ddof=1), abs=1e-9)


@pytest.mark.parametrize("balance", ["weights", "undersample"])
def test_balanced_probabilities_are_calibrated_on_customers_kept_for_it(
    spark: SparkSession, balance: str, tmp_path: Path
) -> None:
    """One in ten: without calibration, balanced models would say about one in two."""
    rows = [row | {"label": int(row["visits"] == 12 and row["customer_id"] % 4 < 3)} for row in customers(2_000)]
    share = sum(row["label"] for row in rows) / len(rows)
    assert 0.05 < share < 0.07
    raw = QUICK.model_copy(update={"balance": balance, "calibrate": "none"})
    means = {}
    for how in (raw, QUICK.model_copy(update={"balance": balance})):
        part = make_training_set(table(spark, rows), [ALL[3]], how)  # the device, which says little
        plain = fit_model("lr", part, how, saving(tmp_path / how.calibrate)).portable
        means[how.calibrate] = np.mean(list(probabilities(spark, plain, rows).values()))
        kept = 2_000 if how.calibrate == "none" else 1_600
        positives = share * kept
        assert part.rows == pytest.approx(kept if balance == "weights" else 2 * positives, abs=80)
    assert means["none"] > 0.4
    assert means["auto"] == pytest.approx(share, abs=0.02)


def test_cross_validation_of_a_rare_label_sees_enough_of_it(spark: SparkSession, tmp_path: Path) -> None:
    """Of 4,000 rows 1 in 13 is positive: 500 in 3,250 would be 38 of them, too few to choose by."""
    rows = [row | {"label": int(row["visits"] == 12)} for row in customers(4_000)]
    how = QUICK.model_copy(update={"tuning_rows": 500})
    part = make_training_set(table(spark, rows), ALL[1:], how)
    assert fit_model("lr", part, how, saving(tmp_path)).tuning.rows == 4_000
    even = [row | {"label": row["customer_id"] % 2} for row in customers(4_000)]
    part = make_training_set(table(spark, even), ALL, how)
    assert fit_model("lr", part, how, saving(tmp_path)).tuning.rows == 1_000


def test_calibration_needs_both_labels(spark: SparkSession) -> None:
    rows = table(spark, customers()).withColumn(
        "label", F.when(is_for_calibration(F.col("customer_id")), 0).otherwise(F.col("label"))
    )
    with pytest.raises(ValueError, match="kept for calibration do not have both labels"):
        make_training_set(rows, ALL, QUICK.model_copy(update={"calibrate": "platt"}))


def test_the_rule_of_one_feature_is_its_logistic_regression(spark: SparkSession) -> None:
    rows = table(spark, customers())
    found = fit_logistic(rows, [VISITS], QUICK)
    assert found.features == ["visits"]
    by_visits = {row["visits"]: row["probability"] for row in
                 score_table(rows, {"probability": found}, ["visits"]).collect()}  # fmt: skip
    assert list(dict(sorted(by_visits.items())).values()) == sorted(by_visits.values())
    mean = np.mean([by_visits[row["visits"]] for row in customers()])
    assert mean == pytest.approx(np.mean([row["label"] for row in customers()]), abs=1e-4)


def test_the_rule_of_a_constant_is_the_share_of_the_label(spark: SparkSession) -> None:
    rows = customers()
    share = np.mean([row["label"] for row in rows])
    for model in (fit_logistic(table(spark, rows), [CONSTANT], QUICK), constant_model(float(share))):
        assert list(probabilities(spark, model, rows[:3]).values()) == pytest.approx([share] * 3)


def test_a_plain_copy_that_scores_otherwise_is_refused(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the comparison that every training makes."""
    halved = lambda *fitted: replace(right := KINDS["gbt"].scorer(*fitted), value=right.value / 2)  # noqa: E731
    monkeypatch.setitem(KINDS, "rf", replace(KINDS["gbt"], scorer=halved, title="broken"))
    quick = QUICK.model_copy(update={"grids": QUICK.grids.model_copy(update={"rf": QUICK.grids.gbt})})
    with pytest.raises(RuntimeError, match="gives other probabilities than its pipeline"):
        fitted(spark, "rf", tmp_path, grids=quick.grids)
