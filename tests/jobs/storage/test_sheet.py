"""Cells of CSV files that a spreadsheet neither computes nor tears apart."""

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.storage.backend import write_csv
from jobs.storage.sheet import inert, inert_batch
from tests.support.console import Encore

CELLS = {
    "=1+1": "'=1+1",
    "@SUM(A1)": "'@SUM(A1)",
    "+4915112345": "'+4915112345",
    "-2+3": "'-2+3",
    "-Minus": "'-Minus",
    '=HYPERLINK("http://example.org/?x="&B2,"bonus")': '\'=HYPERLINK("http://example.org/?x="&B2,"bonus")',
    "\t=1": "' =1",  # a spreadsheet cuts the white space off
    "\r\n=1": "' =1",
    "  @x": "'  @x",
    "\n@x": "' @x",
    "-2": "-2",  # numbers
    "-2.50": "-2.50",
    "a\nb": "a b",
    "\x1b[31mred": " [31mred",
    "\x9b31m=1": " 31m=1",
    "\u202egnp.exe": " gnp.exe",
    "\u2066=1+1": "' =1+1",
    "00417": "00417",
    "1E5": "1E5",
    "Zoë": "Zoë",
    "🎧7": "🎧7",
    "x,y": "x,y",
    'a"b': 'a"b',
    "": "",
}


@pytest.mark.parametrize("text", CELLS)
def test_a_text_as_a_cell(text: str) -> None:
    assert inert(text) == CELLS[text]


def test_columns_as_cells_are_the_same() -> None:
    texts = pa.array([*CELLS, None])
    batch = pa.RecordBatch.from_arrays([texts, pa.array(range(len(texts)))], ["id", "n"])
    found = inert_batch(batch).to_pydict()
    assert found == {"id": [*CELLS.values(), None], "n": list(range(len(texts)))}


@pytest.mark.parametrize("value", [-2, -2.5, None, True, 0])
def test_what_is_no_text_stays(value: object) -> None:
    assert inert(value) is value


def test_a_file_begins_with_the_mark_of_utf8(tmp_path: Path) -> None:
    write_csv(tmp_path / "x.csv", ["title", "n"], [["=Zoë", -1], [None, 2.5]])
    assert (tmp_path / "x.csv").read_bytes() == b"\xef\xbb\xbftitle,n\n'=Zo\xc3\xab,-1\n,2.5\n"


IDS = ["=1+1", "@SUM(A1)", "+4915112345", "-2", "00417", "12345678901234567890", "Zoë", "🎧7", 'a"b', "x,y", "1E5"]


def test_the_export_of_a_feature_table(encore: Encore, tmp_path: Path) -> None:
    """Case 16: ids that begin with a sign of a formula, in a table that a person opens in Excel."""
    (tmp_path / "raw").mkdir()
    with (tmp_path / "raw" / "purchases.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["customer_id", "purchased_at", "title", "length_minutes", "price"])
        rows.writerows([one, f"2017-01-{day:02d} 10:00:00", "=1+2", 600, "9.90"] for day in (5, 6) for one in IDS)
    for command in ("unpack", "ingest", "rollup", "features"):
        arguments = ["--data", tmp_path, "--service", "audiobooks"]
        assert encore(command, *arguments, *([] if command == "unpack" else ["--engine", "sail"])) == (0, "")
    (exported,) = (tmp_path / "features" / "_export").glob("features_*.csv")
    assert exported.read_bytes().startswith(b"\xef\xbb\xbf")
    found = {row["customer_id"] for row in csv.DictReader(exported.open(encoding="utf-8-sig", newline=""))}
    assert found == {f"'{one}" if one[0] in "=@+" else one for one in IDS}
    for file in tmp_path.rglob("*.csv"):
        if file.parent.name not in ("raw", "landing"):
            cells = [cell for row in csv.reader(file.open(encoding="utf-8-sig", newline="")) for cell in row]
            assert not [cell for cell in cells if cell[:1] in tuple("=+@\t\r")], file
