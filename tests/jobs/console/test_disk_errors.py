"""Errors of the disk on each command: one line that names the file, exit code 2 or 3, never a defect of Encore.

Root may write anywhere, so what a command may not do is tested without these rights (`rights.py`).
"""

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conf.errors import EncoreError, InputError
from jobs.console.problems import in_words
from jobs.console.progress import say, start_step
from jobs.printable import printable, printable_lines
from tests.jobs.console.rights import of_a_user
from tests.support.archives import landed
from tests.support.console import Encore
from tests.support.paths import ROOT

# Every command that has a data folder, with what else it needs.
COMMANDS = {
    "run": [], "unpack": [], "ingest": [], "rollup": [], "features": [], "table": ["FILE"], "train": [],
    "train-keras": [], "score": [], "drift": [], "interactions": [], "recommend": [], "report": [],
    "prepare": ["--out", "OUT"],
}  # fmt: skip


def arguments(command: str, folder: Path) -> list[str]:
    """A command with its own options; files that it names lie in the folder."""
    return [command, *(str(folder / one) if one.isupper() else one for one in COMMANDS[command])]


def said_at(encore: Encore, command: str, folder: Path, data: object) -> str:
    code, said = encore(*arguments(command, folder), "--data", data)
    assert code in (2, 3) and said.startswith("encore: "), (command, code, said)
    assert "defect" not in said
    return said


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["a[1]", "a*b", "a{b}", "a?b", "back\\slash"])
def test_a_data_folder_whose_name_is_a_pattern(encore: Encore, tmp_path: Path, command: str, name: str) -> None:
    said = said_at(encore, command, tmp_path, tmp_path / name)
    assert f"--data {tmp_path / name}: the engines read" in said and "rename" in said
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("name", "shown"), [("a\nb", "a\\nb"), ("a\udcffb", "a\\udcffb"), ("a\x1b[2Jb", "a\\x1b[2Jb")])
def test_a_data_folder_whose_name_no_console_shows(
    encore: Encore, tmp_path: Path, command: str, name: str, shown: str
) -> None:
    said = said_at(encore, command, tmp_path, tmp_path / name)
    assert f"--data {tmp_path}/{shown}: the name has a control character or bytes that are not UTF-8" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_where_the_data_folder_should_be(encore: Encore, tmp_path: Path, command: str) -> None:
    (tmp_path / "data").write_text("a file")
    said = said_at(encore, command, tmp_path, tmp_path / "data")
    assert str(tmp_path / "data") in said and "a file is where a folder must be" in said
    assert str(tmp_path / "data") in said_at(encore, command, tmp_path, tmp_path / "data" / "below")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_that_is_too_long(encore: Encore, tmp_path: Path, command: str) -> None:
    assert "File name too long" in said_at(encore, command, tmp_path, tmp_path / ("x" * 300))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["--service", "--profile"])
def test_a_configuration_that_is_no_file(encore: Encore, tmp_path: Path, command: str, option: str) -> None:
    if option == "--profile" and command in ("unpack", "prepare"):
        pytest.skip("it has no profile")
    (tmp_path / "folder.yaml").mkdir()
    for name in ("folder.yaml", "x" * 300 + ".yaml", "missing.yaml", "a\udcff.yaml"):
        code, said = encore(*arguments(command, tmp_path), "--data", tmp_path / "data", option, tmp_path / name)
        assert code == 2 and said.startswith("encore: "), said
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("folder", "code"), [("landing", 3), ("events", 3), ("daily", 3)])
def test_a_file_where_a_layer_should_be(encore: Encore, tmp_path: Path, folder: str, code: int) -> None:
    data = landed(tmp_path, encore)
    if folder == "landing":
        shutil.rmtree(data / folder)
    (data / folder).write_text("a file")
    for command in {"landing": ["unpack"], "events": ["ingest"], "daily": ["ingest", "rollup"]}[folder]:
        found, said = encore(command, "--data", data)
    assert found == code and folder in said, said


def in_a_process(*arguments: object, largest_file: int) -> tuple[int, str]:
    """Run a command as a process in which no file can grow over a number of bytes, as on a full disk."""
    command = [sys.executable, "-c", PROGRAM.format(limit=largest_file), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if line.startswith("encore: ")]
    assert len(said) == 1 and "Traceback" not in done.stderr and "defect" not in said[0], done.stderr
    return done.returncode, said[0]


PROGRAM = """
import resource, signal
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # else the process ends: here, the write fails
from jobs.cli import main
main()
"""


def test_folders_without_rights(encore: Encore, tmp_path: Path) -> None:
    data = landed(tmp_path / "data", encore)
    data.chmod(0o555)
    try:
        with of_a_user():
            code, said = encore("ingest", "--data", data)
        assert code == 3 and "Permission denied" in said and str(data) in said and "change the rights" in said
    finally:
        data.chmod(0o755)
    (data / "landing" / "manifest.csv").chmod(0)
    service = tmp_path / "mine.yaml"
    service.write_text("title: x")
    service.chmod(0)
    with of_a_user():
        code, said = encore("ingest", "--data", data)
        assert code == 3 and f"{data / 'landing' / 'manifest.csv'}: Permission denied" in said
        code, said = encore("ingest", "--data", tmp_path / "new", "--service", service)
    assert code == 2 and f"{service}: cannot be read (Permission denied)" in said


def test_a_full_disk_at_the_engine_leaves_nothing_half_written(encore: Encore, tmp_path: Path) -> None:
    data = landed(tmp_path, encore)
    code, said = in_a_process("ingest", "--engine", "sail", "--data", data, largest_file=1000)
    assert code == 3 and "File too large: the disk is full or a limit is reached; free some space" in said
    assert not list(data.rglob("*.parquet")) or not list((data / "events" / "play").glob("date=*"))
    assert encore("ingest", "--data", data)[0] == 0
    assert len(list((data / "events" / "play").glob("date=*"))) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), "/data/x: No space left on device: the disk"),
        (PermissionError(errno.EROFS, "Read-only file system", "/data/x"), "/data/x: Read-only file system: this"),
        (OSError("Error writing bytes. Detail: [errno 28] No space left on device"), "No space left on device: the"),
        (RuntimeError("java.io.IOException: Mkdirs failed to create file:/data/x (exists=false)"), "/data/x: Mkdirs"),
        (EncoreError("unpack: cat: write error: No space left on device"), "No space left on device: the disk is full"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "/d/f/x"), "/d/f/x: Not a directory: a file is where"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", b"/d/\xff"), "/d/\\udcff: Is a directory: a file is where"),
    ],
)  # fmt: skip
def test_errors_of_the_disk_however_they_are_reported(error: Exception, words: str) -> None:
    said = in_words(error)
    assert isinstance(said, InputError) and words in str(said)


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("spent"), ConnectionError("refused"), OSError("odd")])
def test_a_defect_stays_a_defect(error: Exception) -> None:
    assert in_words(error) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jx", "\\x1b[2Jx"), ("a\rb", "a\\rb"), ("\x9b31m", "\\x9b31m"), ("\udcff", "\\udcff"),
        ("abc\u202ecba", "abc\\u202ecba"), ("1\u200b2\u2028", "1\\u200b2\\u2028"), ("歌\t\x7f", "歌\\t\\x7f"),
        ("Zoë 🎧 1\u00a0%", "Zoë 🎧 1\u00a0%"), ("[red]x[/bad]", "[red]x[/bad]"),
    ],
)  # fmt: skip
def test_what_a_console_shows_of_data(capfd: pytest.CaptureFixture[str], text: str, shown: str) -> None:
    assert printable(text) == printable_lines(text) == shown
    with start_step("step") as step:
        step.update(1, 2, text)
        step.done(text)
    say(text)
    lines = capfd.readouterr().err.splitlines()
    assert lines[-2].endswith(f" s  {shown}") and lines[-1] == f"  {shown}"


def test_the_data_folder_of_another_service(encore: Encore, tmp_path: Path) -> None:
    """Its tables have other columns, at which an engine failed."""
    data = landed(tmp_path, encore)
    (data / ".service").write_text("music\n")
    for command in ("unpack", "ingest", "rollup", "features", "train", "report"):
        code, said = encore(command, "--data", data, "--service", "cdnow")
        assert code == 2, said
        assert "holds data of the service music, not of cdnow; give --service music, or another --data" in said
    assert encore("ingest", "--data", data, "--service", "music")[0] == 0
