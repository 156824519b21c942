"""How a finished table is declared: its columns and their names, and what must hold in it."""

from datetime import date

from pydantic import field_validator, model_validator

from conf.declaration import TABLE_KEYS, Declaration, Name, Type, check_row


def plain(name: str) -> str:
    """The name of a column without what files write differently: case, spaces, signs."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


class TableColumn(Declaration):
    """A column of a finished table.

    type: SQL type.
    names: other names of the column in headers; case, spaces and signs make no difference.
    least, greatest: a file with a value outside is refused.
    may_be_empty: whether a row may lack the value.
    """

    type: Type
    names: list[str] = []
    least: float | None = None
    greatest: float | None = None
    may_be_empty: bool = False


class Identity(Declaration):
    """A rule that every row of a finished table obeys; a file that breaks it is refused.

    holds: the rule, as SQL over the columns.
    about: the same in words.
    """

    holds: str
    about: str


class FinishedTable(Declaration):
    """A table with one row per customer, made by somebody else, instead of events.

    as_of: as-of date of a file for which `--as-of` is not given.
    columns: columns by name, in the order of a file without a header; `customer_id` must be one.
    ordered: pairs of columns, the first never above the second. If the first is never below the second in a file, the
        labels of the two are swapped in it, and Encore swaps them back.
    identities: rules of every row, by name.
    fills: by column, SQL that is true for customers who have no value in it. If more than half of them share a value
        that is not the commonest of the others, it was filled in, and becomes null.
    """

    as_of: date
    columns: dict[Name, TableColumn]
    ordered: list[tuple[Name, Name]] = []
    identities: dict[Name, Identity] = {}
    fills: dict[Name, str] = {}

    @field_validator("ordered", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        return [tuple(pair) if isinstance(pair, list) else pair for pair in value] if isinstance(value, list) else value

    @model_validator(mode="after")
    def _reads_what_exists(self) -> "FinishedTable":
        if "customer_id" not in self.columns:
            raise ValueError("columns must declare customer_id")
        if taken := sorted(set(self.columns) & (TABLE_KEYS - {"customer_id"})):
            raise ValueError(f"columns: {taken[0]!r} is a name of Encore's own; choose another")
        self._check_names()
        for name in [*(name for pair in self.ordered for name in pair), *self.fills]:
            if name not in self.columns:
                raise ValueError(f"{name!r} is not among the columns {sorted(self.columns)}")
        for name, identity in self.identities.items():
            check_row(f"identities.{name}.holds", identity.holds, set(self.columns))
        for name, condition in self.fills.items():
            check_row(f"fills.{name}", condition, set(self.columns))
        return self

    def _check_names(self) -> None:
        """Refuse names of a header that could mean two columns."""
        owners: dict[str, str] = {}
        for column, declared in self.columns.items():
            for name in (column, *declared.names):
                if (owner := owners.setdefault(plain(name), column)) != column:
                    raise ValueError(f"columns.{column}: {name!r} is a name of {owner!r}, too")
