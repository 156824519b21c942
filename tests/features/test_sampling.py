"""Sampling by customer: the rule that the shell and the jobs share, against Python's own crc32."""

import zlib
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.sampling import in_sample


def by_rule(number: int, rate: float) -> bool:
    """crc32(id as decimal text) mod 10000 < 100 * percent."""
    return bucket(str(number)) < 100 * (100 * Decimal(str(rate)))


def bucket(text: str) -> int:
    return zlib.crc32(text.encode()) % 10_000


def chosen(spark: SparkSession, ids: list[str], rate: float, kind: str = "bigint") -> list[str]:
    rows = spark.createDataFrame([(text,) for text in ids], "text string")
    picked = rows.where(in_sample(F.col("text").cast(kind), rate))
    return sorted(row["text"] for row in picked.collect())


@pytest.mark.parametrize("rate", [0.0001, 0.01, 0.07, 0.1, 0.29, 0.57, 1.0])
def test_sample_is_that_of_the_rule(sail: SparkSession, rate: float) -> None:
    ids = [0, 1, 9_999, 10_000, 168_551_247, 2**53 + 1, 2**63 - 1, *range(700_000, 702_000)]
    expected = [str(number) for number in ids if by_rule(number, rate)]
    assert chosen(sail, [str(number) for number in ids], rate) == sorted(expected)


def test_a_known_customer(engine: SparkSession) -> None:
    """crc32("123456789") is 0xCBF43926 = 3421780262, the check value in every table of checksums: bucket 262."""
    assert chosen(engine, ["123456789"], 0.0262) == []
    assert chosen(engine, ["123456789"], 0.0263) == ["123456789"]


@pytest.mark.parametrize("kind", ["bigint", "string"])
def test_leading_zeros_do_not_count(engine: SparkSession, kind: str) -> None:
    same = ["0123456789", "123456789", "000000123456789"]
    assert chosen(engine, same, 0.0263, kind) == sorted(same)
    assert chosen(engine, same, 0.0262, kind) == []


def test_zero_stays_zero(engine: SparkSession) -> None:
    """crc32("0") is 0xF4DBDF21 = 4108050209: bucket 209."""
    assert chosen(engine, ["0", "000"], 0.0210, "string") == ["0", "000"]
    assert chosen(engine, ["0", "000"], 0.0209, "string") == []


def test_names_lose_leading_zeros_as_in_the_shell(sail: SparkSession) -> None:
    """The shell drops all zeros in front of whatever follows."""
    assert chosen(sail, ["00abc", "abc"], (bucket("abc") + 1) / 10_000, "string") == ["00abc", "abc"]
    assert chosen(sail, ["00abc", "abc"], bucket("abc") / 10_000, "string") == []


@pytest.mark.parametrize("percent", [7, 29, 57])
def test_limit_is_no_victim_of_binary_fractions(sail: SparkSession, percent: int) -> None:
    """0.57 * 10000 is 5699.999..., and 0.07 * 10000 a little more than 700."""
    last, first_out = (
        next(str(number) for number in range(10**6) if bucket(str(number)) == limit)
        for limit in (100 * percent - 1, 100 * percent)
    )
    assert chosen(sail, [last, first_out], percent / 100) == [last]


def test_small_samples_are_inside_larger_ones_and_of_their_size(sail: SparkSession) -> None:
    ids = [str(number) for number in range(100_000, 120_000)]
    one, ten, all_ = (set(chosen(sail, ids, rate)) for rate in (0.01, 0.1, 1.0))
    assert one < ten < all_ == set(ids)
    assert len(one) == pytest.approx(200, abs=60)  # four standard deviations of a draw of 1 % of 20,000
    assert len(ten) == pytest.approx(2_000, abs=170)


def test_every_row_of_a_customer_goes_the_same_way(sail: SparkSession) -> None:
    rows = sail.range(0, 3_000).select((F.col("id") % 300).alias("customer_id"))
    picked = rows.where(in_sample(F.col("customer_id"), 0.3)).groupBy("customer_id").count().collect()
    assert picked and {row["count"] for row in picked} == {10}
