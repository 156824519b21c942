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
        ("exists(array(1, plays), x -> x > seconds)", {"plays", "seconds"}),  # x is bound
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


@pytest.mark.parametrize("sql", ["sum(plays) > 1", "hll_union_agg(device)", "max(plays) over (order by date)"])
def test_a_condition_on_a_row_has_no_aggregate(sql: str) -> None:
    with pytest.raises(ValueError, match="must be an expression over one row"):
        check_row(sql, KNOWN)


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        # by chance, or by the order of rows
        ("rand()", "rand"), ("seconds > RANDN ( )", "randn"), ("uuid()", "uuid"), ("shuffle(array(1))", "shuffle"),
        ("first(plays)", "first"), ("any_value(plays)", "any_value"), ("monotonically_increasing_id()", "monoton"),
        # by the time of the run
        ("now()", "now"), ("current_date", "current_date"), ("date > current_date()", "current_date"),
        ("current_timestamp", "current_timestamp"), ("unix_timestamp()", "unix_timestamp"), ("curdate()", "curdate"),
        # what reaches outside
        ("reflect('java.lang.System', 'exit')", "reflect"), ("java_method('a', 'b')", "java_method"),
        ("input_file_name()", "input_file_name"), ("version()", "version"), ("current_user", "current_user"),
        ("session_user", "session_user"), ("raise_error('x')", "raise_error"), ("spark_partition_id()", "spark_part"),
        # other ways to write a call
        ("`rand`()", "rand"), ("system.builtin.rand()", "rand"), ("{fn now()}", "now"), ("array(1)[uuid()]", "uuid"),
        ("coalesce(plays, rand())", "rand"), ("case when now() > date then 1 end", "now"),
    ],
)  # fmt: skip
def test_functions_that_are_not_allowed(sql: str, name: str) -> None:
    with pytest.raises(
        ValueError, match=f"the function {name}.* is not allowed; the nearest allowed one is [a-z0-9_]+"
    ):
        check_row(sql, KNOWN)


@pytest.mark.parametrize(
    ("name", "nearest"), [("flor", "floor"), ("nulif", "nullif"), ("datedif", "datediff"), ("substrng", "substring")]
)
def test_the_nearest_function_is_named(name: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=f"the nearest allowed one is {nearest} "):
        check_row(f"{name}(plays, 0)", KNOWN)


@pytest.mark.parametrize(
    "sql", ["timestamp 'now'", "date > date 'today'", "cast(' Tomorrow' as date)", "'epoch'::date"]
)
def test_a_time_by_name_is_not_fixed(sql: str) -> None:
    """Spark reads these words as times of the run."""
    with pytest.raises(ValueError, match="is no fixed time; give one such as"):
        check_row(sql, KNOWN)
    check_row("date > date '2017-03-30' and date < timestamp '2017-04-01 00:00:00'", KNOWN)


@pytest.mark.parametrize(
    "sql",
    ["(" * 400 + "1" + ")" * 400, "not " * 500 + "plays", "if(plays, " * 150 + "1" + ", 2)" * 150, "map(", "x" * 5000],
)
def test_what_would_exhaust_the_parser(sql: str) -> None:
    with pytest.raises(ValueError, match=r"nested too deeply|does not parse|not allowed|at most 4,000"):
        check_row(sql, KNOWN)


def test_a_nested_type_takes_the_parser_exponential_time() -> None:
    with pytest.raises(ValueError, match="must not be of a nested type such as array"):
        check_row("cast(plays as " + "array<" * 100 + "int" + ">" * 100 + ")", KNOWN)


@pytest.mark.parametrize(
    "sql",
    ["(plays) in (1, 2) and not (seconds = 3)", "cast((plays) as decimal(3, 1)) between (1) and (2)", "`date` > '2'"],
)
def test_words_before_a_parenthesis_that_are_no_functions(sql: str) -> None:
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
    ["plays", "abs(plays)", "sum(plays) + 1", "-sum(plays)", "sum(sum(plays))",
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
