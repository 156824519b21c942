"""What every command is given: the data folder, the service and the engine, with the layers as names."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from conf.errors import InputError, UsageError
from conf.events import Event
from conf.finished import FinishedTable
from conf.load import fingerprint
from conf.profile import Profile
from conf.schema import Service
from features.windows import Window, logs_window
from jobs.storage.layer import Layer, Partitions
from jobs.storage.location import Place, Remote
from jobs.storage.remote_layer import layer


@dataclass(frozen=True)
class Context:
    """A run of Encore on one data folder."""

    data: Place
    service_name: str
    service: Service
    profile: Profile
    engine: str
    service_from: str = ""  # the name or path of the service, where the command line gave one

    @property
    def raw(self) -> Place:
        """Where the service leaves its logs."""
        return self.data / "raw"

    @property
    def landing(self) -> Place:
        """Text lines of the right shape."""
        return self.data / "landing"

    @property
    def daily(self) -> Layer:
        """Daily tiles."""
        return layer(self.data / "daily", "date")

    @property
    def features(self) -> Layer:
        """Feature tables by as-of date."""
        return layer(self.data / "features", "as_of")

    @property
    def scores(self) -> Layer:
        """Scores by as-of date."""
        return layer(self.data / "scores", "as_of")

    @property
    def drift(self) -> Layer:
        """What has moved since training, by as-of date: records alone."""
        return layer(self.data / "drift", "as_of")

    @property
    def title_days(self) -> Layer:
        """What customers did with titles, by day."""
        return layer(self.data / "interactions" / "days", "date")

    @property
    def title_names(self) -> Layer:
        """How often titles went by which name, by day."""
        return layer(self.data / "interactions" / "names", "date")

    @property
    def interactions(self) -> Layer:
        """One row per customer and title, by as-of date."""
        return layer(self.data / "interactions" / "titles", "as_of")

    @property
    def recommender(self) -> Place:
        """The recommender: its titles, its model, what is said of it."""
        return self.data / "recommender"

    def recommendations(self, of: str) -> Layer:
        """Recommended `titles` for customers, `customers` for titles, or titles for the `contacts` of the list."""
        return layer(self.data / "recommendations" / of, "as_of")

    @property
    def models(self) -> Place:
        """Fitted models."""
        return self.data / "models"

    @property
    def fits(self) -> Path:
        """Networks that are being fitted, in a folder that all ranks share.

        Raises:
            UsageError: the data lies elsewhere than on a disk, and the profile names no such folder.
        """
        if not isinstance(self.data, Remote):
            return self.data / "fits"
        if self.profile.shared is None:
            raise UsageError(
                f"{self.data}: networks are fitted in a folder that all ranks share and can go on from, which this is "
                f"not; give the key `shared` of the profile a path on such a file system"
            )
        return Path(self.profile.shared) / fingerprint(str(self.data))

    @property
    def truth(self) -> Partitions:
        """True probabilities of simulated customers, for judging models only."""
        return Partitions(self.data / "truth", "as_of")

    @property
    def report(self) -> Place:
        """What people read."""
        return self.data / "report"

    def events(self, event: str) -> Layer:
        """Typed events of one kind."""
        return layer(self.data / "events" / event, "date")

    def rejected(self, event: str) -> Layer:
        """Rows of one kind that were rejected."""
        return layer(self.data / "events" / "rejected" / event, "date")

    def require_events(self) -> None:
        """Raise UsageError where the service has no raw logs."""
        if self.service.table:
            raise UsageError(f"{self.service_name}: this service begins with a finished table; run `encore table FILE`")

    def finished_table(self) -> FinishedTable:
        """The finished table that the service begins with. Raises UsageError where it begins with raw logs."""
        if not self.service.table:
            raise UsageError(
                f"{self.service_name}: this service begins with raw logs; run `encore run`, or give a --service that "
                f"declares a table, such as audiobooks_table"
            )
        return self.service.table

    def table_command(self, day: str = "") -> str:
        """The command that makes the feature table at a date, in words."""
        at = f" --as-of {day}" if day else ""
        return f"`encore table FILE{at}`" if self.service.table else f"`encore features{at}`"

    def logs(self) -> Window:
        """The days that the daily layer reaches over. Raises InputError when it is empty."""
        days = [date.fromisoformat(value) for value in self.daily.values()]
        if not days:
            raise InputError(
                f"{self.daily.root}: there is no day to look at; run `encore rollup --data {self.data}` first"
            )
        return logs_window(days)

    @cached_property
    def version(self) -> str:
        """Fingerprint of the service's configuration."""
        return fingerprint(self.service)

    @cached_property
    def features_version(self) -> str:
        """Fingerprint of what a feature table is made by, beside its tiles."""
        service = self.service
        declared = list(service.features.items())  # in their order, which is that of the columns
        # As text, which keeps the order of the columns; the date only says where a table is put.
        given = [service.table.model_dump_json(exclude={"as_of"})] if service.table else []
        return fingerprint(service.windows, service.bots, service.eligible, service.label, declared, *given)

    def event_version(self, event: Event) -> str:
        """Fingerprint of what ingest makes of one event; measures are the rollup's and do not count."""
        return fingerprint(event.model_copy(update={"measures": {}}))
