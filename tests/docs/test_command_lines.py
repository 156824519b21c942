"""Each command in README.md, CONTRIBUTING.md and docs/ is one that Encore takes: its name, its options, its values."""

import re
import shlex

import pytest
import typer
from typer.exceptions import TyperException

from jobs.cluster import spark_submit
from jobs.console.commands import command_modules
from tests.docs.examples import PAGES, code_lines
from tests.support.paths import ROOT

PROGRAM = re.compile(r"(?:encore|\.venv/bin/encore) (.+)")
SUBMIT = re.compile(r"bash shell/submit\.sh (.+)")
SCRIPT = re.compile(r"(?:bash|python) ((?:shell|docs|benchmarks)/\S+)")
MENTION = re.compile(r"`encore ([^`\n]+)`")
COMMAND = "COMMAND"  # stands for any


def parse(line: str) -> None:
    """Parse the words behind `encore` as the program does, without running anything. Raises what Typer raises."""
    name, *arguments = shlex.split(line, comments=True)
    if name in ("--help", "--version"):
        return
    try:
        command_modules()[name].loaded.make_context(name, arguments)
    except typer.Exit:  # of --help
        return


def check_mention(line: str) -> None:
    """Check the names of a command and of its options; their values may be left out."""
    name, *words = line.split()
    if name in (COMMAND, "--help", "--version"):
        return
    known = {option for one in command_modules()[name].loaded.params for option in (*one.opts, *one.secondary_opts)}
    for word in words:
        assert not word.startswith("--") or word in known | {"--help"}, f"`encore {line}`: there is no option {word}"


def test_each_command_in_a_code_block_parses() -> None:
    lines = [line for page in PAGES for line in code_lines(page.read_text(encoding="utf-8"))]
    found = [match[1] for line in lines if (match := PROGRAM.fullmatch(line))]
    for line in found:
        parse(line)
    assert len(found) > 30


def test_each_submitted_command_parses() -> None:
    lines = [line for page in PAGES for line in code_lines(page.read_text(encoding="utf-8"))]
    found = [match[1] for line in lines if (match := SUBMIT.fullmatch(line))]
    submit = typer.main.get_command(spark_submit.app)
    for line in found:
        given = submit.make_context("submit", shlex.split(line, comments=True)).params
        parse(shlex.join([given["command"], *given["arguments"]]))
    assert found


def test_each_mentioned_command_and_option_exists() -> None:
    found = [mention for page in PAGES for mention in MENTION.findall(page.read_text(encoding="utf-8"))]
    for mention in found:
        check_mention(mention)
    assert len(found) > 30


def test_each_script_in_a_code_block_exists() -> None:
    lines = [line for page in PAGES for line in code_lines(page.read_text(encoding="utf-8"))]
    for script in (match[1] for line in lines if (match := SCRIPT.match(line))):
        assert (ROOT / script).is_file(), script


@pytest.mark.parametrize("line", ["train --modle lr", "train --model svm", "features --as-of soon", "table", "train x"])
def test_a_wrong_line_is_noticed(line: str) -> None:
    with pytest.raises(TyperException):
        parse(line)


def test_a_wrong_command_is_noticed() -> None:
    with pytest.raises(KeyError):
        parse("trian --model lr")


def test_a_wrong_mention_is_noticed() -> None:
    with pytest.raises(AssertionError, match="there is no option --modle"):
        check_mention("train --modle lr")
    with pytest.raises(KeyError):
        check_mention("trian")
