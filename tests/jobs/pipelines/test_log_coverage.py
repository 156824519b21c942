"""What labels claim: stray lines change no number, and an outcome without logs gives no label."""

import csv
import random
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from conf.load import load_service, overridden
from conf.schema import Service
from features.windows import Moment
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.engine import engine
from jobs.features import features
from jobs.ingest import ingest
from jobs.logs.coverage import LogCoverage, log_coverage
from jobs.records.layers import TilesBasis, TilesRecord
from jobs.rollup import rollup
from jobs.unpack import unpack
from tests.support.archives import table
from tests.support.engines import SMALL

FIRST, DAYS = date(2017, 1, 1), 120
LAST = FIRST + timedelta(days=DAYS - 1)  # 2017-04-30
WINDOWS = {"windows": {"outcome_days": 30}}
HEADER = ["customer_id", "purchased_at", "title", "length_minutes", "price"]
STRAYS = ["2017-12-04 11:00:00", "1970-01-01 00:00:00", "2099-12-31 00:00:00"]  # day and month swapped; sentinels
AS_OF = date(2017, 4, 1)  # its outcome ends with the logs


def service(**coverage: object) -> Service:
    """The shop with a short outcome."""
    return overridden(load_service("audiobooks"), WINDOWS | {"coverage": coverage})


# ---- from lines to tables ----


def purchases() -> list[list[object]]:
    """Of 60 customers, each buys about every five days."""
    draw = random.Random(5)
    rows: list[list[object]] = []
    for customer in range(60):
        at = draw.random() * 5
        while at < DAYS:
            time = datetime(2017, 1, 1) + timedelta(days=at)
            rows.append([f"K{customer:04d}", f"{time:%Y-%m-%d %H:%M:%S}", f"Book {draw.randrange(50)}", 400, "8.00"])
            at += draw.expovariate(1 / 5) * (1 if customer % 3 else 4)
    return rows


def shop(data: Path, rows: list[list[object]]) -> Context:
    """The shop from its file to the feature tables."""
    (data / "raw").mkdir(parents=True)
    with (data / "raw" / "purchases.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    run = Context(DataFolder(data), "audiobooks", service(), SMALL, "sail")
    unpack(run)
    with engine("sail", SMALL) as sail:
        ingest(run, sail)
        rollup(run, sail)
        features(run, sail)
    return run


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return shop(tmp_path_factory.mktemp("clean"), purchases())


@pytest.fixture(scope="module")
def stray(tmp_path_factory: pytest.TempPathFactory) -> Context:
    rows = [["K0001", time, "Book 7", 400, "8.00"] for time in STRAYS]
    return shop(tmp_path_factory.mktemp("stray"), [*purchases(), *rows])


def test_stray_lines_change_no_cell_of_any_table(clean: Context, stray: Context) -> None:
    """Cases 06 and 06b: Before, the end of the logs moved to 2099, and nobody had bought again."""
    assert clean.data.features.values() == stray.data.features.values() == [str(AS_OF), "2017-05-01"]
    assert table(stray.data.features.root) == table(clean.data.features.root)


def test_the_labels_are_those_of_the_lines(stray: Context) -> None:
    bought = {str(row[0]) for row in purchases() if str(AS_OF) <= str(row[1]) < "2017-05-01"}
    rows = table(stray.data.features.partition(str(AS_OF)))
    assert {row["label_status"] for row in rows} == {"mature"}
    assert {row["customer_id"]: row["label"] for row in rows} == {
        row["customer_id"]: int(row["customer_id"] in bought) for row in rows
    }
    assert {row["label"] for row in rows} == {0, 1}


def test_the_console_names_file_and_line_of_each_stray(clean: Context, stray: Context, sail: SparkSession) -> None:
    landing = stray.data.landing / "purchase"
    said = features(stray, sail).notices
    assert said[0].startswith("set aside: 3 events on 3 days outside the logs, which go from 2017-01-01 to 2017-04-30")
    for line, time in zip(said[1:], sorted(STRAYS), strict=True):
        day = time.split(" ")[0]
        file = landing / f"date={day}" / "purchases.csv.log"
        assert line == f"set aside: {day}, 1 purchase; look at {file} line 1 (from purchases.csv)"
    assert features(clean, sail).notices == []


# ---- labels from the records alone ----


def records(counts: dict[str, list[int]], **missing_parts: list[str]) -> dict[str, TilesRecord]:
    """Records of tiles by day, from the events of each kind on each day; missing_parts by day number as `d10`."""
    basis = TilesBasis(events={}, configuration="c", sample=1.0, missing_parts=[])
    found = {}
    for number in range(DAYS):
        by_kind = {kind: events[number] for kind, events in counts.items() if events[number]}
        parts = missing_parts.get(f"d{number}", [])
        if by_kind:
            found[str(FIRST + timedelta(days=number))] = TilesRecord(
                basis=basis, sample=1.0, missing_parts=parts, customers=1, bots=0, events=sum(by_kind.values()),
                by_kind=by_kind,
            )  # fmt: skip
    return found


def without(days: range, rate: int = 50) -> list[int]:
    return [0 if number in days else rate for number in range(DAYS)]


def covered(counts: dict[str, list[int]], **coverage: object) -> LogCoverage:
    return log_coverage(records(counts), service(**coverage))


AT = Moment.at(AS_OF, service().windows)  # day number 90
VISITS = {"visit": [200] * DAYS}


@pytest.mark.parametrize(
    ("lost", "coverage", "status"),
    [
        (range(0), {}, "mature"),
        (range(100, 121 - 1), {}, "uncertain"),  # three weeks of the outcome
        (range(95, 96), {}, "uncertain"),  # one day
        (range(95, 96), {"tolerated_missing_days": 1}, "mature"),
        (range(95, 97), {"tolerated_missing_days": 1}, "uncertain"),
        (range(95, 96), {"closed": [FIRST + timedelta(days=95)]}, "mature"),
        (range(95, 96), {"closed": [f"{FIRST + timedelta(days=95):%A}".lower()]}, "mature"),
        (range(95, 96), {"closed": [f"{FIRST + timedelta(days=96):%A}".lower()]}, "uncertain"),
        (range(80, 90), {}, "mature"),  # the observation is thin, the label is not
    ],
)
def test_a_label_is_mature_only_where_its_outcome_is_covered(
    lost: range, coverage: dict[str, object], status: str
) -> None:
    found = covered(VISITS | {"purchase": without(lost)}, **coverage)
    assert found.status(AT) == status
    assert found.logs.dates()[-1] == LAST
    inside = [FIRST + timedelta(days=number) for number in lost if number >= 90]
    assert status == "mature" or set(found.uncovered(AT)) == set(inside)


def test_events_that_the_label_does_not_read_may_be_missing() -> None:
    found = covered({"visit": without(range(95, 110), 20), "purchase": [50] * DAYS})
    assert (found.status(AT), found.uncovered(AT)) == ("mature", [])
    assert found.status(Moment.at(LAST, service().windows)) == "immature"


def test_an_observation_without_logs_is_thin() -> None:
    found = covered({"visit": without(range(70, 75), 40), "purchase": [50] * DAYS})
    assert found.thin_days(AT) == [FIRST + timedelta(days=number) for number in range(70, 75)]
    assert covered(VISITS | {"purchase": [50] * DAYS}).thin_days(AT) == []


def test_a_shop_with_few_purchases_has_mature_labels() -> None:
    """Two a day, and every fourth day none."""
    found = covered({"purchase": [(3, 0, 2, 3)[number % 4] for number in range(DAYS)]})
    assert (found.status(AT), found.thin_days(AT)) == ("mature", [])


def test_without_any_purchase_in_the_logs_nobody_is_known_to_have_stayed_away() -> None:
    assert covered(VISITS).status(AT) == "uncertain"


def test_a_missing_part_of_a_day_is_not_covered() -> None:
    music = overridden(load_service("music"), WINDOWS)
    whole = {"play": [900] * DAYS, "down": [90] * DAYS, "search": [300] * DAYS}
    assert log_coverage(records(whole), music).status(AT) == "mature"
    found = log_coverage(records(whole, d100=["play 3"]), music)
    assert (found.status(AT), found.uncovered(AT)) == ("uncertain", [FIRST + timedelta(days=100)])
