"""The functions that the SQL of a configuration may call.

A function is listed only if both engines have it, and if its value depends on its arguments alone: not on the time, on
chance, on the machine, or on the order of rows. Everything that reaches outside of the row is therefore missing.
"""

from difflib import get_close_matches

# For each group, its functions.
FUNCTIONS: dict[str, tuple[str, ...]] = {
    "conditions": ("coalesce", "if", "ifnull", "isnotnull", "isnull", "nullif", "nvl", "nvl2"),
    "numbers": (
        "abs", "bround", "ceil", "exp", "floor", "greatest", "least", "ln", "log", "log10", "log1p", "log2", "mod",
        "nanvl", "negative", "nullifzero", "pmod", "pow", "power", "round", "sign", "sqrt", "width_bucket",
        "zeroifnull",
    ),
    "types": (
        "bigint", "boolean", "cast", "date", "decimal", "double", "float", "int", "string", "timestamp", "try_cast",
    ),
    "text": (
        "ascii", "btrim", "char_length", "chr", "concat", "concat_ws", "contains", "crc32", "endswith", "hash", "ilike",
        "initcap", "instr", "left", "length", "levenshtein", "like", "locate", "lower", "lpad", "ltrim", "md5",
        "octet_length", "overlay", "position", "regexp_count", "regexp_extract", "regexp_like", "regexp_replace",
        "repeat", "replace", "reverse", "right", "rlike", "rpad", "rtrim", "sha1", "sha2", "split_part", "startswith",
        "substr", "substring", "substring_index", "translate", "trim", "upper", "url_decode", "xxhash64",
    ),
    "times": (
        "add_months", "date_add", "date_diff", "date_format", "date_from_unix_date", "date_part", "date_sub",
        "date_trunc", "dateadd", "datediff", "datepart", "day", "dayname", "dayofmonth", "dayofweek", "dayofyear",
        "extract", "from_unixtime", "hour", "last_day", "make_date", "make_timestamp", "minute", "month", "monthname",
        "months_between", "next_day", "quarter", "second", "timestamp_micros", "timestamp_millis", "timestamp_seconds",
        "timestampdiff", "to_date", "to_timestamp", "to_unix_timestamp", "trunc", "try_to_timestamp", "unix_date",
        "unix_micros", "unix_millis", "unix_seconds", "weekofyear", "year",
    ),
    "lists": (
        "array", "array_compact", "array_contains", "array_distinct", "array_join", "array_max", "array_min",
        "array_position", "cardinality", "element_at", "exists", "filter", "get", "get_json_object",
        "json_array_length", "size", "slice", "sort_array", "split", "transform", "try_element_at",
    ),
    "aggregates": (
        "avg", "bit_and", "bit_or", "bool_and", "bool_or", "corr", "count", "count_if", "covar_pop", "covar_samp",
        "every", "hll_sketch_agg", "hll_sketch_estimate", "hll_union_agg", "kurtosis", "max", "max_by", "mean",
        "median", "min", "min_by", "percentile", "skewness", "some", "std", "stddev", "stddev_pop", "stddev_samp",
        "sum", "var_pop", "var_samp", "variance",
    ),
}  # fmt: skip
ALLOWED = frozenset(name for names in FUNCTIONS.values() for name in names)


def refusal(name: str) -> str:
    """Why a function is refused, and which allowed one has the nearest name."""
    near = get_close_matches(name, sorted(ALLOWED), n=1, cutoff=0.0)[0]
    return f"the function {name} is not allowed; the nearest allowed one is {near} (docs/configuration.md lists all)"
