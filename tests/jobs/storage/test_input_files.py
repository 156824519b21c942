"""Files that commands are told by name, wherever they lie."""

from pathlib import Path

import pytest
import yaml
from pyspark.sql import SparkSession

from conf.errors import DataCheckError, InputError, UsageError
from jobs.cli import app
from jobs.storage.input_files import for_workers, identity, local_input, require_file
from jobs.storage.location import Remote, place
from jobs.table import table as take_table
from tests.support import finished_table as tabled
from tests.support.archives import table as rows_in
from tests.support.layers import records_of
from tests.support.ratings import write_ratings


def test_a_file_of_this_machine_is_brought_to_where_workers_read_it(
    spark: SparkSession, mounted: Remote, tmp_path: Path
) -> None:
    file = tmp_path / "ids.csv"
    file.write_text("1\n2\n")
    there = for_workers(spark, file, mounted / "work")
    assert there == mounted / "work" / "named" / "ids.csv"
    assert [row["value"] for row in spark.read.text(str(there)).collect()] == ["1", "2"]
    assert for_workers(spark, there, tmp_path) == there
    assert for_workers(spark, file, tmp_path / "work") == file, "executors of this machine see it"


def test_sail_reads_it_where_it_is(sail: SparkSession, bucket: Remote, tmp_path: Path) -> None:
    assert for_workers(sail, tmp_path / "ids.csv", bucket) == tmp_path / "ids.csv"


def test_a_file_is_the_same_while_nobody_writes_it(bucket: Remote, tmp_path: Path) -> None:
    for file in (tmp_path / "ids.csv", bucket / "ids.csv"):
        file.write_text("1\n")
        first = identity(file)
        assert identity(file) == first
        file.write_text("1\n2\n")
        assert identity(file) != first
    assert str(tmp_path) in str(identity(tmp_path / "ids.csv"))


def test_recommend_takes_files_of_a_store(sail: SparkSession, bucket: Remote, tmp_path: Path) -> None:
    ratings, ids = write_ratings(tmp_path / "r.csv"), tmp_path / "ids.csv"
    ids.write_text("customer\nc03\nc07\n")
    for name in ("r.csv", "ids.csv"):
        (bucket / name).put(tmp_path / name)

    def recommended(data: Path, ratings: Path | Remote, ids: Path | Remote) -> list[dict[str, object]]:
        told = ["--interactions", str(ratings), "--customers", str(ids), "--model", "popular", "--top", "3"]
        app(["recommend", "--data", str(data), *told], standalone_mode=False)
        return rows_in(data / "recommendations" / "titles")

    found = recommended(tmp_path / "there", bucket / "r.csv", bucket / "ids.csv")
    assert found == recommended(tmp_path / "here", ratings, ids)
    assert {row["customer_id"] for row in found} == {"c03", "c07"}
    (bucket / "ids.csv").write_text("c05\n")
    again = recommended(tmp_path / "there", bucket / "r.csv", bucket / "ids.csv")
    assert {row["customer_id"] for row in again} == {"c05"}


def test_a_finished_table_of_a_store_is_taken(sail: SparkSession, bucket: Remote, tmp_path: Path) -> None:
    file = tabled.write(tmp_path / "records.csv", tabled.row(), tabled.row("8", again="0"))
    (bucket / "records.csv").put(file)
    here, there = tabled.shop(tmp_path / "here"), tabled.shop(tmp_path / "there")
    take_table(here, sail, file)
    take_table(there, sail, bucket / "records.csv")
    assert rows_in(here.data.features.root) == rows_in(there.data.features.root) != []
    assert records_of(here.data.features) == records_of(there.data.features)


def test_run_begins_with_a_finished_table_of_a_store(sail: SparkSession, bucket: Remote, tmp_path: Path) -> None:
    (bucket / "records.csv").put(tabled.write(tmp_path / "records.csv", tabled.row(), tabled.row("8", again="0")))
    file = tmp_path / "records.yaml"
    file.write_text(yaml.safe_dump(tabled.TABLED).replace("'2017-05-01'", "2017-05-01"))  # a date of YAML
    told = ["--data", str(tmp_path / "data"), "--service", str(file), "--raw", str(bucket / "records.csv")]
    with pytest.raises(InputError, match="at least"):  # two customers are too few to learn from
        app(["run", *told], standalone_mode=False)
    assert len(rows_in(tmp_path / "data" / "features")) == 2


def test_errors_name_the_place_that_was_given(sail: SparkSession, bucket: Remote, tmp_path: Path) -> None:
    shop = tabled.shop(tmp_path / "shop")
    with pytest.raises(InputError, match=f"^{bucket}/none.csv: there is no such file"):
        take_table(shop, sail, bucket / "none.csv")
    (bucket / "records.csv").put(tabled.write(tmp_path / "records.csv", tabled.row(minutes="1")))
    with pytest.raises(DataCheckError, match=f"^{bucket}/records.csv: the identity heard_is_on_it "):
        take_table(shop, sail, bucket / "records.csv")
    with local_input(tmp_path / "records.csv") as local:
        assert local == tmp_path / "records.csv"


def test_a_file_that_is_not_there_is_told_from_a_store_that_does_not_answer(
    spark: SparkSession, bucket: Remote, tmp_path: Path
) -> None:
    for missing in (tmp_path / "none.csv", bucket / "none.csv"):
        with pytest.raises(InputError, match=f"^--customers {missing}: there is no such file$"):
            require_file(missing, "--customers")
    with pytest.raises(InputError, match="^hdfs://localhost:1/ids.csv: cannot be reached .*Connection refused"):
        require_file(place("hdfs://localhost:1/ids.csv", "spark"), "--customers")


@pytest.mark.parametrize("command", ["unpack", "run"])
def test_archives_stay_on_a_disk(bucket: Remote, tmp_path: Path, command: str) -> None:
    with pytest.raises(UsageError, match=f"^{bucket}: archives must be on a disk of this machine"):
        app([command, "--data", str(tmp_path), "--raw", str(bucket)], standalone_mode=False)
