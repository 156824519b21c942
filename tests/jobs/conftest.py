"""The program `encore` as a fixture."""

import pytest

from jobs.cli import main
from tests.support.console import Encore, error_text


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
