"""The reasons of shell/unpack/reasons.tsv are all that unpack.sh gives, in the manifest's order."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from jobs.reporting.rejections import landing_reasons
from tests.support.paths import ROOT
from tests.support.unpacking import counts, down, manifest, pack, rejected, rows, unpack

SCRIPTS = ROOT / "shell" / "unpack"
TABLE = SCRIPTS / "reasons.tsv"
GIVEN = re.compile(r'(?:reject|set_aside)\([^"\n]*"(\w+)"|reason = "(\w+)"|return "(\w+)"(?: if [^"\n]* else "(\w+)")?')


def table() -> list[list[str]]:
    return [line.split("\t") for line in TABLE.read_text().splitlines() if not line.startswith("#")]


def given() -> set[str]:
    """The names that the programs give to a line, as they stand there."""
    files = [*SCRIPTS.glob("*_lines.py"), SCRIPTS / "lines.py", SCRIPTS / "lines.awk", SCRIPTS / "defects.awk"]
    found = {name for file in files for names in GIVEN.findall(file.read_text()) for name in names if name}
    return found | set(re.findall(r"'(blank)'", (SCRIPTS / "lines.py").read_text()))


def test_each_line_of_the_table_is_a_name_and_a_meaning() -> None:
    assert all(len(row) == 2 and re.fullmatch("[a-z][a-z0-9_]*", row[0]) and row[1] for row in table())
    assert len({row[0] for row in table()}) == len(table())


def test_the_programs_give_the_reasons_of_the_table_and_no_other() -> None:
    assert given() - {"header"} == {name for name, _ in table()}  # "header" is told to lines.awk, and rejects nothing


def test_the_columns_of_the_manifest_are_those_of_the_table(raw: Path, landing: Path) -> None:
    pack(raw / "20170401_1_down.log.tar.gz", down())
    unpack(raw, landing)
    columns = list(rows(landing / "manifest.csv")[0])
    assert columns[columns.index("records") + 1 :] == [f"rejected_{name}" for name, _ in table()]


def test_the_report_has_the_meanings_of_the_table() -> None:
    assert list(landing_reasons().items()) == [(name, meaning) for name, meaning in table()]


def test_the_report_reads_the_table_in_the_zip_of_a_cluster(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "encore.zip", "w") as code:
        for file in [TABLE, *ROOT.glob("jobs/**/*.py"), *ROOT.glob("conf/*.py"), *ROOT.glob("models/**/*.py")]:
            code.write(file, file.relative_to(ROOT))
        for file in ROOT.glob("features/*.py"):
            code.write(file, file.relative_to(ROOT))
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'encore.zip')!r});"
        "from jobs.reporting import rejections as r; assert '.zip' in r.__file__; print(*r.landing_reasons())"
    )
    shown = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert shown.stdout.split() == [name for name, _ in table()]


def copied(folder: Path, added: str = "") -> Path:
    """A copy of the script whose table has another reason and whose programs give it for a shouted line."""
    shutil.copytree(ROOT / "shell", folder / "shell", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "shell/unpack/reasons.tsv").write_text(TABLE.read_text() + added)
    defects = folder / "shell/unpack/defects.awk"
    start = "function defect_of(text) {"
    loud = f'{start}\n    if (text ~ /!/) return "loud"'
    defects.write_text(defects.read_text().replace(start, loud))
    return folder / "shell/unpack.sh"


def test_a_reason_is_added_by_a_line_of_the_table(raw: Path, landing: Path, tmp_path: Path) -> None:
    """What was unpacked before gets a count for it, too."""
    (raw / "20170401_1_x").write_text("\t7\t!\n\t8\ta\n")  # the empty fields make awk look at the lines itself
    (raw / "20170402_1_x").write_text("\t9\ta\n")
    event = ("--event", "x files=*x fields=2 customer=1 day=name")
    unpack(raw, landing, *event)
    subprocess.run([copied(tmp_path, "loud\ta shout\n"), raw, landing, *event], check=True, capture_output=True)
    found = manifest(landing)
    assert counts(found["20170401_1_x"])["rejected_loud"] == 1
    assert list(found["20170402_1_x"])[-1] == "rejected_loud" and found["20170402_1_x"]["rejected_loud"] == "0"
    assert rejected(landing, "x") == [(b"loud", b"\t7\t!")]


def test_a_reason_that_the_table_lacks_stops_the_archive(raw: Path, landing: Path, tmp_path: Path, awk: str) -> None:
    (raw / "20170401_1_x").write_text("\t7\t!\n\t8\ta\n")
    command = [copied(tmp_path), raw, landing, "--event", "x files=*x fields=2 customer=1 day=name"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "AWK": awk})
    assert done.returncode == 3
    assert "the reason loud is missing in shell/unpack/reasons.tsv" in done.stderr
