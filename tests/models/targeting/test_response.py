"""What a contact is expected to change, and what it is counted to have changed on test data."""

from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from conf.schema import Label
from conf.targeting import Targeting
from models.targeting.response import expected_profit, response
from tests.support.frames import frame

CAME = Label(name="came", when="true", one_if="present", about="Here")
LEFT = Label(name="churned", when="true", one_if="absent", about="Gone")
MONEY = {"currency": "EUR", "cost_of_contact": 1.0, "value_of_customer": 20.0, "hold_out_share": 0.0}
TYPES = {"n": "int", "probability": "double"}


def economics(**changes: Any) -> Targeting:
    return Targeting.model_validate(MONEY | changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # By hand: a quarter of the probability more, which is cut off from 0.8 on; times 20, less 1.
        ({"aim": "convert", "lift": 0.25}, [-1.0, 1.5, 3.0, 1.0, -1.0]),
        ({"aim": "keep", "kept_share": 0.25}, [4.0, 1.5, 0.0, -0.5, -1.0]),
        ({"aim": "convert", "lift": 0.0}, [-1.0] * 5),
        ({"aim": "convert", "lift": 4.0}, [-1.0, 9.0, 3.0, 1.0, -1.0]),
    ],
)
def test_expected_profit_by_hand(sail: SparkSession, changes: dict[str, Any], expected: list[float]) -> None:
    """Customers who come back with a probability of 0, .5, .8, .9 and 1."""
    came = frame(sail, [{"n": n, "probability": p} for n, p in enumerate((0.0, 0.5, 0.8, 0.9, 1.0))], TYPES)
    left = came.withColumn("probability", 1 - F.col("probability"))
    for rows, label in ((came, CAME), (left, LEFT)):
        found = rows.select("n", expected_profit(label, economics(**changes)).alias("profit")).orderBy("n").collect()
        assert [row["profit"] for row in found] == pytest.approx(expected)


@pytest.mark.parametrize("changes", [{"aim": "convert", "lift": lift} for lift in (0.1, 0.25, 1.0, 3.0)])
def test_what_is_counted_is_on_average_what_is_expected(sail: SparkSession, changes: dict[str, Any]) -> None:
    """p of the count of those who come back and 1 - p of that of the others, at each p and at the border."""
    lift = changes["lift"]
    rows = [{"n": n, "probability": n / 40} for n in range(41)] + [{"n": 41, "probability": 1 / (1 + lift)}]
    responds = response(economics(**changes))
    p = F.col("probability")
    counts = frame(sail, rows, TYPES).select(
        p, responds.counted(F.lit(True), p).alias("came"), responds.counted(F.lit(False), p).alias("stayed_away")
    )
    for row in counts.collect():
        p_good = row["probability"]
        mean = p_good * row["came"] + (1 - p_good) * row["stayed_away"]
        assert mean == pytest.approx(min(lift * p_good, 1 - p_good))
        below = p_good <= 1 / (1 + lift)
        assert (row["came"], row["stayed_away"]) == ((lift, 0.0) if below else (0.0, 1.0))


def test_of_leavers_the_kept_share_is_counted(sail: SparkSession) -> None:
    responds = response(economics(aim="keep", kept_share=0.2))
    rows = frame(sail, [{"n": 0, "probability": 0.3}], TYPES)
    counts = rows.select(*(responds.counted(F.lit(is_good), F.col("probability")) for is_good in (True, False)))
    assert tuple(counts.collect()[0]) == (0.0, 0.2)
