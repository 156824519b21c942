"""All that the report shows, gathered once from the layers; what is not there is None."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pyspark.sql import SparkSession

from conf.schema import Service
from features.declared import table_features
from jobs.data_folder import DataFolder
from jobs.lineage.shown import Part
from jobs.reporting.contact_plan import ContactPlan, contact_plan
from jobs.reporting.data_quality import DataQuality, data_quality
from jobs.reporting.drift import Drift, newest_drift
from jobs.reporting.importance import FeatureImportances, feature_importances
from jobs.reporting.leakage import LeakageAudit, leakage_audit
from jobs.reporting.learning_curve import LearningCurve, learning_curves
from jobs.reporting.model_comparison import ModelComparison, compare_models
from jobs.reporting.oracle import Oracle, find_oracle
from jobs.reporting.outlook import Outlook, outlook_of
from jobs.reporting.recommendations import Recommendations, newest_recommendations
from jobs.reporting.row_counts import RowCounts, row_counts
from jobs.reporting.scores import Scores, newest_scores
from jobs.training.artifacts import ModelFolder

NOTHING: Mapping[Part, str] = MappingProxyType({})


@dataclass(frozen=True)
class Contents:
    """What the page shows: no `comparison` without a model, no `plan` without scores, and so on."""

    row_counts: RowCounts
    quality: DataQuality
    comparison: ModelComparison | None
    oracle: Oracle | None
    learning_curves: list[LearningCurve]
    audit: LeakageAudit | None
    importances: FeatureImportances | None
    outlook: Outlook
    scores: Scores | None
    plan: ContactPlan | None
    recommendations: Recommendations | None
    drift: Drift | None
    not_shown: Mapping[str, list[Part]]  # by reason

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.row_counts.steps or self.quality.archives or self.comparison or self.recommendations)


def gather(data: DataFolder, service: Service, spark: SparkSession, left_out: Mapping[Part, str] = NOTHING) -> Contents:
    """Read the records of the layers, and of the newest scores what the page shows of them.

    left_out: parts of which nothing is read, each with the reason.
    """
    models, is_modelled = ModelFolder(data.models), "models" not in left_out
    comparison = compare_models(models) if is_modelled else None
    scores = newest_scores(data, spark, service) if "scores" not in left_out else None
    return Contents(
        row_counts=row_counts(data, service),
        quality=data_quality(data, service),
        comparison=comparison,
        oracle=find_oracle(data, spark, comparison.chosen) if comparison else None,
        learning_curves=learning_curves(comparison) if comparison else [],
        audit=leakage_audit(models.audit(), table_features(service)) if is_modelled else None,
        importances=feature_importances(comparison) if comparison else None,
        outlook=scores.outlook if scores else outlook_of(service),
        scores=scores,
        plan=contact_plan(data, spark, service, scores, "titles" not in left_out) if scores else None,
        recommendations=newest_recommendations(data, service.recommender) if "titles" not in left_out else None,
        drift=newest_drift(data.drift) if "drift" not in left_out else None,
        not_shown={why: [part for part in left_out if left_out[part] == why] for why in left_out.values()},
    )
