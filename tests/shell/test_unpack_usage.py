"""Bad input and bad usage of unpack.sh."""

import subprocess
from pathlib import Path

import pytest

from tests.support.unpacking import UNPACK, down, landed, pack, statuses, tree, unpack


@pytest.mark.parametrize(
    "options",
    [["--sample", "0"], ["--sample", "1.1"], ["--sample", "x"], ["--sample", "-0.1"], ["--sample"],
     ["--jobs", "0"], ["--wrong"], ["third"], ["--event", "x fields=2"],
     ["--event", "x files=* fields=2 customer=3 day=name"],
     ["--event", "x files=* fields=2 customer=1 day=3"],
     ["--event", "x files=* fields=2 customer=1 day=name colour=1"],
     ["--event", "files=* fields=2 customer=1 day=name"],
     ["--event", "../x files=* fields=2 customer=1 day=name"],
     ["--event", "x files=* fields=2 customer=1 day=name separator=,"],
     ["--event", "x files=* fields=2 customer=1 day=name header=-1"]],
)  # fmt: skip
def test_bad_usage(options: list[str], raw: Path, landing: Path) -> None:
    said = unpack(raw, landing, *options, status=2)
    assert said.count("\n") == 1
    assert not landing.exists()


def test_bad_input(raw: Path, landing: Path, tmp_path: Path) -> None:
    assert "empty" in unpack(raw, landing, status=3)
    (raw / "list.html").write_text("<html>")
    assert "no file" in unpack(raw, landing, status=3)
    assert "no such" in unpack(tmp_path / "nowhere", landing, status=3)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("mine")
    assert "not made by unpack" in unpack(raw, foreign, status=3)
    assert tree(foreign) == {"thesis.txt": b"mine"}
    assert "inside RAW" in unpack(raw, raw / "landing", status=2)


def test_an_emptied_raw_folder_removes_nothing(raw: Path, landing: Path) -> None:
    pack(raw / "20170401_1_down.log.tar.gz", down())
    unpack(raw, landing)
    (raw / "20170401_1_down.log.tar.gz").unlink()
    said = unpack(raw, landing)
    assert "it is empty" in said and "1 archive that landed earlier" in said
    assert statuses(landing) == {"20170401_1_down.log.tar.gz": "earlier"}
    before = tree(landing)
    assert "would remove everything" in unpack(raw, landing, "--prune", status=3)
    (raw / "list.html").write_text("<html>")
    assert "not used: list.html" in unpack(raw, landing)
    assert "would remove everything" in unpack(raw, landing, "--prune", status=3)
    assert {name: text for name, text in tree(landing).items() if not name.endswith(".csv")} == {
        name: text for name, text in before.items() if not name.endswith(".csv")
    }
    assert landed(landing, "down").decode() == down() + "\n"


def test_lines_that_vanish_are_noticed(raw: Path, landing: Path, tmp_path: Path) -> None:
    """An awk that loses the last record on its way to the disk."""
    lossy = tmp_path / "lossy"
    lossy.write_text('#!/bin/sh\ncase $* in *lines.awk*) awk "$@" | sed \'$d\' ;; *) exec awk "$@" ;; esac\n')
    lossy.chmod(0o755)
    pack(raw / "20170401_1_down.log.tar.gz", down(1) + "\n" + down(2) + "\n")
    assert "2 records counted, 1 written" in unpack(raw, landing, awk=str(lossy), status=4)
    assert statuses(landing) == {"20170401_1_down.log.tar.gz": "failed"}
    assert landed(landing, "down") == b""


def test_help() -> None:
    shown = subprocess.run([UNPACK, "--help"], capture_output=True, text=True, check=True).stdout
    assert "RAW" in shown and "--sample" in shown
