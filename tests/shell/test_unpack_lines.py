"""What becomes of each line: shell/unpack.sh, run as users run it, on archives made here.

What a line should become is worked out by hand, or by `judge`, a second and independent reading of the rules.
"""

import re
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.paths import SHARED
from tests.support.unpacking import DIRTY_TEXTS, as_bytes, counts, down, landed, manifest, pack, rejected, rows, unpack

CDNOW_EVENT = "purchase files=CDNOW_master.txt fields=4 customer=1 day=2 separator=space header=1"

# ---------------------------------------------------------------- lines

# One down line, or two, and what becomes of it: the landed text and the rejected (reason, line).
LINES: dict[str, tuple[str | bytes, str | bytes, Sequence[tuple[str, str | bytes]]]] = {
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


def test_lines(raw: Path, landing: Path, awk: str) -> None:
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


def test_nul_is_a_control_character(raw: Path, landing: Path, awk: str) -> None:
    pack(raw / "20170401_1_down.log.tar.gz", b"1\tar\t2\tn\0\ts\t0\n1\tar\t2\tn\ts\t0\0\n" + down(3).encode())
    unpack(raw, landing, awk=awk)
    assert landed(landing, "down") == down(3).encode() + b"\n"
    assert [reason for reason, _ in rejected(landing, "down")] == [b"control_character"] * 2


def test_utf8_is_judged_as_python_does(raw: Path, landing: Path, awk: str) -> None:
    """Every lead byte with every kind of tail: too long, too short, overlong, surrogates, beyond the last character."""
    tails = [b"", b"a", b"\x80", b"\x8f\xbf", b"\x90\x80", b"\x9f\xbf", b"\xa0\x80"]
    tails += [tail + b"\x80" for tail in tails[3:]] + [tail + b"\x80\x80" for tail in tails[3:]]
    lines = [b"%d\ta\tb\t%c%s" % (lead, lead, tail) for lead in range(127, 256) for tail in tails]
    pack(raw / "20170401_1_search.log.tar.gz", b"\n".join(lines))
    unpack(raw, landing, awk=awk)
    texts = [normalize("NFC", line.decode()).encode() for line in lines if is_text(line)]
    assert landed(landing, "search").split(b"\n")[:-1] == texts
    assert {reason for reason, _ in rejected(landing, "search")} == {b"not_utf8"}


# Spellings of a text and its composed form (NFC), as the tables of Unicode have them.
SPELLINGS = [
    ("cafe\u0301-1", "caf\u00e9-1"),  # as macOS writes names
    ("\u304b\u3099", "\u304c"),  # a kana and its voiced mark
    ("\u1112\u1161\u11ab", "\ud55c"),  # the letters of a Korean syllable
    ("\u212b", "\u00c5"),  # the sign for angstrom, and the letter
    ("\u6674\u5929", "\u6674\u5929"),  # Chinese, which is composed already
]


def test_text_is_landed_in_its_composed_form(raw: Path, landing: Path, awk: str) -> None:
    """Case 08 and 25, in plain logs: one spelling of each id and title, also for the choice of a sample."""
    for n, (spelled, composed) in enumerate(SPELLINGS):
        text = down(spelled, spelled) + "\n" + down(composed, composed) + "\n"
        pack(raw / f"20170401_{n}_down.log.tar.gz", text.encode() + down("x").encode() + b"\xcc\n")
    unpack(raw, landing, awk=awk)
    expected = "".join((down(composed, composed) + "\n") * 2 for _, composed in SPELLINGS)
    assert landed(landing, "down").decode() == expected
    assert [line for _, line in rejected(landing, "down")] == [down("x").encode() + b"\xcc"] * len(SPELLINGS)
    bucket = zlib.crc32("caf\u00e9-1".encode()) % 10_000
    for limit, kept in ((bucket, 0), (bucket + 1, 2)):
        sample = landing.with_name(str(limit))
        unpack(raw / "20170401_0_down.log.tar.gz", sample, "--sample", limit / 10_000, awk=awk)
        assert landed(sample, "down").decode().count("caf\u00e9-1\tar") == kept


@pytest.mark.parametrize("before", [(1 << 18) - 1, (1 << 18) + 5, 3 << 18])
def test_an_accent_in_the_next_piece_that_is_read(before: int, raw: Path, landing: Path) -> None:
    """A piece of 256 KiB ends between a letter and its accent, or within a line that is longer than a piece."""
    first, ending = "1\tar\t2\t", "e\u0301\ts\t0"
    lines = (down() + "\n") * ((before - len(first) - 1) // (len(down()) + 1))
    padding = "n" * (before - len(lines) - len(first) - 1)
    (raw / "20170401_down.log").write_text(f"{lines}{first}{padding}{ending}\n{'x' * before}{ending}", encoding="utf-8")
    unpack(raw, landing)
    assert landed(landing, "down").decode().removeprefix(lines) == f"{first}{padding}\u00e9\ts\t0\n"
    assert [reason for reason, _ in rejected(landing, "down")] == [b"too_long"]


def test_lines_with_many_fields(raw: Path, landing: Path, awk: str) -> None:
    pack(raw / "20170401_1_down.log.tar.gz", "x" + "\t" * 40000 + "\n" + down() + "\n")
    unpack(raw, landing, awk=awk)
    assert counts(manifest(landing)["20170401_1_down.log.tar.gz"])["rejected_too_many_fields"] == 1
    assert landed(landing, "down") == (down() + "\n").encode()


def is_text(line: bytes) -> bool:
    try:
        return not re.search(r"[\x00-\x08\x0a-\x1f]", line.decode())
    except UnicodeDecodeError:
        return False


def why_not_text(line: bytes) -> bytes:
    try:
        line.decode()
    except UnicodeDecodeError:
        return b"not_utf8"
    return b"control_character"


def judge(text: bytes, fields: int) -> tuple[list[bytes], list[tuple[bytes, bytes]]]:
    """The rules again, on a list: (landed lines, rejected (reason, line))."""
    lines = text.split(b"\n")
    if not lines[-1]:
        lines.pop()
    lines = [line.removesuffix(b"\r") for line in lines]
    good: list[bytes] = []
    bad: list[tuple[bytes, bytes]] = []

    def take(record: bytes, parts: list[bytes]) -> None:
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


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=DIRTY_TEXTS)
def test_dirty_text_is_judged_as_the_rules_say(texts: list[bytes], tmp_path: Path, awk: str) -> None:
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


@pytest.mark.skipif(not (SHARED / "musicbox").is_dir(), reason="the real sample lines are not here")
def test_real_sample(raw: Path, landing: Path, awk: str) -> None:
    for event in ("play", "down", "search"):
        name = f"20170330_3_{event}.log"
        pack(raw / f"{name}.tar.gz", (SHARED / "musicbox" / name).read_bytes())
    unpack(raw, landing, awk=awk)
    found = {row["event"]: counts(row) for row in manifest(landing).values()}
    assert found == {
        "play": {"lines": 1001, "kept": 996, "repaired": 2, "rejected": 5, "records": 996,
                 "rejected_blank": 1, "rejected_client_address": 3, "rejected_too_many_fields": 1},
        "down": {"lines": 1000, "kept": 1000, "repaired": 4, "records": 996},
        "search": {"lines": 1000, "kept": 1000, "records": 1000},
    }  # fmt: skip


@pytest.mark.skipif(not (SHARED / "cdnow").is_dir(), reason="the purchases of CDNOW are not here")
def test_cdnow(landing: Path) -> None:
    source = SHARED / "cdnow" / "CDNOW_master.txt"
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
