"""Kinds of archives and their members: what is read, what is skipped, and what is said of it."""

import bz2
import gzip
import io
import lzma
import tarfile
from pathlib import Path

import pytest

from tests.support.unpacking import (
    as_bytes,
    counts,
    down,
    landed,
    manifest,
    rejected,
    rows,
    statuses,
    unpack,
    zip_bytes,
)

PURCHASE = "purchase files=*purchase* fields=3 customer=1 day=2 format=records names=customer_id,bought_at,price"
VISIT = "visit files=*visit* fields=2 customer=1 day=2 format=records names=customer_id,visited_at"
LINES = "x files=*x* fields=2 customer=1 day=name header=2"
APPLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        \x00\x02ATTRcom.apple.provenance"


def tar_bytes(members: list[tuple[str, str | bytes]], mode: str = "w", links: tuple[str, ...] = ()) -> bytes:
    """A tar archive of members in their order, and of links after them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, text in members:
            member = tarfile.TarInfo(name)
            member.size = len(as_bytes(text))
            archive.addfile(member, io.BytesIO(as_bytes(text)))
        for name in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, members[0][0]
            archive.addfile(member)
    return out.getvalue()


# ---------------------------------------------------------------- members

JANUARY = "customer_id,bought_at,price\nK1,2017-01-05 10:00,9.90\nK2,2017-01-06 10:00,7.50"  # no last line break
FEBRUARY = "price,customer_id,bought_at\n11.00,K3,2017-02-05 10:00\n12.00,K4,2017-02-06 10:00"  # another order
MARCH = "\ufeffcustomer_id,bought_at,price\r\nK5,2017-03-05 10:00,1.00\r\n"
BOUGHT = ["K1\t2017-01-05 10:00:00\t9.90", "K2\t2017-01-06 10:00:00\t7.50", "K3\t2017-02-05 10:00:00\t11.00",
          "K4\t2017-02-06 10:00:00\t12.00", "K5\t2017-03-05 10:00:00\t1.00"]  # fmt: skip
FOLDERS: list[tuple[str, str | bytes]] = [
    ("2017/jan/purchases.csv", JANUARY),
    ("2017/feb/purchases.csv", FEBRUARY),
    ("2017/mar/purchases.csv", MARCH),
]
MACOS: list[tuple[str, str | bytes]] = [
    ("__MACOSX/._purchases.csv", APPLE),
    ("export/.DS_Store", b"\0\0\0\1Bud1\0\0"),
    *FOLDERS[:2],
    ("2017/._purchases.csv", APPLE),
    ("./2017/mar/purchases.csv", MARCH),
]


@pytest.mark.parametrize(
    ("name", "content", "hidden"),
    [
        ("purchases.tar.gz", tar_bytes(FOLDERS, "w:gz"), 0),
        ("purchases.tar.bz2", tar_bytes(MACOS, "w:bz2"), 3),
        ("purchases.tgz", tar_bytes(MACOS, "w:xz"), 3),  # what it is, its content says
        ("purchases.zip", zip_bytes(MACOS), 3),
        ("purchases.tar", tar_bytes(FOLDERS[:1]) + tar_bytes(MACOS[3:]), 1),  # appended with cat
    ],
)
def test_each_csv_member_has_a_header_of_its_own(
    name: str, content: bytes, hidden: int, raw: Path, landing: Path
) -> None:
    """Cases 01 and 02, in five kinds of archives."""
    (raw / name).write_bytes(content)
    said = unpack(raw, landing, "--event", PURCHASE)
    assert landed(landing, "purchase").decode().split("\n")[:-1] == BOUGHT
    assert counts(manifest(landing)[name]) == {"lines": 8, "header": 3, "kept": 5, "records": 5}
    assert (f"{hidden} hidden member" in said) == bool(hidden)
    assert rows(landing / "unused.csv") == []


def test_plain_members_end_their_last_line_and_lose_their_own_headers(raw: Path, landing: Path) -> None:
    """Case 01, plain logs."""
    members: list[tuple[str, str | bytes]] = [
        ("1_x", "title\nfields\n1\ta\n2\tb"), ("2_x", "title\nfields"), ("3_x", ""), ("4_x", "title\nfields\n3\tc\n"),
    ]  # fmt: skip
    (raw / "20170401_x.tar.gz").write_bytes(tar_bytes(members, "w:gz"))
    (raw / "20170402_x.zip").write_bytes(zip_bytes(members))
    unpack(raw, landing, "--event", LINES)
    assert landed(landing, "x") == b"1\ta\n2\tb\n3\tc\n" * 2
    expected = {"lines": 9, "header": 6, "kept": 3, "records": 3}
    assert [counts(row) for row in manifest(landing).values()] == [expected, expected]


def test_members_that_are_no_logs_are_named_with_the_reason(raw: Path, landing: Path) -> None:
    """Cases 02 and 04."""
    visits = "customer_id,visited_at\n7,2017-01-05 10:00\n"
    (raw / "visits.tar.gz").write_bytes(
        tar_bytes(
            [("README.txt", "exported by the till, 2017\n"), ("old.tar.gz", tar_bytes(FOLDERS, "w:gz")),
             ("v/visits.csv", visits), ("v/customers.csv", "customer_id,name\n7,Ann\n")],
            "w:gz",
            links=("v/visits_link.csv",),
        )
    )  # fmt: skip
    said = unpack(raw, landing, "--event", VISIT)
    assert landed(landing, "visit") == b"7\t2017-01-05 10:00:00\n" and rejected(landing, "visit") == []
    reasons = {row["member"]: row["reason"] for row in rows(landing / "unused.csv")}
    other_name = "its name does not match *visit*, and that of another member does"
    assert reasons.pop("README.txt") == "its name is that of a document or a list, not of a log"
    assert reasons.pop("v/customers.csv") == other_name
    assert "an archive within the archive" in reasons.pop("old.tar.gz")
    assert "it is a link" in reasons.pop("v/visits_link.csv") and not reasons
    assert "not used: visits.tar.gz: README.txt: its name is that of a document" in said
    assert said.endswith("warning: 4 members of archives are not used; unused.csv lists them\n")
    again = unpack(raw, landing, "--event", VISIT)
    assert "README.txt" in again and "lines, " not in again  # said again, not unpacked again


def test_members_of_any_name_are_logs_where_none_matches(raw: Path, landing: Path) -> None:
    """Case 04."""
    visits = "customer_id,visited_at\n{},2017-01-05 10:00\n"
    members: list[tuple[str, str | bytes]] = [
        ("README", "by the till\n"), ("jan.csv", visits.format(7)), ("names.csv", "customer_id,name\n7,Ann\n"),
        ("feb.csv", visits.format(8)),
    ]  # fmt: skip
    (raw / "visits.zip").write_bytes(zip_bytes(members))
    said = unpack(raw, landing, "--event", VISIT)
    assert landed(landing, "visit") == b"7\t2017-01-05 10:00:00\n8\t2017-01-05 10:00:00\n"
    assert "README: its name is that of a document" in said and "visits.zip: names.csv: its header lacks fields" in said


def test_a_matching_member_without_the_fields_stops_the_archive(raw: Path, landing: Path) -> None:
    good, bad = "customer_id,visited_at\n7,2017-01-05 10:00\n", "a,b\n1,2\n"
    (raw / "visits.tar.gz").write_bytes(tar_bytes([("visits1.csv", good), ("visits2.csv", bad)], "w:gz"))
    assert "reading visits.tar.gz: visits2.csv: " in unpack(raw, landing, "--event", VISIT, status=3)
    assert statuses(landing) == {"visits.tar.gz": "failed"} and landed(landing, "visit") == b""


# ---------------------------------------------------------------- kinds


def test_every_kind_that_a_library_reads(raw: Path, landing: Path) -> None:
    """Case 04."""
    import zstandard

    text = [(down(n) + "\n").encode() for n in range(12)]
    member: list[tuple[str, str | bytes]] = [("1_down.log", text[9])]
    files = {
        "20170401_down.log.bz2": bz2.compress(text[0]),
        "20170402_down.log.xz": lzma.compress(text[1]),
        "20170403_down.log.zst": zstandard.compress(text[2]),
        "20170404_DOWN.LOG.GZ": gzip.compress(text[3]),
        "20170405_down.log.gz": gzip.compress(text[4][:9]) + gzip.compress(text[4][9:]) + bytes(512),
        "20170406_down.log.bz2": bz2.compress(text[5][:9]) + bz2.compress(text[5][9:]),
        "20170407_down.log.xz": lzma.compress(text[6][:9]) + lzma.compress(text[6][9:]),
        "20170408_down.log": gzip.compress(text[7]),  # without the ending
        "20170409_down.log.gz": gzip.compress(b""),
        "20170410_down.log.tar.zst": zstandard.compress(tar_bytes(member)),
        "20170411_down.log.zip": zip_bytes([("1_down.log.gz", gzip.compress(text[10]))]),
        "20170412_down.log.tar": tar_bytes([("down.xz", lzma.compress(text[11])), ("x.gz", gzip.compress(b"x")[:9])]),
    }
    for name, content in files.items():
        (raw / name).write_bytes(content)
    unpack(raw, landing)
    assert set(statuses(landing).values()) == {"unpacked"}
    assert landed(landing, "down") == b"".join([*text[:8], *text[9:]])


NOISE = bytes(range(256)) * 40


@pytest.mark.parametrize(
    ("ending", "whole"),
    [
        (".gz", gzip.compress(NOISE)), (".bz2", bz2.compress(NOISE)), (".xz", lzma.compress(NOISE)),
        (".tar", tar_bytes([("1_down.log", NOISE), ("2_down.log", NOISE)])),
        (".tar.gz", tar_bytes([("1_down.log", NOISE)], "w:gz")),
        (".zip", zip_bytes([("1_down.log", NOISE), ("2_down.log", NOISE)])),
    ],
)  # fmt: skip
def test_what_is_cut_off_or_damaged_lands_nothing(ending: str, whole: bytes, raw: Path, landing: Path) -> None:
    half = len(whole) // 2
    damaged = whole[:half] + bytes(64) + whole[half + 64 :]
    if ending == ".tar":  # only its headers have checksums: cut after the first member, then a damaged header
        half = 1024 + (len(NOISE) + 511) // 512 * 512 - 512
        damaged = whole[:half] + b"?" * 8 + whole[half + 8 :]
    (raw / f"20170401_down.log{ending}").write_bytes(whole[:half])
    (raw / f"20170402_down.log{ending}").write_bytes(damaged)
    (raw / "20170403_down.log").write_text(down())
    said = unpack(raw, landing, status=3)
    for day in (1, 2):
        assert f"reading 2017040{day}_down.log{ending}: " in said
    names = said.rpartition("not unpacked, see above: ")[2].strip().split(", ")
    assert sorted(names) == [f"20170401_down.log{ending}", f"20170402_down.log{ending}"]
    assert landed(landing, "down").decode() == down() + "\n"
    assert sorted(statuses(landing).values()) == ["failed", "failed", "unpacked"]


def test_kinds_that_cannot_be_read_are_named(raw: Path, landing: Path) -> None:
    """Case 04, and a resource fork alone (case 02)."""
    contents = {
        "1_down.log.7z": (b"7z\xbc\xaf\x27\x1c" + NOISE, "7z cannot be read"),
        "2_down.log.rar": (b"Rar!\x1a\x07" + NOISE, "rar cannot be read"),
        "3_down.log": (b"PAR1\x15" + NOISE, "Parquet cannot be read"),
        "4_down.log.gz": (b"plain text", "its name is that of a compressed file, but its content is not"),
        "5_down.log.tar.gz": (tar_bytes([("in.tar.gz", tar_bytes(FOLDERS, "w:gz"))], "w:gz"), "no member is a log"),
        "6_down.log.tar.gz": (tar_bytes([("._1_down.log", APPLE)], "w:gz"), ""),
    }
    for name, (content, _) in contents.items():
        (raw / f"2017040{name}").write_bytes(content)
    said = unpack(raw, landing, status=3)
    for name, (_, reason) in contents.items():
        assert f"2017040{name}: {reason}" in said
    assert landed(landing, "down") == b""


# ---------------------------------------------------------------- names

NAMES = {
    "play.log-20170331.gz": "2017-03-31",
    "play.log.2017-04-01.gz": "2017-04-01",
    "Play.log.20170402.gz": "2017-04-02",
    "2017-04-03_play.log.gz": "2017-04-03",
    "web1_PLAY.LOG_2017_04_04.GZ": "2017-04-04",
    "20170405_play.log-20170406.gz": "2017-04-05",  # a day at the start is the only one
    "play.log-20170339.gz": "",
    "play.log-20170407-20170408.gz": "",
    "20170339_play.log-20170401.gz": "",
    "play.log-2017040113.gz": "",  # with an hour: no day that is written in these ways
}


def test_days_in_names(raw: Path, landing: Path) -> None:
    """Case 05."""
    for number, name in enumerate(NAMES):
        line = f"{number}\tar\t7\t0\tSong\tBand\t200\t210\t0\n"
        (raw / name).write_bytes(gzip.compress(line.encode()))
    (raw / ".play.log-20170331.gz.part").write_text("half")
    (raw / "notes").mkdir()
    (raw / "notes" / "to do.txt").write_text("x")
    (raw / b"\xff_play.log-20170409".decode(errors="surrogateescape")).write_text("x")
    (raw / "a\nb_play.log-20170409").write_text("x")
    (raw / "link_play.log-20170331.gz").symlink_to(raw / "play.log-20170331.gz")  # the same lines
    said = unpack(raw, landing)
    found = {row["archive"]: row["date"] for row in rows(landing / "days.csv")}
    assert found.pop("link_play.log-20170331.gz") == "2017-03-31"
    assert statuses(landing)["play.log-20170331.gz"] == "duplicate"
    assert found == {name: day for name, day in NAMES.items() if day and name != "play.log-20170331.gz"}
    assert "the name has no valid day" in said and "several days (2017-04-07, 2017-04-08)" in said
    assert "a\\nb_play.log-20170409, \\udcff_play.log-20170409: a name with control characters" in said
    assert "notes/to do.txt: the name matches the pattern of no event (*play.log*, *down.log*, *search.log*)" in said
    assert ".play.log-20170331.gz.part: hidden files" in said
