"""What a user can fix, in the words of Encore: errors of the disk, however a library reports them."""

import errno
import re
import shlex
import sys
from collections.abc import Iterator
from itertools import pairwise

from conf.errors import EncoreError, InputError
from jobs.printable import printable

# By kind: the numbers of the operating system, the words in which libraries, engines and shells report them, and what
# to do.
FULL = (
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    r"No space left on device|Disk quota exceeded|File too large",
    "the disk is full or a limit is reached; free some space, then run the command again: nothing is half written",
)
FORBIDDEN = (
    (errno.EACCES, errno.EPERM, errno.EROFS),
    r"Permission denied|Operation not permitted|Read-only file system|Mkdirs failed to create",
    "this user may not read or write there; change the rights, or give another folder",
)
MISTAKEN = (
    (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY),
    r"Not a directory|Is a directory|File exists|NotDirectoryException|Directory not empty",
    "a file is where a folder must be, or a folder where a file must be; rename or remove it",
)
GONE = (
    (errno.ENOENT, errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO),
    r"File name too long|Too many levels of symbolic links|Input/output error|Stale file handle",
    "look at this file and at the disk, then run the command again",
)
KINDS = (FULL, FORBIDDEN, MISTAKEN, GONE)
WINDOWS = ("--observation-days", "--outcome-days", "--gap-days")
COMMAND = re.compile("`encore (features|run|train|train-keras|score|drift|recommend|report|prepare)\\b")
PATH = re.compile(r"(?:file:)?(/[^\s'\"():,]+)")


def in_words(error: BaseException) -> EncoreError | None:
    """The error as one that the user can fix; None where it is a defect of Encore.

    An engine, a library or a shell reports a full disk or a missing right as an error of its own, in whose text stand
    the words of the operating system.
    """
    if isinstance(error, EncoreError) and error.exit_code != 1:
        return error
    text = str(error)
    for numbers, words, advice in KINDS:
        said = re.search(words, text)
        if isinstance(error, OSError) and error.errno in numbers and error.filename is not None:
            return InputError(f"{_command()}{_name(error.filename)}: {error.strerror}: {advice}")
        if said:
            path = PATH.search(text)
            return InputError(f"{_command()}{path[1] if path else _data()}: {said[0]}: {advice}")
    return error if isinstance(error, EncoreError) else None


def with_windows(said: str) -> str:
    """An error that names a command to run, with the windows that this command was given: it needs them too."""
    given = [f"{option} {shlex.quote(value)}" for option, value in _options() if option in WINDOWS]
    return f"{said} ({' '.join(given)} too)" if given and COMMAND.search(said) else said


def _options() -> Iterator[tuple[str, str]]:
    """The options of the command line with their values, as `--name value` or `--name=value`."""
    for option, value in pairwise([*sys.argv[1:], ""]):
        name, equals, own = option.partition("=")
        if name.startswith("--"):
            yield name, own if equals else value


def _name(file: object) -> str:
    return printable(file.decode("utf-8", "surrogateescape") if isinstance(file, bytes) else str(file))


def _data() -> str:
    """The data folder of the command line."""
    given = [value for option, value in pairwise(sys.argv) if option == "--data"]
    return given[-1] if given else "the data folder"


def _command() -> str:
    """What was being done: the name of the command."""
    name = next((one for one in sys.argv[1:] if not one.startswith("-")), "")
    return f"{name}: " if name else ""
