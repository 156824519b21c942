"""The SQL of a configuration, checked without an engine."""

import pytest

from conf.sql import aggregate_name, check_columns, check_row, columns_of, merge_function

KNOWN = {"plays", "seconds", "device", "date"}


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("plays", {"plays"}),
        ("sum(plays) / nullif(seconds, 0)", {"plays", "seconds"}),
        ("cast(seconds as bigint)", {"seconds"}),
        ("case when plays > 0 then 'device' end", {"plays"}),  # a text is no column
        ("count(*)", set()),
        ("exists(sequence(1, plays), x -> x > seconds)", {"plays", "seconds"}),  # x is bound
        ("null", set()),
    ],
)
def test_columns_that_an_expression_reads(sql: str, columns: set[str]) -> None:
    assert columns_of(sql) == columns


@pytest.mark.parametrize("sql", ["plays > 0 and", "sum(plays", "plays >", "case when plays then 1", "'open"])
def test_what_does_not_parse(sql: str) -> None:
    with pytest.raises(ValueError, match="does not parse"):
        check_columns(sql, KNOWN)


@pytest.mark.parametrize(
    "sql",
    ["", "*", "select 1", "plays > (select 1)", "exists (select 1 from t)", "plays as p", "plays > 0; drop table t"],
)
def test_what_is_no_expression_over_columns(sql: str) -> None:
    with pytest.raises(ValueError, match="must be one expression over columns"):
        check_columns(sql, KNOWN)


def test_comment_would_hide_what_comes_behind() -> None:
    with pytest.raises(ValueError, match="comment"):
        check_row("plays > 0 -- always", KNOWN)


@pytest.mark.parametrize(("sql", "unknown"), [("plaus > 0", "plaus"), ("tiles.plays > 0", "tiles.plays")])
def test_unknown_columns_are_named_with_those_there_are(sql: str, unknown: str) -> None:
    with pytest.raises(ValueError, match=f"unknown column '{unknown}'.*there are: date, device, plays, seconds"):
        check_row(sql, KNOWN)


@pytest.mark.parametrize("sql", ["sum(plays) > 1", "hll_union_agg(device)", "lag(plays) over (order by date)"])
def test_a_condition_on_a_row_has_no_aggregate(sql: str) -> None:
    with pytest.raises(ValueError, match="must be an expression over one row"):
        check_row(sql, KNOWN)


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("sum(plays)", "sum"),
        ("COUNT(*)", "count"),
        (" max_by(device, date)", "max_by"),
        ("hll_union_agg(x)", "hll_union_agg"),
    ],
)
def test_name_of_an_aggregate(sql: str, name: str) -> None:
    assert aggregate_name(sql) == name


@pytest.mark.parametrize(
    "sql",
    ["plays", "abs(plays)", "frobnicate(plays)", "sum(plays) + 1", "-sum(plays)", "sum(sum(plays))",
     "sum(plays) over (partition by date)", "sum(hll_sketch_agg(plays))"],
)  # fmt: skip
def test_what_is_not_one_aggregate(sql: str) -> None:
    with pytest.raises(ValueError, match="must be one call of an aggregate function"):
        aggregate_name(sql)


@pytest.mark.parametrize(
    ("sql", "merged_by"),
    [
        ("count(*)", "sum"),
        ("count(device)", "sum"),
        ("count_if(plays > 1)", "sum"),
        ("sum(plays)", "sum"),
        ("min(date)", "min"),
        ("max(date)", "max"),
        ("bool_or(plays > 1)", "bool_or"),
        ("hll_sketch_agg(device)", "hll_union_agg"),
    ],
)
def test_how_measures_merge(sql: str, merged_by: str) -> None:
    assert merge_function(sql) == merged_by


@pytest.mark.parametrize(
    "sql", ["avg(plays)", "count(distinct device)", "sum(distinct plays)", "stddev(plays)", "max_by(device, date)"]
)
def test_measures_that_cannot_merge(sql: str) -> None:
    """The mean of two means is not the mean of all, and customers of two days would be counted twice."""
    with pytest.raises(ValueError, match="cannot be merged from day to day"):
        merge_function(sql)
