"""Standardised logistic regression of Spark MLlib, and the same model as a formula that any engine can compute."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import Imputer, ImputerModel, SQLTransformer, StandardScaler, VectorAssembler
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from models.terms import Term

REGULARISATION = 1e-3


@dataclass(frozen=True)
class FittedTerm:
    """A term with what training found: its value is `(coalesce(sql, fill) - mean) / deviation * weight`."""

    name: str
    feature: str
    sql: str
    fill: float | None
    mean: float
    deviation: float
    weight: float


@dataclass(frozen=True)
class Formula:
    """A logistic model as plain numbers. `weight` is per standard deviation, so weights can be compared."""

    intercept: float
    terms: tuple[FittedTerm, ...]

    def probability(self) -> Column:
        """The probability of label 1 as a column of a feature table."""
        parts = [F.lit(self.intercept), *(_part(term) for term in self.terms if term.weight and term.deviation)]
        return F.lit(1.0) / (F.lit(1.0) + F.exp(-_balanced_sum(parts)))

    def to_json(self) -> dict[str, Any]:
        """Plain data, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Formula":
        """The formula of `to_json`."""
        return cls(data["intercept"], tuple(FittedTerm(**term) for term in data["terms"]))


def fit_logistic(train: DataFrame, terms: Sequence[Term]) -> PipelineModel:
    """Fit on rows with `label` (0 or 1, both present) and the features that the terms read."""
    names = [term.name for term in terms]
    empty = _never_known(train, [term for term in terms if term.is_nullable])
    nullable = [term.name for term in terms if term.is_nullable and term.name not in empty]
    # What nobody has cannot be imputed from anybody, and says nothing: a constant, which gets no weight.
    values = {term.name: f"coalesce({term.sql}, 0.0D)" if term.name in empty else term.sql for term in terms}
    inputs = ", ".join(f"{value} as {name}" for name, value in values.items())
    stages: list[Any] = [
        SQLTransformer(statement=f"select customer_id, as_of, label, {inputs} from __THIS__"),
        *([Imputer(inputCols=nullable, outputCols=nullable)] if nullable else []),
        VectorAssembler(inputCols=names, outputCol="inputs"),
        StandardScaler(inputCol="inputs", outputCol="features", withMean=True, withStd=True),
        LogisticRegression(regParam=REGULARISATION, standardization=False, maxIter=200),
    ]
    return Pipeline(stages=stages).fit(train)


def _never_known(train: DataFrame, nullable: Sequence[Term]) -> set[str]:
    """Names of the terms that are null in every row."""
    counts = train.agg(*(F.count(F.expr(term.sql)).alias(term.name) for term in nullable)).collect() if nullable else []
    return {name for row in counts for name, count in row.asDict().items() if not count}


def formula_of(model: PipelineModel, terms: Sequence[Term]) -> Formula:
    """The fitted model of `fit_logistic` as a formula of the same terms."""
    stages: list[Any] = model.stages
    *_, scaler, regression = stages
    fills = _fills(model)
    fitted = [
        FittedTerm(
            term.name,
            term.feature,
            term.sql,
            fills.get(term.name),
            float(mean),
            float(deviation),
            float(weight),
        )
        for term, mean, deviation, weight in zip(terms, scaler.mean, scaler.std, regression.coefficients, strict=True)
    ]
    return Formula(float(regression.intercept), tuple(fitted))


def _part(term: FittedTerm) -> Column:
    value = F.expr(term.sql) if term.fill is None else F.coalesce(F.expr(term.sql), F.lit(term.fill))
    return (value - F.lit(term.mean)) * F.lit(term.weight / term.deviation)


def _balanced_sum(parts: Sequence[Column]) -> Column:
    """The sum as a balanced tree: a chain of so many terms would be nested deeper than Spark Connect takes."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return _balanced_sum(parts[:middle]) + _balanced_sum(parts[middle:])


def _fills(model: PipelineModel) -> dict[str, float]:
    imputers = [stage for stage in model.stages if isinstance(stage, ImputerModel)]
    rows = [row for imputer in imputers for row in imputer.surrogateDF.collect()]
    return {name: float(value) for row in rows for name, value in row.asDict().items()}
