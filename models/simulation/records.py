"""Writes fields as lines of CSV or JSON, and as broken lines."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Fields = dict[str, pa.StringArray]


@dataclass(frozen=True)
class LineFormat:
    """The format of the lines of a file.

    as_json: JSON lines, else CSV with a header. names: the fields in order. numbers: fields without quotes in JSON.
    ready: fields that are already encoded in the format.
    """

    as_json: bool
    names: tuple[str, ...]
    numbers: frozenset[str]
    ready: frozenset[str]

    @property
    def header(self) -> str:
        """The first line of the file with its newline; empty for JSON lines."""
        return "" if self.as_json else ",".join(self.names) + "\n"

    def lines(self, fields: Fields) -> pa.StringArray:
        """(N,) lines without newlines; an empty number is null in JSON. No text may need quotes."""
        if not self.as_json:
            return pc.binary_join_element_wise(*(fields[name] for name in self.names), ",")
        parts = [part for name in self.names for part in (f', "{name}": ', self._json(name, fields[name]))]
        return pc.binary_join_element_wise("{" + parts[0].removeprefix(", "), *parts[1:], "}", "")

    @property
    def defect(self) -> str:
        """The name of the defect that `broken` makes."""
        return "broken_json" if self.as_json else "missing_cell"

    def broken(self, fields: Fields, rng: np.random.Generator) -> list[str]:
        """The lines with a defect: JSON is cut off, CSV lacks one of its cells."""
        if self.as_json:
            return [line[: rng.integers(1, len(line))] for line in self.lines(fields).to_pylist()]
        cells = zip(*(fields[name].to_pylist() for name in self.names), strict=True)
        lost = rng.integers(0, len(self.names), len(fields[self.names[0]]))
        return [",".join(row[:cell] + row[cell + 1 :]) for row, cell in zip(cells, lost, strict=True)]

    def _json(self, name: str, values: pa.StringArray) -> pa.StringArray:
        if name in self.ready:
            return values
        if name in self.numbers:
            return pc.if_else(pc.equal(values, ""), "null", values)
        return pc.binary_join_element_wise('"', values, '"', "")
