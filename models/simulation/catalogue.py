"""Invented songs and singers with Chinese titles, as tables of ready text for the lines that name them."""

from dataclasses import dataclass
from functools import cache
from urllib.parse import quote_plus

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SONGS = 6_000
STYLES = 8  # song i is of style i % STYLES; a customer mostly plays one style, so that tastes can be found
TASTE = 0.7
ZIPF = 0.9
QUERY_FORMS = 3  # a search is for the title, for title and singer, or for the singer
PAID_SHARE = 0.02
NO_LENGTHS = (0, -1, -2147483648)

_OPENING = [
    "红尘",
    "江湖",
    "月光",
    "夏天",
    "故乡",
    "草原",
    "北方",
    "午夜",
    "青春",
    "雨后",
    "星空",
    "梦里",
    "远方",
    "一生",
    "温柔",
    "孤单",
    "最初",
    "秋天",
    "山谷",
    "天涯",
    "昨日",
    "心中",
    "海边",
    "长安",
    "落花",
    "微风",
    "冬日",
    "人间",
]
_CLOSING = [
    "的歌",
    "情人",
    "之恋",
    "往事",
    "归来",
    "的你",
    "相思",
    "小路",
    "等待",
    "传说",
    "约定",
    "眼泪",
    "旅人",
    "故事",
    "回忆",
    "誓言",
    "少年",
    "姑娘",
    "玫瑰",
    "烟火",
    "飞鸟",
    "晚安",
    "再见",
    "不悔",
    "如歌",
    "流浪",
    "微笑",
    "时光",
]
_WORDS = [
    "Blue",
    "River",
    "Again",
    "Tonight",
    "Summer",
    "Heart",
    "Lonely",
    "Road",
    "Fire",
    "Dream",
    "Shadow",
    "Silver",
    "Stay",
    "Falling",
    "Home",
    "Rain",
    "Golden",
    "Echo",
    "Midnight",
    "Light",
]
_DRAMA = ["山海行", "长街旧梦", "春风十里路", "雪落无声", "浮城往事", "云上之约"]
_SURNAME = list("赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜")
_GIVEN = [
    "晓梅",
    "子轩",
    "雨桐",
    "海",
    "一鸣",
    "思远",
    "小北",
    "清",
    "若兰",
    "大山",
    "欣然",
    "阿木",
    "文博",
    "可可",
    "南风",
    "静怡",
]
_BAND = ["The {} {}s", "{} & {}", "DJ {} {}", "{} {}"]


@dataclass(frozen=True)
class Catalogue:
    """SONGS songs, the most played first, each style in turn. Texts that end a line hold its newline.

    seconds: (SONGS,) length; chart: (SONGS // STYLES,) cumulative share of plays by rank within a style;
    id_type: (2 * (SONGS + 2),) id and song type, for types 0 and 1, the last two ids being 0 and -1;
    song_id: (SONGS,); title_singer: (4 * SONGS,) as it should be, without the singer, then both once more
    with a newline after the title; length_paid: (SONGS + 3,) the last three for lengths that are none;
    paid: (SONGS,); query: (3 * SONGS * QUERY_FORMS,) as Android encodes it, as iPhone does, as it was typed.
    """

    seconds: NDArray[np.int64]
    chart: NDArray[np.float64]
    id_type: pa.StringArray
    song_id: pa.StringArray
    title_singer: pa.StringArray
    length_paid: pa.StringArray
    paid: pa.StringArray
    query: pa.StringArray

    def choose(self, taste: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """A song for each customer's favourite style: popular ones more often, of another style at times."""
        rank = np.searchsorted(self.chart, rng.random(len(taste)), side="right")
        style = np.where(rng.random(len(taste)) < TASTE, taste, rng.integers(0, STYLES, len(taste)))
        return np.minimum(rank, len(self.chart) - 1) * STYLES + style


def _quote_all(text: str) -> str:
    """Every byte encoded, in lower case, as iPhones send it: `she` is `%73%68%65`."""
    return "%" + text.encode().hex("%")


def _typed(text: str) -> str:
    return text.replace(" ", "+")


ENCODERS = (quote_plus, _quote_all, _typed)


@cache
def music_catalogue() -> Catalogue:
    """The one catalogue of all simulations, so that titles mean the same whatever the seed."""
    rng = np.random.default_rng(20170330)
    singers = [_singer(rng) for _ in range(SONGS // 10)]
    singer = [singers[i] for i in rng.integers(0, len(singers), SONGS)]
    title = [_title(rng) for _ in range(SONGS)]
    # The shares of lengths are those of the real sample: one song in ten below 2 minutes, a few audiobooks.
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
        title_singer=pa.array(
            [f"{t}{end}\t{s * named}" for end in ("", "\n") for named in (1, 0) for t, s in pairs]
        ),
        length_paid=pa.array(
            [f"{length}\t{flag}" for length, flag in zip(seconds, paid, strict=True)]
            + [f"{length}\t0\n" for length in NO_LENGTHS]
        ),
        paid=pa.array(paid),
        query=pa.array([f"{encode(query)}\n" for encode in ENCODERS for query in queries]),
    )


def _pick(words: list[str], rng: np.random.Generator) -> str:
    return words[int(rng.integers(len(words)))]


def _singer(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.2:
        return _pick(_BAND, rng).format(_pick(_WORDS, rng), _pick(_WORDS, rng))
    name = _pick(_SURNAME, rng) + _pick(_GIVEN, rng)
    return name if kind < 0.9 else f"{name}&{_pick(_SURNAME, rng)}{_pick(_GIVEN, rng)}"


def _title(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.17:
        return f"{_pick(_WORDS, rng)} {_pick(_WORDS, rng)}" + (" (Live)" if kind < 0.02 else "")
    title = _pick(_OPENING, rng) + _pick(_CLOSING, rng)
    if kind < 0.27:
        return f"{title}-(电视剧《{_pick(_DRAMA, rng)}》主题曲)"
    if kind < 0.33:
        return f"{title}(DJ版)"
    return f"{title} (Live)" if kind < 0.36 else title
