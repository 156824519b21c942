"""A command's session: the context that its options describe, the lock of the data folder, the engine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pyspark.sql import SparkSession

from conf.errors import UsageError
from conf.load import load_profile, load_service, load_with_windows, overridden
from conf.schema import Service
from jobs.console.progress import Step, start_step
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.engine import engine as start_engine
from jobs.engine import is_submitted
from jobs.storage.backend import backend, check_reachable, disk_path, sole_writer, write_text
from jobs.storage.location import Place, place
from jobs.storage.names import require_no_pattern, require_text
from jobs.storage.shared_folder import require_shared

SERVICE = "music"  # where none is named
RESOLVED_FILE = ".resolved"  # in the folder of the windows: by engine, the configuration whose SQL it has resolved
SERVICE_FILE = ".service"  # in a data folder: the first service that was named for it
LAYERS = ("landing", "events", "features")  # of which one has data of a service
Overrides = Mapping[str, Mapping[str, Any]]
NONE: Overrides = MappingProxyType({})
WindowsGiven = Mapping[str, int | None]
OWN_WINDOWS: WindowsGiven = MappingProxyType({})


def open_context(
    data: str,
    service: str | None,
    profile: str,
    engine: str | None = None,
    overrides: Overrides = NONE,
    default_service: str = SERVICE,
    windows: WindowsGiven = OWN_WINDOWS,
) -> Context:
    """The context of a command.

    Args:
        service: by default the service of the data folder, and of a new folder `default_service`.
        overrides: values from the command line by section and key of the service; None keeps the service's value.
        windows: windows from the command line by key; None keeps that of the service.

    Raises:
        UsageError: the service, the profile or a value is unknown or invalid, or the folder is another service's.
        InputError: the data folder cannot be reached.
    """
    require_text("--data", data)
    require_text("--service", service or "")
    require_text("--profile", profile)
    where = load_profile(profile)
    chosen = engine or where.engine
    folder = place(data, chosen)
    require_no_pattern("--data", folder)
    if not backend(folder).is_disk and chosen == "spark":
        with start_engine(chosen, where):  # its file systems are used for everything there
            pass
    check_reachable(folder)
    known = folder / SERVICE_FILE
    recorded = known.read_text(encoding="utf-8").strip() if known.is_file() else ""
    name = service or recorded or default_service
    declared, others, left_out = load_with_windows(name, windows)
    if recorded and any((folder / layer).exists() for layer in LAYERS) and not _is_variant(name, declared, recorded):
        raise UsageError(
            f"--data {folder}: holds data of the service {recorded}, not of {name}; give --service {recorded}, or "
            f"another --data"
        )
    given = str(Path(name).absolute()) if Path(name).is_file() else name
    in_force = overridden(declared, overrides)
    return Context(
        DataFolder(folder, others),
        Path(name).stem,
        in_force,
        where,
        chosen,
        given if service else "",
        declared,
        left_out,
    )


@contextmanager
def locked(context: Context) -> Iterator[None]:
    """Hold the data folder, and record its service at the first command that names one, or that succeeds."""
    data = context.data.root
    with sole_writer(data):
        if is_submitted() and backend(data).is_disk:
            with start_engine("spark", context.profile) as spark:
                require_shared(spark, disk_path(data))
        if context.service_from:
            remember_service(data, context.service_from)
        yield
        remember_service(data, context.service_name)


@contextmanager
def working(step: str, context: Context) -> Iterator[tuple[SparkSession, Step]]:
    """Hold the data folder, show progress and run the engine, for one step."""
    with (
        locked(context),
        start_step(step) as progress,
        start_engine(context.engine, context.profile) as spark,
    ):
        resolve_sql(spark, context)
        yield spark, progress


def resolve_sql(spark: SparkSession, context: Context) -> None:
    """Have the engine resolve the SQL of the service, unless it has done so for this data folder.

    Raises:
        UsageError: it refuses an expression.
    """
    if is_resolved(context):
        return
    from features.resolution import resolve

    try:
        resolve(spark, context.service)
    except UsageError as error:
        raise UsageError(f"{context.service_from or context.service_name}: {error}") from None
    others = [one for one in _resolved(context) if one.split()[0] != context.engine]
    write_text(context.data.made / RESOLVED_FILE, "\n".join([*others, _to_resolve(context)]) + "\n")


def is_resolved(context: Context) -> bool:
    """Whether the engine has resolved this SQL before, for this data folder."""
    return _to_resolve(context) in _resolved(context)


def _to_resolve(context: Context) -> str:
    return f"{context.engine} {context.version}"


def _resolved(context: Context) -> list[str]:
    file = context.data.made / RESOLVED_FILE
    return file.read_text(encoding="utf-8").splitlines() if file.is_file() else []


def _is_variant(name: str, declared: Service, recorded: str) -> bool:
    """Whether a service can be of the same data as the recorded one: it has its name, or the same kinds of event."""
    if Path(recorded).stem == Path(name).stem:
        return True
    try:
        other = load_service(recorded)
    except UsageError:  # its file is gone or was changed
        return False
    return declared.events.keys() == other.events.keys() and (declared.table is None) == (other.table is None)


def remember_service(data: Place, service: str) -> None:
    """Record the service of a data folder, where none is recorded yet."""
    if not (data / SERVICE_FILE).is_file():
        write_text(data / SERVICE_FILE, f"{service}\n")


def folder_on_disk(option: str, text: str) -> Path:
    """A folder of this machine. Raises UsageError where the text is a URL of a store."""
    require_text(option, text)
    folder = place(text, "spark")
    if not backend(folder).is_disk:
        raise UsageError(f"{option} {text}: this can only be written to a disk of this machine; give a path")
    return disk_path(folder)


def named_place(text: str | None, context: Context) -> Place | None:
    """The place that an option names, None where it is not given."""
    require_text("FILE", text or "")
    return place(text, context.engine) if text else None
