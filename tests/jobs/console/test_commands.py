"""The commands as a person meets them: the list, the help of each with its example, and scripts of the same names."""

import ast
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from jobs.console.commands import ORDER, command_modules
from tests.support.console import boxed_text
from tests.support.paths import ROOT

JOBS = ROOT / "jobs"
HEAVY = {"pyspark", "pandas", "pyarrow", "matplotlib", "sklearn", "tensorflow", "mlflow", "scipy"}
# Runs the program, and prints the packages that it has imported.
LOADED = """
import atexit, json, sys
from jobs.cli import main
atexit.register(lambda: print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr))
main()
"""


def command_files() -> dict[str, Path]:
    """The files that have a function `command`, by the name of the command."""
    found = {}
    for file in sorted(JOBS.glob("*.py")):
        names = {node.name for node in ast.parse(file.read_text(encoding="utf-8")).body if hasattr(node, "name")}
        if "command" in names:
            found[file.stem.replace("_", "-")] = file
    return found


FILES = command_files()


def printed(*arguments: str) -> str:
    """What a command prints that ends well."""
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_every_file_with_a_command_is_listed() -> None:
    assert set(command_modules()) == set(FILES) and len(FILES) == 19
    assert list(command_modules()) == list(ORDER), "a new command has its place there"


def test_help_lists_all_commands_and_imports_nothing_heavy() -> None:
    command = [sys.executable, "-c", LOADED, "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    listed = boxed_text(done.stdout)
    for name, one in command_modules().items():
        assert f"{name} " in listed and one.about[1:].split()[0] in listed
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert "typer" in loaded, "else the test says nothing"
    assert not loaded & HEAVY


def test_without_a_command_the_program_says_which_there_are() -> None:
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 2 and "ingest" in done.output


def test_the_version() -> None:
    said = printed("--version").split()
    assert said[0] == "encore" and said[1][0].isdigit() and said[2].startswith("(") and said[2].endswith(")")


@pytest.mark.parametrize("name", FILES)
def test_help_ends_with_an_example_that_the_command_takes(name: str) -> None:
    text = " ".join(printed(name, "--help").split())
    command = command_modules()[name].loaded
    example = command.epilog.removeprefix("Example: ")
    assert text.endswith(f"Example: {example}")
    program, first, *arguments = shlex.split(example)
    assert (program, first) == ("encore", name)
    command.make_context(name, list(arguments))  # raises where an option or a value is unknown


@pytest.mark.parametrize("name", FILES)
def test_help_says_what_every_option_is(name: str) -> None:
    for option in command_modules()[name].loaded.params:
        assert option.help and option.help[0].isupper(), option.name


@pytest.mark.parametrize("name", FILES)
def test_a_command_is_a_script_before_it_imports_anything(name: str) -> None:
    """Python looks for a script's imports beside it first, and would take jobs/features.py for `features`."""
    docstring, start, *_ = ast.parse(FILES[name].read_text(encoding="utf-8")).body
    assert isinstance(docstring, ast.Expr)
    assert ast.unparse(start) == (
        "if __name__ == '__main__':\n    from jobs.console.entry import run_script\n    run_script(__file__)"
    )


def test_a_script_is_its_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, FILES["train-keras"], "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Usage: encore train-keras [OPTIONS]" in done.stdout and "--ranks" in done.stdout
