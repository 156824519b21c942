"""The data folder: every layer by its name. Nothing else in the code knows what a layer's folder is called."""

from dataclasses import dataclass

from conf.errors import InputError
from features.windows import Window
from jobs.logs.coverage import logs_of
from jobs.records.drift import DriftRecord
from jobs.records.layers import EventsRecord, FeaturesRecord, InteractionsRecord, TilesRecord, TitleDaysRecord
from jobs.records.recommending import RecommendationsRecord, TitlesRecord
from jobs.records.scoring import ScoresRecord
from jobs.storage.layer import Layer, Partitions
from jobs.storage.location import Place
from jobs.storage.remote_layer import layer


@dataclass(frozen=True)
class DataFolder:
    """A folder of all layers (`--data`).

    windows: the windows of the command line, such as `365-90-0`. What depends on them is in a folder of their own;
    empty for those of the service, whose results are in the data folder itself.
    """

    root: Place
    windows: str = ""

    def __str__(self) -> str:
        return str(self.root)

    @property
    def made(self) -> Place:
        """The folder of the feature tables, and of all that is made from them."""
        return self.root / "windows" / self.windows if self.windows else self.root

    @property
    def raw(self) -> Place:
        """Where the service leaves its logs."""
        return self.root / "raw"

    @property
    def landing(self) -> Place:
        """Text lines with the right number of fields."""
        return self.root / "landing"

    def events(self, event: str) -> Layer[EventsRecord]:
        """Typed events of one kind, by day."""
        return layer(self.root / "events" / event, "date", EventsRecord)

    def rejected(self, event: str) -> Layer[EventsRecord]:
        """Rows of one kind of event that were rejected, by day."""
        return layer(self.root / "events" / "rejected" / event, "date", EventsRecord)

    @property
    def daily(self) -> Layer[TilesRecord]:
        """Daily tiles: one row per customer and day."""
        return layer(self.root / "daily", "date", TilesRecord)

    @property
    def features(self) -> Layer[FeaturesRecord]:
        """Feature tables by as-of date."""
        return layer(self.made / "features", "as_of", FeaturesRecord)

    @property
    def models(self) -> Place:
        """Fitted models."""
        return self.made / "models"

    @property
    def scores(self) -> Layer[ScoresRecord]:
        """Scores by as-of date."""
        return layer(self.made / "scores", "as_of", ScoresRecord)

    @property
    def drift(self) -> Layer[DriftRecord]:
        """What has moved since training, by as-of date; records only, no rows."""
        return layer(self.made / "drift", "as_of", DriftRecord)

    @property
    def title_days(self) -> Layer[TitleDaysRecord]:
        """What customers did with titles, by day."""
        return layer(self.root / "interactions" / "days", "date", TitleDaysRecord)

    @property
    def title_names(self) -> Layer[TitleDaysRecord]:
        """How often titles had which name, by day."""
        return layer(self.root / "interactions" / "names", "date", TitleDaysRecord)

    @property
    def interactions(self) -> Layer[InteractionsRecord]:
        """One row per customer and title, by as-of date."""
        return layer(self.root / "interactions" / "titles", "as_of", InteractionsRecord)

    @property
    def recommender(self) -> Place:
        """The fitted recommender: its titles, its model, its record."""
        return self.made / "recommender"

    @property
    def titles_for_customers(self) -> Layer[TitlesRecord]:
        """Recommended titles for customers, by as-of date."""
        return layer(self.made / "recommendations" / "titles", "as_of", TitlesRecord)

    @property
    def customers_for_titles(self) -> Layer[RecommendationsRecord]:
        """Customers whom a title suits best, by as-of date."""
        return layer(self.made / "recommendations" / "customers", "as_of", RecommendationsRecord)

    @property
    def titles_for_contacts(self) -> Layer[RecommendationsRecord]:
        """The contact list with reasons and titles, by as-of date."""
        return layer(self.made / "recommendations" / "contacts", "as_of", RecommendationsRecord)

    def contact_sheet(self, day: str) -> Place:
        """The contact list of an as-of date for the people who write the letters."""
        return self.made / "contacts" / f"contacts_{day}.csv"

    @property
    def truth(self) -> Partitions:
        """True probabilities of simulated customers, for evaluating models only."""
        return Partitions(self.made / "truth", "as_of")

    @property
    def report(self) -> Place:
        """The report."""
        return self.made / "report"

    def logs(self) -> Window:
        """The window of the logs, without stray days. Raises InputError where there are no tiles."""
        return logs_of(self.tiles_records())

    def tiles_records(self) -> dict[str, TilesRecord]:
        """The records of the daily tiles by day. Raises InputError where there are none."""
        records = self.daily.records()
        if not records:
            raise InputError(f"{self.daily.root}: there are no daily tiles; run `encore rollup --data {self}` first")
        return records
