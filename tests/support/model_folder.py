"""A data folder that begins at its feature tables: 1,200 customers of a shop, written by hand, at two as-of dates."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from conf.schema import Service
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.records.layers import FeaturesBasis, FeaturesRecord, LabelStatus
from jobs.storage.layer import RECORD, sealed
from jobs.storage.records import write_record
from tests.support.customers import QUICK, customers
from tests.support.engines import SMALL
from tests.support.frames import AS_OF, SHOP, Rows

NEWEST = date(2017, 5, 3)
MONEY = {
    "currency": "EUR",
    "cost_of_contact": 1.0,
    "value_of_customer": 20.0,
    "kept_share": 0.2,
    "hold_out_share": 0.1,
}
ALIVE = {"frequency": "visits", "recency_days": "least(visits, age)", "age_days": "age + 1", "unit_days": 1}
NOTHING_FLAGGED = {"auc": 1.0, "other_label_share": 1e-9, "odds": 1e12}  # visits all but decide these labels
SERVICE: dict[str, Any] = SHOP | {
    "features": {
        "visits": {"kind": "count", "unit": "visits", "about": "Visits", "from_tiles": "count(*)", "fill": 0},
        "share": {"kind": "share", "unit": "share", "about": "A share", "from_tiles": "max(spent)", "fill": 0},
        "age": {
            "kind": "days",
            "unit": "days",
            "about": "Days since the first visit",
            "from_tiles": "max(age_days)",
            "null_means": "never here",
        },
        "device": {
            "kind": "category",
            "unit": "device",
            "about": "Device",
            "from_features": "if(visits > 1, 'ar', 'ip')",
            "null_means": "none was logged",
            "levels": ["ar", "ip"],
        },
        "constant": {"kind": "count", "unit": "one", "about": "Always 3", "from_tiles": "count(*)", "fill": 0},
    },
    "eligible": {"when": "visits >= 0", "about": "Everybody"},
    "recency_feature": "age",
    "training": QUICK.model_dump(),
    "targeting": MONEY,
    "audit": NOTHING_FLAGGED,
}
COLUMNS = {
    "customer_id": pa.int64(),
    "visits": pa.int64(),
    "share": pa.float64(),
    "age": pa.float64(),
    "device": pa.string(),
    "constant": pa.int64(),
    "eligible": pa.bool_(),
    "label": pa.int32(),
    "label_status": pa.string(),
}


def shop(data: Path, **changes: Any) -> Context:
    """A context of the service, with declarations changed where they are given."""
    return Context(DataFolder(data), "shop", Service.model_validate(SERVICE | changes), SMALL, "sail")


def copy_tables(source: Path, target: Path) -> None:
    """Copy the feature tables with what training finds of them but models: the leakage audit and the baselines."""
    shutil.copytree(source / "features", target / "features")
    shutil.copytree(source / "models" / "baselines", target / "models" / "baselines")
    shutil.copy2(source / "models" / "audit.json", target / "models")


def write_tables(context: Context, mature: Rows | None = None, newest: Rows | None = None) -> None:
    """A table with labels at AS_OF and one without at NEWEST, with the records that `encore features` gives them."""
    write_table(context, AS_OF, customers(1_200) if mature is None else mature, is_mature=True)
    write_table(context, NEWEST, customers(900) if newest is None else newest, is_mature=False)


def write_table(context: Context, as_of: date, rows: Rows, is_mature: bool) -> None:
    folder = context.data.features.partition(str(as_of))
    folder.mkdir(parents=True, exist_ok=True)
    status: LabelStatus = "mature" if is_mature else "immature"
    whole = [{"eligible": True, "label_status": status} | row | ({} if is_mature else {"label": None}) for row in rows]
    columns = {name: pa.array([row.get(name) for row in whole], kind) for name, kind in COLUMNS.items()}
    pq.write_table(pa.table(columns), folder / "part-0.parquet")
    basis = FeaturesBasis(tiles=f"tiles of {len(rows)}", configuration=context.tables.version, mature=is_mature)
    record = FeaturesRecord(
        basis=basis,
        customers=len(whole),
        eligible=sum(row["eligible"] for row in whole),
        positives=sum(row["label"] or 0 for row in whole),
        label_status=status,
        sample=1.0,
        missing_days=[],
        missing_parts={},
        bots_excluded=0,
        capped={},
    )
    write_record(folder / RECORD, sealed(record, folder))
