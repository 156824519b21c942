"""Checks of the SQL in a configuration, without an engine.

The expressions of a configuration are code. These checks find an error in them when the file is read, not an hour later
in the stack trace of an engine.
"""

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError

# For each aggregate of a measure, the aggregate that merges its partial values.
MERGED_BY = {
    "count": "sum",
    "count_if": "sum",
    "sum": "sum",
    "min": "min",
    "max": "max",
    "bool_or": "bool_or",
    "hll_sketch_agg": "hll_union_agg",
}
# Aggregates of both engines that the parser does not know as aggregates.
SKETCHES = frozenset({"hll_sketch_agg", "hll_union_agg"})


def parse(sql: str) -> exp.Expr:
    """Parse one SQL expression in Spark's dialect.

    Raises:
        ValueError: the text does not parse, is not exactly one expression over columns, or has a comment.
    """
    try:
        trees = sqlglot.parse(sql, read="spark")
    except SqlglotError as error:
        first_line = str(error).splitlines()[0]
        raise ValueError(f"this SQL does not parse: {sql!r} ({first_line})") from None
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Condition) or tree.find(exp.Query):
        raise ValueError(f"{sql!r} must be one expression over columns: no select, no alias, no semicolon")
    if any(node.comments for node in tree.walk()):
        raise ValueError(f"{sql!r} has an SQL comment, which would hide the SQL put after it; use one of YAML")
    return tree


def columns_of(sql: str) -> set[str]:
    """The names of the columns that an expression reads."""
    bound = {name.name for node in parse(sql).find_all(exp.Lambda) for name in node.expressions}
    columns = parse(sql).find_all(exp.Column)
    return {column.sql() if column.table else column.name for column in columns} - bound


def check_row(sql: str, known: set[str]) -> None:
    """Raise ValueError if `sql` is not an expression over one row that reads only columns in `known`."""
    if any(_is_aggregate(node) or isinstance(node, exp.Window) for node in parse(sql).walk()):
        raise ValueError(f"{sql!r} must be an expression over one row; only measures and from_tiles may aggregate")
    check_columns(sql, known)


def check_columns(sql: str, known: set[str]) -> None:
    """Raise ValueError if `sql` does not parse or reads a column that is not in `known`."""
    unknown = sorted(columns_of(sql) - known)
    if unknown:
        raise ValueError(f"unknown column {unknown[0]!r} in {sql!r}; there are: {', '.join(sorted(known))}")


def aggregate_name(sql: str) -> str:
    """The name of the aggregate function of which `sql` is one call, such as `sum(plays)`.

    Only after such a call can FILTER limit the aggregate to a window.

    Raises:
        ValueError: `sql` is not exactly one call of an aggregate function.
    """
    tree = parse(sql)
    is_call = _is_aggregate(tree) and sql.strip().endswith(")")
    if not is_call or sum(_is_aggregate(node) for node in tree.walk()) > 1:
        raise ValueError(f"{sql!r} must be one call of an aggregate function, such as sum(plays)")
    return sql.split("(", 1)[0].strip().lower()


def merge_function(sql: str) -> str:
    """The name of the aggregate function that merges partial values of the measure `sql`.

    Raises:
        ValueError: there is no such function.
    """
    name = aggregate_name(sql)
    if name not in MERGED_BY or parse(sql).find(exp.Distinct):
        raise ValueError(
            f"{sql!r} cannot be merged from day to day; use {', '.join(sorted(MERGED_BY))}, without distinct"
        )
    return MERGED_BY[name]


def _is_aggregate(node: exp.Expr) -> bool:
    is_sketch = isinstance(node, exp.Anonymous) and node.name.lower() in SKETCHES
    return is_sketch or isinstance(node, exp.AggFunc)
