"""Presets of features: `use` of a service becomes plain `features` when the service is read.

All other code sees only the features. The texts of the presets read well for any event: they are built from the words
of `use`, which have defaults.
"""

from dataclasses import dataclass
from typing import Any

import yaml

from conf.declaration import Declaration
from conf.events import Event
from conf.lengths import period
from conf.uses import Amount, Use
from conf.words import article, in_words, plural, sentence

Features = dict[str, dict[str, Any]]
STANDARD_WINDOWS = (30, 90, 180, 365)
SHORT_WINDOWS = (7, 14)  # for observation windows of at most 30 days
DID = {
    "booking": "booked", "delivery": "received a delivery", "donation": "donated", "download": "downloaded",
    "listening": "listened", "login": "logged in", "order": "ordered", "payment": "paid", "play": "played",
    "purchase": "bought", "rental": "rented", "review": "reviewed", "search": "searched", "visit": "visited",
}  # fmt: skip
MADE = (
    "booking", "call", "deposit", "donation", "order", "payment", "purchase", "request", "reservation", "return",
    "transaction", "trip", "visit",
)  # fmt: skip


def expanded(service: Declaration) -> str:
    """A service as YAML, without its defaults: what it declares, with presets as plain features and all texts."""
    declared = service.model_dump(exclude_defaults=True)
    return yaml.safe_dump(declared, sort_keys=False, allow_unicode=True, width=120)


@dataclass(frozen=True)
class Plan:
    """An event with its presets, as far as the features need it.

    windows: lengths in days, in the order of declaration; observation_days: length of the observation window.
    is_only: whether each customer of the table has such an event, since every tile has one.
    prefix: begins the names of the gaps.
    """

    event: str
    presets: frozenset[str]
    windows: list[int]
    observation_days: int
    count: str
    amounts: dict[str, Amount]
    one: str
    many: str
    did: str
    made: str
    is_only: bool
    prefix: str

    @property
    def longest(self) -> int:
        """The longest of the windows."""
        return max(self.windows)

    @property
    def where(self) -> dict[str, str]:
        """The condition of a daily tile with such an event; empty if all have one."""
        return {} if self.is_only else {"where": f"{self.count} > 0"}

    @property
    def never_in_observation(self) -> str:
        """What null means for a feature that only customers without such an event lack."""
        if self.is_only:
            return "never null for a customer of the table"
        return f"no {self.one} in {period(self.observation_days)}"

    def on_days(self, days: str) -> str:
        """As in `bought on three days`."""
        return f"{self.did} on {days}" if self.did else f"{days} with {article(self.one)}"


def plan(name: str, use: Use, event: Event, observation_days: int, is_only: bool, is_first: bool) -> Plan:
    """The event with the defaults of its presets filled in.

    Args:
        is_only: whether it is the only event of the service; is_first: whether it is the first of `use`.

    Raises:
        ValueError: a measure is not one of the event, or a window is longer than the observation window.
    """
    key = f"use.{name}"
    counts = [one for one, measure in event.measures.items() if measure.sql.lower().startswith("count")]
    sums = [one for one, measure in event.measures.items() if measure.merged_by == "sum"]
    plain = [one for one in counts if event.measures[one].sql.replace(" ", "").lower() == "count(*)"]
    count = use.count or next(iter([*plain, *counts]), None)
    if count is None or count not in sums:
        wrong = f"{count!r} is not a number of events" if count else "the event has no measure that counts"
        raise ValueError(f"{key}.count: {wrong}; declare one such as `{plural(name)}: {{sql: count(*)}}`")
    given = use.amounts if use.amounts is not None else [one for one in sums if one not in {count, *counts}]
    amounts = given if isinstance(given, dict) else {one: Amount() for one in given}
    if unknown := [one for one in amounts if one not in sums]:
        known = ", ".join(one for one in sums if one != count) or "none"
        raise ValueError(f"{key}.amounts: {unknown[0]!r} is not a sum of the event; there are: {known}")
    windows = use.windows or default_windows(observation_days)
    if too_long := [days for days in windows if days > observation_days]:
        raise ValueError(f"{key}.windows: {too_long[0]} days is longer than the observation window; shorten it")
    one = use.words.one or in_words(name)
    last_word = one.rpartition(" ")[2]
    return Plan(
        event=name,
        presets=frozenset(use.presets),
        windows=windows,
        observation_days=observation_days,
        count=count,
        amounts=amounts,
        one=one,
        many=use.words.many or plural(one),
        did=use.words.did or DID.get(one, ""),
        made=use.words.made or ("made" if last_word in MADE else "had"),
        is_only=is_only and event.measures[count].sql.replace(" ", "").lower() == "count(*)",
        prefix="" if is_first else f"{name}_",
    )


def default_windows(observation_days: int) -> list[int]:
    """The windows of presets that declare none: standard ones, and the observation window."""
    known = SHORT_WINDOWS if observation_days <= min(STANDARD_WINDOWS) else STANDARD_WINDOWS
    return [*(days for days in known if days < observation_days), observation_days]


def features_of(plan: Plan) -> Features:
    """The features of the presets, by name, in an order in which each reads only those above it."""
    parts = {
        "frequency": _counts(plan),
        "monetary": _amounts(plan),
        "frequency days": _event_days(plan),
        "monetary means": _means(plan),
        "recency": _recency(plan),
        "gaps": _gaps(plan),
        "trend": _trend(plan),
    }
    taken = [features for part, features in parts.items() if part.partition(" ")[0] in plan.presets]
    return {name: feature for features in taken for name, feature in features.items()}


def _counts(plan: Plan) -> Features:
    return {
        f"{plan.count}_last_{{days}}d": {
            "kind": "count",
            "unit": plan.many,
            "about": sentence(f"{plan.many} in the last {{days}} days"),
            "from_tiles": f"sum({plan.count})",
            "windows": plan.windows,
            "fill": 0,
            "says": f"{plan.made} {{value}} {{1:{plan.one}|{plan.many}}} in the last {{days}} days",
        }
    }


def _amounts(plan: Plan) -> Features:
    return {
        f"{name}_last_{{days}}d": {
            "kind": amount.kind,
            "unit": _unit(name, amount),
            "about": sentence(f"{_paid(name, amount)} in the last {{days}} days"),
            "from_tiles": f"sum({name})",
            "windows": plan.windows,
            "fill": 0,
            "says": f"{_said(name, amount)} in the last {{days}} days",
        }
        for name, amount in plan.amounts.items()
    }


def _unit(name: str, amount: Amount) -> str:
    return amount.unit or in_words(name)


def _paid(name: str, amount: Amount) -> str:
    """As in `US dollars paid`."""
    return f"{_unit(name, amount)} {amount.did}" if amount.did else _unit(name, amount)


def _said(name: str, amount: Amount) -> str:
    """As in `paid {value} US dollars`."""
    unit, did = _unit(name, amount), f"{amount.did} " if amount.did else ""
    if amount.kind == "count":
        return f"{did}{{value}} {{1:{amount.one or unit.removesuffix('s')}|{unit}}}"
    if amount.kind == "duration":  # the value has its unit in it
        return f"{did}for {{value}}" if did else f"{unit} of {{value}}"
    return f"{did}{{value}} {unit}" if did else f"{unit} of {{value}}"


def _event_days(plan: Plan) -> Features:
    return {
        f"{plan.event}_days": {
            "kind": "count",
            "unit": "days",
            "about": f"Days with {article(plan.one)}",
            "from_tiles": "count(*)",
            **plan.where,
            "fill": 0,
            "says": f"{plan.on_days('{value} {1:day|days}')} in {period(plan.observation_days)}",
        }
    }


def _means(plan: Plan) -> Features:
    """The mean of each amount for one event, in the longest of the windows."""
    days = plan.longest
    amounts = {name: amount for name, amount in plan.amounts.items() if amount.kind != "count"}
    is_never_null = plan.is_only and days == plan.observation_days
    null_means = plan.never_in_observation if is_never_null else f"no {plan.one} in the last {days} days"
    each = f"for {article(plan.one)} on average"
    means = {
        f"{name}_per_{plan.event}": {
            "kind": amount.kind,
            "unit": _unit(name, amount),
            "about": sentence(f"{_paid(name, amount)} {each}"),
            "from_features": f"{name}_last_{days}d / nullif({plan.count}_last_{days}d, 0)",
            "null_means": null_means,
            "says": f"{_said(name, amount)} {each}",
        }
        for name, amount in amounts.items()
    }
    return (_counts_of_last(plan, [days]) if means else {}) | means


def _counts_of_last(plan: Plan, windows: list[int]) -> Features:
    """The events in the last days, for other features to read; none where `frequency` has them in the table."""
    if "frequency" in plan.presets:
        return {}
    names = {f"{plan.count}_last_{days}d": days for days in windows}
    return {
        name: _helper(plan, f"{plan.many} in the last {days} days", f"age_days <= {days}")
        for name, days in names.items()
    }


def _helper(plan: Plan, about: str, where: str) -> dict[str, Any]:
    """A number of events that only other features read."""
    return {
        "kind": "count",
        "unit": plan.many,
        "about": sentence(about),
        "from_tiles": f"sum({plan.count})",
        "where": where,
        "fill": 0,
        "internal": True,
    }


def _recency(plan: Plan) -> Features:
    return _days_since_last(plan) | {
        f"days_since_first_{plan.event}": {
            "kind": "days",
            "unit": "days",
            "about": f"Days since the first {plan.one} of the observation window",
            "from_tiles": "max(age_days)",
            **plan.where,
            "null_means": plan.never_in_observation,
        }
    }


def _days_since_last(plan: Plan) -> Features:
    """In the table with `recency`; else for other features to read."""
    says = {"says": f"last {plan.did or plan.one} {{value}} {{1:day|days}} ago"}
    return {
        f"days_since_last_{plan.event}": {
            "kind": "days",
            "unit": "days",
            "about": f"Days since the last {plan.one} (1: the day before as_of)",
            "from_tiles": "min(age_days)",
            **plan.where,
            "null_means": plan.never_in_observation,
            **(says if "recency" in plan.presets else {"internal": True}),
        }
    }


def _gaps(plan: Plan) -> Features:
    """The days from one day with an event to the next.

    They are computed from sums of whole numbers, so that the order of rows cannot change the last digit.
    """
    gaps, total, squares, mean, deviation, over = (
        f"{plan.prefix}{name}"
        for name in (
            "gaps",
            "gap_days_sum",
            "gap_days_square_sum",
            "gap_days_mean",
            "gap_days_deviation",
            "recency_over_gap",
        )
    )
    days = f"{plan.one} days"
    of_tiles = {
        gaps: ("gaps", f"Gaps between {days}", "count(gap_days)"),
        total: ("days", f"Sum of the gaps between {days}", "sum(gap_days)"),
        squares: ("square days", f"Sum of the squared gaps between {days}", "sum(gap_days * gap_days)"),
    }
    helpers = {
        name: {"kind": "count", "unit": unit, "about": about, "from_tiles": sql, **plan.where, "internal": True}
        for name, (unit, about, sql) in of_tiles.items()
    }
    not_bought = f"has not {plan.did}" if plan.did in DID.values() else f"no {plan.one}"
    return (
        _days_since_last(plan)
        | helpers
        | {
            mean: {
                "kind": "days",
                "unit": "days",
                "about": f"Mean number of days from one {plan.one} day to the next",
                "from_features": f"{total} / nullif({gaps}, 0)",
                "null_means": plan.on_days("fewer than two days"),
                "family": "frequency",
            },
            deviation: {
                "kind": "days",
                "unit": "days",
                "about": f"Sample standard deviation of the days from one {plan.one} day to the next",
                "from_features": f"if({gaps} > 1, sqrt(({squares} - {total} * {total} / {gaps}) / ({gaps} - 1)), null)",
                "null_means": plan.on_days("fewer than three days"),
                "family": "frequency",
            },
            over: {
                "kind": "ratio",
                "unit": "ratio",
                "about": f"Days since the last {plan.one} over the mean gap between {days}",
                "from_features": f"days_since_last_{plan.event} / {mean}",
                "null_means": plan.on_days("fewer than two days"),
                "says": f"{not_bought} for {{value}} times the usual time between {plan.many}",
            },
        }
    )


def _trend(plan: Plan) -> Features:
    """The events of each window over those of the window of the same length before it.

    Of 30 days: the last 30 days over days 31 to 60. It is 0 without events in the later window, 1 with as many as in
    the earlier one, and null without any in the earlier one, however many the later one has. A window longer than half
    of the observation window has none, since the window before it would not be seen as a whole.
    """
    windows = [days for days in plan.windows if 2 * days <= plan.observation_days]
    before = f"{plan.count}_before_last_{{days}}d"
    earlier = {
        before.replace("{days}", str(days)): _helper(
            plan,
            f"{plan.many} in days {days + 1} to {2 * days} before as_of",
            f"age_days > {days} and age_days <= {2 * days}",
        )
        for days in windows
    }
    trend = {
        "kind": "ratio",
        "unit": "ratio",
        "about": sentence(f"{plan.many} in the last {{days}} days over those in the {{days}} days before"),
        "from_features": f"{plan.count}_last_{{days}}d / nullif({before}, 0)",
        "windows": windows,
        "null_means": f"no {plan.one} in the {{days}} days before the last {{days}} days",
        "says": f"{plan.made} {{percent}} as many {plan.many} in the last {{days}} days as in the {{days}} days before",
    }
    return _counts_of_last(plan, windows) | earlier | ({f"{plan.count}_trend_{{days}}d": trend} if windows else {})
