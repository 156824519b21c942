"""How numbers are written: the decimal mark, the mark between thousands, signs of currencies."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

CURRENCY = re.compile(
    r"[$€£¥₹₽₺₩]|\b(?:EUR|USD|GBP|CHF|JPY|CNY|RUB|PLN|SEK|NOK|DKK|CZK|CAD|AUD|BRL|INR|zł|kr|Kč|Fr)\b\.?"
)
NUMBER = re.compile(r"[0-9]+(?:[.,'\u2019 \u00a0\u202f][0-9]+)*")
EXPONENT = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?[eE][-+]?[0-9]{1,3}")
MARKS = re.compile(r"[.,'\u2019 \u00a0\u202f]")
BLANKS = "\u00a0\u202f "
WHOLE_AS_FLOAT = re.compile(r"-?[0-9]+\.0+")


@dataclass
class Evidence:
    """What some numbers say of their marks: how often each mark can only be one of decimals, or only of thousands.

    unclear: by mark, how often it could be either, as in `1,080`.
    """

    decimal: Counter[str] = field(default_factory=Counter)
    thousands: Counter[str] = field(default_factory=Counter)
    unclear: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Evidence") -> None:
        """Add what other numbers say."""
        self.decimal += other.decimal
        self.thousands += other.thousands
        self.unclear += other.unclear


@dataclass(frozen=True)
class Marks:
    """The decimal mark and the mark between thousands; `is_guess` where `1,080` alone does not decide."""

    decimal: str = "."
    thousands: str = ""
    is_guess: bool = False


def bare(text: str) -> str:
    """A number without sign, currency and the parentheses of a negative one."""
    plain = CURRENCY.sub("", text).strip(BLANKS)
    if plain.startswith("(") and plain.endswith(")"):
        plain = plain[1:-1]
    return CURRENCY.sub("", plain.strip("+-\u2212").strip(BLANKS)).strip("+-\u2212").strip(BLANKS)


def is_number(text: str) -> bool:
    """Whether a text is a number in some spelling."""
    return bool(NUMBER.fullmatch(bare(text)) or EXPONENT.fullmatch(text))


def evidence(texts: Sequence[str]) -> Evidence:
    """What the marks in some numbers are."""
    found = Evidence()
    for text in texts:
        number = bare(text)
        marks = ["'" if mark == "\u2019" else " " if mark in BLANKS else mark for mark in MARKS.findall(number)]
        groups = MARKS.split(number)
        if not marks or not NUMBER.fullmatch(number):
            continue
        last, rest = marks[-1], marks[:-1]
        if rest and last not in rest:  # 1.009,90
            found.decimal[last] += 1
            found.thousands.update(set(rest))
        elif rest or last in "' ":  # 1.000.000
            found.thousands[last] += 1
        elif len(groups[1]) == 3 and len(groups[0]) <= 3 and not groups[0].startswith("0"):
            found.unclear[last] += 1
        else:
            found.decimal[last] += 1
    return found


def marks(found: Evidence) -> Marks:
    """The marks that explain most of the numbers of a file."""
    point, comma = found.decimal["."], found.decimal[","]
    if point or comma:
        decimal = "," if comma > point else "."
        other = "." if decimal == "," else ","
        thousands = next((mark for mark, _ in found.thousands.most_common() if mark != decimal), "")
        return Marks(decimal, thousands or (other if found.unclear[other] else ""))
    if found.thousands:
        mark = found.thousands.most_common(1)[0][0]
        return Marks("," if mark == "." else ".", mark)
    if found.unclear:  # 1,080 and whole numbers only
        mark = found.unclear.most_common(1)[0][0]
        return Marks(",", ".", True) if mark == "." else Marks(".", ",", True)
    return Marks()


def fits(text: str, marks: Marks) -> bool:
    """Whether a text is a number with these marks."""
    if EXPONENT.fullmatch(text):
        return True
    whole = r"[0-9]+"
    if marks.thousands:
        same = {" ": BLANKS, "'": "'\u2019"}.get(marks.thousands, marks.thousands)
        whole = rf"(?:[0-9]+|[0-9]{{1,3}}(?:[{same}][0-9]{{3}})+)"
    return bool(re.fullmatch(rf"{whole}(?:[{marks.decimal}][0-9]+)?", bare(text)))
