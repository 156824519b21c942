"""Who will leave: the newest scores by tenth of the customers."""

import pytest

from tests.support.page import text_of


@pytest.mark.parametrize(
    "sentence",
    [
        # of 200 customers a tenth, or nine tenths, come back
        "10 200 90.0 % 20 9 200 10.0 % 180",
        "10 is the tenth with the highest probability of it, where fewest leave.",
    ],
)
def test_says(page: str, sentence: str) -> None:
    assert sentence in text_of(page)
