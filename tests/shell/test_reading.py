"""How texts, numbers and times of files land, by declaration. The right values are worked out by hand."""

import csv
import datetime as dt
import hashlib
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import values
from tests.shell.reading import event, hashing, kept, read, read_as, why_refused

WHO = {"fields": {"who": {}, "x": {}}, "customer": "who"}


def landed(text: str, source: dict[str, Any], **landing: Any) -> str:
    """How one text of a field lands."""
    line = {"fields": {"who": "Who", "x": {"source": "X"} | source}, "customer": "who", "separator": "|", "quote": ""}
    ((_, found),) = kept(f"Who|X\n7|{text}\n".encode(), line | landing)
    return found


# ---------------------------------------------------------------- numbers

POINT, COMMA = {}, {"decimal": ","}
GERMAN = COMMA | {"thousands": "."}
ENGLISH, SWISS, FRENCH = {"thousands": ","}, {"thousands": "'"}, COMMA | {"thousands": " "}
NUMBERS = [  # the marks, the text and the number; None if it is unreadable
    (POINT, "9.90", "9.90"), (POINT, "-9.90", "-9.90"), (POINT, "0", "0"), (POINT, "007", "007"),
    (POINT, "1e5", "1e5"),
    (POINT, "-1.785E+4", "-1.785E+4"), (POINT, ".5", "0.5"), (POINT, "5.", "5"), (POINT, " 5 ", "5"),
    (POINT, "+5", "5"),
    (POINT, "0.1000000000000000055", "0.1000000000000000055"),
    (POINT, "(9.90)", "-9.90"), (POINT, "9.90-", "-9.90"), (POINT, "- 9.90", "-9.90"), (POINT, "\u22129.90", "-9.90"),
    (POINT, "-€9.90", "-9.90"), (POINT, "€-9.90", "-9.90"), (POINT, "$9.90", "9.90"), (POINT, "9.90 €", "9.90"),
    (POINT, "EUR 9.90", "9.90"), (POINT, "9.90\xa0CHF", "9.90"), (POINT, "US$ 5", "5"), (POINT, "R$1.50", "1.50"),
    (POINT, "($9.90)", "-9.90"), (POINT, "9.90 zł", "9.90"), (POINT, "£0.00", "0.00"),
    (POINT, "1,080", None), (POINT, "9,90", None), (POINT, "1 080", None), (POINT, "1'080", None),
    (POINT, "--5", None),
    (POINT, "(-5)", None), (POINT, "(5", None), (POINT, "5)", None), (POINT, "-5-", None), (POINT, "$5€", None),
    (POINT, "5 km", None), (POINT, "12%", None), (POINT, "1.2.3", None), (POINT, "2017-01-05", None),
    (POINT, "0x1F", None),
    (POINT, "٥", "٥"), (POINT, "abc", "abc"), (POINT, "", ""),
    (POINT, "NaN", "NaN"),  # no engine takes them for numbers
    (COMMA, "9,90", "9.90"), (COMMA, "-9,90 €", "-9.90"), (COMMA, "600", "600"), (COMMA, ",5", "0.5"),
    (COMMA, "1,5E3", "1.5E3"),
    (COMMA, "9,-- €", "9"), (COMMA, "-9,-", "-9"), (COMMA, "9.90", None), (COMMA, "1.080", None),
    (COMMA, "1.080,00", None),
    (GERMAN, "1.080", "1080"), (GERMAN, "1.009,90", "1009.90"), (GERMAN, "1.234.567,5", "1234567.5"),
    (GERMAN, "1080,5", "1080.5"),
    (GERMAN, "(1.009,90 €)", "-1009.90"), (GERMAN, "9.90", None), (GERMAN, "1.08.000", None),
    (GERMAN, "1.0800", None),
    (GERMAN, "1009.90", None), (GERMAN, "1,080.5", None), (GERMAN, ".500", None), (GERMAN, "1234.567", None),
    (ENGLISH, "1,080", "1080"), (ENGLISH, "1,009.90", "1009.90"), (ENGLISH, "9,90", None), (ENGLISH, "1,2,3", None),
    (SWISS, "1'080.00", "1080.00"), (SWISS, "1’080.00", "1080.00"), (SWISS, "CHF 1'080.-", "1080"),
    (SWISS, "1,080", None),
    (FRENCH, "1 080,00", "1080.00"), (FRENCH, "1\u202f080,00 €", "1080.00"), (FRENCH, "1\xa0080", "1080"),
    (FRENCH, "10 80", None),
]  # fmt: skip


@pytest.mark.parametrize(("marks", "text", "number"), NUMBERS)
def test_numbers(marks: dict[str, Any], text: str, number: str | None) -> None:
    """Case 13."""
    expected = f"unreadable: {text}" if number is None else number
    assert landed(text, {"number": True}, **marks) == expected


@settings(max_examples=50)
@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12),
    st.sampled_from([(".", ""), (".", ","), (".", "'"), (".", " "), (",", ""), (",", "."), (",", " ")]),
    st.sampled_from(["{}", "€{}", "{} EUR", " {} "]),
)
def test_any_number_is_read_as_it_was_written(number: Decimal, marks: tuple[str, str], form: str) -> None:
    decimal, thousands = marks
    text = f"{abs(number):,.3f}".replace(",", "T").replace(".", decimal).replace("T", thousands)
    text = form.format("-" + text if number < 0 else text)
    assert Decimal(landed(text, {"number": True}, decimal=decimal, thousands=thousands)) == number


def test_a_number_as_the_columns_say() -> None:
    """A field that a numeric column's `sql` names alone is a number; an id, and a field that says no, is not."""
    layout = {"fields": {"who": {}, "a": {}, "b": {}, "c": {"number": False}, "d": {}}, "customer": "who"}
    text = b"who,a,b,c,d\n$1,$1,$1,$1,$1\n"
    found = kept(text, layout, a="decimal(9,2)", b="string", c="int", d="bigint")
    assert found == [["$1", "1", "$1", "$1", "1"]]


def test_null_markers_are_no_unreadable_numbers() -> None:
    declared = event(WHO, x="int").model_copy(update={"null_markers": ["n/a", "1,9,9"]})
    found = read_as(declared, b'who,x\n1,N/A\n2,"1,9,9"\n3,"1,9"\n4,none\n')[1:]
    assert found == [["1", "N/A"], ["2", "1,9,9"], ["3", "unreadable: 1,9"], ["4", "none"]]


# ---------------------------------------------------------------- times

BERLIN = {"zone": "Europe/Berlin"}
FROM_NEW_YORK = BERLIN | {"source_zone": "America/New_York"}
FROM_UTC = BERLIN | {"source_zone": "UTC"}
TIMES = [  # the zones, the format, the text and the time on the shop's clock; None if it is unreadable
    ({}, "epoch_ms", "1538352117000", "2018-10-01 00:01:57"),
    ({}, "epoch_ms", "1538352117796", "2018-10-01 00:01:57.796"),
    ({}, "epoch_ms", "1538352117700", "2018-10-01 00:01:57.7"), ({}, "epoch_s", "1538352117", "2018-10-01 00:01:57"),
    ({}, "epoch_s", "1538352117.25", "2018-10-01 00:01:57.25"),
    ({}, "epoch_us", "1538352117000001", "2018-10-01 00:01:57.000001"),
    ({}, "epoch_ms", "1538352117796.0", "2018-10-01 00:01:57.796"),
    ({}, "epoch_ms", "1.538352117796E12", "2018-10-01 00:01:57.796"),
    ({}, "epoch_ms", " 0 ", "1970-01-01 00:00:00"), ({}, "epoch_s", "-1", "1969-12-31 23:59:59"),
    ({}, "epoch_s", "1538352117796", None), ({}, "epoch_ms", "2018-10-01 00:01:57", None),
    ({}, "epoch_ms", "1,538,352", None),
    ({}, "epoch_ms", "", ""), ({}, "epoch_ms", "never", "never"),
    (BERLIN, "epoch_ms", "1538352117000", "2018-10-01 02:01:57"),
    (BERLIN, "epoch_s", "1540686600", "2018-10-28 02:30:00+02:00"),
    (BERLIN, "epoch_s", "1540690200", "2018-10-28 02:30:00+01:00"),
    (BERLIN, "epoch_s", "1540692000", "2018-10-28 03:00:00"),
    ({"zone": "Australia/Lord_Howe"}, "epoch_s", "1554561900", "2019-04-07 01:45:00+11:00"),  # half an hour twice
    ({"zone": "Asia/Kathmandu"}, "epoch_s", "1538352117", "2018-10-01 05:46:57"),
    ({}, "%d.%m.%Y %H:%M", "05.01.2017 10:00", "2017-01-05 10:00:00"),
    ({}, "%d.%m.%Y %H:%M", "5.1.2017  9:05", "2017-01-05 09:05:00"),
    ({}, "%d.%m.%Y %H:%M", "31.02.2017 10:00", None), ({}, "%d.%m.%Y %H:%M", "05.01.2017", None),
    ({}, "%d.%m.%Y %H:%M", "2017-01-05 10:00", None), ({}, "%d.%m.%Y %H:%M", "05.01.2017 24:00", None),
    ({}, "%m/%d/%Y %H:%M", "12/1/2010 8:26", "2010-12-01 08:26:00"),
    ({}, "%m/%d/%y %I:%M %p", "12/1/10 8:26 PM", "2010-12-01 20:26:00"),
    ({}, "%Y%m%d", "20170105", "2017-01-05 00:00:00"),
    ({}, "%Y%m%d%H%M%S.%f", "20170105100203.5", "2017-01-05 10:02:03.500000"),
    ({}, "%d/%b/%Y:%H:%M:%S %z", "05/Jan/2017:20:00:00 -0500", "2017-01-06 01:00:00"),
    (BERLIN, "%d.%m.%Y %H:%M", "31.03.2019 02:30", "2019-03-31 02:30:00"),  # the clock skips it; as written
    (FROM_NEW_YORK, "%d.%m.%Y %H:%M", "05.01.2017 20:00", "2017-01-06 02:00:00"),
    (FROM_UTC, "iso", "2019-10-27 00:30:00", "2019-10-27 02:30:00+02:00"),
    (FROM_UTC, "iso", "2019-10-27T01:30", "2019-10-27 02:30:00+01:00"),
    (FROM_UTC, "iso", "2019-03-01T12:30:00-05:00", "2019-03-01 18:30:00"),
    (FROM_UTC, "iso", "2019-03-01", "2019-03-01"),
    (BERLIN, "iso", "2019-03-01 12:30:00", "2019-03-01 12:30:00"),
    (BERLIN, "iso", "2019-03-01T12:30:00Z", "2019-03-01 13:30:00"),
    (BERLIN, "iso", "yesterday at 5", "yesterday at 5"),
]  # fmt: skip


@pytest.mark.parametrize(("zones", "form", "text", "time"), TIMES)
def test_times(zones: dict[str, str], form: str, text: str, time: str | None) -> None:
    """Cases 09 and 10."""
    assert landed(text, {"time": form}, **zones) == (f"unreadable: {text}" if time is None else time)


def test_a_time_of_a_timestamp_column_is_converted_too() -> None:
    layout = WHO | FROM_UTC
    text = b"who,x\n7,2019-03-01 12:30:00\n"
    assert kept(text, layout, x="timestamp") == [["7", "2019-03-01 13:30:00"]]
    assert kept(text, layout, x="string") == [["7", "2019-03-01 12:30:00"]]


def test_a_time_of_two_columns() -> None:
    layout = WHO | {"fields": {"who": {}, "x": {"source": ["Date", "Time"], "time": "%d.%m.%Y %H:%M"}}}
    text = b"Time,who,Date\n10:05,7, 05.01.2017\n,8,05.01.2017\n,9,\n"
    assert kept(text, layout) == [["7", "2017-01-05 10:05:00"], ["8", "unreadable: 05.01.2017"], ["9", ""]]


# ---------------------------------------------------------------- CSV

CELLS = st.text(st.sampled_from("ab7 ,;|\t'\"\\#\r\né\u2028"), max_size=6)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8),
    st.sampled_from([*",;|\t^", "\x01"]),
    st.sampled_from("\"'"),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]),
)
def test_any_csv_is_read_back(
    table: list[tuple[str, str]], separator: str, quote: str, quoting: Any, end: str, encoding: str
) -> None:
    if end != "\r\n":  # or Python leaves the other line break without quotes
        quoting = csv.QUOTE_ALL
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, quotechar=quote, quoting=quoting, lineterminator=end)
    writer.writerows([("who", "x"), *table])
    layout = WHO | {"separator": separator, "quote": quote}
    if encoding == "utf-16-le":
        layout |= {"encoding": encoding}
    expected = [[one_line(cell) for cell in row] for row in table]
    assert kept(text.getvalue().encode(encoding), layout) == expected


def one_line(text: str) -> str:
    """A text as it lands: a tab or a line break is a space."""
    return text.replace("\r\n", " ").replace("\n", " ").replace("\r", " ").replace("\t", " ")


CSV = {  # a layout, a text, and the lines that it makes
    "cp1252": ({"encoding": "cp1252"}, "who,x\n7,5 €\n".encode("cp1252"), [["7", "5 €"]]),
    "cp1252 that is UTF-8 by its mark": ({"encoding": "cp1252"}, "\ufeffwho,x\n7,é\n".encode(), [["7", "é"]]),
    "KOI8": ({"encoding": "koi8-r"}, "who,x\n7,Да\n".encode("koi8-r"), [["7", "Да"]]),
    "Japanese": ({"encoding": "shift_jis"}, "who,x\n7,表\n".encode("shift_jis"), [["7", "表"]]),  # its 2nd byte is a \
    "a mark, sep=, carriage returns": ({}, b"\xef\xbb\xbfsep=;\rwho;x\r7;a,b\r", [["7", "a,b"]]),
    "sep= in capitals, and a comma in the header": ({}, b"SEP=;\r\nwho;x;a,b\r\n7;8;9\r\n", [["7", "8"]]),
    "a declared separator wins": ({"separator": "semicolon"}, b"sep=,\nwho;x\n7;a,b\n", [["7", "a,b"]]),
    "comments": ({"comment": "#"}, b"# made by x\n\nwho,x\n#7,8\n7,#8\n", [["7", "#8"]]),
    "comments with a quote": ({"comment": "//"}, b'//"\nwho,x\n//"open\n7,8\n', [["7", "8"]]),
    "no quotes": ({"quote": ""}, b'who,x\n7,"12" mix\n', [["7", '"12" mix']]),
    "other quotes": ({"quote": "'"}, b"who,x\n7,'a,''b'\n8,\"c\n", [["7", "a,'b"], ["8", '"c']]),
    "a header in quotes": ({}, b'"Who";"X"\r\n"7";"a;b"\r\n', [["7", "a;b"]]),
    "a cell is never a header": ({}, b"who,x\nwho,8\n", [["who", "8"]]),
    "the same header again": ({}, b"who,x\n7,8\nwho,x\n9,1\n", [["7", "8"], ["9", "1"]]),
    "another header": ({}, b"who,y,x\n7,0,8\nx,who,y\n1,9,0\n", [["7", "8"], ["9", "1"]]),
    "white space stays": ({}, b"who,x\n 7 , 8\n", [[" 7 ", " 8"]]),
}  # fmt: skip


@pytest.mark.parametrize("case", CSV)
def test_csv(case: str) -> None:
    layout, content, lines = CSV[case]
    found = read(content, WHO | layout)
    assert [line for line in found if not line[0].startswith("\r")] == lines
    assert {line[0] for line in found if line[0].startswith("\r")} <= {"\rheader", "\rcomment", "\rblank"}


def test_names_of_columns() -> None:
    """Case 10: any spelling, in any order, beside other columns."""
    layout = {"fields": {"order": "Invoice No.", "customer": "customer id", "x": "Σ"}, "customer": "customer"}
    assert kept("ς,Customer ID ,more,INVOICE NO.\n1,2,3,4\n".encode(), layout) == [["4", "2", "1"]]
    said = why_refused(b"Invoice,Customer ID,CUSTOMER ID\n1,2,3\n", layout)
    assert "customer id several times" in said and said.endswith("once: Invoice No., customer id, Σ")
    said = why_refused(b"Invoice No.;Price\n1;2\n", layout)
    assert "lacks fields (it has Invoice No., Price)" in said and said.endswith("each of these once: customer id, Σ")
    said = why_refused(b"who;x\n1;2\n", WHO | {"separator": "bar"})
    assert "separated by semicolons; declare this `separator`" in said


def test_bytes_that_are_no_text_are_kept_for_awk_to_reject() -> None:
    ((_, utf8),) = kept(b"who,x\n7,\xff\n", WHO)
    assert utf8 == "\udcff"
    ((_, cp1252),) = kept(b"who,x\n7,\x81\n", WHO | {"encoding": "cp1252"})
    assert cp1252 == "\udc81"
    ((_, utf16),) = kept("who,x\n7,8".encode("utf-16") + b"\n", WHO)  # half a character at the end
    assert utf16.startswith("8\udced")


def test_values_in_the_path() -> None:
    """Folders of Hive; what the file has itself wins."""
    layout = {"fields": {"who": {}, "land": "country", "city": {}}, "customer": "who"}
    path = "country=D%C3%A9/city=X/part=1/0.csv"
    assert kept(b"who,city\n7,Y\n", layout, path) == [["7", "Dé", "Y"]]
    assert kept(b'{"who": 7, "city": "Y"}\n{"who": 8}', layout, path) == [["7", "Dé", "Y"], ["8", "Dé", "X"]]
    assert "country" in why_refused(b"who,city\n7,Y\n", layout, "city=X/0.csv")


# ---------------------------------------------------------------- JSON

PLAYS = [{"userId": 7, "ts": 1538352117796, "song": {"name": "Ä", "by.whom": "B"}, "length": 277.890}, {"userId": "8"}]
PLAY = {
    "fields": {
        "user": "userId", "at": {"source": "ts", "time": "epoch_ms"}, "title": "song.name", "artist": "song.by.whom",
        "seconds": {"source": "length", "number": True},
    },
    "customer": "user", "day": "at",
}  # fmt: skip
LINES = [["7", "2018-10-01 00:01:57.796", "Ä", "B", "277.89"], ["8", "", "", "", ""]]
SHAPES = {
    "lines": "\n".join(map(json.dumps, PLAYS)),
    "an array": json.dumps(PLAYS),
    "an array in UTF-16": json.dumps(PLAYS, ensure_ascii=False).encode("utf-16"),
    "a pretty array": json.dumps(PLAYS, indent=2, ensure_ascii=False).replace("\n", "\r\n"),
    "pretty objects": "\n".join(json.dumps(one, indent=2) for one in PLAYS),
    "pretty objects, commas": "\ufeff" + ",\n".join(json.dumps(one, indent="\t") for one in PLAYS) + "\n\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_json(shape: str) -> None:
    """Cases 09 and 11."""
    content = SHAPES[shape]
    assert kept(content if isinstance(content, bytes) else content.encode(), PLAY) == LINES


def test_a_key_with_a_dot_wins() -> None:
    layout = {"fields": {"who": "a.b", "x": "a.b.c"}, "customer": "who"}
    text = b'{"a.b": 1, "a": {"b": {"c": 2}, "b.c": 3}}\n{"a": {"b": 4}, "a.b": {"c": 5}}\n{"a": {"b": 6, "b.c": null}}'
    found = read(text, layout)
    assert found[0] == ["1", "3"] and found[1][0] == "\runreadable_record" and found[2] == ["6", ""]


def test_numbers_of_json_are_numbers_whatever_marks_its_texts_have() -> None:
    layout = PLAY | GERMAN
    text = b"""{"userId": 7, "ts": "1538352117796", "length": 1.080}
        {"userId": 8, "ts": 1.538352117796E12, "length": "1.080,5"}"""
    assert [[line[1], line[4]] for line in kept(text, layout)] == [
        ["2018-10-01 00:01:57.796", "1.080"],
        ["2018-10-01 00:01:57.796", "1080.5"],
    ]


def test_a_big_array_is_streamed() -> None:
    """Objects that end at every place of what is read at once, and one that is longer than that."""
    rows = [{"who": number, "x": "é" * (number % 97)} for number in range(5000)] + [{"who": "long", "x": "y" * 200_000}]
    for text in (json.dumps(rows), json.dumps(rows, indent=1), "\n".join(json.dumps(row, indent=0) for row in rows)):
        assert kept(text.encode(), WHO) == [[str(row["who"]), row["x"]] for row in rows]


def test_what_is_no_object_in_an_array_is_set_aside() -> None:
    found = read(b'[{"who": 1}, 2, ["x", 3], null, "t", {"who": [4]}, {"who": 5}]', WHO)
    texts = ["2", '["x", 3]', "null", '"t"', '{"who": [4]}']
    assert found == [["1", ""], *(["\runreadable_record", text] for text in texts), ["5", ""]]


def test_a_number_is_not_cut_where_what_is_read_at_once_ends() -> None:
    found = read(('[{"who": 1}' + ", 1234567890" * 20_000 + "]").encode(), WHO)
    assert found == [["1", ""], *[["\runreadable_record", "1234567890"]] * 20_000]


def test_a_torn_object_over_several_lines_costs_itself_alone() -> None:
    good = [json.dumps({"who": number}, indent=1) for number in range(3)]
    found = read("\n".join([good[0], '{\n "who": 9,\n "x"', good[1], good[2]]).encode(), WHO)
    assert found == [["0", ""], ["\runreadable_record", '{  "who": 9,  "x"'], ["1", ""], ["2", ""]]


@pytest.mark.parametrize("text", ['[{"who": 1}, {"who": ', '[{"who": 1}', '[{"who": 1}, {who: 2}]'])
def test_a_damaged_array_is_refused(text: str) -> None:
    assert "its JSON array is damaged or cut off after 1 values" in why_refused(text.encode(), WHO)


# ---------------------------------------------------------------- Parquet


def parquet(**columns: pa.Array) -> bytes:
    """A Parquet file."""
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, row_group_size=2)
    return out.getvalue()


UTC_TIME = dt.datetime(2018, 10, 28, 0, 30, tzinfo=dt.UTC)
ARRAYS = {  # an array, how its field is declared, and the texts of its values
    "text": (pa.array(["a\tb", None, "é"]), {}, ["a b", "", "é"]),
    "large text": (pa.array(["a", None, ""], pa.large_string()), {}, ["a", "", ""]),
    "levels": (pa.array(["a", None, "b"]).dictionary_encode(), {}, ["a", "", "b"]),
    "levels that are numbers": (pa.array([5, None, 7]).dictionary_encode(), {}, ["5", "", "7"]),
    "nothing": (pa.nulls(3), {}, ["", "", ""]),
    "whole": (pa.array([1, None, -(2**63)]), {}, ["1", "", "-9223372036854775808"]),
    "unsigned": (pa.array([1, None, 2**64 - 1], pa.uint64()), {}, ["1", "", "18446744073709551615"]),
    "doubles": (pa.array([17850.0, float("nan"), 0.1]), {"number": True}, ["17850", "", "0.1"]),
    "ids through doubles": (pa.array([9007199254740994.0, None, -0.5]), {}, ["9007199254740994.0", "", "-0.5"]),
    "floats of 32 bits": (pa.array([9.9, None, 17850], pa.float32()), {"number": True}, ["9.9", "", "17850"]),
    "decimals": (
        pa.array([Decimal("9.90"), None, Decimal("-0.05")], pa.decimal128(9, 2)),
        {"number": True},
        ["9.90", "", "-0.05"],
    ),
    "numbers in text": (pa.array(["1.080,5", "9.90", None]), {"number": True}, ["1080.5", "unreadable: 9.90", ""]),
    "flags": (pa.array([True, None, False]), {}, ["true", "", "false"]),
    "days": (pa.array([dt.date(2018, 1, 2), None, dt.date(1970, 1, 1)]), {}, ["2018-01-02", "", "1970-01-01"]),
    "times with a zone": (
        pa.array([UTC_TIME, None, UTC_TIME + dt.timedelta(hours=5)], pa.timestamp("ms", tz="Asia/Tokyo")),
        {"time": "iso"},
        ["2018-10-28 02:30:00+02:00", "", "2018-10-28 06:30:00"],
    ),
    "times without a zone": (
        pa.array([dt.datetime(2018, 1, 2, 10), None, dt.datetime(2018, 1, 2, 10, 0, 0, 5000)], pa.timestamp("ns")),
        {"time": "iso"},
        ["2018-01-02 11:00:00", "", "2018-01-02 11:00:00.005"],
    ),
    "epochs": (pa.array([1538352117796, None, 0]), {"time": "epoch_ms"},
               ["2018-10-01 02:01:57.796", "", "1970-01-01 01:00:00"]),
    "lists": (pa.array([["a", "é"], None, []]), {}, ['["a","é"]', "", "[]"]),
    "bytes": (pa.array([b"a", None, "é".encode()]), {}, ["a", "", "é"]),
    "objects": (pa.array([{"a": 1}, None, {"a": None}]), {}, ['{"a":1}', "", '{"a":null}']),
    "nested": (pa.array([{"a": {"b": 1}}, None, {"a": None}]), {"source": "x.a.b"}, ["1", "", ""]),
}  # fmt: skip


@pytest.mark.parametrize("case", ARRAYS)
def test_parquet(case: str) -> None:
    """Case 11g. The file's rows are in two groups."""
    array, source, texts = ARRAYS[case]
    layout = {"fields": {"who": "Customer ID", "x": source, "land": "country"}, "customer": "who"} | FROM_UTC | GERMAN
    content = parquet(more=pa.array([1, 2, 3]), x=array, **{"CUSTOMER ID": pa.array(["K1", "K2", "K3"])})
    found = kept(content, layout, "country=DE/part-0.parquet")
    assert found == [[f"K{at + 1}", text, "DE"] for at, text in enumerate(texts)]


def test_parquet_that_cannot_be_read() -> None:
    content = parquet(who=pa.array(["a"]), y=pa.array([1]))
    assert "without the columns x; it has who, y" in why_refused(content, WHO)
    assert "Parquet: " in why_refused(content[:-10], WHO)
    lists = parquet(who=pa.array([["a"]]), x=pa.array([1]))
    assert "its column who has values of type list<" in why_refused(lists, WHO)


# ---------------------------------------------------------------- what says who somebody is

KEY = "0123456789abcdef-secret"
PRIVATE = {
    "fields": {"who": {"source": "Email", "hash": True}, "x": {}, "comment": {"drop": True}}, "customer": "who",
}  # fmt: skip


def digest(text: str, key: str = KEY) -> str:
    """By the definition of HMAC (RFC 2104), whose block has 64 bytes."""
    inner, outer = (bytes(byte ^ pad for byte in key.encode().ljust(64, b"\0")) for pad in (0x36, 0x5C))
    return hashlib.sha256(outer + hashlib.sha256(inner + text.encode()).digest()).hexdigest()[:32]


def test_hashed_and_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCORE_HASH_KEY", KEY)
    text = "Email,x,comment\nann@x.org,1,rude\n ann@x.org\u200b ,2,\ncafe\u0301,3,\nNULL,4,\n,5,\n"
    assert read((text + '"bob@x.org,6\n\nno@x.org\n').encode(), PRIVATE)[1:] == [
        [digest("ann@x.org"), "1"], [digest("ann@x.org"), "2"], [digest("caf\xe9"), "3"], ["NULL", "4"], ["", "5"],
        ["\runreadable_record", "(12 characters, not kept)"], ["\rblank", ""],
        ["\rtoo_few_fields", "(8 characters, not kept)"],
    ]  # fmt: skip
    objects = b'{"Email": 17850, "x": 1}\n{"Email": ["ann@x.org"]}'
    assert read(objects, PRIVATE) == [
        [digest("17850"), "1"],
        ["\runreadable_record", "(24 characters, not kept)"],
    ]
    table = parquet(Email=pa.array(["ann@x.org", None]), x=pa.array([1, 2]), comment=pa.array(["rude", ""]))
    assert kept(table, PRIVATE) == [[digest("ann@x.org"), "1"], ["", "2"]]
    assert "ann" not in why_refused(b"ann@x.org,1,rude\n", PRIVATE)
    monkeypatch.setenv("ENCORE_HASH_KEY", "another secret of 30 characters")
    assert kept(b"Email,x\nann@x.org,1\n", PRIVATE)[0][0] == digest("ann@x.org", "another secret of 30 characters")


def test_hashed_ids_are_the_same_in_any_spelling(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Case 08, as ids that are not hashed."""
    (tmp_path / "key").write_text(KEY + "\n")
    monkeypatch.delenv("ENCORE_HASH_KEY", raising=False)
    monkeypatch.setenv("ENCORE_HASH_KEY_FILE", str(tmp_path / "key"))
    layout = {"fields": {"who": {"hash": True}, "x": {}}, "customer": "who"}
    declared = event(layout)
    column = declared.columns["customer_id"].model_copy(update={"whole_numbers": True})
    whole = declared.model_copy(update={"columns": {"customer_id": column}})
    text = b"who,x\n17850,1\n17850.0,2\n 17850,3\n00417,4\n9.007199254740992E+15,5\n"
    expected = [digest("17850")] * 3 + [digest("00417"), ""]
    assert [line[0] for line in read_as(whole, text)[1:]] == expected
    assert read_as(declared, text)[2][0] == digest("17850.0")
    for name in ("SPACES", "INVISIBLE", "ZEROS_AFTER_POINT", "WITH_EXPONENT"):
        assert getattr(hashing, name) == getattr(values, name).replace(r"\z", r"\Z")


# ---------------------------------------------------------------- files without a header, or with lines above it

NAMELESS = {"fields": {"who": "id", "x": "amount"}, "customer": "who", "column_names": ["id", "amount", "note"]}


def test_columns_without_a_header() -> None:
    assert kept(b"7,1.5,a\n8,2,b\n", NAMELESS) == [["7", "1.5"], ["8", "2"]]
    assert kept(b"7;1.5;a\n8;2;b\n", NAMELESS) == [["7", "1.5"], ["8", "2"]]
    assert read(b"7,1.5,a\n8,2\n", NAMELESS)[1] == ["\rtoo_few_fields", "8,2"]
    assert kept(b"ID,Amount,Note\n7,1.5,a\n", NAMELESS) == [["7", "1.5"]], (
        "a header that is there after all is none of them"
    )


def test_columns_without_a_header_that_are_not_as_many_as_declared() -> None:
    why = "its first line has 2 columns (7,1.5), and `column_names` has 3; give a name for each"
    assert why_refused(b"7,1.5\n", NAMELESS) == why
    lost = NAMELESS | {"fields": {"who": "id", "x": "price"}}
    assert why_refused(b"7,1.5,a\n", lost) == "`column_names` has no price; add it, or correct the source of the field"


def test_lines_above_the_header() -> None:
    text = b"Sales report, 2017\n\nwho,x\n7,1\n"
    assert [line[0] for line in read(text, WHO | {"header": 2})] == ["\rheader", "\rblank", "\rheader", "7"]
    assert "fix the header" in why_refused(text, WHO)
