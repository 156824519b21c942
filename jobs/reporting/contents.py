"""All that the report tells, gathered once from the layers; what is not there is None."""

from dataclasses import dataclass

from pyspark.sql import SparkSession

from jobs.context import Context
from jobs.reporting.contact_plan import Plan, plan
from jobs.reporting.data_quality import Quality, quality
from jobs.reporting.drift import Shift, shift
from jobs.reporting.importance import Drivers, drivers
from jobs.reporting.leakage import Suspects, suspects
from jobs.reporting.learning_curve import Descent, descents
from jobs.reporting.model_comparison import Verdict, verdict
from jobs.reporting.oracle import Best, best
from jobs.reporting.recommendations import Titles, titles
from jobs.reporting.row_counts import Flow, flow
from jobs.reporting.scores import Scores, scores


@dataclass(frozen=True)
class Findings:
    """What the page tells: no `verdict` without a model, no `plan` without scores, and so on."""

    flow: Flow
    quality: Quality
    verdict: Verdict | None
    best: Best | None
    descents: list[Descent]
    suspects: Suspects | None
    drivers: Drivers | None
    scores: Scores | None
    plan: Plan | None
    titles: Titles | None
    shift: Shift | None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.flow.steps or self.quality.archives or self.verdict or self.titles)


def findings(context: Context, spark: SparkSession) -> Findings:
    """Read the records of the layers, and of the newest scores what the page shows of them."""
    judged, scored = verdict(context), scores(context, spark)
    return Findings(
        flow=flow(context),
        quality=quality(context),
        verdict=judged,
        best=best(context, spark, judged.chosen) if judged else None,
        descents=descents(judged) if judged else [],
        suspects=suspects(context),
        drivers=drivers(judged) if judged else None,
        scores=scored,
        plan=plan(context, spark, scored) if scored else None,
        titles=titles(context),
        shift=shift(context),
    )
