"""Feature tables as models read them: those that are there, of the configuration that is in force."""

from collections.abc import Sequence
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError
from jobs.context import Context
from jobs.storage.layer import Record


def read_tables(context: Context, spark: SparkSession, days: Sequence[str]) -> DataFrame:
    """The feature tables of these as-of dates. Raises InputError where one is not there or of other declarations."""
    for day in days:
        table_record(context, day)
        if not context.features.has_rows([day]):
            raise InputError(
                f"{context.features.partition(day)}: there are no rows; run {context.table_command(day)} again"
            )
    # Each by itself: the layer as a whole may hold tables of older declarations, with other columns.
    return reduce(DataFrame.unionByName, (_read(context, spark, day) for day in days))


def _read(context: Context, spark: SparkSession, day: str) -> DataFrame:
    table = spark.read.parquet(str(context.features.partition(day)))
    return table.withColumn("as_of", F.lit(date.fromisoformat(day)))


def table_record(context: Context, day: str) -> Record:
    """The record of a feature table. Raises InputError where it is not there or of other declarations."""
    record = context.features.record(day)
    if record is None:
        raise InputError(
            f"{context.features.root}: there is no feature table {f'at {day}' if day else 'at all'}; "
            f"run {context.table_command(day)} first"
        )
    if record["basis"]["configuration"] != context.features_version:
        raise InputError(
            f"{context.features.partition(day)}: was computed with another configuration than {context.service_name} "
            f"has now; run {context.table_command(day)} again"
        )
    return record
