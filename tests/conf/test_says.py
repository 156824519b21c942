"""The language of `says`: what it fills, and what it refuses."""

import pytest

from conf.says import chosen, filled, problem_of, shows_value


def test_choice_by_the_value() -> None:
    assert [chosen("1:day|days", key) for key in ("1", "2", "0")] == ["day", "days", "days"]
    assert [chosen("ar:Android|ip:an iPhone", key) for key in ("ip", "wp")] == ["an iPhone", "wp"]


def test_all_places_are_filled() -> None:
    says = "heard {value} {1:song|songs}, {percent} of them {0:never|often}"
    assert filled(says, "1", {"value": "1", "percent": "4 %"}) == "heard 1 song, 4 % of them often"


@pytest.mark.parametrize(("says", "is_shown"), [("{value}", True), ("{percent} of it", True), ("{1:a|b}", False)])
def test_whether_the_value_is_shown(says: str, is_shown: bool) -> None:
    assert shows_value(says) is is_shown


@pytest.mark.parametrize("says", ["last heard {value} {1:day|days} ago in {days} days", "{percent}", "{1:a|0:b}"])
def test_what_is_right(says: str) -> None:
    assert problem_of(says, []) is None


@pytest.mark.parametrize(
    ("says", "levels", "problem"),
    [
        ("last heard", [], "needs `{value}`"),
        ("in {days} days", [], "needs `{value}`"),
        ("heard {value", [], "needs `{value}`"),
        ("heard {value} }", [], "needs `{value}`"),
        ("heard {valu}", [], "there is no {valu}"),
        ("uses {ar:Android|iq:an iPhone}", ["ar", "ip"], "'iq' is no level of the category; choose one of ar, ip"),
    ],
)
def test_what_is_wrong(says: str, levels: list[str], problem: str) -> None:
    assert problem in (problem_of(says, levels) or "")
