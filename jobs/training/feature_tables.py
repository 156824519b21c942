"""The feature tables of a data folder, read only where they were made by the declarations in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError
from conf.load import fingerprint
from conf.schema import Service
from features.windows import Moment
from jobs.records.layers import FeaturesRecord
from jobs.storage.layer import Layer


@dataclass(frozen=True)
class FeatureTables:
    """The layer of feature tables with the service that declares their columns.

    declared: the service without the values that the command line replaces (how models are fitted, and economics).
    """

    layer: Layer[FeaturesRecord]
    service: Service
    service_name: str
    declared: Service

    @cached_property
    def version(self) -> str:
        """Fingerprint of the declarations that a table is made by."""
        service = self.service
        # In their order, which is that of the columns; reasons are made from a table, and do not change it.
        words = {"family", "says"}
        declared = [(name, one.model_dump_json(exclude=words)) for name, one in service.features.items()]
        # As text, which keeps the order of the columns; the date only says where a table is put.
        given = [service.table.model_dump_json(exclude={"as_of"})] if service.table else []
        return fingerprint(service.windows, service.bots, service.eligible, service.label, declared, *given)

    def command(self, day: str = "") -> str:
        """The command that makes the table of a date, in backticks."""
        at = f" --as-of {day}" if day else ""
        return f"`encore table FILE{at}`" if self.service.table else f"`encore features{at}`"

    def record(self, day: str) -> FeaturesRecord:
        """The record of a table. Raises InputError where it is missing or of other declarations."""
        record = self.layer.record(day) if day else None
        if record is None:
            raise InputError(
                f"{self.layer.root}: there is no feature table{f' at {day}' if day else ''}; "
                f"run {self.command(day)} first"
            )
        if record.basis.configuration != self.version:
            raise InputError(
                f"{self.layer.partition(day)}: was computed with another configuration than {self.service_name} "
                f"has now; run {self.command(day)} again"
            )
        return record

    def read(self, spark: SparkSession, days: Sequence[str]) -> DataFrame:
        """The rows of the tables of these dates. Raises InputError where one is missing or of other declarations."""
        for day in days:
            self.record(day)
            if not self.layer.has_rows([day]):
                raise InputError(f"{self.layer.partition(day)}: there are no rows; run {self.command(day)} again")
        # One by one: the layer may also hold tables of older declarations, with other columns.
        return reduce(DataFrame.unionByName, (self._rows(spark, day) for day in days))

    def mature(self) -> list[Moment]:
        """The as-of dates with known labels, of tables by the declarations in force; others are left alone."""
        return [
            Moment.at(date.fromisoformat(day), self.service.windows)
            for day, record in self.layer.records().items()
            if record.label_status == "mature" and record.basis.configuration == self.version
        ]

    def newest(self) -> str:
        """The newest as-of date, empty where there is none."""
        return max(self.layer.values(), default="")

    def how_to_get_labels(self) -> str:
        """What to do where no label is known."""
        if self.service.table:
            return "run `encore table` on a file that has the outcomes of the customers"
        windows = self.service.windows
        days = windows.gap_days + windows.outcome_days
        return f"run `encore features` with an --as-of at least {days} days before the end of the logs"

    def _rows(self, spark: SparkSession, day: str) -> DataFrame:
        table = spark.read.parquet(str(self.layer.verified(day)))
        return table.withColumn("as_of", F.lit(date.fromisoformat(day)))
