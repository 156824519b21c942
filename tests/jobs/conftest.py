"""The program `encore` as a fixture, and a folder with models, made once for all modules."""

from pathlib import Path

import pytest

from jobs.cli import main
from jobs.engine import engine
from jobs.train import train
from tests.support.console import Encore, error_text
from tests.support.engines import SMALL
from tests.support.made_once import made_once
from tests.support.model_folder import ALIVE, shop, write_tables


@pytest.fixture(scope="session")
def trained_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the small shop with the models lr and gbt, which tests copy."""

    def make(data: Path) -> None:
        context = shop(data, alive=ALIVE)
        write_tables(context)
        with engine("spark", SMALL) as spark:
            train(context, spark, ["lr", "gbt"])

    return made_once(tmp_path_factory, "trained-shop", make)


@pytest.fixture
def encore(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Encore:
    """Run a command; gives its exit code and what it said of the error."""

    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["encore", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0), error_text(capsys.readouterr().err)
        return 0, ""

    return run
