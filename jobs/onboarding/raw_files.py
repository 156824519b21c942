"""Which files of a folder belong to which event, by their names."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path

from conf.errors import InputError
from conf.events import Event


@dataclass(frozen=True)
class RawFiles:
    """The files under a folder, in the order of their paths: of each event that has some of its own, and of none."""

    root: Path
    of_event: Mapping[str, Sequence[Path]]
    others: Sequence[Path]

    def ends(self, event: str) -> list[Path]:
        """The first and the last file of an event."""
        files = self.of_event[event]
        return [files[0], files[-1]] if len(files) > 1 else list(files)


def raw_files(raw: Path, events: Mapping[str, Event]) -> RawFiles:
    """The files of a folder, or the one file.

    Raises:
        InputError: there is no such file or folder.
    """
    if not raw.exists():
        raise InputError(f"{raw}: no such file or folder; give the raw files by --raw")
    root = raw if raw.is_dir() else raw.parent
    paths = sorted(all_files(raw)) if raw.is_dir() else [raw]
    own = {name: event for name, event in events.items() if not event.landing.lines_of}
    of_event: dict[str, list[Path]] = {name: [] for name in own}
    others: list[Path] = []
    for path in paths:
        name = next((name for name, event in own.items() if _matches(path.name, event.landing.files)), None)
        (others if name is None else of_event[name]).append(path)
    return RawFiles(root, of_event, others)


def all_files(folder: Path) -> list[Path]:
    """The files below a folder; hidden ones, and those of hidden folders, are left out."""
    found: list[Path] = []
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        found += [Path(base) / name for name in names if not name.startswith(".")]
    return found


def _matches(name: str, pattern: str) -> bool:
    """Whether a name matches a shell pattern; upper and lower case are the same, as for `encore unpack`."""
    return bool(re.match(translate(pattern), name, re.IGNORECASE))
