"""Definitions of the words on the page."""

import pytest

from models.evaluation.metrics import METRICS
from tests.support.page import text_of
from tests.support.report_records import HOSTILE


@pytest.mark.parametrize(
    "sentence",
    [
        f"Spends {HOSTILE} & more. The label is 1 when some day of the outcome window meets spent > 0.",
        "comes from the 3 days before it; the outcome is looked for in the 2 days from it.",
        f"{METRICS['ks'].title} {METRICS['ks'].about} More is better.",
        f"{METRICS['brier'].title} {METRICS['brier'].about} Less is better.",
    ],
)
def test_says(page: str, sentence: str) -> None:
    assert sentence in text_of(page)
