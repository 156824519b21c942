"""`encore unpack`: raw archives to landing lines, by `shell/unpack.sh` with the layouts of the service."""

import os
import subprocess
import sys
from pathlib import Path

from conf.errors import DataCheckError, EncoreError, InputError, UsageError
from jobs.context import Context

SCRIPT = Path(__file__).parents[1] / "shell" / "unpack.sh"
_ERRORS: dict[int, type[EncoreError]] = {2: UsageError, 3: InputError, 4: DataCheckError}


def unpack(context: Context, raw: Path | None = None, sample: float | None = None, workers: int | None = None) -> None:
    """Bring the landing layer up to date with the archives in `raw` (a folder or one file; `raw/` by default).

    Raises:
        UsageError: the service begins with a finished table.
        InputError: there is no log, or an archive cannot be read; the others are done all the same.
        DataCheckError: lines in and lines out do not agree.
    """
    context.require_events()
    source = raw or context.raw
    if not source.exists():
        raise InputError(f"{source}: there is no such file or folder; give the service's archives by --raw")
    command = ["sh", str(SCRIPT), str(source), str(context.landing)]
    for name, event in context.service.events.items():
        command += ["--event", event.landing.option(name)]
    if sample is not None:
        command += ["--sample", f"{sample:g}"]
    if workers is not None:
        command += ["--jobs", str(workers)]
    environment = {**os.environ, "PYTHON": sys.executable}  # which python3 the shell would find is another question
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, env=environment)
    if done.returncode:
        said = [line.removeprefix("unpack: ") for line in done.stderr.splitlines() if line.strip()]
        raise _ERRORS.get(done.returncode, EncoreError)("unpack: " + "; ".join(said[-5:]))
