"""Writes a day's plays as text lines, with defects at the rates of the real sample."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.arrays import Ints
from models.simulation.audience import Audience
from models.simulation.catalogue import NO_LENGTHS, SONGS, Catalogue
from models.simulation.music_lines import DayCounts, DayText, join_fields, some_rows, split_parts

# Added lines with a defect: the share of each kind in the events. The shares of the last three are estimates.
ADDED = {
    "address": 0.003,
    "fields_14": 0.001,
    "blank": 0.001,
    "nan": 0.0003,
    "negative": 0.0003,
    "enormous": 0.0002,
}
DUPLICATED, LEADING_TAB, NO_SINGER = 0.007, 0.002, 0.002
NETWORKS = pa.array([">(203.0.113.", ">(198.51.100.", ">=(203.0.113."])  # RFC 5737: addresses for documentation

# Cumulative shares of plays: nothing, a part, nearly all, all; the rest runs a second or two over the end.
HEARD = np.cumsum([0.125, 0.495, 0.150, 0.213])
TYPE_1, ID_ZERO_OF_TYPE_1, ID_MINUS_1 = 0.113, 0.78, 0.001
MILLISECONDS = np.array([0.0165, 0.27])  # share of plays with a play time above 0, of song types 0 and 1
LENGTH_LOST = np.array(
    [0.018, 0.37, 0.475]
)  # share of ordinary plays, of plays with a play time of 0, of plays in milliseconds
NO_LENGTH_SHARE = (0.945, 0.05, 0.005)


def play_text(plays: DayCounts, audience: Audience, songs: Catalogue, rng: np.random.Generator) -> DayText:
    """Write the lines of a day's plays. plays: (M,) the number of plays of each member of the audience."""
    who = np.repeat(np.arange(len(plays)), plays)
    events = len(who)
    is_bot = (who >= audience.first_bot) & (who < len(audience.uid) - 1)
    # A bot plays random songs of the whole catalogue.
    wanted = songs.choose(who, audience.taste, audience.favourites, rng)
    song = np.where(is_bot, rng.integers(0, SONGS, events), wanted)
    seconds = _heard_seconds(songs.seconds[song], is_bot, rng)
    fields = _play_fields(who, song, seconds, audience, songs, rng)
    tabbed = rng.random(events) < LEADING_TAB
    lead = pa.array(["", "\t"]).take(pa.array(tabbed.astype(int)))
    lines = pc.binary_join_element_wise(lead, join_fields(fields), "")
    defects = {kind: _damage(kind, _take(fields, some_rows(events, rate, rng)), rng) for kind, rate in ADDED.items()}
    again = some_rows(events, DUPLICATED, rng)
    all_lines = pa.concat_arrays([lines, *defects.values(), lines.take(again)])
    counts = Counter({kind: len(rows) for kind, rows in defects.items()})
    counts.update(events=events, duplicate=len(again), leading_tab=int(tabbed.sum()), lines=len(all_lines))
    return DayText(split_parts(all_lines, rng.random(len(all_lines)), rng), counts)


def _play_fields(
    who: Ints, song: Ints, seconds: Ints, audience: Audience, songs: Catalogue, rng: np.random.Generator
) -> list[pa.StringArray]:
    """The columns: uid and device; id and type; title and singer; play time; length and paid flag."""
    events = len(who)
    of_type_1 = rng.random(events) < TYPE_1
    in_ms = (seconds > 0) & (rng.random(events) < MILLISECONDS[of_type_1.astype(int)])
    play_time = np.where(in_ms, seconds * 1_000 + rng.integers(0, 1_000, events), seconds)
    lost = rng.random(events) < LENGTH_LOST[(seconds == 0) + 2 * in_ms]
    no_length = SONGS + rng.choice(len(NO_LENGTHS), events, p=NO_LENGTH_SHARE)
    number = np.where(of_type_1 & (rng.random(events) < ID_ZERO_OF_TYPE_1), SONGS, song)
    number = np.where(rng.random(events) < ID_MINUS_1, SONGS + 1, number)
    unnamed = rng.random(events) < NO_SINGER
    return [
        audience.uid_device.take(who),
        songs.id_type.take(of_type_1 * (SONGS + 2) + number),
        songs.title_singer.take(song + SONGS * unnamed),
        pa.array(play_time).cast(pa.string()),
        songs.length_paid.take(np.where(lost, no_length, song)),
    ]


def _heard_seconds(length: Ints, is_bot: NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    """Seconds played; bots play everything to the end."""
    how = np.where(is_bot, 3, np.searchsorted(HEARD, rng.random(len(length)), side="right"))
    share = rng.random(len(length))
    a_part, nearly_all = 0.8 * share * length, (0.8 + 0.2 * share) * length
    past_the_end = length + 1 + (share < 0.1)
    return np.choose(how, [0 * length, a_part.astype(int), nearly_all.astype(int), length, past_the_end])


def _damage(kind: str, fields: list[pa.StringArray], rng: np.random.Generator) -> pa.StringArray:
    """Write lines of these fields with a defect of one kind."""
    front, id_type, title_singer, play_time, end = fields
    n = len(front)
    if kind == "blank":
        return pa.array(["\n"] * n, pa.string())
    if kind == "fields_14":
        end = pc.replace_substring(end, "\t", "\t\t\t\t\t\t")
    elif kind == "address":
        id_type = pc.replace_substring_regex(id_type, r"\t.$", "\t2")
        network = NETWORKS.take(pa.array(rng.integers(0, len(NETWORKS), n)))
        host = pa.array(rng.integers(1, 255, n)).cast(pa.string())
        play_time = pc.binary_join_element_wise(play_time, network, host, ")TM", "")
    elif kind == "nan":
        play_time = pa.array(["NaN"] * n, pa.string())
    else:
        low, high = {"negative": (-100_000, 0), "enormous": (100_000_000_000, 1_490_000_000_000)}[kind]
        play_time = pa.array(rng.integers(low, high, n)).cast(pa.string())
    return join_fields([front, id_type, title_singer, play_time, end])


def _take(fields: list[pa.StringArray], rows: Ints) -> list[pa.StringArray]:
    return [field.take(rows) for field in fields]
