"""shell/setup.sh on a small stand-in for the project, with a PATH that holds only what a test puts there.

The stand-in has the real scripts, but needs no package and builds itself, so a whole set-up takes
seconds and no network. Its name has a space, since a user's folder may have one.
"""

import copy
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.paths import ROOT

TOOLS = "bash cat cksum cp dirname find grep ln mkdir mktemp mv rm sed tail uname"
JAVA_17 = "echo 'openjdk version \"17.0.15\" 2025-04-15' >&2"

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "encore"
version = "0.1.0"
"""

# Answers what setup.sh asks of a Python; VERSION and HAS_VENV (0 or 1) are to be filled in.
PYTHON = """
case "$*" in
*_base_executable*) echo "$0" ;;
*version_info*) echo VERSION ;;
*ensurepip*) exit HAS_VENV ;;
esac
"""

BACKEND = """
import time, zipfile
from pathlib import Path

FILES = {
    "METADATA": "Metadata-Version: 2.1\\nName: encore\\nVersion: 0.1.0\\n",
    "WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "entry_points.txt": "[console_scripts]\\nencore = encore_stand_in:main\\n",
}

def prepare_metadata_for_build_editable(folder, config_settings=None):
    for name, text in FILES.items():
        path = Path(folder, "encore-0.1.0.dist-info", name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return "encore-0.1.0.dist-info"

def build_editable(folder, config_settings=None, metadata_directory=None):
    with open("builds", "a") as builds:
        builds.write("one\\n")
    while Path("hang").exists():
        time.sleep(0.02)
    with zipfile.ZipFile(Path(folder, "encore-0.1.0-py3-none-any.whl"), "w") as wheel:
        for name, text in FILES.items():
            wheel.writestr("encore-0.1.0.dist-info/" + name, text)
        wheel.writestr("encore-0.1.0.dist-info/RECORD", "")
        wheel.writestr("encore_stand_in.py", "import sys\\ndef main(): print('encore', *sys.argv[1:])\\n")
    return "encore-0.1.0-py3-none-any.whl"
"""


class Machine:
    """A folder of tools, a home and a clone of the stand-in project."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.clone = folder / "bin", folder / "a clone"
        self.bin.mkdir(parents=True)
        for name in TOOLS.split():
            (self.bin / name).symlink_to(shutil.which(name) or f"/no/{name}")
        self.tool("java", JAVA_17)
        self.env = {
            "PATH": str(self.bin),
            "HOME": str(folder),
            "PYTHON": sys.executable,
            "PIP_NO_INDEX": "1",
        }
        (self.clone / "shell").mkdir(parents=True)
        for script in (ROOT / "shell").glob("*.sh"):
            shutil.copy(script, self.clone / "shell")
        (self.clone / "pyproject.toml").write_text(PYPROJECT)
        (self.clone / "constraints.txt").write_text("horovod==0.28.1\n")
        (self.clone / "backend.py").write_text(BACKEND)

    def tool(self, name: str, command: str) -> None:
        """Put a tool on PATH; an empty command is one that does nothing and succeeds."""
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!{shutil.which('bash')}\n{command}\n")
        path.chmod(0o755)

    def start(self, *arguments: str, script: str = "setup.sh") -> subprocess.Popen[str]:
        """Start a script of shell/ in a process group of its own, from a folder that is not the clone."""
        return subprocess.Popen(
            ["bash", self.clone / "shell" / script, *arguments],
            env=self.env,
            cwd="/",
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, *arguments: str, script: str = "setup.sh") -> tuple[int, list[str]]:
        """Run a script to its end: its exit code and the lines it printed."""
        process = self.start(*arguments, script=script)
        output, _ = process.communicate(timeout=300)
        return process.returncode, output.splitlines()

    @property
    def builds(self) -> int:
        """How often the project was installed."""
        path = self.clone / "builds"
        return len(path.read_text().splitlines()) if path.exists() else 0

    @property
    def horovod(self) -> str:
        """What the stamp says of Horovod."""
        return (self.clone / ".venv/.encore-setup").read_text().splitlines()[1]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Java 17, the Python of the tests, no g++ and no cmake."""
    return Machine(tmp_path)


@pytest.fixture(scope="module")
def set_up_machine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Machine, Path, list[str]]:
    """A machine, a copy of its clone after the set-up, and what that said. Making a venv takes seconds."""
    machine = Machine(tmp_path_factory.mktemp("ready"))
    code, lines = machine.run()
    assert code == 0, lines
    snapshot = machine.clone.with_name("snapshot")
    shutil.copytree(machine.clone, snapshot, symlinks=True)
    return machine, snapshot, lines


def copy_or_link(source: str, target: str) -> None:
    """Copy a file; those of pip, a thousand that no test changes, are linked."""
    (os.link if "site-packages" in source else shutil.copy2)(source, target)


@pytest.fixture
def ready(set_up_machine: tuple[Machine, Path, list[str]]) -> Machine:
    """A machine on which the set-up was done, without Horovod for want of g++ and cmake."""
    machine, snapshot, _ = set_up_machine
    for name in ("g++", "cmake"):
        (machine.bin / name).unlink(missing_ok=True)
    shutil.rmtree(machine.clone, ignore_errors=True)
    shutil.copytree(snapshot, machine.clone, symlinks=True, copy_function=copy_or_link)
    return machine


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end, "waited 300 s in vain"
        time.sleep(0.02)


# ---- the tools of the machine ----


def test_says_all_that_is_missing_at_once_and_touches_nothing(machine: Machine) -> None:
    (machine.bin / "java").unlink()
    del machine.env["PYTHON"]
    code, lines = machine.run()
    assert code == 3
    assert [line.split(";")[0].split(" (")[0] for line in lines] == [
        "setup: missing: Python 3.11 to 3.13",
        "setup: missing: Java >= 17",
        "setup: missing: g++",
        "setup: missing: cmake",
    ]
    assert [line.split("apt-get install -y ")[1] for line in lines] == [
        "python3 python3-venv",
        "default-jre-headless",
        "g++",
        "cmake",
    ]
    assert not (machine.clone / ".venv").exists()


def test_says_how_to_install_on_macos(machine: Machine) -> None:
    machine.tool("uname", "echo Darwin")
    (machine.bin / "java").unlink()
    code, lines = machine.run()
    assert code == 3
    assert [line.split("install it with: ")[1] for line in lines] == [
        "brew install --cask temurin@17",
        "xcode-select --install",
        "brew install cmake",
    ]


def test_only_horovods_tools_missing_is_no_error(machine: Machine) -> None:
    machine.tool("cmake", "")
    code, lines = machine.run("--check")
    assert code == 0
    assert len(lines) == 1
    assert "missing: g++ (only Horovod is built with it); install it with:" in lines[0]


@pytest.mark.parametrize(
    ("version", "code"),
    [("1.8.0_392", 3), ("16.0.2", 3), ("17", 0), ("17.0.15", 0), ("21-ea", 0)],
)
def test_java_must_be_17_or_newer(machine: Machine, version: str, code: int) -> None:
    machine.tool("java", f"""echo 'openjdk version "{version}" 2021-07-20' >&2""")
    assert machine.run("--check")[0] == code


def test_java_is_the_one_that_spark_takes(machine: Machine, tmp_path: Path) -> None:
    machine.env["JAVA_HOME"] = str(tmp_path / "no-java-here")
    code, lines = machine.run("--check")
    assert code == 3
    assert "no-java-here, found: none)" in lines[0]


@pytest.mark.parametrize(("version", "code"), [("3.9", 3), ("3.11", 0), ("3.13", 0), ("3.14", 3)])
def test_python_must_have_wheels_of_tensorflow(machine: Machine, version: str, code: int) -> None:
    del machine.env["PYTHON"]
    machine.tool("python3", PYTHON.replace("VERSION", version).replace("HAS_VENV", "0"))
    assert machine.run("--check")[0] == code


def test_python_without_venv_is_found_before_anything_is_made(machine: Machine) -> None:
    machine.tool("python3", PYTHON.replace("VERSION", "3.12").replace("HAS_VENV", "1"))
    machine.env["PYTHON"] = str(machine.bin / "python3")
    code, lines = machine.run()
    assert code == 3
    assert lines[0].endswith("apt-get install -y python3.12-venv")
    assert not (machine.clone / ".venv").exists()


def test_unknown_argument_is_bad_usage(machine: Machine) -> None:
    assert machine.run("--chekc") == (2, ["setup: unknown argument --chekc; usage: setup.sh [--check]"])


# ---- setting up, and not setting up again ----


def test_says_in_one_line_that_horovod_is_left_out(set_up_machine: tuple[Machine, Path, list[str]]) -> None:
    assert [line for line in set_up_machine[2] if "without Horovod" in line] == [
        "setup: without Horovod (missing g++ cmake), which only training on several processes needs"
    ]


def test_second_start_skips_the_set_up(ready: Machine) -> None:
    start = time.monotonic()
    assert ready.run("now", script="demo.sh") == (
        0,
        ["setup: ready, but without Horovod: missing g++ cmake", "encore demo now"],
    )
    assert time.monotonic() - start < 20
    assert ready.builds == 1


@pytest.mark.parametrize("file", ["pyproject.toml", "constraints.txt", "shell/setup.sh", "shell/horovod.sh"])
def test_sets_up_again_when_its_ground_changes(ready: Machine, file: str) -> None:
    with (ready.clone / file).open("a") as text:
        text.write("# changed\n")
    assert ready.run()[0] == 0
    assert ready.builds == 2


def test_sets_up_again_in_another_folder(ready: Machine) -> None:
    moved = copy.copy(ready)
    moved.clone = ready.clone.rename(ready.clone.with_name("moved"))
    assert moved.run()[0] == 0
    assert str(moved.clone / ".venv") in (moved.clone / ".venv/bin/pip").read_text()


def change_ground(machine: Machine) -> None:
    with (machine.clone / "constraints.txt").open("a") as text:
        text.write("# changed\n")


def test_killed_set_up_is_done_again_from_nothing(ready: Machine) -> None:
    change_ground(ready)
    (ready.clone / "hang").touch()
    process = ready.start()
    wait_until(lambda: ready.builds == 2)
    half = ready.clone / ".venv/half-installed"
    half.touch()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    (ready.clone / "hang").unlink()
    assert ready.run()[0] == 0
    assert ready.builds == 3
    assert not half.exists()


def test_two_starts_at_once_set_up_once(ready: Machine) -> None:
    change_ground(ready)
    (ready.clone / "hang").touch()
    first = ready.start()
    wait_until(lambda: ready.builds == 2)
    second = ready.start()
    with pytest.raises(subprocess.TimeoutExpired):
        second.communicate(timeout=0.5)
    (ready.clone / "hang").unlink()
    first.communicate(timeout=300)
    output, _ = second.communicate(timeout=300)
    assert (first.returncode, second.returncode, ready.builds) == (0, 0, 2)
    assert "setup: waiting for another set-up of this folder" in output


def test_package_that_cannot_be_had_is_said_in_one_line(ready: Machine) -> None:
    backend = BACKEND.replace("Name: encore", "Name: encore\\nRequires-Dist: no-such-package")
    (ready.clone / "backend.py").write_text(backend)
    change_ground(ready)
    code, lines = ready.run()
    assert code == 3
    assert len(lines) == 4  # two on g++ and cmake, one of progress
    assert "no-such-package" in lines[-1]
    assert "setup.log" in lines[-1]

    installed = ready.clone / ".venv/installed-before"
    installed.touch()
    (ready.clone / "backend.py").write_text(BACKEND)
    assert ready.run()[0] == 0
    assert installed.exists()


# ---- Horovod ----


def test_horovod_is_tried_again_only_when_its_tools_appear(ready: Machine) -> None:
    assert ready.horovod == "g++ cmake"
    ready.tool("g++", "")
    assert ready.run() == (0, ["setup: ready, but without Horovod: missing cmake"])
    ready.tool("cmake", "")
    code, lines = ready.run()
    assert code == 0
    assert "its build failed: Horovod needs one TensorFlow, found none" in lines[-2]
    assert ready.horovod == "failed"
    code, lines = ready.run()
    assert (code, len(lines), ready.builds) == (0, 1, 2)


@pytest.mark.parametrize(("library", "state"), [("", "installed"), ("raise ImportError", "failed")])
def test_horovods_wheel_of_another_clone_is_used_if_it_loads(ready: Machine, library: str, state: str) -> None:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    metadata = ready.clone / f".venv/lib/python{python}/site-packages/tensorflow-2.21.0.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: tensorflow\nVersion: 2.21.0\n")
    recipe = subprocess.check_output(["cksum", ROOT / "shell/horovod.sh"], text=True).split()[0]
    machine = f"{platform.system()}-{platform.machine()}"
    cache = Path(ready.env["HOME"], f".cache/encore/horovod-0.28.1-py{python}-tensorflow-2.21.0-{machine}-{recipe}")
    cache.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(cache / "horovod-0.28.1-py3-none-any.whl", "w") as wheel:
        info = "horovod-0.28.1.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: horovod\nVersion: 0.28.1\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
        wheel.writestr("horovod/tensorflow.py", library)
    ready.tool("g++", "")
    ready.tool("cmake", "")
    assert ready.run()[0] == 0
    assert ready.horovod == state


# ---- test.sh and the pins ----


@pytest.fixture
def checked(ready: Machine) -> Machine:
    """A machine whose tools of test.sh are stand-ins: two of them fail, and pytest prints its arguments."""
    shutil.copytree(ready.bin, ready.clone / ".venv/bin", dirs_exist_ok=True, symlinks=True)
    tools = {"ruff": 'echo "ruff $*"; [ $1 = format ]', "mypy": "exit 1", "lint-imports": "echo linted"}
    for name, command in tools.items():
        ready.tool(f"../a clone/.venv/bin/{name}", command)
    pytest_stand_in = ready.clone / "pytest.py"
    pytest_stand_in.write_text("import sys\nprint('pytest', *sys.argv[1:])\n")
    return ready


def test_test_sh_runs_all_checks_and_names_those_that_failed(checked: Machine) -> None:
    code, lines = checked.run("tests/test_one.py", "-x", script="test.sh")
    assert code == 1
    assert "ruff format --check ." in lines
    assert "linted" in lines
    assert lines[-2:] == ["pytest tests/test_one.py -x", "test.sh: failed: ruff check, mypy"]


def test_test_sh_runs_the_checks_alone_if_asked(checked: Machine) -> None:
    code, lines = checked.run("--checks", script="test.sh")
    assert code == 1
    assert "ruff format --check ." in lines and "linted" in lines
    assert not any("pytest" in line for line in lines)
    assert lines[-1] == "test.sh: failed: ruff check, mypy"


@pytest.mark.parametrize(
    ("given", "passed_on"),
    [
        ([], "-n 2 --dist loadfile --no-loadscope-reorder tests"),
        (["--coverage"], "--cov --cov-report=term -n 2 --dist loadfile --no-loadscope-reorder tests"),
        (["--coverage", "tests/test_one.py"], "--cov --cov-report=term tests/test_one.py"),
    ],
)
def test_test_sh_measures_coverage_if_asked(checked: Machine, given: list[str], passed_on: str) -> None:
    code, lines = checked.run(*given, script="test.sh")
    assert (code, lines[-2]) == (1, f"pytest {passed_on}")


def needed(name: str, extras: frozenset[str], seen: set[str]) -> set[str]:
    """The names of all installed distributions that one needs, itself included."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return seen
    seen.add(canonicalize_name(name))
    for requirement in map(Requirement, found.requires or []):
        applies = [{"extra": extra} for extra in extras | {""}]
        new = canonicalize_name(requirement.name) not in seen
        if new and (requirement.marker is None or any(map(requirement.marker.evaluate, applies))):
            needed(requirement.name, frozenset(requirement.extras), seen)
    return seen


def test_every_package_that_encore_needs_is_pinned_and_installed_as_pinned() -> None:
    pins = [line.split("#")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines()]
    pinned = {canonicalize_name(name): version for name, _, version in (pin.partition("==") for pin in pins if pin)}
    assert all(version and "/" not in version for version in pinned.values())
    installed = {name: distribution(name).version for name in needed("encore", frozenset({"keras", "dev"}), set())}
    del installed["encore"]
    assert {"pyspark", "keras", "ruff", "grpcio-status"} <= installed.keys()
    assert {name: pinned.get(name) for name in installed} == installed
