"""Days with too many rejected lines: refused with their reason, tried again, and taken as they are only if told so."""

import json
from pathlib import Path

import pytest

from conf.schema import Rejections
from tests.support.archives import play_line, table
from tests.support.console import Encore

DAY = "20170401"


def given(tmp_path: Path, encore: Encore, bad: int, good: int, line: str) -> Path:
    """Landed plays, of which some are bad."""
    raw = tmp_path / "raw"
    raw.mkdir(exist_ok=True)
    text = "".join(play_line(customer) for customer in range(1, good + 1)) + line * bad
    (raw / f"{DAY}_play.log").write_text(text, encoding="utf-8")
    assert encore("unpack", "--data", tmp_path, "--service", "music")[0] == 0
    return tmp_path


@pytest.mark.parametrize(
    ("rejected", "lines", "are_too_many"),
    [(0, 0, False), (1, 1, True), (19, 20, False), (20, 400, False), (20, 399, True), (21, 400, True), (0, 9, False)],
)
def test_how_many_are_too_many(rejected: int, lines: int, are_too_many: bool) -> None:
    """More than 5 % and at least 20, or all."""
    assert Rejections().are_too_many(rejected, lines) == are_too_many


def test_a_day_of_which_too_much_is_rejected(encore: Encore, tmp_path: Path) -> None:
    odd = "".join(play_line(900, seconds=text) for text in ("b\x9b", "a", "c"))
    data = given(tmp_path, encore, 10, 60, odd)
    for _ in range(2):  # it is not up to date the next time
        code, said = encore("ingest", "--data", data)
        assert code == 4
        assert "ingest of play, 2017-04-01: 30 of its 90 lines (33.3%) were rejected" in said
        assert r"play_seconds_unreadable (30), such as play_time: a; play_time: b\x9b; play_time: c" in said
        assert said.endswith("or run it again with --accept-rejected")
        assert not list((data / "events" / "play").glob("date=*"))
        assert len(table(data / "events" / "rejected" / "play")) == 30
    assert encore("ingest", "--data", data, "--accept-rejected")[0] == 0
    assert len(table(data / "events" / "play")) == 60
    assert encore("ingest", "--data", data)[0] == 0  # it is up to date now


def test_a_day_of_which_all_is_rejected_keeps_its_events_of_before(encore: Encore, tmp_path: Path) -> None:
    data = given(tmp_path, encore, 0, 3, "")
    assert encore("ingest", "--data", data)[0] == 0
    given(tmp_path, encore, 3, 0, play_line("NULL"))
    code, said = encore("ingest", "--data", data)
    assert (
        code == 4
        and "3 of its 3 lines (100.0%) were rejected, most often customer_id_missing (3), such as uid: NULL" in said
    )
    assert len(table(data / "events" / "play")) == 3
    record = json.loads((data / "events" / "rejected" / "play" / "date=2017-04-01" / "_encore.json").read_text())
    assert (record["events"], record["rejected"]) == (0, 3)
