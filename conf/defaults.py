"""What a service may leave out, filled in when it is read: texts, and what its presets make obvious.

The functions get a file as it was read, so they change only what has the right form: the schema reports the rest.
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from conf.events import Event
from conf.lengths import MOST_DAYS, days_of, period
from conf.presets import Features, Plan, features_of, plan
from conf.shared_lines import with_shared_lines
from conf.uses import Use
from conf.words import in_words, sentence

TEXTS = ("about", "null_means", "says")
MEASURE_ABOVE_0 = re.compile(r" *([a-z][a-z0-9_]*) *> *0 *")


def completed(declared: Mapping[str, Any]) -> dict[str, Any]:
    """A service with `use` expanded to features, and with the layouts, texts and keys that it leaves out.

    Raises:
        ValueError: a preset cannot be expanded; the message begins with its key.
    """
    service = with_texts(declared)
    if "events" in service:
        service["events"] = with_shared_lines(service["events"])
    plans = _plans(service)
    if plans:
        service = with_texts(service | _obvious(service, plans))
        service.pop("use")
    label = service.get("label")
    if isinstance(label, dict):
        service["label"] = {"about": _label_about(label, service, plans)} | label
    return _with_lengths(service)


def _plans(service: Mapping[str, Any]) -> list[Plan]:
    """The presets of a service, by event; none where the schema has an error to report first."""
    uses, events = service.get("use"), service.get("events")
    observation_days = _days(service, "observation_days")
    if not isinstance(uses, dict) or not isinstance(events, dict) or observation_days < 1:
        return []
    try:
        valid = {name: Use.model_validate(use) for name, use in uses.items()}
        known = {name: Event.model_validate(event) for name, event in events.items()}
    except ValidationError:
        return []
    if unknown := [name for name in valid if name not in known]:
        raise ValueError(f"use.{unknown[0]}: there is no such event; there are: {', '.join(known) or 'none'}")
    is_only = len(known) == 1
    return [
        plan(name, use, known[name], observation_days, is_only, number == 0)
        for number, (name, use) in enumerate(valid.items())
    ]


def _days(service: Mapping[str, Any], key: str) -> int:
    """A length among the windows of a service; 0 where it has none that is valid."""
    windows = service.get("windows")
    try:
        days = days_of(windows.get(key)) if isinstance(windows, dict) else 0
    except ValueError:
        return 0
    return days if type(days) is int and 0 < days <= MOST_DAYS else 0


def _obvious(service: Mapping[str, Any], plans: list[Plan]) -> dict[str, Any]:
    """The features of the presets and of the service, and the keys that follow from the first event of `use`."""
    features: Features = {}
    for one in plans:
        preset = features_of(one)
        if taken := sorted(set(preset) & set(features)):
            raise ValueError(f"use.{one.event}: {taken[0]!r} is a feature of an event above; use it for one of them")
        features |= preset
    own = service.get("features", {})
    if not isinstance(own, dict):
        return {}
    first = plans[0]
    obvious: dict[str, Any] = {"features": features | own}
    eligible, last = _eligible(first, features), f"days_since_last_{first.event}"
    if "eligible" not in service and eligible:
        obvious["eligible"] = eligible
    if "recency_feature" not in service and "recency" in first.presets:
        obvious["recency_feature"] = last
    return obvious


def _eligible(first: Plan, features: Features) -> dict[str, Any] | None:
    """The customers with an event of the first of `use` in the observation window; None where no feature tells them."""
    everything = first.observation_days
    last = f"days_since_last_{first.event}"
    of_all_days = f"{first.count}_last_{{days}}d" in features and everything in first.windows
    if of_all_days or f"{first.count}_last_{everything}d" in features:
        when = f"{first.count}_last_{everything}d > 0"
    elif f"{first.event}_days" in features:
        when = f"{first.event}_days > 0"
    elif last in features:
        when = f"{last} is not null"
    else:
        return None
    return {"when": when, "about": f"At least one {first.one} in the observation window"}


def _label_about(label: Mapping[str, Any], service: Mapping[str, Any], plans: list[Plan]) -> str:
    """Label 1 in words, as in `At least one purchase in the 181 days that follow`."""
    found = MEASURE_ABOVE_0.fullmatch(str(label.get("when")))
    outcome_days, gap_days = _days(service, "outcome_days"), _days(service, "gap_days")
    what = {one.count: one.one for one in plans} | {"events": "event"}
    if not found or found[1] not in what:
        return sentence(in_words(str(label.get("name"))))
    amount = "No" if label.get("one_if") == "absent" else "At least one"
    gap = f" a gap of {gap_days} days" if gap_days else ""
    return f"{amount} {what[found[1]]} in the {outcome_days} days that follow{gap}"


def _with_lengths(service: dict[str, Any]) -> dict[str, Any]:
    """The service with the lengths of its windows in its texts, instead of `{period}` and `{outcome_days}`."""
    observation_days, outcome_days = _days(service, "observation_days"), _days(service, "outcome_days")
    if not observation_days or not outcome_days:
        return service
    lengths = {"{period}": period(observation_days), "{outcome_days}": str(outcome_days)}

    def filled(text: Any) -> Any:
        for place, length in lengths.items():
            text = text.replace(place, length) if isinstance(text, str) else text
        return text

    def in_texts(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: filled(one) if key in TEXTS else one for key, one in value.items()}

    features = service.get("features")
    named = {name: in_texts(one) for name, one in features.items()} if isinstance(features, dict) else features
    changed = {"features": named} | {key: in_texts(service.get(key)) for key in ("eligible", "label")}
    return {**in_texts(service), **{key: one for key, one in changed.items() if key in service}}


# Where texts stand in a service; * is any name, which is the text by default.
NAMED = (
    "events.*",
    "events.*.columns.*",
    "events.*.checks.*",
    "events.*.measures.*",
    "table.identities.*",
    "features.*",
    "interactions.columns.*",
    "interactions.sources.*.measures.*",
)
CONDITIONS = ("bots", "eligible")  # their `when` is the text by default


def with_texts(declared: Mapping[str, Any]) -> dict[str, Any]:
    """The service with a text wherever it leaves out `about`."""
    service: Any = {"about": declared.get("title")} | dict(declared)
    for path in NAMED:
        service = _filled(service, path.split("."), "")
    for key in CONDITIONS:
        condition = service.get(key)
        if isinstance(condition, dict):
            service[key] = {"about": condition.get("when")} | condition
    return dict(service)


def _filled(value: Any, path: list[str], name: str) -> Any:
    """The value with an `about` in each mapping at the path; what is not a mapping stays as it is."""
    if not isinstance(value, dict):
        return value
    if not path:
        return {"about": _about(name)} | value
    key, *below = path
    if key == "*":
        return {one: _filled(child, below, str(one)) for one, child in value.items()}
    return value | {key: _filled(value[key], below, key)} if key in value else value


def _about(name: str) -> str:
    """A name in words: `spent_last_{days}d` is `Spent in the last {days} days`."""
    words = re.sub(r"_(?:last_)?\{days\}d$", " in the last {days} days", name)
    return sentence(in_words(words))
