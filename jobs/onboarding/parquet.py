"""The records of a Parquet file: those of its first, a middle and its last row group."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from conf.errors import InputError
from jobs.onboarding.records import Records, flattened

MAGIC = b"PAR1"
MOST_ROWS = 10_000  # of a row group


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def parquet_records(path: Path) -> Records:
    """The records of a file. Raises InputError where it cannot be read."""
    try:
        file = pq.ParquetFile(path)
        groups = sorted({0, file.num_row_groups // 2, file.num_row_groups - 1}) if file.num_row_groups else []
        found = Records("Parquet", types={field.name: str(field.type) for field in file.schema_arrow})
        for number, group in enumerate(groups):
            for batch in file.iter_batches(MOST_ROWS, row_groups=[group]):
                rows = [dict(flattened({key: _text(value) for key, value in row.items()})) for row in batch.to_pylist()]
                found.rows += rows
                found.of_piece += [number] * len(rows)
                break
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: cannot be read as Parquet ({error}); write the file again") from None
    found.names = list(dict.fromkeys(name for row in found.rows for name in row))
    return found


def _text(value: Any) -> Any:
    """A value as CSV would have it; of an object the same of what is in it."""
    if isinstance(value, dict):
        return {key: _text(inner) for key, inner in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value != value:
        return None
    return value.isoformat(sep=" ") if isinstance(value, datetime) else value
