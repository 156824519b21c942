"""Tables on the standard output: drawn on a terminal, and in plain columns where a program or a file reads them."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.printable import printable

LONGEST_CELL = 70


def print_line(text: str = "") -> None:
    """Print a line of data: no markup and no escape code in it takes effect."""
    _console().print(Text(printable(text)), soft_wrap=True)


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a header; nothing where there are none."""
    if not rows:
        return
    cells = [[_cut(printable(cell)) for cell in row] for row in rows]
    console = _console()
    if not console.is_terminal:
        widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in [header, *cells]]
        console.print(Text("\n".join([title, *(f"  {line}" for line in lines)])), soft_wrap=True)
        return
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in header:
        table.add_column(name, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


def _console() -> Console:
    return Console(highlight=False)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
