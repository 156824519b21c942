"""Swapping two folders of a disk in one system call, as Linux and macOS have it.

Some file systems, NFS among them, lack the call. There it takes two renames; if the process dies between them, the next
command completes the swap.
"""

import ctypes
import errno
import os
import shutil
import sys
from pathlib import Path

UNABLE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
ASIDE, NOTE = ".aside", ".belongs"  # beside the new folder: the old one meanwhile, and where it belongs


def put_in_place(new: Path, old: Path) -> None:
    """Put the folder `new` where the folder `old` is; `old` is gone afterwards."""
    try:
        _exchange(new, old)
    except OSError as error:
        if error.errno not in UNABLE:
            raise
        _in_two_steps(new, old)
    else:
        shutil.rmtree(new)


def finish_swap(staging: Path) -> None:
    """Move a folder that a killed swap left in a staging folder back to its place, unless the new one is there."""
    for note in staging.rglob(f"*{NOTE}"):
        aside, target = note.with_name(note.name.removesuffix(NOTE) + ASIDE), Path(note.read_text(encoding="utf-8"))
        if aside.exists() and not target.exists():
            aside.rename(target)


def _in_two_steps(new: Path, old: Path) -> None:
    """Swap by two renames; between them the folder is missing for as long as a rename takes."""
    aside, note = (new.with_name(f"{new.name}{ending}") for ending in (ASIDE, NOTE))
    note.write_text(str(old.absolute()), encoding="utf-8")
    old.rename(aside)
    new.rename(old)
    note.unlink()
    shutil.rmtree(aside)


def _exchange(left: Path, right: Path) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(left), os.fsencode(right)
    if sys.platform == "darwin":
        swap = 2
        failed = library.renamex_np(*names, swap)
    else:
        here, exchange = -100, 2
        failed = library.renameat2(here, names[0], here, names[1], exchange)
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, f"the two folders cannot change places ({os.strerror(number)})", str(right))
