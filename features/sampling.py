"""Samples of customers; a customer is in the sample with all rows or with none.

The rule is `crc32(id as decimal text) mod 10000 < 10000 * rate`, the same as in `shell/unpack.sh`. A sample contains
all smaller ones, since each compares the same number of the customer with its limit.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

BUCKETS = 10_000


def in_sample(customer_id: Column, rate: float) -> Column:
    """Whether a customer is in the sample of `rate` (above 0, at most 1)."""
    text = customer_id.cast("string")
    without_leading_zeros = F.regexp_replace(text, "^0+(.)", "$1")
    return F.crc32(without_leading_zeros) % BUCKETS < round(BUCKETS * rate)
