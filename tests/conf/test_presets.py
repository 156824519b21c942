"""Presets of features: what `use` expands to, written out by hand."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from conf.errors import UsageError
from conf.load import load_service
from conf.presets import expanded
from conf.schema import Service
from conf.words import plural
from features.declared import NamedFeature, named_features, table_features
from features.dictionary import dictionary_rows

# The shop of conf/cdnow.yaml, without a text.
SHORT = """\
title: CD shop
windows: {observation_days: 12 months, outcome_days: 181}
events:
  purchase:
    landing:
      files: "CDNOW_master*.txt*"
      fields: [customer_id, date_bought, number_of_cds, dollar_value]
      customer: customer_id
      day: date_bought
      separator: space
      header: 1
    columns:
      customer_id: {type: bigint, sql: customer_id, required: true}
      cds: {type: int, sql: number_of_cds, required: true}
      price_usd: {type: "decimal(18,3)", sql: dollar_value, required: true}
    checks:
      cds_not_positive: {when: cds <= 0, then: reject}
      price_negative: {when: price_usd < 0, then: reject}
    duplicates: keep
    measures:
      purchases: {sql: count(*)}
      cds: {sql: sum(cds)}
      price_usd: {sql: sum(price_usd)}
use:
  purchase:
    presets: [recency, frequency, monetary, gaps]
    amounts:
      cds: {kind: count}
      price_usd: {}
label: {name: bought_again, when: purchases > 0, one_if: present}
"""

# By name: the type, the SQL, and what replaces null.
CDNOW: dict[str, tuple[str, str, int | None]] = {
    **{f"purchases_last_{days}d": ("bigint", "sum(purchases)", 0) for days in (30, 90, 180, 365)},
    **{f"cds_last_{days}d": ("bigint", "sum(cds)", 0) for days in (30, 90, 180, 365)},
    **{f"price_usd_last_{days}d": ("double", "sum(price_usd)", 0) for days in (30, 90, 180, 365)},
    "purchase_days": ("bigint", "count(*)", 0),
    "price_usd_per_purchase": ("double", "price_usd_last_365d / nullif(purchases_last_365d, 0)", None),
    "days_since_last_purchase": ("double", "min(age_days)", None),
    "days_since_first_purchase": ("double", "max(age_days)", None),
    "gaps": ("bigint", "count(gap_days)", None),
    "gap_days_sum": ("bigint", "sum(gap_days)", None),
    "gap_days_square_sum": ("bigint", "sum(gap_days * gap_days)", None),
    "gap_days_mean": ("double", "gap_days_sum / nullif(gaps, 0)", None),
    "gap_days_deviation": (
        "double",
        "if(gaps > 1, sqrt((gap_days_square_sum - gap_days_sum * gap_days_sum / gaps) / (gaps - 1)), null)",
        None,
    ),
    "recency_over_gap": ("double", "days_since_last_purchase / gap_days_mean", None),
}
HELPERS = {"gaps", "gap_days_sum", "gap_days_square_sum"}
SAID = {
    "purchases_last_90d": "made {value} {1:purchase|purchases} in the last 90 days",
    "cds_last_30d": "bought {value} {1:CD|CDs} in the last 30 days",
    "price_usd_last_365d": "paid {value} US dollars in the last 365 days",
    "purchase_days": "bought on {value} {1:day|days} in a year",
    "price_usd_per_purchase": "paid {value} US dollars for a purchase on average",
    "days_since_last_purchase": "last bought {value} {1:day|days} ago",
    "recency_over_gap": "has not bought for {value} times the usual time between purchases",
}


def short(**changes: Any) -> dict[str, Any]:
    """The short service with other values of its only `use`."""
    declared: dict[str, Any] = yaml.safe_load(SHORT)
    declared["use"]["purchase"] |= changes
    return declared


def by_name(service: Service) -> dict[str, NamedFeature]:
    return {feature.name: feature for feature in named_features(service)}


def sql_of(service: Service) -> dict[str, tuple[str, str, int | float | None]]:
    return {
        one.name: (one.type, one.from_tiles or one.from_features or "", one.fill) for one in named_features(service)
    }


def test_cdnow_has_the_features_that_it_declared_before_there_were_presets() -> None:
    cdnow = load_service("cdnow")
    assert list(sql_of(cdnow)) == list(CDNOW)  # the order of the columns
    assert sql_of(cdnow) == CDNOW
    found = by_name(cdnow)
    assert {name for name, one in found.items() if one.internal} == HELPERS
    assert {name: found[name].says for name in SAID} == SAID
    assert not any(one.where for one in found.values())
    assert (found["gap_days_mean"].family, found["recency_over_gap"].family) == ("frequency", "trend")
    assert found["days_since_last_purchase"].null_means == "never null for a customer of the table"
    assert (cdnow.eligible.when, cdnow.recency_feature) == ("purchases_last_365d > 0", "days_since_last_purchase")
    assert cdnow.eligible.about == "At least one purchase in the observation window"
    assert cdnow.label.about == "At least one purchase in the 181 days that follow"


def test_a_shop_of_one_file_needs_few_lines_for_the_features_of_cdnow(tmp_path: Path) -> None:
    assert SHORT.count("\n") <= 40
    path = tmp_path / "shop.yaml"
    path.write_text(SHORT)
    shop = load_service(str(path))
    assert sql_of(shop) == CDNOW
    assert (shop.eligible, shop.label, shop.recency_feature) == (
        (cdnow := load_service("cdnow")).eligible,
        cdnow.label,
        cdnow.recency_feature,
    )
    assert (shop.about, shop.events["purchase"].about) == ("CD shop", "Purchase")
    assert shop.events["purchase"].columns["price_usd"].about == "Price usd"
    assert shop.events["purchase"].checks["price_negative"].about == "Price negative"
    found = by_name(shop)
    assert found["cds_last_30d"].says == "{value} {1:cd|cds} in the last 30 days"
    assert found["price_usd_last_30d"].says == "price usd of {value} in the last 30 days"


@pytest.mark.parametrize("name", ["cdnow", "audiobooks", "music", "audiobooks_table"])
def test_the_expanded_service_is_the_service(tmp_path: Path, name: str) -> None:
    service = load_service(name)
    path = tmp_path / "expanded.yaml"
    path.write_text(expanded(service))
    assert load_service(str(path)) == service
    assert "use" not in yaml.safe_load(path.read_text())


def test_the_dictionary_explains_each_column_of_a_preset() -> None:
    rows = {row[0]: row for row in dictionary_rows(load_service("cdnow"))}
    assert rows.keys() >= CDNOW.keys() - HELPERS
    assert rows["purchases_last_30d"][2] == "Purchases in the last 30 days"


def test_the_trend_is_a_window_over_the_one_before_it() -> None:
    found = by_name(Service.model_validate(short(presets=["recency", "trend"], amounts=[])))
    assert [name for name, one in found.items() if not one.internal and one.kind == "ratio"] == [
        "purchases_trend_30d",
        "purchases_trend_90d",
        "purchases_trend_180d",
    ]
    assert found["purchases_trend_30d"].from_features == "purchases_last_30d / nullif(purchases_before_last_30d, 0)"
    assert found["purchases_before_last_30d"].where == "age_days > 30 and age_days <= 60"
    assert found["purchases_trend_30d"].null_means == "no purchase in the 30 days before the last 30 days"


def test_presets_bring_what_they_read_and_keep_it_out_of_the_table() -> None:
    service = Service.model_validate(short(presets=["gaps", "monetary"]) | {"recency_feature": "gap_days_mean"})
    names = [one.name for one in table_features(service)]
    assert names[-4:] == ["price_usd_per_purchase", "gap_days_mean", "gap_days_deviation", "recency_over_gap"]
    assert by_name(service)["purchases_last_365d"].where == "age_days <= 365"
    assert service.eligible.when == "purchases_last_365d > 0"


def test_a_feature_of_the_service_takes_the_place_of_the_preset() -> None:
    own = {"kind": "days", "unit": "days", "from_tiles": "max(age_days)", "fill": 0}
    declared = short() | {"features": {"days_since_first_purchase": own, "days_known": own}}
    service = Service.model_validate(declared)
    names = list(sql_of(service))
    assert names == [*CDNOW, "days_known"]
    assert by_name(service)["days_since_first_purchase"].fill == 0
    assert by_name(service)["days_known"].about == "Days known"


def two_events(**of_visits: Any) -> dict[str, Any]:
    declared = short()
    visit = yaml.safe_load(yaml.safe_dump(declared["events"]["purchase"]))
    visit["measures"] = {"visits": {"sql": "count(*)"}}
    declared["events"]["visit"] = visit
    declared["use"]["visit"] = {"presets": ["recency", "frequency", "gaps"]} | of_visits
    return declared


def test_of_several_events_each_counts_its_own_days() -> None:
    service = Service.model_validate(two_events())
    found = by_name(service)
    for name in ("days_since_last_purchase", "days_since_first_purchase", "purchase_days", "gaps", "gap_days_sum"):
        assert found[name].where == "purchases > 0"
    for name in ("days_since_last_visit", "visit_days", "visit_gaps", "visit_gap_days_square_sum"):
        assert found[name].where == "visits > 0"
    assert found["visit_recency_over_gap"].from_features == "days_since_last_visit / visit_gap_days_mean"
    assert found["days_since_last_visit"].null_means == "no visit in a year"
    assert found["days_since_last_visit"].says == "last visited {value} {1:day|days} ago"
    assert (service.eligible.when, service.recency_feature) == ("purchases_last_365d > 0", "days_since_last_purchase")


def test_texts_read_well_for_any_event() -> None:
    words = {"one": "support request", "many": "support requests"}
    found = by_name(Service.model_validate(two_events(words=words, windows=["4 weeks", "3 months"])))
    assert found["visits_last_28d"].says == "made {value} {1:support request|support requests} in the last 28 days"
    assert found["visits_last_91d"].about == "Support requests in the last 91 days"
    assert found["days_since_last_visit"].says == "last support request {value} {1:day|days} ago"
    assert found["visit_days"].says == "{value} {1:day|days} with a support request in a year"
    assert found["visit_gap_days_mean"].null_means == "fewer than two days with a support request"
    over = "no support request for {value} times the usual time between support requests"
    assert found["visit_recency_over_gap"].says == over


@pytest.mark.parametrize(
    ("noun", "several"), [("play", "plays"), ("delivery", "deliveries"), ("box", "boxes"), ("visit", "visits")]
)
def test_plural(noun: str, several: str) -> None:
    assert plural(noun) == several


@pytest.mark.parametrize(
    ("length", "days"),
    [("1 day", 1), ("4 weeks", 28), ("1 month", 30), ("3 months", 91), ("6 months", 183), ("12 months", 365)]
    + [("18 months", 548), ("1 year", 365), ("2 years", 730), ("4 years", 1461), (" 10 days ", 10), (10, 10)],
)
def test_lengths(length: str | int, days: int) -> None:
    windows = {"observation_days": 2_000, "outcome_days": length, "gap_days": length}
    service = Service.model_validate(short() | {"windows": windows})
    assert (service.windows.outcome_days, service.windows.gap_days) == (days, days)


def test_lengths_of_windows_of_features() -> None:
    feature = {"kind": "count", "unit": "x", "from_tiles": "sum(cds)", "windows": ["2 weeks", "6 months"], "fill": 0}
    service = Service.model_validate(short() | {"features": {"x_last_{days}d": feature}})
    assert [name for name in sql_of(service) if name.startswith("x_")] == ["x_last_14d", "x_last_183d"]
    assert by_name(service)["x_last_14d"].about == "X in the last 14 days"


@pytest.mark.parametrize(
    ("observation_days", "windows"),
    [(20, [7, 14, 20]), (30, [7, 14, 30]), (31, [30, 31]), (365, [30, 90, 180, 365]), (730, [30, 90, 180, 365, 730])],
)
def test_windows_where_none_are_declared(observation_days: int, windows: list[int]) -> None:
    service = Service.model_validate(short() | {"windows": {"observation_days": observation_days, "outcome_days": 1}})
    assert service.features["purchases_last_{days}d"].windows == windows
    assert service.eligible.when == f"purchases_last_{observation_days}d > 0"


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no such preset": ({"presets": ["rfm"]}, "use.purchase.presets.0: Input should be 'recency', 'frequency',"),
    "preset twice": ({"presets": ["gaps", "gaps"]}, "use.purchase: presets: a value stands twice; remove one"),
    "unknown key": ({"preset": []}, "use.purchase.preset: unknown key"),
    "no such measure": ({"count": "plays"}, "use.purchase.count: 'plays' is not a number of events; declare one such"),
    "no such amount": ({"amounts": ["usd"]}, "use.purchase.amounts: 'usd' is not a sum of the event; there are: cds"),
    "window too long": ({"windows": [366]}, "use.purchase.windows: 366 days is longer than the observation window"),
    "no length": ({"windows": ["2 fortnights"]}, "use.purchase.windows.0: Input should be a valid integer, a number"),
    "no days": ({"windows": ["0 weeks"]}, "use.purchase.windows.0: Input should be greater than 0"),
    "endless": ({"windows": ["101 years"]}, "use.purchase.windows.0: Input should be less than or equal to 36500"),
}


@pytest.mark.parametrize("mistake", sorted(MISTAKES))
def test_mistakes_name_the_key(tmp_path: Path, mistake: str) -> None:
    changes, message = MISTAKES[mistake]
    assert problem(tmp_path, short(**changes)).startswith(message)


def problem(folder: Path, declared: dict[str, Any]) -> str:
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump(declared))
    with pytest.raises(UsageError) as caught:
        load_service(str(path))
    return str(caught.value).removeprefix(f"{path}: ")


def test_mistakes_around_presets_name_their_own_key(tmp_path: Path) -> None:
    other = short() | {"use": {"visit": {"presets": ["recency"]}}}
    assert problem(tmp_path, other).startswith("use.visit: there is no such event; there are: purchase")
    assert problem(tmp_path, short(presets=["frequency"])) == "recency_feature: this key is missing; add it"
    broken = short()
    broken["events"]["purchase"]["columns"]["cds"]["type"] = "number"
    assert problem(tmp_path, broken).startswith("events.purchase.columns.cds.type: ")
    twice = two_events(presets=["monetary"])
    twice["events"]["visit"]["measures"]["price_usd"] = {"sql": "sum(price_usd)"}
    assert problem(tmp_path, twice).startswith("use.visit: 'price_usd_last_{days}d' is a feature of an event above")
