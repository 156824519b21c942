"""The version of Encore that runs."""

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]


def package_version() -> str:
    """The version of the installed package; `unknown` if it is not installed."""
    try:
        return version("encore")
    except PackageNotFoundError:
        return "unknown"


def code_version() -> str:
    """The commit of this checkout, with `+changes` if files differ from it; outside a checkout the package version."""
    commit = _git("rev-parse", "HEAD") if (CHECKOUT / ".git").exists() else None
    if commit:
        return f"{commit[:12]}+changes" if _git("status", "--porcelain") else commit[:12]
    return package_version()


def _git(*arguments: str) -> str | None:
    """The output of a git command; None if it fails."""
    try:
        command = ["git", "-C", str(CHECKOUT), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return None
    return done.stdout.strip()
