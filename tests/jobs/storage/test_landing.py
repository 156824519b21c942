"""The landing layer must be what its lists say."""

import csv
from pathlib import Path

import pytest

from conf.errors import InputError
from jobs.storage.landing import LandedFile, landed_files, read_rows, sample_rate

PLAY = "play/date=2017-03-30/a.log"
LATER = "play/date=2017-03-31/a.log"
SEARCH = "search/date=2017-03-30/b.log"


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """Two archives, one of them of two days."""
    manifest = [("20170330_1_play.log.tar.gz", "play", "11"), ("1_1_search.log.tar.gz", "search", "22")]
    write(
        tmp_path / "manifest.csv",
        [
            {"archive": archive, "event": event, "status": "unpacked", "checksum": checksum, "sample": "0.1"}
            for archive, event, checksum in manifest
        ]
        + [{"archive": "list.html", "event": "", "status": "no log", "checksum": "33", "sample": "1"}],
    )
    files = [(PLAY, manifest[0][0], "one\ntwo\n"), (LATER, manifest[0][0], "three\n"), (SEARCH, manifest[1][0], "晴\n")]
    for name, _, text in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    write(
        tmp_path / "days.csv",
        [
            {
                "event": name.split("/")[0],
                "date": name.split("=")[1].split("/")[0],
                "file": name,
                "archive": archive,
                "records": text.count("\n"),
                "bytes": len(text.encode()),
            }
            for name, archive, text in files
        ],
    )
    return tmp_path


def test_files_by_event_and_day(landing: Path) -> None:
    found = landed_files(landing)
    assert found.keys() == {("play", "2017-03-30"), ("play", "2017-03-31"), ("search", "2017-03-30")}
    assert found["search", "2017-03-30"] == [
        LandedFile("search", "2017-03-30", landing / SEARCH, "1_1_search.log.tar.gz", records=1, bytes=4, checksum="22")
    ]


def test_what_was_rejected_is_no_file_of_a_day(landing: Path) -> None:
    aside = landing / "rejected" / "play" / "date=2017-03-30" / "a.log"
    aside.parent.mkdir(parents=True)
    aside.write_text("blank\t\n")
    assert len(landed_files(landing)) == 3


@pytest.mark.parametrize("text", ["one\n", "one\ntwo\nthree\n", ""])
def test_a_file_of_another_size(landing: Path, text: str) -> None:
    (landing / PLAY).write_text(text)
    with pytest.raises(
        InputError, match=f"{PLAY}: this file differs from its entry in .*days.csv; run shell/unpack.sh"
    ):
        landed_files(landing)


def test_a_file_that_is_gone(landing: Path) -> None:
    (landing / LATER).unlink()
    with pytest.raises(InputError, match=f"{LATER}: this file differs from"):
        landed_files(landing)


def test_a_file_that_no_list_names(landing: Path) -> None:
    (landing / "play" / "date=2017-03-30" / "stray.log").write_text("one\n")
    with pytest.raises(InputError, match="stray.log: this file differs from"):
        landed_files(landing)


def test_no_list(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="manifest.csv: the list of unpacked archives is missing; run shell/unpack.sh"):
        landed_files(tmp_path)


def test_the_sample_is_that_of_the_unpacked_archives(landing: Path) -> None:
    assert sample_rate(landing) == 0.1


def test_archives_of_different_samples(landing: Path) -> None:
    rows: list[dict[str, object]] = [dict(row) for row in read_rows(landing / "manifest.csv")]
    write(landing / "manifest.csv", [rows[0], rows[1] | {"sample": "1"}])
    with pytest.raises(InputError, match=r"unpacked with different samples \(0\.1, 1\); empty the folder"):
        sample_rate(landing)


def test_no_archive_was_unpacked(landing: Path) -> None:
    rows: list[dict[str, object]] = [dict(row) for row in read_rows(landing / "manifest.csv")]
    write(landing / "manifest.csv", rows[2:])
    with pytest.raises(InputError, match="no archive was unpacked"):
        sample_rate(landing)
