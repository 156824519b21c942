"""CSV that spreadsheets open: in UTF-8 by its mark, and with no text that they compute or show in another row."""

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

MARK = "\ufeff"  # at the start of a file: without it Excel reads another encoding
# Line breaks, tabs, escape codes, and the characters that turn the direction of what follows.
CONTROL = "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+"
FORMULA = r"^\s*[=+@-]"  # how a text begins that spreadsheets compute
NUMBER = r"^-[0-9]+([.][0-9]+)?$"  # begins like a formula, and is none


def inert(value: Any) -> Any:
    """A text as a cell that stays what it is: `=1+1` -> `'=1+1`, and on one line. Other values are unchanged."""
    if not isinstance(value, str):
        return value
    line = re.sub(CONTROL, " ", value)
    return f"'{line}" if re.search(FORMULA, line) and not re.search(NUMBER, line) else line


def inert_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same rows with the texts of all columns as `inert` makes them."""
    columns = [_inert_column(column) if pa.types.is_string(column.type) else column for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _inert_column(texts: pa.StringArray) -> pa.StringArray:
    lines = pc.replace_substring_regex(texts, CONTROL, " ")
    is_formula = pc.and_not(pc.match_substring_regex(lines, FORMULA), pc.match_substring_regex(lines, NUMBER))
    return pc.if_else(is_formula, pc.binary_join_element_wise("'", lines, ""), lines)
