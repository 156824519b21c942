"""What reasons are made of: the typical customer as training stored it, and what the service says of features."""

from collections.abc import Iterable

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.schema import Service
from features.declared import NamedFeature, table_features
from jobs.data_folder import DataFolder
from jobs.records.training import TypicalRecord
from jobs.training.artifacts import ModelFolder
from models.scoring.portable import PortableModel
from models.scoring.reason_codes import MAX_REASONS, ReasonCodes, TermFact
from models.scoring.sentences import Fact, reasons_in_words

# Kinds of which null is a fact of the same family: nothing was seen, no rating given. An unknown trend is no trend.
NULL_IS_A_FACT = ("days", "rating")


def reason_codes(service: Service, model: PortableModel, typical: TypicalRecord) -> ReasonCodes:
    """How the reasons for a model's scores are found."""
    features = {one.name: one for one in table_features(service)}
    nameable = _nameable(features[name] for name in model.features)
    terms = []
    for one in model.inputs:
        feature, known = features[one.feature], typical.terms[one.name]
        is_fact = one.name != f"{one.feature}_is_missing" or feature.kind in NULL_IS_A_FACT
        pull = known.pull if one.feature in nameable and is_fact else 0.0
        terms.append(TermFact(feature.family, one.feature, known.typical, pull, known.least, one.fill))
    return ReasonCodes(tuple(terms))


def facts(service: Service, typical: TypicalRecord) -> dict[str, Fact]:
    """How each feature is said in a reason."""
    return {
        one.name: Fact(
            one.says or _meaning(one),
            one.kind,
            one.unit,
            one.null_means,
            typical.features[one.name],
        )
        for one in table_features(service)
        if one.name in typical.features
    }


def with_words(
    scored: DataFrame, data: DataFolder, spark: SparkSession, service: Service, day: str, model: str
) -> DataFrame:
    """Scores of a day with `reason_1_words` and so on, null where the table of the day or the model is gone."""
    models = ModelFolder(data.models)
    if not data.features.has_rows([day]) or model not in models.names():
        gone = F.lit(None).cast("string")
        return scored.withColumns({f"reason_{rank}_words": gone for rank in range(1, MAX_REASONS + 1)})
    # Only the table of the day is read: those of other days may be made by other declarations, with other columns.
    table = spark.read.parquet(str(data.features.verified(day)))
    return reasons_in_words(scored, table, facts(service, models.typical(model)))


def _meaning(feature: NamedFeature) -> str:
    """The meaning of a feature as `says`; braces would be places."""
    about = feature.about.partition(" (")[0].replace("{", "(").replace("}", ")")
    return f"{about}: {{percent}}" if feature.kind == "share" else f"{about}: {{value}}"


def _nameable(features: Iterable[NamedFeature]) -> set[str]:
    """The features that say something; in a family where none does, all of them."""
    some = list(features)
    speaking = {one.family for one in some if one.says}
    return {one.name for one in some if one.says or one.family not in speaking}
