"""The errors that a user can fix, each with the exit code of the command that meets it."""


class EncoreError(Exception):
    """Base class of all errors with a one-line message: what failed, on what, and what to do next."""

    exit_code = 1


class UsageError(EncoreError):
    """Wrong usage or configuration."""

    exit_code = 2


class InputError(EncoreError):
    """Wrong or missing input."""

    exit_code = 3


class NothingToLearnError(InputError):
    """The data are valid, but there are too few of them for the request."""


class DataCheckError(EncoreError):
    """A check on the data failed: the input is readable, but its content cannot be right."""

    exit_code = 4


class RankError(EncoreError):
    """A process of distributed training failed, by a defect or with its machine.

    Args:
        trace: traceback of the process, empty if it left none.
    """

    def __init__(self, message: str, trace: str) -> None:
        super().__init__(message)
        self.trace = trace
