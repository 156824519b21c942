"""unpack.sh run again: after changes, after failures, and after it was killed."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.unpacking import SEARCH, UNPACK, down, landed, pack, rows, statuses, tree, unpack

# ---------------------------------------------------------------- running again


def stamps(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_second_run_does_nothing(raw: Path, landing: Path) -> None:
    pack(raw / "20170401_1_down.log.tar.gz", down() + "\nx\n")
    pack(raw / "1_1_search.log.tar.gz", SEARCH)
    unpack(raw, landing)
    before = stamps(landing)
    assert unpack(raw, landing) == ""
    assert stamps(landing) == before


def test_a_touched_archive_is_not_done_again(raw: Path, landing: Path) -> None:
    archive = raw / "20170401_1_down.log.tar.gz"
    pack(archive, down())
    unpack(raw, landing)
    before = stamps(landing / "down")
    os.utime(archive, (1, 1))
    assert unpack(raw, landing) == ""
    assert stamps(landing / "down") == before


def test_changed_gone_and_new_archives(raw: Path, landing: Path, tmp_path: Path) -> None:
    for n in (1, 2, 3):
        pack(raw / f"{n}_1_search.log.tar.gz", SEARCH.replace("03-30", f"04-0{n}"))
    unpack(raw, landing)
    untouched = stamps(landing / "search/date=2017-04-01")
    pack(raw / "2_1_search.log.tar.gz", SEARCH.replace("03-30", "05-02") + "\nx\n")
    (raw / "3_1_search.log.tar.gz").unlink()
    pack(raw / "4_1_search.log.tar.gz", SEARCH.replace("03-30", "04-04"))
    said = unpack(raw, landing, "--prune")
    assert "--prune removes 1 archive that is not in RAW, with 1 lines on 1 day: 3_1_search.log.tar.gz" in said
    assert sorted(path.name for path in (landing / "search").iterdir()) == [
        "date=2017-04-01", "date=2017-04-04", "date=2017-05-02",
    ]  # fmt: skip
    assert stamps(landing / "search/date=2017-04-01") == untouched
    unpack(raw, tmp_path / "fresh")
    assert tree(landing) == tree(tmp_path / "fresh")


def test_a_changed_archive_that_fails_keeps_the_old_lines(raw: Path, landing: Path) -> None:
    pack(raw / "20170401_1_down.log.tar.gz", down(1))
    pack(raw / "20170402_1_down.log.tar.gz", down(2))
    unpack(raw, landing)
    (raw / "20170401_1_down.log.tar.gz").write_text("broken")
    for options in ((), ("--prune",)):
        said = unpack(raw, landing, *options, status=3)
        assert "20170401_1_down.log.tar.gz" in said and "the lines that it landed earlier are kept" in said
        assert landed(landing, "down").decode() == down(1) + "\n" + down(2) + "\n"
        assert statuses(landing)["20170401_1_down.log.tar.gz"] == "refused"
        assert [row["date"] for row in rows(landing / "days.csv")] == ["2017-04-01", "2017-04-02"]


def test_a_change_that_keeps_size_and_time_is_seen(raw: Path, landing: Path) -> None:
    log = raw / "20170401_down.log"
    for customer in (1, 2):
        log.write_text(down(customer))
        os.utime(log, (1, 1))
        unpack(raw, landing)
        assert landed(landing, "down").decode() == down(customer) + "\n"


def test_another_layout_unpacks_again(raw: Path, landing: Path) -> None:
    (raw / "20170401_shop.txt").write_text("a b\nc d\n")
    spec = "buy files=*shop* fields=2 customer=1 day=name separator=space"
    unpack(raw, landing, "--event", spec)
    unpack(raw, landing, "--event", f"{spec} header=1")
    assert landed(landing, "buy") == b"c\td\n"


def test_a_landed_file_that_was_lost_is_made_again(raw: Path, landing: Path) -> None:
    pack(raw / "20170401_1_down.log.tar.gz", down())
    unpack(raw, landing)
    before = tree(landing)
    (landing / "down/date=2017-04-01/20170401_1_down.log").unlink()
    unpack(raw, landing)
    assert tree(landing) == before


# ---------------------------------------------------------------- killed


def start(raw: Path, landing: Path) -> subprocess.Popen[bytes]:
    command = [str(UNPACK), str(raw), str(landing), "--jobs", "2"]
    return subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background ignores it
    )


def fill(raw: Path, archives: int = 8, lines: int = 20000) -> None:
    draw = random.Random(7)
    for n in range(archives):
        text = "".join(down(draw.randrange(10**8)) + "\n" for _ in range(lines)) + "x\n"
        pack(raw / f"201704{n + 1:02}_1_down.log.tar.gz", text)
    days = "".join(SEARCH.replace("03-30", f"03-{n:02}") + "\n" for n in range(1, 29))
    pack(raw / "1_1_search.log.tar.gz", days)


@pytest.mark.parametrize("whole_group", [True, False])
def test_killed_anywhere_and_run_again(raw: Path, landing: Path, tmp_path: Path, whole_group: bool) -> None:
    fill(raw)
    begin = time.monotonic()
    unpack(raw, tmp_path / "whole", "--jobs", 2)
    whole, duration = tree(tmp_path / "whole"), time.monotonic() - begin
    unfinished = 0
    for part in range(1, 6):
        shutil.rmtree(landing, ignore_errors=True)
        run = start(raw, landing)
        time.sleep(duration * part / 8)
        unfinished += run.poll() is None
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if whole_group else os.kill)(run.pid, signal.SIGKILL)
        run.wait()
        unpack(raw, landing)  # at once, while orphans of the killed run may still be at work
        assert tree(landing) == whole
    assert unfinished >= 2  # or nothing was tested


@pytest.mark.parametrize("reached", [".done", ".work/*/todo", "down"])
def test_interrupted_at_the_keyboard(raw: Path, landing: Path, tmp_path: Path, reached: str) -> None:
    """Ctrl-C reaches the whole group; what has been started ends, too."""
    fill(raw, lines=50_000)
    unpack(raw, tmp_path / "whole")
    run = start(raw, landing)
    while not any(landing.glob(reached)):
        assert run.poll() is None, "it has ended before"
        time.sleep(0.005)
    os.killpg(run.pid, signal.SIGINT)
    assert run.wait(60) == 130
    assert run.stderr and run.stderr.read().count(b"Traceback") == 0
    assert not (landing / ".lock").exists()
    with pytest.raises(ProcessLookupError):  # nobody is left in the group
        for _ in range(100):
            os.killpg(run.pid, 0)
            time.sleep(0.05)
    unpack(raw, landing)
    assert tree(landing) == tree(tmp_path / "whole")


def test_killed_in_the_middle_of_publishing(raw: Path, landing: Path, tmp_path: Path) -> None:
    """Files in place, but no record yet: they are removed, and the archive is done again."""
    fill(raw, archives=2, lines=5)
    unpack(raw, landing)
    whole = tree(landing)
    (landing / ".done/20170401_1_down.record").unlink()
    (landing / "down/date=2017-04-09").mkdir()
    (landing / "down/date=2017-04-09/20170401_1_down.log").write_text("half")
    (landing / "rejected/down/gone.log").write_text("half")
    (landing / ".work/99").mkdir(parents=True)
    (landing / ".lock").mkdir()
    (landing / ".lock/pid").write_text(f"{dead_process()}\n")
    unpack(raw, landing)
    assert tree(landing) == whole


def test_killed_with_no_more_than_a_lock(raw: Path, landing: Path) -> None:
    fill(raw, archives=1, lines=5)
    (landing / ".lock").mkdir(parents=True)
    (landing / ".lock/pid").write_text(f"{dead_process()}\n")
    unpack(raw, landing)
    assert statuses(landing)["20170401_1_down.log.tar.gz"] == "unpacked"


def dead_process() -> int:
    gone = subprocess.Popen(["true"])
    gone.wait()
    return gone.pid


def test_terminated_run_leaves_no_lock(raw: Path, landing: Path) -> None:
    fill(raw, archives=4)
    run = start(raw, landing)
    while not (landing / ".lock/pid").exists():
        assert run.poll() is None, "it has ended before"
        time.sleep(0.01)
    run.terminate()
    assert run.wait(timeout=120) in (143, 0)
    assert not (landing / ".lock").exists()


def test_second_run_at_the_same_time_is_refused(raw: Path, landing: Path) -> None:
    pack(raw / "20170401_1_down.log.tar.gz", down())
    unpack(raw, landing)
    (landing / ".lock").mkdir()
    (landing / ".lock/pid").write_text(f"{os.getpid()}\n")
    said = subprocess.run([UNPACK, raw, landing], capture_output=True, text=True, check=False)
    assert said.returncode == 3 and str(os.getpid()) in said.stderr
    assert (landing / ".lock/pid").read_text() == f"{os.getpid()}\n"
