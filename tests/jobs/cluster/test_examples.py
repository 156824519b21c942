"""The examples of nightly runs parse, and every command in them is one that shell/submit.sh takes."""

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jobs import cli
from jobs.cluster import spark_submit as submission
from jobs.cluster.spark_submit import Submission
from tests.support.paths import ROOT

EXAMPLES = ROOT / "docs" / "examples"
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))  # minute, hour, day, month, weekday
NIGHTLY = ["ingest", "rollup", "features", "train", "score", "drift", "recommend", "report"]


def submitted(command: str) -> list[str]:
    """The words of spark-submit that a line of shell/submit.sh stands for, by its own reading of it."""
    words = shlex.split(command)
    assert words[:2] == ["bash", "/opt/encore/shell/submit.sh"]
    done = CliRunner().invoke(submission.app, ["--dry-run", *words[2:]])
    assert done.exit_code == 0, done.output
    return shlex.split(done.output)


def takes(line: list[str]) -> None:
    """The command itself takes the arguments behind its script."""
    script = next(at for at, word in enumerate(line) if word.endswith(".py"))
    name, arguments = Path(line[script]).stem.replace("_", "-"), line[script + 1 :]
    done = CliRunner().invoke(cli.app, [name, *arguments, "--help"])
    assert done.exit_code == 0, done.output
    known = set(re.findall(r"--[a-z-]+", done.output))
    assert {word for word in arguments if word.startswith("--")} <= known


def is_cron(fields: list[str]) -> bool:
    """Whether five fields say when, in numbers, ranges, lists and steps."""
    ok = len(fields) == len(RANGES)
    for field, (low, high) in zip(fields, RANGES, strict=ok):
        for part in field.split(","):
            found = re.fullmatch(r"(\*|(\d+)(-(\d+))?)(/[1-9]\d*)?", part)
            ok &= bool(found) and all(
                low <= int(n) <= high for n in (found or re.match("", ""))[0].split("/")[0].split("-") if n.isdigit()
            )
    return ok


@pytest.mark.parametrize(
    ("fields", "expected"),
    [("30 3 * * *", True), ("60 3 * * *", False), ("* 3 * *", False), ("0 1-5/2 1,15 * 7", True), ("0 x * * *", False)],
)
def test_what_cron_understands(fields: str, expected: bool) -> None:
    assert is_cron(fields.split()) == expected


def test_the_line_of_cron() -> None:
    lines = (EXAMPLES / "crontab").read_text().splitlines()
    [line] = [line for line in lines if line and not line.startswith("#") and not re.match(r"[A-Z]+=", line)]
    fields = line.split(maxsplit=6)
    assert is_cron(fields[:5]) and fields[5] == "encore"
    lock, _, rest = fields[6].partition(" bash ")
    command, _, log = f"bash {rest}".partition(" >>")
    assert lock == "flock -n /run/lock/encore.lock" and log.endswith(" 2>&1") and "%" not in line
    takes(submitted(command))


class Night(ast.NodeVisitor):
    """What the DAG says, read without Airflow, which is not installed here."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.calls: dict[str, dict[str, Any]] = {}
        self.after: list[tuple[str, str]] = []
        self.commands: list[str] = []

    def visit_Assign(self, node: ast.Assign) -> None:
        if isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant | ast.JoinedStr):
            self.names[node.targets[0].id] = self.text(node.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name):
            told = {word.arg: word.value for word in node.keywords if word.arg}
            self.calls[node.func.id] = told
            if node.func.id == "BashOperator" and isinstance(told["task_id"], ast.Constant):
                self.commands.append(self.text(told["bash_command"]))
            if node.func.id == "map":
                self.steps = [self.text(one) for one in node.args[1].elts]  # type: ignore[attr-defined]
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.RShift):
            chain = self.chain(node)
            self.after += [(a, b) for some, others in zip(chain, chain[1:], strict=False) for a in some for b in others]

    def chain(self, node: ast.expr) -> list[list[str]]:
        if isinstance(node, ast.BinOp):
            return [*self.chain(node.left), *self.chain(node.right)]
        return [[one.id for one in (node.elts if isinstance(node, ast.List) else [node])]]  # type: ignore[attr-defined]

    def text(self, node: ast.expr) -> str:
        if isinstance(node, ast.JoinedStr):
            return "".join(self.text(part) for part in node.values)
        if isinstance(node, ast.FormattedValue):
            assert isinstance(node.value, ast.Name)
            return self.names[node.value.id]
        assert isinstance(node, ast.Constant)
        return str(node.value)


@pytest.fixture(scope="module")
def night() -> Night:
    found = Night()
    found.visit(ast.parse((EXAMPLES / "airflow_nightly.py").read_text(encoding="utf-8")))
    return found


def test_the_dag_submits_commands_that_are_there(night: Night) -> None:
    assert night.steps == NIGHTLY
    for step in night.steps:
        line = submitted(f"{night.names['SUBMIT']} {step} {night.names['WHERE']}")
        assert line[line.index("--master") + 1] == "yarn"
        takes(line)
    unpack, land = night.commands
    program, name, *arguments = shlex.split(unpack)
    assert program.endswith("/.venv/bin/encore")
    takes([f"{name}.py", *arguments])
    assert shlex.split(land)[:4] == ["hadoop", "distcp", "-update", "-delete"]
    assert shlex.split(land)[4].removeprefix("file://").removesuffix("/landing") == night.names["LOCAL"]


def test_every_task_comes_after_what_it_reads(night: Night) -> None:
    """And the chosen order is a whole one: each step has its forerunner."""
    chain = [
        ("unpack", "land"),
        ("land", "ingest"),
        ("ingest", "rollup"),
        ("rollup", "features"),
        ("features", "sunday"),
    ]
    chain += [
        ("sunday", "train"),
        ("sunday", "score"),
        ("train", "score"),
        ("score", "drift"),
        ("score", "recommend"),
        ("recommend", "report"),
    ]
    assert set(chain) <= set(night.after)


def test_nights_do_not_overlap(night: Night) -> None:
    told = night.calls["DAG"]
    assert is_cron(night.text(told["schedule"]).split())
    assert ast.literal_eval(told["max_active_runs"]) == 1 and ast.literal_eval(told["catchup"]) is False
    assert isinstance(Submission("run"), Submission)
