"""One spelling of an id in every way in: records, tables, ratings, lists of customers and samples."""

import subprocess
import sys
from pathlib import Path
from unicodedata import normalize
from zlib import crc32

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from conf.errors import InputError
from conf.load import load_service
from features.finished import typed
from jobs.recommend import _ids_of
from jobs.recommending.sources import read_ratings
from jobs.storage.csv_table import source, write_texts
from tests.support.frames import frame
from tests.support.paths import ROOT

CAFE, DECOMPOSED = "caf\u00e9-1", normalize("NFD", "caf\u00e9-1")
SAME = [CAFE, DECOMPOSED, f"{CAFE}\u00a0", f"\u200b{DECOMPOSED}", f"\u3000{CAFE}\u2009"]


def test_ratings(sail: SparkSession, tmp_path: Path) -> None:
    """Cases 08 and 19: Five spellings of one customer and three of one title; leading zeros stay."""
    rows = [f"{who},{title},1" for who, title in zip(SAME, ["7", "7.0", " 7", "007", "7.10"], strict=True)]
    file = tmp_path / "ratings.csv"
    file.write_text("\n".join(["customer,title,strength", *rows]), encoding="utf-8")
    found = read_ratings(sail, file, tmp_path / "typed", False, None, None, whole_titles=True)
    pairs = {(row["customer_id"], row["title_id"]): row["strength"] for row in found.pairs(found.days).collect()}
    assert pairs == {(CAFE, "7"): 3, (CAFE, "007"): 1, (CAFE, "7.10"): 1}


@pytest.mark.parametrize("blank", ["", "\u00a0", "nan", r"\N"])
def test_a_rating_of_nobody_is_refused(sail: SparkSession, tmp_path: Path, blank: str) -> None:
    """Cases 12 and 19."""
    (tmp_path / "ratings.csv").write_text(f"customer,title,strength\na,x,1\n{blank},x,1\n", encoding="utf-8")
    with pytest.raises(InputError, match="1 of 2 rows lack a customer"):
        read_ratings(sail, tmp_path / "ratings.csv", tmp_path / "typed", False, None, None)


def test_a_list_of_customers(sail: SparkSession, tmp_path: Path) -> None:
    """Cases 08 and 19."""
    file = tmp_path / "who.csv"
    file.write_text(
        "\n".join(["\ufeffcustomer", *SAME, '"17850.0"', "17850", "00417", "", "\u00a0", "NULL"]), encoding="utf-8"
    )
    known = frame(sail, [], {"customer_id": "string"})
    found = [row["customer_id"] for row in _ids_of(sail, file, tmp_path / "work", known, True).collect()]
    assert sorted(found) == ["00417", "17850", CAFE]
    numbers = frame(sail, [], {"customer_id": "bigint"})
    with pytest.raises(InputError, match="is not a customer id"):
        _ids_of(sail, file, tmp_path / "work", numbers, True)


def test_a_finished_table(sail: SparkSession, tmp_path: Path) -> None:
    """Case 08."""
    declared = load_service("audiobooks_table").table
    assert declared
    ids = [*SAME, "17850.0", "NULL", "00417"]
    rows = [",".join([who, *["1"] * (len(declared.columns) - 1)]) for who in ids]
    (tmp_path / "t.csv").write_text("\n".join([",".join(declared.columns), *rows]), encoding="utf-8")
    write_texts(source(tmp_path / "t.csv", declared), tmp_path / "texts")
    assert pq.read_table(tmp_path / "texts").num_rows == len(ids)
    found = [row["customer_id"] for row in typed(sail.read.parquet(str(tmp_path / "texts")), declared).collect()]
    assert found == [CAFE] * 5 + ["17850", None, "00417"]


def test_a_sample_has_all_spellings_or_none() -> None:
    """The bucket is that of crc32(b"17850") and of crc32 of the composed name, both by zlib."""
    lines = [
        *(f"{who}\t1" for who in SAME if "\u0301" not in who),
        "17850\t1",
        " 17850\t1",
        "17850.0\t1",
        "017850\u00a0\t1",
    ]
    for name, count in ((b"17850", 4), (CAFE.encode(), 3)):
        bucket = crc32(name) % 10_000
        kept = {limit: sampled("\n".join(lines), limit) for limit in (bucket, bucket + 1)}
        assert len(kept[bucket + 1]) - len(kept[bucket]) == count


def sampled(text: str, limit: int) -> list[str]:
    """The records that unpack.sh would keep: lines with as many tabs as a record, and not more."""
    command = [sys.executable, str(ROOT / "shell/unpack/sample.py"), str(limit), "2", "1", "tab"]
    done = subprocess.run(command, input=text + "\n", capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line.count("\t") == 1]
