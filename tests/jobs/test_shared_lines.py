"""Several kinds of event in one file, told apart by a condition: unpacked once, each line counted once."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from conf.errors import UsageError
from conf.load import load_service, overridden
from jobs.ingest import ingest, summary
from jobs.reporting.row_counts import row_counts
from jobs.unpack import unpack
from tests.support.archives import context, pack, without_sketches
from tests.support.frames import SHOP

COLUMNS: dict[str, Any] = {
    "customer_id": {"type": "bigint", "sql": "who", "required": True, "about": "Who"},
    "song": {"type": "string", "sql": "song", "about": "Song"},
}
LANDING: dict[str, Any] = {
    "files": "*log*",
    "fields": ["who", "page", "song"],
    "customer": "who",
    "day": "name",
    "where": "page = 'NextSong'",
}
PLAY: dict[str, Any] = {
    "about": "A song played.",
    "landing": LANDING,
    "columns": COLUMNS,
    "duplicates": "keep",
    "measures": {"plays": {"sql": "count(*)", "about": "Plays"}, "songs": {"sql": "count(song)", "about": "Named"}},
}
THUMB: dict[str, Any] = {
    "about": "A song liked.",
    "landing": {"lines_of": "play", "where": "page = 'Thumbs Up'"},
    "columns": COLUMNS,
    "duplicates": "keep",
    "measures": {"thumbs": {"sql": "count(*)", "about": "Thumbs"}},
}
SERVICE: dict[str, Any] = {
    key: SHOP[key] for key in ("title", "about", "windows", "eligible", "label", "recency_feature")
} | {
    "events": {"play": PLAY, "thumb": THUMB},
    "features": {
        "days_since_last_event": {"kind": "days", "unit": "days", "about": "Days since the last event"}
        | {"from_tiles": "min(age_days)", "null_means": "never null"}
    },
    "eligible": {"when": "days_since_last_event > 0", "about": "All"},
    "label": {"name": "stays", "when": "plays > 0", "one_if": "present", "about": "Plays again"},
    "recency_feature": "days_since_last_event",
}
LINES = [
    "1\tNextSong\tAlpha",
    "1\tNextSong\tNULL",
    "1\tThumbs Up\tAlpha",
    "2\tHome\t",
    "\tNextSong\tBeta",  # who plays is not known
    "2\tNULL\tGamma",  # so is the page
    "3\tthumbs up\tGamma",
    "2\tHome\t",
]


def written(folder: Path, **changed: Any) -> str:
    (folder / "stream.yaml").write_text(yaml.safe_dump(SERVICE | changed, sort_keys=False))
    return str(folder / "stream.yaml")


def by_engine(engine: str, request: pytest.FixtureRequest) -> SparkSession:
    session: SparkSession = request.getfixturevalue(engine)
    return session


@pytest.mark.parametrize("engine", ["sail", "spark"])
def test_each_line_is_of_one_event_or_of_none(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    pack(tmp_path / "raw", "20170401.log.tar.gz", "20170401.log", "".join(f"{line}\n" for line in LINES).encode())
    run = context(tmp_path, written(tmp_path), engine)
    assert unpack(run).records == len(LINES)
    found = ingest(run, by_engine(engine, request), accept_rejected=True)
    play, thumb = (run.data.events(name).records()["2017-04-01"] for name in ("play", "thumb"))
    assert (play.events, play.rejected, play.elsewhere, play.unclaimed) == (2, 1, 5, 4)
    assert (thumb.events, thumb.rejected, thumb.elsewhere, thumb.unclaimed) == (1, 0, 7, 0)
    assert "play: 7 lines: 2 events, 1 rejected (most often customer_id_missing, 1, such as who: (empty))" in summary(
        found
    )
    assert "0 duplicates, 4 of no event (such as page: Home, 2)" in summary(found)
    assert "thumb: 1 line: 1 event, 0 rejected, 0 duplicates" in summary(found)
    songs = [row["song"] for row in without_sketches(run.data.events("play").root)]
    assert sorted(map(str, songs)) == ["Alpha", "None"]
    steps = {step.what: step for step in row_counts(run.data, run.service).steps if step.layer == "events"}
    assert (steps["play"].rows_in, steps["play"].rest) == (7, {"rejected": 1, "of no event": 4})
    assert (steps["thumb"].rows_in, steps["thumb"].rest) == (1, {})


def test_another_condition_makes_both_events_again(sail: SparkSession, tmp_path: Path) -> None:
    pack(tmp_path / "raw", "20170401.log.tar.gz", "20170401.log", "".join(f"{line}\n" for line in LINES).encode())
    run = context(tmp_path, written(tmp_path))
    unpack(run)
    ingest(run, sail, accept_rejected=True)
    thumb = copy.deepcopy(THUMB)
    thumb["landing"]["where"] = "lower(page) = 'thumbs up'"
    run = context(tmp_path, written(tmp_path, events={"play": PLAY, "thumb": thumb}))
    found = ingest(run, sail, accept_rejected=True)
    assert (found["play"].days, found["play"].unclaimed, found["thumb"].events) == (1, 3, 2)
    assert not any(one.days for one in ingest(run, sail, accept_rejected=True).values())


def test_the_command_line_overrides_such_a_service(tmp_path: Path) -> None:
    service = load_service(written(tmp_path))
    changed = overridden(service, {"training": {"folds": 4}})
    assert changed.events == service.events and changed.training.folds == 4
    assert service.events["thumb"].landing.names == ["who", "page", "song"]


@pytest.mark.parametrize(
    ("landing", "message"),
    [
        ({"lines_of": "plays"}, "events.thumb.landing.lines_of: 'plays' is no event with lines of its own; choose"),
        ({"lines_of": "thumb"}, "events.thumb.landing.lines_of: 'thumb' is no event with lines of its own; choose"),
        ({"lines_of": ["play"]}, "events.thumb.landing.lines_of: ['play'] is no event with lines of its own; choose"),
        (
            {"lines_of": "play", "files": "*thumb*", "day": "name"},
            "events.thumb.landing: the layout is that of play, whose lines it shares; remove files",
        ),
        ({"lines_of": "play", "where": "pages = 'x'"}, "events.thumb: landing.where: "),
        ({"lines_of": "play", "where": "count(*) > 1"}, "events.thumb: landing.where: "),
    ],
)
def test_what_cannot_be_shared_is_refused(tmp_path: Path, landing: dict[str, Any], message: str) -> None:
    events = {"play": PLAY, "thumb": THUMB | {"landing": landing}}
    with pytest.raises(UsageError) as refused:
        load_service(written(tmp_path, events=events))
    assert message in str(refused.value)
