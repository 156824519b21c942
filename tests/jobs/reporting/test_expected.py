"""Who will leave: the newest scores by tenth of the customers."""

import pytest

from tests.support.page import text_of


@pytest.mark.parametrize(
    "sentence",
    [
        # of 200 customers in a tenth, a tenth or nine tenths come back; the likeliest to leave stand first
        "Expected to 1 200 90.0 % 180 2 200 90.0 % 180",
        "9 200 90.0 % 180 10 200 10.0 % 20",
    ],
)
def test_says(page: str, sentence: str) -> None:
    assert sentence in text_of(page)
