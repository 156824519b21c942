"""Texts of data, such as ids and names of files, as a console may show them."""

from unicodedata import category


def printable(text: str) -> str:
    """A text of data, such as an id or a file name, on one line, with the codes of odd characters in their place.

    Odd are control characters (escape codes begin with one, and a line break is one), halves of surrogates (bytes that
    are not UTF-8), and what does not show: marks of direction, of zero width, or of no meaning yet.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def printable_lines(text: str) -> str:
    """The same of each line of a text."""
    return "\n".join(map(printable, text.split("\n")))


def _shown(letter: str) -> str:
    kind = category(letter)
    is_odd = kind.startswith("C") or kind in ("Zl", "Zp")
    return letter.encode("unicode_escape", "surrogatepass").decode() if is_odd else letter
