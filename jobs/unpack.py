"""`encore unpack`: unpack raw archives into text lines by day."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, cast

import typer

from conf.errors import DataCheckError, EncoreError, InputError, UsageError
from jobs.console.options import DATA, PROFILE, DataOption, PruneOption, RawOption, SampleOption, ServiceOption
from jobs.console.progress import Step, say, start_step
from jobs.console.session import locked, named_place, open_context
from jobs.context import Context
from jobs.formatting import plural
from jobs.storage.backend import backend
from jobs.storage.landing import landed_archives, read_rows
from jobs.storage.location import Place, Remote

CODE = Path(__file__).parents[1]
MANY = 100  # lines
_ERRORS: dict[int, type[EncoreError]] = {2: UsageError, 3: InputError, 4: DataCheckError}
EXAMPLE = "encore unpack --service music --raw /logs/archives --data /data/music"


# What unpack.sh says at its end, which is said here after the summary.
_CLOSING = re.compile(r"warning: .* not used; unused\.csv lists them|[0-9]+ archives? of earlier deliveries ")
_UNPACKED = re.compile(r"([0-9]+)/([0-9]+) (.*): [0-9]+ lines, [0-9]+ kept ")  # what unpack.sh says of an archive


@dataclass(frozen=True)
class Unpacked:
    """What the landing layer holds after `encore unpack`.

    records, rejected: landed records and rejected lines, of all archives.
    earlier: archives that landed from earlier deliveries and are not in the raw folder now.
    unused_files, unused_members: of the raw folder and of its archives, that are not used; `unused.csv` lists them.
    """

    records: int
    rejected: int
    earlier: int
    unused_files: int
    unused_members: int


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    raw: RawOption = None,
    sample: SampleOption = None,
    prune: PruneOption = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Archives at a time. (default: number of cores)")] = None,
) -> None:
    """Unpack raw archives into text lines by day (shell/unpack.sh with the layouts of the service).

    Lines of archives that are not in the raw folder stay, unless --prune is given.
    """
    context = open_context(data, service, PROFILE)
    with locked(context), start_step("unpack") as step:
        found = unpack(context, named_place(raw, context), sample, prune, jobs, step)
        step.done(summary(context, found))
    for warning in warnings(context, found):
        say(warning)


def unpack(
    context: Context,
    raw: Place | None = None,
    sample: float | None = None,
    prune: bool = False,
    workers: int | None = None,
    step: Step | None = None,
) -> Unpacked:
    """Updates the landing layer from the archives in `raw` (a folder or one file; default `raw/`).

    Archives that landed before and are not in `raw` keep their lines, unless `prune` is true. What the script says of
    files that are not used, and of what changed, is printed; see `warnings` for the counts that are said at the end.

    Raises:
        UsageError: the service starts from a finished table, or the archives or the data are not on a local disk.
        InputError: there is no log, or an archive cannot be read; all other archives are unpacked.
        DataCheckError: the lines read and written do not agree, an archive came again with lines missing, or no line
            of a large archive was kept.
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
    options = ["--prune"] if prune else []
    for name, event in context.service.events.items():
        options += ["--event", event.landing.option(name)]
    if sample is not None:
        options += ["--sample", f"{sample:g}"]
    if workers is not None:
        options += ["--jobs", str(workers)]
    with _script() as script:
        _run(["sh", str(script), str(source), str(landing), *options], step)
    archives = landed_archives(landing)
    for row in archives:
        _refuse_other_layout(landing, row)
    unused = read_rows(landing / "unused.csv")
    members = sum(bool(row["member"]) for row in unused)
    return Unpacked(
        records=sum(int(row["records"]) for row in archives),
        rejected=sum(int(row["rejected"]) for row in archives),
        earlier=sum(row["status"] == "earlier" for row in archives),
        unused_files=len(unused) - members,
        unused_members=members,
    )


def summary(context: Context, found: Unpacked) -> str:
    """What was unpacked, in a line."""
    return f"{plural(found.records, 'line')} in {context.data.landing}, {found.rejected:,} rejected"


def warnings(context: Context, found: Unpacked) -> list[str]:
    """What is to be said of files that are not used, and of archives that are not in the raw folder."""
    said = []
    if found.earlier:
        is_not = "is not" if found.earlier == 1 else "are not"
        archives = plural(found.earlier, "archive")
        said.append(f"{archives} of earlier deliveries {is_not} in the raw folder; kept, --prune removes them")
    counted = {"raw file": found.unused_files, "member": found.unused_members}
    unused = " and ".join(plural(number, noun) for noun, number in counted.items() if number)
    if unused:
        are_not = "is not" if found.unused_files + found.unused_members == 1 else "are not"
        of = " of archives" if found.unused_members else ""
        said.append(f"warning: {unused}{of} {are_not} used; {context.data.landing / 'unused.csv'} lists them")
    return said


def _run(command: Sequence[str], step: Step | None) -> None:
    """Run the script and print what it says; progress is shown by the step. Raises the error of its exit code."""
    environment = {**os.environ, "PYTHON": sys.executable}  # the shell might find another python3
    last = ""  # it becomes the error if the script fails, and is printed only otherwise
    closing: list[str] = []
    with _terminated(
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="backslashreplace", env=environment)
    ) as script:
        for line in script.stderr or ():
            text = line.strip().removeprefix("unpack: ")
            if unpacked := _UNPACKED.match(text):
                if step:
                    step.update(int(unpacked[1]), int(unpacked[2]), unpacked[3])
            elif _CLOSING.match(text):
                closing.append(text)
            elif text:
                if last:
                    say(last)
                last = text
    if script.returncode:
        for text in closing:
            say(text)
        raise _ERRORS.get(script.returncode, EncoreError)(f"unpack: {last}")
    if last:
        say(last)


@contextmanager
def _terminated(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """The process, which ends when the block does, also by an exception."""
    with process:
        try:
            yield process
        except BaseException:
            process.terminate()  # it removes its work folder and its lock
            raise


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
