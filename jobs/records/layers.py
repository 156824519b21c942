"""Records of the layers from events to feature tables."""

from datetime import date
from typing import ClassVar, Literal

from pydantic import AliasChoices, Field

from jobs.storage.records import PartitionRecord, Record, Section

LabelStatus = Literal["mature", "immature", "uncertain"]


class EventsBasis(Section):
    """What the events of a day are made from.

    files: name, size and archive checksum of each landed file; configuration: fingerprint of the event's declaration.
    """

    files: list[str]
    configuration: str
    sample: float


class EventsRecord(PartitionRecord):
    """A day of one event: `events/<event>/date=…/`, and the rejected rows of the same day.

    The lines are partitioned: `lines = events + rejected + duplicates + left_out + elsewhere`.

    Attributes:
        unreadable: rejected rows with a value that could not be typed.
        repaired, reasons: rows by name of the repair, or by reason of the rejection; a repair `<column>_unreadable` is
            an optional value that could not be typed, and is null.
        left_out: lines of customers outside the sample.
        elsewhere: lines that are not of this event, where several share their lines.
        unclaimed: lines, of customers in or outside the sample, that are of no event; counted by the event that has the
            lines.
    """

    COMMAND: ClassVar[str] = "`encore ingest`"
    basis: EventsBasis
    sample: float
    missing_parts: list[str]
    lines: int
    events: int
    rejected: int
    unreadable: int
    duplicates: int
    repaired: dict[str, int]
    left_out: int
    elsewhere: int = 0
    unclaimed: int = 0
    reasons: dict[str, int]

    @property
    def judged(self) -> int:
        """The lines of this event, and of customers in the sample: of them events are made."""
        return self.lines - self.left_out - self.elsewhere

    @property
    def lines_in(self) -> int:
        """The lines that this event takes, and those that are of no event: each line of a file counts once."""
        return self.lines - self.elsewhere + self.unclaimed


class TilesBasis(Section):
    """What the daily tiles of a day are made from; missing_parts as `play 2`."""

    events: dict[str, EventsBasis]
    configuration: str
    sample: float
    missing_parts: list[str]


class TilesRecord(PartitionRecord):
    """A day of tiles, one row per customer: `daily/date=…/`; by_kind: events by their kind."""

    COMMAND: ClassVar[str] = "`encore rollup`"
    basis: TilesBasis
    sample: float
    missing_parts: list[str]
    customers: int
    bots: int
    events: int
    by_kind: dict[str, int]


class FeaturesBasis(Section):
    """What a feature table is made from.

    tiles: fingerprint of the tiles, or checksum of a finished table's file; configuration: fingerprint of the
    declarations; mature: whether the outcome was known; coverage: fingerprint of what the logs cover.
    """

    tiles: str
    configuration: str
    mature: bool
    coverage: str = ""


class TableSource(Section):
    """The file of a finished table, and what was corrected in it.

    swapped: pairs of columns whose labels were swapped; unfilled: by column, filled-in values that were taken out
    again; warnings: the same in words.
    """

    file: str
    rows: int
    header: bool
    swapped: list[tuple[str, str]]
    unfilled: dict[str, int]
    warnings: list[str]


class FeaturesRecord(PartitionRecord):
    """A feature table, one row per customer: `features/as_of=…/`.

    Attributes:
        positives: eligible customers with label 1.
        missing_days: days of the windows without logs.
        missing_parts: by day, the parts of its logs that are missing.
        uncovered_days: days of the outcome on which logs are missing that the label reads.
        thin_days: days of the observation on which logs are missing; thin: whether they are more than tolerated.
        bots_excluded: customers left out as bots.
        capped: by feature, customers whose value was above its cap.
        source: only of a finished table.
    """

    COMMAND: ClassVar[str] = "`encore features --as-of {partition}` (or `encore table FILE`, if it was one)"
    basis: FeaturesBasis
    customers: int
    eligible: int
    positives: int
    label_status: LabelStatus
    sample: float
    missing_days: list[date]
    missing_parts: dict[str, list[str]]
    uncovered_days: list[date] = []
    thin_days: list[date] = []
    thin: bool = False
    bots_excluded: int
    capped: dict[str, int]
    source: TableSource | None = None


class Export(Section):
    """A CSV file: fingerprint of the table that it was made of, and its size in bytes."""

    made_of: str
    size: int


class ExportsRecord(Record):
    """The CSV files of feature tables by name: `features/_export/exports.json`."""

    COMMAND: ClassVar[str] = "`encore features`"
    tables: dict[str, Export]


class TitleDaysBasis(Section):
    """What the interactions of a day are made from."""

    events: dict[str, EventsBasis]
    configuration: str
    sample: float


class TitleDaysRecord(PartitionRecord):
    """A day of interactions, one row per customer and title, or of the titles' names: `interactions/{days,names}/`."""

    COMMAND: ClassVar[str] = "`encore interactions`"
    basis: TitleDaysBasis
    sample: float
    rows: int


class InteractionsBasis(Section):
    """What the interactions before a date are made from: fingerprints of days and tiles, and of the declaration."""

    days: str
    configuration: str


class InteractionsRecord(PartitionRecord):
    """Interactions before a date, one row per customer and title: `interactions/titles/as_of=…/`.

    since: first day that counts (`from` in the file).
    """

    COMMAND: ClassVar[str] = "`encore recommend --as-of {partition}`"
    basis: InteractionsBasis
    since: date = Field(validation_alias=AliasChoices("since", "from"), serialization_alias="from")
    pairs: int
    customers: int
    titles: int
