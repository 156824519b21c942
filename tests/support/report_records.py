"""Records of the layers of a small data folder, as commands leave them; every number can be checked on paper."""

import math
from typing import Any

from jobs.records.layers import EventsBasis, EventsRecord, FeaturesBasis, FeaturesRecord, TilesBasis, TilesRecord
from jobs.records.scoring import ContactPlanSection
from models.drift import FeatureDrift
from models.evaluation.intervals import Interval
from models.targeting.profit import ProfitAtShare, RuleAtShare
from models.targeting.uplift import DecileUplift, Uplift
from tests.support.frames import SHOP

MATURE, NEWEST = "2024-03-03", "2024-03-05"  # as-of dates of the two feature tables
HOSTILE = "<script>document.title='pwned'</script>"
NOTHING = Interval(math.nan, math.nan, math.nan)

SERVICE: dict[str, Any] = SHOP | {
    "title": f"Shop {HOSTILE}",
    "windows": {"observation_days": 3, "outcome_days": 2},
    "features": {
        "visits_{days}d": {
            "kind": "count",
            "unit": "days",
            "about": f"Days with a visit in {{days}} {HOSTILE}",
            "from_tiles": "count(*)",
            "windows": [1, 3],
            "fill": 0,
        },
        "last_spending": SHOP["features"]["last_spending"] | {"about": "Days since coins were spent (1: yesterday)"},
    },
    "eligible": {"when": "visits_3d > 0", "about": "Was here in the last three days"},
    "label": SHOP["label"] | {"about": f"Spends {HOSTILE} & more"},
}
MEANINGS = {
    "visits_3d": f"Days with a visit in 3 {HOSTILE}",
    "visits_1d": f"Days with a visit in 1 {HOSTILE}",
    "last_spending": "Days since coins were spent (1: yesterday)",
}


def around(value: float, by: float) -> Interval:
    """A value with an interval that reaches as far down as up."""
    return Interval(value, round(value - by, 6), round(value + by, 6))


# ---- layers ----

EVENTS_BASIS = EventsBasis(files=[], configuration="c", sample=1.0)


def events(
    lines: int, rows: int, rejected: int, duplicates: int, reasons: dict[str, int], **repaired: int
) -> EventsRecord:
    """A day of events."""
    return EventsRecord(
        basis=EVENTS_BASIS,
        sample=1.0,
        missing_parts=[],
        lines=lines,
        events=rows,
        rejected=rejected,
        unreadable=0,
        duplicates=duplicates,
        repaired=repaired,
        left_out=0,
        reasons=reasons,
    )


def tiles(customers: int, bots: int, rows: int, *missing_parts: str) -> TilesRecord:
    """A day of tiles, made of so many events."""
    basis = TilesBasis(events={}, configuration="c", sample=1.0, missing_parts=[])
    return TilesRecord(
        basis=basis,
        sample=1.0,
        missing_parts=list(missing_parts),
        customers=customers,
        bots=bots,
        events=rows,
        by_kind={"visit": rows},
    )


def table_basis(tiles: str = "t", is_mature: bool = True) -> FeaturesBasis:
    """What a feature table was made from."""
    return FeaturesBasis(tiles=tiles, configuration="c", mature=is_mature)


def mature_table(**changes: Any) -> FeaturesRecord:
    """A table whose outcome is known; its outcome lacks its first day."""
    given = {
        "basis": table_basis(),
        "customers": 1200,
        "eligible": 1000,
        "positives": 250,
        "label_status": "mature",
        "sample": 1.0,
        "missing_days": ["2024-02-29", "2024-03-03"],
        "missing_parts": {"2024-03-02": ["visit: 2 of 3"]},
        "bots_excluded": 3,
        "capped": {},
    }
    return FeaturesRecord(**given | changes)


def newest_table(**changes: Any) -> FeaturesRecord:
    """The newest table; days of its outcome, which is still to come, are not missing."""
    given = {
        "basis": table_basis(is_mature=False),
        "customers": 2100,
        "eligible": 2000,
        "positives": 0,
        "label_status": "immature",
        "sample": 1.0,
        "missing_days": ["2024-03-03", "2024-03-05", "2024-03-06"],
        "missing_parts": {},
        "bots_excluded": 1,
        "capped": {},
    }
    return FeaturesRecord(**given | changes)


# ---- scores and drift ----

UPLIFT = Uplift(around(0.03, 0.01), [], [DecileUplift(n, 10, 20, around(n / 100, 0.02)) for n in range(1, 11)])


def rules(*profits: Interval) -> dict[str, RuleAtShare]:
    """What the model, recency and random order achieve, with these profits."""
    return {
        name: RuleAtShare(profit, NOTHING) for name, profit in zip(("model", "recency", "random"), profits, strict=True)
    }


def plan(**changes: Any) -> ContactPlanSection:
    """90 contacts and 10 held out of 2,000: a share of 5 %; the curve knows 10 % and 100 %."""
    tenth = ProfitAtShare(
        0.1,
        1,
        rules(around(50.4, 10), around(30, 10), around(-20, 10)),
        {"recency": around(20.4, 5), "random": NOTHING},
        1350.0,
    )
    whole = ProfitAtShare(1.0, 4, rules(*[around(-200, 10)] * 3), {"recency": around(0, 5), "random": NOTHING}, 0.0)
    given = {
        "aim": "keep",
        "currency": "EUR",
        "cost_of_contact": 1.5,
        "kept_share": 0.1,
        "lift": None,
        "hold_out_share": 0.125,
        "value_of_customer": "40.0",
        "value_about": None,
        "limit": {"budget": 135.0},
        "contacts": 90,
        "held_out": 10,
        "cost": 135.0,
        "expected_gain": 1234.4,
        "expected_changed": 34.2,
        "expected_good_contacted": 20.0,
        "expected_good_all": 1500.0,
        "left_out": {},
        "other": None,
        "curve": [tenth, whole],
        "all": -200.0,
        "best_share": 0.1,
        "uplift": UPLIFT,
    }
    return ContactPlanSection(**given | changes)


def drifted(feature: str, psi: float, *above: str) -> FeatureDrift:
    """The drift of a feature, and the limits that it exceeds."""
    return FeatureDrift(feature, MEANINGS[feature], "count", psi, 0.3, 0.1, 0.0, list(above))
