"""A service with windows of the command line: what no longer fits into the observation window is left out."""

from collections.abc import Iterator, Mapping
from typing import Any

from conf import sql
from conf.defaults import completed
from conf.errors import UsageError
from conf.lengths import days_of
from conf.schema import Service


def with_windows(declared: Mapping[str, Any], service: Service, given: Mapping[str, int]) -> tuple[Service, list[str]]:
    """The service with other windows, and the columns of its own that they leave out.

    A feature whose window is longer than the observation window is left out, and so is one that reads such a feature.

    Args:
        declared: what the file of the service says.
        service: the service of this file.
        given: by key of `windows`, its days.

    Raises:
        UsageError: what training or scoring needs reads a feature that is left out.
        ValueError: the windows are not valid.
    """
    windows = declared["windows"] | given
    days = _length(windows["observation_days"])
    uses = {name: _shortened(use, days) for name, use in declared.get("use", {}).items()}
    plain = completed({**declared, "windows": windows, "use": uses})
    kept: dict[str, Any] = {}
    columns: set[str] = set()
    for name, feature in plain["features"].items():
        lengths = [length for length in _lengths(feature, days) if _is_readable(feature, length, days, columns)]
        if lengths:
            kept[name] = {**feature, "windows": lengths} if feature.get("windows") else feature
            columns |= {*_names(name, lengths)}
    _refuse_if_needed(_needed(plain, service), columns, days)
    fitted = Service.model_validate({**plain, "features": kept})
    return fitted, [name for name in _columns(service) if name not in columns]


def _length(window: object) -> int:
    return int(str(days_of(window)))


def _lengths(feature: Mapping[str, Any], days: int) -> list[int]:
    """The lengths of the windows of a feature, by default the observation window."""
    return [_length(window) for window in feature.get("windows") or [days]]


def _names(name: str, lengths: list[int]) -> Iterator[str]:
    for length in lengths:
        yield name.replace("{days}", str(length))


def _shortened(use: Mapping[str, Any], days: int) -> dict[str, Any]:
    """Presets with the windows that fit; with the default ones where none does."""
    fitting = [window for window in use.get("windows") or [] if _length(window) <= days]
    return {**use, "windows": fitting or None}


def _is_readable(feature: Mapping[str, Any], length: int, days: int, columns: set[str]) -> bool:
    """Whether a window fits into the observation window, and what the feature reads is there."""
    expression = feature.get("from_features")
    is_there = expression is None or sql.columns_of(expression.replace("{days}", str(length))) <= columns
    return length <= days and is_there


def _columns(service: Service) -> list[str]:
    """The columns of the features of a service, with internal ones."""
    days = service.windows.observation_days
    return [column for name, one in service.features.items() for column in _names(name, one.windows or [days])]


def _needed(plain: Mapping[str, Any], service: Service) -> dict[str, set[str]]:
    """By key, the columns that training and scoring read."""
    alive = service.alive.model_dump(exclude={"unit_days"}) if service.alive else {}
    money = service.targeting.expressions if service.targeting else {}
    expressions = {
        "eligible.when": plain["eligible"]["when"],
        "recency_feature": plain["recency_feature"],
        **{f"alive.{key}": one for key, one in alive.items()},
        **{f"targeting.{key}": one for key, one in money.items()},
    }
    return {key: sql.columns_of(one) for key, one in expressions.items()}


def _refuse_if_needed(needed: Mapping[str, set[str]], columns: set[str], days: int) -> None:
    for key, read in needed.items():
        if lost := sorted(read - columns):
            raise UsageError(
                f"an observation window of {days} days leaves out the feature {lost[0]}, which {key} of the service "
                f"reads; change this key in a service of your own, or give a longer --observation-days"
            )
