"""The base class of all declarations, the types of their values, reserved names, and checks of SQL expressions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from conf import sql

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
ColumnType = Annotated[str, Field(pattern=r"^(bigint|int|string|boolean|date|timestamp|decimal\(\d{1,2},\d{1,2}\))$")]
Level = Annotated[str, Field(min_length=1, max_length=200)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

ID_TYPES = ("bigint", "int", "string")
NULL_MARKERS = ("", "NULL", r"\N", "NaN", "None", "N/A")  # texts for "no value", by default

# Columns that Encore adds to each layer; a service must not declare columns with these names.
EVENT_KEYS = frozenset({"customer_id", "date"})
RESERVED_COLUMNS = frozenset({"date", "reason", "repairs", "copies"})
RAW_PREFIX = "raw_"  # begins the names of the raw fields that stand beside the typed columns
TILE_KEYS = frozenset({"customer_id", "date", "events", "is_bot"})
OBSERVED_KEYS = frozenset({"date", "events", "age_days", "gap_days"})
TABLE_KEYS = frozenset({"customer_id", "as_of", "eligible", "label", "label_status"})
# Columns that training and scoring add to the features, and prefixes of further such columns.
MODEL_KEYS = frozenset(
    {
        "probability",
        "recency_probability",
        "inputs",
        "risk",
        "decile",
        "expected_profit",
        "contact",
        "barred",
        "left_out",
        "bgnbd_probability",
        "weight",
        "fold",
        "fine_bin",
    }
)
MODEL_PREFIXES = ("reason_", "input_", RAW_PREFIX)
RESERVED_EVENTS = frozenset({"rejected"})  # each event is a folder, and this folder holds the rejected lines


class Declaration(BaseModel):
    """Base class of all declarations: immutable and strictly typed; an unknown key is an error.

    The docstring of each subclass explains all of its keys in lines `key: meaning`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def check_aggregate(where: str, expression: str, known: set[str]) -> None:
    """Check the columns of an aggregate that `sql.aggregate_name` has accepted.

    Args:
        where: the key of the expression, with which the error begins.
        known: the columns that the expression may read.

    Raises:
        ValueError: the expression does not parse or reads an unknown column.
    """
    with _key_in_error(where):
        sql.check_columns(expression, known)


def check_row(where: str, expression: str, known: set[str]) -> None:
    """Check an expression over one row.

    Args:
        where: the key of the expression, with which the error begins.
        known: the columns that the expression may read.

    Raises:
        ValueError: the expression does not parse, reads an unknown column or holds an aggregate.
    """
    with _key_in_error(where):
        sql.check_row(expression, known)


@contextmanager
def _key_in_error(where: str) -> Iterator[None]:
    """Begin the message of a ValueError with the key `where`."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
