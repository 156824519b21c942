"""What the partitions of each layer would be made from now: the declarations in force, and the bases of their sources.

A basis holds fingerprints of everything below it, so a partition whose record has this basis is up to date. The command
that writes a layer, and every command that reads it, compute the basis here.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from conf.events import Event
from conf.load import fingerprint
from conf.recommender import Interactions
from conf.schema import Service
from features.windows import Moment, Window
from jobs.incremental import EventRecords, days_of
from jobs.records.layers import EventsBasis, EventsRecord, FeaturesBasis, TilesBasis, TitleDaysBasis
from jobs.storage.landing import LandedFile


def event_version(event: Event) -> str:
    """Fingerprint of what decides the events of a declaration; measures belong to rollup and do not count."""
    return fingerprint(event.model_copy(update={"measures": {}}))


def events_basis(files: Sequence[LandedFile], version: str, rate: float) -> EventsBasis:
    """What the events of a day are made from: its landed files, the version of the event, the sample."""
    lines = sorted(f"{file.path.name} {file.bytes} {file.checksum}" for file in files)
    return EventsBasis(files=lines, configuration=version, sample=rate)


def tiles_bases(service: Service, records: EventRecords) -> dict[str, TilesBasis]:
    """By day, what the tiles are made from; records: of the events."""
    return {day: _tiles_basis(service, _on(records, day)) for day in days_of(records)}


def title_days_bases(declared: Interactions, records: EventRecords) -> dict[str, TitleDaysBasis]:
    """By day, what the interactions are made from; records: of the events that are their sources."""
    return {
        day: TitleDaysBasis(
            events={name: record.basis for name, record in _on(records, day).items()},
            configuration=fingerprint(*declared.sources.values()),
            sample=next(iter(_on(records, day).values())).sample,
        )
        for day in days_of(records)
    }


def table_basis(tiles: Mapping[str, TilesBasis], version: str, moment: Moment, logs: Window) -> FeaturesBasis:
    """What the feature table of a moment is made from: the tiles that it reads, and the declarations.

    tiles: the bases of all days.
    """
    is_mature = moment.is_mature(logs)
    end = str(table_end(moment, is_mature))
    used = {day: basis for day, basis in tiles.items() if day < end}
    return FeaturesBasis(tiles=fingerprint(used), configuration=version, mature=is_mature)


def table_end(moment: Moment, is_mature: bool) -> date:
    """The day before which the tiles count: the days of an outcome that is not over decide nothing yet."""
    return moment.outcome.end if is_mature else moment.as_of


def targeting_version(service: Service) -> str:
    """Fingerprint of what decides a contact list beside the scores."""
    return fingerprint(service.targeting, service.training.seed)


def _on(records: EventRecords, day: str) -> dict[str, EventsRecord]:
    return {name: of_event[day] for name, of_event in records.items() if day in of_event}


def _tiles_basis(service: Service, present: Mapping[str, EventsRecord]) -> TilesBasis:
    declared = [measure for event in service.events.values() for measure in event.measures.values()]
    bots = [service.bots] if service.bots else []
    return TilesBasis(
        events={name: record.basis for name, record in present.items()},
        configuration=fingerprint(*declared, *bots),
        sample=next(iter(present.values())).sample,
        missing_parts=_missing_parts(service, present),
    )


def _missing_parts(service: Service, present: Mapping[str, EventsRecord]) -> list[str]:
    """The parts that a day lacks, as `play 2`; of an event without any archive, all its parts."""
    missing = []
    for name, event in service.events.items():
        parts = present[name].missing_parts if name in present else event.landing.parts()
        missing += [f"{name} {part}" for part in parts]
    return missing
