"""Preprocessing: from a feature table to the matrix that models are fitted on, by stages fitted on the training set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.declared import NamedFeature
from models.fitting.encoding import Term, terms_of
from models.scoring.inputs import Input

if TYPE_CHECKING:
    from pyspark.ml import PipelineModel

KEYS = ("customer_id", "as_of", "label")
INPUTS = "inputs"


@dataclass(frozen=True)
class Preprocessing:
    """The fitted stages, the same as portable inputs, and by feature the reason why it was left out."""

    stages: PipelineModel
    inputs: tuple[Input, ...]
    left_out: Mapping[str, str]

    def transform(self, rows: DataFrame) -> DataFrame:
        """The keys of the rows, and their vector `inputs`."""
        return self.stages.transform(rows).select(*KEYS, INPUTS)


def fit_preprocessing(train: DataFrame, features: Sequence[NamedFeature]) -> Preprocessing:
    """Impute each term by its mean in `train`, add an indicator, and assemble all terms into a vector.

    A term that is constant in the training rows is left out; so is a term that is always null.

    Raises:
        ValueError: no feature has two values.
    """
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import Imputer, SQLTransformer, VectorAssembler

    terms = terms_of(list(features))
    spread = _spread(train, terms) if terms else {}
    used = [term for term in terms if spread[term.name] == "varies"]
    if not used:
        raise ValueError("every feature is the same in all rows")
    nullable = [term.name for term in used if term.is_nullable]
    statement = ", ".join([*KEYS, *(f"{term.sql} as {term.name}" for term in used)])
    stages: list[Any] = [
        SQLTransformer(statement=f"select {statement} from __THIS__"),
        *([Imputer(inputCols=nullable, outputCols=nullable)] if nullable else []),
        VectorAssembler(inputCols=[term.name for term in used], outputCol=INPUTS),
    ]
    fitted = Pipeline(stages=stages).fit(train)
    fills = _fills(fitted)
    inputs = tuple(Input(term.name, term.feature, term.sql, fills.get(term.name)) for term in used)
    return Preprocessing(fitted, inputs, _left_out(terms, used, spread))


def _spread(train: DataFrame, terms: Sequence[Term]) -> dict[str, str]:
    """Whether each term varies in the training set, by one aggregation."""
    least = [F.min(F.expr(term.sql)).alias(f"least_{number}") for number, term in enumerate(terms)]
    most = [F.max(F.expr(term.sql)).alias(f"most_{number}") for number, term in enumerate(terms)]
    row = train.agg(*least, *most).first()
    assert row is not None  # an aggregation without keys always has its one row
    return {term.name: _how(row[f"least_{number}"], row[f"most_{number}"]) for number, term in enumerate(terms)}


def _how(least: float | None, most: float | None) -> str:
    if least is None or most is None:
        return "never known in training"
    return "varies" if least < most else "the same for everybody in training"


def _left_out(terms: Sequence[Term], used: Sequence[Term], spread: Mapping[str, str]) -> dict[str, str]:
    """By feature without a term in the model, the reason why."""
    kept = {term.feature for term in used}
    return {term.feature: spread[term.name] for term in reversed(terms) if term.feature not in kept}


def _fills(fitted: PipelineModel) -> dict[str, float]:
    from pyspark.ml.feature import ImputerModel

    imputers = [stage for stage in fitted.stages if isinstance(stage, ImputerModel)]
    rows = [row for imputer in imputers for row in imputer.surrogateDF.collect()]
    return {name: float(value) for row in rows for name, value in row.asDict().items()}
