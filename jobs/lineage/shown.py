"""Whether what the report shows is up to date."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Literal

from conf.errors import InputError
from conf.load import fingerprint
from jobs.lineage.bases import title_days_bases
from jobs.lineage.walk import Lineage, StaleError, differing
from jobs.recommending.fitted import find_fitted
from jobs.recommending.sources import logged_basis
from jobs.records.drift import DriftBasis
from jobs.records.layers import InteractionsBasis
from jobs.training.artifacts import ModelFolder

Part = Literal["models", "scores", "drift", "titles"]  # of the page, beside what it tells about the data


def stale_parts(lineage: Lineage) -> dict[Part, InputError]:
    """The parts of the report that are out of date, each with the error that names what is to be done."""
    found: dict[Part, InputError] = {}
    for part, require in REQUIRED.items():
        try:
            require(lineage)
        except InputError as error:
            found[part] = error
    return found


def _require_models(lineage: Lineage) -> None:
    """The layers of the logs are up to date, and the newest table and the chosen model.

    Older tables of other declarations lie idle.
    """
    _require_tables(lineage)
    models = ModelFolder(lineage.data.models)
    chosen = models.find_chosen()
    if chosen and chosen.model in models.names():
        lineage.require_model(chosen.model)


def _require_scores(lineage: Lineage) -> None:
    """The same, and the newest scores; older ones were what they were."""
    _require_models(lineage)
    scores = lineage.data.scores.records()
    if scores:
        lineage.require_scores(max(scores), scores[max(scores)])


def _require_tables(lineage: Lineage) -> None:
    lineage.require_tiles()
    records = lineage.tables.layer.records()
    lineage.require_tables(records)
    if records:
        lineage.tables.record(max(records))


def _require_drift(lineage: Lineage) -> None:
    """The same, and the newest drift is that of the scores that are there, against the limits in force."""
    _require_scores(lineage)
    layer, scores = lineage.data.drift, lineage.data.scores.records()
    records = layer.records()
    day = max(records, default="")
    if day in scores and day in records:
        basis = DriftBasis(scores=scores[day].basis, limits=fingerprint(lineage.service.drift))
        if records[day].basis != basis:
            raise StaleError(
                f"{layer.partition(day)}: was measured on other scores, or against other limits, than those in force; "
                f"run `encore drift --as-of {day}` again"
            )


def _require_recommendations(lineage: Lineage) -> None:
    """The recommender was fitted on the interactions that are there; a file of ratings is not looked for."""
    data, declared = lineage.data, lineage.service.interactions
    fitted = find_fitted(data)
    if not fitted or not declared or not isinstance(fitted.basis.evidence, InteractionsBasis):
        return
    events = {name: records for name, records in lineage.events.items() if name in declared.sources}
    days = {day: record.basis for day, record in data.title_days.records().items()}
    is_old = bool(any(events.values()) and differing(title_days_bases(declared, events), days))
    if is_old or fitted.basis.evidence != logged_basis(data, declared, date.fromisoformat(fitted.as_of)):
        raise StaleError(
            f"{data.recommender}: was fitted on other interactions than those that are there now; "
            f"run `encore recommend` again"
        )


REQUIRED: Mapping[Part, Callable[[Lineage], None]] = {
    "models": _require_models,
    "scores": _require_scores,
    "drift": _require_drift,
    "titles": _require_recommendations,
}
