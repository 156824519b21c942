"""`encore analyze`: what the events of a data folder are like."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from jobs.cli import main
from jobs.logs.analysis import Change, DayOfEvents, changes
from tests.support.console import Encore

FIRST = date(2017, 1, 1)
HEADER = "customer_id,purchased_at,title,length_minutes,price\n"


def days(*given: int, events: int = 30) -> list[DayOfEvents]:
    """Days in a row with so many values of a column."""
    return [DayOfEvents(FIRST + timedelta(days=at), events, 5, {"title": number}) for at, number in enumerate(given)]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ((30, 30, 0, 0), [Change("title", date(2017, 1, 3), False)]),
        ((0, 0, 3, 4), [Change("title", date(2017, 1, 3), True)]),
        ((30, 0, 30, 30), [Change("title", date(2017, 1, 2), False)]),
        ((0, 0, 2, 2), []),  # of 30: below a tenth
        ((2, 0, 0, 0), []),
        ((30, 30, 1, 30), []),
        ((30,), []),
        ((), []),
    ],
)
def test_new_and_lost_columns(given: tuple[int, ...], found: list[Change]) -> None:
    assert changes(days(*given)) == found


def test_few_events_tell_nothing() -> None:
    assert changes(days(19, 0, events=19)) == []
    assert changes(days(20, 0, events=20)) == [Change("title", date(2017, 1, 2), False)]


def test_what_is_lost_for_long_is_new_again() -> None:
    found = changes(days(30, *[0] * 7, 30))
    assert found == [Change("title", date(2017, 1, 2), False), Change("title", date(2017, 1, 9), True)]


def test_the_events_of_a_folder(
    tmp_path: Path, encore: Encore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """30 purchases a day on 28 days but one; K0 makes 11 of them; on the last four days no title is known."""
    lines = []
    for day in range(28):
        if day == 13:
            continue
        for number in range(30):
            who, title = f"K{max(0, number - 10)}", "" if day >= 24 else "Alpha"
            lines.append(f"{who},2017-01-{day + 1:02d} 10:{number:02d}:00,{title},{600 if number else 'ten'},9.90\n")
    lines += [lines[0], "NULL,2017-01-01 10:00:00,Alpha,600,9.90\n"]
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "purchases.csv").write_text(HEADER + "".join(lines))
    assert encore("unpack", "--service", "audiobooks", "--data", tmp_path) == (0, "")
    assert encore("ingest", "--data", tmp_path, "--engine", "sail") == (0, "")
    monkeypatch.setattr("sys.argv", ["encore", "analyze", "--data", str(tmp_path), "--engine", "sail"])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    said = " ".join(capsys.readouterr().out.split())
    assert "purchase: 810 events of 20 customers" in said and "listening: 0 events" in said
    assert "days 27 2017-01-01 to 2017-01-28 days without events 1 2017-01-14 thin days 0 days set aside 0" in said
    assert "lines 812 of a day 30 to 32, median 30 customers of a day 20 to 20, median 20" in said
    assert "rejected lines 1 (0.1 %) customer_id_missing 1 repaired events 27 (3.3 %)" in said
    assert "equal lines 1 (0.1 %) `duplicates: [customer_id, purchased_at, title, price]`" in said
    assert "title string 14.8 % 100.0 % on 2017-01-25 lost on 2017-01-25" in said
    assert "length_minutes decimal(18,3) 3.3 % 3.3 % on 2017-01-01" in said
    assert "K0 297 36.7 % 7.3 27" in said  # 11 a day; the mean is 810 / 20


def test_without_events_it_ends_with_3(tmp_path: Path, encore: Encore) -> None:
    code, said = encore("analyze", "--data", tmp_path, "--service", "audiobooks")
    assert code == 3 and "there are no events; run `encore ingest --data" in said
