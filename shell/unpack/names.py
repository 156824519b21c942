"""What the names of archives and of their members say: pattern, day, part, and whether they are logs at all."""

import re
from fnmatch import translate
from functools import cache

_DIGITS = re.compile(r"(?<![0-9])([0-9]{4})([-_.]?)([0-9]{2})\2([0-9]{2})(?![0-9])")
_COPY = re.compile(r" \([0-9]+\)")
_EXTENSIONS = re.compile(r"\.(tar|gz|tgz|bz2|tbz2?|xz|txz|zst|tzst|zip|z)$", re.IGNORECASE)
_PLAIN_EXTENSIONS = re.compile(r"\.(log|txt)$", re.IGNORECASE)
_LIST = re.compile(r"list\.html|.*\.uids.*", re.IGNORECASE)
_DOCUMENT = re.compile(
    r"(readme|licen[cs]e|copying|notice|changes|changelog|manifest)(\..*)?"
    r"|.*\.(md|html?|pdf|docx?|md5|sha1|sha256|sha512|sfv)",
    re.IGNORECASE,
)
FIRST_YEAR, LAST_YEAR = 1970, 2099


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob), re.IGNORECASE)


def matches(name: str, glob: str) -> bool:
    """Whether a name matches a shell pattern; upper and lower case are the same."""
    return bool(_pattern(glob).match(name))


def is_hidden(path: str) -> bool:
    """Whether a path is hidden, or is one of the resource forks that macOS puts into archives."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


def is_list(name: str) -> bool:
    """Whether a name is that of a list of customers or of archives, which lie beside logs."""
    return bool(_LIST.fullmatch(name))


def is_document(name: str) -> bool:
    """Whether a name is that of a document or a checksum, which often lies beside logs."""
    return bool(_DOCUMENT.fullmatch(name))


def days_in(name: str) -> list[str]:
    """The days in a name, as YYYY-MM-DD: YYYYMMDD, or the same with `-`, `_` or `.` between.

    A day at its start is the only one. Eight digits at the start that are no day of the calendar mean: none.
    """
    found = list(_DIGITS.finditer(name))
    if found and found[0].start() == 0:
        found = found[:1]
    days = (_day(match) for match in found)
    return list(dict.fromkeys(day for day in days if day))


def _day(match: re.Match[str]) -> str:
    from datetime import date  # read_archives.py starts faster without it

    year, _, month, day = match.groups()
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return ""
    return found.isoformat() if FIRST_YEAR <= found.year <= LAST_YEAR else ""


def part_of(name: str) -> list[str]:
    """The numbers in a name, without its days: the part that it is. Names of copies have those of their originals."""
    return re.findall("[0-9]+", _DIGITS.sub("", without_extensions(name)))


def is_copy(name: str) -> bool:
    """Whether a name is one that browsers give to a second copy: `NAME (1).gz`."""
    return bool(_COPY.search(name))


def without_extensions(path: str) -> str:
    """A name or path without what packing and copying add: ` (1)`, .tar, .gz, ..."""
    path = _COPY.sub("", path)
    while (shorter := _EXTENSIONS.sub("", path)) != path:
        path = shorter
    return path


def stem_of(path: str) -> str:
    """The name of an archive's files in LANDING, without .log; two paths can have the same."""
    path = re.sub(r"\.(tar\.)?(gz|bz2|xz|zst)$|\.(tgz|tbz2?|txz|tzst|tar|zip)$", "", path, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9._-]", "_", _PLAIN_EXTENSIONS.sub("", path).encode().decode("latin-1"))


def shown(name: str) -> str:
    """A name as it can be printed, with escapes for control characters and for bytes that are no UTF-8."""
    if name.isprintable():
        return name
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in name)
