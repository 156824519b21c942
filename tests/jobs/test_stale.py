"""What no longer matches its sources is rebuilt or refused by name, by every command: no old number at exit code 0."""

import copy
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from conf.errors import InputError
from conf.schema import Service
from jobs.console.progress import start_step
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.drift import drift
from jobs.engine import engine
from jobs.features import features
from jobs.ingest import ingest
from jobs.interactions import interactions
from jobs.lineage.shown import stale_parts
from jobs.prepare import prepare
from jobs.recommend import RecommendRequest, recommend
from jobs.rollup import rollup
from jobs.run import run as everything
from jobs.score import score
from jobs.train import train
from jobs.unpack import unpack
from tests.support.archives import table
from tests.support.engines import SMALL
from tests.support.frames import AS_OF, before
from tests.support.shop_logs import DAYS, SERVICE, archive, lines

LATE = 9  # the day, counted back from AS_OF, whose archive comes late
HAND = before(7)  # an as-of date that was asked for by hand
MATURE = before(1)  # the newest date with known labels: the logs end with AS_OF, and the outcome has two days
Declared = dict[str, Any]
Command = Callable[[Context, SparkSession], object]


def shop(data: Path, declared: Declared = SERVICE) -> Context:
    return Context(DataFolder(data), "shop", Service.model_validate(declared), SMALL, "sail")


def report_of(run: Context, spark: SparkSession) -> None:
    for error in stale_parts(run.lineage).values():
        raise error


def contacts(run: Context, spark: SparkSession) -> None:
    day = date.fromisoformat(max(run.data.scores.values()))
    request = RecommendRequest("implicit", as_of=day, segment="contact", model="popular")
    recommend(run, spark, request, lambda done, total, what: None)


# Each command as soon as it may use what lies below it; none of these starts Spark where it refuses.
COMMANDS: dict[str, Command] = {
    "rollup": rollup,
    "interactions": interactions,
    "features": features,
    "train": lambda run, spark: train(run, spark, ["lr"]),
    "prepare": lambda run, spark: prepare(run, run.data.root.parent / "arrays"),  # type: ignore[operator]
    "score": score,
    "drift": drift,
    "recommend": contacts,
    "report": report_of,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two weeks of logs but for one day, up to drift; the arrays of `prepare` beside the data."""
    root = tmp_path_factory.mktemp("stale")
    for day in set(range(DAYS)) - {LATE}:
        archive(root / "raw", day, lines(day))
    run = shop(root / "data")
    with pytest.MonkeyPatch.context() as patch, engine("sail", SMALL) as sail:
        patch.setattr("jobs.training.mlflow.find_spec", lambda name: None)  # MLflow takes seconds to import
        unpack(run, root / "raw")
        ingest(run, sail)
        rollup(run, sail)
        features(run, sail, [HAND])
        features(run, sail)
        interactions(run, sail)
        with engine("spark", SMALL) as spark:
            train(run, spark, ["lr"])
        score(run, sail)
        drift(run, sail)
    return root


def changed(path: str, value: Any) -> Declared:
    """The service with one declaration changed; path: its keys with dots."""
    declared = copy.deepcopy(SERVICE)
    *sections, key = path.split(".")
    section = declared
    for name in sections:
        section = section.setdefault(name, {})
    section[key] = value
    return declared


def refusals(run: Context, spark: SparkSession, names: Mapping[str, Command]) -> dict[str, str]:
    """The command that each of these commands asks for."""
    found = {}
    for name, command in names.items():
        try:
            command(run, spark)
        except InputError as error:
            said = str(error)
            assert error.exit_code == 3 and str(run.data.root) in said and "\n" not in said
            found[name] = re.findall(r"`encore ([a-z-]+)", said)[0]
    return found


def from_on(first: str, asked_for: str) -> dict[str, str]:
    """Every command from this one on is refused, and asks for another."""
    order = list(COMMANDS)
    return dict.fromkeys(order[order.index(first) :], asked_for)


TWICE = {"spent": {"sql": "sum(2 * spent)", "about": "Twice the coins"}}
OF_TILES = from_on("features", "rollup")
OF_OTHER_TABLES = dict.fromkeys(("train", "prepare", "score", "drift"), "features")  # which then asks for rollup
OF_TABLES = from_on("train", "features")
OF_MODELS = from_on("score", "train")
OF_SCORES = from_on("drift", "score")
DECLARATIONS: dict[str, tuple[Declared, dict[str, str]]] = {
    "a column of an event": (changed("events.visit.columns.spent.sql", "2 * spent"), from_on("rollup", "ingest")),
    "duplicates": (changed("events.visit.duplicates", "keep"), from_on("rollup", "ingest")),
    "a measure": (changed("events.visit.measures", TWICE), OF_TILES),
    "bots": (
        changed("bots.when", "events > 2"),
        OF_TILES | OF_OTHER_TABLES,
    ),
    "a feature": (changed("features.days_{days}d.windows", [1, 3, 9, 10]), OF_TABLES),
    "the label": (changed("label.when", "spent > 1"), OF_TABLES),
    "who is eligible": (changed("eligible.when", "days_10d > 0"), OF_TABLES),
    "training": (changed("training.seed", 99), OF_MODELS),
    "a grid": (changed("training.grids.lr.regularisation", [0.5]), OF_MODELS),
    "economics": (changed("targeting.cost_of_contact", 3.0), OF_SCORES),
    "limits of drift": (changed("drift.psi", 0.77), {"report": "drift"}),
}
SLOW = {"train", "recommend"}  # where they are not refused


@pytest.mark.parametrize(("change", "expected"), DECLARATIONS.items(), ids=DECLARATIONS)
def test_after_a_changed_declaration_old_numbers_are_rebuilt_or_refused(
    made: Path, tmp_path: Path, sail: SparkSession, change: str, expected: tuple[Declared, dict[str, str]]
) -> None:
    """From the last command to the first: each is refused until the one before it, which writes its own layer again."""
    declared, refused = expected
    run = shop(Path(shutil.copytree(made / "data", tmp_path / "data")), declared)
    called = {name: command for name, command in reversed(COMMANDS.items()) if name in refused or name not in SLOW}
    assert refusals(run, sail, called) == refused


def test_where_nothing_has_changed_nothing_is_refused_or_written(made: Path, sail: SparkSession) -> None:
    run = shop(made / "data")
    before_it = {file: file.stat().st_mtime_ns for file in (made / "data").rglob("*.parquet")}
    assert refusals(run, sail, {name: command for name, command in COMMANDS.items() if name not in SLOW}) == {}
    assert before_it == {file: file.stat().st_mtime_ns for file in (made / "data").rglob("*.parquet")} != {}


def test_values_of_the_command_line_do_not_make_what_they_made_stale(made: Path, sail: SparkSession) -> None:
    """`encore score --cost 3` and then `encore drift`: the service declares what it declared."""
    run = shop(made / "data")
    asked_for = changed("targeting.cost_of_contact", 3.0)
    overridden = replace(shop(made / "data", asked_for), declared=run.service)
    day, record = score(overridden, sail)
    assert record.plan and record.plan.cost_of_contact == 3.0
    run.lineage.require_scores(day, record)
    assert score(run, sail)[1].plan != record.plan, "without the value the plan is made again"
    drift(run, sail)


# ---- case 29: an archive that comes late ----


def spent_before(as_of: date, days: set[int]) -> tuple[int, int]:
    """Customers of the ten days before a date, and the coins that they spent: from the raw lines alone."""
    spent: dict[str, int] = {}
    for day in days:
        if as_of - timedelta(days=10) <= before(day) < as_of:
            for line in lines(day).decode().splitlines():
                who, coins, _ = line.split("\t")
                if who.isdigit():
                    spent[who] = spent.get(who, 0) + int(coins)
    return len(spent), sum(spent.values())


def spent_in(run: Context, as_of: date) -> tuple[int, int]:
    rows = table(run.data.root / "features" / f"as_of={as_of}")  # type: ignore[arg-type]
    return len(rows), sum(int(str(row["spent_10d"])) for row in rows)


def test_a_late_archive_reaches_every_layer_or_the_command_is_refused(
    made: Path, tmp_path: Path, sail: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.training.mlflow.find_spec", lambda name: None)
    for folder in ("data", "raw"):
        shutil.copytree(made / folder, tmp_path / folder)
    run = shop(tmp_path / "data")
    early = set(range(DAYS)) - {LATE}
    assert spent_in(run, HAND) == spent_before(HAND, early) != spent_before(HAND, set(range(DAYS)))
    archive(tmp_path / "raw", LATE, lines(LATE))
    unpack(run, tmp_path / "raw")
    assert refusals(run, sail, COMMANDS) == from_on("rollup", "ingest")
    assert ingest(run, sail)["visit"].days == 1
    later = {name: command for name, command in COMMANDS.items() if name not in ("rollup", "interactions")}
    assert refusals(run, sail, later) == OF_TILES
    assert rollup(run, sail) == 1
    assert refusals(run, sail, {name: COMMANDS[name] for name in OF_TABLES}) == OF_TABLES
    everywhere = [HAND, MATURE, AS_OF + timedelta(days=1)]
    assert features(run, sail).written == everywhere, "the one asked for by hand among them"
    for as_of in (HAND, MATURE):
        assert spent_in(run, as_of) == spent_before(as_of, set(range(DAYS)))
    assert refusals(run, sail, {name: COMMANDS[name] for name in OF_MODELS}) == OF_MODELS
    with engine("spark", SMALL) as spark:
        train(run, spark, ["lr"])
    assert refusals(run, sail, {name: COMMANDS[name] for name in OF_SCORES}) == OF_SCORES
    score(run, sail)
    assert refusals(run, sail, {"report": report_of}) == {"report": "drift"}
    drift(run, sail)
    assert refusals(run, sail, {"report": report_of}) == {}


def test_run_says_which_part_of_the_page_it_did_not_make_again(
    made: Path, tmp_path: Path, sail: SparkSession, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --as-of and a late archive: all tables and the model are made again, and the scores of that date only."""
    monkeypatch.setattr("jobs.training.mlflow.find_spec", lambda name: None)
    shutil.copytree(made / "data", tmp_path / "data")
    context = shop(tmp_path / "data")
    archive(tmp_path / "raw", LATE, lines(LATE))
    page = everything(context, start_step, raw=tmp_path / "raw", as_of=[HAND], models=["lr"])
    said, html = capfd.readouterr().err, page.read_text()  # type: ignore[union-attr]
    newest = str(AS_OF + timedelta(days=1))
    old = f"scores/as_of={newest}: "
    assert context.data.scores.values() == [str(HAND), newest]
    notes = [line.strip() for line in said.splitlines() if "not on the page" in line]
    assert [note.split(",")[0] for note in notes] == ["not on the page: scores", "not on the page: drift"]
    assert all(old in note and f"run `encore score --as-of {newest}` again" in note for note in notes)
    assert html.count("Not shown: scores, drift.") == 1 and old in html and "Not shown: models" not in html
    assert {*stale_parts(context.lineage)} == {"scores", "drift"}
    with pytest.raises(InputError, match="run `encore score"):
        report_of(context, sail)
    score(context, sail)
    drift(context, sail)
    assert stale_parts(context.lineage) == {}


def test_a_day_that_is_gone_from_the_landing_layer_is_noticed(made: Path, tmp_path: Path, sail: SparkSession) -> None:
    run = shop(Path(shutil.copytree(made / "data", tmp_path / "data")))
    day = str(before(3))
    run.data.events("visit").remove(day)
    assert refusals(run, sail, COMMANDS) == from_on("rollup", "ingest")
    shutil.rmtree(tmp_path / "data" / "landing")
    assert refusals(run, sail, {"features": features}) == {"features": "rollup"}, "tiles of a day without events"


def test_a_new_day_leaves_the_newest_table_and_its_scores_as_they_are(
    made: Path, tmp_path: Path, sail: SparkSession
) -> None:
    """What happens after as_of decides nothing yet, until the outcome is over."""
    for folder in ("data", "raw"):
        shutil.copytree(made / folder, tmp_path / folder)
    run = shop(tmp_path / "data")
    archive(tmp_path / "raw", -1, lines(-1))
    unpack(run, tmp_path / "raw")
    ingest(run, sail)
    assert (rollup(run, sail), interactions(run, sail)) == (1, 1)
    newest = run.data.features.records()[str(AS_OF + timedelta(days=1))]
    assert refusals(run, sail, {"report": report_of, "score": score}) == {}
    features(run, sail)
    assert run.data.features.records()[str(AS_OF + timedelta(days=1))] == newest
    archive(tmp_path / "raw", -2, lines(-2))
    unpack(run, tmp_path / "raw")
    ingest(run, sail)
    rollup(run, sail)
    features(run, sail)
    assert run.data.features.records()[str(AS_OF + timedelta(days=1))].label_status == "mature"


def test_a_table_that_cannot_be_made_again_is_named(made: Path, tmp_path: Path, sail: SparkSession) -> None:
    run = shop(Path(shutil.copytree(made / "data", tmp_path / "data")))
    stray = before(60)
    shutil.copytree(tmp_path / "data" / "features" / f"as_of={HAND}", tmp_path / "data" / "features" / f"as_of={stray}")
    with pytest.raises(InputError, match=f"as_of={stray}: was made from tiles .*; remove this folder"):
        features(run, sail)


# ---- exports ----


def test_exports_follow_the_content_of_the_tables(made: Path, tmp_path: Path, sail: SparkSession) -> None:
    run = shop(Path(shutil.copytree(made / "data", tmp_path / "data")))
    folder = tmp_path / "data" / "features" / "_export"
    files = {day: folder / f"features_{day}.csv" for day in (str(HAND), str(MATURE))}
    stamps = {day: file.stat().st_mtime_ns for day, file in files.items()}
    features(run, sail)
    assert stamps == {day: file.stat().st_mtime_ns for day, file in files.items()}, "nothing is written twice"
    whole = files[str(HAND)].read_bytes()
    files[str(HAND)].write_bytes(whole[:100])  # newer than the table, and half a file
    files[str(MATURE)].unlink()
    features(run, sail)
    assert files[str(HAND)].read_bytes() == whole and files[str(MATURE)].exists()
    # Another table under the same date, older by its time.
    shutil.rmtree(run.data.features.partition(str(HAND)))  # type: ignore[arg-type]
    features(run, sail, [HAND])
    run.data.features.remove(str(HAND))
    features(run, sail)
    assert not files[str(HAND)].exists(), "of a table that is gone nothing is shown"
