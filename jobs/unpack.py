"""`encore unpack`: unpack raw archives into text lines by day."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, cast

import typer

from conf.errors import DataCheckError, EncoreError, InputError, UsageError
from conf.schema import Rejections
from jobs.console.options import (
    DATA,
    PROFILE,
    AcceptOption,
    DataOption,
    PruneOption,
    RawOption,
    SampleOption,
    ServiceOption,
)
from jobs.console.progress import Step, say, start_step
from jobs.console.session import locked, named_place, open_context
from jobs.context import Context
from jobs.formatting import plural
from jobs.reporting.rejections import landing_reasons
from jobs.storage.backend import backend, write_csv
from jobs.storage.landing import NO_EVENTS, landed_archives, read_rows
from jobs.storage.location import Place, Remote

CODE = Path(__file__).parents[1]
ACCEPTED = "accepted.csv"  # in the landing layer: archives with more rejected lines than the service allows
_ERRORS: dict[int, type[EncoreError]] = {2: UsageError, 3: InputError, 4: DataCheckError}
EXAMPLE = "encore unpack --service music --raw /logs/archives --data /data/music"


# What unpack.sh says at its end, which is said here after the summary.
_CLOSING = re.compile(r"warning: .* not used; unused\.csv lists them|[0-9]+ archives? of earlier deliveries ")
_UNPACKED = re.compile(r"([0-9]+)/([0-9]+) (.*): [0-9]+ lines, [0-9]+ kept ")  # what unpack.sh says of an archive


@dataclass(frozen=True)
class Unpacked:
    """What the landing layer holds after `encore unpack`.

    records: landed records of all archives.
    rejected: number of rejected lines of all archives, by reason.
    example: an archive with lines of the commonest reason; empty if no line was rejected.
    earlier: archives that landed from earlier deliveries and are not in the raw folder now.
    unused_files, unused_members: of the raw folder and of its archives, that are not used; `unused.csv` lists them.
    """

    records: int
    rejected: Counter[str]
    example: str
    earlier: int
    unused_files: int
    unused_members: int


def command(
    data: DataOption = DATA,
    service: ServiceOption = None,
    raw: RawOption = None,
    sample: SampleOption = None,
    prune: PruneOption = False,
    accept_rejected: AcceptOption = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Archives at a time. (default: number of cores)")] = None,
) -> None:
    """Unpack raw archives into text lines by day (shell/unpack.sh with the layouts of the service).

    Lines of archives that are not in the raw folder stay, unless --prune is given.
    """
    context = open_context(data, service, PROFILE)
    with locked(context), start_step("unpack") as step:
        found = unpack(context, named_place(raw, context), sample, prune, jobs, step, accept_rejected)
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
    accept_rejected: bool = False,
) -> Unpacked:
    """Updates the landing layer from the archives in `raw` (a folder or one file; default `raw/`).

    Archives that landed before and are not in `raw` keep their lines, unless `prune` is true. What the script says of
    files that are not used, and of what changed, is printed; see `warnings` for the counts that are said at the end.

    Raises:
        UsageError: the service starts from a finished table, or the archives or the data are not on a local disk.
        InputError: there is no log, or an archive cannot be read; all other archives are unpacked.
        DataCheckError: the lines read and written do not agree, an archive came again with lines missing, or more
            lines of an archive were rejected than the service allows and `accept_rejected` does not take them.
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
        if not event.landing.lines_of:
            options += ["--event", context.service.layout(name)]
    if sample is not None:
        options += ["--sample", f"{sample:g}"]
    if workers is not None:
        options += ["--jobs", str(workers)]
    with _script() as script:
        _run(["sh", str(script), str(source), str(landing), *options], step)
    archives = landed_archives(landing)
    refused = [row for row in archives if _has_too_many(row, context.service.rejections)]
    if accept_rejected:
        _accept(landing, refused)
    _raise_rejected(landing, [row for row in refused if row["checksum"] not in _accepted(landing)])
    rejected: Counter[str] = sum(map(_rejected, archives), Counter())
    commonest = [reason for reason, _ in rejected.most_common(1)]
    unused = read_rows(landing / "unused.csv")
    members = sum(bool(row["member"]) for row in unused)
    return Unpacked(
        records=sum(int(row["records"]) for row in archives),
        rejected=rejected,
        example=next((row["archive"] for row in archives if _rejected(row)[commonest[0]]), "") if commonest else "",
        earlier=sum(row["status"] == "earlier" for row in archives),
        unused_files=len(unused) - members,
        unused_members=members,
    )


def summary(context: Context, found: Unpacked) -> str:
    """What was unpacked, in a line."""
    lines = f"{plural(found.records, 'line')} in {context.data.landing}, {found.rejected.total():,} rejected"
    for reason, count in found.rejected.most_common(1):
        lines += f" (most often {reason}, {count:,}, such as in {found.example}: {landing_reasons()[reason]})"
    return lines


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


def _accepted(landing: Place) -> set[str]:
    """The checksums of the archives that `--accept-rejected` took, each once and for all."""
    listed = landing / ACCEPTED
    return {row["checksum"] for row in read_rows(listed)} if listed.is_file() else set()


def _accept(landing: Place, archives: Sequence[Mapping[str, str]]) -> None:
    rows = [[row["archive"], row["checksum"]] for row in archives]
    if rows:
        write_csv(landing / ACCEPTED, ["archive", "checksum"], rows)


def _raise_rejected(landing: Place, refused: Sequence[Mapping[str, str]]) -> None:
    """Raises DataCheckError if there are archives with too many rejected lines: they do not have the event's layout."""
    if refused:
        row, others = refused[0], len(refused) - 1
        rejected = _rejected(row)
        ((reason, count),) = rejected.most_common(1)
        lines = int(row["lines"]) - int(row["header"])
        more = f" {plural(others, 'more archive')} of the kind." if others else ""
        raise DataCheckError(
            f"unpack: {row['archive']}: {rejected.total():,} of its {plural(lines, 'line')} were rejected, most often "
            f"{reason} ({count:,}), {landing_reasons()[reason]}.{more} The other lines are landed; look at "
            f"{landing / 'rejected' / row['event']}, and fix the file or the layout of {row['event']} in the service's "
            f"configuration, or run it again with --accept-rejected"
        )


def _has_too_many(row: Mapping[str, str], limit: Rejections) -> bool:
    rejected = sum(count for reason, count in _rejected(row).items() if reason not in NO_EVENTS)
    return limit.are_too_many(rejected, int(row["kept"]) + int(row["left_out"]) + rejected)


def _rejected(row: Mapping[str, str]) -> Counter[str]:
    """The rejected lines of an archive by reason, from its row of `manifest.csv`."""
    counts = {name.removeprefix("rejected_"): int(row[name]) for name in row if name.startswith("rejected_")}
    return Counter({reason: count for reason, count in counts.items() if count})
