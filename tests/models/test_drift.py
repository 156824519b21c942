"""Drift worked out by hand, and that each thing that can change is named."""

import json
from dataclasses import asdict
from math import inf, log, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from pyspark.sql import DataFrame, SparkSession

from conf.learning import Drift
from features.declared import NamedFeature
from jobs.engine import engine as started
from models import drift
from models.drift import Reference, make_reference, measure_drift, stability_index
from tests.support.engines import SMALL
from tests.support.frames import Rows, frame

LIMITS = Drift()
TYPES = {"customer_id": "bigint", "plays": "bigint", "days": "double", "device": "string", "probability": "double"}


def feature(name: str, kind: str, levels: tuple[str, ...] = ()) -> NamedFeature:
    return NamedFeature(
        name=name, about=f"About {name}", unit="one", kind=kind, days=30, from_tiles="count(*)", where=None,
        from_features=None, fill=None, cap=None, null_means="none", alias="", levels=levels, internal=False,
        family="frequency", says="",
    )  # fmt: skip


FEATURES = [feature("plays", "count"), feature("days", "days"), feature("device", "category", ("ar", "ip"))]


def customers(count: int = 200) -> Rows:
    """Plays 0 to 9 in turn, days 1 to `count`, every fifth unknown, and seven of ten on ar."""
    return [
        {
            "customer_id": n,
            "plays": n % 10,
            "days": None if n % 5 == 0 else float(n + 1),
            "device": "ar" if n % 10 < 7 else "ip",
            "probability": (n + 0.5) / count,
        }
        for n in range(count)
    ]


def table(engine: SparkSession, rows: Rows) -> DataFrame:
    return frame(engine, rows, TYPES)


def trained(engine: SparkSession, rows: Rows | None = None) -> dict[str, Any]:
    """The reference, as it stands in a file."""
    found = make_reference(table(engine, rows or customers()), FEATURES)
    return json.loads(json.dumps(asdict(found), allow_nan=False))


def drifted(rows: DataFrame, reference: dict[str, Any], limits: Drift) -> dict[str, Any]:
    """The drift against the reference of a file, as it stands in a file."""
    found = measure_drift(rows, TypeAdapter(Reference).validate_python(reference), limits)
    return json.loads(json.dumps(asdict(found), allow_nan=False))


def by_feature(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["feature"]: one for one in found["features"]}


# ---- the index ----


def test_index_by_hand() -> None:
    then, now = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.3, 0.3])
    assert stability_index(then, now, 1000, 1000) == pytest.approx(-0.1 * log(0.4 / 0.5) + 0.1 * log(0.3 / 0.2))


def test_an_empty_bin_counts_as_half_a_customer() -> None:
    then, now = np.array([1.0, 0.0, 0.0]), np.array([0.9, 0.1, 0.0])
    expected = -0.1 * log(0.9) + (0.1 - 0.5 / 200) * log(0.1 / (0.5 / 200))
    assert stability_index(then, now, 200, 50) == pytest.approx(expected)


bins_of = st.lists(st.integers(min_value=0, max_value=1000), min_size=1, max_size=12)


@given(left=bins_of, right=bins_of)
def test_index_is_never_negative_and_zero_for_equal_shares(left: list[int], right: list[int]) -> None:
    size = min(len(left), len(right))
    p, q = np.array(left[:size]) + [1] * size, np.array(right[:size])
    q = q if q.sum() else p
    index = stability_index(p / p.sum(), q / q.sum(), p.sum(), q.sum())
    assert index >= 0 and np.isfinite(index)
    assert stability_index(p / p.sum(), p / p.sum(), p.sum(), 3 * p.sum()) == 0
    assert index == pytest.approx(stability_index(q / q.sum(), p / p.sum(), q.sum(), p.sum()))  # it is symmetric


# ---- the reference ----


def test_reference_by_hand(engine: SparkSession) -> None:
    found = trained(engine)
    assert found["customers"] == 200
    plays, days, device = (found["features"][name] for name in ("plays", "days", "device"))
    # A tenth has 0 plays, the least, so a bin below it stands first and 8 and 9 share the last.
    assert plays["edges"][1:] == [0, 1, 2, 3, 4, 5, 6, 7] and -1e-9 < plays["edges"][0] < 0
    assert plays["shares"] == pytest.approx([0, *[0.1] * 8, 0.2])
    assert (plays["null_share"], plays["meaning"], plays["kind"]) == (0, "About plays", "count")
    assert len(days["edges"]) == 9 and days["null_share"] == 0.2
    assert days["shares"] == pytest.approx([0.08] * 10)
    assert device["values"] == ["ar", "ip"] and device["shares"] == pytest.approx([0.7, 0.3, 0])
    assert found["score"]["edges"] == pytest.approx([(20 * n - 0.5) / 200 for n in range(1, 10)])
    assert found["score"]["mean"] == pytest.approx(0.5) and found["score"]["customers"] == 200


def test_the_layout_of_the_file(sail: SparkSession) -> None:
    found = trained(sail)
    assert list(found) == ["customers", "features", "score"]
    assert list(found["features"]["plays"]) == ["meaning", "kind", "edges", "shares", "null_share"]
    assert list(found["features"]["device"]) == ["meaning", "kind", "values", "shares", "null_share"]
    assert list(found["score"]) == ["edges", "shares", "null_share", "mean", "customers"]
    assert asdict(TypeAdapter(Reference).validate_python(found)) == found


def test_counts_that_are_mostly_zero_keep_distinct_bins(sail: SparkSession) -> None:
    rows = [row | {"plays": 0 if n < 170 else n} for n, row in enumerate(customers())]
    plays = trained(sail, rows)["features"]["plays"]
    below, *edges = plays["edges"]
    assert edges == [0, 179]
    assert plays["shares"] == pytest.approx([0, 0.85, 0.05, 0.1])


def test_values_beyond_the_declared_levels_are_known_from_training(engine: SparkSession) -> None:
    rows = [row | {"device": "mc" if n % 20 == 0 else row["device"]} for n, row in enumerate(customers())]
    device = trained(engine, rows)["features"]["device"]
    assert device["values"] == ["ar", "ip", "mc"]
    again = by_feature(drifted(table(engine, rows), trained(engine, rows), LIMITS))
    assert again["device"]["new_category_share"] == 0 and again["device"]["psi"] == 0


def test_too_many_values_to_know_are_not_new_again(sail: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "MOST_VALUES", 3)
    rows = [row | {"device": f"d{n % 10}"} for n, row in enumerate(customers())]
    found = trained(sail, rows)
    assert found["features"]["device"]["values"] == ["ar", "ip", "d0", "d1", "d2"]
    assert by_feature(drifted(table(sail, rows), found, LIMITS))["device"]["above"] == []


def test_edges_come_from_a_bounded_number_of_rows(sail: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "EDGE_ROWS", 500)
    rows = sail.range(5_000).selectExpr(
        "id as customer_id", "id % 10 as plays", "cast(id as double) as days", "'ar' as device",
        "cast(id / 5000 as double) as probability",
    )  # fmt: skip
    found = asdict(make_reference(rows, FEATURES))
    assert found["customers"] == 5_000 and sum(found["score"]["shares"]) == pytest.approx(1)
    assert found["score"]["edges"] == pytest.approx([n / 10 for n in range(1, 10)], abs=0.06)
    assert found["score"]["edges"] != pytest.approx([n / 10 for n in range(1, 10)], abs=1e-3)  # drawn, not all


# ---- drift ----


def test_the_same_table_has_not_drifted(engine: SparkSession) -> None:
    found = drifted(table(engine, customers()), trained(engine), LIMITS)
    assert found["customers"] == 200 and found["above"] == []
    assert [one["psi"] for one in found["features"]] == [0, 0, 0]
    assert found["score"] == {"psi": 0, "mean": pytest.approx(0.5), "mean_at_training": pytest.approx(0.5), "above": []}
    assert LIMITS.model_dump() == {"psi": 0.25, "null_share": 0.1, "new_category_share": 0.01}
    assert list(found) == ["customers", "features", "score", "above"]
    assert set(found["features"][0]) == {
        "feature", "meaning", "kind", "psi", "null_share", "null_share_at_training", "new_category_share", "above",
    }  # fmt: skip


def test_half_as_many_customers_alike_have_not_drifted(sail: SparkSession) -> None:
    found = drifted(table(sail, [row for row in customers() if row["customer_id"] < 100]), trained(sail), LIMITS)
    assert by_feature(found)["plays"]["psi"] == by_feature(found)["device"]["psi"] == 0


def test_a_shift_by_hand(engine: SparkSession) -> None:
    """Everybody now plays 3 times: eight bins of a tenth empty, the last of two, and one holds all."""
    found = drifted(table(engine, [row | {"plays": 3} for row in customers()]), trained(engine), LIMITS)
    empty = 0.5 / 200
    expected = 7 * (empty - 0.1) * log(empty / 0.1) + (empty - 0.2) * log(empty / 0.2) + 0.9 * log(10)
    first, *others = found["features"]
    assert (first["feature"], first["above"], found["above"]) == ("plays", ["psi"], ["plays"])
    assert first["psi"] == pytest.approx(expected)
    assert all(one["psi"] == 0 for one in others)


def test_a_constant_that_becomes_less_is_seen(sail: SparkSession) -> None:
    before = [row | {"plays": 5} for row in customers()]
    found = drifted(table(sail, [row | {"plays": 4} for row in before]), trained(sail, before), LIMITS)
    assert found["above"] == ["plays"] and by_feature(found)["plays"]["psi"] > 1


def test_a_share_of_nulls_is_named(engine: SparkSession) -> None:
    """plays was never null and is for 15 % now; days was null for 20 %, and 28 % is within the limit."""
    rows = [
        row | {"plays": None if n % 20 < 3 else row["plays"], "days": None if n % 25 in (1, 2) else row["days"]}
        for n, row in enumerate(customers())
    ]
    found = by_feature(drifted(table(engine, rows), trained(engine), LIMITS))
    assert (found["plays"]["null_share"], found["plays"]["null_share_at_training"]) == (0.15, 0)
    assert found["plays"]["above"] == ["psi", "null_share"]
    # 0, 1 and 2 plays, a tenth each before, have lost half to null, which is a bin of its own.
    empty = 0.5 / 200
    assert found["plays"]["psi"] == pytest.approx(3 * -0.05 * log(0.5) + (0.15 - empty) * log(0.15 / empty))
    assert found["days"]["null_share"] == pytest.approx(0.28) and found["days"]["above"] == []


def test_an_unknown_category_is_no_new_one(engine: SparkSession) -> None:
    rows = [row | {"device": None if n % 4 == 0 else row["device"]} for n, row in enumerate(customers())]
    device = by_feature(drifted(table(engine, rows), trained(engine), LIMITS))["device"]
    assert (device["null_share"], device["new_category_share"]) == (0.25, 0)
    assert device["above"] == ["psi", "null_share"]


def test_fewer_nulls_are_named_too(sail: SparkSession) -> None:
    found = by_feature(drifted(table(sail, [row | {"days": 7.0} for row in customers()]), trained(sail), LIMITS))
    assert "null_share" in found["days"]["above"]


def test_a_new_category_is_named(engine: SparkSession) -> None:
    rows = [row | {"device": "watch" if n % 50 == 0 else row["device"]} for n, row in enumerate(customers())]
    found = drifted(table(engine, rows), trained(engine), LIMITS)
    device = by_feature(found)["device"]
    assert device["new_category_share"] == 0.02 and device["above"] == ["new_category_share"]
    assert found["above"] == ["device"]


def test_a_score_that_moved_is_named(engine: SparkSession) -> None:
    rows = [row | {"probability": row["probability"] ** 3} for row in customers()]
    found = drifted(table(engine, rows), trained(engine), LIMITS)
    assert found["above"] == ["probability"] and found["score"]["above"] == ["psi"]
    assert found["score"]["mean"] == pytest.approx(0.25, abs=1e-3)  # the mean of x^3 on 0..1


def test_limits_are_those_given(sail: SparkSession) -> None:
    rows = [row | {"plays": 3} for row in customers()]
    assert drifted(table(sail, rows), trained(sail), Drift(psi=100))["above"] == []


@pytest.mark.parametrize("gone", [{"plays": None, "days": None, "device": None}, {"days": nan}])
def test_null_everywhere_then_and_now_has_not_drifted(sail: SparkSession, gone: dict[str, Any]) -> None:
    rows = [row | gone for row in customers()]
    found = drifted(table(sail, rows), trained(sail, rows), LIMITS)
    assert found["above"] == [] and [one["psi"] for one in found["features"]] == [0, 0, 0]
    assert by_feature(found)["days"]["null_share"] == 1


def test_infinity_is_a_greatest_value(sail: SparkSession) -> None:
    rows = [row | {"days": inf if n < 30 else row["days"]} for n, row in enumerate(customers())]
    assert by_feature(drifted(table(sail, rows), trained(sail, rows), LIMITS))["days"]["psi"] == 0


def test_an_empty_table_is_refused(engine: SparkSession) -> None:
    with pytest.raises(ValueError, match="no customers"):
        drifted(table(engine, []), trained(engine), LIMITS)
    with pytest.raises(ValueError, match="no customers"):
        make_reference(table(engine, []), FEATURES)


def test_a_missing_column_is_named(sail: SparkSession) -> None:
    with pytest.raises(ValueError, match="no column 'plays'"):
        drifted(table(sail, customers()).drop("plays"), trained(sail), LIMITS)


def test_both_engines_say_the_same(sail: SparkSession) -> None:
    rows = [row | {"plays": row["customer_id"] % 7, "device": None} for row in customers()]
    on_sail = drifted(table(sail, rows), trained(sail), LIMITS)
    with started("spark", SMALL) as spark:
        assert drifted(table(spark, rows), trained(spark), LIMITS) == on_sail


@settings(max_examples=5)
@given(values=st.lists(st.one_of(st.none(), st.integers(min_value=-5, max_value=5)), min_size=1, max_size=60))
def test_any_table_against_itself_has_not_drifted(sail: SparkSession, values: list[int | None]) -> None:
    rows = [{"customer_id": n, "plays": value, "probability": 0.5} for n, value in enumerate(values)]
    found = trained(sail, rows)
    assert len(found["features"]["plays"]["edges"]) <= 9
    assert sum(found["features"]["plays"]["shares"]) + found["features"]["plays"]["null_share"] == pytest.approx(1)
    assert drifted(table(sail, rows), found, LIMITS)["above"] == []
