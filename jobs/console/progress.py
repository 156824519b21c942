"""Progress of a step on the console: a bar while it runs, and at its end a line that says what it did."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from jobs.printable import printable, printable_lines

console = Console(stderr=True, highlight=False, soft_wrap=True)


class Step:
    """A step that runs."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self.result, self._bar, self._task = "", bar, task

    def done(self, result: str) -> None:
        """Say what the step did."""
        self.result = result

    def update(self, done: int, total: int, what: str) -> None:
        """Say that `done` of `total` parts are done, and what comes next."""
        self._bar.update(self._task, completed=done, total=total, what=printable(what))


# Opens a step of a name.
StartStep = Callable[[str], AbstractContextManager[Step]]


@contextmanager
def start_step(name: str) -> Iterator[Step]:
    """Show that a step runs and how far it is; when it ends, say how long it took and what it did."""
    began = time.monotonic()
    what = TextColumn(f"{name} … {{task.fields[what]}}", markup=False)
    columns = (SpinnerColumn(), what, BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        step = Step(bar, bar.add_task(name, total=None, what=""))
        yield step
    took = f" {time.monotonic() - began:6.1f} s  {printable_lines(step.result)}"
    console.print(Text.assemble((f"{name:<9}", "bold"), took))


def say(line: str) -> None:
    """Print a line below that of a step. Names and ids in it are data: no markup, no escape code takes effect."""
    console.print(Text(f"  {printable_lines(line)}"))
