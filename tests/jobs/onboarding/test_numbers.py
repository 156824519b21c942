"""How numbers are written, found from some of them."""

import pytest

from jobs.onboarding.numbers import Marks, bare, evidence, fits, is_number, marks


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["9.90", "12"], Marks(".", "")),
        (["9,90", "12"], Marks(",", "")),
        (["1.009,90", "9,90"], Marks(",", ".")),
        (["1,009.90", "9.90"], Marks(".", ",")),
        (["9,90", "1.080"], Marks(",", ".")),
        (["9.90", "1,080"], Marks(".", ",")),
        (["1'080.50"], Marks(".", "'")),
        (["1 080,50"], Marks(",", " ")),
        (["1\u00a0080,50"], Marks(",", " ")),
        (["1.000.000"], Marks(",", ".")),
        (["1,000,000"], Marks(".", ",")),
        (["1,080", "12"], Marks(".", ",", is_guess=True)),
        (["1.080", "12"], Marks(",", ".", is_guess=True)),
        (["0.123", "0.456"], Marks(".", "")),
        (["1234.567"], Marks(".", "")),
        (["12", "13"], Marks(".", "")),
        (["€ 9,90", "-9,90", "(9,90)", "9,90-", "9,90 EUR"], Marks(",", "")),
    ],
)
def test_marks(texts: list[str], found: Marks) -> None:
    assert marks(evidence(texts)) == found
    assert all(fits(text, found) for text in texts)


@pytest.mark.parametrize(
    "text", ["$9.90", "-€9.90", "EUR 9.90", "1'080.00", "1 080,00", "(9.90)", "9.90-", "1.5e3", "12 kr"]
)
def test_numbers(text: str) -> None:
    assert is_number(text)


@pytest.mark.parametrize("text", ["", "K1", "9.90.", "1,,2", "ten", "12 cats", "2017-01-05", "10:00", "-"])
def test_no_numbers(text: str) -> None:
    assert not is_number(text)


def test_bare_numbers() -> None:
    assert [bare(text) for text in ("-€ 9.90", "(9.90)", "9.90- ", "EUR 9,90")] == ["9.90", "9.90", "9.90", "9,90"]


@pytest.mark.parametrize(
    ("text", "marks"),
    [("9,90", Marks(".", "")), ("9.90", Marks(",", ".")), ("1.08", Marks(",", ".")), ("10.80,5", Marks(",", "."))],
)
def test_what_does_not_fit(text: str, marks: Marks) -> None:
    assert not fits(text, marks)
