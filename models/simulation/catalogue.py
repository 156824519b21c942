"""A simulated catalogue of songs and singers with Chinese titles, as tables of text for the lines of logs."""

from dataclasses import dataclass
from functools import cache
from urllib.parse import quote_plus

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.arrays import Ints
from models.simulation.titles import singer_name, song_title

SONGS = 12_000
SINGERS = SONGS // 10  # song i is by singer i % SINGERS, so that the first songs of a style are by different singers
STYLES = 8  # song i has style i % STYLES, that of its singer, since STYLES divides SINGERS
# Tastes, which a recommender can learn: customers play some songs for the singer, and most others for the style.
FAVOURITES, FAVOURITE_SHARE = 5, 0.35  # singers per customer; share of plays that are for one of them
TASTE = 0.7  # share of the other plays that are of the favourite style by choice; the others are of a random style
# With this popularity and these favourites about one play in 200 repeats another line of the day by chance.
ZIPF = 0.6
QUERY_FORMS = 3  # a search is for a title, for title and singer, or for a singer
PAID_SHARE = 0.02
NO_LENGTHS = (0, -1, -2147483648)


@dataclass(frozen=True)
class Catalogue:
    """SONGS songs, the most played first, each style and singer in turn. Texts at the end of a line hold its newline.

    seconds: (SONGS,) length. chart: (SONGS // STYLES,) cumulative share of plays by rank within a style.
    id_type: (2 * (SONGS + 2),) id and song type, for types 0 and 1; the last two ids are 0 and -1.
    song_id: (SONGS,). title_singer: (4 * SONGS,) correct, without the singer, then both again with a newline after the
    title. length_paid: (SONGS + 3,) the last three have invalid lengths. paid: (SONGS,).
    query: (3 * SONGS * QUERY_FORMS,) as encoded by Android, as encoded by iPhone, as typed.
    """

    seconds: NDArray[np.int64]
    chart: NDArray[np.float64]
    id_type: pa.StringArray
    song_id: pa.StringArray
    title_singer: pa.StringArray
    length_paid: pa.StringArray
    paid: pa.StringArray
    query: pa.StringArray

    def choose(self, who: Ints, taste: Ints, favourites: Ints, rng: np.random.Generator) -> Ints:
        """Draw a song for each of `who`, (N,), positions in taste, (M,), and in favourites, (C, FAVOURITES).

        With probability FAVOURITE_SHARE it is a random song of a random favourite singer. Otherwise, and always for the
        last M - C users, who have no favourites, it is a song of the favourite style or of a random one, popular songs
        more often.
        """
        song = self._of_style(taste[who], rng)
        loyal = np.flatnonzero((rng.random(len(who)) < FAVOURITE_SHARE) & (who < len(favourites)))
        singer = favourites[who[loyal], rng.integers(0, FAVOURITES, len(loyal))]
        song[loyal] = singer + SINGERS * rng.integers(0, SONGS // SINGERS, len(loyal))
        return song

    def _of_style(self, taste: Ints, rng: np.random.Generator) -> Ints:
        rank = np.searchsorted(self.chart, rng.random(len(taste)), side="right")
        style = np.where(rng.random(len(taste)) < TASTE, taste, rng.integers(0, STYLES, len(taste)))
        return np.minimum(rank, len(self.chart) - 1) * STYLES + style


def _quote_all(text: str) -> str:
    """Encode every byte, in lower case, as iPhones do: `she` is `%73%68%65`."""
    return "%" + text.encode().hex("%")


def _typed(text: str) -> str:
    return text.replace(" ", "+")


ENCODERS = (quote_plus, _quote_all, _typed)


def _singer_names(rng: np.random.Generator) -> list[str]:
    """SINGERS different names, since the logs identify singers by name only."""
    names: dict[str, None] = {}  # used as a set; the order of a real set differs between processes
    while len(names) < SINGERS:
        names.setdefault(singer_name(rng))
    return list(names)


@cache
def music_catalogue() -> Catalogue:
    """The catalogue of all simulations, whatever their seed, so that titles mean the same."""
    rng = np.random.default_rng(20170330)
    singer = _singer_names(rng) * (SONGS // SINGERS)
    title = [song_title(rng) for _ in range(SONGS)]
    # The distribution of lengths is that of the real sample: one song in ten below 2 minutes, a few audiobooks.
    seconds = np.clip(rng.normal(238, 55, SONGS), 20, 600).astype(np.int64)
    seconds = np.where(rng.random(SONGS) < 0.02, rng.integers(600, 2_700, SONGS), seconds)
    paid = np.where(rng.random(SONGS) < PAID_SHARE, "1\n", "0\n").tolist()
    song_id = [str(number) for number in rng.choice(23_400_000, SONGS, replace=False) + 60_000]
    share = 1.0 / np.arange(1, SONGS // STYLES + 1) ** ZIPF
    pairs = list(zip(title, singer, strict=True))
    queries = [query for t, s in pairs for query in (t, f"{t}  {s}", s)]
    return Catalogue(
        seconds=seconds,
        chart=np.cumsum(share / share.sum()),
        id_type=pa.array([f"{number}\t{kind}" for kind in (0, 1) for number in [*song_id, "0", "-1"]]),
        song_id=pa.array(song_id),
        title_singer=pa.array([f"{t}{end}\t{s * named}" for end in ("", "\n") for named in (1, 0) for t, s in pairs]),
        length_paid=pa.array(
            [f"{length}\t{flag}" for length, flag in zip(seconds, paid, strict=True)]
            + [f"{length}\t0\n" for length in NO_LENGTHS]
        ),
        paid=pa.array(paid),
        query=pa.array([f"{encode(query)}\n" for encode in ENCODERS for query in queries]),
    )
