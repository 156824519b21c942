"""Ctrl-C: the command ends at once, its children with it, and its lock is free.

An engine may hold the main thread for minutes, so a thread of its own waits for the signal. It ends the process without
the usual cleaning up, which would wait for the engine. Nothing is lost: what is not published lies in staging folders,
which the next command removes.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.console.progress import console

SIGNALS = (signal.SIGINT, signal.SIGTERM)
MOST_SECONDS = 2.0  # for children to end by themselves, and for a store to take the lease back


@contextmanager
def ending_at_signals() -> Iterator[None]:
    """Within the block, SIGINT and SIGTERM end the process with exit code 130 or 143, except where they are ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = {one: signal.getsignal(one) for one in SIGNALS}
    for one, handler in before.items():
        if handler != signal.SIG_IGN:  # as of a process in the background
            signal.signal(one, _stay)
    woken_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(reading,), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(woken_before)
        for one, handler in before.items():
            signal.signal(one, handler)
        os.close(writing)  # ends the thread


def _stay(number: int, frame: object) -> None:
    """Keep the main thread from taking the end of a child for an error, until the process ends."""
    time.sleep(4 * MOST_SECONDS)


def _wait(reading: int) -> None:
    """End the process at the first signal."""
    while byte := os.read(reading, 1):
        if byte[0] in SIGNALS:
            _end(byte[0])
    os.close(reading)


def _end(number: int) -> None:
    threading.Timer(2 * MOST_SECONDS, os._exit, (128 + number,)).start()  # whatever else happens
    try:
        releasing = threading.Thread(target=_release, daemon=True)
        releasing.start()
        _end_children()
        releasing.join(MOST_SECONDS)
        if console.is_terminal:
            console.show_cursor(True)
        print("\nencore: interrupted; what was published is whole, run the command again to go on", file=sys.stderr)
        sys.stderr.flush()
    finally:
        os._exit(128 + number)


def _release() -> None:
    """Give the lease of a data folder in a store back. The lock of a folder on a disk ends with the process."""
    if "jobs.storage.lease" in sys.modules:  # else none is held, and the module takes long to load
        from jobs.storage.lease import release_held

        release_held()


def _end_children() -> None:
    """End all processes that this one has started, and those that they have started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        children = _descendants(os.getpid())
        for child in children:
            try:
                os.kill(child, number)
            except ProcessLookupError:
                continue
        until = time.monotonic() + MOST_SECONDS / 2
        while children and number == signal.SIGTERM and time.monotonic() < until and _descendants(os.getpid()):
            time.sleep(0.05)


def _descendants(process: int) -> list[int]:
    """The running processes below a process."""
    children: dict[int, list[int]] = defaultdict(list)
    for child, parent in _parents():
        children[parent].append(child)
    found, waiting = [], [process]
    while waiting:
        below = children[waiting.pop()]
        found += below
        waiting += below
    return found


def _parents() -> Iterator[tuple[int, int]]:
    """Each process that runs, with its parent."""
    if not Path("/proc/self/stat").exists():
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
        yield from ((int(child), int(parent)) for child, parent in (line.split() for line in listed.splitlines()))
        return
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name of the program, in parentheses, may hold spaces.
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except (OSError, ValueError):
                continue  # it has just ended
            if state != "Z":
                yield int(entry.name), int(parent)
