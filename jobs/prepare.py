"""`encore prepare`: write a feature table as arrays for networks of your own."""

if __name__ == "__main__":
    from jobs.console.entry import run_script

    run_script(__file__)


from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import typer

from conf.errors import InputError, UsageError
from conf.load import overridden
from features.declared import NamedFeature, table_features
from jobs.console.options import (
    DATA,
    PROFILE,
    DataOption,
    GapOption,
    ObservationOption,
    OutcomeOption,
    SeedOption,
    ServiceOption,
    TableAsOfOption,
    lengths,
)
from jobs.console.progress import start_step
from jobs.console.session import folder_on_disk, locked, open_context
from jobs.context import Context
from jobs.storage.backend import dataset, disk_path, replace_folder, staging_folder
from jobs.training.feature_tables import FeatureTables
from models.fitting.npz import ArraySet, Scaler, make_arrays

PARTS = ("test", "validation", "train")  # in the order in which they are put in place
FILES = tuple(f"{part}.npz" for part in PARTS)
EXAMPLE = "encore prepare --data /data/table --out arrays"


@dataclass(frozen=True)
class Prepared:
    """What was written: rows and positives by part, and the names of the columns."""

    as_of: str
    seed: int
    names: tuple[str, ...]
    rows: Mapping[str, int]
    positives: Mapping[str, int]


def command(
    out: Annotated[str, typer.Option(help="Folder to write train.npz, validation.npz and test.npz into.")],
    data: DataOption = DATA,
    service: ServiceOption = None,
    observation_days: ObservationOption = None,
    outcome_days: OutcomeOption = None,
    gap_days: GapOption = None,
    as_of: TableAsOfOption = None,
    balance: Annotated[bool, typer.Option(help="Draw as many of either label into the training set.")] = True,
    seed: SeedOption = None,
    without: Annotated[list[str] | None, typer.Option(help="Feature to leave out; may be repeated.")] = None,
) -> None:
    """Write a feature table as arrays: split 80/10/10 by label, balanced, filled and standardised.

    Balancing, filling and standardising are fitted on the training set.
    """
    folder = folder_on_disk("--out", out)
    windows = lengths(observation_days, outcome_days, gap_days)
    context = open_context(data, service, PROFILE, windows=windows)
    with locked(context), start_step("prepare") as step:
        found = prepare(context, folder, as_of, balance, seed, without or ())
        rows = ", ".join(f"{part} {found.rows[part]:,}" for part in ("train", "validation", "test"))
        step.done(f"{len(found.names)} columns at {found.as_of} in {out}; rows: {rows}")


def prepare(
    context: Context,
    out: Path,
    as_of: date | None = None,
    balance: bool = True,
    seed: int | None = None,
    without: Sequence[str] = (),
) -> Prepared:
    """Write the eligible customers of the newest table with known labels, or of that at `as_of`, into `out`.

    Each file holds `inputs` (float32), `targets` (int64, the service's label), `customer_id`, and the scaler: `names`,
    `fill`, `mean`, `scale`; `numpy.load` reads it without pickle. See `models/fitting/npz.py` for what they are.

    Args:
        out: a new folder, or one in which only these three files are replaced.
        seed: the service's `training.seed` by default.
        without: names of features to leave out.

    Raises:
        UsageError: a feature is not in the table, the seed is below 0, or `out` cannot be written.
        InputError: there is no such table, its labels are not known, it is out of date, or a label is too rare.
    """
    features = _features(context, without)
    chosen = overridden(context.service, {"training": {"seed": seed}}).training.seed
    day = _labelled_day(context.tables, as_of)
    context.lineage.require_tables([day])
    table = _labelled_rows(context.tables, day, [feature.name for feature in features])
    try:
        parts, scaler = make_arrays(table, features, chosen, balance)
    except ValueError as error:
        raise InputError(
            f"{context.data.features.partition(day)}: among the eligible {error}; "
            f"take a larger sample of the customers or another --as-of"
        ) from None
    try:
        _write(parts, scaler, out.resolve())
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror}); give another folder") from None
    return Prepared(
        day,
        chosen,
        tuple(scaler.names),
        rows={name: len(part.targets) for name, part in parts.items()},
        positives={name: int(part.targets.sum()) for name, part in parts.items()},
    )


def _features(context: Context, without: Sequence[str]) -> list[NamedFeature]:
    known = table_features(context.service)
    unknown = sorted(set(without) - {feature.name for feature in known})
    if unknown:
        names = ", ".join(feature.name for feature in known)
        raise UsageError(f"--without {unknown[0]}: {context.service_name} has no such feature; it has {names}")
    kept = [feature for feature in known if feature.name not in without]
    if not kept:
        raise UsageError(f"--without {' '.join(without)}: no feature is left; leave out fewer")
    return kept


def _labelled_day(tables: FeatureTables, as_of: date | None) -> str:
    """The as-of date of the table to read. Raises InputError where its labels are not known, or it is missing.

    Where no table has known labels, the error names what the table that comes nearest lacks: first the declarations in
    force, then the labels.
    """
    records = tables.layer.records()
    mature = {str(moment.as_of) for moment in tables.mature()}
    nearest = max(records, key=lambda day: (day in mature, records[day].label_status == "mature", day), default="")
    day = str(as_of) if as_of else nearest
    if tables.record(day).label_status != "mature":
        raise InputError(f"{tables.layer.partition(day)}: its labels are not known; {tables.how_to_get_labels()}")
    return day


def _labelled_rows(tables: FeatureTables, day: str, names: Sequence[str]) -> pa.Table:
    folder = tables.layer.partition(day)
    if not tables.layer.has_rows([day]):
        raise InputError(f"{folder}: there are no rows; run {tables.command(day)} again")
    is_usable = ds.field("eligible") & ds.field("label").is_valid()
    return dataset(tables.layer.verified(day)).to_table(["customer_id", "label", *names], filter=is_usable)


def _write(parts: dict[str, ArraySet], scaler: Scaler, out: Path) -> None:
    """Put the files in place when all three are there, so that a kill leaves those of one run.

    Among files of others each is renamed by itself. `train.npz` is gone before the first and comes back last: beside
    files of another run it would hold customers of their test set.
    """
    with staging_folder(out) as staging:
        new = disk_path(staging) / "arrays"
        new.mkdir()
        for name, file in zip(PARTS, FILES, strict=True):
            np.savez(new / file, allow_pickle=False, **_arrays(parts[name], scaler))
        if not out.exists() or _is_ours(out):
            replace_folder(new, out)
            return
        (out / "train.npz").unlink(missing_ok=True)
        for file in FILES:
            (new / file).replace(out / file)


def _is_ours(out: Path) -> bool:
    """Whether the folder holds what an earlier run has left there, and nothing else."""
    entries = list(out.iterdir())
    return {path.name for path in entries} == set(FILES) and all(path.is_file() for path in entries)


def _arrays(part: ArraySet, scaler: Scaler) -> dict[str, Any]:
    """What a file holds, by name."""
    rows = {"inputs": part.inputs, "targets": part.targets, "customer_id": part.customer_id}
    columns = {"fill": scaler.fill, "mean": scaler.mean, "scale": scaler.scale}
    return {**rows, "names": np.array(scaler.names), **columns}
