"""`encore train`: feature tables to fitted models, judged beside baselines on rows that none of them was fitted on."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from collections.abc import Sequence

from pyspark.sql import SparkSession

from jobs.context import Context
from jobs.storage.layer import published, remove_folder
from jobs.training.artifacts import CHOSEN, Result, find_result, model_result, write_json
from jobs.training.dataset import split_of
from jobs.training.leakage import current_audit
from jobs.training.mllib import Grids
from jobs.training.run import Course, Fitting, Watch
from jobs.training.selection import choosable, reason
from jobs.training.variants import UNFLAGGED, Wanted, basis_of, wanted
from models.fitting.kinds import KINDS
from models.fitting.split import Split
from models.network.job import NETWORK

GRIDS = Grids()


def train(
    context: Context,
    spark: SparkSession,
    names: Sequence[str],
    watch: Watch = lambda done, total, what: None,
    fitting: Fitting = GRIDS,
) -> list[Result]:
    """Fit models, by default of KINDS: `models/<name>/`, with `baselines/`, `audit.json` and `chosen.json` beside them.

    Where the audit flags features, each model is fitted a second time without them, as `models/<name>_unflagged/`;
    twins of an earlier audit that flagged others are removed. A model that was fitted on the same tables with the same
    declarations is left as it is.

    Returns:
        What `metrics.json` of each of these models holds.

    Raises:
        InputError: no as-of date has mature labels, or there are too few rows of a label to learn from.
    """
    split = split_of(context)
    course = Course(context, spark, split, watch, fitting)
    flagged = (current_audit(context, split) or course.audit())["flagged"]
    asked = wanted(names, flagged, context.service)
    course.fit([one for one in asked if not _is_fitted(context, split, one)])
    write_json(context.data.models / CHOSEN, _choice(context, split, flagged))
    _remove_left_over(context, flagged)
    return [model_result(context, one.name) for one in asked]


def _is_fitted(context: Context, split: Split, one: Wanted) -> bool:
    return (find_result(context, one.name) or {}).get("fitted_on") == basis_of(context, split, one)


def _remove_left_over(context: Context, flagged: Sequence[str]) -> None:
    """Remove the twins that do without other features than those flagged now: the page would believe them."""
    for twin in published(context.data.models):
        if not twin.name.endswith(UNFLAGGED):
            continue
        if (find_result(context, twin.name) or {}).get("without") != list(flagged):
            remove_folder(twin)


def _choice(context: Context, split: Split, flagged: Sequence[str]) -> Result:
    """Of the models that were fitted on these tables and may be chosen, the one with the highest AUC in tuning."""
    known = wanted([*KINDS, NETWORK], flagged, context.service)
    fitted = [one for one in known if _is_fitted(context, split, one)]
    auc = {one: _tuned_auc(model_result(context, one.name)) for one in choosable(fitted)}
    best = max(auc, key=lambda one: auc[one])
    others = ", ".join(f"{one.title} {value:.4f}" for one, value in auc.items())
    return {"model": best.name, "why": f"{reason(best.kind)} ({others})"}


def _tuned_auc(result: Result) -> float:
    chosen: list[float] = [one["auc"] for one in result["tuning"]["candidates"] if one["chosen"]]
    return max(chosen)
