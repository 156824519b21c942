"""RAW is a delivery: what landed before stays, is said, and is removed by --prune alone."""

import gzip
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.unpacking import SEARCH, UNPACK, down, landed, pack, rows, statuses, tree, unpack


def days(landing: Path) -> dict[str, list[str]]:
    """The landed lines of downloads by day, sorted."""
    found: dict[str, list[str]] = {}
    for file in landing.glob("down/date=*/*.log"):
        found.setdefault(file.parent.name[5:], []).extend(file.read_text().splitlines())
    return {day: sorted(lines) for day, lines in sorted(found.items())}


def deliver(folder: Path, **texts: str) -> Path:
    """A folder with one archive of downloads for each day: `d01="..."`."""
    for day, text in texts.items():
        pack(folder / f"201704{day[1:]}_1_down.log.tar.gz", text)
    return folder


@pytest.fixture
def three_days(tmp_path: Path, landing: Path) -> Path:
    """LANDING after a delivery of three days with twenty lines each."""
    texts = {f"d0{day}": "".join(down(100 * day + n) + "\n" for n in range(20)) for day in (1, 2, 3)}
    unpack(deliver(tmp_path / "first", **texts), landing)
    return landing


def test_a_folder_with_the_new_day_alone_adds_that_day(three_days: Path, tmp_path: Path) -> None:
    """Case 40."""
    before = days(three_days)
    today = deliver(tmp_path / "today", d04=down(4))
    said = unpack(today, three_days)
    assert days(three_days) == before | {"2017-04-04": [down(4)]}
    assert "unpack: 3 archives of earlier deliveries are not in RAW; kept, --prune removes them\n" in said
    assert sorted(statuses(three_days).values()) == ["earlier"] * 3 + ["unpacked"]
    assert len(rows(three_days / "days.csv")) == 4
    kept = tree(three_days)
    assert unpack(today, three_days) == said[said.index("unpack: 3 archives") :]
    assert tree(three_days) == kept


def test_prune_removes_what_is_not_in_raw_after_naming_it(three_days: Path, tmp_path: Path) -> None:
    """Case 40."""
    today = deliver(tmp_path / "today", d04=down(4))
    said = unpack(today, three_days, "--prune")
    names = ", ".join(f"2017040{day}_1_down.log.tar.gz" for day in (1, 2, 3))
    assert f"--prune removes 3 archives that are not in RAW, with 60 lines on 3 days: {names}" in said
    assert days(three_days) == {"2017-04-04": [down(4)]}
    assert statuses(three_days) == {"20170404_1_down.log.tar.gz": "unpacked"}
    unpack(today, tmp_path / "fresh")
    assert tree(three_days) == tree(tmp_path / "fresh")


def test_an_interrupted_prune_can_be_run_again(three_days: Path, tmp_path: Path) -> None:
    """Killed after the record of one archive, and one file of another whose record is there."""
    today = deliver(tmp_path / "today", d04=down(4))
    (three_days / ".done/20170401_1_down.record").unlink()
    (three_days / "down/date=2017-04-02/20170402_1_down.log").unlink()
    unpack(today, three_days, "--prune")
    unpack(today, tmp_path / "fresh")
    assert tree(three_days) == tree(tmp_path / "fresh")


def test_a_delivery_with_an_earlier_day_corrected(three_days: Path, tmp_path: Path) -> None:
    """Case 40."""
    before = days(three_days)
    corrected = [*before["2017-04-02"], down(299)]
    today = deliver(tmp_path / "today", d02="\n".join(corrected), d04=down(4))
    said = unpack(today, three_days)
    assert "replaced: 20170402_1_down.log.tar.gz: 20 lines before, 21 lines now" in said
    assert "2 archives of earlier deliveries" in said
    assert days(three_days) == before | {"2017-04-02": sorted(corrected), "2017-04-04": [down(4)]}


def test_a_version_with_lines_missing_is_refused(three_days: Path, tmp_path: Path) -> None:
    """18 of 20 lines are clearly fewer, 19 of 20 are not."""
    before = days(three_days)
    short = {f"d0{day}": "\n".join(before[f"2017-04-0{day}"][:left]) for day, left in ((1, 18), (2, 19), (3, 0))}
    today = deliver(tmp_path / "today", **short)
    said = unpack(today, three_days, status=4)
    assert "refused: 20170401_1_down.log.tar.gz came again with lines missing: 2017-04-01 has 18 of 20 lines" in said
    assert "refused: 20170403_1_down.log.tar.gz came again with lines missing: 2017-04-03 has 0 of 20 lines" in said
    assert days(three_days) == before | {"2017-04-02": before["2017-04-02"][:19]}
    assert sorted(statuses(three_days).values()) == ["refused", "refused", "unpacked"]
    unpack(today, three_days, status=4)  # as long as it lies there
    unpack(today, three_days, "--prune")
    assert {day: len(lines) for day, lines in days(three_days).items()} == {"2017-04-01": 18, "2017-04-02": 19}


def test_a_growing_file_must_keep_its_days(raw: Path, landing: Path) -> None:
    lines = [SEARCH.replace("03-30", f"03-{day}") for day in range(10, 15)]
    log = raw / "search.log"
    log.write_text("\n".join(lines[:3]))
    unpack(raw, landing)
    log.write_text("\n".join(lines[:4]))  # with a new day
    unpack(raw, landing)
    log.write_text("\n".join(lines[4:]))  # with the newest day alone
    said = unpack(raw, landing, status=4)
    assert (
        "2017-03-10 has 0 of 1 lines, 2017-03-11 has 0 of 1 lines, 2017-03-12 has 0 of 1 lines and 1 more days" in said
    )
    assert landed(landing, "search").decode() == "".join(line + "\n" for line in lines[:4])


def test_the_same_archive_in_another_folder_counts_once(three_days: Path, tmp_path: Path) -> None:
    before = days(three_days)
    moved = tmp_path / "all" / "2017" / "04"
    moved.mkdir(parents=True)
    for file in (tmp_path / "first").iterdir():
        shutil.copy(file, moved)
    for options in ((), ("--prune",), ()):
        said = unpack(tmp_path / "all", three_days, *options)
        assert "removes" not in said and "earlier deliveries" not in said
        assert days(three_days) == before


def test_landed_lines_of_another_layout_are_not_kept(tmp_path: Path, landing: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "20170401_x").write_text("1\ta\n")
    (tmp_path / "today").mkdir()
    (tmp_path / "today" / "20170402_x").write_text("2\tb\tc\n")
    unpack(tmp_path / "first", landing, "--event", "x files=*x fields=2 customer=1 day=name")
    before = tree(landing)
    other = ("--event", "x files=*x fields=3 customer=1 day=name")
    said = unpack(tmp_path / "today", landing, *other, status=3)
    assert "20170401_x, had another layout" in said and tree(landing) == before
    unpack(tmp_path / "today", landing, *other, "--prune")
    assert landed(landing, "x") == b"2\tb\tc\n"


def test_an_archive_that_is_no_log_any_more_loses_its_lines(tmp_path: Path, landing: Path, raw: Path) -> None:
    (raw / "20170401_x").write_text("1\ta\n")
    (raw / "20170401_xy").write_text("2\tb\n")
    unpack(raw, landing, "--event", "x files=*x* fields=2 customer=1 day=name")
    said = unpack(raw, landing, "--event", "x files=*x fields=2 customer=1 day=name")
    assert "removing the lines of 20170401_xy, which is no log of x any more" in said
    assert landed(landing, "x") == b"1\ta\n"


def test_names_of_two_deliveries_that_differ_in_unsafe_characters(tmp_path: Path, landing: Path) -> None:
    for number, name in enumerate(("20170401_a b_down.log", "20170401_a_b_down.log", "20170401_A_B_down.log.gz")):
        folder = tmp_path / str(number)
        folder.mkdir()
        content = down(number).encode()
        (folder / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        unpack(folder, landing)
    assert days(landing) == {"2017-04-01": [down(0), down(1), down(2)]}


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_of_deliveries_lands_the_same(seed: int, tmp_path: Path, landing: Path) -> None:
    """Parts, late, twice, packed in another way: as all of it at once."""
    draw = random.Random(seed)
    everything = tmp_path / "everything"
    everything.mkdir()
    archives = []
    for day in (1, 2, 3):
        for part in (1, 2):
            text = "".join(down(draw.randrange(5)) + "\n" for _ in range(3))
            name = f"2017040{day}_{part}_down.log"
            pack(everything / f"{name}.tar.gz", text)
            archives.append((f"{name}.tar.gz", text))
    deliveries = [draw.sample(archives, draw.randint(1, 3)) for _ in range(4)] + [draw.sample(archives, 6)]
    for number, delivery in enumerate(deliveries):
        folder = tmp_path / f"delivery{number}"
        for name, text in delivery:
            if draw.random() < 0.5:
                pack(folder / name, text)
            else:
                folder.mkdir(exist_ok=True)
                (folder / name.removesuffix(".tar.gz")).write_text(text)
        unpack(folder, landing)
    unpack(everything, tmp_path / "whole")
    assert days(landing) == days(tmp_path / "whole")


def test_prune_needs_no_value() -> None:
    shown = subprocess.run([UNPACK, "--help"], capture_output=True, text=True, check=True).stdout
    assert "--prune" in shown and "unused.csv" in shown
