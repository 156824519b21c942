"""All that the report tells, gathered once from the layers; what is not there is None."""

from dataclasses import dataclass

from pyspark.sql import SparkSession

from jobs.best import Best, best
from jobs.context import Context
from jobs.descent import Descent, descents
from jobs.drivers import Drivers, drivers
from jobs.flow import Flow, flow
from jobs.outlook import Scores, scores
from jobs.plan import Plan, plan
from jobs.quality import Quality, quality
from jobs.shift import Shift, shift
from jobs.suspects import Suspects, suspects
from jobs.titles import Titles, titles
from jobs.verdict import Verdict, verdict


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
