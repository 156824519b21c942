"""Declaration of a finished table of customers: its columns, their names in files, and the rules for its rows."""

from datetime import date

from pydantic import field_validator, model_validator

from conf.declaration import NULL_MARKERS, TABLE_KEYS, ColumnType, Declaration, Name, check_row


def plain(name: str) -> str:
    """The letters and digits of a column name, in lower case: files differ in case, spaces and signs."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


class TableColumn(Declaration):
    """A column of a finished table. A file with a value out of range is refused.

    type: Spark type: bigint, int, string, boolean, date, timestamp, or decimal(digits, digits after the point).
    names: other names of the column in the header of a file. Only letters and digits are compared, without regard to
        case.
    least: least valid value. Null: no limit.
    greatest: greatest valid value. Null: no limit.
    may_be_empty: whether a row may have no value. By default a file with such a row is refused.
    whole_numbers: of a text `customer_id` only: whether an id such as `17850.0` is read as `17850`. Numbers always are.
    """

    type: ColumnType
    names: list[str] = []
    least: float | None = None
    greatest: float | None = None
    may_be_empty: bool = False
    whole_numbers: bool = False


class Identity(Declaration):
    """A condition that must be true for every row of a finished table; a file with another row is refused.

    holds: the condition: Spark SQL over the columns of the table. A condition that is null counts as true.
    about: meaning of the condition, which the error prints. Default: its name in words.
    """

    holds: str
    about: str = ""


class FinishedTable(Declaration):
    """A table with one row per customer that exists already and is used instead of events.

    as_of: as-of date of the table if the command line gives none.
    columns: columns by name, in the order of a file without a header; one of them is `customer_id`.
    ordered: pairs of columns of which the first is never above the second. If it is above in some rows and below in
        none, the labels of the two columns are swapped in the file, and Encore swaps them back.
    identities: conditions that must be true for every row, by name.
    fills: by column, the condition (Spark SQL over the columns of the table) for rows that have no value of their own.
        If more than half of these rows share one value, it was filled in, and Encore replaces it by null; a value that
        is also the most common one of the other rows is kept.
    null_markers: texts that mean that there is no value. Upper and lower case are the same, and so are texts with
        spaces around them.
    """

    as_of: date
    columns: dict[Name, TableColumn]
    ordered: list[tuple[Name, Name]] = []
    identities: dict[Name, Identity] = {}
    fills: dict[Name, str] = {}
    null_markers: list[str] = list(NULL_MARKERS)

    @field_validator("ordered", mode="before")
    @classmethod
    def _tuples_of_lists(cls, value: object) -> object:
        return [tuple(pair) if isinstance(pair, list) else pair for pair in value] if isinstance(value, list) else value

    @model_validator(mode="after")
    def _check_references(self) -> "FinishedTable":
        if "customer_id" not in self.columns:
            raise ValueError("columns must declare customer_id")
        if taken := sorted(set(self.columns) & (TABLE_KEYS - {"customer_id"})):
            raise ValueError(f"columns: {taken[0]!r} is a reserved name; choose another")
        if wrong := [name for name, one in self.columns.items() if one.whole_numbers and name != "customer_id"]:
            raise ValueError(f"columns.{wrong[0]}.whole_numbers: only customer_id has it; remove it")
        self._check_names()
        for key, names in (("ordered", [name for pair in self.ordered for name in pair]), ("fills", [*self.fills])):
            for name in names:
                if name not in self.columns:
                    raise ValueError(f"{key}: {name!r} is not a column; choose one of {', '.join(self.columns)}")
        for name, identity in self.identities.items():
            check_row(f"identities.{name}.holds", identity.holds, set(self.columns))
        for name, condition in self.fills.items():
            check_row(f"fills.{name}", condition, set(self.columns))
        return self

    def _check_names(self) -> None:
        """Raise ValueError if a name in a header could mean two columns."""
        owners: dict[str, str] = {}
        for column, declared in self.columns.items():
            for name in (column, *declared.names):
                if (owner := owners.setdefault(plain(name), column)) != column:
                    raise ValueError(f"columns.{column}: {name!r} is also a name of {owner!r}; remove one of the two")
