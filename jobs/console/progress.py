"""Progress of a step on the console: a bar while it runs, and at its end a line that says what it did."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

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
        self._bar.update(self._task, completed=done, total=total, what=what)


# Opens a step of a name.
StartStep = Callable[[str], AbstractContextManager[Step]]


@contextmanager
def start_step(name: str) -> Iterator[Step]:
    """Show that a step runs and how far it is; when it ends, say how long it took and what it did."""
    began = time.monotonic()
    columns = (SpinnerColumn(), TextColumn(f"{name} … {{task.fields[what]}}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        step = Step(bar, bar.add_task(name, total=None, what=""))
        yield step
    console.print(f"[bold]{name:<9}[/bold] {time.monotonic() - began:6.1f} s  {escape(step.result)}")


def say(line: str) -> None:
    """Print a line below that of a step, as it is: a name may contain [brackets]."""
    console.print(f"  {line}", markup=False, emoji=False)
