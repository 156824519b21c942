"""A folder that may not be read is named in one line with exit code 3, and never taken to be empty."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from conf.errors import InputError
from jobs.engine import engine
from jobs.features import features
from jobs.ingest import ingest
from jobs.rollup import rollup
from jobs.storage.backend import matching, subfolders
from jobs.storage.landing import landed_files
from tests.jobs.console.rights import of_a_user
from tests.support.archives import GOOD, context, pack
from tests.support.console import Encore
from tests.support.engines import SMALL

DAY, AS_OF = "2017-04-01", "2017-04-02"


@contextmanager
def closed(folder: Path, mode: int = 0) -> Iterator[None]:
    """A folder that may not be read; by another mode it may be entered, or listed, but not both."""
    folder.chmod(mode)
    try:
        with of_a_user():
            yield
    finally:
        folder.chmod(0o755)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plays of a day, up to the feature table of the next."""
    from jobs.unpack import unpack

    run = context(tmp_path_factory.mktemp("closed"))
    pack(run.data.raw, "20170401_1_play.log.tar.gz", "1_play.log", GOOD.encode())
    unpack(run)
    with engine("sail", SMALL) as sail:
        ingest(run, sail)
        rollup(run, sail)
        features(run, sail, [date.fromisoformat(AS_OF)])
    return run.data.root


CASES = [
    ("ingest", "landing"),
    ("ingest", "landing/play"),
    ("ingest", f"landing/play/date={DAY}"),
    ("ingest", "events/play"),
    ("rollup", "events"),
    ("rollup", "events/play"),
    ("rollup", f"events/play/date={DAY}"),
    ("features", "daily"),
    ("features", f"daily/date={DAY}"),
    ("features", "features/_export"),
    ("score", "features"),
    ("score", f"features/as_of={AS_OF}"),
    ("drift", "scores"),
    ("report", "daily"),
    ("report", "features"),
    ("report", "models"),
    ("report", "recommender"),
    ("run", "landing/.done"),
    ("run", "daily"),
]


@pytest.mark.parametrize(("command", "folder"), CASES)
def test_a_command_names_the_folder_that_it_may_not_read(encore: Encore, made: Path, command: str, folder: str) -> None:
    (made / folder).mkdir(exist_ok=True)
    before = sorted(made.glob("*/**/*.parquet"))
    with closed(made / folder):
        code, said = encore(command, "--data", made)
    assert code == 3 and said.startswith("encore: "), said
    assert f"{made / folder}" in said and "permission denied" in said.lower(), said
    assert "change the rights" in said or "make the folder readable" in said
    assert sorted(made.glob("*/**/*.parquet")) == before, "nothing was made again of an empty folder"


@pytest.mark.parametrize("mode", [0, 0o111, 0o222, 0o333])
def test_a_listing_does_not_take_a_closed_folder_to_be_empty(tmp_path: Path, mode: int) -> None:
    (tmp_path / "daily" / "date=2017-04-01").mkdir(parents=True)
    assert [path.name for path in subfolders(tmp_path / "daily")] == ["date=2017-04-01"]
    assert matching(tmp_path / "weekly") == []
    said = f"^reading {tmp_path / 'daily'}: permission denied; change the rights of this folder"
    with closed(tmp_path / "daily", mode):
        for pattern in ("*", "date=*", "date=*/*", "nothing"):
            with pytest.raises(InputError, match=said):
                matching(tmp_path / "daily", pattern)
        with pytest.raises(InputError, match=said):
            subfolders(tmp_path / "daily")
        with pytest.raises(InputError, match=said):
            matching(tmp_path, "*/*")


def test_a_pattern_has_a_part_for_each_level(tmp_path: Path) -> None:
    for name in ("a/date=1/x.log", "a/date=2/y.log", "a/other/z.log", "b/date=1/x.log", ".c/date=1/x.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "file").touch()

    def found(pattern: str) -> list[str]:
        return sorted(str(path.relative_to(tmp_path)) for path in matching(tmp_path, pattern))

    assert found("*") == [".c", "a", "b", "file"]
    assert found("a/date=*") == ["a/date=1", "a/date=2"]
    assert found("*/date=1/*.log") == [".c/date=1/x.log", "a/date=1/x.log", "b/date=1/x.log"]
    assert found("*/date=1/*.csv") == found("file/*") == []


def test_landed_lines_in_a_closed_folder_are_not_missing(made: Path, tmp_path: Path) -> None:
    landing = Path(shutil.copytree(made / "landing", tmp_path / "landing"))
    assert list(landed_files(landing)) == [("play", DAY)]
    with closed(landing / "play"), pytest.raises(InputError, match=f"^reading {landing / 'play'}: permission denied"):
        landed_files(landing)
