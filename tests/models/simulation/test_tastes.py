"""What the simulated listeners like can be found in their lines: a style each, and five singers of it."""

from collections.abc import Iterator
from datetime import date
from urllib.parse import unquote_plus

import numpy as np
import pytest
from numpy.typing import NDArray

from models.simulation.activity import simulate_counts
from models.simulation.audience import Audience, make_audience, plays_of_all
from models.simulation.catalogue import music_catalogue
from models.simulation.music_lines import DayText, down_text, search_text
from models.simulation.music_process import music_process
from models.simulation.play_lines import play_text

# The declared numbers, written down once more: a play is for a favourite singer with 0.35, any other for
# the favourite style with 0.7, any other for one of the eight styles; of a style the songs are played by rank.
SONGS, SINGERS, STYLES = 12_000, 1_200, 8
FOR_A_SINGER = 0.35
FOR_THE_STYLE = 0.65 * (0.7 + 0.3 / 8)
FOR_ANOTHER = 0.65 * 0.3 / 8
BY_RANK = np.arange(1, 1_501) ** -0.6 / (np.arange(1, 1_501) ** -0.6).sum()

CUSTOMERS, EACH = 2_000, 20
SONG_OF = np.arange(SONGS)
STYLE_OF, SHARE_OF = SONG_OF % STYLES, BY_RANK[SONG_OF // STYLES]


@pytest.fixture(scope="module")
def audience() -> Audience:
    return make_audience(CUSTOMERS, 1)


@pytest.fixture(scope="module")
def singers() -> NDArray[np.str_]:
    """(SONGS,) the name of each song's singer."""
    return np.array([text.split("\t")[1] for text in music_catalogue().title_singer[:SONGS].to_pylist()])


def near(share: float, expected: float, lines: int) -> bool:
    """Within four standard deviations of a binomial share."""
    return abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / lines)


def far_off(counts: NDArray[np.number], expected: NDArray[np.float64]) -> list[int]:
    """Places whose count is five standard deviations or more from its expectation."""
    deviation = np.sqrt(expected * (1 - expected / counts.sum()))
    return np.flatnonzero(abs(counts - expected) >= 5 * deviation).tolist()


# ---------------------------------------------------------------- singers, and who likes whom


def test_a_singer_has_ten_songs_all_of_one_style(singers: NDArray[np.str_]) -> None:
    names, songs = np.unique(singers, return_counts=True)
    assert len(names) == SINGERS and set(songs) == {10}
    assert len(set(zip(singers, STYLE_OF, strict=True))) == SINGERS
    for style in range(STYLES):
        most_played = singers[style == STYLE_OF][:20]
        assert len(set(most_played)) == 20


def test_favourites_are_five_singers_of_the_style_each_as_likely_as_any(singers: NDArray[np.str_]) -> None:
    audience = make_audience(20_000, 1)
    assert audience.favourites.shape == (20_000, 5)
    names = singers[audience.favourites]
    assert all(len(set(of_one)) == 5 for of_one in names.tolist())
    style_of_name = dict(zip(singers.tolist(), STYLE_OF.tolist(), strict=True))
    styles = np.array([style_of_name[name] for name in names.ravel()]).reshape(names.shape)
    assert (styles == audience.taste[:20_000, None]).all()
    fans = np.array([(audience.favourites == singer).sum() for singer in range(SINGERS)])
    likers = np.bincount(audience.taste[:20_000], minlength=STYLES)[np.arange(SINGERS) % STYLES]
    assert not far_off(fans, likers * 5 / 150)


# ---------------------------------------------------------------- the songs


def test_songs_of_one_customer_worked_out_by_hand(audience: Audience, singers: NDArray[np.str_]) -> None:
    customer, plays = 7, 400_000
    who = np.full(plays, customer)
    song = music_catalogue().choose(who, audience.taste, audience.favourites, np.random.default_rng(2))
    style = audience.taste[customer]
    of_the_style = style == STYLE_OF
    expected = plays * np.where(of_the_style, FOR_THE_STYLE, FOR_ANOTHER) * SHARE_OF
    expected[np.isin(singers, singers[audience.favourites[customer]])] += plays * FOR_A_SINGER / 50
    assert expected.sum() == pytest.approx(plays)
    counts = np.bincount(song, minlength=SONGS)
    assert not far_off(counts[of_the_style], expected[of_the_style])
    assert not far_off(np.bincount(STYLE_OF, counts), np.bincount(STYLE_OF, expected))


def written(event: str, audience: Audience, counts: NDArray[np.int64]) -> DayText:
    """A day's lines, given how many of each member of the audience."""
    songs, rng = music_catalogue(), np.random.default_rng(3)
    if event == "play":
        return play_text(counts, audience, songs, rng)
    if event == "down":
        return down_text(counts, audience, songs, rng)
    return search_text(counts, date(2017, 4, 20), audience, songs, rng)


def uids_and_singers(event: str, text: DayText) -> Iterator[tuple[int, str]]:
    """Of all whole lines that name a singer; of searches those that name a title before him."""
    fields, singer = {"play": (9, 5), "down": (6, 4), "search": (4, 3)}[event]
    for line in b"".join(text.parts).decode().split("\n"):
        row = line.removeprefix("\t").split("\t")
        if len(row) != fields:
            continue
        name = unquote_plus(row[singer]).partition("  ")[2] if event == "search" else row[singer]
        if name:
            yield int(row[0]), name


@pytest.mark.parametrize("event", ["play", "down", "search"])
def test_lines_fall_on_favourite_style_and_singers(event: str, audience: Audience, singers: NDArray[np.str_]) -> None:
    members = len(audience.uid) if event == "play" else CUSTOMERS
    each = np.where(np.arange(members) < CUSTOMERS, EACH, 0)
    lines = list(uids_and_singers(event, written(event, audience, each)))
    place_of = {uid: place for place, uid in enumerate(audience.uid.tolist())}
    style_of_name = dict(zip(singers.tolist(), STYLE_OF.tolist(), strict=True))
    names = [set(of_one) for of_one in singers[audience.favourites].tolist()]
    of_style = [style_of_name[name] == audience.taste[place_of[uid]] for uid, name in lines]
    of_favourites = [name in names[place_of[uid]] for uid, name in lines]
    # Favourites are met by way of their style, too, by how popular all their songs are.
    popularity = np.bincount(SONG_OF % SINGERS, SHARE_OF)[audience.favourites].sum(axis=1).mean()
    assert len(lines) > 7_000
    assert near(np.mean(of_style), FOR_A_SINGER + FOR_THE_STYLE, len(lines))
    assert near(np.mean(of_favourites), FOR_A_SINGER + FOR_THE_STYLE * popularity, len(lines))


def test_uid_0_has_a_style_only_and_a_bot_not_even_that(audience: Audience) -> None:
    songs = music_catalogue()
    place = {text: i for i, text in enumerate(songs.song_id.to_pylist())}
    anonymous = np.array([*np.zeros(CUSTOMERS + 1, int), 60_000])
    bot = np.array([*np.zeros(CUSTOMERS, int), 60_000, 0])
    anyone = np.where(audience.taste[-1] == STYLE_OF, 0.7 + 0.3 / 8, 0.3 / 8) * SHARE_OF
    for plays, expected in ((anonymous, anyone), (bot, np.full(SONGS, 1 / SONGS))):
        rows = [line.split(b"\t") for line in b"".join(written("play", audience, plays).parts).splitlines()]
        known = [place[row[2].decode()] for row in rows if len(row) == 9 and row[2].decode() in place]
        counts = np.bincount(np.array(known) % SINGERS, minlength=SINGERS)
        assert not far_off(counts, counts.sum() * np.bincount(SONG_OF % SINGERS, expected))


def test_few_lines_of_a_day_are_alike_by_chance() -> None:
    """Most of the equal lines are one event delivered twice, as in the real sample."""
    audience = make_audience(20_000, 1)
    of_day = simulate_counts(music_process(), 20_000, 3, np.random.default_rng(1))[-1]
    plays = plays_of_all(of_day[0], 20, np.random.default_rng(1))
    for event, counts, most in (("play", plays, 0.007), ("down", of_day[1], 0.01)):
        text = written(event, audience, counts)
        lines = [line.lstrip(b"\t") for line in b"".join(text.parts).splitlines() if line]
        by_chance = len(lines) - len(set(lines)) - text.counts["duplicate"]
        assert 0 < by_chance / text.counts["events"] < most
