"""Rows that were rejected or repaired, by reason, from the records of landing and events."""

import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from conf.events import Event
from conf.words import in_words
from jobs.records.layers import EventsRecord

Days = Mapping[str, Sequence[EventsRecord]]  # by event

CODE = Path(__file__).parents[2]
LANDING_REPAIR = "repaired while unpacking: an empty field in front dropped, or the lines of one record joined"


@dataclass(frozen=True)
class Reason:
    """Rows of one event that were rejected or repaired for one reason, and of how many."""

    layer: str
    event: str
    reason: str
    meaning: str
    rows: int
    of_rows: int

    @property
    def share(self) -> float:
        """Share of the rows that came in."""
        return self.rows / max(self.of_rows, 1)


@cache
def landing_reasons() -> dict[str, str]:
    """What unpack.sh means by its reasons, in their order; all others are declared in the service's configuration."""
    name = "shell/unpack/reasons.tsv"
    table = CODE / name if CODE.is_dir() else zipfile.Path(CODE, name)  # a cluster is sent the code as a zip
    rows = [line for line in table.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(row.split("\t") for row in rows)


def landing_rejected(landed: dict[str, Counter[str]]) -> Iterator[Reason]:
    """Lines that unpacking rejected, by event, the most frequent reason first."""
    meanings = landing_reasons()
    for event, counts in landed.items():
        found = {key: number for key, number in counts.items() if key.startswith("rejected_") and number}
        for key, number in Counter(found).most_common():
            reason = key.removeprefix("rejected_")
            yield Reason("landing", event, reason, meanings.get(reason, in_words(reason)), number, counts["lines"])


def landing_repaired(landed: dict[str, Counter[str]]) -> Iterator[Reason]:
    """Records that unpacking repaired, by event."""
    for event, counts in landed.items():
        if counts["repaired"]:
            yield Reason("landing", event, "shape", LANDING_REPAIR, counts["repaired"], counts["records"])


def ingest_rejected(events: Mapping[str, Event], ingested: Days) -> Iterator[Reason]:
    """Rows that ingest rejected, by event, the most frequent reason first."""
    return _ingest_reasons(events, ingested, lambda record: record.reasons)


def ingest_repaired(events: Mapping[str, Event], ingested: Days) -> Iterator[Reason]:
    """Rows that ingest repaired, by event, the most frequent repair first."""
    return _ingest_reasons(events, ingested, lambda record: record.repaired)


def _ingest_reasons(
    events: Mapping[str, Event], ingested: Days, counts: Callable[[EventsRecord], dict[str, int]]
) -> Iterator[Reason]:
    for name, records in ingested.items():
        lines = sum(record.lines_in for record in records)
        reasons: Counter[str] = Counter()
        for record in records:
            reasons.update(counts(record))
        for reason, number in reasons.most_common():
            yield Reason("events", name, reason, meaning(reason, events[name]), number, lines)


def meaning(reason: str, event: Event) -> str:
    """A check's own words, or those of the column that could not be typed."""
    if reason in event.checks:
        return event.checks[reason].about
    column, _, problem = reason.rpartition("_")
    if column not in event.columns:
        return in_words(reason)
    if problem == "missing":
        return f"{column} is missing"
    unreadable = f"{column} cannot be read as {event.columns[column].type}"
    return unreadable if event.columns[column].required else f"{unreadable} and is null; the event counts"
