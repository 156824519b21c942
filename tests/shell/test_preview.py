"""shell/unpack/preview.py: the lines of a file as they would land, which the worker lands, too."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from conf.events import Event
from conf.load import load_service
from tests.shell.reading import event
from tests.support.paths import ROOT
from tests.support.unpacking import zip_bytes

PLAY = "7\tar\t7\t0\t{}\tBand\t200\t210\t0"
NAMES = ["uid", "device", "song_id", "song_type", "song_name", "singer", "play_time", "song_length", "paid_flag"]


def preview(declared: Event, file: Path, *options: str, status: int = 0) -> list[dict[str, Any]]:
    program = [sys.executable, "-S", str(ROOT / "shell/unpack/preview.py")]
    command = [*program, "--spec", json.dumps(declared.reading()), *options, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def row(number: int, date: str, fields: dict[str, str], raw: str, reason: str = "") -> dict[str, Any]:
    return {"number": number, "date": date, "fields": fields, "raw": raw, "reason": reason}


def test_records(tmp_path: Path) -> None:
    layout = {"fields": {"who": {}, "at": {}, "x": {"number": True}}, "customer": "who", "day": "at", "comment": "#"}
    day = "2017-01-05 10:00:00"
    lines = [f"K1,{day},$5", "#no", f"K2,{day}", "K3,never,1", '"K4",2017-01-06T10:00:00Z,"1,0\n80"']
    lines.append(f"K5,{day},(1.2.3.4)")
    (tmp_path / "x.csv").write_text("\n".join(["who,at,x", *lines]) + "\n")
    assert preview(event(layout), tmp_path / "x.csv") == [
        row(1, "2017-01-05", {"who": "K1", "at": day, "x": "5"}, lines[0]),
        row(2, "", {}, "#no", "comment"),
        row(3, "", {}, lines[2], "too_few_fields"),
        row(4, "", {"who": "K3", "at": "never", "x": "1"}, lines[3], "undated"),
        row(5, "2017-01-06", {"who": "K4", "at": "2017-01-06 10:00:00", "x": "unreadable: 1,0 80"},
            lines[4].replace("\n", " ")),
        row(6, "", {"who": "K5", "at": day, "x": "unreadable: (<address>)"}, f"K5,{day},(<address>)", "client_address"),
    ]  # fmt: skip


def test_lines_and_halves_of_them(tmp_path: Path) -> None:
    """The day is in the name of the folder of an archive."""
    song = PLAY.format("Song")
    lines = [song, "\t" + song, "", "264715", song[:12], song[12:], "x\ty", song + "\r", "7\tar", song]
    folder = tmp_path / "date=2017-03-30"
    folder.mkdir()
    (folder / "play.log.zip").write_bytes(zip_bytes([("play.log", "\n".join(lines))]))
    whole = row(1, "2017-03-30", dict(zip(NAMES, song.split("\t"), strict=True)), song)
    assert preview(load_service("music").events["play"], folder / "play.log.zip") == [
        whole, whole | {"number": 2, "raw": "\t" + song}, row(3, "", {}, "", "blank"),
        row(4, "", {}, "264715", "count_line"), whole | {"number": 5, "raw": f"{song[:12]} {song[12:]}"},
        row(7, "", {}, "x\ty", "too_few_fields"), whole | {"number": 8},
        row(9, "", {}, "7\tar", "too_few_fields"), whole | {"number": 10},
    ]  # fmt: skip


def test_the_first_ones_and_some_that_are_drawn(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("who,x\n" + "".join(f"{number},a\n" for number in range(1, 1001)))
    layout = {"fields": ["who", "x"], "customer": "who"}
    found = [one["number"] for one in preview(event(layout), tmp_path / "x.csv", "--rows", "20")]
    assert found[:20] == list(range(1, 21)) and len(found) == 40 == len(set(found)) and found == sorted(found)
    assert 300 < sum(found[20:]) / 20 < 700
    assert [one["number"] for one in preview(event(layout), tmp_path / "x.csv", "--rows", "20")] == found
    plays = tmp_path / "20170330_play.log"
    plays.write_text("".join((PLAY.format(number) if number % 2 else "7\tar\t7") + "\n" for number in range(1, 1001)))
    lines = preview(load_service("music").events["play"], plays, "--rows", "24")
    assert [one["number"] for one in lines[:24]] == list(range(1, 25)) and 44 <= len(lines) <= 48
    assert all(one["fields"].get("song_name", str(one["number"])) == str(one["number"]) for one in lines)
    assert all(one["reason"] == ("" if one["number"] % 2 else "too_few_fields") for one in lines)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    layout = event({"fields": ["who", "x"], "customer": "who"})
    assert preview(layout, tmp_path / "x.csv", status=3) == []
    assert preview(layout, tmp_path / "y.csv", status=3) == []
    (tmp_path / "z.csv").write_text("")
    assert preview(layout, tmp_path / "z.csv") == []
