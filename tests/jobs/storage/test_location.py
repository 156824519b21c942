"""Places by their text, and what lies at a URL looked at, read and written as pathlib does it."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from conf.errors import InputError, UsageError
from jobs.storage.backend import check_reachable, dataset, local_copy, local_target, sole_writer
from jobs.storage.hadoop import Hadoop
from jobs.storage.location import Remote, place
from tests.support.object_store import Store


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("data", "data"),
        ("/work/data/", "/work/data"),
        ("./a:b", "a:b"),
        ("a:b", "a:b"),
        ("file:/work/data", "/work/data"),
        ("file:///work/a b%20", "/work/a b%20"),
        ("file://localhost/work", "/work"),
    ],
)
def test_paths_are_of_this_machine(text: str, path: str) -> None:
    assert place(text, "sail") == place(text, "spark") == Path(path)


@pytest.mark.parametrize(
    ("text", "engine", "url", "key"),
    [
        ("s3://bucket/data/", "sail", "s3a://bucket/data", "bucket/data"),
        ("s3://bucket/data", "spark", "s3://bucket/data", "/data"),
        ("s3a://bucket//a/b", "sail", "s3a://bucket/a/b", "bucket/a/b"),
        ("gs://bucket", "sail", "gs://bucket/", "bucket"),
        ("GS://Bucket/x", "spark", "gs://Bucket/x", "/x"),
        ("hdfs://node:8020/data", "sail", "hdfs://node:8020/data", "/data"),
        ("hdfs:///data", "spark", "hdfs:///data", "/data"),
        ("viewfs://encore/data", "spark", "viewfs://encore/data", "/data"),
    ],
)
def test_urls_are_elsewhere(text: str, engine: str, url: str, key: str) -> None:
    found = place(text, engine)
    assert isinstance(found, Remote) and (str(found), found.key) == (url, key)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ftp://host/data", "Encore cannot read such a URL; give a path, file:/…, s3://…, s3a://…, gs://…, hdfs://…"),
        ("file://host/data", "Encore cannot read such a URL"),
        ("s3:/data", "names no bucket; give s3://BUCKET/FOLDER"),
        ("gs:///data", "names no bucket"),
        ("viewfs://encore/data", "only Spark knows the mount table; give --engine spark"),
    ],
)
def test_no_way_there(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=text) as refused:
        place(text, "sail")
    assert said in str(refused.value)


def test_parts_of_a_url() -> None:
    data = place("s3://bucket/data", "sail")
    file = data / "models" / "lr/model.json"
    assert (str(file), file.name, file.parent.name) == ("s3a://bucket/data/models/lr/model.json", "model.json", "lr")
    assert file.parent.parent.parent == data and sorted([file, data]) == [data, file]


def test_what_lies_below_what() -> None:
    bucket, other = place("s3://bucket", "sail"), place("s3://bucket-2/data", "sail")
    data = bucket / "data"
    assert isinstance(bucket, Remote) and isinstance(other, Remote) and isinstance(data, Remote)
    assert data.is_below(bucket) and (data / "daily").is_below(data)
    for place_, folder in ((other, bucket), (bucket / "data-2", data), (data, data), (bucket, data)):
        assert isinstance(place_, Remote) and not place_.is_below(folder)


@pytest.fixture(params=["s3", "viewfs"])
def folder(request: pytest.FixtureRequest) -> Remote:
    """An empty folder in an object store by pyarrow, and in Hadoop's federation by Spark's session."""
    found: Remote = request.getfixturevalue("bucket" if request.param == "s3" else "mounted")
    return found


def test_what_is_written_is_read_and_listed(folder: Remote) -> None:
    for name, text in {"a.txt": "晴\n天", "x/b=1/c.json": "{}", "x/b=2/c.json": "[]", "x/d.json": ""}.items():
        (folder / name).write_text(text)
    assert (folder / "a.txt").read_text() == "晴\n天" and list((folder / "a.txt").open(newline="")) == ["晴\n", "天"]
    (folder / "a.txt").write_text("2")
    assert (folder / "a.txt").read_bytes() == b"2" and (folder / "a.txt").stat().st_size == 1
    assert sorted(found.name for found in folder.iterdir()) == ["a.txt", "x"]
    assert sorted(str(found) for found in folder.glob("x/b=*/*.json")) == [
        f"{folder}/x/b=1/c.json",
        f"{folder}/x/b=2/c.json",
    ]
    assert [found.stat().st_size for found in sorted(folder.glob("x/*/c.json"))] == [2, 2]
    assert [found.name for found in folder.glob("*") if found.is_dir()] == ["x"]
    assert (folder / "x").is_dir() and not (folder / "x").is_file() and (folder / "x/d.json").is_file()
    (folder / "x/d.json").unlink()
    (folder / "x/b=1").remove_all()
    assert [found.name for found in folder.rglob() if found.is_file() and found.parent != folder] == ["c.json"]
    folder.remove_all()
    assert not folder.exists()


def test_what_is_not_there(folder: Remote) -> None:
    nothing = folder / "nothing"
    assert not nothing.exists() and not list(nothing.iterdir()) and not list(nothing.glob("*/*"))
    for ask in (nothing.read_text, nothing.stat, nothing.open):
        with pytest.raises(FileNotFoundError):
            ask()
    nothing.unlink(missing_ok=True)
    nothing.remove_all()
    check_reachable(folder)


def test_files_come_and_go_by_way_of_this_machine(folder: Remote) -> None:
    data = os.urandom(3_000_000)
    with local_target(folder / "model.bin") as file:
        file.write_bytes(data)
        assert not (folder / "model.bin").exists()
    with local_copy(folder / "model.bin") as copy:
        assert copy.name == "model.bin" and copy.read_bytes() == data
    assert not copy.exists()
    with pytest.raises(ZeroDivisionError), local_target(folder / "model.bin") as file:
        file.write_bytes(b"half")
        raise ZeroDivisionError
    assert (folder / "model.bin").read_bytes() == data
    assert [found.name for found in folder.iterdir()] == ["model.bin"]


def test_files_of_this_machine_are_their_own_copies(tmp_path: Path) -> None:
    with local_target(tmp_path / "a.keras") as file:
        assert file.suffix == ".keras" and file != tmp_path / "a.keras"
        file.write_text("x")
    with local_copy(tmp_path / "a.keras") as same:
        assert same == tmp_path / "a.keras"
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]


def test_a_whole_bucket(store: Store) -> None:
    bucket = place("s3://bucket-of-its-own", "sail")
    assert isinstance(bucket, Remote)
    for name in ("a/b=1/c", "d"):
        (bucket / name).write_text("x")
    assert sorted(str(found) for found in bucket.iterdir()) == [f"{bucket}a", f"{bucket}d"]
    assert [found.key for found in bucket.glob("a/*/c")] == ["bucket-of-its-own/a/b=1/c"] and bucket.exists()
    with sole_writer(bucket):
        assert (bucket / ".lock").is_file()


def test_a_dataset(folder: Remote) -> None:
    with local_target(folder / "part-0.parquet") as file:
        pq.write_table(pa.table({"n": range(100_000)}), file)
    (folder / "_encore.json").write_text("{}")
    assert dataset(folder).to_table()["n"].to_pylist() == list(range(100_000))


def test_a_listing_without_folders_tells_of_them(mounted: Remote, spark: SparkSession) -> None:
    """As Hadoop lists an object store."""
    for name in ("a/b=1/c", "a/b=1/d", "e"):
        (mounted / name).write_text("x")
    flat = Hadoop("viewfs://encore/", is_flat=True)._below(mounted.key, recursive=True)
    assert sorted(info.path.removeprefix(mounted.key) for info in flat) == [
        "/a",
        "/a/b=1",
        "/a/b=1/c",
        "/a/b=1/d",
        "/e",
    ]


def test_a_file_is_as_it_was_until_it_is_whole(mounted: Remote) -> None:
    """HDFS shows what is being written; an object store does not."""
    (mounted / "a").write_text("old")
    with pytest.raises(ZeroDivisionError), (mounted / "a").whole() as target:
        target.write_text("half")
        assert (mounted / "a").read_text() == "old"
        raise ZeroDivisionError
    assert (mounted / "a").read_text() == "old"


def test_a_store_that_refuses(bucket: Remote, store: Store) -> None:
    (bucket / "a").write_text("old")
    store.left = 0
    try:
        with pytest.raises(OSError, match="ACCESS_DENIED"):
            (bucket / "a").write_text("new")
    finally:
        store.left = None
    assert (bucket / "a").read_text() == "old"


def test_a_bucket_that_is_not_there(store: Store) -> None:
    data = place("s3://no-such-bucket/data", "sail")
    with pytest.raises(InputError, match="s3a://no-such-bucket/data: cannot be reached .*BUCKET"), sole_writer(data):
        pass


def test_a_store_that_is_not_there(spark: SparkSession) -> None:
    with pytest.raises(InputError, match="hdfs://localhost:1/data: cannot be reached .*Connection refused"):
        check_reachable(place("hdfs://localhost:1/data", "spark"))
