"""Checks on the SQL inside a configuration, made without any engine.

A configuration is data, but its expressions are code: a typing error in one must be met when the file is read,
not an hour later inside an engine's stack trace.
"""

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError

# How a measure of one part of a day is merged with the same measure of another part: what makes a tile a tile.
MERGED_BY = {
    "count": "sum",
    "count_if": "sum",
    "sum": "sum",
    "min": "min",
    "max": "max",
    "bool_or": "bool_or",
    "hll_sketch_agg": "hll_union_agg",
}
# Aggregates of both engines that the parser takes for functions of the user's own.
SKETCHES = frozenset({"hll_sketch_agg", "hll_union_agg"})


def parse(sql: str) -> exp.Expr:
    """The tree of one SQL expression in Spark's dialect. Raises ValueError when it is not exactly that."""
    try:
        trees = sqlglot.parse(sql, read="spark")
    except SqlglotError as error:
        first_line = str(error).splitlines()[0]
        raise ValueError(f"this SQL does not parse: {sql!r} ({first_line})") from None
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Condition) or tree.find(exp.Query):
        raise ValueError(f"{sql!r} must be one expression over columns: no select, no alias, no semicolon")
    if any(node.comments for node in tree.walk()):
        raise ValueError(f"{sql!r} holds a comment of SQL, which would hide what is put behind it; make it one of YAML")
    return tree


def columns_of(sql: str) -> set[str]:
    """Names of the columns that an expression reads."""
    bound = {name.name for node in parse(sql).find_all(exp.Lambda) for name in node.expressions}
    columns = parse(sql).find_all(exp.Column)
    return {column.sql() if column.table else column.name for column in columns} - bound


def check_row(sql: str, known: set[str]) -> None:
    """Raise ValueError when `sql` is not an expression over one row whose columns are all in `known`."""
    if any(_is_aggregate(node) or isinstance(node, exp.Window) for node in parse(sql).walk()):
        raise ValueError(f"{sql!r} must look at one row: aggregates belong to measures and from_tiles")
    check_columns(sql, known)


def check_columns(sql: str, known: set[str]) -> None:
    """Raise ValueError when `sql` does not parse or reads a column that is not in `known`."""
    unknown = sorted(columns_of(sql) - known)
    if unknown:
        raise ValueError(f"unknown column {unknown[0]!r} in {sql!r}; there are: {', '.join(sorted(known))}")


def aggregate_name(sql: str) -> str:
    """Name of the aggregate function when `sql` is exactly one call of one, as in `sum(plays)`.

    Only then can a window be put on it with FILTER. Raises ValueError otherwise.
    """
    tree = parse(sql)
    is_call = _is_aggregate(tree) and sql.strip().endswith(")")
    if not is_call or sum(_is_aggregate(node) for node in tree.walk()) > 1:
        raise ValueError(f"{sql!r} must be one call of an aggregate function, as in sum(plays)")
    return sql.split("(", 1)[0].strip().lower()


def merge_function(sql: str) -> str:
    """The function that merges two partial values of the measure `sql`. Raises ValueError if none can."""
    name = aggregate_name(sql)
    if name not in MERGED_BY or parse(sql).find(exp.Distinct):
        raise ValueError(
            f"{sql!r} cannot be merged from day to day; a tile takes {', '.join(sorted(MERGED_BY))} without distinct"
        )
    return MERGED_BY[name]


def _is_aggregate(node: exp.Expr) -> bool:
    is_sketch = isinstance(node, exp.Anonymous) and node.name.lower() in SKETCHES
    return is_sketch or isinstance(node, exp.AggFunc)
