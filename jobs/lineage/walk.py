"""Whether what a command reads is up to date, all the way down to the landed lines.

A layer that is not there (removed to save space, or of a folder that begins with a finished table) is not compared.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from conf.errors import InputError
from conf.schema import Service
from features.windows import Moment
from jobs.data_folder import DataFolder
from jobs.lineage.bases import event_version, events_basis, table_basis, targeting_version, tiles_bases
from jobs.lineage.incremental import EventRecords
from jobs.logs.coverage import LogCoverage, log_coverage
from jobs.records.layers import EventsBasis, EventsRecord, FeaturesBasis, TilesBasis
from jobs.records.scoring import ScoresRecord
from jobs.records.training import ModelRecord
from jobs.storage.landing import LandedFile, landed_files
from jobs.training.artifacts import ModelFolder
from jobs.training.feature_tables import FeatureTables
from jobs.training.variants import variant_of


class StaleError(InputError):
    """What a command reads no longer matches what it was made from."""


@dataclass(frozen=True)
class Lineage:
    """The layers of a data folder, and the declarations in force. Each method raises StaleError, and no rows are read.

    A method compares the deepest layer first, so that the error names the first command to run. What was compared once
    is not compared again, so a command makes a Lineage of its own.
    """

    data: DataFolder
    service: Service
    tables: FeatureTables

    def require_events(self) -> None:
        """The events are those of the landed lines, by the declarations in force."""
        _ = self._fresh_events

    def require_tiles(self) -> None:
        """The tiles are those of the events, and these are up to date."""
        _ = self._fresh_tiles

    def require_tables(self, days: Iterable[str]) -> None:
        """The feature tables of these as-of dates are those of the tiles, and these are up to date."""
        if self.service.table or not self.data.daily.values():
            return
        self.require_tiles()
        for day in sorted(set(days)):
            record = self.tables.layer.record(day)
            moment = Moment.at(date.fromisoformat(day), self.service.windows)
            is_declared = record is not None and record.basis.configuration == self.tables.version
            if record and is_declared and record.basis != self.table_basis(moment):
                raise StaleError(
                    f"{self.tables.layer.partition(day)}: was made from other tiles than those that are there now; "
                    f"run {self.tables.command()} first"
                )

    def require_model(self, name: str) -> None:
        """The model was fitted on the tables that are there, and these are up to date; a removed one is not known."""
        models = ModelFolder(self.data.models)
        record = models.record(name)
        fitted_on = record.fitted_on
        self.require_tables(fitted_on.tables)
        for day, basis in fitted_on.tables.items():
            table = self.tables.layer.record(day)
            if table and table.basis != basis:
                raise StaleError(
                    f"{models.root / name}: was fitted on {self.tables.layer.partition(day)}, which has changed since; "
                    f"run {_command_of(record)} again"
                )
        if fitted_on.declared != variant_of(record).declared_version(self.tables.declared):
            raise StaleError(
                f"{models.root / name}: was fitted by other declarations than those in force; "
                f"run {_command_of(record)} again"
            )

    def require_scores(self, day: str, record: ScoresRecord) -> None:
        """The scores are of the table and the model that are there, and these are up to date."""
        models, folder = ModelFolder(self.data.models), self.data.scores.partition(day)
        again = f"run `encore score --as-of {day}` again"
        self.require_tables([day])
        table, has_model = self.tables.layer.record(day), record.model in models.names()
        if table and table.basis.configuration != self.tables.version:
            raise StaleError(
                f"{folder}: {self.tables.layer.partition(day)} was made by other declarations than those in force; "
                f"run {self.tables.command(day)} again, then train and score"
            )
        if has_model:
            self.require_model(record.model)
        if table and table.basis != record.basis.table:
            raise StaleError(f"{folder}: {self.tables.layer.partition(day)} has changed since these scores; {again}")
        if has_model and models.version(record.model) != record.basis.model:
            raise StaleError(f"{folder}: the model {record.model} was trained again since these scores; {again}")
        if record.basis.declared != targeting_version(self.tables.declared):
            raise StaleError(
                f"{folder}: the service declares the economics of a contact or what reasons say otherwise now; {again}"
            )

    @property
    def events(self) -> EventRecords:
        """The records of the events by kind and day, which are up to date."""
        return self._fresh_events

    def table_basis(self, moment: Moment) -> FeaturesBasis:
        """What the table of a moment would be made from now; the tiles are up to date."""
        self.require_tiles()
        return table_basis(self.tables.version, moment, self.coverage)

    # ---- each of these is done once ----

    @cached_property
    def _fresh_events(self) -> EventRecords:
        landed = self._landed()
        found = {name: self.data.events(name).records() for name in self.service.events}
        for name, records in found.items() if any(found.values()) else ():
            root, version = self.data.events(name).root, event_version(self.service, name)
            if landed is None:
                old = [day for day, record in records.items() if record.basis.configuration != version]
                _refuse(root, old, "made by other declarations than those in force", "`encore ingest`")
            else:
                own = self.service.events[name].landing.lines_of or name
                files = {day: some for (kind, day), some in landed.items() if kind == own}
                made_from = {day: record.basis for day, record in records.items()}
                old = differing(_events_bases(files, version, records), made_from)
                _refuse(root, old, "not made from the lines and declarations that are there now", "`encore ingest`")
        return found

    @cached_property
    def _fresh_tiles(self) -> Mapping[str, TilesBasis]:
        records = self._fresh_events
        tiles = {day: record.basis for day, record in self.data.daily.records().items()}
        if any(records.values()):
            old = differing(tiles_bases(self.service, records), tiles)
            what = "not made from the events and declarations that are there now"
            _refuse(self.data.daily.root, old, what, "`encore rollup`")
        return tiles

    @cached_property
    def coverage(self) -> LogCoverage:
        """What the logs cover. Raises InputError where there are no tiles."""
        return log_coverage(self.data.tiles_records(), self.service)

    def _landed(self) -> Mapping[tuple[str, str], list[LandedFile]] | None:
        """The landed files by event and day, None where the landing layer is not there."""
        return landed_files(self.data.landing) if (self.data.landing / "days.csv").is_file() else None


def _events_bases(
    files: Mapping[str, list[LandedFile]], version: str, records: Mapping[str, EventsRecord]
) -> dict[str, EventsBasis]:
    """By day, what the events of landed files would be made from, in the sample that is there."""
    rate = next((record.sample for record in records.values()), 1.0)
    return {day: events_basis(some, version, rate) for day, some in files.items()}


def differing(bases: Mapping[str, Any], made_from: Mapping[str, Any]) -> list[str]:
    """The partitions that are missing, are too many, or were made from something else."""
    return sorted(value for value in bases.keys() | made_from.keys() if bases.get(value) != made_from.get(value))


def _refuse(root: object, old: Collection[str], what: str, command: str) -> None:
    if old:
        more = f" and {len(old) - 1} more" if len(old) > 1 else ""
        raise StaleError(f"{root}: {next(iter(old))}{more} {'are' if more else 'is'} {what}; run {command} first")


def _command_of(model: ModelRecord) -> str:
    return "`encore train-keras`" if model.network else "`encore train`"
