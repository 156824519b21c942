"""`encore train`: feature tables to a fitted model, judged beside its baselines on customers it never saw."""

import json
from dataclasses import asdict
from datetime import date
from typing import Any

from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError
from features.declared import NamedFeature, table_features
from features.windows import Moment
from jobs.context import Context
from jobs.storage import beside, replace_folder, write_text
from models.evaluation import metrics, roc_curve
from models.logistic import Formula, fit_logistic, formula_of
from models.split import Split, chosen_split, train_and_test
from models.terms import linear_terms

MODEL = "lr"
Result = dict[str, Any]


def train(context: Context, spark: SparkSession) -> Result:
    """Fit the logistic regression and write `models/lr/`: the pipeline, its formula, metrics and test scores.

    A model that was fitted on the same tables with the same declarations is left as it is.

    Returns:
        What `metrics.json` holds.

    Raises:
        InputError: no as-of date has mature labels, or all labels are the same.
    """
    layer = context.features
    records = layer.records()
    moments = [Moment.at(date.fromisoformat(day), context.service.windows) for day in records]
    mature = [moment for moment in moments if records[str(moment.as_of)]["label_status"] == "mature"]
    if not mature:
        raise InputError(
            f"{layer.root}: no as-of date has mature labels, and a model learns from nothing else; "
            f"run `encore features` with an --as-of at least {moments[0].outcome.days if moments else 'an outcome of'} "
            f"days before the end of the logs"
        )
    split = chosen_split(mature)
    fitted_on = {day: records[day]["basis"] for day in map(str, (*split.train, split.test))}
    done = trained(context)
    if done and done["fitted_on"] == fitted_on:
        return done
    table = layer.read(spark, sorted({str(day) for day in (*split.train, split.test)}))
    rows, held_out = train_and_test(table, split)
    rows, held_out = rows.cache(), held_out.cache()
    _refuse_one_class(rows, held_out, context, split)

    declared = table_features(context.service)
    model, formula = _fit(rows, declared)
    recency = [feature for feature in declared if feature.name == context.service.recency_feature]
    _, recency_formula = _fit(rows, recency)
    ((rate,),) = rows.agg(F.avg("label")).collect()
    candidates = {
        ("logistic regression", "model"): formula.probability(),
        (f"{context.service.recency_feature} alone", "baseline"): recency_formula.probability(),
        ("majority class", "baseline"): F.lit(rate),
    }
    judged = [
        _judged(name, role, held_out.withColumn("probability", probability))
        for (name, role), probability in candidates.items()
    ]
    result: Result = {
        "service": context.service_name,
        "label": context.service.label.model_dump(),
        "split": str(split),
        "train_as_of": [str(day) for day in split.train],
        "test_as_of": str(split.test),
        "unused_as_of": [str(day) for day in split.unused],
        "train_rows": rows.count(),
        "train_positive_share": rate,
        "models": judged,
        "strongest": _strongest(formula, declared),
        "fitted_on": fitted_on,
    }
    _write(context, model, formula, result, held_out)
    rows.unpersist()
    held_out.unpersist()
    return result


def trained(context: Context) -> Result | None:
    """What `metrics.json` of the trained model holds, None where there is no model."""
    path = context.models / MODEL / "metrics.json"
    if not path.is_file():
        return None
    result: Result = json.loads(path.read_text(encoding="utf-8"))
    return result


def _refuse_one_class(rows: DataFrame, held_out: DataFrame, context: Context, split: Split) -> None:
    for side, part in {"training": rows, "test": held_out}.items():
        labels = {row["label"]: row["count"] for row in part.groupBy("label").count().collect()}
        if len(labels) < 2:
            only = f"all {sum(labels.values())} rows have label {next(iter(labels))}" if labels else "there are no rows"
            raise InputError(
                f"{context.features.root}: in the {side} part {only} ({split}), so there is nothing to tell apart; "
                f"take more customers or another --as-of"
            )


def _fit(rows: DataFrame, features: list[NamedFeature]) -> tuple[PipelineModel, Formula]:
    terms = linear_terms(features)
    model = fit_logistic(rows, terms)
    return model, formula_of(model, terms)


def _judged(name: str, role: str, scored: DataFrame) -> Result:
    return {"name": name, "role": role, **asdict(metrics(scored)), "roc": roc_curve(scored)}


def _strongest(formula: Formula, declared: list[NamedFeature], most: int = 10) -> list[Result]:
    """The terms that move the score most: weights are per standard deviation."""
    about = {feature.name: feature.about for feature in declared}
    ranked = sorted(formula.terms, key=lambda term: -abs(term.weight))[:most]
    return [{"term": t.name, "feature": t.feature, "meaning": about[t.feature], "weight": t.weight} for t in ranked]


def _write(context: Context, model: PipelineModel, formula: Formula, result: Result, held_out: DataFrame) -> None:
    target = context.models / MODEL
    with beside(target) as folder:
        new = folder / MODEL
        model.write().overwrite().save(f"file:{(new / 'pipeline').absolute()}")
        scored = held_out.withColumn("probability", formula.probability())
        scored.select("customer_id", "as_of", "label", "probability").write.parquet(str(new / "test_scores"))
        write_text(new / "formula.json", json.dumps(formula.to_json(), indent=1))
        write_text(new / "metrics.json", json.dumps(result, indent=1))
        replace_folder(new, target)
