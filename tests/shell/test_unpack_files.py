"""Which files of RAW are unpacked, and to which days their lines go."""

import gzip
import os
import random
import re
import shutil
import subprocess
import zlib
from pathlib import Path

from tests.support.unpacking import (
    SEARCH,
    UNPACK,
    counts,
    down,
    landed,
    manifest,
    pack,
    rejected,
    rows,
    statuses,
    tree,
    unpack,
)

# ---------------------------------------------------------------- days


def test_dateless_search_goes_by_its_lines(raw: Path, landing: Path, awk: str) -> None:
    days = ["2017-03-30 00:00", "2017-04-01 07:00", "2017-03-30 23:00", "2017-02-29", "20170331", "x"]
    lines = [f"1\tar\t{day}\tquery" for day in days]
    pack(raw / "1_1_search.log.tar.gz", "\n".join(lines))
    unpack(raw, landing, awk=awk)
    files = {path.parent.name: path.read_text() for path in landing.glob("search/*/*")}
    assert files == {
        "date=2017-03-30": f"{lines[0]}\n{lines[2]}\n",
        "date=2017-03-31": f"{lines[4]}\n",
        "date=2017-04-01": f"{lines[1]}\n",
    }
    assert rejected(landing, "search") == [(b"undated", lines[3].encode()), (b"undated", lines[5].encode())]


def test_a_dated_search_goes_by_its_name(raw: Path, landing: Path) -> None:
    pack(raw / "20170402_1_search.log.tar.gz", SEARCH)
    unpack(raw, landing)
    assert [path.parent.name for path in landing.glob("search/*/*")] == ["date=2017-04-02"]


def test_undated_archive_is_listed_and_warned_of(raw: Path, landing: Path) -> None:
    pack(raw / "20170339_1_down.log.tar.gz", down())
    pack(raw / "20160229_1_down.log.tar.gz", down(2))
    said = unpack(raw, landing)
    assert statuses(landing) == {
        "20170339_1_down.log.tar.gz": "undated",
        "20160229_1_down.log.tar.gz": "unpacked",
    }
    assert "20170339_1_down.log.tar.gz" in said
    assert landed(landing, "down") == (down(2) + "\n").encode()


def test_more_days_than_open_files(raw: Path, landing: Path, awk: str) -> None:
    days = [f"1990{month:02}{day:02}" for month in range(1, 13) for day in range(1, 29)]
    random.Random(1).shuffle(days)
    (raw / "shop.txt").write_text("".join(f"  {n} {day}   1\n" for n, day in enumerate(days)))
    event = "purchase files=shop.txt fields=3 customer=1 day=2 separator=space"
    limited = f"ulimit -n 64; exec {UNPACK} {raw} {landing} --event '{event}'"
    subprocess.run(["sh", "-c", limited], check=True, capture_output=True, env=dict(os.environ, AWK=awk))
    table = rows(landing / "days.csv")
    assert len(table) == len(days) == 336
    for row in table:
        file = landing / row["file"]
        assert file.stat().st_size == int(row["bytes"])
        assert file.read_text().split("\t")[1] == row["date"].replace("-", "")


def test_space_separated_lines(raw: Path, landing: Path, awk: str) -> None:
    (raw / "shop.txt").write_bytes(
        b" customer date n\r\n 007  19970101\t1 \r\n\r\n8 19970101\n9 19970101 1 \xff\n9 19970101 \xff\n5 1997-01-01 2"
    )
    event = "buy files=*.txt fields=3 customer=1 day=2 separator=space header=1"
    unpack(raw, landing, "--event", event, awk=awk)
    assert landed(landing, "buy") == b"007\t19970101\t1\n5\t1997-01-01\t2\n"
    assert rejected(landing, "buy") == [
        (b"blank", b""), (b"too_few_fields", b"8 19970101"), (b"too_many_fields", b"9 19970101 1 \xff"),
        (b"not_utf8", b"9 19970101 \xff"),
    ]  # fmt: skip
    assert counts(manifest(landing)["shop.txt"])["header"] == 1


# ---------------------------------------------------------------- files


def test_every_kind_of_file(raw: Path, landing: Path) -> None:
    pack(raw / "20170401_1_down.log.tar.gz", down(1) + "\n", down(2) + "\n")  # two members of the same name
    pack(raw / "deep/er/20170402_1_down.log.tgz", down(3))
    (raw / "20170403_down.log.gz").write_bytes(gzip.compress(down(4).encode()))
    (raw / "20170404_down.log").write_text(down(5))
    (raw / "20170405_down.log").write_text("")
    unpack(raw, landing)
    assert landed(landing, "down").decode() == "".join(down(n) + "\n" for n in (1, 2, 3, 4, 5))
    assert set(statuses(landing).values()) == {"unpacked"}
    assert not (landing / "down/date=2017-04-05").exists()


def test_one_file_as_raw(raw: Path, landing: Path) -> None:
    pack(raw / "20170401_1_down.log.tar.gz", down())
    pack(raw / "20170401_2_down.log.tar.gz", down())
    unpack(raw / "20170401_2_down.log.tar.gz", landing)
    assert statuses(landing) == {"20170401_2_down.log.tar.gz": "unpacked"}


def test_no_logs_are_listed_only(raw: Path, landing: Path) -> None:
    names = ["list.html", "3_1.uids.gz", "20170330_play.log.uids.gz", "._20170401_1_down.log.tar.gz", "x.csv"]
    for name in names:
        (raw / name).write_text("no log")
    pack(raw / "20170401_1_down.log.tar.gz", down())
    unpack(raw, landing)
    found = statuses(landing)
    assert found.pop("20170401_1_down.log.tar.gz") == "unpacked"
    assert found == dict.fromkeys(names, "not_a_log")
    assert {row["bytes"] for row in manifest(landing).values() if row["status"] == "not_a_log"} == {"6"}


def test_a_doubled_delivery_counts_once(raw: Path, landing: Path) -> None:
    """Cases 05 and 43: of one day and part only. On another day, or as another part, they are lines of their own."""
    original = raw / "20170422_3_down.log.tar.gz"
    pack(original, down(1))
    shutil.copy(original, raw / "20170422_3_down.log (1).tar.gz")
    (raw / "20170422_3_down.log").write_text(down(1))  # the same text, not packed
    shutil.copy(original, raw / "20170423_3_down.log.tar.gz")
    shutil.copy(original, raw / "20170422_2_down.log.tar.gz")
    pack(raw / "20170424_1_down.log (1).tar.gz", down(2))  # a copy without its original is a log
    said = unpack(raw, landing)
    assert statuses(landing) == {
        "20170422_3_down.log": "unpacked",
        "20170422_3_down.log (1).tar.gz": "duplicate",
        "20170422_3_down.log.tar.gz": "duplicate",
        "20170423_3_down.log.tar.gz": "unpacked",
        "20170422_2_down.log.tar.gz": "unpacked",
        "20170424_1_down.log (1).tar.gz": "unpacked",
    }
    assert landed(landing, "down").decode() == (down(1) + "\n") * 3 + down(2) + "\n"
    assert "the same lines as 20170422_3_down.log, which count once" in said
    assert (
        "20170422_3_down.log has the same lines as 20170422_2_down.log.tar.gz, but the number of another part" in said
    )
    before = tree(landing)
    again = unpack(raw, landing)
    assert "which count once" in again and "kept (" not in again  # said again, not unpacked again
    assert tree(landing) == before


def test_a_duplicate_is_unpacked_when_its_original_is_removed(raw: Path, landing: Path) -> None:
    (raw / "20170422_3_down.log").write_text(down(1))
    (raw / "20170422_3_down.log.gz").write_bytes(gzip.compress(down(1).encode()))
    unpack(raw, landing)
    (raw / "20170422_3_down.log").write_text(down(1) + "\n" + down(2))
    said = unpack(raw, landing)
    assert "20170422_3_down.log, 20170422_3_down.log.gz have one name but other lines" in said
    assert set(statuses(landing).values()) == {"unpacked"}
    (raw / "20170422_3_down.log").unlink()
    unpack(raw, landing, "--prune")
    assert landed(landing, "down").decode() == down(1) + "\n"


def test_equal_content_is_a_duplicate_where_lines_have_the_days(raw: Path, landing: Path) -> None:
    """Case 43."""
    (raw / "1_1_search.log").write_text(SEARCH)
    (raw / "a").mkdir()
    (raw / "a" / "2_1_search.log.gz").write_bytes(gzip.compress(SEARCH.encode()))
    unpack(raw, landing)
    assert statuses(landing) == {"1_1_search.log": "unpacked", "a/2_1_search.log.gz": "duplicate"}
    assert landed(landing, "search").decode() == SEARCH + "\n"


def test_same_size_is_not_yet_a_duplicate(raw: Path, landing: Path) -> None:
    for n in (1, 2, 3):
        (raw / f"2017040{n}_down.log").write_text(down(n))
    unpack(raw, landing)
    assert set(statuses(landing).values()) == {"unpacked"}


def test_a_copy_with_other_bytes_is_a_log_of_its_own(raw: Path, landing: Path) -> None:
    """Case 05."""
    pack(raw / "20170422_3_down.log.tar.gz", down(1))
    pack(raw / "20170422_3_down.log (1).tar.gz", down(2))
    said = unpack(raw, landing)
    assert "warning: 20170422_3_down.log (1).tar.gz, 20170422_3_down.log.tar.gz have one name but other lines" in said
    assert sorted(landed(landing, "down").decode().split("\n")) == ["", down(1), down(2)]


def test_odd_names(raw: Path, landing: Path) -> None:
    names = ['1_a,"b" (x)_down.log', "2_$HOME`id`;*_down.log", "3_-n 'q'\\n_down.log", "4_你_down.log"]
    names = [f"2017040{name}" for name in names]
    for n, name in enumerate(names):
        (raw / "two words").mkdir(exist_ok=True)
        (raw / "two words" / name).write_text(down(n))
    unpack(raw, landing)
    assert statuses(landing) == {f"two words/{name}": "unpacked" for name in names}
    table = rows(landing / "days.csv")
    assert [row["archive"] for row in table] == [f"two words/{name}" for name in names]
    for row in table:
        assert re.fullmatch(r"down/date=2017-04-0\d/[A-Za-z0-9._-]+\.log", row["file"])
        assert (landing / row["file"]).stat().st_size == int(row["bytes"])


def test_names_that_differ_in_unsafe_characters_only(raw: Path, landing: Path) -> None:
    names = ["20170401_a b_down.log", "20170401_a_b_down.log", "20170401_A_b_down.log.gz"]
    for n, name in enumerate(names):
        content = down(n).encode()
        (raw / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    unpack(raw, landing)
    assert sorted(landed(landing, "down").decode().split("\n")[:-1]) == [down(n) for n in range(3)]
    assert sorted(path.name for path in landing.glob("down/*/*")) == sorted(
        f"20170401_{stem}_down-{zlib.crc32(name.encode())}.log"
        for stem, name in zip(("a_b", "a_b", "A_b"), names, strict=True)
    )


def test_truncated_archive_gives_nothing_and_others_go_on(raw: Path, landing: Path, awk: str) -> None:
    names = ["20170401_1_down.log.tar.gz", "20170402_1_down.log.tar.gz", "20170403_1_down.log.gz"]
    good, cut, cut_gz = (raw / name for name in names)
    noise = random.Random(2)
    text = "".join(down(noise.randrange(10**9)) + "\n" for _ in range(20000))
    pack(good, text)
    cut.write_bytes(good.read_bytes()[:-20000])
    cut_gz.write_bytes(gzip.compress(text.encode())[:-20000])
    (raw / "20170404_1_down.log.tar.gz").write_text("no gzip at all")
    (raw / "20170405_1_down.log.zip").write_text("PK")
    (raw / "20170406_1_down.log.tar").write_bytes(b"")
    said = unpack(raw, landing, "--jobs", 3, awk=awk, status=3)
    found = statuses(landing)
    assert found.pop(good.name) == "unpacked"
    assert len(found) == 5 and set(found.values()) == {"failed"}
    assert all(name in said for name in found) and said.count("fetch the archive again") == 5
    assert landed(landing, "down") == text.encode()


def test_a_mended_archive_is_done_on_the_next_run(raw: Path, landing: Path) -> None:
    archive = raw / "20170401_1_down.log.tar.gz"
    pack(archive, down())
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-30])
    unpack(raw, landing, status=3)
    archive.write_bytes(whole)
    unpack(raw, landing)
    assert landed(landing, "down").decode() == down() + "\n"
