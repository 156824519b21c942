"""Whom files and earlier lists rule out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from conf.errors import InputError
from conf.targeting import Targeting
from jobs.contacts.history import HistorySources, history_sources
from jobs.data_folder import DataFolder
from jobs.records.layers import FeaturesBasis
from jobs.records.scoring import ScoresBasis, ScoresRecord
from jobs.storage.layer import RECORD, sealed
from jobs.storage.records import write_record
from models.targeting.limits import ContactHistory
from tests.support.frames import shop
from tests.support.report_records import plan

DAY = "2024-03-31"
MONEY = {"currency": "EUR", "cost_of_contact": 1.0, "value_of_customer": 20.0, "kept_share": 0.2}
WRONG_DAY = "'31.3.2024' in the column date is not a date .YYYY-MM-DD. .1 more such row.; fix or remove"


def sources(data: Path, day: str = DAY, **limits: Any) -> HistorySources:
    money = Targeting.model_validate(MONEY | limits)
    return history_sources(DataFolder(data).scores, money, "sail", day)


def read(found: HistorySources, spark: SparkSession, data: Path, kind: str = "bigint") -> ContactHistory:
    return found.read(spark, shop(), kind, data / "work")


def refused(spark: SparkSession, data: Path, file: Path, kind: str = "bigint") -> list[Any]:
    """The ids that a file names."""
    history = read(sources(data, do_not_contact={"file": str(file)}), spark, data, kind)
    assert history.do_not_contact and history.contacted is None
    return sorted(row["customer_id"] for row in history.do_not_contact.collect())


def contacted(spark: SparkSession, data: Path, day: str = DAY, **declared: Any) -> list[tuple[Any, str]]:
    """The contacts of files and lists."""
    history = read(sources(data, day, contacted={"again_after_days": 30} | declared), spark, data)
    rows = history.contacted.collect() if history.contacted else []
    return sorted((row["customer_id"], str(row["date"])) for row in rows)


def write_list(data: Path, day: str, contacts: dict[int, str], is_list: bool = True) -> Path:
    """The scores of a day, with what was to be done with each customer."""
    folder = DataFolder(data).scores.partition(day)
    folder.mkdir(parents=True)
    columns = {"customer_id": [*contacts], "contact": [*contacts.values()]}
    pq.write_table(pa.table(columns), folder / "part.parquet")
    table = FeaturesBasis(tiles="t", configuration="c", mature=False)
    record = ScoresRecord(
        basis=ScoresBasis(table=table, model="m", targeting="t", declared="d"),
        model="gbt",
        customers=len(contacts),
        mean_probability=0.5,
        sample=1.0,
        plan=plan() if is_list else None,
    )
    write_record(folder / RECORD, sealed(record, folder))
    return folder


def written(file: Path, text: str) -> Path:
    file.write_bytes(text.encode())
    return file


def test_ids_are_read_as_everywhere(sail: SparkSession, tmp_path: Path) -> None:
    """With blanks, as 17850.0, with a byte order mark, in any column; without a header if there is one column."""
    file = written(tmp_path / "no.csv", "\ufeffname,Customer ID\nx, 7 \ny,17850.0\nz,007\n")
    assert refused(sail, tmp_path, file) == [7, 7, 17850]
    file = written(tmp_path / "bare.csv", "3\n4\n")
    assert refused(sail, tmp_path / "bare", file) == [3, 4]
    texts = written(tmp_path / "texts.csv", "customer_id\n  Zo\u0065\u0308\u200b \na\u00a0 b\n")
    assert refused(sail, tmp_path / "texts", texts, "string") == ["Zo\u00eb", "a b"]


@pytest.mark.parametrize("ids", [pa.array([7, 9]), pa.array(["7", " 9.0"]), pa.array([7.0, 9.0])])
def test_ids_of_parquet(sail: SparkSession, tmp_path: Path, ids: pa.Array) -> None:
    pq.write_table(pa.table({"other": [1, 2], "customer_id": ids}), tmp_path / "no.parquet")
    assert refused(sail, tmp_path, tmp_path / "no.parquet") == [7, 9]


def test_a_list_of_nobody_is_a_list(sail: SparkSession, tmp_path: Path) -> None:
    assert refused(sail, tmp_path, written(tmp_path / "no.csv", "customer_id\n")) == []


@pytest.mark.parametrize(
    ("write", "problem"),
    [
        (lambda file: None, "^{file}: there is no such file$"),
        (lambda file: written(file, "customer,name\n1,x\n"), "^{file}: its first row has neither known column names"),
        (lambda file: written(file, "customer_id,day\n1,2\n"), "^{file}: its header has no column date. Rename"),
        (lambda file: written(file, ""), "^{file}: the file is empty"),
        (
            lambda file: written(file, "customer_id,date\n,2024-03-01\n"),
            "^{file}: an empty cell in the column",
        ),
        (lambda file: written(file, "customer_id,date\nx1,2024-03-01\n"), "^{file}: 'x1' in the column customer_id is"),
        (lambda file: written(file, "customer_id,date\n1,31.3.2024\n2,2024-02-30\n"), "^{file}: " + WRONG_DAY),
        (lambda file: written(file, "PAR1 and no more"), "^{file}: cannot be read as Parquet"),
        (lambda file: pq.write_table(pa.table({"customer_id": [1]}), file), "^{file}: has no column date. Rename"),
    ],
)
def test_what_cannot_be_read_is_said(
    sail: SparkSession, tmp_path: Path, write: Callable[[Path], object], problem: str
) -> None:
    file = tmp_path / "contacts.csv"
    write(file)
    with pytest.raises(InputError, match=problem.format(file=file)):
        sources(tmp_path, contacted={"file": str(file), "again_after_days": 9}).fingerprint()
        contacted(sail, tmp_path, file=str(file))


def test_contacts_of_a_file_and_of_earlier_lists(sail: SparkSession, tmp_path: Path) -> None:
    """Of the lists only those within 30 days before the day, and of these only whom they say to contact."""
    file = written(tmp_path / "sent.csv", "date,customer_id\n2024-03-05 10:30,7\n2023-01-01,8\n")
    write_list(tmp_path, "2024-03-01", {1: "contact"})  # 30 days ago
    write_list(tmp_path, "2024-03-02", {1: "contact", 2: "no", 3: "hold out"})
    write_list(tmp_path, "2024-03-30", {4: "contact"})
    write_list(tmp_path, "2024-03-20", {5: "contact"}, is_list=False)
    write_list(tmp_path, DAY, {6: "contact"})
    write_list(tmp_path, "2024-04-01", {6: "contact"})
    lists = [(1, "2024-03-02"), (4, "2024-03-30")]
    assert contacted(sail, tmp_path) == lists
    assert contacted(sail, tmp_path, file=str(file)) == [*lists, (7, "2024-03-05"), (8, "2023-01-01")]


def test_the_list_of_an_older_version_counts_too(sail: SparkSession, tmp_path: Path) -> None:
    folder = write_list(tmp_path, "2024-03-30", {4: "contact", 5: "no"})
    (folder / RECORD).write_text('{"schema_version": 2}')
    assert contacted(sail, tmp_path) == [(4, "2024-03-30")]


def test_a_change_of_a_file_or_of_a_list_is_noticed(tmp_path: Path) -> None:
    file = written(tmp_path / "no.csv", "customer_id\n1\n")
    limits: dict[str, Any] = {"do_not_contact": {"file": str(file)}, "contacted": {"again_after_days": 30}}
    assert sources(tmp_path).fingerprint() == ""
    assert sources(tmp_path, contacted={"again_after_days": 30}).fingerprint() == ""
    found = [sources(tmp_path, **limits).fingerprint()]
    write_list(tmp_path, "2024-03-02", {1: "contact"})
    found.append(sources(tmp_path, **limits).fingerprint())
    written(file, "customer_id\n2\n")
    found.append(sources(tmp_path, **limits).fingerprint())
    assert len(set(found)) == 3 and "" not in found
    assert sources(tmp_path, **limits).fingerprint() == found[-1]
