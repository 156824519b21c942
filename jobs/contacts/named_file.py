"""A file of customers that somebody else keeps: CSV or Parquet, as texts in NFC for the engines."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from conf.errors import InputError
from conf.finished import FinishedTable, TableColumn, plain
from jobs.storage.backend import local_target
from jobs.storage.csv_table import source, write_texts
from jobs.storage.location import Place

PARQUET = b"PAR1"  # the first bytes of a Parquet file


def write_named(file: Path, columns: Sequence[str], folder: Place) -> None:
    """Write columns of a file as texts into a Parquet file in `folder`, which is new. Other columns are passed over.

    Columns are found by their names in any order; only letters and digits are compared, without regard to case.

    Raises:
        InputError: the file cannot be read, or lacks a column.
    """
    with file.open("rb") as content:
        is_parquet = content.read(len(PARQUET)) == PARQUET
    if is_parquet:
        _write_parquet(file, columns, folder)
    else:
        table = FinishedTable(as_of=date.min, columns={name: TableColumn(type="string") for name in columns})
        write_texts(source(file, table, advice="Rename the columns"), folder, may_be_empty=True)


def _write_parquet(file: Path, columns: Sequence[str], folder: Place) -> None:
    folder.mkdir(parents=True)
    schema = pa.schema([(name, pa.string()) for name in columns])
    try:
        content = pq.ParquetFile(file)
        names = {plain(name): name for name in content.schema_arrow.names}
        missing = [name for name in columns if plain(name) not in names]
        if missing:
            raise InputError(f"{file}: has no column {'; none '.join(missing)}. Rename the columns")
        wanted = [names[plain(name)] for name in columns]
        with (
            local_target(folder / "part-0.parquet") as target,
            pq.ParquetWriter(target, schema) as writer,
        ):
            for batch in content.iter_batches(columns=wanted):
                texts = [pc.utf8_normalize(batch.column(name).cast(pa.string()), "NFC") for name in wanted]
                writer.write_batch(pa.record_batch(texts, schema=schema))
    except pa.ArrowException as error:
        problem = " ".join(str(error).split())[:200]
        raise InputError(f"{file}: cannot be read as Parquet ({problem}); fix the file there") from None
