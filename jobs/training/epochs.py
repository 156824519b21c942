"""Epochs told on the driver while ranks elsewhere do them: each is looked for in the progress that they write."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.network.checkpoint import Epoch, read_epochs

LOOK_SECONDS = 0.5  # between two looks


@contextmanager
def told_epochs(folder: Path, tell: Callable[[Epoch], None]) -> Iterator[None]:
    """Tell every epoch that is done in the folder once, those from before too, until the block ends."""
    is_over = threading.Event()
    told = 0

    def look() -> None:
        nonlocal told
        for epoch in read_epochs(folder)[told:]:
            tell(epoch)
            told += 1

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
