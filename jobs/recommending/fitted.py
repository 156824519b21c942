"""The fitted recommender in the data folder: its record, and its files as they were published."""

from conf.errors import InputError
from jobs.data_folder import DataFolder
from jobs.records.recommending import RecommenderRecord
from jobs.storage.backend import current
from jobs.storage.layer import RECORD
from jobs.storage.location import Place
from jobs.storage.records import find_readable, find_record
from jobs.storage.seals import require_unchanged, tree_seals


def find_fitted(data: DataFolder) -> RecommenderRecord | None:
    """The record of the recommender, None where there is none. Raises where it cannot be read, or was changed."""
    return find_record(RecommenderRecord, current(data.recommender) / RECORD)


def find_readable_fitted(data: DataFolder) -> RecommenderRecord | None:
    """The same, None where it cannot be read; for the command that would then fit again."""
    return find_readable(RecommenderRecord, current(data.recommender) / RECORD)


def fitted_folder(data: DataFolder) -> Place:
    """The files of the recommender.

    Raises:
        InputError: there is none.
        DataCheckError: one of them is not as it was published.
    """
    record = find_fitted(data)
    if record is None:
        raise InputError(f"{data.recommender}: there is no recommender; run {RecommenderRecord.COMMAND} first")
    folder = current(data.recommender)
    require_unchanged(folder, record.content, tree_seals(folder), record.COMMAND)
    return folder
