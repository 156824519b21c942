"""A finished table's file: header or not, columns by name or position, texts as they stand, and what is no such."""

import csv
import gzip
import re
import unicodedata
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from conf.errors import InputError
from jobs.storage.csv_table import Source, source, write_texts
from tests.support.finished_table import NAMES, row, service, write

TABLE = service().table
assert TABLE
PLAIN = ",".join(str(cell) for cell in row().values())
HEADER = ",".join(NAMES)


def read(path: Path) -> tuple[Source, list[dict[str, str | None]]]:
    """What is found in a file, and the texts of its rows."""
    assert TABLE
    found = source(path, TABLE)
    folder = path.parent / f"texts of {path.name}"
    rows = write_texts(found, folder)
    texts = pq.read_table(folder).to_pylist()
    assert len(texts) == rows
    return found, texts


def texts_of(folder: Path, content: str | bytes) -> list[dict[str, str | None]]:
    path = folder / "file.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path)[1]


def said(folder: Path, content: str | bytes) -> str:
    """The error that such a file gives, which names the file."""
    with pytest.raises(InputError) as error:
        texts_of(folder, content)
    assert str(folder / "file.csv") in str(error.value)
    return str(error.value)


def test_without_a_header_columns_go_by_position(tmp_path: Path) -> None:
    found, texts = read(write(tmp_path / "a.csv", row("007"), row("x"), header=None))
    assert not found.has_header
    assert texts == [row("007"), row("x")]


def test_with_a_header_columns_go_by_name_in_any_order(tmp_path: Path) -> None:
    found, texts = read(write(tmp_path / "a.csv", row("007"), header=[*reversed(NAMES)]))
    assert found.has_header
    assert texts == [row("007")]


def test_names_are_known_in_any_spelling_and_other_columns_are_left(tmp_path: Path) -> None:
    """`ID`, `Price (USD)_avg` and `Stars 5/5` are other names; case, spaces and signs make no difference."""
    header = ",id,price usd AVG, Total ,RATED,stars_5_5,Minutes,heard,Again,note"
    assert texts_of(tmp_path, f"{header}\n0,{PLAIN},7\n") == [row()]


@pytest.mark.parametrize(
    "content",
    [
        f"\ufeff{HEADER}\r\n{PLAIN}\r\n",
        f"\ufeff{PLAIN}\n",
        f'\ufeff"Customer, ID"{HEADER.removeprefix("customer_id")}\n{PLAIN}\n',
        f"\n\n{HEADER}\n\n{PLAIN}\n\n",
        f"\n{PLAIN}",
        f'"{HEADER.replace(",", chr(34) + "," + chr(34))}"\n"{PLAIN.replace(",", chr(34) + "," + chr(34))}"\n',
        f'{HEADER},"two\nlines"\n{PLAIN},1\n',
        gzip.compress(f"{HEADER}\n{PLAIN}\n".encode()),
        gzip.compress(f"{HEADER}\n".encode()) + gzip.compress(f"{PLAIN}\n".encode()),
    ],
    ids=[
        "BOM",
        "BOM alone",
        "BOM before a quote",
        "blank lines",
        "blank line first",
        "quotes",
        "line break in a name",
        "gzip",
        "two gzips",
    ],
)
def test_ways_to_write_the_same(tmp_path: Path, content: str | bytes) -> None:
    assert texts_of(tmp_path, content) == [row()]


def test_a_header_that_only_the_first_row_looks_like_is_none(tmp_path: Path) -> None:
    """One number is enough to make a row of values."""
    found, texts = read(write(tmp_path / "a.csv", row("ann", mean="x", total="y"), row("bob"), header=None))
    assert (found.has_header, len(texts)) == (False, 2)


def test_an_empty_cell_is_null(tmp_path: Path) -> None:
    assert texts_of(tmp_path, f'{HEADER}\n,,"",1,,0,NA, \n') == [
        dict(zip(NAMES, (None, None, None, "1", None, "0", "NA", " "), strict=True))
    ]


def test_the_checksum_is_of_the_content(tmp_path: Path) -> None:
    assert TABLE
    plain, other = write(tmp_path / "a.csv", row()), write(tmp_path / "b.csv", row("8"))
    packed = tmp_path / "c.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert source(plain, TABLE).checksum == source(packed, TABLE).checksum != source(other, TABLE).checksum


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        (f"{HEADER}\n", "no row below"),
        (f"{HEADER}\n\n", "no row below"),
        (PLAIN.rpartition(",")[0], f"7 columns.*these 8, in this order: {', '.join(NAMES)}"),
        (f"{PLAIN},1", "9 columns"),
        (PLAIN.replace(",", ";"), "neither known column names nor numbers between commas"),
        ("note", "neither known column names"),
        ("7", "1 column between"),
        (
            HEADER.replace("mean", "average").replace("total", "sum"),
            r"no column mean or Price \(USD\)_avg; none total\.",
        ),
        (f"{HEADER},Price (USD)_avg\n{PLAIN},1\n", r"several columns for mean: mean and Price \(USD\)_avg"),
        (f"{PLAIN}\n{PLAIN},1\n", "Row #2: Expected 8 columns, got 9"),
        (f"{PLAIN}\n7,10\n", "Row #2: Expected 8 columns, got 2"),
        (PLAIN.encode() + b"\n\xff" + PLAIN.encode(), "UTF-?8"),
        (b"\xff" + PLAIN.encode(), "UTF-?8"),
        (gzip.compress(PLAIN.encode() * 99, mtime=0)[:-20], "cannot be read"),
        (b"\x1f\x8b no gzip", "cannot be read"),
    ],
)
def test_a_file_that_is_no_such_table(tmp_path: Path, content: str | bytes, problem: str) -> None:
    assert re.search(problem, said(tmp_path, content))


def test_no_file_at_all(tmp_path: Path) -> None:
    assert TABLE
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(InputError, match="there is no such file"):
            source(path, TABLE)


# Whatever a cell holds is a text of its own, in the composed form of Unicode (NFC); an empty one is null. A row of
# nothing but one empty cell is a blank line, but rows have eight cells here.
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=6)


@drawn(st.lists(st.lists(CELL, min_size=len(NAMES), max_size=len(NAMES)), min_size=1, max_size=5))
def test_every_text_comes_back(tmp_path: Path, rows: list[list[str]]) -> None:
    path = tmp_path / "any.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([NAMES, *rows])
    found = source(path, TABLE)  # type: ignore[arg-type]
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    write_texts(found, folder)
    texts = [[row[name] for name in NAMES] for row in pq.read_table(folder).to_pylist()]
    assert texts == [[unicodedata.normalize("NFC", cell) or None for cell in row] for row in rows]
