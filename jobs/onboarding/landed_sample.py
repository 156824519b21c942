"""A sample of landed lines: the first and some drawn lines of each file, in a landing layer of their own."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs.storage.backend import disk_path, matching
from jobs.storage.landing import LandedFile, landed_archives, landed_files
from jobs.storage.location import Place

FIRST_LINES, DRAWN_LINES, SEED = 1_000, 1_000, 1
EXAMPLES = 3  # texts of lines that were set aside, for each reason

DayLine = tuple[str, str]  # the day, and the tab separated fields


@dataclass
class LandedSample:
    """What was read of the files of one event.

    files: names of the files, in order.
    lines: the sampled lines; whole: whether they are all that landed.
    read: number of lines of the files, headers left out. landed: number of records that landed of them.
    set_aside: number of lines that did not land, by reason; texts: some of them as they came.
    refused: the files of which too many lines did not land.
    """

    files: list[str] = field(default_factory=list)
    lines: list[DayLine] = field(default_factory=list)
    whole: bool = True
    read: int = 0
    landed: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    texts: dict[str, list[str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def landed_sample(landing: Path) -> dict[str, LandedSample]:
    """The sample of each event that has files in a landing layer.

    Raises:
        InputError: the layer and its lists differ.
    """
    by_archive: dict[tuple[str, str], list[LandedFile]] = defaultdict(list)
    for files in landed_files(landing).values():
        for file in files:
            by_archive[file.event, file.archive].append(file)
    found: dict[str, LandedSample] = defaultdict(LandedSample)
    for row in landed_archives(landing):
        name = row["event"]
        sample, files = found[name], by_archive[name, row["archive"]]
        records = sum(file.records for file in files)
        sample.files.append(row["archive"])
        sample.lines += sampled(((file.day, file.path) for file in sorted(files, key=lambda one: one.day)), records)
        sample.whole &= records <= FIRST_LINES + DRAWN_LINES
        sample.read += int(row["lines"]) - int(row["header"])
        sample.landed += records
        sample.set_aside += Counter(set_aside(row))
    for name, sample in found.items():
        sample.texts = _texts(matching(landing / "rejected" / name, "*.log"))
    return dict(found)


def set_aside(row: Mapping[str, str]) -> dict[str, int]:
    """The lines of a file that did not land, by reason, from its row of `manifest.csv`."""
    prefix = "rejected_"
    return {key.removeprefix(prefix): int(row[key]) for key in row if key.startswith(prefix) and int(row[key])}


def sampled(files: Iterable[tuple[str, Place]], records: int) -> list[DayLine]:
    """The first lines of some files with their days, and lines drawn from all others."""
    rest = range(FIRST_LINES, max(records, FIRST_LINES))
    drawn = set(random.Random(SEED).sample(rest, min(DRAWN_LINES, len(rest))))
    wanted: list[DayLine] = []
    number = 0
    for day, path in files:
        with path.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                if number < FIRST_LINES or number in drawn:
                    wanted.append((day, line.removesuffix("\n")))
                number += 1
    return wanted


def _texts(files: Iterable[Place]) -> dict[str, list[str]]:
    """By reason, the first lines that did not land."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in files:
        with disk_path(file).open(encoding="utf-8", errors="backslashreplace", newline="\n") as lines:
            for line in lines:
                reason, _, text = line.rstrip("\n").partition("\t")
                if len(found[reason]) < EXAMPLES:
                    found[reason].append(text)
    return dict(found)


def write_sample(lines: Sequence[DayLine], folder: Path) -> None:
    """Write sampled lines as a landing layer has them."""
    by_day: dict[str, list[str]] = defaultdict(list)
    for day, line in lines:
        by_day[day].append(line)
    for day, texts in by_day.items():
        file = folder / f"date={day}" / "sample.log"
        file.parent.mkdir(parents=True)
        file.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8", newline="\n")
