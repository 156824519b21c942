"""How long-running work reports its progress."""

from collections.abc import Callable

# Called with how many parts are done, of how many, and what comes next.
OnProgress = Callable[[int, int, str], None]


class StepCounter:
    """Counts the steps of a run and reports them."""

    def __init__(self, on_progress: OnProgress, total: int = 1) -> None:
        self.done, self.total, self._report = 0, total, on_progress

    def tick(self, what: str, steps: int = 1) -> None:
        """Report that `steps` more steps are done, and what comes next."""
        self.done += steps
        self._report(self.done, self.total, what)
