"""How times are written, found from some of them."""

from datetime import datetime

import pytest

from jobs.onboarding.times import TimeFormat, clock_format, instant, time_format


@pytest.mark.parametrize(
    ("texts", "format"),
    [
        (["2017-01-05 10:00:00", "2017-01-06T11:00:00"], "iso"),
        (["2017-01-05", "2017-01-06"], "iso"),
        (["20170105", "20170106"], "%Y%m%d"),
        (["1538352117000", "1538352118000"], "epoch_ms"),
        (["1538352117", "1538352118.5"], "epoch_s"),
        (["1538352117000000"], "epoch_us"),
        (["05.01.2017 10:00", "31.01.2017 9:15"], "%d.%m.%Y %H:%M"),
        (["12/1/2010 8:26", "12/31/2010 18:26"], "%m/%d/%Y %H:%M"),
        (["1/12/2010", "31/12/2010"], "%d/%m/%Y"),
        (["12/31/2010 08:26:11 PM", "12/1/2010 08:26:11 AM"], "%m/%d/%Y %I:%M:%S %p"),
        (["2010/12/31 08:26"], "%Y/%m/%d %H:%M"),
        (["31-Dec-2010", "01-Jan-2011"], "%d-%b-%Y"),
        (["31/Dec/2010:10:00:00 +0100"], "%d/%b/%Y:%H:%M:%S %z"),
        (["Dec 31, 2010"], "%b %d, %Y"),
    ],
)
def test_formats(texts: list[str], format: str) -> None:
    found = time_format(texts)
    assert found is not None and (found.format, found.is_guess) == (format, False)
    assert all(instant(text, format) for text in texts)


@pytest.mark.parametrize("texts", [["17850", "17851"], ["9.90"], ["K1"], [], ["10:00"], ["12345678901234567890"]])
def test_no_times(texts: list[str]) -> None:
    assert time_format(texts) is None


def test_numbers_count_from_1970_only_in_a_column_that_is_named_so() -> None:
    assert time_format(["1538352117"], may_be_number=False) is None
    assert time_format(["20170105"], may_be_number=False) is None


def test_the_order_of_day_and_month_is_open_where_no_value_is_above_12() -> None:
    found = time_format(["1/2/2017 10:00", "3/2/2017 11:00"])
    assert found == TimeFormat(
        "%d/%m/%Y %H:%M", "1/2/2017 10:00", "no value above 12 tells day and month apart", True, True
    )
    next_to_each_other = time_format(["12/1/2010 8:26", "12/9/2010 8:26"])
    assert next_to_each_other and next_to_each_other.format == "%m/%d/%Y %H:%M" and next_to_each_other.is_guess
    points = time_format(["01.02.2017", "03.04.2017"])
    assert points is not None and (points.format, points.is_guess) == ("%d.%m.%Y", False)


def test_dates_of_both_orders_are_a_guess() -> None:
    found = time_format(["13/01/2017", "14/01/2017", "01/15/2017"])
    assert found is not None and (found.format, found.is_guess, found.example) == ("%d/%m/%Y", True, "13/01/2017")
    assert "01/15/2017 has the other order" in found.why


def test_a_few_other_texts_do_not_matter() -> None:
    found = time_format(["31.01.2017"] * 95 + ["soon"] * 5)
    assert found is not None and found.format == "%d.%m.%Y"
    assert time_format(["31.01.2017"] * 5 + ["soon"] * 5) is None


def test_offsets_and_clocks_are_noted() -> None:
    zulu, day = time_format(["2017-01-05T10:00:00Z"]), time_format(["2017-01-05"])
    assert zulu and zulu.has_offset and zulu.has_clock
    assert day and not day.has_offset and not day.has_clock
    epoch = time_format(["1538352117"])
    assert epoch and epoch.has_offset and epoch.why == "it is 2018-10-01 00:01 in UTC"


def test_times_of_day() -> None:
    assert clock_format(["10:00", "9:30"]) == "%H:%M"
    assert clock_format(["10:00:01"]) == "%H:%M:%S"
    assert clock_format(["10:00 PM"]) == "%I:%M %p"
    assert clock_format(["10"]) == clock_format([]) == ""


def test_instants() -> None:
    assert instant("1538352117000", "epoch_ms") == datetime(2018, 10, 1, 0, 1, 57)
    assert instant("2017-01-05T10:00:00.5+02:00", "iso") == datetime(2017, 1, 5, 10)
    assert instant("31.02.2017", "%d.%m.%Y") is None and instant("2017-02-31", "iso") is None
