"""Epochs reported on the driver while ranks work elsewhere: they are read from the progress that the ranks write."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.network.checkpoint import Epoch, read_epochs

LOOK_SECONDS = 0.5  # between two looks


@contextmanager
def watch_epochs(folder: Path, report: Callable[[Epoch], None]) -> Iterator[None]:
    """Report every finished epoch of the folder once, those from before too, until the block ends."""
    is_over = threading.Event()
    seen = 0

    def look() -> None:
        nonlocal seen
        for epoch in read_epochs(folder)[seen:]:
            report(epoch)
            seen += 1

    def keep_looking() -> None:
        while not is_over.wait(LOOK_SECONDS):
            look()

    watcher = threading.Thread(target=keep_looking, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
        look()
