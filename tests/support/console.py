"""What a command printed on the console, as plain text."""

import re
from collections.abc import Callable

# Runs a command in this process; gives its exit code and what it said of the error.
Encore = Callable[..., tuple[int, str]]


def boxed_text(printed: str) -> str:
    """The text in the boxes that Typer draws around an error or a table of help, on one line, without colours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", printed)
    inside = [line.strip().strip("│|").strip() for line in plain.splitlines() if line.strip().startswith(("│", "|"))]
    return " ".join(inside)


def error_text(printed: str) -> str:
    """What was wrong: the line that begins with `encore: `, or what stands in Typer's box."""
    said = [line for line in printed.splitlines() if line.startswith("encore: ")]
    assert len(said) <= 1, said
    return said[0] if said else boxed_text(printed)
