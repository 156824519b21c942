"""What the partitions of each layer would be made from now: the declarations in force, and the bases of their sources.

A basis holds fingerprints of everything below it, so a partition whose record has this basis is up to date. The command
that writes a layer, and every command that reads it, compute the basis here.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from conf.load import fingerprint
from conf.recommender import Interactions
from conf.schema import Service
from features.declared import table_features
from features.windows import Moment
from jobs.lineage.incremental import EventRecords, days_of
from jobs.logs.coverage import LogCoverage
from jobs.records.layers import EventsBasis, EventsRecord, FeaturesBasis, TilesBasis, TitleDaysBasis
from jobs.storage.landing import LandedFile


def event_version(service: Service, name: str) -> str:
    """Fingerprint of what decides the events of a kind; measures belong to rollup and do not count."""
    shared = service.sharing(name)
    return fingerprint(service.events[name].model_copy(update={"measures": {}}), *([shared] if len(shared) > 1 else []))


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


def table_basis(version: str, moment: Moment, coverage: LogCoverage) -> FeaturesBasis:
    """What the feature table of a moment is made from: the tiles that it reads, what the logs cover, the declarations.

    version: fingerprint of the declarations.
    """
    used = {str(day): record.basis for day, record in coverage.records.items() if is_used(day, moment, coverage)}
    status = coverage.status(moment)
    return FeaturesBasis(
        tiles=fingerprint(used),
        configuration=version,
        mature=status == "mature",
        coverage=fingerprint(status, *map(str, [*coverage.uncovered(moment), "|", *coverage.thin_days(moment)])),
    )


def is_used(day: date, moment: Moment, coverage: LogCoverage) -> bool:
    """Whether the tiles of a day count: those of an outcome that is not over decide nothing yet."""
    end = moment.outcome.end if moment.is_over(coverage.logs) else moment.as_of
    return day in coverage.logs and day < end


def targeting_version(service: Service) -> str:
    """Fingerprint of what decides a contact list beside the scores: the economics, and what reasons say."""
    said = [(one.name, one.family, one.says) for one in table_features(service)]
    return fingerprint(service.targeting, service.training.seed, said)


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
