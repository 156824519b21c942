"""shell/unpack.sh, run as users run it, on archives made here.

What a line should become is worked out by hand, or by `judge`, a second and independent reading of the rules.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import os
import random
import re
import shutil
import signal
import subprocess
import tarfile
import time
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.paths import ROOT, SHARED

UNPACK = ROOT / "shell" / "unpack.sh"
SAMPLES = SHARED
AWKS = ["mawk", "gawk", "original-awk", "busybox awk"]
CDNOW_EVENT = "purchase files=CDNOW_master.txt fields=4 customer=1 day=2 separator=space header=1"
SEARCH = "1\tar\t2017-03-30 00:00:08\t%e7%9f%a5"


@pytest.fixture(params=AWKS)
def awk(request):
    if not shutil.which(request.param.split()[0]):
        pytest.skip(f"{request.param} is not installed")
    return request.param


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


@pytest.fixture
def landing(tmp_path):
    return tmp_path / "landing"


def unpack(raw, landing, *options, awk=None, status=0):
    """Runs the script; returns what it said. Every run, however it ends, must leave no work folder."""
    environment = dict(os.environ, **({"AWK": awk} if awk else {}))
    command = [str(UNPACK), str(raw), str(landing), *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == status, done.stderr
    assert not (landing / ".work").exists()
    return done.stderr


def pack(path, *texts):
    """A .tar.gz with one member per text, all of the same name, as the service packs them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for text in texts:
            member = tarfile.TarInfo("1.log")
            member.size = len(as_bytes(text))
            archive.addfile(member, io.BytesIO(as_bytes(text)))


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def rows(table):
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def manifest(landing):
    """The manifest by archive; every row of every test must add up."""
    found = rows(landing / "manifest.csv")
    for row in found:
        n = {key: int(row[key]) for key in ("lines", "header", "kept", "left_out", "rejected", "records")}
        assert n["lines"] == n["header"] + n["kept"] + n["left_out"] + n["rejected"]
        assert n["rejected"] == sum(int(row[key]) for key in row if key.startswith("rejected_"))
    return {row["archive"]: row for row in found}


def counts(row):
    """What the row counts, zeros left out."""
    columns = list(row)[list(row).index("lines") :]
    return {key: int(row[key]) for key in columns if row[key] != "0"}


def statuses(landing):
    return {archive: row["status"] for archive, row in manifest(landing).items()}


def tree(folder):
    """Every file under a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def landed(landing, event="play"):
    """The landed text of one event, days in order."""
    return b"".join(path.read_bytes() for path in sorted(landing.glob(f"{event}/date=*/*.log")))


def rejected(landing, event="play"):
    """(reason, line) of each rejected line."""
    files = sorted(landing.glob(f"rejected/{event}/*.log"))
    lines = b"".join(path.read_bytes() for path in files).split(b"\n")
    return [tuple(line.split(b"\t", 1)) for line in lines[:-1]]


def down(customer=1, name="name"):
    return f"{customer}\tar\t5\t{name}\tsinger\t0"


# ---------------------------------------------------------------- lines

# One down line, or two, and what becomes of it: the landed text and the rejected (reason, line).
LINES = {
    "good": ("1\tar\t2\tn\ts\t0\n", "1\tar\t2\tn\ts\t0\n", []),
    "no newline at the end": ("1\tar\t2\tn\ts\t0", "1\tar\t2\tn\ts\t0\n", []),
    "carriage return": ("1\ta\t2\tn\ts\t0\r\n2\ta\t2\tn\ts\t0\n", "1\ta\t2\tn\ts\t0\n2\ta\t2\tn\ts\t0\n", []),
    "one carriage return further down": (
        "1\ta\t2\tn\ts\t0\n2\ta\t2\tn\ts\t0\r\n",
        "1\ta\t2\tn\ts\t0\n2\ta\t2\tn\ts\t0\n",
        [],
    ),
    "empty fields": ("\t\t\t\t\t\n", "\t\t\t\t\t\n", []),
    "Chinese": ("1\tar\t2\t你好\t周杰伦\t0\n", "1\tar\t2\t你好\t周杰伦\t0\n", []),
    "leading empty field": ("\t1\tar\t2\tn\ts\t0\n", "1\tar\t2\tn\ts\t0\n", []),
    "broken": ("1\tar\t2\tna\nme\ts\t0\n", "1\tar\t2\tname\ts\t0\n", []),
    "broken before the tab": ("1\tar\t2\tname\n\ts\t0\n", "1\tar\t2\tname\ts\t0\n", []),
    "broken with carriage returns": ("1\tar\t2\tna\r\nme\ts\t0\r\n", "1\tar\t2\tname\ts\t0\n", []),
    "blank": ("\n \n", "", [("blank", ""), ("blank", " ")]),
    "count line": ("264715\n", "", [("count_line", "264715")]),
    "too few": ("x\ty\n", "", [("too_few_fields", "x\ty")]),
    "too many": ("1\tar\t2\tn\ts\t0\t\n", "", [("too_many_fields", "1\tar\t2\tn\ts\t0\t")]),
    "half at the end": ("1\tar\t2\tna\n", "", [("too_few_fields", "1\tar\t2\tna")]),
    "half before a good line": (
        "1\tar\t2\tna\n2\tar\t2\tn\ts\t0\n",
        "2\tar\t2\tn\ts\t0\n",
        [("too_few_fields", "1\tar\t2\tna")],
    ),
    "half, then a whole broken one": (
        "1\tar\n2\tar\t2\tna\nme\ts\t0\n",
        "2\tar\t2\tname\ts\t0\n",
        [("too_few_fields", "1\tar")],
    ),
    "half that begins with no number": (
        "x\tar\t2\tna\nme\ts\t0\n",
        "",
        [("too_few_fields", "x\tar\t2\tna"), ("too_few_fields", "me\ts\t0")],
    ),
    "broken, the singer empty": ("1\tar\t2\tna\n\t\t0\n", "1\tar\t2\tna\t\t0\n", []),
    "client address": (
        "1\tar\t2\t7>(203.0.113.7)TM\ts\t0\n",
        "",
        [("client_address", "1\tar\t2\t7>(203.0.113.7)TM\ts\t0")],
    ),
    "client address, empty field": (
        "\t1\tar\t2\tn\ts(1.2.3.4)\t0\n",
        "",
        [("client_address", "\t1\tar\t2\tn\ts(1.2.3.4)\t0")],
    ),
    "no address: nothing around it": ("1\tar\t2\t1.2.3.4 (1.2.3)\ts\t0\n", "1\tar\t2\t1.2.3.4 (1.2.3)\ts\t0\n", []),
    "a blank line in between": (
        "1\tar\t2\tna\n\nme\ts\t0\n",
        "",
        [("too_few_fields", "1\tar\t2\tna"), ("blank", ""), ("too_few_fields", "me\ts\t0")],
    ),
    "longest": (f"1\tar\t2\t{'n' * 65525}\ts\t0\n", f"1\tar\t2\t{'n' * 65525}\ts\t0\n", []),
    "too long": (f"1\tar\t2\t{'n' * 65526}\ts\t0\n", "", [("too_long", f"1\tar\t2\t{'n' * 65526}\ts\t0")]),
    "carriage return inside": ("1\ta\rb\t2\tn\ts\t0\n", "", [("control_character", "1\ta\rb\t2\tn\ts\t0")]),
    "carriage return inside, broken": (
        "1\ta\rb\t2\tna\nme\ts\t0\n",
        "",
        [("control_character", "1\ta\rb\t2\tna"), ("control_character", "me\ts\t0")],
    ),
    "escape": ("1\tar\t2\t\x1b[1m\ts\t0\n", "", [("control_character", "1\tar\t2\t\x1b[1m\ts\t0")]),
    "cut in a character": (b"1\tar\t2\t\xe4\xbd\ts\t0\n", "", [("not_utf8", b"1\tar\t2\t\xe4\xbd\ts\t0")]),
    "GBK": (b"1\tar\t2\t\xc4\xe3\xba\xc3\ts\t0\n", "", [("not_utf8", b"1\tar\t2\t\xc4\xe3\xba\xc3\ts\t0")]),
    "not UTF-8, empty field": (b"\t1\tar\t2\t\xff\ts\t0\n", "", [("not_utf8", b"\t1\tar\t2\t\xff\ts\t0")]),
    "cut by the break": (b"1\tar\t2\t\xe4\xbd\n\xa0\ts\t0\n", "1\tar\t2\t你\ts\t0\n", []),
}


def test_lines(raw, landing, awk):
    """All cases in one run, an archive each: a run costs more than a line."""
    for n, case in enumerate(LINES):
        pack(raw / f"20170401_{n}_down.log.tar.gz", LINES[case][0])
    unpack(raw, landing, awk=awk)
    manifest(landing)
    for n, (case, (_, kept, reasons)) in enumerate(LINES.items()):
        good = landing / f"down/date=2017-04-01/20170401_{n}_down.log"
        bad = landing / f"rejected/down/20170401_{n}_down.log"
        expected = b"".join(as_bytes(why) + b"\t" + as_bytes(line) + b"\n" for why, line in reasons)
        assert (good.read_bytes() if good.exists() else b"") == as_bytes(kept), case
        assert (bad.read_bytes() if bad.exists() else b"") == expected, case


def test_nul_is_a_control_character(raw, landing, awk):
    pack(raw / "20170401_1_down.log.tar.gz", b"1\tar\t2\tn\0\ts\t0\n1\tar\t2\tn\ts\t0\0\n" + down(3).encode())
    unpack(raw, landing, awk=awk)
    assert landed(landing, "down") == down(3).encode() + b"\n"
    assert [reason for reason, _ in rejected(landing, "down")] == [b"control_character"] * 2


def test_utf8_is_judged_as_python_does(raw, landing, awk):
    """Every lead byte with every kind of tail: too long, too short, overlong, surrogates, beyond the last character."""
    tails = [b"", b"a", b"\x80", b"\x8f\xbf", b"\x90\x80", b"\x9f\xbf", b"\xa0\x80"]
    tails += [tail + b"\x80" for tail in tails[3:]] + [tail + b"\x80\x80" for tail in tails[3:]]
    lines = [b"%d\ta\tb\t%c%s" % (lead, lead, tail) for lead in range(127, 256) for tail in tails]
    pack(raw / "20170401_1_search.log.tar.gz", b"\n".join(lines))
    unpack(raw, landing, awk=awk)
    assert landed(landing, "search").split(b"\n")[:-1] == [line for line in lines if is_text(line)]
    assert {reason for reason, _ in rejected(landing, "search")} == {b"not_utf8"}


def test_lines_with_many_fields(raw, landing, awk):
    pack(raw / "20170401_1_down.log.tar.gz", "x" + "\t" * 40000 + "\n" + down() + "\n")
    unpack(raw, landing, awk=awk)
    assert counts(manifest(landing)["20170401_1_down.log.tar.gz"])["rejected_too_many_fields"] == 1
    assert landed(landing, "down") == (down() + "\n").encode()


def is_text(line):
    try:
        return not re.search(r"[\x00-\x08\x0a-\x1f]", line.decode())
    except UnicodeDecodeError:
        return False


def why_not_text(line):
    try:
        line.decode()
    except UnicodeDecodeError:
        return b"not_utf8"
    return b"control_character"


def judge(text, fields):
    """The rules again, on a list: (landed lines, rejected (reason, line))."""
    lines = text.split(b"\n")
    if not lines[-1]:
        lines.pop()
    lines = [line.removesuffix(b"\r") for line in lines]
    good, bad = [], []

    def take(record, parts):
        if is_text(record):
            good.append(record)
        else:
            bad.extend((why_not_text(record), part) for part in parts)

    at = 0
    while at < len(lines):
        line, width = lines[at], lines[at].count(b"\t") + 1
        following = lines[at + 1] if at + 1 < len(lines) else b""
        integer = re.fullmatch(rb"-?[0-9]+", line.split(b"\t")[0])
        plain_number = re.fullmatch(rb"[ \t]*-?[0-9]+[ \t]*", line)
        at += 1
        if width == fields:
            take(line, [line])
        elif width == fields + 1 and line.startswith(b"\t"):
            take(line[1:], [line])
        elif not line.strip(b" \t"):
            bad.append((b"blank", line))
        elif plain_number:
            bad.append((b"count_line", line))
        elif width > fields:
            bad.append((b"too_many_fields", line))
        elif integer and width + following.count(b"\t") == fields and following.count(b"\t") + 1 < fields:
            take(line + following, [line, following])
            at += 1
        else:
            bad.append((b"too_few_fields", line))
    return good, bad


PIECES = [b"1", b"-7", b"x", "你".encode(), b"\xe4\xbd", b"\xed\xa0\x80", b"\xf0\x9f\x8e\xb5", b"\xc0\x80",
          b"\r", b"\x01", b" ", b"", b"\t", b"\t", b"\t", b"\t", b"\n"]  # fmt: skip
DIRTY_TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join), min_size=8, max_size=8)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=DIRTY_TEXTS)
def test_dirty_text_is_judged_as_the_rules_say(texts, tmp_path, awk):
    raw, landing = tmp_path / "raw", tmp_path / "landing"
    for folder in (raw, landing):
        shutil.rmtree(folder, ignore_errors=True)
    for part, text in enumerate(texts):  # a first line of its own, or equal texts would be duplicates
        pack(raw / f"20170401_{part}_search.log.tar.gz", b"%d\ta\tb\tc\n" % part + text)
    unpack(raw, landing, awk=awk)
    found = manifest(landing)
    for part, text in enumerate(texts):
        stem = f"20170401_{part}_search"
        good, bad = judge(b"%d\ta\tb\tc\n" % part + text, fields=4)
        kept = (landing / "search/date=2017-04-01" / f"{stem}.log").read_bytes()
        refused = landing / "rejected/search" / f"{stem}.log"
        reasons = refused.read_bytes().split(b"\n")[:-1] if refused.exists() else []
        assert kept == b"".join(line + b"\n" for line in good)
        assert sorted(reasons) == sorted(reason + b"\t" + line for reason, line in bad)
        row = found[f"{stem}.tar.gz".replace("search", "search.log")]
        assert (int(row["records"]), int(row["rejected"])) == (len(good), len(bad))


# ---------------------------------------------------------------- real lines


@pytest.mark.skipif(not (SAMPLES / "musicbox").is_dir(), reason="the real sample lines are not here")
def test_real_sample(raw, landing, awk):
    for event in ("play", "down", "search"):
        name = f"20170330_3_{event}.log"
        pack(raw / f"{name}.tar.gz", (SAMPLES / "musicbox" / name).read_bytes())
    unpack(raw, landing, awk=awk)
    found = {row["event"]: counts(row) for row in manifest(landing).values()}
    assert found == {
        "play": {"lines": 1001, "kept": 996, "repaired": 2, "rejected": 5, "records": 996,
                 "rejected_blank": 1, "rejected_client_address": 3, "rejected_too_many_fields": 1},
        "down": {"lines": 1000, "kept": 1000, "repaired": 4, "records": 996},
        "search": {"lines": 1000, "kept": 1000, "records": 1000},
    }  # fmt: skip


@pytest.mark.skipif(not (SAMPLES / "cdnow").is_dir(), reason="the purchases of CDNOW are not here")
def test_cdnow(landing):
    source = SAMPLES / "cdnow" / "CDNOW_master.txt"
    unpack(source, landing, "--event", CDNOW_EVENT)
    lines = [line.split() for line in source.read_text().splitlines()[1:]]
    days = {f"{day[:4]}-{day[4:6]}-{day[6:]}" for _, day, _, _ in lines}
    assert counts(manifest(landing)["CDNOW_master.txt"]) == {
        "lines": 69660, "header": 1, "kept": 69659, "records": 69659,
    }  # fmt: skip
    assert {path.name for path in (landing / "purchase").iterdir()} == {f"date={day}" for day in days}
    first = (landing / "purchase/date=1997-01-01/CDNOW_master.log").read_text()
    assert first == "".join("\t".join(line) + "\n" for line in lines if line[1] == "19970101")
    assert sum(int(row["records"]) for row in rows(landing / "days.csv")) == 69659


# ---------------------------------------------------------------- days


def test_dateless_search_goes_by_its_lines(raw, landing, awk):
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


def test_a_dated_search_goes_by_its_name(raw, landing):
    pack(raw / "20170402_1_search.log.tar.gz", SEARCH)
    unpack(raw, landing)
    assert [path.parent.name for path in landing.glob("search/*/*")] == ["date=2017-04-02"]


def test_undated_archive_is_listed_and_warned_of(raw, landing):
    pack(raw / "20170339_1_down.log.tar.gz", down())
    pack(raw / "20160229_1_down.log.tar.gz", down(2))
    said = unpack(raw, landing)
    assert statuses(landing) == {
        "20170339_1_down.log.tar.gz": "undated",
        "20160229_1_down.log.tar.gz": "unpacked",
    }
    assert "20170339_1_down.log.tar.gz" in said
    assert landed(landing, "down") == (down(2) + "\n").encode()


def test_more_days_than_open_files(raw, landing, awk):
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


def test_space_separated_lines(raw, landing, awk):
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


def test_every_kind_of_file(raw, landing):
    pack(raw / "20170401_1_down.log.tar.gz", down(1) + "\n", down(2) + "\n")  # two members of the same name
    pack(raw / "deep/er/20170402_1_down.log.tgz", down(3))
    (raw / "20170403_down.log.gz").write_bytes(gzip.compress(down(4).encode()))
    (raw / "20170404_down.log").write_text(down(5))
    (raw / "20170405_down.log").write_text("")
    unpack(raw, landing)
    assert landed(landing, "down").decode() == "".join(down(n) + "\n" for n in (1, 2, 3, 4, 5))
    assert set(statuses(landing).values()) == {"unpacked"}
    assert not (landing / "down/date=2017-04-05").exists()


def test_one_file_as_raw(raw, landing):
    pack(raw / "20170401_1_down.log.tar.gz", down())
    pack(raw / "20170401_2_down.log.tar.gz", down())
    unpack(raw / "20170401_2_down.log.tar.gz", landing)
    assert statuses(landing) == {"20170401_2_down.log.tar.gz": "unpacked"}


def test_no_logs_are_listed_only(raw, landing):
    names = ["list.html", "3_1.uids.gz", "20170330_play.log.uids.gz", "._20170401_1_down.log.tar.gz", "x.csv"]
    for name in names:
        (raw / name).write_text("no log")
    pack(raw / "20170401_1_down.log.tar.gz", down())
    unpack(raw, landing)
    found = statuses(landing)
    assert found.pop("20170401_1_down.log.tar.gz") == "unpacked"
    assert found == dict.fromkeys(names, "not_a_log")
    assert {row["bytes"] for row in manifest(landing).values() if row["status"] == "not_a_log"} == {"6"}


def test_duplicates_are_skipped(raw, landing):
    original = raw / "20170422_3_down.log.tar.gz"
    pack(original, down(1))
    shutil.copy(original, raw / "20170422_3_down.log (1).tar.gz")
    shutil.copy(original, raw / "20170423_1_down.log.tar.gz")
    pack(raw / "20170424_1_down.log (1).tar.gz", down(2))  # a copy without its original is a log
    unpack(raw, landing)
    assert statuses(landing) == {
        "20170422_3_down.log (1).tar.gz": "duplicate",
        "20170422_3_down.log.tar.gz": "unpacked",
        "20170423_1_down.log.tar.gz": "duplicate",
        "20170424_1_down.log (1).tar.gz": "unpacked",
    }
    assert landed(landing, "down").decode() == down(1) + "\n" + down(2) + "\n"


def test_same_size_is_not_yet_a_duplicate(raw, landing):
    for n in (1, 2, 3):
        (raw / f"2017040{n}_down.log").write_text(down(n))
    unpack(raw, landing)
    assert set(statuses(landing).values()) == {"unpacked"}


def test_a_copy_with_other_bytes_is_warned_of(raw, landing):
    pack(raw / "20170422_3_down.log.tar.gz", down(1))
    pack(raw / "20170422_3_down.log (1).tar.gz", down(2))
    assert "bytes differ" in unpack(raw, landing)


def test_odd_names(raw, landing):
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


def test_names_that_differ_in_unsafe_characters_only(raw, landing):
    for n, name in enumerate(["20170401_a b_down.log", "20170401_a_b_down.log", "20170401_A_b_down.log.gz"]):
        content = down(n).encode()
        (raw / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    unpack(raw, landing)
    assert sorted(landed(landing, "down").decode().split("\n")[:-1]) == [down(n) for n in range(3)]


def test_truncated_archive_gives_nothing_and_others_go_on(raw, landing, awk):
    names = ["20170401_1_down.log.tar.gz", "20170402_1_down.log.tar.gz", "20170403_1_down.log.gz"]
    good, cut, cut_gz = (raw / name for name in names)
    noise = random.Random(2)
    text = "".join(down(noise.randrange(10**9)) + "\n" for _ in range(20000))
    pack(good, text)
    cut.write_bytes(good.read_bytes()[:-20000])
    cut_gz.write_bytes(gzip.compress(text.encode())[:-20000])
    (raw / "20170404_1_down.log.tar.gz").write_text("no gzip at all")
    (raw / "20170405_1_down.log.zip").write_text("PK")
    (raw / "20170406_1_down.log").write_bytes(gzip.compress(down().encode()))
    said = unpack(raw, landing, "--jobs", 3, awk=awk, status=3)
    found = statuses(landing)
    assert found.pop(good.name) == "unpacked"
    assert len(found) == 5 and set(found.values()) == {"failed"}
    assert all(name in said for name in found) and said.count("fetch the archive again") == 3
    assert landed(landing, "down") == text.encode()


def test_a_mended_archive_is_done_on_the_next_run(raw, landing):
    archive = raw / "20170401_1_down.log.tar.gz"
    pack(archive, down())
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-30])
    unpack(raw, landing, status=3)
    archive.write_bytes(whole)
    unpack(raw, landing)
    assert landed(landing, "down").decode() == down() + "\n"


# ---------------------------------------------------------------- running again


def stamps(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_second_run_does_nothing(raw, landing):
    pack(raw / "20170401_1_down.log.tar.gz", down() + "\nx\n")
    pack(raw / "1_1_search.log.tar.gz", SEARCH)
    unpack(raw, landing)
    before = stamps(landing)
    assert unpack(raw, landing) == ""
    assert stamps(landing) == before


def test_a_touched_archive_is_not_done_again(raw, landing):
    archive = raw / "20170401_1_down.log.tar.gz"
    pack(archive, down())
    unpack(raw, landing)
    before = stamps(landing / "down")
    os.utime(archive, (1, 1))
    assert unpack(raw, landing) == ""
    assert stamps(landing / "down") == before


def test_changed_gone_and_new_archives(raw, landing, tmp_path):
    for n in (1, 2, 3):
        pack(raw / f"{n}_1_search.log.tar.gz", SEARCH.replace("03-30", f"04-0{n}"))
    unpack(raw, landing)
    untouched = stamps(landing / "search/date=2017-04-01")
    pack(raw / "2_1_search.log.tar.gz", SEARCH.replace("03-30", "05-02") + "\nx\n")
    (raw / "3_1_search.log.tar.gz").unlink()
    pack(raw / "4_1_search.log.tar.gz", SEARCH.replace("03-30", "04-04"))
    unpack(raw, landing)
    assert sorted(path.name for path in (landing / "search").iterdir()) == [
        "date=2017-04-01", "date=2017-04-04", "date=2017-05-02",
    ]  # fmt: skip
    assert stamps(landing / "search/date=2017-04-01") == untouched
    unpack(raw, tmp_path / "fresh")
    assert tree(landing) == tree(tmp_path / "fresh")


def test_a_changed_archive_that_fails_leaves_nothing_old(raw, landing):
    pack(raw / "20170401_1_down.log.tar.gz", down(1))
    pack(raw / "20170402_1_down.log.tar.gz", down(2))
    unpack(raw, landing)
    (raw / "20170401_1_down.log.tar.gz").write_text("broken")
    unpack(raw, landing, status=3)
    assert landed(landing, "down").decode() == down(2) + "\n"
    assert [row["date"] for row in rows(landing / "days.csv")] == ["2017-04-02"]


def test_a_change_that_keeps_the_size_is_seen(raw, landing):
    log = raw / "20170401_down.log"
    for customer in (1, 2):
        log.write_text(down(customer))
        os.utime(log, (customer, customer))
        unpack(raw, landing)
        assert landed(landing, "down").decode() == down(customer) + "\n"


def test_another_layout_unpacks_again(raw, landing):
    (raw / "20170401_shop.txt").write_text("a b\nc d\n")
    spec = "buy files=*shop* fields=2 customer=1 day=name separator=space"
    unpack(raw, landing, "--event", spec)
    unpack(raw, landing, "--event", f"{spec} header=1")
    assert landed(landing, "buy") == b"c\td\n"


def test_a_landed_file_that_was_lost_is_made_again(raw, landing):
    pack(raw / "20170401_1_down.log.tar.gz", down())
    unpack(raw, landing)
    before = tree(landing)
    (landing / "down/date=2017-04-01/20170401_1_down.log").unlink()
    unpack(raw, landing)
    assert tree(landing) == before


# ---------------------------------------------------------------- killed


def start(raw, landing):
    command = [str(UNPACK), str(raw), str(landing), "--jobs", "2"]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)


def fill(raw, archives=8, lines=20000):
    draw = random.Random(7)
    for n in range(archives):
        text = "".join(down(draw.randrange(10**8)) + "\n" for _ in range(lines)) + "x\n"
        pack(raw / f"201704{n + 1:02}_1_down.log.tar.gz", text)
    days = "".join(SEARCH.replace("03-30", f"03-{n:02}") + "\n" for n in range(1, 29))
    pack(raw / "1_1_search.log.tar.gz", days)


@pytest.mark.parametrize("whole_group", [True, False])
def test_killed_anywhere_and_run_again(raw, landing, tmp_path, whole_group):
    fill(raw)
    begin = time.monotonic()
    unpack(raw, tmp_path / "whole", "--jobs", 2)
    whole, duration = tree(tmp_path / "whole"), time.monotonic() - begin
    unfinished = 0
    for part in range(1, 6):
        shutil.rmtree(landing, ignore_errors=True)
        run = start(raw, landing)
        time.sleep(duration * part / 8)
        unfinished += run.poll() is None
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if whole_group else os.kill)(run.pid, signal.SIGKILL)
        run.wait()
        unpack(raw, landing)  # at once, while orphans of the killed run may still be at work
        assert tree(landing) == whole
    assert unfinished >= 2  # or nothing was tested


def test_killed_in_the_middle_of_publishing(raw, landing, tmp_path):
    """Files in place, but no record yet: they are removed, and the archive is done again."""
    fill(raw, archives=2, lines=5)
    unpack(raw, landing)
    whole = tree(landing)
    (landing / ".done/20170401_1_down.record").unlink()
    (landing / "down/date=2017-04-09").mkdir()
    (landing / "down/date=2017-04-09/20170401_1_down.log").write_text("half")
    (landing / "rejected/down/gone.log").write_text("half")
    (landing / ".work/99").mkdir(parents=True)
    (landing / ".lock").mkdir()
    (landing / ".lock/pid").write_text(f"{dead_process()}\n")
    unpack(raw, landing)
    assert tree(landing) == whole


def dead_process():
    gone = subprocess.Popen(["true"])
    gone.wait()
    return gone.pid


def test_terminated_run_leaves_no_lock(raw, landing):
    fill(raw, archives=4)
    run = start(raw, landing)
    time.sleep(0.3)
    run.terminate()
    assert run.wait(timeout=20) in (143, 0)
    assert not (landing / ".lock").exists()


def test_second_run_at_the_same_time_is_refused(raw, landing):
    pack(raw / "20170401_1_down.log.tar.gz", down())
    unpack(raw, landing)
    (landing / ".lock").mkdir()
    (landing / ".lock/pid").write_text(f"{os.getpid()}\n")
    said = subprocess.run([UNPACK, raw, landing], capture_output=True, text=True, check=False)
    assert said.returncode == 3 and str(os.getpid()) in said.stderr
    assert (landing / ".lock/pid").read_text() == f"{os.getpid()}\n"


# ---------------------------------------------------------------- sampling


def bucket(customer):
    return zlib.crc32((customer.lstrip("0") or customer[:1]).encode()) % 10000


def test_sample_is_the_crc_of_the_customer(raw, landing, tmp_path, awk):
    draw = random.Random(11)
    ids = ["0", "007", "7", "00", "", "abc", "0x1", "170000000", "-1", "18446744073709551615", "é"]
    ids += [f"00{n}" for n in range(300)]
    ids += [next(str(n) for n in range(10**6) if bucket(str(n)) == 700)]  # 10000 * 0.07 is 700.0000000000001
    ids += [str(draw.randrange(10 ** draw.randint(1, 12))) for _ in range(3000)]
    pack(raw / "20170401_1_down.log.tar.gz", "".join(down(customer) + "\n" for customer in ids))
    kept = {}
    for rate in (1, 0.1, 0.07, 0.01):
        folder = tmp_path / str(rate)
        unpack(raw, folder, "--sample", rate, awk=awk)
        kept[rate] = [line.split("\t")[0] for line in landed(folder, "down").decode().split("\n")[:-1]]
        assert kept[rate] == [customer for customer in ids if bucket(customer) < round(10000 * rate)]
        row = manifest(folder)["20170401_1_down.log.tar.gz"]
        assert (row["sample"], int(row["left_out"])) == (str(rate), len(ids) - len(kept[rate]))
    assert set(kept[0.01]) < set(kept[0.1]) < set(kept[1])


def test_sample_of_repaired_and_rejected_lines(raw, landing, awk):
    inside = next(n for n in range(99) if bucket(str(n)) < 5000)
    outside = next(n for n in range(99) if bucket(str(n)) >= 5000)
    text = "".join(f"\t{down(n)}\n{n}\tar\t2\tna\nme\ts\t0\nx\n" for n in (inside, outside))
    pack(raw / "20170401_1_down.log.tar.gz", text)
    unpack(raw, landing, "--sample", "0.5", awk=awk)
    assert counts(manifest(landing)["20170401_1_down.log.tar.gz"]) == {
        "lines": 8, "kept": 3, "repaired": 2, "left_out": 3, "rejected": 2, "records": 2,
        "rejected_too_few_fields": 2,
    }  # fmt: skip


def test_mixing_rates_is_refused(raw, landing):
    pack(raw / "20170401_1_down.log.tar.gz", down())
    unpack(raw, landing, "--sample", "0.5")
    before = tree(landing)
    said = unpack(raw, landing, status=3)
    assert "0.5" in said and "empty the folder" in said and said.count("\n") == 1
    assert tree(landing) == before
    assert unpack(raw, landing, "--sample", ".50") == ""


# ---------------------------------------------------------------- bad input and usage


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
def test_bad_usage(options, raw, landing):
    said = unpack(raw, landing, *options, status=2)
    assert said.count("\n") == 1
    assert not landing.exists()


def test_bad_input(raw, landing, tmp_path):
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


def test_an_emptied_raw_folder_removes_nothing(raw, landing):
    pack(raw / "20170401_1_down.log.tar.gz", down())
    unpack(raw, landing)
    before = tree(landing)
    (raw / "20170401_1_down.log.tar.gz").unlink()
    unpack(raw, landing, status=3)
    assert tree(landing) == before


def test_lines_that_vanish_are_noticed(raw, landing, tmp_path):
    """An awk that loses the last record on its way to the disk."""
    lossy = tmp_path / "lossy"
    lossy.write_text('#!/bin/sh\ncase $* in *lines.awk*) awk "$@" | sed \'$d\' ;; *) exec awk "$@" ;; esac\n')
    lossy.chmod(0o755)
    pack(raw / "20170401_1_down.log.tar.gz", down(1) + "\n" + down(2) + "\n")
    assert "2 records counted, 1 written" in unpack(raw, landing, awk=str(lossy), status=4)
    assert statuses(landing) == {"20170401_1_down.log.tar.gz": "failed"}
    assert landed(landing, "down") == b""


def test_help():
    shown = subprocess.run([UNPACK, "--help"], capture_output=True, text=True, check=True).stdout
    assert "RAW" in shown and "--sample" in shown
