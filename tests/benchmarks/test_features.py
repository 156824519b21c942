"""The DuckDB script written by hand gives Encore's feature table, so that the benchmark compares equal work."""

from pathlib import Path

import duckdb
import pytest

from benchmarks.features import compare, run_duckdb
from conf.profile import Profile
from jobs.engine import engine as started
from jobs.features import features
from jobs.ingest import ingest
from jobs.rollup import rollup
from jobs.simulate import simulate
from jobs.unpack import unpack
from tests.support.archives import context, play_line


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Encore's feature layer and DuckDB's table of the same lines, dirt and two kinds of bots included."""
    data = tmp_path_factory.mktemp("both")
    simulate(data, customers=500, days=44, seed=2)
    unpack(context(data))
    add_lines(data / "landing", "2017-04-20", bot_lines())
    table = data / "duckdb.parquet"
    with started("sail", Profile(engine="sail")) as spark:
        run = context(data)
        ingest(run, spark)
        rollup(run, spark)
        features(run, spark)
    run_duckdb(data / "landing", table)
    return data / "features", table


def bot_lines() -> list[str]:
    """Of customer 11, 5,001 plays (a bot); of 12, 5,000 (none); of 13, a second over a day (a bot); of 14, a day.

    The eight plays of 13 and 14 are equal lines of a song that is heard to its end: each of them counts.
    """
    many = [play_line(customer, seconds=1, song=song) for customer in (11, 12) for song in range(1, 5001)]
    long = [play_line(customer, seconds=10_800, length=10_800) for customer in (13, 14) for _ in range(8)]
    return [*many, play_line(11, seconds=1, song=5001), *long, play_line(13, seconds=1)]


def add_lines(landing: Path, day: str, lines: list[str]) -> None:
    """Appends lines to the first play file of a day, and to its entry in days.csv."""
    file = sorted((landing / "play" / f"date={day}").iterdir())[0]
    rows = [row.split(",") for row in (landing / "days.csv").read_text(encoding="utf-8").splitlines()]
    with file.open("a", encoding="utf-8", newline="") as text:
        text.writelines(lines)
    for row in rows:
        if row[2] == str(file.relative_to(landing)):
            row[4], row[5] = str(int(row[4]) + len(lines)), str(file.stat().st_size)
    (landing / "days.csv").write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")


def test_the_script_written_by_hand_gives_the_same_table(both: tuple[Path, Path]) -> None:
    rows, different = compare(*both)
    assert different == {}
    assert rows > 500


def test_bots_are_in_neither_table(both: tuple[Path, Path]) -> None:
    found = duckdb.sql(f"SELECT DISTINCT customer_id FROM '{both[1]}' WHERE customer_id BETWEEN 11 AND 14").fetchall()
    assert sorted(found) == [(12,), (14,)]  # compare() says that Encore's rows are the same


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("plays_last_30d", "plays_last_30d + 1"),
        ("completion_last_7d", "completion_last_7d + 1e-6"),
        ("gap_days_mean", "coalesce(gap_days_mean, 0)"),
        ("days_since_last_play", "CASE WHEN customer_id <> 12 THEN days_since_last_play END"),
        ("paid_play_share", "'nan'::DOUBLE"),
        ("distinct_songs_last_30d", "distinct_songs_last_30d * 2"),
        ("device", "upper(device)"),
        ("label", "1 - label"),
        ("label_status", "NULL::VARCHAR"),
    ],
)
def test_a_difference_in_a_column_is_found(both: tuple[Path, Path], tmp_path: Path, column: str, value: str) -> None:
    changed = tmp_path / "changed.parquet"
    duckdb.sql(f"COPY (SELECT * REPLACE ({value} AS {column}) FROM '{both[1]}') TO '{changed}'")
    _, different = compare(both[0], changed)
    assert list(different) == [column]
    assert different[column] > 0


def test_a_row_or_column_in_one_table_only_is_found(both: tuple[Path, Path], tmp_path: Path) -> None:
    changed = tmp_path / "changed.parquet"
    duckdb.sql(f"COPY (SELECT * EXCLUDE device FROM '{both[1]}' WHERE customer_id <> 14) TO '{changed}'")
    rows, different = compare(both[0], changed)
    lost = different["rows of one table only"]
    assert lost == len(duckdb.sql(f"SELECT 1 FROM '{both[1]}' WHERE customer_id = 14").fetchall()) > 0
    assert different["device"] == rows
