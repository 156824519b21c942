"""Samples of customers; a customer is in the sample with all rows or with none.

The rule is `crc32(id as text, without leading zeros and a last .0) mod 10000 < 10000 * rate`, the same as in
`shell/unpack.sh`, which does not know whether a service reads `17850.0` as `17850`. A sample contains
all smaller ones, since each compares the same number of the customer with its limit.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.values import ZEROS_AFTER_POINT

BUCKETS = 10_000


def in_sample(customer_id: Column, rate: float) -> Column:
    """Whether a customer is in the sample of `rate` (above 0, at most 1)."""
    text = customer_id.cast("string")
    plain = F.regexp_replace(F.regexp_replace(text, ZEROS_AFTER_POINT, "$1"), "^0+(.)", "$1")
    return F.crc32(plain) % BUCKETS < round(BUCKETS * rate)
