"""Windows: half-open, next to each other, and no day is in two of them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conf.schema import Windows
from features.windows import Moment, Window, default_moments, logs_window, longest_hole

MUSIC = Windows(observation_days=30, outcome_days=14)
MAY_1 = Moment.at(date(2017, 5, 1), MUSIC)


def test_windows_of_a_month_and_a_fortnight() -> None:
    assert MAY_1.observation == Window(date(2017, 4, 1), date(2017, 5, 1))
    assert MAY_1.outcome == Window(date(2017, 5, 1), date(2017, 5, 15))


@pytest.mark.parametrize(
    ("day", "is_observed", "is_outcome"),
    [
        (date(2017, 3, 31), False, False),
        (date(2017, 4, 1), True, False),  # first of the observation
        (date(2017, 4, 30), True, False),  # last of it
        (date(2017, 5, 1), False, True),  # as_of belongs to the outcome
        (date(2017, 5, 14), False, True),  # last of the outcome
        (date(2017, 5, 15), False, False),
    ],
)
def test_days_at_the_edges(day: date, is_observed: bool, is_outcome: bool) -> None:
    assert (day in MAY_1.observation, day in MAY_1.outcome) == (is_observed, is_outcome)


def test_days_of_a_gap_are_in_neither_window() -> None:
    moment = Moment.at(date(2017, 5, 1), Windows(observation_days=30, gap_days=2, outcome_days=14))
    assert moment.outcome == Window(date(2017, 5, 3), date(2017, 5, 17))
    assert date(2017, 5, 2) not in moment.outcome and date(2017, 5, 2) not in moment.observation


days = st.integers(min_value=1, max_value=800)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), days, st.integers(min_value=0, max_value=90), days)
def test_a_window_is_as_long_as_it_says_and_meets_the_other_only_at_as_of(
    as_of: date, observation_days: int, gap_days: int, outcome_days: int
) -> None:
    moment = Moment(as_of, observation_days, gap_days, outcome_days)
    assert moment.observation.days == len(moment.observation.dates()) == observation_days
    assert moment.outcome.days == len(moment.outcome.dates()) == outcome_days
    assert moment.observation.dates()[-1] == as_of - timedelta(days=1)
    assert moment.outcome.dates()[0] == as_of + timedelta(days=gap_days)


def test_label_matures_with_the_last_day_of_the_outcome() -> None:
    assert MAY_1.is_over(logs_window([date(2017, 4, 1), date(2017, 5, 14)]))
    assert not MAY_1.is_over(logs_window([date(2017, 4, 1), date(2017, 5, 13)]))


def test_label_with_a_gap_matures_later() -> None:
    moment = Moment.at(date(2017, 5, 1), Windows(observation_days=30, gap_days=1, outcome_days=14))
    assert not moment.is_over(logs_window([date(2017, 4, 1), date(2017, 5, 14)]))
    assert moment.is_over(logs_window([date(2017, 4, 1), date(2017, 5, 15)]))


@pytest.mark.parametrize(
    ("first", "last", "inside"),
    [
        (date(2017, 4, 30), date(2017, 4, 30), True),  # one day to look at is enough
        (date(2017, 5, 1), date(2017, 5, 20), False),  # nothing lies before as_of
        (date(2017, 4, 1), date(2017, 4, 29), False),  # the day before as_of has no logs: it is in the future
    ],
)
def test_as_of_is_inside_the_logs(first: date, last: date, inside: bool) -> None:
    assert MAY_1.is_inside(logs_window([first, last])) is inside


def test_a_moment_trains_for_another_only_when_its_labels_were_known_by_then() -> None:
    assert MAY_1.may_train_for(Moment.at(date(2017, 5, 15), MUSIC))
    assert not MAY_1.may_train_for(Moment.at(date(2017, 5, 14), MUSIC))
    assert not MAY_1.may_train_for(MAY_1)


def test_logs_reach_from_the_first_to_the_last_day_in_any_order() -> None:
    days = [date(2017, 4, 3), date(2017, 4, 1), date(2017, 4, 2)]
    assert logs_window(days) == Window(date(2017, 4, 1), date(2017, 4, 4))


def test_logs_of_no_day_are_an_error() -> None:
    with pytest.raises(ValueError, match="no day has logs"):
        logs_window([])


def test_default_moments_of_the_real_logs() -> None:
    """44 days from 03-30: the published analyses look back 30 days from 04-29, to churn up to 05-12."""
    logs = logs_window([date(2017, 3, 30), date(2017, 5, 12)])
    assert [moment.as_of for moment in default_moments(logs, MUSIC, lambda moment: True)] == [
        date(2017, 4, 29),
        date(2017, 5, 13),
    ]


def test_default_moments_of_logs_too_short_for_a_label() -> None:
    logs = logs_window([date(2017, 3, 30), date(2017, 4, 12)])  # 14 days: none is left to look back on
    assert [moment.as_of for moment in default_moments(logs, MUSIC, lambda moment: True)] == [date(2017, 4, 13)]


@pytest.mark.parametrize(
    ("days", "start", "length"),
    [
        ([], 1, 9),
        ([1], 2, 8),
        ([9], 1, 8),
        ([5], 1, 4),
        ([4], 5, 5),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9], 1, 0),
        ([0, 10], 1, 9),
    ],
)
def test_the_longest_hole_in_the_first_nine_days_of_may(days: list[int], start: int, length: int) -> None:
    may = date(2017, 4, 30)
    known = [may + timedelta(days=day) for day in days]
    hole = longest_hole(known, Window(date(2017, 5, 1), date(2017, 5, 10)))
    assert hole.days == length
    assert not length or hole.start == may + timedelta(days=start)
