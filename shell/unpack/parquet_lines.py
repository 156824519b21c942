"""Converts the rows of a Parquet file into lines for lines.awk; the names of the columns find the fields."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from clock import EpochClock, clock_of, on_clock
from compression import load_packages
from lines import Lines, RefusedError, RefusedLateError, joined
from names import shown
from refusals import position_of
from spec import Field, Spec
from values import converter_of

BATCH_ROWS = 1 << 14
NAN = float("nan")
MOST_WHOLE = 1 << 53  # a double has all whole numbers up to here
UNITS = {"s": ("epoch_s", 1), "ms": ("epoch_ms", 1), "us": ("epoch_us", 1), "ns": ("epoch_us", 1000)}
Texts = Callable[[Any], list[str]]  # of an array of Arrow


class Rows(Lines):
    """The rows of a file, of which the current one can be shown."""

    def __init__(self) -> None:
        super().__init__(())
        self.arrays: dict[str, Any] = {}
        self.at = 0

    def raw(self) -> str:
        """The current row, with the columns that are read, as JSON."""
        row = {name: array[self.at].as_py() for name, array in self.arrays.items()}
        return json.dumps(row, ensure_ascii=False, default=str)


def parquet_lines(file: BinaryIO, rows: Rows, spec: Spec, in_path: Mapping[str, str]) -> Iterator[str]:
    """The lines for lines.awk.

    Args:
        file: can be read in any order.
        rows: shows the current row.

    Raises:
        RefusedError: a field has no column, pyarrow is missing, or it cannot read the file.
    """
    load_packages()
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise RefusedError("it is Parquet; install the Python package pyarrow") from None
    try:
        content = ParquetFile(file)
        schema = content.schema_arrow
        paths = _paths_of(spec.sources, schema, in_path)
        makers = [_maker_of(field, spec, schema, paths, in_path) for field in spec.fields]
        tops = sorted({path[0] for path in paths.values()})
        for batch in content.iter_batches(BATCH_ROWS, columns=[schema.names[top] for top in tops]):
            rows.arrays = {name: _array_at(batch, schema, path) for name, path in paths.items()}
            columns = [make(rows.arrays, len(batch)) for make in makers]
            for rows.at, texts in enumerate(zip(*columns, strict=True)):
                yield joined(texts)
    except (pa.lib.ArrowException, OSError) as error:
        why = " ".join(str(error).split())[:200]
        raise RefusedLateError(f"Parquet: {why}; fetch or export the file again") from None


# ---------------------------------------------------------------- columns


def _paths_of(names: list[str], schema: Any, in_path: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    """The position of the column of each name, and positions within its struct. Raises RefusedError if one is missing.

    A name that stands in the path of the file alone has none.
    """
    found = {name: _path_in(name, schema) for name in names}
    missing = [name for name in names if found[name] is None and name not in in_path]
    if missing:
        has = shown(", ".join(schema.names)[:500])
        raise RefusedError(f"it is Parquet without the columns {', '.join(missing)}; it has {has}; declare their names")
    return {name: path for name, path in found.items() if path is not None}


def _path_in(name: str, fields: Any) -> tuple[int, ...] | None:
    """Where a name stands in a schema or struct, of which each dot goes into a struct, unless a column has the dot."""
    names = [field.name for field in fields]
    at = position_of(name, names)
    if at is not None:
        return (at,)
    dot = name.find(".")
    while dot >= 0:
        outer = position_of(name[:dot], names)
        if outer is not None and _is_struct(fields.field(outer).type):
            inner = _path_in(name[dot + 1 :], fields.field(outer).type)
            if inner is not None:
                return (outer, *inner)
        dot = name.find(".", dot + 1)
    return None


def _is_struct(kind: Any) -> bool:
    return str(kind).startswith("struct<")


def _array_at(batch: Any, schema: Any, path: tuple[int, ...]) -> Any:
    import pyarrow.compute as pc

    array = batch.column(batch.schema.names.index(schema.names[path[0]]))
    for at in path[1:]:
        array = pc.struct_field(array, [at])
    return array


def _type_at(schema: Any, path: tuple[int, ...]) -> Any:
    kind = schema.field(path[0]).type
    for at in path[1:]:
        kind = kind.field(at).type
    return kind


# ---------------------------------------------------------------- texts


def _maker_of(
    field: Field, spec: Spec, schema: Any, paths: Mapping[str, tuple[int, ...]], in_path: Mapping[str, str]
) -> Callable[[Mapping[str, Any], int], list[str]]:
    """How to make the texts of a field from the arrays of its sources and the number of rows."""
    convert = converter_of(field, spec)
    is_text = len(field.source) > 1 or field.source[0] not in paths
    readers: list[tuple[str, Texts | None]] = []
    for name in field.source:
        if name not in paths:
            readers.append((name, None))
            continue
        kind = _type_at(schema, paths[name])
        if field is spec.fields[spec.customer] and (str(kind) == "bool" or _is_nested(kind)):
            raise RefusedError(f"its column {name} has values of type {kind}, which identify no customer")
        text_kind = getattr(kind, "value_type", kind) if str(kind).startswith("dictionary<") else kind
        is_text |= "string" in str(text_kind) or "binary" in str(text_kind)
        is_text |= bool(field.time) and str(text_kind).startswith(
            ("int", "uint", "float", "double", "halffloat", "dec")
        )
        readers.append((name, _texts_of(text_kind, spec)))

    def make(arrays: Mapping[str, Any], count: int) -> list[str]:
        columns = [read(arrays[name]) if read else [in_path[name]] * count for name, read in readers]
        texts = columns[0] if len(columns) == 1 else [_joined_by_space(row) for row in zip(*columns, strict=True)]
        return [convert(text) for text in texts] if convert and is_text else texts

    return make


def _joined_by_space(texts: tuple[str, ...]) -> str:
    return " ".join(filter(None, (text.strip() for text in texts)))


def _texts_of(kind: Any, spec: Spec) -> Texts:
    """How to make texts of arrays of a type; those of times are on the shop's clock."""
    name = str(kind)
    if name.startswith("timestamp["):
        return _times_of(kind, spec)
    if name in ("double", "float", "halffloat"):
        exact = "double" if name == "double" else "string"  # as a double, 9.9 in 32 bits would be 9.899999618530273
        return lambda array: [_number(value) for value in array.cast(exact).to_pylist()]
    if _is_nested(kind):
        return lambda array: ["" if value is None else _as_json(value) for value in array.to_pylist()]
    if name in ("binary", "large_binary", "binary_view") or name.startswith("fixed_size_binary"):
        return lambda array: ["" if v is None else v.decode("utf-8", "surrogateescape") for v in array.to_pylist()]
    if name == "date64[day]" or name.startswith("time"):
        return lambda array: ["" if value is None else str(value) for value in array.to_pylist()]
    return lambda array: ["" if value is None else value for value in array.cast("string").to_pylist()]


def _number(value: float | str | None) -> str:
    """A number as text: 17850.0 is 17850, and what is not a number is missing."""
    number = NAN if value is None else float(value)
    if number.is_integer() and abs(number) < MOST_WHOLE:
        return str(int(number))
    return "" if number != number else str(value)


def _is_nested(kind: Any) -> bool:
    return str(kind).startswith(("struct<", "list<", "large_list<", "fixed_size_list<", "map<"))


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _times_of(kind: Any, spec: Spec) -> Texts:
    unit, divisor = UNITS[kind.unit]
    zone = clock_of(spec.zone)
    is_converted = kind.tz is None and spec.source_zone != spec.zone
    source = clock_of(spec.source_zone)
    clock = EpochClock(unit, clock_of("UTC") if kind.tz is None else zone)

    def text_of(units: int | None) -> str:
        found = None if units is None else clock.shown(units // divisor)
        return (on_clock(found, zone, source) if found and is_converted else found) or ""

    return lambda array: [text_of(units) for units in array.cast("int64").to_pylist()]
