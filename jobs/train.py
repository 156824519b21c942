"""`encore train`: fit models and evaluate them beside baselines, on customers that none of them was fitted on."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from collections.abc import Sequence

from pyspark.sql import SparkSession

from jobs.console.options import (
    DATA,
    PROFILE,
    DataOption,
    GapOption,
    ModelsOption,
    ObservationOption,
    OutcomeOption,
    ProfileOption,
    SeedOption,
    ServiceOption,
    SplitOption,
    kinds_of,
    lengths,
)
from jobs.console.progress import say
from jobs.console.session import open_context, working
from jobs.context import Context
from jobs.records.progress import OnProgress, StepCounter
from jobs.records.training import ChosenRecord, ModelRecord
from jobs.training.artifacts import ModelFolder
from jobs.training.dataset import LabelledRows, split_tables, table_days
from jobs.training.feature_tables import FeatureTables
from jobs.training.fitter import Fitter
from jobs.training.leakage import audit_leakage
from jobs.training.mllib import MllibFitter
from jobs.training.run import TrainingRun
from jobs.training.selection import choosable, reason
from jobs.training.variants import UNFLAGGED, ModelVariant, model_variants
from models.evaluation.intervals import Interval
from models.fitting.kinds import KINDS
from models.fitting.split import Split
from models.network.job import NETWORK

EXAMPLE = "encore train --data /data/music --model lr --model gbt"
MLLIB = MllibFitter()


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    observation_days: ObservationOption = None,
    outcome_days: OutcomeOption = None,
    gap_days: GapOption = None,
    model: ModelsOption = None,
    split: SplitOption = None,
    seed: SeedOption = None,
    profile: ProfileOption = PROFILE,
) -> None:
    """Fit models and evaluate them beside baselines, on customers that none of them was fitted on.

    Training always runs on Spark, since it uses MLlib.
    """
    windows = lengths(observation_days, outcome_days, gap_days)
    context = open_context(
        data, service, profile, "spark", {"training": {"split": split, "seed": seed}}, windows=windows
    )
    with working("train", context) as (spark, step):
        records = train(context, spark, kinds_of(model), step.update)
        step.done(records[0].split.text)
    say_results(ModelFolder(context.data.models), records)


def train(
    context: Context,
    spark: SparkSession,
    kinds: Sequence[str],
    on_progress: OnProgress = lambda done, total, what: None,
    fitter: Fitter = MLLIB,
) -> list[ModelRecord]:
    """Fit models, by default of KINDS: `models/<name>/`, with `baselines/`, `audit.json` and `chosen.json` beside them.

    Where the audit flags features, each model is fitted a second time without them, as `models/<name>_unflagged/`;
    twins of an earlier audit that flagged others are removed. A model that was fitted on the same tables with the same
    declarations is left as it is.

    Returns:
        The records of these models.

    Raises:
        InputError: no as-of date has mature labels, a table is out of date, or there are too few rows of a label to
            learn from.
    """
    tables, models, steps = context.tables, ModelFolder(context.data.models), StepCounter(on_progress)
    rows = LabelledRows(tables, spark, split_tables(tables))
    context.lineage.require_tables(table_days(rows.split))
    steps.tick("leakage audit", steps=0)
    flagged = audit_leakage(models, rows).flagged
    variants = model_variants(kinds, flagged, context.service)
    stale = [one for one in variants if not _is_fitted(models, tables, rows.split, one)]
    TrainingRun(context.data, rows, context.service_name, fitter, steps).fit(stale)
    models.write_chosen(_choose(models, tables, rows.split, flagged))
    _remove_stale_twins(models, flagged)
    return [models.record(one.name) for one in variants]


def summary(records: Sequence[ModelRecord]) -> str:
    """How good the models are, in a line."""
    return ", ".join(f"{one.title}: AUC {one.metrics['test']['auc'].value:.3f}" for one in records)


def say_results(models: ModelFolder, records: Sequence[ModelRecord]) -> None:
    """Print a line for each model, and a warning where the audit flags features."""
    for record in records:
        say(f"{record.title:<22} {_first_metrics(record.metrics['test'])}")
    audit = models.audit()
    if audit and audit.flagged:
        say(f"the leakage audit flags {', '.join(audit.flagged)}: do not trust a model that uses them; see the report")


def _first_metrics(metrics: dict[str, Interval]) -> str:
    """The main metrics, on one line."""
    auc, lift, error = (metrics[name] for name in ("auc", "top_decile_lift", "calibration_error"))
    return (
        f"AUC {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f})  "
        f"lift in the top tenth {lift.value:.2f}  calibration error {error.value:.3f}"
    )


def _is_fitted(models: ModelFolder, tables: FeatureTables, split: Split, one: ModelVariant) -> bool:
    known = models.readable(ModelRecord, one.name)
    return known is not None and known.fitted_on == one.fitted_on(tables, split)


def _remove_stale_twins(models: ModelFolder, flagged: Sequence[str]) -> None:
    """Remove models fitted without other features than those flagged now; the report would trust them."""
    for name in models.names():
        if name.endswith(UNFLAGGED):
            known = models.readable(ModelRecord, name)
            if known is None or known.without != list(flagged):
                models.remove(name)


def _choose(models: ModelFolder, tables: FeatureTables, split: Split, flagged: Sequence[str]) -> ChosenRecord:
    """Of the models that were fitted on these tables and may be chosen, the one with the highest AUC in tuning."""
    known = model_variants([*KINDS, NETWORK], flagged, tables.service)
    fitted = [one for one in known if _is_fitted(models, tables, split, one)]
    auc = {one: models.record(one.name).tuning.auc for one in choosable(fitted)}
    best = max(auc, key=lambda one: auc[one])
    others = ", ".join(f"{one.title} {value:.4f}" for one, value in auc.items())
    return ChosenRecord(model=best.name, why=f"{reason(best.kind)} ({others})")
