"""docs/commands.md and docs/configuration.md are what `python docs/generate.py` writes."""

from pathlib import Path

import pytest
from pydantic import Field

from conf.declaration import Declaration
from docs import generate

DOCS = Path(generate.__file__).parent


def test_pages_are_current() -> None:
    assert generate.stale(DOCS) == []


def test_check_names_a_stale_page(tmp_path: Path) -> None:
    generate.write(tmp_path)
    assert generate.stale(tmp_path) == []
    page = tmp_path / "commands.md"
    page.write_text(page.read_text().replace("--as-of", "--at"))
    assert generate.stale(tmp_path) == ["commands.md"]
    (tmp_path / "configuration.md").unlink()
    assert generate.stale(tmp_path) == ["commands.md", "configuration.md"]


def test_check_exits_with_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(generate, "stale", lambda folder: ["commands.md"])
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err == "docs/commands.md is not current; run `python docs/generate.py`\n"


def test_each_key_has_a_meaning() -> None:
    class Whole(Declaration):
        """First line.

        More prose: it is no key.

        first, second: a meaning
            on two lines.
        third_1: another.
        """

        first: int
        second: int
        third_1: int

    class Lacking(Declaration):
        """first: a meaning."""

        first: int
        second: int = Field(default=1)

    prose, by_key = generate.meanings(Whole)
    assert prose == "First line.\n\nMore prose: it is no key."
    assert by_key == {"first": "a meaning on two lines.", "second": "a meaning on two lines.", "third_1": "another."}
    with pytest.raises(ValueError, match="Lacking: its docstring has no line `second: meaning`"):
        generate.meanings(Lacking)
