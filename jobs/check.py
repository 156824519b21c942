"""`encore check`: check a service, and read a sample of its raw files as they would be read."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from conf.errors import DataCheckError, InputError, UsageError
from conf.events import Event
from conf.load import load_profile, load_service
from conf.presets import expanded
from features.declared import table_features
from features.events import lines_where, tagged
from features.resolution import resolve
from jobs.console.options import PROFILE, EngineOption, ProfileOption
from jobs.console.progress import start_step
from jobs.console.session import folder_on_disk
from jobs.console.tables import print_line, print_table
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.engine import engine as start_engine
from jobs.engine import installed
from jobs.formatting import percent, plural
from jobs.ingest import read_lines
from jobs.onboarding.columns import EMAIL
from jobs.onboarding.raw_files import RawFiles, raw_files
from jobs.onboarding.reading import EventRead, read_of, rows_as_text
from jobs.onboarding.sample import Sample, sample_of, write_sample
from jobs.reporting.rejections import landing_reasons, meaning

RAW_RECORDS, LONGEST_RAW = 2, 160
EXAMPLE = "encore check shop.yaml --raw /logs/shop"


@dataclass(frozen=True)
class Sampled:
    """One kind of event: the sample of its files, and what was read of it (None where nothing landed)."""

    name: str
    event: Event
    sample: Sample
    read: EventRead | None

    def problems(self, context: Context) -> list[str]:
        """Where the limits of `rejections:` would be passed, in words."""
        limit, read = context.service.rejections, self.read
        found = [f"{self.name}: too many lines of {file} cannot be read" for file in self.sample.refused]
        if read is None:
            return found
        if self.sample.is_whole:
            return found + [f"{self.name}: too many lines of {day} are rejected" for day in read.refused_days(limit)]
        if limit.are_too_many(read.rejected.total(), read.lines.total()):
            return [*found, f"{self.name}: too many of the sampled lines are rejected"]
        return found


def command(
    service: Annotated[str, typer.Argument(help="Name in conf/, or path of a YAML file.")],
    raw: Annotated[str | None, typer.Option(help="Raw files to try it on: a folder or a file.")] = None,
    engine: EngineOption = None,
    profile: ProfileOption = PROFILE,
    show_expanded: Annotated[
        bool, typer.Option("--expanded", help="Print the service with its presets as features and all texts, no more.")
    ] = False,
) -> None:
    """Check a service, and read a sample of its raw files as they would be read.

    The schema is checked, all SQL is resolved on the engines that are installed (or on --engine), and of the first and
    the last raw file of each event the first 1,000 and a drawn 1,000 records are read. Nothing is kept. Exit code 4:
    more lines would be rejected than the service allows.
    """
    declared, where = load_service(service), load_profile(profile)
    if show_expanded:
        print(expanded(declared), end="")
        return
    engines, chosen = [engine] if engine else installed(), engine or where.engine
    context = Context(DataFolder(Path()), Path(service).stem, declared, where, chosen, service, declared)
    events = ", ".join(declared.events) or "a finished table"
    print_line(f"schema    {service}: {events}; {plural(len(table_features(declared)), 'feature')}")
    for name in engines:
        _resolve(context, name)
    print_line(f"SQL       resolved by {' and '.join(engines)}")
    problems = _try_files(context, folder_on_disk("--raw", raw)) if raw else []
    features = [[one.name, one.kind, one.about] for one in table_features(declared)]
    print_table("columns of the feature table", ["feature", "kind", "meaning"], features)
    if not raw:
        print_line("No file was read; give some by --raw to see how they are read.")
    if problems:
        more = f" (and {len(problems) - 1} more such)" if len(problems) > 1 else ""
        raise DataCheckError(
            f"check of {service}: {problems[0]}{more}, more than `rejections` allows; look at the reasons above, and "
            f"fix the service or the files"
        )
    print_line(f"{service}: all checks passed")


def _resolve(context: Context, name: str) -> None:
    with start_engine(name, context.profile) as spark:
        try:
            resolve(spark, context.service)
        except UsageError as error:
            raise UsageError(f"{context.service_from}: on the engine {name}: {error}") from None


def _try_files(context: Context, raw: Path) -> list[str]:
    """Read a sample of the raw files and print what was read; returns where too many lines would be rejected."""
    context.require_events()
    files = raw_files(raw, context.service.events)
    problems: list[str] = []
    for sampled in sampled_events(context, files):
        _print_event(sampled, files)
        problems += sampled.problems(context)
    if files.others:
        names = ", ".join(path.name for path in files.others[:3])
        print_line(f"{plural(len(files.others), 'file')} of no event, by their names: {names}")
    for name, found in files.of_event.items():
        if not found:
            print_line(f"{name}: no file, since no name is like {context.service.events[name].landing.files}")
    return problems


def sampled_events(context: Context, files: RawFiles) -> list[Sampled]:
    """A sample of the first and the last file of each event, as the pipeline reads them.

    Raises:
        InputError: no file is of an event, or one cannot be read.
    """
    service = context.service
    if not any(files.of_event.values()):
        patterns = ", ".join(service.events[name].landing.files for name in files.of_event)
        raise InputError(f"{files.root}: no file has a name of an event ({patterns}); correct `files:`")
    with TemporaryDirectory(prefix="encore-check-") as name, start_step("read") as step:
        folder, samples = Path(name), {}
        for owner in files.of_event:
            if files.of_event[owner]:
                samples[owner] = sample_of(files.ends(owner), service.reading(owner), service.rejections)
                write_sample(samples[owner].lines, folder / owner)
        step.done(plural(sum(sum(sample.records) for sample in samples.values()), "record"))
        owners = {name: event.landing.lines_of or name for name, event in service.events.items()}
        return [_read(context, name, samples[own], folder / own) for name, own in owners.items() if own in samples]


def _read(context: Context, name: str, sample: Sample, lines_of_event: Path) -> Sampled:
    event = context.service.events[name]
    days = sorted({day for day, _ in sample.lines})
    if not days:
        return Sampled(name, event, sample, None)
    with start_engine(context.engine, context.profile) as spark:
        lines = read_lines(spark, event, lines_of_event, days)
        rows = rows_as_text(tagged(lines_where(lines, event, event.landing.where), event), event)
    return Sampled(name, event, sample, read_of(rows, event) if rows else None)


# ---- what is printed ----


def _print_event(found: Sampled, files: RawFiles) -> None:
    name, sample, read, landing = found.name, found.sample, found.read, found.event.landing
    number = len(files.of_event[landing.lines_of or name])
    parts = [f"{file.name} ({count:,})" for file, count in zip(sample.files, sample.records, strict=True)]
    of_all = "all" if sample.is_whole else "the first and some drawn"
    print_line()
    print_line(f"{name}: {plural(number, 'file')}; {of_all} records of {' and '.join(parts)} were read")
    if landing.where:
        mine = read.lines.total() if read else 0
        print_line(f"          {mine:,} of these {plural(len(sample.lines), 'line')} are {landing.where}")
    if not landing.lines_of:
        for raw in sample.raw[:RAW_RECORDS]:
            text = EMAIL.sub("<e-mail>", raw)
            print_line(f"          as it came: {text[:LONGEST_RAW]}{'...' if len(text) > LONGEST_RAW else ''}")
    if read:
        _print_columns(found.event, read)
    _print_reasons(found)
    if read:
        _print_days(read)


def _print_columns(event: Event, read: EventRead) -> None:
    lines = read.lines.total()
    rows = []
    for name, column in read.columns.items():
        values = "; ".join(f"{text} → {value}" for text, value in column.values.items())
        unreadable = f"{percent(column.unreadable / lines)}: " if column.unreadable else "none"
        rows.append(
            [name, event.columns[name].type, values or "–", percent(column.nulls / lines)]
            + [unreadable + "; ".join(column.unreadable_texts)]
        )
    print_table(
        f"columns, of {plural(lines, 'line')}",
        ["column", "type", "raw text → value", "missing", "unreadable"],
        rows,
    )


def _print_reasons(found: Sampled) -> None:
    sample, read, total = found.sample, found.read or EventRead({}), sum(found.sample.records)
    aside = sample.set_aside.most_common() if not found.event.landing.lines_of else []
    rows = [
        ["not landed", reason, landing_reasons()[reason], f"{count:,} ({percent(count / total)})"]
        + ["; ".join(sample.texts[reason])]
        for reason, count in aside
    ]
    for what, counts in (("rejected", read.reasons), ("repaired", read.repairs)):
        rows += [
            [what, reason, meaning(reason, found.event), _share(count, read), "; ".join(read.texts[reason])]
            for reason, count in counts.most_common()
        ]
    print_table("lines that are not taken as they are", ["what", "reason", "meaning", "lines", "examples"], rows)


def _share(count: int, read: EventRead) -> str:
    return f"{count:,} ({percent(count / read.lines.total())})"


def _print_days(read: EventRead) -> None:
    days, (least, middle, greatest) = read.days, read.customers_per_day
    print_line(f"days      {plural(len(days), 'day')} in these lines, {_span(days)}")
    print_line(
        f"customers {plural(read.customers_of_all_days, 'customer')}; of a day {least:,} to {greatest:,}, "
        f"median {middle:,.0f}"
    )


def _span(days: Sequence[str]) -> str:
    return f"{days[0]} to {days[-1]}" if len(days) > 1 else "".join(days)
