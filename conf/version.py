"""Which version of Encore this is."""

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]


def package_version() -> str:
    """The version of the installed package, `unknown` where none is installed."""
    try:
        return version("encore")
    except PackageNotFoundError:
        return "unknown"


def code_version() -> str:
    """The commit of this checkout, with `+changes` where files differ from it; elsewhere the package's version."""
    commit = _git("rev-parse", "HEAD") if (CHECKOUT / ".git").exists() else None
    if commit:
        return f"{commit[:12]}+changes" if _git("status", "--porcelain") else commit[:12]
    return package_version()


def _git(*arguments: str) -> str | None:
    """What git prints, None where it fails."""
    try:
        command = ["git", "-C", str(CHECKOUT), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return None
    return done.stdout.strip()
