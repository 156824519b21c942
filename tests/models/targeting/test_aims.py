"""Profit by either aim and by every rule, against plain numpy, and what the lists earn by the true probabilities."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from conf.schema import Label
from conf.targeting import Targeting
from models.targeting.contact_list import choose_contacts
from models.targeting.profit import ProfitCurve, profit_curve
from tests.support.frames import AS_OF, Rows, frame

CAME = Label(name="came", when="true", one_if="present", about="Here")
LEFT = Label(name="churned", when="true", one_if="absent", about="Gone")
KINDS = {
    "customer_id": "bigint",
    "label": "int",
    "probability": "double",
    "recency_probability": "double",
    "bgnbd_probability": "double",
    "spent": "double",
}
Floats = NDArray[np.float64]
SHARES = np.arange(1, 21) / 20
RULES = {"model": "probability", "recency": "recency_probability", "bgnbd": "bgnbd_probability"}


def economics(aim: str, **changes: Any) -> Targeting:
    basic = {"currency": "EUR", "cost_of_contact": 1.0, "value_of_customer": 20.0, "value_about": "spent"}
    return Targeting.model_validate(
        basic | {"aim": aim, "lift": 0.25, "kept_share": 0.25, "hold_out_share": 0.0} | changes
    )


def rows_of(columns: dict[str, Any]) -> Rows:
    lists = {name: np.asarray(values).tolist() for name, values in columns.items()}
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def by_hand(session: SparkSession, aim: str, labels: list[int], p: list[float], **changes: Any) -> ProfitCurve:
    columns = dict.fromkeys(RULES.values(), p) | {"customer_id": range(len(p)), "label": labels}
    rows = [row | {"spent": 1.0} for row in rows_of(columns)]
    return profit_curve(frame(session, rows, KINDS), CAME, economics(aim, **changes))


def test_convert_worked_by_hand(engine: SparkSession) -> None:
    """Four customers of p .8 (the border), .9, .4, .2; the first and the third come back.

    A lift of .25 counts 5 EUR for one who comes back with p up to .8, and 20 for one who does not with p above. So
    contacts gain 4, 19, 4 and -1. Expected gains are 4 - 1, 2 - 1, 2 - 1 and 1 - 1: the second and the third tie.
    """
    found = by_hand(engine, "convert", [1, 0, 1, 0], [0.8, 0.9, 0.4, 0.2])
    quarters = [found.curve[n] for n in (4, 9, 14, 19)]
    profits = [one.rules["model"].profit.value for one in quarters]
    assert profits == pytest.approx([1000, (4 + 11.5) * 250, 27 * 250, 26 * 250])
    assert [one.rules["model"].reached.value for one in quarters] == pytest.approx([0.5, 0.75, 1, 1])
    assert [one.rules["random"].reached.value for one in quarters] == pytest.approx([0.25, 0.5, 0.75, 1])
    assert [one.saved for one in quarters] == pytest.approx([750, 500, 250, 0])
    assert found.all == pytest.approx(6500) and found.best_share == 0.75


def test_keep_reaches_leavers(sail: SparkSession) -> None:
    found = by_hand(sail, "keep", [1, 0, 1, 0], [0.8, 0.9, 0.4, 0.2])
    quarters = [found.curve[n] for n in (4, 9, 14, 19)]
    assert [one.rules["model"].reached.value for one in quarters] == pytest.approx([0.5, 0.5, 0.5, 1])
    assert [one.rules["model"].profit.value for one in quarters] == pytest.approx([1000, 750, 500, 1500])


def test_where_nobody_comes_back_no_share_of_them_is_known(sail: SparkSession) -> None:
    found = by_hand(sail, "convert", [0, 0], [0.5, 0.25])
    assert all(np.isnan(one.rules[rule].reached.value) for one in found.curve for rule in ("model", "random"))


def drawn(customers: int) -> dict[str, Floats]:
    """Customers whose P(coming back) is known, with what three rules think of it, and unequal values."""
    random = np.random.default_rng(17)
    truth = random.beta(1.2, 1.8, customers)
    blurred = {
        name: 1 / (1 + np.exp(-(np.log(truth / (1 - truth)) * strength + random.normal(0, noise, customers))))
        for name, strength, noise in (
            ("recency_probability", 0.4, 0.8), ("bgnbd_probability", 0.6, 0.6), ("probability", 1.0, 0.0),
        )
    }  # fmt: skip
    blurred["recency_probability"] = np.clip(np.round(blurred["recency_probability"], 1), 0.05, 0.95)  # ties
    label = (random.random(customers) < truth).astype(int)
    spent = np.round(random.lognormal(3, 0.7, customers), 2)
    return {"truth": truth, "label": label, "spent": spent, "customer_id": np.arange(customers)} | blurred


def recomputed(
    data: dict[str, Floats], aim: str, column: str, who: NDArray[Any], ties: Floats
) -> tuple[Floats, Floats]:
    """Profit and reached share at SHARES, customer by customer; `who` are those drawn, `ties` orders equal ones."""
    p, q, came, spent = (data[name][who] for name in ("probability", column, "label", "spent"))
    if aim == "convert":
        key = np.minimum(0.25 * q, 1 - q) * spent
        changed = np.where(p <= 1 / 1.25, 0.25 * came, 1.0 - came)
    else:
        key, changed = (1 - q) * spent, 0.25 * (1 - came)
    wanted = came if aim == "convert" else 1 - came
    order = np.lexsort([ties, -key])
    cut = (SHARES * len(who)).astype(int) - 1
    gains = np.cumsum((changed * spent - 1.0)[order])[cut]
    return 1_000 * gains / len(who), np.cumsum(wanted[order])[cut] / wanted.sum()


@pytest.mark.parametrize("aim", ["convert", "keep"])
def test_every_rule_as_recomputed_customer_by_customer(sail: SparkSession, aim: str) -> None:
    """Values near (groups of neighbours), intervals of a bootstrap of customers, differences paired."""
    data = drawn(2_000)
    rows = rows_of({name: data[name] for name in KINDS})
    money = economics(aim, value_of_customer="spent")
    found = asdict(profit_curve(frame(sail, rows, KINDS), CAME, money, replicates=400))
    random, everybody = np.random.default_rng(3), np.arange(2_000)
    assert set(found["curve"][0]["rules"]) == {*RULES, "random"}
    drawings = [(random.integers(0, 2_000, 2_000), random.random(2_000)) for _ in range(400)]
    again = {
        rule: np.array([recomputed(data, aim, column, *one) for one in drawings]) for rule, column in RULES.items()
    }
    for rule, column in RULES.items():
        mean = np.mean([recomputed(data, aim, column, everybody, random.random(2_000)) for _ in range(30)], axis=0)
        for row, what in enumerate(("profit", "reached")):
            points = [one["rules"][rule][what] for one in found["curve"]]
            low, high = np.quantile(again[rule][:, row], [0.025, 0.975], axis=0)
            width = float(np.mean(high - low))
            assert [one["value"] for one in points] == pytest.approx(list(mean[row]), abs=0.15 * width), (rule, what)
            ours = np.mean([one["high"] - one["low"] for one in points])
            assert ours == pytest.approx(width, rel=0.15), (rule, what)
    for rule in ("recency", "bgnbd"):
        low, high = np.quantile(again["model"][:, 0] - again[rule][:, 0], [0.025, 0.975], axis=0)
        ours = [one["over"][rule]["high"] - one["over"][rule]["low"] for one in found["curve"]]
        assert np.mean(ours) == pytest.approx(np.mean(high - low), rel=0.15), rule


@pytest.mark.parametrize(("aim", "label"), [("convert", CAME), ("keep", LEFT)])
def test_by_the_truth_no_other_rule_earns_more(sail: SparkSession, aim: str, label: Label) -> None:
    """The list of a model that knows the truth against the best lists that the other rules can make.

    At every budget from 5 to 50 %; what a list earns is worked out from the true probabilities.
    """
    data = drawn(1_000)
    spent, draw = data["spent"], np.random.default_rng(5).permutation(1_000)

    def gains(p: Floats) -> Floats:
        return (np.minimum(0.25 * p, 1 - p) if aim == "convert" else 0.25 * (1 - p)) * spent - 0.01

    gain = gains(data["truth"])
    orders = {column: np.argsort(-gains(data[column]), kind="stable") for column in RULES.values()}
    kinds = {name: KINDS[name] for name in ("customer_id", "probability", "spent")}
    probability = data["truth"] if label is CAME else 1 - data["truth"]
    columns = {"customer_id": data["customer_id"], "probability": probability, "spent": spent}
    rows = frame(sail, rows_of(columns), kinds).cache()
    for budget in range(5, 55, 5):
        money = economics(aim, value_of_customer="spent", budget=budget / 10, cost_of_contact=0.01)
        done = choose_contacts(rows, label, money, AS_OF).where("contact = 'contact'").select("customer_id").collect()
        chosen = [row["customer_id"] for row in done]
        assert len(chosen) == 10 * budget
        others = [gain[order[: 10 * budget]].sum() for order in (*orders.values(), draw)]
        assert gain[chosen].sum() >= max(others) - 1e-9, budget
