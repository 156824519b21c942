r"""Texts of raw fields to values of the declared types, the same on both engines.

The engines differ on odd texts: white space that is no space, control characters, "0x1p3", " 1d ", "on", digits after
the sixth of a second. So a pattern decides which texts are valid, and only those are cast. Patterns end with `\z`,
since `$` of Java is also before a last line break, such as U+0085.
"""

import re
from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

NUMBER = r" *[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)? *"
WHOLE = r"^ *[+-]?[0-9]+ *\z"
BOOLEANS = ("0", "1", "t", "f", "true", "false", "y", "n", "yes", "no")
DAY = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
# The clock ends with what both engines read; their fractions of a second have six digits.
CLOCK = r"[0-9]{1,2}:[0-9]{1,2}(?::[0-9]{1,2}(?:[.][0-9]{1,6})?)?"
OFFSET = r"[Zz]|UTC|[+-][0-9]{2}(?::?[0-9]{2})?"
TIME = rf"^ *(?:({DAY})|({DAY}[T ]{CLOCK})[0-9]* ?({OFFSET})?) *\z"
DATE = rf"^ *({DAY})(?:[T ]|\z)"

# The characters that Unicode counts as white space, and those that nobody sees: soft hyphens, joiners, marks of
# direction, the byte order mark.
SPACES = "[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
INVISIBLE = "[\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+"
PLAIN = r"^[!-~]+\z"  # needs no normalisation
ZEROS_AFTER_POINT = r"^([+-]?[0-9]+)[.]0*\z"
WITH_EXPONENT = r"^[+-]?[0-9]+(?:[.][0-9]*[eE][+-]?|[eE][+])[0-9]+\z"


def normalised_id(text: Column, whole_numbers: bool = False) -> Column:
    """One spelling of an id: no invisible characters, no white space around it, one space for white space within it.

    Args:
        whole_numbers: `17850.0` becomes `17850`, and a number with an exponent, which may have lost digits, null.
    """
    spaced = F.trim(F.regexp_replace(F.regexp_replace(text, INVISIBLE, ""), SPACES, " "))
    plain = F.when(text.rlike(PLAIN), text).otherwise(spaced)
    if not whole_numbers:
        return plain
    whole = F.regexp_replace(plain, ZEROS_AFTER_POINT, "$1")
    return F.when(plain.rlike(r"^[0-9]+\z"), plain).when(~plain.rlike(WITH_EXPONENT), whole)


def unmarked(text: Column, markers: Sequence[str]) -> Column:
    """The text; null if it is one of the markers of a missing value."""
    if not markers:
        return text
    return F.when(~F.lower(F.trim(text)).isin(sorted({marker.strip(" ").lower() for marker in markers})), text)


def readable_markers(markers: Sequence[str], kind: str) -> list[str]:
    """The markers that could be read as a value of a type: only from those must its texts be told apart."""
    is_text = kind == "string"
    return [marker for marker in markers if is_text or re.search("[0-9]", marker) or marker.lower() in BOOLEANS]


def value_of(text: Column, kind: str) -> Column:
    """The value of a text as the type `kind`; null if the text is not valid for it."""
    if kind.startswith("decimal"):
        number = F.when(text.rlike(rf"^{NUMBER}\z"), F.trim(text))
        has_exponent = F.lower(number).contains("e")
        return F.when(has_exponent, _decimal_of_double(number, kind)).otherwise(number.try_cast(kind))
    if kind == "boolean":
        return F.when(F.lower(F.trim(text)).isin(*BOOLEANS), text).try_cast("boolean")
    if kind == "date":
        return F.regexp_extract(text, DATE, 1).try_cast("date")
    if kind == "timestamp":
        # The time on the clock: an offset tells two instants of one clock apart, and does not change it.
        return F.concat(F.regexp_extract(text, TIME, 1), F.regexp_extract(text, TIME, 2)).try_cast("timestamp")
    if kind in ("bigint", "int"):
        return F.when(text.rlike(WHOLE), text).try_cast(kind)
    return text


def _decimal_of_double(number: Column, kind: str) -> Column:
    """A number with an exponent, which Sail casts to no decimal, by way of double.

    The engines round the binary fraction or what it is written as: 0.145, which is 0.1449999... in binary, to 0.14 or
    0.15. With more digits first, as long as a double has so many, both round what is written.
    """
    value = number.try_cast("double")
    scale = int(kind.rstrip(")").split(",")[1])
    by_more_digits = value.try_cast(f"decimal(38,{min(scale + 6, 38)})").try_cast(kind)
    return F.when(F.abs(value) < F.lit(1e6), by_more_digits).otherwise(value.try_cast(kind))


def offset_of(text: Column) -> Column:
    """The offset of a time from UTC as text, such as `+0200`; empty without an offset, and for UTC."""
    digits = F.translate(F.regexp_extract(text, TIME, 3), ":", "")
    return F.when(digits.rlike("[1-9]"), F.rpad(digits, len("+0200"), "0")).otherwise(F.lit(""))
