"""Numbers and names as people read them."""

from datetime import date

import pytest

from jobs import formatting
from models.evaluation.intervals import Interval
from tests.support.page import plain


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.5739, "57.4 %"), (0, "0.0 %"), (1, "100.0 %"), (0.0004, "< 0.1 %"), (0.9999, "> 99.9 %"), (None, "–")],
)
def test_percent(share: float | None, shown: str) -> None:
    assert plain(formatting.percent(share)).replace("\u2009", " ") == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (71234, "71k"), (999_499, "999k"), (999_500, "1.0M"), (2.5e9, "2.5G")],
)
def test_short_count(number: float, shown: str) -> None:
    assert formatting.short_count(number) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(0.8166, "0.817"), (-0.8166, "-0.817"), (-0.0001, "0.000"), (None, "–"), (float("nan"), "–")]
)
def test_fixed(number: float | None, shown: str) -> None:
    assert plain(formatting.fixed(number)) == shown


def test_signed_shows_the_sign_of_what_is_not_nothing() -> None:
    assert [plain(formatting.signed(number)) for number in (0.5, -0.5, 0.0)] == ["+0.500", "-0.500", "0.000"]


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(12345.6, "12,346 EUR"), (1.5, "1.50 EUR"), (-99.99, "-99.99 EUR"), (3.0, "3 EUR"), (None, "– "), (0, "0 EUR")],
)
def test_money(amount: float | None, shown: str) -> None:
    assert plain(formatting.money(amount, "EUR")) == shown.rstrip()


def test_money_with_the_decimals_of_its_table() -> None:
    assert [plain(formatting.money(amount, "EUR", 2)) for amount in (200.0, 1.5)] == ["200.00 EUR", "1.50 EUR"]
    assert plain(formatting.money(45.74, "EUR", 0)) == "46 EUR"


def test_span_of_an_interval_that_is_not_known_is_empty() -> None:
    assert plain(formatting.span(Interval(0.5, -0.25, 0.75), 2)) == "-0.25 to 0.75"
    assert formatting.span(Interval(0.5, float("nan"), 0.75)) == ""
    assert formatting.span(None) == ""


def test_settings_are_told_in_words() -> None:
    assert plain(formatting.settings({"l1_share": 0.5, "depth": 3})) == "l1 share 0.5, depth 3"
    assert formatting.settings({}) == "–"


def test_spans_join_days_in_a_row_across_a_month() -> None:
    days = [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 4)]
    assert formatting.spans(days) == ["2024-02-28 to 2024-03-01", "2024-03-04"]
    assert formatting.spans([]) == []
