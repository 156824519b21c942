"""Archives that arrive in any order, in parts, late and twice: in the end the tables are those of one run over all."""

import gzip
import io
import tarfile
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from conf.errors import InputError
from conf.load import load_service
from jobs.context import Context
from jobs.features import features
from jobs.ingest import ingest
from jobs.rollup import rollup
from jobs.unpack import unpack
from tests.support.archives import context, play_line, without_sketches
from tests.support.cluster_processes import weekly_music

DAYS = [date(2017, 4, 1) + timedelta(days=number) for number in range(13)]  # a week, four days' outcome, two more
PARTS = (1, 2, 3)
ARCHIVES = list(product(DAYS, PARTS))
KINDS = (".log", ".log.gz", ".log.tar.gz")

Archive = tuple[date, int]
Delivery = list[tuple[Archive, str]]


def text_of(archive: Archive) -> bytes:
    """The log of one part of a day: a third of 30 customers, each on some days; two parts of a day can be equal."""
    day, part = archive
    lines = [
        play_line(customer, seconds=20 + (customer * day.day) % 200, song=1 + (customer + day.day) % 5)
        for customer in range(part, 31, 3)
        if (customer * 7 + day.day * 3) % 4
    ]
    return "".join(lines).encode()


def deliver(folder: Path, delivery: Delivery) -> Path:
    """A folder with these archives alone."""
    folder.mkdir(parents=True)
    for (day, part), kind in delivery:
        name, text = f"{day:%Y%m%d}_{part}_play", text_of((day, part))
        match kind:
            case ".log":
                (folder / (name + kind)).write_bytes(text)
            case ".log.gz":
                (folder / (name + kind)).write_bytes(gzip.compress(text))
            case _:
                with tarfile.open(folder / (name + kind), "w:gz") as packed:
                    member = tarfile.TarInfo(f"{part}_play.log")
                    member.size = len(text)
                    packed.addfile(member, io.BytesIO(text))
    return folder


@st.composite
def deliveries(draw: st.DrawFn) -> list[Delivery]:
    """All archives, in some order, in one to three deliveries; some come again, packed in the same way or another."""
    order = draw(st.permutations(ARCHIVES))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=len(order), max_size=len(order)))
    packed = list(zip(order, kinds, strict=True))
    cuts = sorted(draw(st.sets(st.integers(1, len(packed) - 1), max_size=2)))
    parts = [packed[start:end] for start, end in pairwise([0, *cuts, len(packed)])]
    for archive, kind in draw(st.lists(st.tuples(st.sampled_from(ARCHIVES), st.sampled_from(KINDS)), max_size=9)):
        part = parts[draw(st.integers(0, len(parts) - 1))]
        if (archive, kind) not in part:
            part.append((archive, kind))
    return parts


def run_steps(context: Context, sail: SparkSession, raw: Path) -> None:
    """What `encore run` does up to the tiles, and to the feature tables where there are days enough."""
    unpack(context, raw)
    ingest(context, sail)
    rollup(context, sail)
    with suppress(InputError):
        features(context, sail)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The music service with features of a week."""
    file = tmp_path_factory.mktemp("service") / "weekly.yaml"
    file.write_text(weekly_music(), encoding="utf-8")
    return file


def place(data: Path, service: Path) -> Context:
    """A context for a new folder."""
    return replace(context(data), service=load_service(str(service)))


@settings(max_examples=3)
@given(parts=deliveries())
def test_deliveries_make_the_tables_of_one_run(
    sail: SparkSession, tmp_path_factory: pytest.TempPathFactory, service: Path, parts: list[Delivery]
) -> None:
    root = tmp_path_factory.mktemp("deliveries")
    at_once, in_parts = place(root / "at_once", service), place(root / "in_parts", service)
    run_steps(at_once, sail, deliver(root / "whole", [(archive, ".log.gz") for archive in ARCHIVES]))
    for number, part in enumerate(parts):
        run_steps(in_parts, sail, deliver(root / f"delivery_{number}", part))
    for layer in ("events/play", "daily"):
        expected = without_sketches(at_once.data.root / layer)
        assert without_sketches(in_parts.data.root / layer) == expected != []
    assert at_once.data.features.values()
    for as_of in at_once.data.features.values():
        expected = without_sketches(at_once.data.features.partition(as_of))
        assert without_sketches(in_parts.data.features.partition(as_of)) == expected != []
