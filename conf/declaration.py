"""What every declaration of a configuration is made of: its base, names that are taken, and checks of its SQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from conf import sql

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Type = Annotated[str, Field(pattern=r"^(bigint|int|string|boolean|date|timestamp|decimal\(\d{1,2},\d{1,2}\))$")]
Level = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]  # becomes part of a column's name
Days = Annotated[int, Field(gt=0, le=36_500)]  # a date this far back can still be written down
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

# Columns of each layer that no service declares: they are the grain, or follow from it.
EVENT_KEYS = frozenset({"customer_id", "date"})
RESERVED = frozenset({"date", "reason", "repairs", "copies"})
RAW = "raw_"  # stands before the name of a raw field beside the typed columns
TILE_KEYS = frozenset({"customer_id", "date", "events", "is_bot"})
OBSERVED_KEYS = frozenset({"date", "events", "age_days", "gap_days"})
TABLE_KEYS = frozenset({"customer_id", "as_of", "eligible", "label", "label_status"})
# Columns that training and scoring put beside the features, and how the names of others begin.
MODEL_KEYS = frozenset(
    {
        "probability",
        "recency_probability",
        "inputs",
        "risk",
        "decile",
        "expected_profit",
        "contact",
        "weight",
        "fold",
        "fine_bin",
    }
)
MODEL_PREFIXES = ("reason_", "input_", RAW)
FOLDERS = frozenset({"rejected"})  # stands beside the folders of the events


class Declaration(BaseModel):
    """Base of all declarations: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def check_aggregate(where: str, expression: str, known: set[str]) -> None:
    """Check an aggregate, which `aggregate_name` has seen, and name the key of a mistake."""
    with _naming(where):
        sql.check_columns(expression, known)


def check_row(where: str, expression: str, known: set[str]) -> None:
    """Check an expression over one row, and name the key of a mistake."""
    with _naming(where):
        sql.check_row(expression, known)


@contextmanager
def _naming(where: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
