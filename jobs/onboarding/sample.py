"""A sample of raw files as they would land: the first and some drawn records of each, by the real readers."""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conf.errors import EncoreError, InputError, UsageError
from conf.schema import Rejections
from jobs.storage.landing import NO_EVENTS

PREVIEW = Path(__file__).parents[2] / "shell" / "unpack" / "preview.py"
FIRST_RECORDS = 1_000  # of a file, and as many drawn from the others
EXAMPLES = 3

_ERRORS: dict[int, type[EncoreError]] = {2: UsageError, 3: InputError}
DayLine = tuple[str, str]  # the day, and the tab separated fields


@dataclass
class Sample:
    """What was read of the files of one event.

    files: the files; records: how many of each were read. is_whole: whether they are all there are.
    lines: those that would land. raw: some records as they came.
    set_aside: number of records that would not land, by reason; texts: some of them. refused: the files of which too
    many would not.
    """

    files: list[Path] = field(default_factory=list)
    records: list[int] = field(default_factory=list)
    is_whole: bool = True
    lines: list[DayLine] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    set_aside: Counter[str] = field(default_factory=Counter)
    texts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    refused: list[str] = field(default_factory=list)


def sample_of(files: Sequence[Path], reading: Mapping[str, Any], limit: Rejections) -> Sample:
    """A sample of some files of an event.

    Args:
        reading: how they are read, from `Event.reading`.

    Raises:
        InputError: a file cannot be read.
        UsageError: a field is hashed, and there is no key.
    """
    found = Sample()
    for file in files:
        rows = list(previewed(file, reading))
        aside: Counter[str] = Counter()
        for row in rows:
            if reason := row["reason"]:
                aside[reason] += 1
                if len(found.texts[reason]) < EXAMPLES:
                    found.texts[reason].append(row["raw"])
            else:
                found.lines.append((row["date"], "\t".join(row["fields"].values())))
        found.files.append(file)
        found.records.append(len(rows))
        found.is_whole &= _is_whole([row["number"] for row in rows])
        found.raw += [row["raw"] for row in rows[:EXAMPLES] if not row["reason"]]
        found.set_aside += aside
        rejected = sum(count for reason, count in aside.items() if reason not in NO_EVENTS)
        if limit.are_too_many(rejected, len(rows) - aside.total() + rejected):
            found.refused.append(file.name)
    return found


def _is_whole(numbers: Sequence[int]) -> bool:
    """Whether records with these numbers, from 1, are all of a file. Halves of one record have one number."""
    last = max(numbers, default=0)
    return last <= FIRST_RECORDS or last == len(numbers)


def previewed(file: Path, reading: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows that preview.py prints."""
    command = [sys.executable, str(PREVIEW), "--spec", json.dumps(reading), "--rows", str(FIRST_RECORDS), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if error := _ERRORS.get(done.returncode):
        raise error(" ".join(done.stderr.split()))
    done.check_returncode()
    yield from map(json.loads, done.stdout.splitlines())


def write_sample(lines: Sequence[DayLine], folder: Path) -> None:
    """Write sampled lines as a landing layer has them."""
    by_day: dict[str, list[str]] = defaultdict(list)
    for day, line in lines:
        by_day[day].append(line)
    for day, texts in by_day.items():
        file = folder / f"date={day}" / "sample.log"
        file.parent.mkdir(parents=True)
        file.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8", newline="\n", errors="replace")
