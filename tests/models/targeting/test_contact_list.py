"""Whom to contact within a limit."""

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.schema import Label
from conf.targeting import Targeting
from features.sampling import in_sample
from jobs.engine import engine as started
from models.fitting.split import is_held_out
from models.targeting import contact_list as targeting
from models.targeting.contact_list import choose_contacts, most_contacts, summarise_contacts
from models.targeting.response import risk
from tests.support.engines import SMALL
from tests.support.frames import AS_OF, Rows, collected, frame

TYPES = {"customer_id": "bigint", "probability": "double", "spent": "double"}
LEFT = Label(name="churned", when="true", one_if="absent", about="Gone")
CAME = Label(name="came", when="true", one_if="present", about="Here")


def economics(**changes: Any) -> Targeting:
    """A contact costs 1 and keeps a leaver worth 10 in one of two cases; nobody is held out."""
    basic = {"currency": "EUR", "cost_of_contact": 1.0, "value_of_customer": 10.0, "kept_share": 0.5}
    about = {"value_about": "what was spent"} if "value_of_customer" in changes else {}
    return Targeting.model_validate(basic | {"hold_out_share": 0.0} | about | changes)


def totals(found: DataFrame, economics: Targeting) -> dict[str, Any]:
    """The totals of a list but those that a test of their own looks at."""
    whole = asdict(summarise_contacts(found, economics))
    return {key: value for key, value in whole.items() if not key.startswith("expected_good") and key != "left_out"}


def customers(probabilities: list[float], spent: list[float | None] | None = None) -> Rows:
    """Customers 0, 1, ... with these probabilities."""
    amounts = spent or [None] * len(probabilities)
    return [
        {"customer_id": who, "probability": probability, "spent": amount}
        for who, (probability, amount) in enumerate(zip(probabilities, amounts, strict=True))
    ]


def plan(session: SparkSession, rows: Rows, as_of: date = AS_OF, **changes: Any) -> dict[int, str]:
    """What is done with each customer."""
    found = choose_contacts(frame(session, rows, TYPES), LEFT, economics(**changes), as_of)
    return {who: row["contact"] for who, row in collected(found).items()}


def named(found: dict[int, str], what: str) -> set[int]:
    return {who for who, contact in found.items() if contact == what}


def test_worked_by_hand(engine: SparkSession) -> None:
    """Risks .9 .8 .1 .5 at a value of 10 bring 3.5, 3.0, -.5 and 1.5; two may be contacted."""
    found = choose_contacts(frame(engine, customers([0.9, 0.8, 0.1, 0.5]), TYPES), LEFT, economics(contacts=2), AS_OF)
    rows = collected(found)
    assert [rows[who]["risk"] for who in range(4)] == [0.9, 0.8, 0.1, 0.5]
    assert [rows[who]["expected_profit"] for who in range(4)] == pytest.approx([3.5, 3.0, -0.5, 1.5])
    assert [rows[who]["contact"] for who in range(4)] == ["contact", "contact", "no", "no"]
    assert found.columns == ["customer_id", "probability", "spent", "risk", "expected_profit", "left_out", "contact"]
    summary = {"contacts": 2, "held_out": 0, "cost": 2.0, "expected_gain": 6.5, "expected_changed": 0.85}
    assert totals(found, economics(contacts=2)) == pytest.approx(summary)


def test_the_label_says_which_way_risk_lies(engine: SparkSession) -> None:
    table = frame(engine, customers([0.75]), TYPES).select(risk(LEFT).alias("left"), risk(CAME).alias("came"))
    assert [tuple(row) for row in table.collect()] == [(0.75, 0.25)]


def test_those_who_come_back_are_left_alone(sail: SparkSession) -> None:
    found = choose_contacts(frame(sail, customers([0.9, 0.1]), TYPES), CAME, economics(contacts=1), AS_OF)
    assert {who: row["contact"] for who, row in collected(found).items()} == {0: "no", 1: "contact"}


def test_value_is_sql_over_features(engine: SparkSession) -> None:
    """At a risk of one half a contact pays from a value of 4 on; what is not known or no amount is worth nothing."""
    spent = [8.0, 4.0, 5.0, None, -100.0, float("nan"), float("inf")]
    found = choose_contacts(
        frame(engine, customers([0.5] * 7, spent), TYPES), LEFT, economics(value_of_customer="spent * 1"), AS_OF
    )
    rows = collected(found)
    assert [rows[who]["expected_profit"] for who in range(7)] == [1.0, 0.0, 0.25, -1.0, -1.0, -1.0, -1.0]
    assert named({who: row["contact"] for who, row in rows.items()}, "contact") == {0, 2}


def test_a_profit_of_exactly_nothing_is_not_contacted(sail: SparkSession) -> None:
    assert plan(sail, customers([0.2, 0.25]), value_of_customer=8.0) == {0: "no", 1: "no"}


def test_a_limit_beyond_all_customers_takes_those_who_pay(sail: SparkSession) -> None:
    rows = customers([0.9, 0.1, 0.8])
    assert plan(sail, rows, contacts=100) == plan(sail, rows) == {0: "contact", 1: "no", 2: "contact"}


def test_nobody_pays(sail: SparkSession) -> None:
    found = choose_contacts(frame(sail, customers([0.1, 0.05]), TYPES), LEFT, economics(contacts=1), AS_OF)
    assert {row["contact"] for row in found.collect()} == {"no"}
    nothing = {"contacts": 0, "held_out": 0, "cost": 0.0, "expected_gain": 0.0, "expected_changed": 0.0}
    assert totals(found, economics(contacts=1)) == nothing


def test_no_customers_at_all(engine: SparkSession) -> None:
    assert plan(engine, [], contacts=3, hold_out_share=0.1) == {}


@pytest.mark.parametrize(
    ("budget", "cost", "contacts"),
    [(0.3, 0.1, 3), (10.0, 3.0, 3), (0.99, 1.0, 0), (1e9, 0.01, 100_000_000_000), (4.35, 0.01, 435), (9.0, 4.5, 2)],
)
def test_a_budget_buys_whole_contacts(budget: float, cost: float, contacts: int) -> None:
    """0.3 / 0.1 and 4.35 / 0.01 are just below 3 and 435 in binary fractions."""
    assert most_contacts(economics(budget=budget, cost_of_contact=cost)) == contacts


def test_limits_other_than_a_budget() -> None:
    assert most_contacts(economics()) is None
    assert most_contacts(economics(contacts=7)) == 7


def test_a_budget_below_one_contact_contacts_nobody(sail: SparkSession) -> None:
    found = plan(sail, customers([1.0] * 40), budget=0.5, hold_out_share=0.5)
    assert set(found.values()) == {"no"}


def test_equal_profits_are_drawn_by_hash_anew_each_time(sail: SparkSession) -> None:
    rows = customers([0.9] * 300)
    today = named(plan(sail, rows, contacts=100), "contact")
    tomorrow = named(plan(sail, rows, AS_OF + timedelta(days=1), contacts=100), "contact")
    assert len(today) == len(tomorrow) == 100
    # Of 100 drawn from 300, a third are drawn again: a standard deviation of 3.9; and they are no run of ids.
    assert len(today & tomorrow) == pytest.approx(33, abs=16)
    assert sum(today) / 100 == pytest.approx(149.5, abs=28)


def test_held_out_customers_are_replaced_so_that_the_limit_is_reached(sail: SparkSession) -> None:
    """The list reaches down to the last contact, and everybody above it who is not contacted is held out."""
    rows = customers([0.5 + n / 1_000 for n in range(400)])
    found = plan(sail, rows, contacts=200, hold_out_share=0.3)
    contacts, held_out = named(found, "contact"), named(found, "hold out")
    assert len(contacts) == 200 and len(held_out) == pytest.approx(86, abs=44)  # four standard deviations
    assert contacts | held_out == set(range(min(contacts), 400))
    everybody = plan(sail, rows, hold_out_share=0.3)
    assert contacts <= named(everybody, "contact") and held_out <= named(everybody, "hold out")
    assert len(named(everybody, "contact")) + len(named(everybody, "hold out")) == 400


def test_equal_profits_hold_out_their_share_and_no_more(sail: SparkSession) -> None:
    """Did the order hang together with the draw, the list would begin with all 800 who are held out, or with none."""
    limit = economics(contacts=400, hold_out_share=0.2)
    found = choose_contacts(frame(sail, customers([0.9] * 4_000), TYPES), LEFT, limit, AS_OF)
    done = {who: row["contact"] for who, row in collected(found).items()}
    assert len(named(done, "contact")) == 400
    assert len(named(done, "hold out")) == pytest.approx(100, abs=45)
    summary = {"contacts": 400, "held_out": len(named(done, "hold out")), "cost": 400.0}
    summary |= {"expected_gain": 1400.0, "expected_changed": 180.0}
    assert totals(found, limit) == pytest.approx(summary)


@pytest.fixture
def many(sail: SparkSession) -> DataFrame:
    """20,000 customers whose probability rises with their number."""
    number = F.col("id").cast("double")
    return sail.range(20_000).select(
        F.col("id").alias("customer_id"), (number / 20_000).alias("probability"), number.alias("spent")
    )


def test_the_hold_out_is_a_fair_draw(many: DataFrame) -> None:
    """A tenth of everybody: in all tenths by profit, in the sample, among test customers, and at another date."""
    rich = economics(hold_out_share=0.1, value_of_customer=1e6)
    rows = choose_contacts(many, LEFT, rich, AS_OF).where("customer_id > 0")
    later = choose_contacts(many, LEFT, rich, date(2017, 5, 15)).select("customer_id", F.col("contact").alias("later"))
    groups = rows.join(later, "customer_id").select(
        F.floor(F.col("probability") * 10).cast("string").alias("tenth"),
        is_held_out(F.col("customer_id")).alias("judges"),
        in_sample(F.col("customer_id"), 0.1).alias("in_sample"),
        (F.col("later") == "hold out").alias("later"),
        (F.col("contact") == "hold out").cast("double").alias("held_out"),
    )
    for by in ("tenth", "judges", "in_sample", "later"):
        for row in groups.groupBy(by).agg(F.avg("held_out").alias("share"), F.count("*").alias("n")).collect():
            four_deviations = 4 * (0.1 * 0.9 / row["n"]) ** 0.5
            assert row["share"] == pytest.approx(0.1, abs=four_deviations), row
    assert groups.where("held_out = 1").count() == pytest.approx(2_000, abs=4 * 43)


@pytest.mark.parametrize("few", [10_000, 10, 1])
def test_the_search_is_exact_however_few_may_be_sorted(
    sail: SparkSession, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Very uneven values, of which many are equal: each limit contacts as many as it says, and the best ones."""
    monkeypatch.setattr(targeting, "FEW", few)
    monkeypatch.setattr(targeting, "BINS", 7)
    spent: list[float | None] = [1e9, 1e6, 1e6, 50.0, *[20.0] * 60, *(10.0 + n / 100 for n in range(40))]
    rows = customers([1.0] * 104, spent)
    in_order = sorted(range(104), key=lambda who: -(spent[who] or 0))
    for contacts in (1, 2, 4, 5, 37, 64, 65, 90, 104):
        found = named(plan(sail, rows, contacts=contacts, value_of_customer="spent"), "contact")
        assert len(found) == contacts
        assert sorted(spent[who] for who in found) == sorted(spent[who] for who in in_order[:contacts])


@pytest.mark.parametrize("spent", [[float(n) for n in range(500)], [1.0] * 500])
def test_few_rows_are_sorted(sail: SparkSession, monkeypatch: pytest.MonkeyPatch, spent: list[float | None]) -> None:
    """Of all different and of all equal profits alike."""
    left_to_sort = []
    narrowed = targeting._narrowed

    def watched(rows: DataFrame, key: str, place: int) -> tuple[DataFrame, int]:
        found = narrowed(rows, key, place)
        left_to_sort.append(found[0].count())
        return found

    monkeypatch.setattr(targeting, "FEW", 10)
    monkeypatch.setattr(targeting, "_narrowed", watched)
    plan(sail, customers([1.0] * 500, spent), contacts=200, value_of_customer="10 + spent")
    assert 1 <= left_to_sort[-1] <= 10


def test_order_of_rows_and_partitions_do_not_matter(sail: SparkSession) -> None:
    rows = customers([(n * 7 % 10) / 10 for n in range(200)])
    backwards = choose_contacts(
        frame(sail, rows[::-1], TYPES).repartition(5), LEFT, economics(contacts=50, hold_out_share=0.2), AS_OF
    )
    found = {who: row["contact"] for who, row in collected(backwards).items()}
    assert found == plan(sail, rows, contacts=50, hold_out_share=0.2)


def test_a_customer_is_the_same_as_number_and_as_text(sail: SparkSession) -> None:
    table = frame(sail, customers([0.9] * 100), TYPES)
    limit = economics(contacts=30, hold_out_share=0.2)
    as_text = choose_contacts(table.withColumn("customer_id", F.col("customer_id").cast("string")), LEFT, limit, AS_OF)
    by_text = {int(who): row["contact"] for who, row in collected(as_text).items()}
    assert by_text == {
        who: row["contact"] for who, row in collected(choose_contacts(table, LEFT, limit, AS_OF)).items()
    }


def test_both_engines_choose_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targeting, "FEW", 20)
    rows = customers([n % 17 / 17 for n in range(500)], [float(n % 23) for n in range(500)])
    found = []
    for name in ("sail", "spark"):
        with started(name, SMALL) as session:
            found.append(plan(session, rows, contacts=60, hold_out_share=0.25, value_of_customer="2 * spent"))
    assert found[0] == found[1]
    assert len(named(found[0], "contact")) == 60 and len(named(found[0], "hold out")) > 5


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0]), min_size=1, max_size=40),
    st.integers(1, 30),
    st.sampled_from([0.0, 0.2, 0.5]),
)
def test_nobody_better_is_passed_over(
    sail: SparkSession, probabilities: list[float], contacts: int, hold_out_share: float
) -> None:
    limit = economics(contacts=contacts, hold_out_share=hold_out_share, cost_of_contact=2.0)
    rows = collected(choose_contacts(frame(sail, customers(probabilities), TYPES), LEFT, limit, AS_OF)).values()
    profits = {
        what: [row["expected_profit"] for row in rows if row["contact"] == what]
        for what in ("contact", "hold out", "no")
    }
    on_list = profits["contact"] + profits["hold out"]
    passed_over = [profit for profit in profits["no"] if profit > 0]
    assert all(profit > 0 for profit in on_list)
    assert max(passed_over, default=0) <= min(on_list, default=float("inf"))
    assert len(profits["contact"]) <= contacts
    if passed_over:
        assert len(profits["contact"]) == contacts
    if hold_out_share == 0:
        paying = sum(5 * probability > 2 for probability in probabilities)
        assert len(profits["contact"]) == min(contacts, paying) and not profits["hold out"]
