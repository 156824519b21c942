"""CPU time of shell/unpack.sh against `tar xzO` alone on the same archives: the limit is 2.5 times, sampled 3 times.

    python benchmarks/unpack.py [--megabytes 200] [--rounds 5] [--sample 1 0.1] [--script OTHER/shell/unpack.sh]

The text is the real sample's lines over and over, each with a customer drawn from 150,000 with heavy tails
and another song, packed by gzip -6. User and system time, children included. Each round runs tar and every
sample, one after the other; the best of the rounds counts on all sides, since others may share the machine.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT.parent / "shared" / "data" / "musicbox"
LIMIT = 2.5
SAMPLED_LIMIT = 3.0
# Of the text of a day, roughly: play 90 %, search 7 %, down 3 % (archive_listing.tsv).
SHARES = {"play": 0.90, "search": 0.07, "down": 0.03}


def main() -> None:
    """Builds the archives in a temporary folder, measures all commands and prints the ratios."""
    options = parse_options()
    with tempfile.TemporaryDirectory() as folder:
        raw, landing = Path(folder, "raw"), Path(folder, "landing")
        raw.mkdir()
        for event, share in SHARES.items():
            pack(raw, event, lines_of(event), int(options.megabytes * 1e6 * share))
        archives = sorted(raw.iterdir())
        runs: dict[str, list[float]] = {name: [] for name in ("tar", *options.sample)}
        for _ in range(options.rounds):
            runs["tar"].append(cpu_seconds(read_with_tar, archives))
            for sample in options.sample:
                runs[sample].append(cpu_seconds(unpack, options.script, raw, landing, sample))
    tar_seconds = min(runs.pop("tar"))
    print(f"tar xzO                   {tar_seconds:6.2f} s CPU, {options.megabytes} MB in {len(archives)} archives")
    for sample, seconds in runs.items():
        limit = LIMIT if float(sample) == 1 else SAMPLED_LIMIT
        name = f"unpack.sh --sample {sample}"
        print(f"{name:25} {min(seconds):6.2f} s CPU, ratio {min(seconds) / tar_seconds:.2f} (limit {limit})")


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sample", nargs="+", default=["1", "0.1"])
    parser.add_argument("--script", type=Path, default=ROOT / "shell" / "unpack.sh")
    return parser.parse_args()


def lines_of(event: str) -> list[bytes]:
    """The real sample's lines of an event."""
    return (SAMPLES / f"20170330_3_{event}.log").read_bytes().splitlines()


def pack(raw: Path, event: str, lines: list[bytes], size_bytes: int) -> None:
    """Writes one archive of about `size_bytes` of text."""
    draw = random.Random(event)
    customers = [draw.randrange(168_000_000, 170_000_000) for _ in range(150_000)]
    weights = list(accumulate(draw.paretovariate(1) for _ in customers))
    log = raw / f"20170401_1_{event}.log"
    with log.open("wb") as out:
        while out.tell() < size_bytes:
            drawn = draw.choices(customers, cum_weights=weights, k=len(lines))
            out.writelines(vary(line, who, draw) for line, who in zip(lines, drawn, strict=True))
    with tarfile.open(f"{log}.tar.gz", "w:gz", compresslevel=6) as archive:
        archive.add(log, log.name)
    log.unlink()


def vary(line: bytes, customer: int, draw: random.Random) -> bytes:
    """The line with another customer, and another song where the song's id is in field 3."""
    fields = line.split(b"\t")
    if len(fields) > 1 and fields[0]:
        fields[0] = b"%d" % customer
    if len(fields) > 2 and fields[2].isdigit():
        fields[2] = b"%d" % draw.randrange(25_000_000)
    return b"\t".join(fields) + b"\n"


def read_with_tar(archives: list[Path]) -> None:
    """What any unpacking must cost at least."""
    for archive in archives:
        subprocess.run(["tar", "xzOf", archive], stdout=subprocess.DEVNULL, check=True)


def unpack(script: Path, raw: Path, landing: Path, sample: str) -> None:
    """One whole run into an empty folder, with the Python that `encore unpack` would name."""
    shutil.rmtree(landing, ignore_errors=True)
    command = [script, raw, landing, "--sample", sample]
    environment = os.environ | {"PYTHON": sys.executable}
    subprocess.run(command, stderr=subprocess.DEVNULL, check=True, env=environment)


def cpu_seconds(run, *arguments) -> float:  # type: ignore[no-untyped-def]
    """User and system time of all children that a call starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(*arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    main()
