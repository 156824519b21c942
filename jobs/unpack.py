"""`encore unpack`: unpack raw archives into text lines by day."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, cast

import typer

from conf.errors import DataCheckError, EncoreError, InputError, UsageError
from jobs.console.options import DATA, PROFILE, DataOption, RawOption, SampleOption, ServiceOption
from jobs.console.progress import start_step
from jobs.console.session import locked, named_place, open_context
from jobs.context import Context
from jobs.storage.backend import backend
from jobs.storage.landing import read_rows
from jobs.storage.location import Place, Remote

CODE = Path(__file__).parents[1]
MANY = 100  # lines
_ERRORS: dict[int, type[EncoreError]] = {2: UsageError, 3: InputError, 4: DataCheckError}
EXAMPLE = "encore unpack --service music --raw /logs/archives --data /data/music"


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    raw: RawOption = None,
    sample: SampleOption = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Archives at a time. (default: number of cores)")] = None,
) -> None:
    """Unpack raw archives into text lines by day (shell/unpack.sh with the layouts of the service)."""
    context = open_context(data, service, PROFILE)
    with locked(context), start_step("unpack") as step:
        counts = unpack(context, named_place(raw, context), sample, jobs)
        step.done(summary(context, counts))


def unpack(
    context: Context, raw: Place | None = None, sample: float | None = None, workers: int | None = None
) -> Mapping[str, int]:
    """Updates the landing layer from the archives in `raw` (a folder or one file; default `raw/`).

    Returns:
        The numbers of `records` landed and of lines `rejected`, of all archives.

    Raises:
        UsageError: the service starts from a finished table, or the archives or the data are not on a local disk.
        InputError: there is no log, or an archive cannot be read; all other archives are unpacked.
        DataCheckError: the lines read and written do not agree, or no line of a large archive was kept.
    """
    context.require_events()
    landing = context.data.landing
    if not backend(landing).is_disk:
        raise UsageError(_how_to_land(cast(Remote, landing)))
    source = raw or context.data.raw
    if not backend(source).is_disk:
        raise UsageError(
            f"{source}: archives must be on a disk of this machine; copy them to one, and give the path by --raw"
        )
    if not source.exists():
        raise InputError(f"{source}: no such file or folder; give the service's archives by --raw")
    options: list[str] = []
    for name, event in context.service.events.items():
        options += ["--event", event.landing.option(name)]
    if sample is not None:
        options += ["--sample", f"{sample:g}"]
    if workers is not None:
        options += ["--jobs", str(workers)]
    environment = {**os.environ, "PYTHON": sys.executable}  # the shell might find another python3
    with _script() as script:
        command = ["sh", str(script), str(source), str(landing), *options]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, env=environment)
    if done.returncode:
        said = [line.removeprefix("unpack: ") for line in done.stderr.splitlines() if line.strip()]
        raise _ERRORS.get(done.returncode, EncoreError)("unpack: " + "; ".join(said[-5:]))
    unpacked = [row for row in read_rows(landing / "manifest.csv") if row["status"] == "unpacked"]
    for row in unpacked:
        _refuse_other_layout(landing, row)
    return {column: sum(int(row[column]) for row in unpacked) for column in ("records", "rejected")}


def summary(context: Context, counts: Mapping[str, int]) -> str:
    """What was unpacked, in a line."""
    return f"{counts['records']:,} lines in {context.data.landing}, {counts['rejected']:,} rejected"


def _how_to_land(landing: Remote) -> str:
    """How to copy lines to a place that the shell cannot write to."""
    of_amazon = f"aws s3 sync --delete FOLDER/landing s3://{landing.authority}{landing.path}"
    of_google = f"gsutil -m rsync -r -d FOLDER/landing {landing}"
    copying = {"s3": of_amazon, "s3a": of_amazon, "gs": of_google}
    command = copying.get(landing.scheme, f"hdfs dfs -put -f FOLDER/landing {landing.parent}")
    return (
        f"{landing}: archives are unpacked on a disk of this machine only; unpack them by `encore unpack --data FOLDER "
        f"--raw ARCHIVES`, copy the lines by `{command}`, then use `encore ingest`, or `encore run` without --raw"
    )


@contextmanager
def _script() -> Iterator[Path]:
    """The script; extracted if the code is in the zip of a cluster, where the shell cannot run it."""
    name = "shell/unpack.sh"
    if CODE.is_dir():
        yield CODE / name
        return
    with TemporaryDirectory(prefix="encore-unpack-") as folder:
        with zipfile.ZipFile(CODE) as code:
            code.extractall(folder, [member for member in code.namelist() if member.startswith("shell/")])
        yield Path(folder) / name


def _refuse_other_layout(landing: Place, row: Mapping[str, str]) -> None:
    """Raises DataCheckError if all of many lines were rejected: the archive does not have the layout of the service."""
    if int(row["rejected"]) >= MANY and not int(row["kept"]) + int(row["left_out"]):
        reasons = {name: int(value) for name, value in row.items() if name.startswith("rejected_")}
        reason = max(reasons, key=lambda name: reasons[name]).removeprefix("rejected_")
        raise DataCheckError(
            f"unpack: {row['archive']}: all of its {row['rejected']} lines were rejected (most often {reason}); the "
            f"other archives are unpacked; look at {landing / 'rejected' / row['event']}, and fix the file or the "
            f"layout of {row['event']} in the service's configuration"
        )
