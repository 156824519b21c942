"""Records: they come back as they were written, and one that cannot be read is named with the command to run again."""

import json
import re
from collections.abc import Callable
from dataclasses import astuple
from datetime import date
from math import inf, isnan, nan
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conf.errors import EncoreError
from jobs.console.commands import command_modules
from jobs.records import drift, layers, recommending, scoring, simulation, training
from jobs.records.layers import FeaturesRecord, InteractionsBasis, InteractionsRecord, TableSource
from jobs.records.training import ChosenRecord, ModelRecord
from jobs.storage.layer import RECORD, Layer
from jobs.storage.records import (
    DamagedRecordError,
    PartitionRecord,
    Record,
    SealedRecord,
    UnreadableRecordError,
    find_readable,
    find_record,
    from_text,
    read_record,
    readable,
    to_text,
    write_record,
)
from models.evaluation.intervals import Interval
from models.fitting.cross_validation import Candidate
from tests.support.layers import changed_record
from tests.support.trained_model import model_record

DAY = "2017-05-01"
MODULES = (drift, layers, recommending, scoring, simulation, training)
KINDS = {
    kind.__name__: kind
    for module in MODULES
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Record) and kind not in (Record, SealedRecord, PartitionRecord)
}


class CountRecord(PartitionRecord):
    """A record as small as can be, all of whose keys must be there."""

    COMMAND: ClassVar[str] = "`encore rollup`"
    basis: str
    files: int


FILE = to_text(CountRecord(basis="tiles", files=3))


# ---- what is written comes back ----


def test_nested_dataclasses_and_numbers_that_are_not_known_come_back(tmp_path: Path) -> None:
    file = tmp_path / "models" / "metrics.json"
    write_record(file, model_record(gain_over_recency=Interval(0.5, -inf, nan)))
    found = read_record(ModelRecord, file)
    assert found.metrics["test"]["auc"] == Interval(0.8, 0.7, 0.9)
    assert found.tuning.candidates[1] == Candidate({"depth": 5, "rounds": 50}, 0.9, 0.1, True)
    assert all(isnan(number) for number in astuple(found.metrics["test"]["ks"]))
    assert found.gain_over_recency.value == 0.5
    assert isnan(found.gain_over_recency.low) and isnan(found.gain_over_recency.high)
    assert found.fitted_on == model_record().fitted_on and found.network is None


def test_a_file_begins_with_the_version_of_its_schema_and_holds_null_for_no_number(tmp_path: Path) -> None:
    write_record(tmp_path / "metrics.json", model_record())
    data = json.loads((tmp_path / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert next(iter(data.items())) == ("schema_version", 2)
    assert data["metrics"]["test"]["ks"] == {"value": None, "low": None, "high": None}


def test_a_key_may_have_another_name_in_the_file() -> None:
    record = InteractionsRecord(
        basis=InteractionsBasis(days="a", configuration="b"), since=date(2017, 4, 1), pairs=3, customers=2, titles=1
    )
    data = json.loads(to_text(record))
    assert data["from"] == "2017-04-01" and "since" not in data
    assert from_text(InteractionsRecord, to_text(record), "x") == record


TEXT = st.text(max_size=5)
COUNT = st.integers(0, 10**12)
SOURCES = st.builds(TableSource, file=TEXT, rows=COUNT, header=st.booleans())


@given(st.builds(FeaturesRecord, sample=st.floats(0, 1), customers=COUNT, source=st.none() | SOURCES))
def test_any_record_comes_back(record: FeaturesRecord) -> None:
    assert from_text(FeaturesRecord, to_text(record), "x") == record
    assert from_text(FeaturesRecord, to_text(record, indent=None), "x") == record


@given(st.floats() | st.floats(-1, 1), st.text(max_size=3), st.dictionaries(TEXT, st.integers() | TEXT, max_size=3))
def test_any_number_of_a_nested_dataclass_comes_back(number: float, name: str, params: dict[str, int | str]) -> None:
    record = model_record(
        metrics={"train": {}, "test": {name: Interval(number, 0.0, 1.0)}},
        tuning={"folds": 2, "rows": 9, "candidates": [Candidate(params, number, number, True)]},
    )
    found = from_text(ModelRecord, to_text(record), "x")
    same = found.metrics["test"][name].value, found.tuning.candidates[0].deviation
    assert all(
        one == number or (isnan(one) and number in (inf, -inf)) or (isnan(one) and isnan(number)) for one in same
    )
    assert found.tuning.candidates[0].params == params


# ---- what cannot be read ----


def changed(**changes: Any) -> str:
    """The file with keys changed, or taken out where they are None."""
    data = json.loads(changed_record(FILE, **changes))
    return json.dumps({key: value for key, value in data.items() if value is not None})


UNREADABLE = {
    "older": (changed(schema_version=None), r"was written by an older version of Encore \(this one reads schema 2\)"),
    "newer": (
        changed(schema_version=3),
        r"was written by a version of Encore with schema 3 \(this one reads schema 2\)",
    ),
    "missing key": (changed(files=None), "the key files is missing"),
    "extra key": (changed(sampel=0.1), "the key sampel is unknown"),
    "wrong type": (changed(files="many"), "the value of files cannot be read"),
}
DAMAGED = {
    "nothing": ("", "is not a whole record"),
    "half": (FILE[: len(FILE) // 2], "is not a whole record"),
    "a list": ("[1, 2]", "is not a whole record"),
    "a number": ("7", "is not a whole record"),
    "null": ("null", "is not a whole record"),
    "another number": (FILE.replace('"files": 3', '"files": 7'), r"this record is not as it was written \(.*\)"),
    "another checksum": (FILE.replace('_crc32": ', '_crc32": 1'), r"this record is not as it was written \(.*\)"),
    "another name": (FILE.replace('"tiles"', '"t\ufffdles"'), r"this record is not as it was written \(.*\)"),
}


BOTH = [(UnreadableRecordError, 3, *one) for one in UNREADABLE.values()] + [
    (DamagedRecordError, 4, *one) for one in DAMAGED.values()
]


@pytest.mark.parametrize(("kind", "code", "text", "problem"), BOTH, ids=[*UNREADABLE, *DAMAGED])
def test_a_file_that_cannot_be_read_is_named_with_the_command_to_run_again(
    tmp_path: Path, kind: type[EncoreError], code: int, text: str, problem: str
) -> None:
    file = tmp_path / "record.json"
    file.write_text(text)
    for read in (read_record, find_record):
        with pytest.raises(kind) as error:
            read(CountRecord, file)
        assert re.fullmatch(f"{re.escape(str(file))}: {problem}.*; run `encore rollup` again", str(error.value))
        assert error.value.exit_code == code


@pytest.mark.parametrize("text", [text for text, _ in (UNREADABLE | DAMAGED).values()], ids=UNREADABLE | DAMAGED)
def test_a_command_that_writes_the_record_again_takes_it_to_be_absent(tmp_path: Path, text: str) -> None:
    file = tmp_path / "record.json"
    assert find_readable(CountRecord, file) is None and find_record(CountRecord, file) is None, "there is no file"
    file.write_text(text)
    assert readable(CountRecord, text) is None and find_readable(CountRecord, file) is None
    file.write_text(FILE)
    assert find_readable(CountRecord, file) == readable(CountRecord, FILE) == CountRecord(basis="tiles", files=3)


def test_every_flipped_bit_of_a_record_is_noticed(tmp_path: Path) -> None:
    file, whole = tmp_path / "record.json", FILE.encode()
    for at in range(8 * len(whole)):
        data = bytearray(whole)
        data[at // 8] ^= 1 << at % 8
        file.write_bytes(data)
        try:
            found = read_record(CountRecord, file)
        except (DamagedRecordError, UnreadableRecordError) as error:
            assert str(error).startswith(f"{file}: ")
        else:  # a blank that became another, or the end of the file
            assert found == CountRecord(basis="tiles", files=3), (at, bytes(data))


def test_a_record_without_a_checksum_of_an_older_version_is_read(tmp_path: Path) -> None:
    assert from_text(CountRecord, changed_record(FILE), "x") == CountRecord(basis="tiles", files=3)


@pytest.fixture
def layer(tmp_path: Path) -> Layer[CountRecord]:
    """Three days: one that can be read, one that cannot, one without a record."""
    found = Layer(tmp_path / "daily", "date", CountRecord)
    for day, text in {DAY: FILE, "2017-05-02": UNREADABLE["older"][0], "2017-05-03": None}.items():
        found.partition(day).mkdir(parents=True)
        if text:
            (found.partition(day) / RECORD).write_text(text)
    return found


def test_a_layer_names_the_partition_that_cannot_be_read(layer: Layer[CountRecord]) -> None:
    old = "date=2017-05-02: was written by an older version .*; run `encore rollup` again$"
    calls: list[Callable[[], object]] = [lambda: layer.record("2017-05-02"), layer.records]
    for call in calls:
        with pytest.raises(UnreadableRecordError, match=old):
            call()
    assert layer.record(DAY) == CountRecord(basis="tiles", files=3) and layer.record("2017-05-03") is None


def test_a_command_that_writes_the_layer_finds_only_what_can_be_read(layer: Layer[CountRecord]) -> None:
    known = CountRecord(basis="tiles", files=3)
    assert layer.readable() == {DAY: known}
    assert layer.up_to_date(dict.fromkeys(layer.values(), "tiles")) == {DAY: known}
    assert layer.up_to_date({DAY: "other tiles"}) == layer.up_to_date({"2017-05-04": "tiles"}) == {}
    layer.write_manifest(["files"])
    assert (layer.root / "_manifest.csv").read_text(encoding="utf-8-sig") == f"date,files\n{DAY},3\n"


def test_the_command_may_name_the_partition() -> None:
    with pytest.raises(UnreadableRecordError, match=f"run `encore features --as-of {DAY}` .* again$"):
        from_text(FeaturesRecord, "{}", "features", DAY)


def test_a_new_version_of_the_schema_reads_no_old_file() -> None:
    class Newer(ChosenRecord):
        VERSION = 2

    text = to_text(ChosenRecord(model="lr", why="the best"))
    with pytest.raises(UnreadableRecordError, match=r"a version of Encore with schema 1 \(this one reads schema 2\)"):
        from_text(Newer, text, "chosen.json")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_record_names_a_command_that_there_is(kind: type[Record]) -> None:
    named = re.findall(r"`encore ([a-z-]+)", kind.COMMAND)
    assert named and set(named) <= set(command_modules())
    options = set(re.findall(r"--[a-z-]+", kind.COMMAND))
    known = {word for name in named for option in command_modules()[name].loaded.params for word in option.opts}
    assert options <= known
