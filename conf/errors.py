"""The errors that a user can fix, each with the exit code of the command that meets it."""


class EncoreError(Exception):
    """Base of all errors with a one-line message: what was being done, to what, and what to do next."""

    exit_code = 1


class UsageError(EncoreError):
    """Bad usage or configuration."""

    exit_code = 2


class InputError(EncoreError):
    """Bad or missing input."""

    exit_code = 3


class NothingToLearnError(InputError):
    """There is too little in the data for what was asked, and nothing wrong with it."""


class DataCheckError(EncoreError):
    """A check on the data failed: the input could be read, but what it says cannot be right."""

    exit_code = 4


class RankError(EncoreError):
    """A process that trains with others has failed, by a defect or by its machine.

    trace: its own traceback, where it could leave one.
    """

    def __init__(self, message: str, trace: str) -> None:
        super().__init__(message)
        self.trace = trace
