"""CSV and JSON lines through shell/unpack.sh, run as users run it. What becomes of them is worked out by hand."""

import csv
import gzip
import io
import json
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.unpack import unpack as unpack_service
from tests.support.archives import context
from tests.support.paths import ROOT
from tests.support.unpacking import (
    AWKS,
    as_bytes,
    counts,
    landed,
    manifest,
    pack,
    python,
    rejected,
    rows,
    statuses,
    tree,
    unpack,
    zip_bytes,
)

NAMES = "customer_id,visited_at,page"
VISIT = f"visit files=*visit* fields=3 customer=1 day=2 format=records names={NAMES}"
DAY = "2019-03-01 12:30:00"
HEADER = "customer_id,visited_at,page\n"


WRITE = """
import io, sys
from records import Records
from spec import of_names
records = Records(sys.stdout.buffer, of_names(sys.argv[1], 0, 1, sys.argv[2]), "")
records.write(sys.stdin.buffer)
print(records.finish(), file=sys.stderr)
"""


def written(text: str | bytes, zone: str = "UTC") -> list[str]:
    """The lines that the program makes of a text, which must be as many as it says."""
    given = text if isinstance(text, bytes) else text.encode()
    command = [sys.executable, "-c", WRITE, NAMES, zone]
    done = subprocess.run(command, input=given, capture_output=True, check=True, cwd=ROOT / "shell" / "unpack")
    lines = done.stdout.decode().split("\n")
    assert lines.pop() == "" and int(done.stderr) == len(lines)
    return lines


# ---------------------------------------------------------------- records

# A file, and what becomes of it: the landed text and the rejected (reason, text). CSV has HEADER in front.
CSV = {
    "plain": (f"7,{DAY},home\n", f"7\t{DAY}\thome\n", []),
    "leading zeros": (f"007,{DAY},1.50\n", f"007\t{DAY}\t1.50\n", []),
    "no line break at the end": (f"7,{DAY},home", f"7\t{DAY}\thome\n", []),
    "carriage returns": (f"7,{DAY},a\r\n8,{DAY},b\r\n", f"7\t{DAY}\ta\n8\t{DAY}\tb\n", []),
    "quoted": (f'"7","{DAY}","say ""hi"", you"\n', f'7\t{DAY}\tsay "hi", you\n', []),
    "a quote within": (f'7,{DAY},7" single\n', f'7\t{DAY}\t7" single\n', []),
    "over several lines": (
        f'7,{DAY},"a\nb\r\nc\n\nd"\n8,{DAY},e\n',
        f"7\t{DAY}\ta b c  d\n8\t{DAY}\te\n",
        [],
    ),
    "tabs": (f'7,{DAY},a\tb\n8,{DAY},"\t"\n', f"7\t{DAY}\ta b\n8\t{DAY}\t \n", []),
    "Chinese": (f"7,{DAY},你好\n", f"7\t{DAY}\t你好\n", []),
    "an empty customer is no empty field in front": (f",{DAY},home\n", f"\t{DAY}\thome\n", []),
    "all empty": (",,\n", "", [("undated", "\t\t")]),
    "a number alone is no count line": ("7\n", "", [("too_few_fields", "7")]),
    "halves are not joined": (
        f"7\n{DAY},home\n",
        "",
        [("too_few_fields", "7"), ("too_few_fields", f"{DAY},home")],
    ),
    "too few": (f"7,{DAY}\n", "", [("too_few_fields", f"7,{DAY}")]),
    "too few, over two lines": (f'7,"{DAY}\tx\r\ny"\r\n', "", [("too_few_fields", f'7,"{DAY}\tx y"')]),
    "too many": (f"7,{DAY},a,b\n", "", [("too_many_fields", f"7,{DAY},a,b")]),
    "blank": (f"\n7,{DAY},a\n  \n\r\n", f"7\t{DAY}\ta\n", [("blank", ""), ("blank", "  "), ("blank", "")]),
    "undated": ("7,yesterday,a\n", "", [("undated", "7\tyesterday\ta")]),
    "no day of the calendar": ("7,2019-02-29 12:00:00,a\n", "", [("undated", "7\t2019-02-29 12:00:00\ta")]),
    "a quote never closed": (
        f'7,{DAY},"open\n8,{DAY},b\n9,{DAY},c\n',
        f"8\t{DAY}\tb\n9\t{DAY}\tc\n",
        [("unreadable_record", f'7,{DAY},"open')],
    ),
    "a quote closed by the next record's": (
        f'7,{DAY},"open\n8,{DAY},"b"\n9,{DAY},c\n',
        f"8\t{DAY}\tb\n9\t{DAY}\tc\n",
        [("unreadable_record", f'7,{DAY},"open')],
    ),
    "two quotes never closed": (
        f'7,{DAY},"open\n8,{DAY},"open\n9,{DAY},c\n',
        f"9\t{DAY}\tc\n",
        [("unreadable_record", f'7,{DAY},"open'), ("unreadable_record", f'8,{DAY},"open')],
    ),
    "text after a quote": (f'7,{DAY},"a"b\n', "", [("unreadable_record", f'7,{DAY},"a"b')]),
    "a carriage return alone": (
        f"7,{DAY},a\rb\n8,{DAY},c\n",
        f"8\t{DAY}\tc\n",
        [("unreadable_record", f"7,{DAY},a b")],
    ),
    "an escape character": (f"7,{DAY},\x1b[1m\n", "", [("control_character", f"7\t{DAY}\t\x1b[1m")]),
    "not UTF-8": (b"7,2019-03-01 12:30:00,\xff\n", "", [("not_utf8", b"7\t2019-03-01 12:30:00\t\xff")]),
    "not UTF-8, too few": (b"7,\xff\n", "", [("too_few_fields", b"7,\xff")]),
    "a client address": (f"7,{DAY},(203.0.113.7)\n", "", [("client_address", f"7\t{DAY}\t(203.0.113.7)")]),
    "longest": (f"7,{DAY},{'n' * 65514}\n", f"7\t{DAY}\t{'n' * 65514}\n", []),
    "too long": (f"7,{DAY},{'n' * 65515}\n", "", [("too_long", f"7\t{DAY}\t{'n' * 65515}")]),
    "far too long": (f"7,{DAY},{'n' * 200000}\n", "", [("too_long", f"7\t{DAY}\t{'n' * 200000}")]),
    "a header again": (f"7,{DAY},a\n{HEADER}8,{DAY},b\n", f"7\t{DAY}\ta\n8\t{DAY}\tb\n", []),
    "another header": (
        f"7,{DAY},a\n\ufeffpage,x, visited_at ,customer_id\r\nb,1,{DAY},8\n9,{DAY},c\n",
        f"7\t{DAY}\ta\n8\t{DAY}\tb\n",
        [("too_few_fields", f"9,{DAY},c")],
    ),
    "nothing more": ("", "", []),
}
NUMBERS = ("170000001", "1.50", "0.1000000000000000055", "1E5", "-0", "Infinity", "9" * 5000)
JSON = {
    "plain": (
        f'{{"customer_id": "007", "visited_at": "{DAY}", "page": "home", "more": 1}}\n',
        f"007\t{DAY}\thome\n",
        [],
    ),
    "another order, none at the end": (
        f'{{"page":"a","customer_id":"7","visited_at":"{DAY}"}}\r\n {{"page":"b","visited_at":"{DAY}"}} ',
        f"7\t{DAY}\ta\n\t{DAY}\tb\n",
        [],
    ),
    "missing and null": (
        f'{{"customer_id":null,"visited_at":"{DAY}"}}\n{{}}\n',
        f"\t{DAY}\t\n",
        [("undated", "\t\t")],
    ),
    "numbers as written": (
        "".join(f'{{"customer_id":{n},"visited_at":"{DAY}"}}\n' for n in NUMBERS),
        "".join(f"{n}\t{DAY}\t\n" for n in NUMBERS),
        [],
    ),
    "what Python and pandas write for a missing number": (
        f'{{"customer_id":"7","visited_at":"{DAY}","page":NaN}}\n',
        f"7\t{DAY}\t\n",
        [],
    ),
    "true, nested": (
        f'{{"visited_at":"{DAY}","page":{{"a": [1.0, null, false, "\\"é\\t"], "b": {{}}}}}}\n'
        f'{{"visited_at":"{DAY}","page":true}}\n',
        f'\t{DAY}\t{{"a":[1.0,null,false,"\\"é\\t"],"b":{{}}}}\n\t{DAY}\ttrue\n',
        [],
    ),
    "no text and no number as customer": (  # case 11
        "".join(f'{{"customer_id":{one},"visited_at":"{DAY}"}}\n' for one in ('["K0"]', "true", '{"id":7}', '"K3"')),
        f"K3\t{DAY}\t\n",
        [
            ("unreadable_record", f'{{"customer_id":{one},"visited_at":"{DAY}"}}')
            for one in ('["K0"]', "true", '{"id":7}')
        ],
    ),
    "breaks and tabs": (
        f'{{"customer_id":"7","visited_at":"{DAY}","page":"a\\tb\\r\\nc\\nd\\re\tf"}}\n',
        f"7\t{DAY}\ta b c d e f\n",
        [],
    ),
    "escaped": (
        f'{{"customer_id":"7","visited_at":"{DAY}","page":"\\ud83c\\udfb5\\u00e9"}}\n',
        f"7\t{DAY}\t🎵é\n",
        [],
    ),
    "half a character": (
        f'{{"customer_id":"7","visited_at":"{DAY}","page":"\\ud83c"}}\n',
        "",
        [("not_utf8", f"7\t{DAY}\t".encode() + b"\xed\xa0\xbc")],
    ),
    "half a character that looks like a byte": (
        f'{{"customer_id":"7","visited_at":"{DAY}","page":"\\udcff"}}\n',
        "",
        [("not_utf8", f"7\t{DAY}\t".encode() + b"\xff")],
    ),
    "a control character": (
        f'{{"customer_id":"7","visited_at":"{DAY}","page":"\\u001b"}}\n',
        "",
        [("control_character", f"7\t{DAY}\t\x1b")],
    ),
    "no objects": (
        '{"customer_id":"7"\n[1]\n7\n"x"\nnull\n{"a":1} {"b":2}\n',
        "",
        [("unreadable_record", text) for text in ('{"customer_id":"7"', "[1]", "7", '"x"', "null", '{"a":1} {"b":2}')],
    ),
    "too deep": (
        '{"page":' + "[" * 60000 + "\n",
        "",
        [("unreadable_record", '{"page":' + "[" * 60000)],
    ),
    "blank": (
        f'\n  \n{{"visited_at":"{DAY}"}}\n\n',
        f"\t{DAY}\t\n",
        [("blank", ""), ("blank", "  "), ("blank", "")],
    ),
    "marks of UTF-8": (
        f'\ufeff{{"visited_at":"{DAY}"}}\n\ufeff{{"visited_at":"{DAY}"}}\n',
        f"\t{DAY}\t\n\t{DAY}\t\n",
        [],
    ),
}


def same_lines(landing: Path) -> dict[str, str]:
    """By archive, the one whose lines are the same and count instead."""
    return {
        row["archive"]: row["reason"].split("the same lines as ")[1].split(",")[0]
        for row in rows(landing / "unused.csv")
    }


def test_records(raw: Path, landing: Path) -> None:
    """All cases in one run, a file each: a run costs more than a record."""
    cases = [(name, HEADER.encode(), case) for name, case in CSV.items()]
    cases += [(name, b"", case) for name, case in JSON.items()]
    for n, (_, header, (text, _, _)) in enumerate(cases):
        (raw / f"{n}_visit").write_bytes(header + as_bytes(text))
    unpack(raw, landing, "--event", VISIT)
    manifest(landing)
    originals = same_lines(landing)
    for n, (name, _, (_, kept, reasons)) in enumerate(cases):
        stem = originals.get(f"{n}_visit", f"{n}_visit")
        good = landing / f"visit/date=2019-03-01/{stem}.log"
        bad = landing / f"rejected/visit/{stem}.log"
        expected = b"".join(as_bytes(why) + b"\t" + as_bytes(text) + b"\n" for why, text in reasons)
        assert (good.read_bytes() if good.exists() else b"") == as_bytes(kept), name
        assert (bad.read_bytes() if bad.exists() else b"") == expected, name


@pytest.mark.parametrize("awk", AWKS)
def test_every_awk_judges_what_it_is_told(raw: Path, landing: Path, awk: str) -> None:
    if not shutil.which(awk.split()[0]):
        pytest.skip(f"{awk} is not installed")
    records = ["7", f"7,{DAY},a,b", f'7,{DAY},"a"b\tc', "", f"7,{DAY},a\0b", f",{DAY},", "7,x,a", "x" * 65537]
    (raw / "visit.csv").write_text(HEADER + "\n".join(records))
    unpack(raw, landing, "--event", VISIT, awk=awk)
    assert landed(landing, "visit") == f"\t{DAY}\t\n".encode()
    reasons = ["too_few_fields", "too_many_fields", "unreadable_record", "blank", "control_character", "undated",
               "too_long"]  # fmt: skip
    assert [reason.decode() for reason, _ in rejected(landing, "visit")] == reasons
    assert counts(manifest(landing)["visit.csv"]) == {
        "lines": 9, "header": 1, "kept": 1, "records": 1, "rejected": 7, **{f"rejected_{why}": 1 for why in reasons},
    }  # fmt: skip


VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from(list('\t\n\r\x85\u2028\ufeff",{')))


def on_one_line(value: str) -> str:
    """A value as it lands: each tab and each line break is a space."""
    return " ".join(" ".join(part.split("\n")) for part in re.split("\r\n|\r|\t", value))


@settings(max_examples=10)
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1))
def test_any_values_come_out_of_csv_and_json(values: list[tuple[str, str]]) -> None:
    table = [(customer, DAY, page) for customer, page in values]
    lines = ["\t".join(map(on_one_line, row)) for row in table]
    for quoting, end in ((csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\n")):
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=quoting, lineterminator=end)
        writer.writerows([NAMES.split(","), *table])
        assert written(text.getvalue())[1:] == lines
    for ascii_only in (True, False):
        objects = [json.dumps(dict(zip(NAMES.split(","), row, strict=True)), ensure_ascii=ascii_only) for row in table]
        assert written("\n".join(objects)) == lines


# ---------------------------------------------------------------- times

# Zone, a time as it came, and the same on the zone's clock.
TIMES = [
    ("UTC", "2019-03-01 12:30:00", "2019-03-01 12:30:00"),
    ("UTC", "2019-03-01T12:30:00", "2019-03-01 12:30:00"),
    ("UTC", " 2019-03-01t12:30:00z ", "2019-03-01 12:30:00"),
    ("UTC", "2019-03-01 12:30", "2019-03-01 12:30:00"),
    ("UTC", "2019-03-01 12:30+01", "2019-03-01 11:30:00"),  # as long as one with seconds
    ("UTC", "2019-03-01T12:30:00.5", "2019-03-01 12:30:00.5"),
    ("UTC", "2019-03-01 12:30:00,123456789 -0500", "2019-03-01 17:30:00.123456789"),
    ("UTC", "2019-03-01T23:30:00-05:00", "2019-03-02 04:30:00"),
    ("Europe/Berlin", "2019-03-01 23:30:00 UTC", "2019-03-02 00:30:00"),
    ("Europe/Berlin", "2019-03-01T12:30:00.25GMT", "2019-03-01 13:30:00.25"),
    ("UTC", "2019-12-31T19:00:00-05:00", "2020-01-01 00:00:00"),
    ("UTC", "2019-12-31T18:59:59.999-05:00", "2019-12-31 23:59:59.999"),
    ("UTC", "2020-03-01T00:29:59+00:30", "2020-02-29 23:59:59"),
    ("Europe/Berlin", "2019-03-01T12:30:00Z", "2019-03-01 13:30:00"),
    ("Europe/Berlin", "2019-07-01T12:30:00Z", "2019-07-01 14:30:00"),
    ("Europe/Berlin", "2019-06-30T21:59:59Z", "2019-06-30 23:59:59"),
    ("Europe/Berlin", "2019-06-30T22:00:00Z", "2019-07-01 00:00:00"),
    ("Europe/Berlin", "2019-03-31T00:59:59Z", "2019-03-31 01:59:59"),
    ("Europe/Berlin", "2019-03-31T01:00:00Z", "2019-03-31 03:00:00"),
    ("Europe/Berlin", "2019-10-26T23:59:59Z", "2019-10-27 01:59:59"),
    ("Europe/Berlin", "2019-10-27T00:00:00Z", "2019-10-27 02:00:00+02:00"),  # the clock shows this hour twice
    ("Europe/Berlin", "2019-10-27T00:30:00.5Z", "2019-10-27 02:30:00.5+02:00"),
    ("Europe/Berlin", "2019-10-27T01:30:00Z", "2019-10-27 02:30:00+01:00"),
    ("Europe/Berlin", "2019-10-27T02:00:00Z", "2019-10-27 03:00:00"),
    # Case 14, in two more zones: an hour twice, and half an hour twice.
    ("America/New_York", "2019-11-03T05:30:00Z", "2019-11-03 01:30:00-04:00"),
    ("America/New_York", "2019-11-03T06:30:00Z", "2019-11-03 01:30:00-05:00"),
    ("America/New_York", "2019-11-03T07:00:00Z", "2019-11-03 02:00:00"),
    ("Australia/Lord_Howe", "2019-04-06T14:45:00Z", "2019-04-07 01:45:00+11:00"),
    ("Australia/Lord_Howe", "2019-04-06T15:15:00Z", "2019-04-07 01:45:00+10:30"),
    ("Australia/Lord_Howe", "2019-04-06T15:30:00Z", "2019-04-07 02:00:00"),
    ("Europe/Berlin", "2019-03-31T02:30:00", "2019-03-31 02:30:00"),  # the clock skips it
    ("Europe/Berlin", "2019-10-27T02:30:00", "2019-10-27 02:30:00"),  # the clock shows it twice
    ("Europe/Berlin", "2019-07-01T12:30:00", "2019-07-01 12:30:00"),
    ("Asia/Kolkata", "2019-07-01T12:30:00+01:00", "2019-07-01 17:00:00"),
    *(
        ("Europe/Berlin", text, text)
        for text in ("", "yesterday", "1551443400", "2019-03-01", "2019-03-01 1:30:00", "2019-02-29T12:00:00",
                     "2019-03-01T24:00:00", "2019-03-01T12:60:00", "2019-03-01T12:30:00+24:00", "0000-01-01T00:00",
                     "0001-01-01T00:00:00+14:00", "2019-03-01T12:30:00 CET",
                     "2019-03-01T12:30:00 GMT+1", "٢٠١٩-03-01T12:30:00")
    ),
]  # fmt: skip


@pytest.mark.parametrize("zone", sorted({zone for zone, _, _ in TIMES}))
def test_times_are_on_the_clock_of_the_zone(zone: str) -> None:
    """Case 14."""
    times = [(text, expected) for of_zone, text, expected in TIMES if of_zone == zone]
    made = written(HEADER + "".join(f'7,"{text}",a\n' for text, _ in times), zone)
    assert made[1:] == [f"7\t{expected}\ta" for _, expected in times]
    objects = [json.dumps({"customer_id": 7, "visited_at": text}) for text, _ in times]
    assert written("\n".join(objects), zone) == [f"7\t{expected}\t" for _, expected in times]


def test_the_day_is_that_of_the_zone(raw: Path, landing: Path) -> None:
    (raw / "visit.csv").write_text(HEADER + "7,2019-06-30T22:30:00Z,a\n8,2019-06-30T22:30:00,b\n")
    unpack(raw, landing, "--event", f"{VISIT} zone=Europe/Berlin")
    assert {path.parent.name: path.read_text() for path in landing.glob("visit/*/*")} == {
        "date=2019-07-01": "7\t2019-07-01 00:30:00\ta\n",
        "date=2019-06-30": "8\t2019-06-30 22:30:00\tb\n",
    }
    unpack(raw, landing, "--event", VISIT)  # another zone is another layout
    assert [path.parent.name for path in landing.glob("visit/*/*")] == ["date=2019-06-30"]


# ---------------------------------------------------------------- files


def test_every_kind_of_file_lands_the_same(raw: Path, landing: Path) -> None:
    """Cases 20 and 43: marks of UTF-8, CRLF, quoted breaks, plain and gzipped."""
    records = [("7", DAY, "a, b"), ("8", DAY, "c\nd")]
    table = io.StringIO(newline="")
    csv.writer(table).writerows([NAMES.split(","), *records])
    objects = "\n".join(json.dumps(dict(zip(NAMES.split(","), row, strict=True))) for row in records)
    other_order = f"page,more,visited_at,customer_id\n'a', 1,{DAY},7\n".replace("'a',", '"a, b",')
    (raw / "1_visit.csv").write_text(table.getvalue(), newline="")
    (raw / "2_visit.jsonl").write_text(objects)
    (raw / "3_visit.csv.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + table.getvalue().encode()))
    (raw / "4_visit.json.gz").write_bytes(gzip.compress(objects.encode()))
    (raw / "5_visit.csv").write_text(
        '\ufeff"customer_id", visited_at ,page\n' + "".join(table.getvalue().split("\n", 1)[1:])
    )
    pack(raw / "6_visit.tar.gz", other_order, table.getvalue().replace(f'7,{DAY},"a, b"\r\n', ""))
    pack(raw / "7_visit.tar.gz", objects + "\n", "")
    unpack(raw, landing, "--event", VISIT)
    files = sorted(landing.glob("visit/date=2019-03-01/*"))
    assert [file.read_text() for file in files] == [f"7\t{DAY}\ta, b\n8\t{DAY}\tc d\n"] * 3
    found = {archive[0]: row for archive, row in manifest(landing).items()}
    assert [counts(found[n]) for n in "126"] == [
        {"lines": 3, "header": 1, "kept": 2, "records": 2},
        {"lines": 2, "kept": 2, "records": 2},
        {"lines": 4, "header": 2, "kept": 2, "records": 2},
    ]
    originals = {"3_visit.csv.gz": "1_visit.csv", "4_visit.json.gz": "2_visit.jsonl", "5_visit.csv": "1_visit.csv",
                 "7_visit.tar.gz": "2_visit.jsonl"}  # fmt: skip
    assert same_lines(landing) == originals
    assert {found[n]["status"] for n in "3457"} == {"duplicate"}
    before = tree(landing)
    assert "lines, " not in unpack(raw, landing, "--event", VISIT)
    assert tree(landing) == before


def test_nothing_in_a_file(raw: Path, landing: Path) -> None:
    (raw / "1_visit.csv").write_text("")
    (raw / "2_visit.csv").write_text(HEADER)
    (raw / "3_visit.csv.gz").write_bytes(gzip.compress(b""))
    (raw / "4_visit.csv").write_text("\n \n")
    unpack(raw, landing, "--event", VISIT)
    assert {archive[0]: counts(row) for archive, row in manifest(landing).items()} == {
        "1": {}, "2": {"lines": 1, "header": 1}, "3": {}, "4": {"lines": 2, "rejected": 2, "rejected_blank": 2},
    }  # fmt: skip
    assert landed(landing, "visit") == b""


def refused(raw: Path, landing: Path, files: dict[str, str | bytes]) -> dict[str, str]:
    """What is said of each of some files of visits, none of which is unpacked; a good file beside them is."""
    for name, content in files.items():
        (raw / name).write_bytes(as_bytes(content))
    (raw / "good_visit.csv").write_text(f"{HEADER}7,{DAY},home\n")
    lines = unpack(raw, landing, "--event", VISIT, status=3).splitlines()
    assert statuses(landing) == dict.fromkeys(files, "failed") | {"good_visit.csv": "unpacked"}
    assert landed(landing, "visit") == f"7\t{DAY}\thome\n".encode()
    return {name: line for name in files for line in lines if f"reading {name}: " in line}


OTHER_HEADERS = {  # the first line, what is said of it, and the fields that it lacks or repeats
    "customer_id,page": ("its header lacks fields (it has customer_id, page); declare their names", "visited_at"),
    "Customer ID,visitedAt,page": ("other spellings (Customer ID, visitedAt); decl", "customer_id,visited_at"),
    "customer_id,visited_at,page,page": ("its header has page several times", "page"),
    "customer_id,visited_at,PAGE,Page": ("its header has page several times", "page"),
    'customer_id,visited_at,"page': ("no header of this event", NAMES),
    "Customer|Visited at|page": ("other spellings (Visited at); declare them", "customer_id,visited_at"),
    "Customer|When|page": ("lacks fields (it has Customer, When, page)", "customer_id,visited_at"),
    '<?xml version="1.0"?>': ("it is XML or HTML; export it as CSV", NAMES),
    "\x1b[31mred\x1b[0m,b": (r"no header of this event (\x1b[31mred\x1b[0m,b)", NAMES),
}  # fmt: skip


def test_a_first_line_that_is_no_header_stops_the_archive(raw: Path, landing: Path) -> None:
    """Cases 10 and 20: each is refused by what it is, however much follows (more than a pipe holds)."""
    rest = f"7,{DAY},home\n" * 20000
    files: dict[str, str | bytes] = {f"{n}_visit.csv": f"{line}\n{rest}" for n, line in enumerate(OTHER_HEADERS)}
    said = refused(raw, landing, files)
    for line, (what, names) in zip(said.values(), OTHER_HEADERS.values(), strict=True):
        assert what in line and line.endswith(
            f"must have each of these once: {names.replace(',', ', ')}".replace(",  ", ", ")
        )


PRETTY = [{"customer_id": f"K{n}", "visited_at": DAY, "page": "a"} for n in range(5)]
PARQUET = b"PAR1\x15\x04\x15\x10" + bytes(range(256)) * 4
NO_TEXT = {  # cases 11 and 20, and their like
    "7_visit.parquet": (PARQUET, "Parquet: "),
    "8_visit.parquet.gz": (gzip.compress(PARQUET), "; fetch or export the file again"),
    "9_visit.xlsx": ("", "a document of Excel or another office program cannot be read"),
    "10_visit.csv.gz": (gzip.compress(gzip.compress(HEADER.encode())), "it is gzip within gzip"),
    "11_visit.json": (json.dumps(PRETTY)[:-1], "its JSON array is damaged or cut off after 5 values"),
    "12_visit.json": (json.dumps(PRETTY) + "[]", "there is more text after its JSON array of 5 values"),
    "13_visit.json": (
        json.dumps({"data": PRETTY}, indent=1),
        "its key data has a list of objects; write that list alone",
    ),
    "15_visit.json": (
        "\n".join(json.dumps({"customer": {"customer_id": 7}, "visited_at": DAY}) for _ in range(2)),
        "none of its objects has the key customer_id, but customer.customer_id",
    ),
    "16_visit.json": (json.dumps({"customerId": 7, "visited_at": DAY}), "has the key customer_id, but customerId"),
    "17_visit.json": (json.dumps({"customer_id": 7, "event": {"Visited At": DAY}}), "but event.Visited At"),
    "18_visit.json": (
        "\n".join([json.dumps({"visited_at": DAY, "who": 7})] * 20),
        "none of its 20 objects has the key customer_id; the first has visited_at, who",
    ),
}


def test_what_is_no_csv_and_no_json_lines_is_refused_by_what_it_is(raw: Path, landing: Path) -> None:
    """Cases 09, 11a-c, 11e, 11g, 20."""
    files: dict[str, str | bytes] = {name: content for name, (content, _) in NO_TEXT.items()}
    with zipfile.ZipFile(raw / "9_visit.xlsx", "w") as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/visit.xml", "<sheet/>")
    files["9_visit.xlsx"] = (raw / "9_visit.xlsx").read_bytes()
    said = refused(raw, landing, files)
    for name, (_, what) in NO_TEXT.items():
        assert what in said[name], name


HOME = f"7\t{DAY}\thome\n"
FIVE = "".join(f"K{n}\t{DAY}\ta\n" for n in range(5))
READ = {  # what was refused once: a file, and what lands of it
    "UTF-16": (f"{HEADER}7,{DAY},home\n".encode("utf-16"), HOME),
    "UTF-16 without its mark": (f"{HEADER}7,{DAY},home\n".encode("utf-16-le"), HOME),
    "UTF-16, big end first": (gzip.compress(f"{HEADER}7,{DAY},home\r\n".encode("utf-16-be")), HOME),
    "UTF-32": (f"{HEADER}7,{DAY},home\n".encode("utf-32"), HOME),
    "carriage returns": (HEADER.replace("\n", f"\r7,{DAY},home\r"), HOME),
    "carriage returns, quoted": (
        HEADER.replace("\n", f'\r7,{DAY},"{"x" * 9000}\ny"\r7,{DAY},home'),
        f"7\t{DAY}\t{'x' * 9000} y\n" + HOME,
    ),
    "a carriage return in quotes only": (HEADER + f'7,{DAY},"a\rb"\n7,{DAY},home\n', f"7\t{DAY}\ta b\n" + HOME),
    "upper case": (f"CUSTOMER_ID, Visited_At ,PAGE\n7,{DAY},home\n", HOME),
    "the same in lower case": (f"Page,page,customer_id,visited_at\nx,home,7,{DAY}\n", HOME),
    "semicolons": (f"customer_id;visited_at;page\n7;{DAY};home\n", HOME),
    "tabs": (f"customer_id\tvisited_at\tpage\n7\t{DAY}\thome\n", HOME),
    "bars": (f"page|customer_id|visited_at|a,b;c\nhome|7|{DAY}|,;\n", HOME),
    "for Excel": (f"\ufeffsep=;\r\ncustomer_id;visited_at;page\r\n7;{DAY};home\r\n", HOME),
    "for Excel, any character": (f"sep=^\ncustomer_id^visited_at^page\n7^{DAY}^home\n", HOME),
    "an array": (json.dumps(PRETTY), FIVE),
    "an array over several lines": (json.dumps(PRETTY, indent=1) + "\n", FIVE),
    "an empty array": ("[]\n", ""),
    "objects over several lines": ("\n".join(json.dumps(one, indent=2) for one in PRETTY), FIVE),
    "objects with empty lines": ("\n".join(json.dumps(one).replace(", ", ",\n\n") for one in PRETTY), FIVE),
}


def test_what_was_refused_once(raw: Path, landing: Path) -> None:
    """Cases 11a-c, 13a, 13c, 20."""
    for n, (content, _) in enumerate(READ.values()):
        (raw / f"{n}_visit").write_bytes(as_bytes(content))
    unpack(raw, landing, "--event", VISIT)
    originals = same_lines(landing)
    for n, (name, (_, lines)) in enumerate(READ.items()):
        file = landing / f"visit/date=2019-03-01/{originals.get(f'{n}_visit', f'{n}_visit')}.log"
        assert (file.read_text() if file.exists() else "") == lines, name
    assert not rejected(landing, "visit")


def test_a_member_that_is_no_text_stops_the_archive_if_its_name_matches(raw: Path, landing: Path) -> None:
    """Such as a damaged Parquet file."""
    good = ("1_visit.csv", f"{HEADER}7,{DAY},home\n")
    (raw / "0_visit.zip").write_bytes(zip_bytes([good, ("2_visit.parquet", PARQUET)]))
    (raw / "3_visit.zip").write_bytes(zip_bytes([good, ("customers.parquet", PARQUET)]))
    said = unpack(raw, landing, "--event", VISIT, status=3)
    assert "0_visit.zip: 2_visit.parquet: Parquet: " in said
    assert "not used: 3_visit.zip: customers.parquet: its name does not match" in said
    assert landed(landing, "visit") == f"7\t{DAY}\thome\n".encode()


def test_a_line_that_is_torn_does_not_refuse_its_file(raw: Path, landing: Path) -> None:
    """The first line of a file that was cut in its midst, and a file of one line."""
    (raw / "1_visit.json").write_text(f'{{"customer_id": 7,\n{{"customer_id": 8, "visited_at": "{DAY}"}}\n')
    (raw / "2_visit.json").write_text('{"customer_id": 7,\n')
    unpack(raw, landing, "--event", VISIT)
    assert landed(landing, "visit") == f"8\t{DAY}\t\n".encode()
    assert [reason for reason, _ in rejected(landing, "visit")] == [b"unreadable_record"] * 2


def test_a_truncated_file_gives_nothing(raw: Path, landing: Path) -> None:
    whole = gzip.compress((HEADER + "".join(f"{n},{DAY},{n * n}\n" for n in range(9999))).encode())
    (raw / "visit.csv.gz").write_bytes(whole[:-2000])
    assert "fetch the archive again" in unpack(raw, landing, "--event", VISIT, status=3)
    assert landed(landing, "visit") == b""


def test_sample_by_customer(raw: Path, landing: Path) -> None:
    """crc32("7") mod 10000 is 1346, that of "8" is 6291; leading zeros and spaces around do not count."""
    (raw / "visit.csv").write_text(HEADER + f"007,{DAY},a\n008,{DAY},b\n 7 ,{DAY},c\n 08,{DAY},d\nx\n")
    unpack(raw, landing, "--event", VISIT, "--sample", "0.5")
    assert landed(landing, "visit") == f"007\t{DAY}\ta\n 7 \t{DAY}\tc\n".encode()
    assert counts(manifest(landing)["visit.csv"]) == {
        "lines": 6, "header": 1, "kept": 2, "left_out": 2, "rejected": 1, "records": 2, "rejected_too_few_fields": 1,
    }  # fmt: skip


def test_other_names_unpack_again(raw: Path, landing: Path) -> None:
    (raw / "visit.csv").write_text(f"customer_id,visited_at,page,device\n7,{DAY},home,ip\n")
    unpack(raw, landing, "--event", VISIT)
    said = unpack(raw, landing, "--event", VISIT.replace("page", "device"))
    assert "no longer" not in said  # it is not taken for one that is gone
    assert landed(landing, "visit") == f"7\t{DAY}\tip\n".encode()


# ---------------------------------------------------------------- Python


def test_unpacking_needs_a_python(raw: Path, landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (raw / "20170401_down.log").write_text("1\tar\t5\tname\tsinger\t0\n")
    monkeypatch.setenv("PYTHON", "no-such-python")
    for options in ((), ("--event", VISIT)):
        said = unpack(raw, landing, *options, status=2)
        assert "Python 3.11" in said and "no-such-python" in said and said.count("\n") == 1
        assert not landing.exists()


def test_the_command_brings_its_own_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "visits.csv").write_text("visited_at,customer_id\n2019-03-01T23:30:00-05:00,007\n")
    monkeypatch.setenv("PYTHON", "no-such-python")
    unpack_service(context(tmp_path, "audiobooks"))
    assert (tmp_path / "landing/visit/date=2019-03-02/visits.csv.log").read_text() == "007\t2019-03-02 04:30:00\n"


def test_a_relative_python(raw: Path, landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (raw / "visit.csv").write_text(f"{HEADER}7,{DAY},home\n")
    python(tmp_path, f'exec "{sys.executable}" "$@"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHON", "./python")
    unpack(raw, landing, "--event", VISIT)
    assert landed(landing, "visit") == f"7\t{DAY}\thome\n".encode()


# What is wrong with the Python that reads archives, what is said of it, the exit status.
BROKEN = {
    "dies": ("read -r line; kill -9 $$", "died with status 137", 3),
    "dies at the start": ("kill -9 $$", "died with status 137", 3),
    "fails": ("echo ZeroDivisionError >&2; exit 1", "died with status 1", 3),
    "says too few": ("\"$true\" \"$@\" | sed -u 's:^0/2:0/1:'", "1 lines given, 2 read", 4),
    "says no number": ("\"$true\" \"$@\" | sed -u 's:^0/2:0/x:'", "x lines given, 2 read", 4),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_lines_that_vanish_on_the_way_to_awk(
    case: str, raw: Path, landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, said, status = BROKEN[case]
    (raw / "visit.csv").write_text(f"{HEADER}7,{DAY},home\n")
    monkeypatch.setenv("PYTHON", python(tmp_path, script + "\n", "read_archives.py"))
    assert said in unpack(raw, landing, "--event", VISIT, status=status)
    assert statuses(landing) == {"visit.csv": "failed"}
    assert landed(landing, "visit") == b""


def test_killed_and_run_again(raw: Path, landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first run is killed as soon as a worker has begun, and its Python goes on for a while."""
    for n in range(3):
        (raw / f"{n}_visit.csv").write_text(HEADER + f"{n},{DAY},home\n" * 3000)
    unpack(raw, tmp_path / "whole", "--event", VISIT)
    begun = tmp_path / "begun"
    slow = f'read -r line; : >"{begun}"; {{ echo "$line"; sleep 0.5; cat; }} | "$true" "$@"\n'
    monkeypatch.setenv("PYTHON", python(tmp_path, slow, "read_archives.py"))
    command = ["sh", str(ROOT / "shell" / "unpack.sh"), str(raw), str(landing), "--event", VISIT]
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while not begun.exists():
        time.sleep(0.01)
    run.kill()
    run.wait()
    monkeypatch.setenv("PYTHON", sys.executable)
    unpack(raw, landing, "--event", VISIT)
    assert tree(landing) == tree(tmp_path / "whole")


# ---------------------------------------------------------------- usage


@pytest.mark.parametrize(
    ("change", "said"),
    [("format=records", "format=xml"), ("zone=UTC", "zone=Europe/Nowhere"), ("zone=UTC", "zone=/etc/passwd"),
     ("day=2", "day=2 separator=space"), ("day=2", "day=2 header=1"),
     (f"names={NAMES}", "names=customer_id,visited_at"), (f"names={NAMES}", f"names={NAMES},more"),
     (f"names={NAMES}", "names=customer_id,,page"), (f"names={NAMES}", "names=customer_id,visited/at,page"),
     (f" names={NAMES}", ""), ("format=records names", "names"),
     (f"format=records names={NAMES} zone=UTC", "zone=CET"), ("format=records", "format=records spec=%7B%7D"),
     (f"names={NAMES} zone=UTC", "spec={}"), ("zone=UTC", "members=a/b")],
)  # fmt: skip
def test_bad_usage(change: str, said: str, raw: Path, landing: Path) -> None:
    (raw / "visit.csv").write_text(HEADER)
    spec = f"{VISIT} zone=UTC"
    assert change in spec
    told = unpack(raw, landing, "--event", spec.replace(change, said), status=2)
    assert told.startswith("unpack: --event 'visit ") and told.count("\n") == 1
    assert not landing.exists()
