"""Ctrl-C on real processes: exit code 130 soon, one line, no child left, the lock free."""

import fcntl
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs.console.interrupt import _descendants
from tests.support.paths import ROOT

MOST_SECONDS = 20.0  # one or two on a quiet machine, and a third of a minute's work is never waited for
PROGRAM = [sys.executable, "-c", "from jobs.cli import main; main()"]


def started(*arguments: object) -> subprocess.Popen[str]:
    """A command that runs as a process of its own and heeds Ctrl-C, which the background jobs of a shell ignore."""
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 600) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < until, "it never came to the work"
        time.sleep(0.02)


def interrupted(process: subprocess.Popen[str], number: int = signal.SIGINT) -> tuple[int, list[str]]:
    """Interrupt a process: its exit code and what it said; nothing that it started is left."""
    children = _descendants(process.pid)
    began = time.monotonic()
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert time.monotonic() - began < MOST_SECONDS
    time.sleep(0.2)
    running = [pid for pid in children if Path(f"/proc/{pid}/stat").exists()]
    zombies = [pid for pid in running if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"]
    assert not set(running) - set(zombies)
    *_, last = [line for line in said.splitlines() if line.strip()]
    assert "Traceback" not in said and "Aborted" not in said
    return process.returncode, [last]


def is_free(data: Path) -> bool:
    """Whether no process holds the lock of the data folder."""
    with (data / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw logs of so many lines that each command takes some seconds."""
    draw, folder = random.Random(1), tmp_path_factory.mktemp("interrupt") / "raw"
    folder.mkdir()
    lines = [f" {n % 5_000:05d} 19970{draw.randint(1, 9)}{draw.randint(1, 28):02d} 1 {n}.00\n" for n in range(400_000)]
    (folder / "CDNOW_master.txt").write_text("customer date cds dollars\n" + "".join(lines))
    return folder


@pytest.fixture(scope="module")
def landed(raw: Path) -> Iterator[Path]:
    """A data folder in which unpacking was interrupted, and then done."""
    data = raw.parent / "data"
    process = started("unpack", "--service", "cdnow", "--raw", raw, "--data", data)
    wait_until(lambda: any((data / "landing").glob("*")) and len(_descendants(process.pid)) > 1, process)
    assert interrupted(process) == (130, [LINE])
    assert is_free(data)
    done = subprocess.run([*PROGRAM, "unpack", "--raw", str(raw), "--data", str(data)], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert sum(int(row.split(",")[4]) for row in (data / "landing/days.csv").read_text().splitlines()[1:]) == 400_000
    yield data


LINE = "encore: interrupted; what was published is whole, run the command again to go on"


@pytest.mark.parametrize(
    ("engine", "number"), [("sail", signal.SIGINT), ("spark", signal.SIGINT), ("sail", signal.SIGTERM)]
)
def test_a_command_ends_while_its_engine_works(landed: Path, engine: str, number: int) -> None:
    left = set((landed / "events").glob(".staging-*"))  # by the interrupted command before
    process = started("ingest", "--engine", engine, "--data", landed)
    wait_until(lambda: bool(set((landed / "events").glob(".staging-*")) - left), process)
    assert interrupted(process, number) == (128 + number, [LINE])
    assert is_free(landed)
    assert len(list((landed / "events").glob(".staging-*"))) == 1, "the command removes what the one before has left"
