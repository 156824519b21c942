"""Checks of the SQL in a configuration, without an engine.

The expressions of a configuration are code. These checks find an error in them when the file is read, not an hour later
in the stack trace of an engine.
"""

import logging
import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import TypeVar

from sqlglot import expressions as exp
from sqlglot.dialects import Spark
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

from conf.functions import ALLOWED, refusal

T = TypeVar("T")
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
MOST_CHARACTERS = 4_000
# Words, besides functions, that may stand before a parenthesis.
KEYWORDS = frozenset({
    "and", "between", "by", "case", "char", "decimal", "distinct", "div", "else", "for", "from", "ilike", "in",
    "interval", "like", "not", "or", "over", "regexp", "rlike", "then", "varchar", "when",
})  # fmt: skip
NESTED = frozenset({"array", "map", "struct"})  # types
ISO_DAY = re.compile(r"\d{4}-\d")  # how the text of a fixed time begins; `timestamp 'now'` is none

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it would warn of statements, which are refused here


@cache
def parse(sql: str) -> exp.Expr:
    """Parse one SQL expression in Spark's dialect; it must not be changed.

    Raises:
        ValueError: the text does not parse, is too long, is not exactly one expression over columns, has a comment, or
            calls a function that is not allowed.
    """
    if len(sql) > MOST_CHARACTERS:
        raise ValueError(f"this SQL has {len(sql):,} characters; write it in at most {MOST_CHARACTERS:,}")
    _check_calls(sql, _parsed(sql, Spark().tokenize))
    trees = _parsed(sql, Spark().parse)
    tree = trees[0] if len(trees) == 1 else None
    if not isinstance(tree, exp.Condition) or tree.find(exp.Query):
        raise ValueError(f"{sql!r} must be one expression over columns: no select, no alias, no semicolon")
    if any(node.comments for node in tree.walk()):
        raise ValueError(f"{sql!r} has an SQL comment, which would hide the SQL put after it; use one of YAML")
    _check_times(sql, tree)
    return tree


def _parsed(sql: str, parser: Callable[[str], T]) -> T:
    """What a parser makes of a text. Raises ValueError where it fails."""
    try:
        return parser(sql)
    except RecursionError:
        raise ValueError(f"this SQL is nested too deeply: {sql[:60]!r}; write it with fewer parentheses") from None
    except (SqlglotError, LookupError) as error:  # LookupError: a defect of the parser, at a call that is not closed
        first_line = str(error).splitlines()[0]
        raise ValueError(f"this SQL does not parse: {sql!r} ({first_line})") from None


def _check_calls(sql: str, tokens: list[Token]) -> None:
    """Raise ValueError if a text calls a function that is not allowed, or names a nested type."""
    for token, after in pairwise(tokens):
        name = token.text.lower()
        if after.token_type == TokenType.L_PAREN and name[:1].isidentifier() and name not in ALLOWED | KEYWORDS:
            raise ValueError(f"{sql!r}: {refusal(name)}")
        if after.token_type == TokenType.LT and name in NESTED:
            raise ValueError(f"{sql!r}: a value must not be of a nested type such as {name}; cast to another type")


def _check_times(sql: str, tree: exp.Expr) -> None:
    """Raise ValueError if an expression reads the time or the user of the run, for which it needs no parenthesis."""
    for node in tree.find_all(exp.Func):
        if not any(node.args.values()) and (name := node.sql_name().lower()) not in ALLOWED:
            raise ValueError(f"{sql!r}: {refusal(name)}")
    for cast in tree.find_all(exp.Cast):
        text = cast.this
        is_fixed = not isinstance(text, exp.Literal) or not text.is_string or ISO_DAY.match(text.name.strip())
        if cast.to.is_type(*exp.DataType.TEMPORAL_TYPES) and not is_fixed:
            raise ValueError(f"{sql!r}: {text.name!r} is no fixed time; give one such as '2017-03-30'")


def columns_of(sql: str) -> set[str]:
    """The names of the columns that an expression reads."""
    tree = parse(sql)
    bound = {name.name for node in tree.find_all(exp.Lambda) for name in node.expressions}
    columns = tree.find_all(exp.Column)
    return {column.sql() if column.table else column.name for column in columns} - bound


def renamed(sql: str, name: str, new: str) -> str:
    """The expression with another name for one of its columns."""
    kinds = (TokenType.VAR, TokenType.IDENTIFIER)
    found = [token for token in Spark().tokenize(sql) if token.text == name and token.token_type in kinds]
    for token in reversed(found):
        sql = sql[: token.start] + new + sql[token.end + 1 :]
    return sql


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
