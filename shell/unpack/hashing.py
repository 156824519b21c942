"""Keyed hashes of texts that say who somebody is: HMAC-SHA256, so that nobody without the key can try out texts."""

import hmac
import os
import re
from collections.abc import Callable, Sequence
from unicodedata import normalize

KEY, KEY_FILE = "ENCORE_HASH_KEY", "ENCORE_HASH_KEY_FILE"
LEAST_CHARACTERS = 16
DIGITS = 32
KEY_DIGITS = 12

# One spelling is made of a text, as features/values.py makes one of an id; a test compares these patterns.
SPACES = "[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
INVISIBLE = "[\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+"
ZEROS_AFTER_POINT = r"^([+-]?[0-9]+)[.]0*\Z"
WITH_EXPONENT = r"^[+-]?[0-9]+(?:[.][0-9]*[eE][+-]?|[eE][+])[0-9]+\Z"
_SPACES, _INVISIBLE = re.compile(SPACES), re.compile(INVISIBLE)
_ZEROS_AFTER_POINT, _WITH_EXPONENT = re.compile(ZEROS_AFTER_POINT), re.compile(WITH_EXPONENT)


class KeyMissingError(Exception):
    """There is no key to hash by; the text says how to give one."""


def hash_key() -> bytes:
    """The key. Raises KeyMissingError if there is none."""
    key, file = os.environ.get(KEY, ""), os.environ.get(KEY_FILE, "")
    if not key and file:
        try:
            with open(file, encoding="utf-8") as opened:  # noqa: PTH123 - pathlib takes long to load
                key = opened.read().strip()
        except (OSError, UnicodeError) as error:
            raise KeyMissingError(
                f"{KEY_FILE}={file} cannot be read ({error}); give a text file with the key"
            ) from None
    if len(key) < LEAST_CHARACTERS:
        what = "is too short" if key else "is missing"
        raise KeyMissingError(
            f"a field is hashed, and the key {what}; set {KEY} to a secret of at least {LEAST_CHARACTERS} characters, "
            f"or {KEY_FILE} to a file with one"
        )
    return key.encode()


def fingerprint_of(key: bytes) -> str:
    """A text that tells keys apart and gives none away."""
    return hmac.new(key, b"fingerprint of the key", "sha256").hexdigest()[:KEY_DIGITS]


def hasher(key: bytes, null_markers: Sequence[str], whole_numbers: bool) -> Callable[[str], str]:
    """How to hash a text; a null marker stays as it is, and an id that may have lost digits is missing.

    Args:
        whole_numbers: 17850.0 is the id 17850.
    """
    markers = {marker.strip().lower() for marker in null_markers} | {""}

    def hashed(text: str) -> str:
        plain = _INVISIBLE.sub("", normalize("NFC", text))
        plain = _SPACES.sub(" ", plain).strip(" ")
        if plain.lower() in markers:
            return text
        if whole_numbers:
            plain = "" if _WITH_EXPONENT.match(plain) else _ZEROS_AFTER_POINT.sub(r"\1", plain)
        return hmac.new(key, plain.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:DIGITS] if plain else ""

    return hashed
