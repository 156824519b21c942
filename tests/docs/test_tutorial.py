"""The tutorial of services.md, as a reader would follow it: from a folder of strange files to two reports."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.examples import code_lines
from tests.support.archives import table
from tests.support.paths import ROOT

BEGIN, END = "## Your own files: from a folder to the report", "## The parts of a service"


def commands() -> list[str]:
    """The commands of the tutorial, in their order."""
    page = (ROOT / "docs" / "services.md").read_text(encoding="utf-8")
    return list(code_lines(page.split(BEGIN)[1].split(END)[0]))


@pytest.mark.timeout(900)  # two runs, each with a training on Spark
def test_the_tutorial_leads_from_files_to_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where the reader is
    for line in commands():
        name, *arguments = shlex.split(line)
        if name == "python":
            subprocess.run([sys.executable, ROOT / arguments[0], *arguments[1:]], check=True)
        else:
            assert name == "encore", line
            quick = ["--model", "lr"] if arguments[0] == "run" else []
            program = [sys.executable, "-c", "import sys; sys.argv[0] = 'encore'; from jobs.cli import main; main()"]
            subprocess.run([*program, *arguments, *quick], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    assert "TODO" not in (tmp_path / "books.yaml").read_text() and "TODO" not in (tmp_path / "app.yaml").read_text()
    data = tmp_path / "data"
    assert (data / "report" / "index.html").is_file()
    other = data / "windows" / "365-90-0"
    assert (other / "report" / "index.html").is_file()
    tables = [sorted(one.name for one in (root / "features").glob("as_of=*")) for root in (data, other)]
    assert len(tables[0]) == len(tables[1]) == 2 and tables[0][-1] == tables[1][-1] and tables[0][0] < tables[1][0]
    newest = table(data / "features" / tables[0][-1])
    assert any(str(row["customer_id"]).startswith("00") for row in newest), "ids keep their leading zeros"
    assert any(row["price_last_365d"] for row in newest)
