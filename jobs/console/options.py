"""Options that several commands share. Their choices are those of the configuration's schema."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

import typer

from conf.learning import Grids, SplitBy
from conf.lengths import MOST_DAYS, days_of
from conf.profile import EngineChoice
from jobs.engine import is_submitted

DATA, PROFILE = "data", "cluster" if is_submitted() else "local"
DEFAULT_MODELS = ("lr", "gbt")
ALL_MODELS = "all"
ModelChoice = StrEnum("ModelChoice", [*Grids.model_fields, ALL_MODELS])  # type: ignore[misc]  # known when it runs
SimulatedService = Literal["music", "audiobooks"]


def parse_day(text: str) -> date:
    """A date as YYYY-MM-DD. Raises typer.BadParameter."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text}: give a date as YYYY-MM-DD") from None


def parse_share(text: str) -> float:
    """A share above 0 and at most 1. Raises typer.BadParameter."""
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise typer.BadParameter(f"{text}: give a share above 0 and at most 1, such as 0.1")
    return share


def kinds_of(choices: list[ModelChoice] | None) -> tuple[str, ...]:
    """The kinds of model that `--model` names, each once."""
    if choices and ALL_MODELS in choices:
        return tuple(Grids.model_fields)
    return tuple(dict.fromkeys(map(str, choices))) if choices else DEFAULT_MODELS


def parse_length(text: str) -> int:
    """A length in days, or such as `4 weeks`. Raises typer.BadParameter."""
    try:
        days = days_of(int(text) if text.strip().isdigit() else text)
    except ValueError:
        days = -1
    if not isinstance(days, int) or not 0 <= days <= MOST_DAYS:
        raise typer.BadParameter(f"{text}: give a number of days, at most {MOST_DAYS:,}, or a length such as '4 weeks'")
    return days


def lengths(observation_days: int | None, outcome_days: int | None, gap_days: int | None) -> dict[str, int | None]:
    """The windows of the command line, by key of `windows` of a service."""
    return {"observation_days": observation_days, "outcome_days": outcome_days, "gap_days": gap_days}


_DAY: dict[str, Any] = {"parser": parse_day, "metavar": "YYYY-MM-DD"}
DataOption = Annotated[str, typer.Option(help="Data folder: a path, or a URL (hdfs, s3a, gs).")]
ServiceOption = Annotated[
    str | None,
    typer.Option(help="Name in conf/, or path of a YAML file. (default: the service of the data folder, or music)"),
]
SimulatedOption = Annotated[SimulatedService, typer.Option("--service", help="Service to simulate.")]
ProfileOption = Annotated[str, typer.Option(help="Where to run: name in conf/profiles/, or path of a YAML file.")]
EngineOption = Annotated[EngineChoice | None, typer.Option(help="Engine. (default: the profile's)")]
SampleOption = Annotated[
    float | None, typer.Option(parser=parse_share, metavar="SHARE", help="Share of the customers to keep, such as 0.1.")
]
AcceptOption = Annotated[
    bool,
    typer.Option(
        "--accept-rejected", help="Take archives and days with more rejected lines than the service allows, too."
    ),
]
AsOfOption = Annotated[
    list[date] | None,
    typer.Option("--as-of", **_DAY, help="As-of date: first day of the outcome; may be repeated."),
]
TableAsOfOption = Annotated[
    date | None,
    typer.Option("--as-of", **_DAY, help="As-of date of the table. (default: the newest)"),
]
_LENGTH: dict[str, Any] = {"parser": parse_length, "metavar": "DAYS"}
ObservationOption = Annotated[
    int | None,
    typer.Option(
        "--observation-days",
        **_LENGTH,
        help="Length of the observation window, or such as '4 weeks'; writes to DATA/windows. (default: the service's)",
    ),
]
OutcomeOption = Annotated[
    int | None,
    typer.Option(
        "--outcome-days",
        **_LENGTH,
        help="Length of the outcome window, or such as '3 months'; writes to DATA/windows. (default: the service's)",
    ),
]
GapOption = Annotated[
    int | None,
    typer.Option(
        "--gap-days",
        **_LENGTH,
        help="Days from the as-of date to the outcome window; writes to DATA/windows. (default: the service's)",
    ),
]
SplitOption = Annotated[SplitBy | None, typer.Option(help="How to split off the test set. (default: the service's)")]
SeedOption = Annotated[int | None, typer.Option(min=0, help="Random seed. (default: the service's)")]
ModelsOption = Annotated[
    list[ModelChoice] | None, typer.Option("--model", help="Model to fit; may be repeated. (default: lr and gbt)")
]
RawOption = Annotated[str | None, typer.Option(help="Archives of the service: a folder or a file. (default: DATA/raw)")]
PruneOption = Annotated[
    bool,
    typer.Option(
        "--prune",
        help="Remove the lines of archives that are not in the raw folder, and accept archives that lost lines.",
    ),
]
