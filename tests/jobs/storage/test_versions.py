"""Publishing where a rename is no rename: killed after any write, a partition is wholly old or wholly new."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from conf.errors import InputError
from jobs.storage.backend import remove_folder, replace_folder, staging_folder, subfolders, write_text
from jobs.storage.layer import RECORD, Layer, Partitions, write_partitions
from jobs.storage.location import Remote
from jobs.storage.records import find_record, to_text
from jobs.storage.remote_layer import layer as layer_in
from jobs.storage.versions import COLUMN, RECORDS, STAGING, Versions, current, sweep
from tests.support.frames import AS_OF, Rows, before, frame
from tests.support.layers import FilesRecord, daily_layer, records_of
from tests.support.object_store import Store

DAY = "2017-05-01"


@pytest.fixture
def layer(bucket: Remote) -> Layer[FilesRecord]:
    return daily_layer(bucket)


def publish(layer: Layer[FilesRecord], value: str, **files: str) -> None:
    with layer.staging() as staged:
        for name, text in files.items():
            write_text(staged.partition(value) / name, text)
        layer.publish(staged, value, FilesRecord(files=len(files)))


def content(layer: Layer[FilesRecord], value: str) -> dict[str, str]:
    return {file.name: file.read_text() for file in layer.partition(value).iterdir()}


@contextmanager
def killed_after(store: Store, writes: int | None) -> Iterator[None]:
    """What the store has seen of a process that is killed after so many writes: of its cleaning up, too, no more."""
    store.left = writes
    try:
        with suppress(OSError):
            yield
    finally:
        store.left = None


def kept(store: Store, root: Remote) -> set[str]:
    """What lies in a layer, without the versions, which are drawn."""
    found = store.keys(f"{root.key}/")
    return {"/".join(part for part in key.split("/") if not part.startswith(COLUMN)) for key in found}


def of_days(*days: str, parts: int) -> set[str]:
    return {f"{day}/part-{number}" for day in days for number in range(parts)}


def test_a_published_partition_has_its_record(layer: Layer[FilesRecord]) -> None:
    publish(layer, DAY, rows="x")
    publish(layer, "2017-04-30", rows="y", more="z")
    assert layer.values() == ["2017-04-30", DAY]
    assert records_of(layer) == {"2017-04-30": FilesRecord(files=2), DAY: FilesRecord(files=1)}
    assert layer.record(DAY) and layer.record("2017-05-02") is None
    assert content(layer, "2017-04-30") == {"rows": "y", "more": "z"}


def test_publishing_again_leaves_nothing_of_before(layer: Layer[FilesRecord], store: Store) -> None:
    publish(layer, DAY, rows="x", more="y")
    publish(layer, DAY, rows="z")
    assert content(layer, DAY) == {"rows": "z"}
    assert len(store.keys(layer.root.key)) == 2  # the rows, the record


def test_a_day_without_rows_still_has_a_record(layer: Layer[FilesRecord]) -> None:
    publish(layer, DAY)
    assert layer.records() == {DAY: FilesRecord()} and not layer.has_rows()


def test_asking_for_no_partition_is_not_asking_for_all(layer: Layer[FilesRecord]) -> None:
    publish(layer, DAY, **{"part.parquet": "x"})
    assert layer.has_rows() and layer.has_rows([DAY])
    assert not layer.has_rows(["2017-05-02"]) and not layer.has_rows([])


def test_what_was_staged_but_not_published_is_gone(layer: Layer[FilesRecord], store: Store) -> None:
    publish(layer, DAY, rows="old")
    with pytest.raises(ZeroDivisionError), layer.staging() as staged:
        write_text(staged.partition(DAY) / "rows", "new")
        write_text(staged.work / "plain" / "rows", "other")
        assert content(layer, DAY) == {"rows": "old"}
        raise ZeroDivisionError
    assert content(layer, DAY) == {"rows": "old"}
    assert len(store.keys(layer.root.parent.key)) == 2


def test_a_writer_keeps_away_from_the_version_of_another(layer: Layer[FilesRecord]) -> None:
    """Whom no lease has kept out, and who has more to write."""
    with layer.staging() as slow:
        write_text(slow.partition(DAY) / "one", "slow")
        publish(layer, "2017-05-02", rows="fast")
        write_text(slow.partition(DAY) / "two", "slow")
        layer.publish(slow, DAY, FilesRecord(files=2))
    assert content(layer, DAY) == {"one": "slow", "two": "slow"}


def test_of_two_writers_of_a_day_one_counts(layer: Layer[FilesRecord], store: Store) -> None:
    """Whichever a draw decides."""
    with layer.staging() as slow:
        write_text(slow.partition(DAY) / "one", "slow")
        publish(layer, DAY, rows="fast")
        write_text(slow.partition(DAY) / "two", "slow")
        layer.publish(slow, DAY, FilesRecord(files=2))
    assert content(layer, DAY) in ({"one": "slow", "two": "slow"}, {"rows": "fast"})
    assert records_of(layer) == {DAY: FilesRecord(files=len(content(layer, DAY)))}
    assert len(store.keys(layer.root.key)) == 1 + len(content(layer, DAY)), "nothing is left of the other"


def test_a_removed_partition(layer: Layer[FilesRecord], store: Store) -> None:
    publish(layer, DAY, rows="x")
    publish(layer, "2017-05-02", rows="x")
    layer.remove(DAY)
    layer.remove("2017-05-03")  # was never there
    assert layer.values() == ["2017-05-02"] and len(store.keys(layer.root.key)) == 2


@pytest.mark.parametrize("writes", range(9))
def test_killed_after_any_write(layer: Layer[FilesRecord], store: Store, writes: int) -> None:
    """Two parts, the record, and the removal of three parts and a record of before."""
    publish(layer, DAY, a="old", b="old", c="old")
    with killed_after(store, writes):
        publish(layer, DAY, a="new", b="new")
    new = {"a": "new", "b": "new"}
    found = new if writes >= 3 else dict.fromkeys("abc", "old")
    assert content(layer, DAY) == found and records_of(layer) == {DAY: FilesRecord(files=len(found))}
    assert writes not in (0, 2, 3) or len(store.keys(layer.root.key)) == 4 + writes  # else the test says nothing
    sweep(layer.root.parent)
    assert content(layer, DAY) == found and len(store.keys(layer.root.key)) == len(found) + 1


DAYS = [str(before(days)) for days in (2, 1, 0)]
STEPS = st.tuples(
    st.sampled_from(["publish", "publish", "remove"]),
    st.sampled_from(DAYS),
    st.integers(min_value=0, max_value=3),
    st.one_of(st.none(), st.integers(min_value=0, max_value=8)),
)
NAMES = iter(range(1_000_000))


@settings(max_examples=40)
@given(steps=st.lists(STEPS, min_size=2, max_size=8))
def test_after_any_steps_and_kills_the_layer_is_as_a_dict(bucket: Remote, store: Store, steps: list[tuple]) -> None:  # type: ignore[type-arg]
    data = bucket / str(next(NAMES))
    layer, model = daily_layer(data), dict[str, dict[str, str]]()
    for number, (what, day, parts, killed) in enumerate(steps):
        after = dict(model)
        with killed_after(store, killed):
            if what == "publish":
                after[day] = {f"part-{part}": str(number) for part in range(parts)}
                publish(layer, day, **after[day])
            else:
                after.pop(day, None)
                layer.remove(day)
        found = {value: content(layer, value) for value in layer.values()}
        assert found == after or (killed is not None and found == model)
        assert records_of(layer) == {value: FilesRecord(files=len(files)) for value, files in found.items()}
        model = found
        if killed is not None:
            sweep(data)  # as the next command does
            files = {f"date={value}/{name}" for value, one in model.items() for name in one}
            records = {key for key in kept(store, layer.root) if key.startswith(RECORDS)}
            assert kept(store, layer.root) - records == files and len(records) == len(model)
            assert {value: content(layer, value) for value in layer.values()} == model


def test_the_newest_record_goes_last(layer: Layer[FilesRecord], store: Store) -> None:
    """Else a kill would bring back a version whose rows are gone."""
    with killed_after(store, 3):
        publish(layer, DAY, rows="old")
        publish(layer, DAY, rows="new")
    assert len(store.keys(layer.root.key)) == 3  # the second was killed before its record
    with killed_after(store, 2):
        publish(layer, DAY, rows="new")
    versions = Versions(layer.root)
    assert len(versions.all()[f"date={DAY}"]) == 2, "a former record is left"
    with killed_after(store, 1):
        layer.remove(DAY)
    assert content(layer, DAY) == {"rows": "new"}


def test_what_a_killed_command_has_left_is_removed_and_nothing_else(bucket: Remote, store: Store) -> None:
    layers = [layer_in(bucket / name, "date", FilesRecord) for name in ("daily", "events/play", "events/rejected/play")]
    for layer in layers:
        publish(layer, DAY, rows="x")
    write_text(bucket / "landing" / "play" / "date=2017-05-01" / ".hidden.log", "a line")
    write_text(bucket / "models" / "chosen.json", "{}")
    whole = set(store.keys(bucket.key))
    for layer in layers:
        write_text(Versions(layer.root).fresh() / f"date={DAY}" / "rows", "half")
        write_text(layer.root / RECORDS / f".date={DAY}-00000009-v.json.abc.tmp", "{")
        write_text(layer.root.parent / f"{STAGING}play-abc" / "plain" / "rows", "half")
        write_text(layer.root.parent / ".chosen.json.abc.tmp", "{")
    sweep(bucket)
    assert set(store.keys(bucket.key)) == whole


# ---- with the engines ----

ROWS: Rows = [{"date": day, "customer_id": number} for number, day in enumerate([before(2), before(1), AS_OF])]
TYPES = {"date": "date", "customer_id": "bigint"}


@pytest.fixture(params=["sail on s3", "spark on viewfs"])
def read_by(request: pytest.FixtureRequest) -> tuple[SparkSession, Layer[FilesRecord]]:
    """An engine, and a layer in a store that it reads and writes."""
    engine, place = ("sail", "bucket") if request.param.startswith("sail") else ("spark", "mounted")
    return request.getfixturevalue(engine), daily_layer(request.getfixturevalue(place))


def write(spark: SparkSession, layer: Layer[FilesRecord], rows: Rows, days: list[date]) -> None:
    """Writes the rows and publishes some days."""
    with layer.staging() as staged:
        write_partitions(frame(spark, rows, TYPES), staged)
        assert staged.read(spark).count() == len(rows)
        for day in days:
            layer.publish(staged, str(day), FilesRecord())


def found(layer: Layer[FilesRecord], spark: SparkSession, values: list[str] | None = None) -> list[tuple[date, int]]:
    return sorted((row["date"], row["customer_id"]) for row in layer.read(spark, values).collect())


def test_rows_come_back_with_their_days(read_by: tuple[SparkSession, Layer[FilesRecord]]) -> None:
    spark, layer = read_by
    write(spark, layer, ROWS, [before(2), before(1), AS_OF])
    write(spark, layer, [{"date": before(2), "customer_id": 7}], [before(2), date(2017, 5, 2)])  # one without rows
    assert dict(layer.read(spark).dtypes) == {"customer_id": "bigint", "date": "date"}
    assert found(layer, spark) == [(before(2), 7), (before(1), 1), (AS_OF, 2)]
    assert found(layer, spark, [str(AS_OF), str(before(2)), "2017-05-02"]) == [(before(2), 7), (AS_OF, 2)]
    layer.write_manifest(["files"])
    layer.remove(str(before(1)))
    assert found(layer, spark) == [(before(2), 7), (AS_OF, 2)]


def test_what_no_record_names_does_not_exist(read_by: tuple[SparkSession, Layer[FilesRecord]]) -> None:
    """Neither a day that was never published, nor another version of one that was."""
    spark, layer = read_by
    root = layer.root
    assert isinstance(root, Remote)
    dead = Partitions(Versions(root).fresh(), "date")  # of a writer that was killed
    write_partitions(frame(spark, [{"date": day, "customer_id": -1} for day in (before(1), AS_OF)], TYPES), dead)
    with pytest.raises(InputError, match="daily: there are no rows to read; run the command that writes this layer"):
        layer.read(spark)
    assert not layer.values() and not layer.records() and not layer.has_rows()
    write(spark, layer, ROWS, [before(2), before(1)])
    assert found(layer, spark) == [(before(2), 0), (before(1), 1)]
    same = layer.partition(str(before(2))).parent  # which counts for other days
    write_partitions(frame(spark, [{"date": AS_OF, "customer_id": -1}], TYPES), Partitions(same, "date"), "append")
    write(spark, layer, [{"date": AS_OF, "customer_id": 9}], [AS_OF])
    assert found(layer, spark) == [(before(2), 0), (before(1), 1), (AS_OF, 9)]


# ---- folders ----


def test_a_folder_takes_the_place_of_another_with_all_its_files(bucket: Remote, store: Store) -> None:
    target = bucket / "models" / "lr"
    assert find_record(FilesRecord, current(target) / RECORD) is None
    assert not (current(target) / "metrics.json").is_file()
    for number in (1, 2):
        record = to_text(FilesRecord(version=number))
        files = {"model": "1", "more": "1", RECORD: record} if number == 1 else {"model": "2", RECORD: record}
        with staging_folder(target) as folder:
            for name, text in files.items():
                write_text(folder / "lr" / name, text)
            write_text(folder / "scratch", "x")
            replace_folder(folder / "lr", target)
        there = current(target)
        assert {file.name: file.read_text() for file in there.iterdir()} == files
        assert len(store.keys(target.key)) == len(files) + 1, "scratch is gone, and so is what was replaced"
    assert find_record(FilesRecord, current(target) / RECORD) == FilesRecord(version=2)
    assert [folder.name for folder in subfolders(target.parent)] == ["lr"]
    remove_folder(target)
    assert current(target) == target and not store.keys(target.key) and not subfolders(target.parent)


@pytest.mark.parametrize("writes", range(4))
def test_a_folder_is_old_or_new_after_a_kill(bucket: Remote, store: Store, writes: int) -> None:
    target = bucket / "report"
    for text, left in (("old", None), ("new", writes)):
        with killed_after(store, left), staging_folder(target) as folder:
            for name in ("index.html", "a.csv"):
                write_text(folder / "report" / name, text)
            replace_folder(folder / "report", target)
    there = {file.name: file.read_text() for file in current(target).iterdir()}
    assert there == dict.fromkeys(("index.html", "a.csv"), "new" if writes >= 3 else "old")
