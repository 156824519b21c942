"""What was changed in a partition since it was published is named, on a disk and in a store, before a row is used."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from conf.errors import DataCheckError
from jobs.storage.layer import Layer, write_partitions
from jobs.storage.location import Remote
from jobs.storage.seals import seals
from tests.support.frames import AS_OF, before, frame
from tests.support.layers import DAMAGES, FilesRecord, daily_layer, flip_a_bit

DAY, OTHER = str(before(1)), str(AS_OF)
TYPES = {"date": "date", "customer_id": "bigint"}


def written(layer: Layer[FilesRecord], session: SparkSession) -> Layer[FilesRecord]:
    """Two days of 50 customers each."""
    rows = [{"date": day, "customer_id": number} for day in (before(1), AS_OF) for number in range(50)]
    with layer.staging() as staged:
        write_partitions(frame(session, rows, TYPES), staged, several=True)
        for day in (DAY, OTHER):
            layer.publish(staged, day, FilesRecord())
    return layer


def only_file(layer: Layer[FilesRecord]) -> Path:
    (file,) = layer.partition(DAY).glob("*.parquet")
    return Path(str(file))


def put_in_a_folder(file: Path) -> str:
    (file.parent / "old").mkdir()
    shutil.copy(file, file.parent / "old" / file.name)
    return f"{file.parent / 'old'}: this file was not written by Encore"


PARTITION_DAMAGES = DAMAGES | {"put_in_a_folder": put_in_a_folder}


@pytest.mark.parametrize("damage", PARTITION_DAMAGES.values(), ids=PARTITION_DAMAGES)
def test_a_changed_file_is_named_before_a_row_is_used(
    sail: SparkSession, tmp_path: Path, damage: Callable[[Path], str]
) -> None:
    layer = written(daily_layer(tmp_path), sail)
    assert layer.read(sail).count() == 100, "a partition that nobody touched is read"
    said = damage(only_file(layer))
    for days in (None, [DAY]):
        with pytest.raises(DataCheckError) as error:
            layer.read(sail, days)
        assert str(error.value).startswith(said) and error.value.exit_code == 4
        assert "\n" not in str(error.value) and "run `encore rollup` again" in str(error.value)
    with pytest.raises(DataCheckError):
        layer.verified(DAY)
    if damage is flip_a_bit:
        assert layer.read(sail, [OTHER]).count() == 50, "only what is read is read for its checksum"
    else:
        with pytest.raises(DataCheckError):  # engines open files of all days, to learn the columns
            layer.read(sail, [OTHER])


def test_files_that_no_engine_reads_may_come_and_go(sail: SparkSession, tmp_path: Path) -> None:
    layer = written(daily_layer(tmp_path), sail)
    for name in ("_notes.txt", ".DS_Store"):
        (only_file(layer).parent / name).write_text("x")
    assert layer.read(sail).count() == 100


def test_a_folder_that_was_copied_in_is_named(sail: SparkSession, tmp_path: Path) -> None:
    layer = written(daily_layer(tmp_path), sail)
    stray = layer.partition("2017-06-01")
    shutil.copytree(only_file(layer).parent, stray, ignore=shutil.ignore_patterns("_*"))
    with pytest.raises(DataCheckError, match=f"{stray}: this folder has no record, so Encore did not write it"):
        layer.read(sail)
    assert layer.read(sail, [DAY, OTHER]).count() == 100


def test_a_rebuilt_partition_is_read_again(sail: SparkSession, tmp_path: Path) -> None:
    layer = written(daily_layer(tmp_path), sail)
    flip_a_bit(only_file(layer))
    layer.remove(DAY)
    assert written(layer, sail).read(sail).count() == 100


def test_in_a_store_names_and_sizes_are_compared(sail: SparkSession, bucket: Remote) -> None:
    layer = written(daily_layer(bucket), sail)
    assert layer.read(sail).count() == 100
    (file,) = layer.partition(DAY).glob("*.parquet")
    seal = seals(layer.partition(DAY))[file.name]
    assert seal.size == file.stat().st_size > 0 and seal.crc32 is None
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])
    for days in (None, [DAY]):
        with pytest.raises(DataCheckError, match=f"{file}: this file has {len(whole) - 9:,} bytes"):
            layer.read(sail, days)
    file.write_bytes(whole)
    (layer.partition(DAY) / "part-9.parquet").write_bytes(whole)
    with pytest.raises(DataCheckError, match="part-9.parquet: this file was not written by Encore"):
        layer.read(sail)
    (layer.partition(DAY) / "part-9.parquet").unlink()
    file.unlink()
    with pytest.raises(DataCheckError, match=f"{file.name}: this file is missing"):
        layer.read(sail)


def test_the_checksum_is_that_of_the_whole_file(tmp_path: Path) -> None:
    """The check value that the literature gives for CRC-32/ISO-HDLC, and of a file of several blocks."""
    (tmp_path / "check").write_bytes(b"123456789")
    (tmp_path / "blocks").write_bytes(b"\0" * (3 << 20))
    found = seals(tmp_path)
    assert (found["check"].crc32, found["check"].size) == (0xCBF43926, 9)
    assert found["blocks"].size == 3 << 20
    (tmp_path / "blocks").write_bytes(b"\0" * ((3 << 20) - 1) + b"\1")
    assert seals(tmp_path)["blocks"].crc32 != found["blocks"].crc32


def test_a_changed_byte_in_the_same_moment_is_noticed(tmp_path: Path) -> None:
    """Another file in its place has another inode, though size and time are equal."""
    import os

    file = tmp_path / "part"
    file.write_bytes(b"a")
    stamp = file.stat().st_mtime_ns
    first = seals(tmp_path)
    (tmp_path / ".new").write_bytes(b"b")
    (tmp_path / ".new").replace(file)
    os.utime(file, ns=(stamp, stamp))
    assert seals(tmp_path) != first
