"""Where logs begin and end, and which of their days are missing, from counts of events alone."""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.coverage import log_days, missing_days, uncovered_days
from features.windows import Window

FIRST, DAYS = date(2016, 5, 27), 400
LAST = FIRST + timedelta(days=DAYS - 1)
WHOLE = Window(FIRST, LAST + timedelta(days=1))


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def counts(values: Mapping[int, int] | list[int]) -> dict[date, int]:
    """Events by day number."""
    pairs = values.items() if isinstance(values, Mapping) else enumerate(values)
    return {day(number): events for number, events in pairs if events}


def poisson(rate: float, days: int = DAYS, seed: int = 1) -> list[int]:
    return [int(events) for events in np.random.default_rng(seed).poisson(rate, days)]


def busy(seed: int = 1) -> list[int]:
    return poisson(1_000, seed=seed)


def weekly(seed: int = 1) -> list[int]:
    """Closed on Sundays, and busier on Saturdays."""
    by_weekday = [200, 200, 180, 220, 300, 600, 0]
    return [int(np.random.default_rng([seed, n]).poisson(by_weekday[day(n).weekday()])) for n in range(DAYS)]


def growing(seed: int = 1) -> list[int]:
    """Doubles every 30 days, from one event a day."""
    return [int(np.random.default_rng([seed, n]).poisson(2 ** (n / 30))) for n in range(DAYS)]


def fading(seed: int = 1) -> list[int]:
    return growing(seed)[::-1]


def campaign(seed: int = 1) -> list[int]:
    """A month at thirty times the volume of the rest."""
    return [events * (30 if 100 <= n < 130 else 1) for n, events in enumerate(poisson(100, seed=seed))]


def fallen(seed: int = 1) -> list[int]:
    """Four tenths of the usual for the last ten days, as after Christmas."""
    return [round(events * (0.4 if n >= DAYS - 10 else 1)) for n, events in enumerate(poisson(500, seed=seed))]


def sparse(seed: int = 1) -> list[int]:
    """Two purchases a day; about one day in seven has none."""
    return poisson(2, seed=seed)


def rare(seed: int = 1) -> list[int]:
    """Five purchases a month."""
    return poisson(1 / 6, seed=seed)


ORDINARY = [busy, weekly, growing, fading, campaign, fallen, sparse, rare]


def whole(values: Mapping[date, int]) -> Window:
    """From the first to the last day with an event."""
    return Window(min(values), max(values) + timedelta(days=1))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shop", ORDINARY)
def test_ordinary_logs_go_from_their_first_to_their_last_day(shop, seed) -> None:  # type: ignore[no-untyped-def]
    events = counts(shop(seed))
    found = log_days({"purchase": events})
    assert found.logs == whole(events) and found.set_aside == ()
    assert missing_days(events, found.logs) == set()


# ---- stray days ----

JUDGED = [busy, weekly, sparse, rare, campaign]
far = st.one_of(st.integers(-17_000, -250), st.integers(DAYS + 250, 30_000))  # day numbers; 1970 and 2099 among them
near = st.one_of(st.integers(-200, -31), st.integers(DAYS + 30, DAYS + 200))


@pytest.mark.parametrize("shop", JUDGED)
@settings(max_examples=25)
@given(strays=st.sets(far, min_size=1, max_size=4))
def test_moving_stray_lines_about_never_moves_the_window(shop, strays) -> None:  # type: ignore[no-untyped-def]
    """Case 06b."""
    events = counts(shop())
    found = log_days({"purchase": events | {day(n): 1 for n in strays}})
    assert found.logs == whole(events)
    assert found.set_aside == tuple(sorted(map(day, strays)))


@pytest.mark.parametrize("shop", [busy, weekly, sparse, campaign])
@settings(max_examples=25)
@given(strays=st.sets(near, min_size=1, max_size=3))
def test_nor_do_lines_a_month_away(shop, strays) -> None:  # type: ignore[no-untyped-def]
    events = counts(shop())
    found = log_days({"purchase": events | {day(n): 1 for n in strays}})
    assert found.logs == whole(events)
    assert found.set_aside == tuple(sorted(map(day, strays)))


@given(ahead=st.integers(2, 40))
def test_a_line_some_days_ahead_of_a_busy_shop(ahead: int) -> None:
    events = counts(busy())
    found = log_days({"visit": events | {day(DAYS - 1 + ahead): 2}})
    assert (found.logs, found.set_aside) == (WHOLE, (day(DAYS - 1 + ahead),))


def test_lines_on_which_day_and_month_are_swapped() -> None:
    """Case 06: Of all lines of the first twelve days of a month, one in a hundred: six days of each later month."""
    events = counts(busy())
    swapped = {date(2017, month, d): 10 for month in (8, 9, 10, 11, 12) for d in range(1, 7)}
    found = log_days({"visit": events | swapped})
    assert (found.logs, found.set_aside) == (WHOLE, tuple(sorted(swapped)))


def test_a_device_whose_clock_is_a_year_ahead() -> None:
    """Case 06: One line on each of a hundred days."""
    ahead = {day(365 + n): 1 for n in range(300, 400)}
    found = log_days({"visit": counts(busy()) | ahead})
    assert (found.logs, len(found.set_aside)) == (WHOLE, 100)


def test_strays_of_any_kind_of_event_are_set_aside() -> None:
    stray = {date(2099, 12, 31): 1}
    found = log_days({"visit": counts(busy()), "support": counts(rare()) | stray})
    assert (found.logs, found.set_aside) == (WHOLE, (date(2099, 12, 31),))


# ---- the last day, and holes ----


@pytest.mark.parametrize(
    ("last", "end"),
    [
        ([300], DAYS),  # delivered in part
        ([1], DAYS),
        ([480], DAYS),
        ([700], DAYS + 1),
        ([300, 20], DAYS),
        ([300, 1_000], DAYS + 2),  # the part of a day is in the midst now
        ([400, 400, 400], DAYS),
        ([400, 400, 400, 400], DAYS + 4),  # a lower volume, and no part of a day
        ([0, 0, 1_000], DAYS + 3),
        ([0] * 21 + [1_000], DAYS + 22),  # back after an outage of three weeks
        ([0] * 60 + [1_000], DAYS),  # far away one day is not enough to tell
        ([0] * 60 + [1_000] * 4, DAYS + 64),
    ],
)
def test_the_last_day_has_the_volume_of_a_day(last: list[int], end: int) -> None:
    found = log_days({"visit": counts(busy() + last)})
    assert found.logs == Window(FIRST, day(end))
    assert found.set_aside == tuple(day(DAYS + n) for n, events in enumerate(last) if events and DAYS + n >= end)


def test_a_part_of_a_day_in_the_midst_is_missing() -> None:
    events = counts([*busy(), 300, 1_000])
    assert missing_days(events, log_days({"visit": events}).logs) == {day(DAYS)}


@pytest.mark.parametrize("days", [14, 30, 60])
@pytest.mark.parametrize("gone", [{4}, {1}, {2, 3}, {1, 5}])
@pytest.mark.parametrize("rate", [40, 200, 5_000])
def test_a_day_without_logs_is_missing_in_short_logs(days: int, gone: set[int], rate: int) -> None:
    """The ends of the logs, and the holes themselves, are no sign of events in bursts; gone: from the last day back."""
    holes = {days - 1 - number for number in gone}
    events = counts({number: one for number, one in enumerate(poisson(rate, days)) if number not in holes})
    logs = log_days({"play": events}).logs
    assert logs == Window(day(0), day(days))
    assert missing_days(events, logs) == set(map(day, holes))


@pytest.mark.parametrize("shop", [busy, weekly, sparse])
def test_an_outage_is_missing_and_does_not_end_the_logs(shop) -> None:  # type: ignore[no-untyped-def]
    """Three weeks; on Sundays nothing is expected of the shop that is closed then."""
    events = counts([0 if 300 <= n < 321 else value for n, value in enumerate(shop())])
    assert log_days({"purchase": events}).logs == whole(counts(shop()))
    lost = {day(n) for n in range(300, 321) if shop is not weekly or day(n).weekday() != 6}
    edges = {day(n) for n in (*range(295, 300), *range(321, 326)) if not shop()[n]}  # days that had none anyway
    assert lost <= missing_days(events, WHOLE) <= lost | edges


def test_a_line_within_an_outage_does_not_hide_it() -> None:
    events = counts([0 if 300 <= n < 321 else value for n, value in enumerate(busy())]) | {day(310): 1}
    assert missing_days(events, WHOLE) == {day(n) for n in range(300, 321)}


def test_a_kind_of_event_that_ends_before_the_others_is_missing_from_then_on() -> None:
    purchases = counts(sparse()[:-30])
    found = log_days({"purchase": purchases, "visit": counts(busy())})
    assert found.logs == WHOLE
    assert missing_days(purchases, WHOLE) >= {day(n) for n in range(DAYS - 30, DAYS)}


def test_a_kind_of_event_that_begins_later_is_missing_before() -> None:
    searches = counts({n: events for n, events in enumerate(busy(2)) if n >= 200})
    found = log_days({"search": searches, "purchase": counts(poisson(50))})
    assert found.logs == WHOLE
    assert missing_days(searches, WHOLE) == {day(n) for n in range(200)}


def test_a_kind_of_event_that_goes_on_alone_moves_the_end() -> None:
    """The click logs were given up; orders go on at a hundredth of the lines."""
    found = log_days({"click": counts(poisson(20_000, DAYS - 100)), "order": counts(poisson(50))})
    assert found.logs == WHOLE


# ---- few events ----


@pytest.mark.parametrize(
    "events",
    [
        {0: 5},
        {0: 1, 1: 1, 2: 1, 3: 1, 4: 1},
        {0: 1, 1: 1, 30: 3, 31: 2, 44: 1},
        {0: 29, 1: 5},
        {0: 29, 14: 29},
        {0: 29, 1: 3, 2: 29, 3: 1},
        {0: 1, 60: 1},
    ],
)
def test_too_few_events_to_tell_are_taken_as_they_are(events: dict[int, int]) -> None:
    found = counts(events)
    assert log_days({"play": found}).logs == whole(found)
    assert missing_days(found, whole(found)) == set()


def test_a_line_twelve_years_ahead_of_one_day_of_logs() -> None:
    found = log_days({"play": {FIRST: 29}, "search": {FIRST + timedelta(days=12 * 365): 1}})
    assert found.logs == Window(FIRST, FIRST + timedelta(days=1))


def test_logs_of_no_event_are_an_error() -> None:
    with pytest.raises(ValueError, match="no day has events"):
        log_days({"play": {FIRST: 0}})


def test_days_that_are_closed_are_covered() -> None:
    sunday, monday = date(2017, 1, 1), date(2017, 1, 2)
    window = Window(sunday, date(2017, 1, 15))
    missing = [{sunday, monday}, {monday, date(2017, 1, 15)}]
    assert uncovered_days(window, missing, []) == [sunday, monday]
    assert uncovered_days(window, missing, ["sunday"]) == [monday]
    assert uncovered_days(window, missing, [monday]) == [sunday]
