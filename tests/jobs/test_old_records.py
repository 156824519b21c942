"""Data folders of an older Encore: its records have no version, and each command names the one that repairs them."""

import json
import shutil
from pathlib import Path

import pytest

from conf.load import load_service
from jobs.engine import engine
from jobs.features import features
from jobs.ingest import ingest
from jobs.records.training import ChosenRecord
from jobs.rollup import rollup
from jobs.storage.layer import RECORD
from jobs.storage.records import PartitionRecord, write_record
from jobs.training.artifacts import AUDIT, CHOSEN, METRICS
from jobs.training.variants import variant_of
from jobs.unpack import unpack
from tests.support.archives import context, pack, play_line, table
from tests.support.console import Encore
from tests.support.engines import SMALL
from tests.support.trained_model import model_record

DAY, AS_OF = "2017-04-01", "2017-04-02"
OLD = "was written by an older version of Encore (this one reads schema {}); run `encore"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A music service with plays on one day, up to its feature table."""
    run = context(tmp_path_factory.mktemp("old"))
    lines = "".join(play_line(customer) for customer in range(1, 30))
    pack(run.data.raw, "20170401_1_play.log.tar.gz", "1_play.log", lines.encode())
    unpack(run)
    with engine("sail", SMALL) as sail:
        ingest(run, sail)
        rollup(run, sail)
        features(run, sail)
    return run.data.root


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "data"))


def grow_old(data: Path, *patterns: str) -> None:
    """Write records as Encore did before their schemas had versions."""
    for file in (file for pattern in patterns for file in data.glob(pattern)):
        record = json.loads(file.read_text())
        assert record.pop("schema_version") == PartitionRecord.VERSION == 2
        del record["record_crc32"]
        file.write_text(json.dumps(record))


def versions(data: Path) -> set[int | None]:
    return {json.loads(file.read_text()).get("schema_version") for file in data.rglob(RECORD)}


def test_a_folder_of_old_records_is_repaired_by_its_commands_in_order(encore: Encore, data: Path) -> None:
    before = table(data / "features")
    grow_old(data, f"**/{RECORD}")
    assert versions(data) == {None}
    refused = {
        "features": (f"events/play/date={DAY}", "ingest"),
        "rollup": (f"events/play/date={DAY}", "ingest"),
        "score": (f"features/as_of={AS_OF}", f"features --as-of {AS_OF}"),
        "report": (f"events/play/date={DAY}", "ingest"),
    }
    for command, (folder, again) in refused.items():
        code, said = encore(command, "--data", data)
        assert (code, said.count("\n")) == (3, 0)
        named = f"encore: {data / folder}: {OLD.format(2)} {again}`"
        assert said.startswith(named) and said.endswith(" again"), command
    for command in ("ingest", "rollup", "features", "report"):
        assert encore(command, "--data", data) == (0, ""), command
    assert versions(data) == {2}
    assert len(before) == 29 and table(data / "features") == before


@pytest.mark.parametrize(
    ("file", "again"),
    [
        (f"models/{CHOSEN}", "`encore train`"),
        (f"models/{AUDIT}", "`encore train`"),
        (f"models/gbt/{METRICS}", "`encore train` (of a network: `encore train-keras`)"),
        (f"scores/as_of={AS_OF}/{RECORD}", f"`encore score --as-of {AS_OF}`"),
    ],
)
def test_the_report_names_what_was_made_by_an_older_version(encore: Encore, data: Path, file: str, again: str) -> None:
    write_record(data / "models" / CHOSEN, ChosenRecord(model="gbt", why="the best"))
    model = model_record()
    declared = variant_of(model).declared_version(load_service("music"))
    fitted_on = model.fitted_on.model_copy(update={"declared": declared})
    write_record(data / "models" / "gbt" / METRICS, model.model_copy(update={"fitted_on": fitted_on}))
    (data / file).parent.mkdir(parents=True, exist_ok=True)
    (data / file).write_text('{"model": "gbt"}')
    code, said = encore("report", "--data", data)
    schema = 3 if file.endswith(RECORD) else 2 if file.endswith(METRICS) else 1
    named = (data / file).parent if file.endswith(RECORD) else data / file  # a layer names the partition
    assert (code, said) == (3, f"encore: {named}: {OLD.format(schema).removesuffix('`encore')}{again} again")
