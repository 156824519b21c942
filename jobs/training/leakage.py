"""The leakage audit beside the models, made once for the same tables."""

from pyspark.sql import functions as F

from jobs.records.training import AuditRecord, FittedOn
from jobs.training.artifacts import ModelFolder
from jobs.training.dataset import LabelledRows, fitted_on
from jobs.training.feature_tables import FeatureTables
from models.fitting.split import Split, is_in_share
from models.leakage.audit import audit_features
from models.leakage.clearing import clear_suspects

ROWS = 200_000  # about: what decides a label shows in these


def audit_leakage(models: ModelFolder, rows: LabelledRows) -> AuditRecord:
    """The audit of the training set: the last one where it is up to date, else a new one in `models/audit.json`."""
    basis = _basis(rows.tables, rows.split)
    known = models.readable_audit()
    if known and known.fitted_on == basis:
        return known
    service, count = rows.tables.service, rows.train_counts.rows
    train = rows.train.where(is_in_share(F.col("customer_id"), ROWS / count, "audit")) if count > ROWS else rows.train
    features = rows.features
    of_a_customer = rows.train_counts.rows / rows.train_counts.customers
    audited = audit_features(train, features, service.audit, of_a_customer)
    found = clear_suspects(audited, train, features, service.training)
    record = AuditRecord(
        rows=found.rows,
        positive_share=found.positive_share,
        limits=found.limits,
        flagged=found.flagged,
        features=found.features,
        fitted_on=basis,
    )
    models.write_audit(record)
    return record


def _basis(tables: FeatureTables, split: Split) -> FittedOn:
    return fitted_on(tables, split, lambda service: [service.audit])
