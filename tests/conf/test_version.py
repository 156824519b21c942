"""Which version of Encore a checkout, or an installed package, is."""

import subprocess
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from conf import version as module
from conf.version import code_version


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=T", "-c", "user.email=t@example.com"]
    (tmp_path / "code.py").write_text("1\n")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *arguments], check=True)
    monkeypatch.setattr(module, "CHECKOUT", tmp_path)
    return tmp_path


def test_code_version_is_the_commit(checkout: Path) -> None:
    said = subprocess.run(["git", "-C", str(checkout), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert code_version() == said.stdout[:12]
    (checkout / "code.py").write_text("2\n")
    assert code_version() == said.stdout[:12] + "+changes"


def test_code_version_without_git(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert code_version() == "0.1.0"  # the package's
    monkeypatch.setattr(module, "CHECKOUT", tmp_path / "no checkout")
    assert code_version() == "0.1.0"


def test_code_version_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr(module, "CHECKOUT", tmp_path)
    monkeypatch.setattr(module, "version", missing)
    assert code_version() == "unknown"
