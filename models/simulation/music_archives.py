"""Makes the archives of the music service: names, members, and the irregularities of some."""

import io
import tarfile
from collections import Counter
from datetime import date

import numpy as np
from numpy.typing import NDArray

from models.simulation.audience import make_audience, plays_of_all
from models.simulation.catalogue import music_catalogue
from models.simulation.files import Archive, Simulation, Tally, gz, packed_at
from models.simulation.music_lines import DayText, down_text, search_text
from models.simulation.music_process import EVENTS
from models.simulation.play_lines import play_text

# Days of the logs, from 0, with an irregularity; shorter logs do not have it.
DATELESS_DAYS = 3  # the searches of so many first days are in one archive without a date
PLAIN_GZIP_DAY = 1  # its plays are in one file, compressed without tar
COUNT_LINE_DAYS = 2  # the play logs of so many first days begin with the number of their lines
LOST_DAY, LOST_PART = 4, 2  # this part of the plays was never delivered
MISNAMED_LINES = 200


def day_archives(simulation: Simulation, day: int, counts: NDArray[np.int16]) -> tuple[list[Archive], Tally]:
    """Make all dated archives of a day from its counts (events, customers), and a tally of `play.lines` etc."""
    archives: list[Archive] = []
    tally: Tally = Counter()
    for event, event_counts in zip(EVENTS, counts, strict=True):
        if event == "search" and day < DATELESS_DAYS:
            continue
        text = _text(simulation, event, day, event_counts)
        tally.update({f"{event}.{kind}": number for kind, number in text.counts.items()})
        if event == "play":
            archives += _play_archives(simulation, day, text.parts, tally)
        else:
            of_day = simulation.date_of(day)
            archives += [_part(of_day, event, n, part) for n, part in enumerate(text.parts, start=1)]
    return archives, tally


def dateless_archive(simulation: Simulation, searches: NDArray[np.int16]) -> tuple[list[Archive], Tally]:
    """Make the archive of the first days' searches, (days, customers), whose dates are in the lines only."""
    texts = [_text(simulation, "search", day, counts) for day, counts in enumerate(searches)]
    tally: Tally = Counter()
    for text in texts:
        tally.update({f"search.{kind}": number for kind, number in text.counts.items()})
    lines = b"".join(part for text in texts for part in text.parts)
    packed = _tar_gz("1_1_search.log", lines, simulation.date_of(len(texts)))
    return [Archive("1_1_search.log.tar.gz", packed)], tally


def _text(simulation: Simulation, event: str, day: int, counts: NDArray[np.int16]) -> DayText:
    rng = simulation.rng(1, day, EVENTS.index(event))
    audience, songs = make_audience(simulation.customers, simulation.seed), music_catalogue()
    if event == "play":
        return play_text(plays_of_all(counts, day, rng), audience, songs, rng)
    if event == "down":
        return down_text(counts, audience, songs, rng)
    return search_text(counts, simulation.date_of(day), audience, songs, rng)


def _play_archives(simulation: Simulation, day: int, parts: list[bytes], tally: Tally) -> list[Archive]:
    of_day = simulation.date_of(day)
    stamp = f"{of_day:%Y%m%d}"
    if day == PLAIN_GZIP_DAY:
        return [Archive(f"{stamp}_play.log.gz", gz(_counted(b"".join(parts), day, tally), of_day))]
    counted = [_counted(part, day, tally) for part in parts]
    packed = {n: _part(of_day, "play", n, part) for n, part in enumerate(counted, start=1)}
    if day == LOST_DAY:
        tally["play.lost"] += parts[LOST_PART - 1].count(b"\n")
        del packed[LOST_PART]
    odd = []
    if day == simulation.days // 2:
        odd.append(Archive(f"{stamp}_3_play.log (1).tar.gz", packed[3].data))
    if day == 0:
        some_uids = "\n".join(map(str, make_audience(simulation.customers, simulation.seed).uid[:20])).encode() + b"\n"
        odd.append(Archive(f"{stamp}_3.uids.tar.gz", _tar_gz(f"{stamp}_3.uids", some_uids, of_day)))
        head = b"".join(parts[0].splitlines(keepends=True)[:MISNAMED_LINES])
        misnamed = f"{of_day:%Y%m}39_1_play.log"
        odd.append(Archive(f"{misnamed}.tar.gz", _tar_gz(misnamed, head, of_day)))
    return [*packed.values(), *odd]


def _counted(text: bytes, day: int, tally: Tally) -> bytes:
    """Put the number of lines before the text of an old log."""
    if day >= COUNT_LINE_DAYS:
        return text
    tally["play.count_line"] += 1
    return b"%d\n" % text.count(b"\n") + text


def _part(of_day: date, event: str, n: int, text: bytes) -> Archive:
    """Make a part of a day. Members of down archives have no date, so that they collide in one folder."""
    name = f"{of_day:%Y%m%d}_{n}_{event}.log"
    member = f"{n}_down.log" if event == "down" else name
    return Archive(f"{name}.tar.gz", _tar_gz(member, text, of_day))


def _tar_gz(member: str, text: bytes, of_day: date) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar:
        info = tarfile.TarInfo(member)
        info.size, info.mtime, info.mode = len(text), packed_at(of_day), 0o644
        tar.addfile(info, io.BytesIO(text))
    return gz(packed.getvalue(), of_day)
