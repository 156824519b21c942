"""Odd lines, read and typed by both engines: fuzzed from what logs and their exports contain.

`ENCORE_FUZZ_LINES=20000` reads as many lines as that; the suite reads fewer.
"""

import os
import random
from pathlib import Path
from typing import Any

import pytest

from conf.events import Event
from features.events import clean, rejected, tagged
from jobs.engine import engine as started
from jobs.ingest import read_lines
from tests.support.engines import SMALL

LINES = int(os.environ.get("ENCORE_FUZZ_LINES", "2000"))
DAY = "2017-03-30"
KINDS = {
    "customer_id": "string",
    "number": "bigint",
    "small": "int",
    "amount": "decimal(18,3)",
    "price": "decimal(9,2)",
    "flag": "boolean",
    "born": "date",
    "seen_at": "timestamp",
    "title": "string",
    "plain": "string",
}
EVENT = Event.model_validate(
    {
        "about": "Anything.",
        "landing": {
            "files": "*",
            "fields": [f"f_{name}" for name in KINDS],
            "customer": "f_customer_id",
            "day": "name",
        },
        "columns": {
            name: {
                "type": kind,
                "sql": f"f_{name}",
                "about": name,
                "required": name == "customer_id",
                "is_id": name == "title",
                "whole_numbers": name == "customer_id",
            }
            for name, kind in KINDS.items()
        },
        "duplicates": ["customer_id", "seen_at", "title"],
        "repeats": "amount >= price",
        "measures": {"events": {"sql": "count(*)", "about": "Events"}},
    }
)
NUMBERS = [
    "0",
    "1",
    "-1",
    "+1",
    "5.0",
    "5.",
    ".5",
    "00417",
    "17850.0",
    "2147483647",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "1e3",
    "1E+3",
    "1.5e-3",
    "1e400",
    "1e-400",
    "9.007199254740992E+15",
    "0x10",
    "0x1p3",
    "1d",
    "1F",
    "1L",
    "inf",
    "-Infinity",
    "NaN",
    "nan",
    "1_000",
    "1,000",
    "٥",
    "５",
    "--",
    "+-1",
    "1.005",
    "2.675",
    "0.0005",
    "-0.0005",
    "1234567890123.4567",
    "0.1234567890123456789",
    "999999999999999.9995",
    "12345678.905",
    "-0",
    "-0.0",
    "8.345",
    "1.115",
    "123456789012345678901234567890",
    "1e15",
    "1e14",
    "4.35",
    "1e-3",
    "5e-4",
    "99999999.995",
    "9999999.995",
]
TIMES = [
    "2017-03-30 10:11:12",
    "2017-03-30T10:11:12Z",
    "2017-2-3",
    "2017-3-3 1:2:3",
    "2017-03-30",
    "2017-03-30T",
    "2017-03-30 10",
    "2017-03-30 10:11",
    "2017-03-30 10:11:12.5",
    "2017-03-30 10:11:12.123456",
    "2017-03-30 10:11:12.1234567",
    "2017-03-30 10:11:12.999999999",
    "2017-03-30 24:00:00",
    "2017-02-29 10:00:00",
    "2017-03-30 10:00:60",
    "2017-03-30 10:11:12+01:00",
    "2017-03-30 10:11:12 +0100",
    "2017-03-30 10:11:12-05",
    "2017-03-30 10:11:12 UTC",
    "2017-03-30 10:11:12 Europe/Berlin",
    "2017-03-30 10:11:12 GMT+1",
    "2017-03-30  10:11:12",
    "2017-03-30 10:11:12 ",
    "20170330",
    "0000-00-00",
    "0000-01-01",
    "0001-01-01",
    "9999-12-31 23:59:59",
    "1582-10-10",
    "1970-01-01 00:00:00",
    "2038-01-19 03:14:08",
    "12017-01-01",
    "2017-13-01",
    "2017-03-30 1:2",
    "2017-03-30t10:11:12z",
    "now",
    "today",
    "epoch",
    "2017-03-30 10:11:12.",
    "2017-03-30 10:11:.5",
    "10:11:12",
    "T10:11:12",
    "2017-03",
    "2017",
    "2017-03-30 10:61:12",
    "1900-01-01 00:00:00",
]
WORDS = [
    "true",
    "FALSE",
    "t",
    "f",
    "yes",
    "No",
    "y",
    "n",
    "on",
    "off",
    "tr",
    "NULL",
    "null",
    "\\N",
    "None",
    "N/A",
    "n/a",
    "NA",
    "café",
    "café",
    "a",
    "b",
    "晴天",
    "<b>",
    "=1+1",
    "{x}",
    "a\\b",
]
AROUND = [
    "",
    "",
    "",
    "",
    " ",
    "  ",
    "\x7f",
    "\x80",
    "\x85",
    "\xa0",
    "\u200b",
    "\u2028",
    "\u3000",
    "\ufeff",
    '"',
    "'",
    "\\",
    "+",
    "-",
]


def texts(draw: random.Random) -> list[str]:
    """A line of fields."""
    pools = {"number": NUMBERS, "small": NUMBERS, "amount": NUMBERS, "price": NUMBERS, "born": TIMES, "seen_at": TIMES}
    return [field(draw, pools.get(name, WORDS)) for name in KINDS]


def field(draw: random.Random, usual: list[str]) -> str:
    if draw.random() < 0.05:
        return ""
    pool = usual if draw.random() < 0.7 else draw.choice([NUMBERS, TIMES, WORDS])
    text = draw.choice(pool)
    if draw.random() < 0.1:
        text = f"{draw.randrange(10**18)}.{draw.randrange(10**6)}"[: draw.randrange(1, 26)]
    if draw.random() < 0.4:
        text = draw.choice(AROUND) + text + draw.choice(AROUND)
    if text and draw.random() < 0.05:
        at = draw.randrange(len(text))
        text = text[:at] + draw.choice("0123456789.-+:eETZ \x7f\xa0") + text[at + 1 :]
    return text


def read(name: str, landing: Path) -> tuple[list[Any], list[Any], list[Any]]:
    """The tagged lines, the events and the rejected rows, as text and sorted."""
    with started(name, SMALL) as spark:
        rows = tagged(read_lines(spark, EVENT, landing, [DAY]), EVENT)
        frames = (rows, clean(rows, EVENT), rejected(rows, EVENT))
        found = []
        for frame in frames:
            shown = frame.selectExpr(*(f"cast(`{column}` as string) as `{column}`" for column in frame.columns))
            found.append(sorted((tuple(row) for row in shown.collect()), key=repr))
    return found[0], found[1], found[2]


def test_the_engines_read_every_line_alike(tmp_path: Path) -> None:
    """Cases 41 and 42, among others."""
    draw = random.Random(16)
    lines = [texts(draw) for _ in range(LINES)]
    lines += [[""] * len(KINDS)] * 2 + [lines[0]] * 3
    folder = tmp_path / f"date={DAY}"
    folder.mkdir()
    (folder / "a.log").write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8", newline="\n")
    by_sail, by_spark = read("sail", tmp_path), read("spark", tmp_path)
    for one, other in zip(by_sail, by_spark, strict=True):
        different = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
        assert not different, f"{len(different)} differ, such as {different[:3]}"
    tags, events, thrown = by_sail
    assert len(tags) == len(lines)
    assert sum(int(row[-1]) for row in events) + len(thrown) == len(lines)


@pytest.mark.parametrize("name", ["sail", "spark"])
def test_the_order_of_lines_and_files_does_not_matter(name: str, tmp_path: Path) -> None:
    draw = random.Random(17)
    lines = [[str(n % 7), *texts(draw)[1:]] for n in range(60)]
    lines = [[*line[:7], f"2017-03-30 10:11:{n % 3:02}.{n}", "same", *line[9:]] for n, line in enumerate(lines)]
    found = []
    for order in (1, -1):
        folder = tmp_path / str(order) / f"date={DAY}"
        folder.mkdir(parents=True)
        for part, some in enumerate((lines[:25], lines[25:])[::order]):
            text = "".join("\t".join(line) + "\n" for line in some[::order])
            (folder / f"{part}.log").write_text(text, encoding="utf-8", newline="\n")
        found.append(read(name, tmp_path / str(order))[1])
    assert found[0] == found[1] and 20 < len(found[0]) < 60
