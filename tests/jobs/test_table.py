"""`encore table`: a finished table's file to a feature table, real ones among them; what is refused leaves nothing."""

import csv
import gzip
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from conf.errors import DataCheckError, EncoreError, InputError, UsageError
from conf.load import load_service, overridden
from conf.schema import Eligible
from features.declared import table_features
from features.finished import broken_rules, typed
from jobs.console.progress import start_step
from jobs.context import Context
from jobs.features import features
from jobs.ingest import ingest
from jobs.records.layers import FeaturesBasis, TableSource
from jobs.report import report
from jobs.reporting.data_quality import File, data_quality
from jobs.reporting.row_counts import Step, row_counts
from jobs.rollup import rollup
from jobs.run import run
from jobs.storage.csv_table import source
from jobs.table import table
from jobs.unpack import unpack
from tests.support.archives import context
from tests.support.archives import table as rows_of
from tests.support.customers import QUICK
from tests.support.finished_table import NAMES, row, shop, write
from tests.support.finished_table import service as tabled
from tests.support.frames import AS_OF, frame
from tests.support.layers import records_of
from tests.support.paths import SHARED

REAL = SHARED / "audiobooks" / "Audiobooks_data.csv"
UNIMPUTED = SHARED / "audiobooks" / "Audiobooks_data_unimputed.csv"
DAY = "2018-01-01"
LATER = date(2017, 6, 1)

real_files = pytest.mark.skipif(not REAL.is_file(), reason=f"the shop's files are not in {SHARED}")


def some(number: int = 6) -> list[dict[str, object]]:
    """Customers that differ; half of them came back, and none of the second half was rated."""
    return [
        row(f"{n:03}", total=f"{20 + n}.50", rated=str(int(n < 3)), stars="4" if n < 3 else "", again=str(n % 2))
        for n in range(number)
    ]


def by_customer(context: Context, day: str = str(AS_OF)) -> dict[Any, dict[str, object]]:
    return {one.pop("customer_id"): one for one in rows_of(context.data.features.partition(day))}


def shuffled(path: Path, column: int) -> Path:
    """The shop's file, with the values of one column dealt out to the customers anew."""
    with REAL.open(newline="") as file:
        rows = list(csv.reader(file))
    values = [cells[column] for cells in rows]
    random.Random(1).shuffle(values)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [*row[:column], value, *row[column + 1 :]] for row, value in zip(rows, values, strict=True)
        )
    return path


@real_files
def test_both_files_of_the_shop_give_the_same_features(tmp_path: Path, sail: SparkSession) -> None:
    found = {}
    for path in (REAL, UNIMPUTED):
        run = context(tmp_path / path.stem, "audiobooks_table")
        day, record = table(run, sail, path)
        assert day == DAY
        assert (record.customers, record.eligible, record.positives) == (14_084, 14_084, 2_237)
        assert record.source and (record.label_status, record.source.rows) == ("mature", 14_084)
        found[path] = by_customer(run, DAY), record.source
    (filled, told_filled), (empty, told_empty) = found[REAL], found[UNIMPUTED]
    assert {customer.lstrip("0"): features for customer, features in filled.items()} == empty
    assert set(map(len, filled)) == {5}  # zeros in front are kept
    assert (told_filled.header, told_filled.swapped) == (False, [])
    assert (told_empty.header, told_empty.unfilled) == (True, {})
    assert told_filled.unfilled == {"review_out_of_10": 11_616}
    assert told_empty.swapped == [("length_avg", "length_sum"), ("price_avg", "price_sum")]
    assert [len(one.warnings) for one in (told_filled, told_empty)] == [1, 2]
    ratings = [features["review_out_of_10"] for features in filled.values()]
    assert ratings.count(None) == 11_616 and 8.91 not in ratings
    assert sum(features["review_left"] == 0 for features in filled.values()) == 11_820  # 204 of them with a rating
    # The file's own lines 1 and, of a customer who bought several books, 101.
    assert filled["00994"] == {
        "length_minutes_sum": 1620.0, "length_minutes_avg": 1620.0, "price_sum": 19.73, "price_avg": 19.73,
        "review_left": 1, "review_out_of_10": 10.0, "completion": 0.99, "minutes_listened": 1603.8,
        "support_requests": 5, "last_visit_minus_first_purchase_days": 92.0,
        "eligible": True, "label": 0, "label_status": "mature",
    }  # fmt: skip


@real_files
@pytest.mark.parametrize("column", [7, 8], ids=["completion", "minutes"])
def test_a_column_that_does_not_belong_to_the_others_is_refused(
    tmp_path: Path, sail: SparkSession, column: int
) -> None:
    run = context(tmp_path / "data", "audiobooks_table")
    with pytest.raises(DataCheckError) as error:
        table(run, sail, shuffled(tmp_path / "mixed.csv", column))
    for told in ("mixed.csv", "completion_is_share_listened", "abs(minutes_listened - completion * length_sum)"):
        assert told in str(error.value)
    assert (error.value.exit_code, run.data.features.values()) == (4, [])


def test_the_service_has_the_features_of_the_shop_with_logs() -> None:
    names = [feature.name for feature in table_features(load_service("audiobooks_table"))]
    assert names == [
        "length_minutes_sum", "length_minutes_avg", "price_sum", "price_avg", "review_left", "review_out_of_10",
        "completion", "minutes_listened", "support_requests", "last_visit_minus_first_purchase_days",
    ]  # fmt: skip


def test_completion_is_known_to_what_two_decimals_leave(sail: SparkSession) -> None:
    """0.99 of 1,620 minutes are 1,603.80; half a hundredth of them, and of a minute, are 8.105."""
    declared = load_service("audiobooks_table").table
    assert declared
    sound = dict.fromkeys(declared.columns, "1") | {"length_sum": "1620", "completion": "0.99"}
    for listened, broken in {"1611.90": 0, "1611.91": 1, "1595.70": 0, "1595.69": 1}.items():
        texts = frame(sail, [sound | {"minutes_listened": listened}], dict.fromkeys(declared.columns, "string"))
        assert len(broken_rules(typed(texts, declared), declared)) == broken


def test_a_table_is_written_with_its_record(tmp_path: Path, sail: SparkSession) -> None:
    run = shop(tmp_path / "data")
    day, record = table(run, sail, write(tmp_path / "shop.csv", *some()))
    assert day == str(AS_OF)
    assert set(by_customer(run)) == {"000", "001", "002", "003", "004", "005"}
    assert records_of(run.data.features) == {day: record}
    checksum = source(tmp_path / "shop.csv", run.finished_table()).checksum
    assert record.basis == FeaturesBasis(tiles=checksum, configuration=run.tables.version, mature=True)
    assert (record.customers, record.eligible, record.positives) == (6, 6, 3)
    assert record.source == TableSource(file="shop.csv", rows=6, header=True, swapped=[], unfilled={}, warnings=[])
    exported = (run.data.features.root / "_export" / f"features_{day}.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(exported) == 7 and '"000",20.5,2.05,4,0.75,true,0,"mature"' in exported
    manifest = (run.data.features.root / "_manifest.csv").read_text(encoding="utf-8-sig").splitlines()
    assert manifest[1].startswith(f"{day},1.0,6,6,3,mature,False,0")


def test_those_above_a_cap_are_counted(tmp_path: Path, sail: SparkSession) -> None:
    """Prices of 20.50 to 25.50, of which three are above 22.50."""
    run = shop(tmp_path / "data")
    features = dict(run.service.features)
    features["price"] = features["price"].model_copy(update={"cap": 22.5})
    capped = replace(run, service=run.service.model_copy(update={"features": features}))
    _, record = table(capped, sail, write(tmp_path / "shop.csv", *some()))
    assert record.capped == {"price": 3}
    assert sorted(one["price"] for one in by_customer(capped).values()) == [20.5, 21.5, 22.5, 22.5, 22.5, 22.5]


def test_both_engines_make_the_same_table(tmp_path: Path, engine: SparkSession) -> None:
    """Of a file in which labels are swapped and a value was filled in."""
    rows = [{**one, "stars": one["stars"] or "3.7", "mean": one["total"], "total": "10.00"} for one in some()]
    run = shop(tmp_path / "data")
    _, record = table(run, engine, write(tmp_path / "shop.csv", *rows))
    assert by_customer(run) == {
        f"{n:03}": {
            "price": 20.5 + n, "records": (20.5 + n) / 10, "stars": 4.0 if n < 3 else None, "heard": 0.75,
            "eligible": True, "label": n % 2, "label_status": "mature",
        }
        for n in range(6)
    }  # fmt: skip
    assert record.source == TableSource(
        file="shop.csv",
        rows=6,
        header=True,
        swapped=[("mean", "total")],
        unfilled={"stars": 3},
        warnings=[
            "mean was above total in 6 rows and below it in none: their labels are swapped in the file; Encore "
            "swapped them back",
            "stars was 3.7 for 3 of the 3 customers with rated = 0: a filled-in value, which Encore took out again",
        ],
    )


def test_the_same_content_is_not_written_again(tmp_path: Path, sail: SparkSession) -> None:
    run = shop(tmp_path / "data")
    path = write(tmp_path / "shop.csv", *some())
    _, first = table(run, sail, path)
    written = run.data.features.partition(str(AS_OF)).stat().st_ino
    packed = tmp_path / "again.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    _, again = table(run, sail, packed)
    assert again.source == first.source
    assert run.data.features.partition(str(AS_OF)).stat().st_ino == written
    table(run, sail, write(path, *some(5)))
    assert run.data.features.partition(str(AS_OF)).stat().st_ino != written
    assert len(by_customer(run)) == 5


def test_the_order_of_rows_and_columns_changes_nothing(tmp_path: Path, sail: SparkSession) -> None:
    one, other = shop(tmp_path / "one"), shop(tmp_path / "other")
    table(one, sail, write(tmp_path / "one.csv", *some(), header=None))
    mixed = random.Random(3).sample(NAMES, len(NAMES))
    table(other, sail, write(tmp_path / "other.csv", *reversed(some()), header=mixed))
    assert by_customer(one) == by_customer(other)


REFUSED: dict[str, tuple[Callable[[list[dict[str, object]]], object], str]] = {
    "duplicate": (lambda rows: rows[5].update(customer_id="001"), "customer_id occurs more than once in 2 of its rows"),
    "number": (lambda rows: rows[4].update(total="20 USD"), "total cannot be read as a number in 1 .* customer 004"),
    "range": (lambda rows: rows[2].update(stars="6"), "stars is above 5 in 1 of its rows.*customer 002"),
    "order": (lambda rows: rows[3].update(mean="99"), "mean is above total in 1 of its rows.*customer 003"),
    "identity": (lambda rows: rows[1].update(heard="99"), r"heard_is_on_it \(Nobody hears much more: heard <= .*001"),
    "outcome": (lambda rows: rows[0].update(again=""), r"the outcome \(again = 1\) is empty in 1 of 6 rows"),
    "contract": (lambda rows: rows[1].update(heard="-1"), "heard is below 0 in 1 rows"),
}


@pytest.mark.parametrize(("spoil", "problem"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_be_right_is_refused_whole(
    tmp_path: Path, sail: SparkSession, spoil: Callable[[list[dict[str, object]]], object], problem: str
) -> None:
    run, rows = shop(tmp_path / "data"), some()
    table(run, sail, write(tmp_path / "good.csv", *rows))
    before = by_customer(run)
    spoil(rows)
    with pytest.raises(DataCheckError, match=problem) as error:
        table(run, sail, write(tmp_path / "bad.csv", *rows))
    assert str(tmp_path / "bad.csv") in str(error.value)
    assert by_customer(run) == before
    assert not list(run.data.root.rglob(".staging*"))


def test_customers_without_outcomes_make_a_table_to_score(tmp_path: Path, sail: SparkSession) -> None:
    run = shop(tmp_path / "data")
    table(run, sail, write(tmp_path / "old.csv", *some()))
    new = write(tmp_path / "new.csv", *({**one, "again": ""} for one in some(4)))
    with pytest.raises(InputError, match="new.csv: has no outcomes, .*as_of=2017-05-01.*--as-of"):
        table(run, sail, new)
    day, record = table(run, sail, new, LATER)
    assert (day, record.label_status, record.positives, record.basis.mature) == (
        str(LATER), "immature", 0, False,
    )  # fmt: skip
    found = by_customer(run, day)["000"]
    assert (found["price"], found["label"], found["label_status"]) == (20.5, None, "immature")
    assert [one.label_status for one in run.data.features.records().values()] == ["mature", "immature"]


def test_outcomes_are_of_one_date_alone(tmp_path: Path, sail: SparkSession) -> None:
    """At two dates, the same rows would train and judge what they have trained."""
    run, old = shop(tmp_path / "data"), some()
    file = write(tmp_path / "old.csv", *old)
    table(run, sail, file)
    with pytest.raises(InputError, match="old.csv: is the table at 2017-05-01 already.*remove .*as_of=2017-05-01"):
        table(run, sail, file, LATER)
    assert run.data.features.values() == [str(AS_OF)]
    shutil.rmtree(run.data.features.partition(str(AS_OF)))
    assert table(run, sail, file, LATER)[0] == str(LATER)


def test_outcomes_of_a_table_that_lies_idle_may_have_another_date(tmp_path: Path, sail: SparkSession) -> None:
    run = shop(tmp_path / "data")
    file = write(tmp_path / "old.csv", *some())
    table(run, sail, file)
    other = replace(run, service=run.service.model_copy(update={"eligible": Eligible(when="true", about="All")}))
    assert table(other, sail, file, LATER)[0] == str(LATER)


def test_each_kind_of_service_has_its_commands(tmp_path: Path, sail: SparkSession) -> None:
    path = write(tmp_path / "shop.csv", row())
    with pytest.raises(UsageError, match="music: this service starts from raw logs"):
        table(context(tmp_path), sail, path)
    run = shop(tmp_path)
    commands: list[Callable[[], object]] = [
        lambda: unpack(run), lambda: ingest(run, sail), lambda: rollup(run, sail), lambda: features(run, sail),
    ]  # fmt: skip
    for command in commands:
        with pytest.raises(EncoreError, match="starts from a finished table; run `encore table FILE`") as error:
            command()
        assert error.value.exit_code == 2


def test_the_whole_way_from_a_file_to_the_report(tmp_path: Path) -> None:
    """600 customers, of whom those with more records come back more often."""
    rows = [
        row(f"{n:04}", mean="10.00", total=str(10 * (1 + n % 3)), rated=str(n % 2), stars="4" if n % 2 else "",
            heard=str(n % 41), again=str(int((n * 37) % 100 < 20 + 20 * (n % 3))))
        for n in range(600)
    ]  # fmt: skip
    records = overridden(tabled(), {"training": QUICK.model_dump()})
    context = replace(shop(tmp_path / "data"), service=records)
    page = run(context, start_step, raw=write(tmp_path / "shop.csv", *rows), models=["lr"])
    assert "shop.csv" in page.read_text()
    assert context.data.scores.records()[str(AS_OF)].customers == 400  # who has paid more than ten
    with pytest.raises(UsageError, match="give its CSV file by --raw"):
        run(context, start_step)
    with pytest.raises(UsageError, match="no --sample"):
        run(context, start_step, raw=tmp_path / "shop.csv", sample=0.1)


def test_the_report_says_where_a_finished_table_came_from(tmp_path: Path, sail: SparkSession) -> None:
    run = shop(tmp_path / "data")
    rows = [{**one, "mean": one["total"], "total": "10.00"} for one in some()]
    table(run, sail, write(tmp_path / "a<b.csv", *rows))
    table(run, sail, write(tmp_path / "new.csv", *some(4), header=None), LATER)
    days = ("2017-05-01", "2017-06-01")
    assert row_counts(run.data, run.service).steps == [
        Step("features", f"as of {day}", rows, "rows", rows, "customers")
        for day, rows in zip(days, (6, 4), strict=True)
    ]
    found = data_quality(run.data, run.service)
    assert (found.logs, found.sample, found.missing_days) == (None, 1.0, [])
    swapped, plain = found.files
    assert plain == File(LATER, "new.csv", 4, False, [])
    assert (swapped.name, swapped.rows, swapped.has_header, len(swapped.warnings)) == ("a<b.csv", 6, True, 1)
    page = report(run, sail).read_text()
    data = page[page.index('id="data"') :]
    for told in ("a&lt;b.csv", "Corrected: mean was above total in 6 rows", "Nothing had to be corrected", "6 rows"):
        assert told in data
    assert "<code>again = 1</code> holds in the finished table" in data
    for foreign in ("Rejected", "Bots", "Days missing", "landing", "logs"):
        assert foreign not in data
