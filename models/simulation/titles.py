"""Generates titles and singers from Chinese and English words, similar to the real ones."""

import numpy as np


def _words(text: str) -> list[str]:
    return text.split()


_OPENING = _words(
    "红尘 江湖 月光 夏天 故乡 草原 北方 午夜 青春 雨后 星空 梦里 远方 一生 "
    "温柔 孤单 最初 秋天 山谷 天涯 昨日 心中 海边 长安 落花 微风 冬日 人间"
)
_CLOSING = _words(
    "的歌 情人 之恋 往事 归来 的你 相思 小路 等待 传说 约定 眼泪 旅人 故事 "
    "回忆 誓言 少年 姑娘 玫瑰 烟火 飞鸟 晚安 再见 不悔 如歌 流浪 微笑 时光"
)
_ENGLISH = _words(
    "Blue River Again Tonight Summer Heart Lonely Road Fire Dream Shadow Silver "
    "Stay Falling Home Rain Golden Echo Midnight Light"
)
_DRAMA = _words("山海行 长街旧梦 春风十里路 雪落无声 浮城往事 云上之约")
_SURNAME = list("赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜")
_GIVEN = _words(
    "晓梅 子轩 雨桐 海 一鸣 思远 小北 清 若兰 大山 欣然 阿木 文博 可可 南风 静怡 "
    "云舒 秋实 长河 沐阳 听雪 知夏 小满 望舒 归舟 晚晴 青禾 未央 白露 竹影 初一 远山 "
    "见鹿 星河 半夏 阿宁 木子 书棋 野草 石头 十七 冬至 念安 景行 松间 暖暖 九歌 拾光"
)
_BAND = ["The {} {}s", "{} & {}", "DJ {} {}", "{} {}"]


def singer_name(rng: np.random.Generator) -> str:
    """Generate a singer: one in five is a band with an English name, one in ten is two singers together."""
    kind = rng.random()
    if kind < 0.2:
        return _pick(_BAND, rng).format(_pick(_ENGLISH, rng), _pick(_ENGLISH, rng))
    name = _pick(_SURNAME, rng) + _pick(_GIVEN, rng)
    return name if kind < 0.9 else f"{name}&{_pick(_SURNAME, rng)}{_pick(_GIVEN, rng)}"


def song_title(rng: np.random.Generator) -> str:
    """Generate a title: 17 % are English, as in the real sample; some name a series, a remix or a concert."""
    kind = rng.random()
    if kind < 0.17:
        return f"{_pick(_ENGLISH, rng)} {_pick(_ENGLISH, rng)}" + (" (Live)" if kind < 0.02 else "")
    title = _pick(_OPENING, rng) + _pick(_CLOSING, rng)
    if kind < 0.27:
        return f"{title}-(电视剧《{_pick(_DRAMA, rng)}》主题曲)"
    if kind < 0.33:
        return f"{title}(DJ版)"
    return f"{title} (Live)" if kind < 0.36 else title


def _pick(words: list[str], rng: np.random.Generator) -> str:
    return words[int(rng.integers(len(words)))]
