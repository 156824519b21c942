"""Texts of data, such as ids and names of files, as a console may show them."""

import re

# Control characters (escape codes begin with one), halves of surrogates (bytes that are not UTF-8), and the characters
# that turn the direction of what follows.
ODD = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """The text with the code of each of these characters in its place."""
    return ODD.sub(lambda odd: odd[0].encode("unicode_escape", "surrogatepass").decode(), text)
