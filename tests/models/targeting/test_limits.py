"""Limits of contact: whom each rule keeps off the list, and for whom it is counted."""

from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from conf.schema import Label
from conf.targeting import Targeting
from models.targeting.contact_list import choose_contacts, compare_with_other, summarise_contacts
from models.targeting.limits import ContactHistory, with_barred
from tests.support.frames import AS_OF, Rows, collected, frame

TYPES = {"customer_id": "bigint", "probability": "double", "spent": "double", "country": "string"}
CAME = Label(name="came", when="true", one_if="present", about="Here")
MONEY = {
    "currency": "EUR", "cost_of_contact": 1.0, "value_of_customer": 100.0, "hold_out_share": 0.0,
    "aim": "convert", "lift": 0.1, "kept_share": 0.1,
}  # fmt: skip


def economics(**changes: Any) -> Targeting:
    """A contact costs 1 and lifts the probability of 100 EUR by a tenth: it pays between .1 and .99."""
    return Targeting.model_validate(MONEY | changes)


def customers(*probabilities: float, countries: str = "") -> Rows:
    """Customers 0, 1, ... who come back with these probabilities, in countries of one letter (-: not known)."""
    letters = countries or "a" * len(probabilities)
    return [
        {"customer_id": n, "probability": p, "spent": float(n), "country": None if letter == "-" else letter}
        for n, (p, letter) in enumerate(zip(probabilities, letters, strict=True))
    ]


def listed(
    session: SparkSession, rows: Rows, history: dict[str, Rows] | None = None, **changes: Any
) -> tuple[str, dict[int, str], dict[str, int]]:
    """What is done with each customer (contact, hold out, no), who is left out by which rule, and how many."""
    money, kinds = economics(**changes), {"customer_id": "bigint", "date": "date"}
    named = {
        key: frame(session, some, kinds if key == "contacted" else {"customer_id": "bigint"})
        for key, some in (history or {}).items()
    }
    barred = with_barred(frame(session, rows, TYPES), money, ContactHistory(**named), AS_OF)
    found = choose_contacts(barred, CAME, money, AS_OF)
    by_customer = collected(found)
    done = "".join(by_customer[n]["contact"][0] for n in range(len(rows)))
    left_out = {n: row["left_out"] for n, row in by_customer.items() if row["left_out"]}
    return done, left_out, summarise_contacts(found, money).left_out


def ids(*numbers: int) -> Rows:
    return [{"customer_id": number} for number in numbers]


def contacts(*days_ago: tuple[int, int]) -> Rows:
    """Contacts of customers, so many days before as_of."""
    return [{"customer_id": who, "date": AS_OF - timedelta(days)} for who, days in days_ago]


def test_without_limits_nobody_is_left_out(sail: SparkSession) -> None:
    assert listed(sail, customers(0.5, 0.05, 0.6)) == ("cnc", {}, {})


def test_those_not_to_be_contacted_by_file_and_by_condition(sail: SparkSession) -> None:
    """1 stands in the file twice, 4 in both; 3 would not be contacted anyway; 9 is nobody."""
    rule = {"do_not_contact": {"file": "f.csv", "when": "spent = 2 or spent = 4"}}
    found = listed(sail, customers(0.5, 0.5, 0.5, 0.05, 0.5), {"do_not_contact": ids(1, 1, 3, 4, 9)}, **rule)
    assert found == ("cnnnn", dict.fromkeys((1, 2, 4), "do_not_contact"), {"do_not_contact": 3})


def test_a_condition_that_is_null_bars_nobody(sail: SparkSession) -> None:
    rows = customers(0.5, 0.5, countries="a-")
    done, left_out, _ = listed(sail, rows, do_not_contact={"when": "country = 'a'"})
    assert (done, left_out) == ("nc", {0: "do_not_contact"})


def test_nobody_is_contacted_again_too_early(engine: SparkSession) -> None:
    """30 days: exactly so many days ago is not too early; the day itself and later ones are not the past."""
    days = {0: 1, 1: 29, 2: 30, 3: 31, 4: 0, 5: -1}
    history = {"contacted": contacts(*days.items(), (2, 400), (1, 35))}
    done, left_out, counted = listed(engine, customers(*[0.5] * 6), history, contacted={"again_after_days": 30})
    assert (done, left_out, counted) == ("nncccc", {0: "contacted", 1: "contacted"}, {"contacted": 2})


def test_the_least_probability_is_contacted_itself(sail: SparkSession) -> None:
    """Of what the aim is about: 1 - .9 is a little less than .1 in binary fractions, and counts as .1."""
    rows = customers(0.3, 0.29, 0.31)
    assert listed(sail, rows, min_probability=0.3)[:2] == ("cnc", {1: "min_probability"})
    leavers = customers(0.9, 0.91, 0.89)
    found = listed(sail, leavers, aim="keep", value_of_customer=1000.0, min_probability=0.1)
    assert found == ("cnc", {1: "min_probability"}, {"min_probability": 1})


def test_a_segment_has_a_maximum(engine: SparkSession) -> None:
    """Two of each country, the best first; those whose country is not known are one more segment."""
    rows = customers(0.5, 0.6, 0.7, 0.5, 0.3, 0.4, 0.8, countries="aaab---")
    by_country = {"by": "country", "most_contacts": 2}
    found = listed(engine, rows, segments=by_country)
    assert found == ("nccc" + "ncc", {0: "segments", 4: "segments"}, {"segments": 2})


def test_the_limit_of_all_goes_on_to_other_segments(sail: SparkSession) -> None:
    """Three contacts: a's third best would be second of all and is left out; b's last is beyond the limit."""
    rows = customers(0.9, 0.89, 0.88, 0.5, 0.4, countries="aaabb")
    done, left_out, _ = listed(sail, rows, segments={"by": "country", "most_contacts": 2}, contacts=3)
    assert (done, left_out) == ("cc" + "nc" + "n", {2: "segments"})


def test_the_hold_out_takes_no_place_of_its_segment(sail: SparkSession) -> None:
    rows = customers(*(0.5 + n / 1000 for n in range(200)), countries="ab" * 100)
    rule = {"by": "country", "most_contacts": 30}
    done, _, counted = listed(sail, rows, segments=rule, hold_out_share=0.3)
    for start in (0, 1):
        of_segment = done[start::2]
        first = min(n for n, what in enumerate(of_segment) if what == "c")
        assert of_segment.count("c") == 30
        assert set(of_segment[first:]) == {"c", "h"}  # all from the last contact up
    assert counted == {"segments": done.count("n")}


def test_a_customer_counts_for_the_first_rule_and_only_within_the_limit(sail: SparkSession) -> None:
    """0 is barred by all; 1 is barred, but after the last contact of two, so it would not be on the list anyway."""
    rows = customers(0.9, 0.2, 0.8, 0.7, 0.6)
    rules: dict[str, Any] = {"do_not_contact": {"when": "spent < 2"}, "contacted": {"again_after_days": 9}}
    done, left_out, counted = listed(
        sail, rows, {"contacted": contacts((0, 1), (2, 1))}, **rules, min_probability=0.3, contacts=2
    )
    assert (done, left_out) == ("nnncc", {0: "do_not_contact", 2: "contacted"})
    assert counted == {"do_not_contact": 1, "contacted": 1, "min_probability": 0}


@pytest.mark.parametrize("contacts", [2, 3, 4])
def test_the_limit_that_is_just_reached_leaves_later_customers_alone(sail: SparkSession, contacts: int) -> None:
    """Three may be contacted; the fourth is barred and comes after them: it has a place only if there are four."""
    found = listed(sail, customers(0.9, 0.8, 0.7, 0.6), do_not_contact={"when": "spent = 3"}, contacts=contacts)
    assert found[0] == ("ccnn", "cccn", "cccn")[contacts - 2]
    assert found[2] == {"do_not_contact": int(contacts == 4)}


def test_the_other_aim_is_said(sail: SparkSession) -> None:
    """convert pays from .1 to .99 - all but 0 and 3; keep pays below .9 - all but 2 and 3."""
    money = economics(contacts=10)
    other = money.other
    assert other and other.aim == "keep"
    rows = frame(sail, customers(0.05, 0.5, 0.95, 0.995, 0.3), TYPES)
    found = compare_with_other(
        choose_contacts(rows, CAME, money, AS_OF), choose_contacts(rows, CAME, other, AS_OF), other
    )
    assert (found.aim, found.contacts, found.cost, found.in_both) == ("keep", 3, 3.0, 2)
    assert found.expected_gain == pytest.approx(9.5 + 5 + 7 - 3)
    assert economics(kept_share=None).other is None


def test_good_customers_are_added_up(sail: SparkSession) -> None:
    rows, money = frame(sail, customers(0.5, 0.05, 0.97), TYPES), economics()
    found = summarise_contacts(choose_contacts(rows, CAME, money, date(2017, 5, 1)), money)
    assert (found.contacts, found.expected_good_contacted) == (2, pytest.approx(1.47))
    assert found.expected_good_all == pytest.approx(1.52)
    assert found.expected_changed == pytest.approx(0.05 + 0.03)
    assert found.expected_gain == pytest.approx(8.0 - 2)
