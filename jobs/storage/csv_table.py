"""The CSV file of a finished table: its header, its columns, and its texts as Parquet for the engines.

Columns are found by the names in the header, in any order; without a header, by their position. Texts are not
interpreted here.
"""

import csv
import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from conf.errors import InputError
from conf.finished import FinishedTable, plain
from features.values import NUMBER
from jobs.formatting import plural
from jobs.storage.backend import local_target
from jobs.storage.location import Place

GZIP = b"\x1f\x8b"
BATCH_BYTES = 4 << 20
TABLE_ADVICE = "Rename the columns, or give the names to the service's table"


@dataclass(frozen=True)
class Source:
    """A file that can be read.

    Attributes:
        checksum: of the uncompressed content.
        begin: number of lines before the first row of values.
        width: number of cells in a row.
        positions: the cell of each declared column, from 0.
    """

    path: Path
    checksum: str
    has_header: bool
    begin: int
    width: int
    positions: Mapping[str, int]


def source(path: Path, table: FinishedTable, advice: str = TABLE_ADVICE) -> Source:
    """Inspect the beginning of a file. Raises InputError where it does not have the declared columns.

    advice: what to do where a column is missing.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; give the CSV file of the finished table")
    with _reading(path), _opened(path) as file:
        checksum = _checksum(file)
    blank, cells = _first_row(path)
    if not cells:
        raise InputError(f"{path}: the file is empty; give one with a row for each customer")
    has_header = not any(re.fullmatch(NUMBER, cell) for cell in cells)
    positions = _by_name(path, cells, table, advice) if has_header else _by_position(path, cells, table)
    return Source(path, checksum, has_header, blank + has_header, len(cells), positions)


def write_texts(file: Source, folder: Place, may_be_empty: bool = False) -> int:
    """Write the declared columns as texts in NFC into a Parquet file in `folder`, a batch at a time.

    An empty cell is null.

    Returns:
        The number of rows.

    Raises:
        InputError: a row has another number of cells, the file is not UTF-8, or (unless `may_be_empty`) there is no
            row.
    """
    folder.mkdir(parents=True)
    schema = pa.schema([(name, pa.string()) for name in file.positions])
    rows = 0
    with (
        local_target(folder / "part-0.parquet") as target,
        _reading(file.path),
        _opened(file.path) as content,
        pq.ParquetWriter(target, schema) as writer,
    ):
        for batch in _batches(content, file):
            writer.write_batch(pa.record_batch([pc.utf8_normalize(texts, "NFC") for texts in batch], schema=schema))
            rows += batch.num_rows
    if not rows and not may_be_empty:
        raise InputError(
            f"{file.path}: there is a header and no row below it; give a file with a row for each customer"
        )
    return rows


def _batches(content: BufferedIOBase, file: Source) -> Iterator[pa.RecordBatch]:
    cells = [str(number) for number in range(file.width)]
    wanted = [cells[position] for position in file.positions.values()]
    yield from pyarrow.csv.open_csv(
        content,
        pyarrow.csv.ReadOptions(
            column_names=cells, skip_rows_after_names=file.begin, block_size=BATCH_BYTES, use_threads=False
        ),
        pyarrow.csv.ParseOptions(newlines_in_values=True),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.string()),
            include_columns=wanted,
            null_values=[""],
            strings_can_be_null=True,
        ),
    )


def _first_row(path: Path) -> tuple[int, list[str]]:
    """The number of leading blank lines, and the cells of the first row; none where the file is empty."""
    with _reading(path), _opened(path) as file:
        # As lines of bytes: a text reader would fail at a bad byte far behind the first row.
        for number, cells in enumerate(csv.reader(line.decode("utf-8-sig") for line in file)):
            if cells:
                return number, cells
    return 0, []


def _by_name(path: Path, cells: list[str], table: FinishedTable, advice: str) -> dict[str, int]:
    found: dict[str, list[int]] = {
        name: [number for number, cell in enumerate(cells) if plain(cell) in map(plain, (name, *column.names))]
        for name, column in table.columns.items()
    }
    missing = [" or ".join((name, *table.columns[name].names)) for name in found if not found[name]]
    if len(missing) == len(found):
        raise InputError(
            f"{path}: its first row has neither known column names nor numbers between commas; give CSV with the "
            f"columns {', '.join(table.columns)}"
        )
    if missing:
        raise InputError(f"{path}: its header has no column {'; none '.join(missing)}. {advice}")
    for name, numbers in found.items():
        if len(numbers) > 1:
            both = " and ".join(cells[number] for number in numbers)
            raise InputError(f"{path}: its header has several columns for {name}: {both}; keep only one of them")
    return {name: number for name, (number,) in found.items()}


def _by_position(path: Path, cells: list[str], table: FinishedTable) -> dict[str, int]:
    if len(cells) != len(table.columns):
        raise InputError(
            f"{path}: has no header and {plural(len(cells), 'column')} between commas; without a header they must be "
            f"these {len(table.columns)}, in this order: {', '.join(table.columns)}"
        )
    return {name: number for number, name in enumerate(table.columns)}


def _checksum(content: BufferedIOBase) -> str:
    found = hashlib.sha256()
    while piece := content.read(BATCH_BYTES):
        found.update(piece)
    return found.hexdigest()[:16]


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    """The content of a file, decompressed where it is compressed."""
    with path.open("rb") as file:
        is_compressed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        yield gzip.GzipFile(fileobj=file) if is_compressed else file


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (
        pa.ArrowInvalid,
        PermissionError,
        gzip.BadGzipFile,
        EOFError,
        zlib.error,
        UnicodeDecodeError,
        csv.Error,
    ) as error:
        problem = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: cannot be read as CSV in UTF-8 ({problem}); fix the file there") from None
