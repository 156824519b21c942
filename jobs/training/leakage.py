"""The leakage audit beside the models: which features know more than they should, found once for the same tables."""

from dataclasses import asdict

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.declared import table_features
from jobs.context import Context
from jobs.training.artifacts import Result, read_json, write_json
from jobs.training.dataset import fitted_on
from models.fitting.split import Split, is_in_share
from models.leakage.audit import audit_features
from models.leakage.clearing import clear_suspects

AUDIT = "audit.json"
ROWS = 200_000  # about: what decides a label shows in these


def find_audit(context: Context) -> Result | None:
    """What the last audit found, None where there was none."""
    path = context.models / AUDIT
    return read_json(path) if path.is_file() else None


def current_audit(context: Context, split: Split) -> Result | None:
    """What the audit found in the tables and with the limits that are in force, None where it is not up to date."""
    known = find_audit(context)
    return known if known and known["fitted_on"] == _basis(context, split) else None


def write_audit(context: Context, split: Split, train: DataFrame, rows: int) -> Result:
    """Audit the training part and write `models/audit.json`; returns what it holds.

    Args:
        train: rows of the feature table with labels.
        rows: how many they are.
    """
    some = train.where(is_in_share(F.col("customer_id"), ROWS / rows, "audit")) if rows > ROWS else train
    features = table_features(context.service)
    suspected = audit_features(some, features, context.service.audit)
    found = clear_suspects(suspected, some, features, context.service.training)
    result: Result = {
        "rows": found.rows,
        "positive_share": found.positive_share,
        "limits": found.limits.model_dump(),
        "flagged": found.flagged,
        "features": [asdict(one) for one in found.features],
        "fitted_on": _basis(context, split),
    }
    write_json(context.models / AUDIT, result)
    return result


def _basis(context: Context, split: Split) -> Result:
    return fitted_on(context, split, context.service.audit)
