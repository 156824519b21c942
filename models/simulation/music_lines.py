"""A day's events as the service's text lines, with the dirt of the real logs at the rates of the real sample.

Dirt that only has to be repaired is put into true events; dirt that costs a line is added, as a damaged copy of
one. So what can be read in the logs is what the hidden process did, and its truth stays exact.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.simulation.audience import Audience
from models.simulation.catalogue import NO_LENGTHS, QUERY_FORMS, SONGS, Catalogue

Indices = NDArray[np.int64]
PART_SHARE = (0.27, 0.31, 0.42)
DUPLICATED = {"play": 0.007, "down": 0.009, "search": 0.018}
NO_SINGER = {"play": 0.002, "down": 0.134}
ADDED = {"address": 0.003, "fields_14": 0.001, "blank": 0.001, "nan": 0.0003, "negative": 0.0003, "enormous": 0.0002}
LEADING_TAB, BROKEN = 0.002, 0.004
NETWORKS = pa.array([">(203.0.113.", ">(198.51.100.", ">=(203.0.113."])  # kept free for documentation by RFC 5737

# Listening, cumulative: nothing, a part, nearly all, all; what is left runs a second or two over the end.
HEARD = np.cumsum([0.125, 0.495, 0.150, 0.213])
TYPE_1, ID_ZERO_OF_TYPE_1, ID_MINUS_1 = 0.113, 0.78, 0.001
MILLISECONDS = np.array([0.0165, 0.27])  # of plays heard at all, of song type 0 and of type 1
LENGTH_LOST = np.array([0.018, 0.37, 0.475])  # of ordinary plays, of those heard not at all, of milliseconds
NO_LENGTH_SHARE = (0.945, 0.05, 0.005)
SEARCH_FORMS = (0.6, 0.2, 0.2)  # the title, title and singer, the singer
ENCODING = np.array([[0.975, 0.989], [0.06, 0.99]])  # cumulative upper, lower; by Android, iPhone; the rest is plain
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class DayText:
    """One event's text on one day: three parts of whole UTF-8 lines, and how many lines, events, defects there are."""

    parts: list[bytes]
    counts: Counter[str]


def play_text(plays: Indices, audience: Audience, songs: Catalogue, rng: np.random.Generator) -> DayText:
    """Lines of a day's plays: plays is (M,), how many each member of the audience has."""
    who = np.repeat(np.arange(len(plays)), plays)
    events = len(who)
    song = songs.choose(audience.taste[who], rng)
    fields = _play_fields(who, song, audience, songs, rng)
    tabbed = rng.random(events) < LEADING_TAB
    # An empty field in front is a tab in front of the first field.
    lines = _join([pc.if_else(pa.array(tabbed), pc.binary_join_element_wise("\t", fields[0], ""), fields[0]), *fields[1:]])
    defects = {kind: _damage(kind, _take(fields, _some(events, rate, rng)), rng) for kind, rate in ADDED.items()}
    again = _some(events, DUPLICATED["play"], rng)
    all_lines = pa.concat_arrays([lines, *defects.values(), lines.take(again)])
    counts = Counter({kind: len(rows) for kind, rows in defects.items()})
    counts.update(events=events, duplicate=len(again), leading_tab=int(tabbed.sum()), lines=len(all_lines))
    return DayText(_split(all_lines, rng.random(len(all_lines)), rng), counts)


def down_text(downs: Indices, audience: Audience, songs: Catalogue, rng: np.random.Generator) -> DayText:
    """Lines of a day's downloads; a record broken by a newline in its title is two lines."""
    who = np.repeat(np.arange(len(downs)), downs)
    events = len(who)
    song = songs.choose(audience.taste[who], rng)
    unnamed, broken = rng.random(events) < NO_SINGER["down"], rng.random(events) < BROKEN
    variant = unnamed + 2 * broken
    lines = _join([audience.uid_device.take(who), songs.song_id.take(song),
                   songs.title_singer.take(song + SONGS * variant), songs.paid.take(song)])
    rows = np.append(np.arange(events), again := _some(events, DUPLICATED["down"], rng))
    counts = Counter(events=events, duplicate=len(again), broken=int(broken.sum()), lines=len(rows) + int(broken[rows].sum()))
    return DayText(_split(lines.take(rows), rng.random(len(rows)), rng), counts)


def search_text(searches: Indices, day: date, audience: Audience, songs: Catalogue, rng: np.random.Generator) -> DayText:
    """Lines of a day's searches, by time within each part."""
    who = np.repeat(np.arange(len(searches)), searches)
    events = len(who)
    song, second = songs.choose(audience.taste[who], rng), rng.integers(0, SECONDS_PER_DAY, events)
    form = rng.choice(QUERY_FORMS, events, p=SEARCH_FORMS)
    upper, lower = ENCODING[audience.is_iphone[who].astype(int)].T
    draw = rng.random(events)
    encoding = (draw >= upper).astype(int) + (draw >= lower)
    query = (encoding * SONGS + song) * QUERY_FORMS + form
    lines = _join([audience.uid_device.take(who), pc.binary_join_element_wise(day.isoformat(), _clock().take(second), " "),
                   songs.query.take(query)])
    rows = np.append(np.arange(events), again := _some(events, DUPLICATED["search"], rng))
    counts = Counter(events=events, duplicate=len(again), lines=len(rows))
    return DayText(_split(lines.take(rows), second[rows], rng), counts)


def _play_fields(
    who: Indices, song: Indices, audience: Audience, songs: Catalogue, rng: np.random.Generator
) -> list[pa.StringArray]:
    """The columns of the lines: uid and device; id and type; title and singer; play time; length and paid flag."""
    events = len(who)
    is_bot = (who >= audience.first_bot) & (who < len(audience.uid) - 1)
    seconds = _heard_seconds(songs.seconds[song], is_bot, rng)
    of_type_1 = rng.random(events) < TYPE_1
    in_ms = (seconds > 0) & (rng.random(events) < MILLISECONDS[of_type_1.astype(int)])
    play_time = np.where(in_ms, seconds * 1_000 + rng.integers(0, 1_000, events), seconds)
    lost = rng.random(events) < LENGTH_LOST[(seconds == 0) + 2 * in_ms]
    no_length = SONGS + rng.choice(len(NO_LENGTHS), events, p=NO_LENGTH_SHARE)
    number = np.where(of_type_1 & (rng.random(events) < ID_ZERO_OF_TYPE_1), SONGS, song)
    number = np.where(rng.random(events) < ID_MINUS_1, SONGS + 1, number)
    unnamed = rng.random(events) < NO_SINGER["play"]
    return [
        audience.uid_device.take(who),
        songs.id_type.take(of_type_1 * (SONGS + 2) + number),
        songs.title_singer.take(song + SONGS * unnamed),
        pa.array(play_time).cast(pa.string()),
        songs.length_paid.take(np.where(lost, no_length, song)),
    ]


def _heard_seconds(length: Indices, is_bot: NDArray[np.bool_], rng: np.random.Generator) -> Indices:
    """Seconds played: bots hear everything to the end."""
    how = np.where(is_bot, 3, np.searchsorted(HEARD, rng.random(len(length)), side="right"))
    share = rng.random(len(length))
    over = length + 1 + (share < 0.1)
    return np.choose(how, [0 * length, (0.8 * share * length).astype(int), ((0.8 + 0.2 * share) * length).astype(int), length, over])


def _damage(kind: str, fields: list[pa.StringArray], rng: np.random.Generator) -> pa.StringArray:
    """Lines of these fields, spoilt in one way."""
    front, id_type, title_singer, play_time, end = fields
    n = len(front)
    if kind == "blank":
        return pa.array(["\n"] * n, pa.string())
    if kind == "fields_14":
        end = pc.replace_substring(end, "\t", "\t\t\t\t\t\t")
    elif kind == "address":
        id_type = pc.replace_substring_regex(id_type, r"\t.$", "\t2")
        host = pa.array(rng.integers(1, 255, n)).cast(pa.string())
        play_time = pc.binary_join_element_wise(play_time, NETWORKS.take(pa.array(rng.integers(0, 3, n))), host, ")TM", "")
    elif kind == "nan":
        play_time = pa.array(["NaN"] * n, pa.string())
    else:
        low, high = {"negative": (-100_000, 0), "enormous": (100_000_000_000, 1_490_000_000_000)}[kind]
        play_time = pa.array(rng.integers(low, high, n)).cast(pa.string())
    return _join([front, id_type, title_singer, play_time, end])


def _take(fields: list[pa.StringArray], rows: Indices) -> list[pa.StringArray]:
    return [field.take(rows) for field in fields]


def _join(fields: list[pa.StringArray]) -> pa.StringArray:
    return pc.binary_join_element_wise(*fields, "\t")


def _some(events: int, rate: float, rng: np.random.Generator) -> Indices:
    return rng.integers(0, max(events, 1), rng.binomial(events, rate))


@cache
def _clock() -> pa.StringArray:
    """HH:MM:SS of every second of a day."""
    instants = np.datetime_as_string(np.arange(SECONDS_PER_DAY).astype("datetime64[s]"))
    return pc.utf8_slice_codeunits(pa.array(instants.tolist()), len("1970-01-01T"))


def _split(lines: pa.StringArray, order: NDArray[np.generic], rng: np.random.Generator) -> list[bytes]:
    """The text of each part: lines fall into parts at random and are sorted by `order` inside."""
    part = rng.choice(len(PART_SHARE), len(lines), p=PART_SHARE)
    arranged = lines.take(pa.array(np.lexsort((order, part))))
    ends = np.cumsum(np.bincount(part, minlength=len(PART_SHARE)))
    # Each line holds its newline, so the array's buffer of characters is the text.
    at = np.frombuffer(arranged.buffers()[1], np.int32)[[0, *ends]] if len(lines) else np.zeros(len(ends) + 1, int)
    text = memoryview(arranged.buffers()[2] or b"")
    return [bytes(text[start:end]) for start, end in zip(at[:-1], at[1:], strict=True)]
