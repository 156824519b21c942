"""Layers on disk: wholly old or wholly new at any moment, one writer at a time."""

import errno
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from conf.errors import InputError
from jobs.storage import swap
from jobs.storage.backend import replace_folder, sole_writer, write_csv, write_text
from jobs.storage.disk import STAGING
from jobs.storage.layer import RECORD, Layer, write_partitions
from tests.support.frames import AS_OF, Rows, before, frame
from tests.support.layers import FilesRecord, daily_layer, records_of
from tests.support.paths import ROOT


def folder(path: Path, **files: str) -> Path:
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def content(path: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in path.iterdir()}


def names(path: Path) -> set[str]:
    return {entry.name for entry in path.iterdir()}


@pytest.fixture
def layer(tmp_path: Path) -> Layer[FilesRecord]:
    return daily_layer(tmp_path)


def publish(layer: Layer[FilesRecord], value: str, **files: str) -> None:
    with layer.staging() as staged:
        folder(staged.partition(value), **files)
        layer.publish(staged, value, FilesRecord(files=len(files)))


def test_a_folder_takes_an_empty_place(tmp_path: Path) -> None:
    replace_folder(folder(tmp_path / "new", a="1"), tmp_path / "old")
    assert names(tmp_path) == {"old"} and content(tmp_path / "old") == {"a": "1"}


def test_a_folder_takes_the_place_of_another_with_all_its_files(tmp_path: Path) -> None:
    old = folder(tmp_path / "old", a="1", b="1")
    replace_folder(folder(tmp_path / "new", a="2"), old)
    assert names(tmp_path) == {"old"} and content(old) == {"a": "2"}


def test_a_published_partition_has_its_record(layer: Layer[FilesRecord]) -> None:
    publish(layer, "2017-05-01", rows="x")
    publish(layer, "2017-04-30", rows="y", more="z")
    assert layer.values() == ["2017-04-30", "2017-05-01"]
    assert records_of(layer) == {"2017-04-30": FilesRecord(files=2), "2017-05-01": FilesRecord(files=1)}
    assert names(layer.root.parent) == {"daily"}  # nothing is left beside it


def test_publishing_again_leaves_nothing_of_before(layer: Layer[FilesRecord]) -> None:
    publish(layer, "2017-05-01", rows="x", more="y")
    publish(layer, "2017-05-01", rows="z")
    assert names(layer.partition("2017-05-01")) == {"rows", RECORD}
    assert names(layer.root.parent) == {"daily"}


def test_a_day_without_rows_still_has_a_record(layer: Layer[FilesRecord]) -> None:
    with layer.staging() as staged:
        layer.publish(staged, "2017-05-01", FilesRecord())
    assert layer.records() == {"2017-05-01": FilesRecord()} and not layer.has_rows()


def test_what_was_staged_but_not_published_is_gone(layer: Layer[FilesRecord]) -> None:
    publish(layer, "2017-05-01", rows="old")
    with pytest.raises(ZeroDivisionError), layer.staging() as staged:
        folder(staged.partition("2017-05-01"), rows="new")
        raise ZeroDivisionError
    assert content(layer.partition("2017-05-01"))["rows"] == "old"
    assert names(layer.root.parent) == {"daily"}


def test_a_removed_partition(layer: Layer[FilesRecord]) -> None:
    publish(layer, "2017-05-01", rows="x")
    publish(layer, "2017-05-02", rows="x")
    layer.remove("2017-05-01")
    assert layer.values() == ["2017-05-02"] and names(layer.root.parent) == {"daily"}


def test_a_partition_without_a_record_counts_as_not_made(layer: Layer[FilesRecord]) -> None:
    folder(layer.partition("2017-05-01"), rows="x")
    assert layer.values() == ["2017-05-01"] and layer.records() == {}
    assert layer.record("2017-05-01") is None


# Publishes versions 0, 1, 2, ... of a partition of many files until it is killed.
WRITER = """
import sys
from itertools import count
from pathlib import Path
from jobs.storage.backend import sole_writer
from tests.support.layers import FilesRecord, daily_layer

layer = daily_layer(Path(sys.argv[1]))
with sole_writer(Path(sys.argv[1])):
    for version in count():
        with layer.staging() as staged:
            new = staged.partition("2017-05-01")
            new.mkdir(parents=True)
            for number in range(30):
                (new / f"part-{number}").write_text(str(version))
            layer.publish(staged, "2017-05-01", FilesRecord(version=version))
        if version == 3:
            print("ready", flush=True)
"""


def writing(data: Path) -> subprocess.Popen[str]:
    """A process that publishes on and on."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(data)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("seconds", [0.05, 0.101, 0.153])
def test_a_writer_killed_at_any_moment_leaves_a_whole_partition(tmp_path: Path, seconds: float) -> None:
    layer = daily_layer(tmp_path)
    process = writing(tmp_path)
    end = time.monotonic() + seconds
    always_there = True
    while time.monotonic() < end:  # nor is there a moment without the partition
        always_there &= layer.partition("2017-05-01").is_dir()
    process.send_signal(signal.SIGKILL)
    process.wait()
    (version,) = {record.version for record in layer.records().values()}
    parts = content(layer.partition("2017-05-01"))
    assert parts.pop(RECORD) and parts == {f"part-{number}": str(version) for number in range(30)}
    assert always_there and version >= 3
    with sole_writer(tmp_path):  # the next run cleans up
        assert names(tmp_path) == {".lock", "daily"}


@pytest.fixture
def without_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that has no such call, as NFS: none is to be had here, so the call's answer is put in its place."""

    def refused(left: Path, right: Path) -> None:
        raise OSError(errno.EINVAL, "Invalid argument", str(right))

    monkeypatch.setattr(swap, "_exchange", refused)


def test_where_folders_cannot_change_places_they_take_each_others(tmp_path: Path, without_exchange: None) -> None:
    old, new = folder(tmp_path / "old", a="1", b="1"), folder(tmp_path / ".staging-old" / "new", a="2")
    replace_folder(new, old)
    assert content(old) == {"a": "2"}
    assert names(tmp_path / ".staging-old") == set()


@pytest.mark.parametrize(("renames", "expected"), [(0, "1"), (1, "1"), (2, "2")])
def test_a_kill_where_folders_cannot_change_places_leaves_one_of_them_for_the_next_command(
    tmp_path: Path, without_exchange: None, monkeypatch: pytest.MonkeyPatch, renames: int, expected: str
) -> None:
    """Killed after so many renames."""
    old, new = folder(tmp_path / "daily" / "old", a="1"), folder(tmp_path / ".staging-daily" / "rows" / "new", a="2")
    real, done = Path.rename, []

    def dying(self: Path, target: Path) -> Path:
        if len(done) == renames:
            raise KeyboardInterrupt
        done.append(self)
        return real(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", dying)
        patched.setattr(Path, "unlink", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            replace_folder(new, old)
    with sole_writer(tmp_path):
        assert content(old) == {"a": expected}
    assert names(tmp_path) == {"daily", ".lock"} and names(tmp_path / "daily") == {"old"}


def test_stray_staging_folders_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for place in ("", "events", "events/rejected"):
        folder(tmp_path / place / f"{STAGING}play-abc" / "rows", part="x")
        folder(tmp_path / place / "date=2017-05-01", part="x")
    with sole_writer(tmp_path):
        assert {path.name for path in tmp_path.rglob("*") if path.is_dir()} == {"date=2017-05-01", "events", "rejected"}


def test_a_second_writer_is_refused_until_the_first_is_done(tmp_path: Path) -> None:
    process = writing(tmp_path)
    with pytest.raises(InputError, match=f"{tmp_path}: another encore command is writing here"), sole_writer(tmp_path):
        pass
    process.kill()
    process.wait()
    with sole_writer(tmp_path):
        pass


def test_a_refused_writer_does_not_clean_up(tmp_path: Path) -> None:
    with sole_writer(tmp_path):
        busy = folder(tmp_path / f"{STAGING}daily-abc")
        with pytest.raises(InputError), sole_writer(tmp_path):
            pass
        assert busy.is_dir()


def test_text_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "page.md"
    write_text(path, "晴天\n")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half \udcff")
    assert path.read_bytes() == "晴天\n".encode()
    assert path.stat().st_mode & 0o777 == 0o644


def test_csv_quotes_what_would_break_it(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ["name", "count"], [["a,b", 1], ['say "x"', 2], ["晴\n天", 3]])
    assert (tmp_path / "a.csv").read_bytes() == '\ufeffname,count\n"a,b",1\n"say ""x""",2\n晴 天,3\n'.encode()


DAYS = [before(2), before(1), AS_OF]
TYPES = {"date": "date", "customer_id": "bigint"}
ROWS: Rows = [{"date": day, "customer_id": number} for number, day in enumerate(DAYS)]


def test_rows_come_back_with_their_days(engine: SparkSession, layer: Layer[FilesRecord]) -> None:
    with layer.staging() as staged:
        write_partitions(frame(engine, ROWS, TYPES), staged)
        for day in staged.values():
            layer.publish(staged, day, FilesRecord())
    publish(layer, "2017-05-02")  # a day without rows
    found = layer.read(engine)
    assert dict(found.dtypes) == {"customer_id": "bigint", "date": "date"}
    assert sorted((row["date"], row["customer_id"]) for row in found.collect()) == list(
        zip(DAYS, range(3), strict=True)
    )
    some = layer.read(engine, [str(AS_OF), "2017-05-02"]).collect()
    assert [(row["date"], row["customer_id"]) for row in some] == [(AS_OF, 2)]


def test_no_rows_to_read(sail: SparkSession, layer: Layer[FilesRecord]) -> None:
    with pytest.raises(InputError, match="daily: there are no rows to read; run the command that writes this layer"):
        layer.read(sail)


def test_asking_for_no_partition_is_not_asking_for_all(layer: Layer[FilesRecord]) -> None:
    publish(layer, "2017-05-01", **{"part.parquet": "x"})
    assert layer.has_rows() and layer.has_rows(["2017-05-01"])
    assert not layer.has_rows(["2017-05-02"]) and not layer.has_rows([])
