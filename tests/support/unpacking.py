"""Runs shell/unpack.sh as users run it, on archives made here, and reads what it writes to LANDING."""

import csv
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from hypothesis import strategies as st

from tests.support.paths import ROOT

UNPACK = ROOT / "shell" / "unpack.sh"
AWKS = ["mawk", "gawk", "original-awk", "busybox awk"]
_PIECES = [b"1", b"-7", b"x", "你".encode(), b"\xe4\xbd", b"\xed\xa0\x80", b"\xf0\x9f\x8e\xb5", b"\xc0\x80",
          b"\r", b"\x01", b" ", b"", b"\t", b"\t", b"\t", b"\t", b"\n"]  # fmt: skip
DIRTY_TEXTS = st.lists(st.lists(st.sampled_from(_PIECES), max_size=60).map(b"".join), min_size=8, max_size=8)
SEARCH = "1\tar\t2017-03-30 00:00:08\t%e7%9f%a5"


def unpack(raw: Path, landing: Path, *options: object, awk: str | None = None, status: int = 0) -> str:
    """Runs the script; returns what it said. Every run, however it ends, must leave no work folder."""
    environment = dict(os.environ, **({"AWK": awk} if awk else {}))
    command = [str(UNPACK), str(raw), str(landing), *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == status, done.stderr
    assert not (landing / ".work").exists()
    return done.stderr


def pack(path: Path, *texts: str | bytes) -> None:
    """A .tar.gz with one member per text, all of the same name, as the service packs them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for text in texts:
            member = tarfile.TarInfo("1.log")
            member.size = len(as_bytes(text))
            archive.addfile(member, io.BytesIO(as_bytes(text)))


def zip_bytes(members: list[tuple[str, str | bytes]]) -> bytes:
    """A zip archive of members in their order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(name, as_bytes(text))
    return out.getvalue()


def as_bytes(text: str | bytes) -> bytes:
    """Text as UTF-8; bytes as they are."""
    return text if isinstance(text, bytes) else text.encode()


def rows(table: Path) -> list[dict[str, str]]:
    """The rows of manifest.csv or days.csv."""
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def manifest(landing: Path) -> dict[str, dict[str, str]]:
    """The manifest by archive; every row of every test must add up."""
    found = rows(landing / "manifest.csv")
    for row in found:
        n = {key: int(row[key]) for key in ("lines", "header", "kept", "left_out", "rejected", "records")}
        assert n["lines"] == n["header"] + n["kept"] + n["left_out"] + n["rejected"]
        assert n["rejected"] == sum(int(row[key]) for key in row if key.startswith("rejected_"))
    return {row["archive"]: row for row in found}


def counts(row: dict[str, str]) -> dict[str, int]:
    """What the row counts, zeros left out."""
    columns = list(row)[list(row).index("lines") :]
    return {key: int(row[key]) for key in columns if row[key] != "0"}


def statuses(landing: Path) -> dict[str, str]:
    """The status of each archive."""
    return {archive: row["status"] for archive, row in manifest(landing).items()}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def landed(landing: Path, event: str = "play") -> bytes:
    """The landed text of one event, days in order."""
    return b"".join(path.read_bytes() for path in sorted(landing.glob(f"{event}/date=*/*.log")))


def rejected(landing: Path, event: str = "play") -> list[tuple[bytes, bytes]]:
    """(reason, line) of each rejected line."""
    files = sorted(landing.glob(f"rejected/{event}/*.log"))
    lines = b"".join(path.read_bytes() for path in files).split(b"\n")
    return [(reason, line) for reason, line in (line.split(b"\t", 1) for line in lines[:-1])]


def python(folder: Path, script: str, program_name: str = "") -> str:
    """A Python that runs a script instead of one of the programs, by default of all; $true is the true Python."""
    program = folder / "python"
    others = f'case " $* " in *{program_name}*) ;; *) exec "$true" "$@" ;; esac\n'
    program.write_text(f'#!/bin/sh\ntrue="{sys.executable}"\n{others}{script}')
    program.chmod(0o755)
    return str(program)


def down(customer: object = 1, name: str = "name") -> str:
    """A line of a download."""
    return f"{customer}\tar\t5\t{name}\tsinger\t0"
