"""The rows that models learn from: the split of the feature tables into training and test set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError
from conf.load import fingerprint
from conf.schema import Service
from features.declared import NamedFeature, table_features
from jobs.records.training import FittedOn, SplitSection
from jobs.storage.backend import check_reachable
from jobs.training.feature_tables import FeatureTables
from models.fitting.auto_levels import with_levels
from models.fitting.split import Split, choose_split

Own = Callable[[Service], Sequence[object]]  # the declarations of a service that belong to one model
FEWEST = {"training": 50, "test": 2}  # customers of either label; fewer than 50 in the test set show in the intervals


def split_tables(tables: FeatureTables) -> Split:
    """How the tables of the configuration in force are split. Raises InputError where they cannot be."""
    how, mature = tables.service.training, tables.mature()
    if not mature:
        _refuse_others(tables)
        raise InputError(
            f"{tables.layer.root}: no as-of date has mature labels, and a model learns from nothing else; "
            f"{tables.how_to_get_labels()}"
        )
    try:
        return choose_split(mature, how.split, how.as_of_dates)
    except ValueError as error:
        raise InputError(
            f"{tables.layer.root}: {error}; run `encore features` at an earlier --as-of, or split by customer"
        ) from None


def split_section(split: Split) -> SplitSection:
    """The split as records hold it."""
    return SplitSection(
        by=split.by,
        text=str(split),
        train_as_of=[str(day) for day in split.train],
        test_as_of=str(split.test),
        unused_as_of=[str(day) for day in split.unused],
    )


def table_days(split: Split) -> list[str]:
    """The as-of dates of the tables that a split uses."""
    return sorted({str(day) for day in (*split.train, split.test)})


def fitted_on(tables: FeatureTables, split: Split, own: Own) -> FittedOn:
    """What a model, the baselines or the audit depend on: the tables, what all models share, and their own."""
    return FittedOn(
        tables={day: tables.record(day).basis for day in table_days(split)},
        split=str(split),
        shared=_shared(tables.service),
        own=fingerprint(*own(tables.service)),
        declared=declared_version(tables.declared, own),
    )


def declared_version(declared: Service, own: Own) -> str:
    """Fingerprint of what a service declares of it, whatever the command line says."""
    return fingerprint(_shared(declared), *own(declared))


def _shared(service: Service) -> str:
    """Fingerprint of the declarations that all models share."""
    return fingerprint(service.training.model_dump(exclude={"grids"}), service.recency_feature)


@dataclass(frozen=True)
class LabelCounts:
    """Rows of a set by label; a customer has one for each as-of date, and one of either label counts twice."""

    negatives: int
    positives: int
    customers: int

    @property
    def rows(self) -> int:
        """All of them."""
        return self.negatives + self.positives


@dataclass(frozen=True)
class LabelledRows:
    """Training set and test set, read from the feature tables when they are first used."""

    tables: FeatureTables
    spark: SparkSession
    split: Split

    @cached_property
    def _sets(self) -> tuple[DataFrame, DataFrame]:
        """Raises InputError where Spark cannot reach the data."""
        check_reachable(self.tables.layer.root, "spark")  # whatever engine made them
        return self.split.apply(self.tables.read(self.spark, table_days(self.split)))

    @cached_property
    def features(self) -> list[NamedFeature]:
        """The features of the table; levels that are `auto` are those of the training set."""
        return with_levels(table_features(self.tables.service), self.train)

    @property
    def train(self) -> DataFrame:
        """The training set."""
        return self._sets[0]

    @property
    def test(self) -> DataFrame:
        """The test set."""
        return self._sets[1]

    @cached_property
    def train_counts(self) -> LabelCounts:
        """Counts of the training set. Raises InputError where a label is too rare."""
        return self._counts("training", self.train)

    @cached_property
    def test_counts(self) -> LabelCounts:
        """Counts of the test set. Raises InputError where a label is too rare."""
        return self._counts("test", self.test)

    def _counts(self, name: str, rows: DataFrame) -> LabelCounts:
        counted = rows.groupBy("label").agg(
            F.count("*").alias("rows"), F.countDistinct("customer_id").alias("customers")
        )
        by_label = {row["label"]: row for row in counted.collect()}
        customers = {label: by_label[label]["customers"] if label in by_label else 0 for label in (0, 1)}
        found_rows = {label: by_label[label]["rows"] if label in by_label else 0 for label in (0, 1)}
        found = LabelCounts(found_rows[0], found_rows[1], sum(customers.values()))
        rare = min(customers, key=lambda label: customers[label])
        if customers[rare] < FEWEST[name]:
            raise InputError(
                f"{self.tables.layer.root}: in the {name} set {customers[rare]} customers of {found.rows} rows have "
                f"label {rare} ({self.split}), and at least {FEWEST[name]} are needed; "
                f"take more customers or another --as-of"
            )
        return found


def _refuse_others(tables: FeatureTables) -> None:
    """Raise InputError where there are labels, but of tables made by another configuration."""
    for day, record in sorted(tables.layer.records().items(), reverse=True):
        if record.label_status == "mature":
            tables.record(day)
