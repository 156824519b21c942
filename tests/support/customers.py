"""What tests of models share: declared features, and customers whose label follows them."""

from pathlib import Path
from typing import Any

from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession

from conf.families import FAMILY_OF_KIND
from conf.learning import BoostingGrid, ForestGrid, Grids, LogisticGrid, Training
from features.declared import NamedFeature
from tests.support.frames import AS_OF, Rows, frame


def feature(name: str, kind: str, may_be_null: bool = False, levels: tuple[str, ...] = ()) -> NamedFeature:
    fill, null_means = (None, "nothing seen") if may_be_null else (0, "")
    return NamedFeature(
        name=name, about=name, unit="one", kind=kind, days=30, from_tiles="count(*)", where=None, from_features=None,
        fill=fill, cap=None, null_means=null_means, alias="", levels=levels, internal=False,
        family=FAMILY_OF_KIND[kind], says="",
    )  # fmt: skip


VISITS, SHARE = feature("visits", "count"), feature("share", "share")
AGE = feature("age", "days", may_be_null=True)
DEVICE = feature("device", "category", may_be_null=True, levels=("ar", "ip"))
CONSTANT = feature("constant", "count")
ALL = [VISITS, SHARE, AGE, DEVICE, CONSTANT]
TYPES = {"visits": "bigint", "share": "double", "age": "double", "device": "string"}
KEYS = {"customer_id": "bigint", "as_of": "date", "constant": "bigint", "label": "int"}

# Small enough for tests.
QUICK = Training(
    folds=2,
    grids=Grids(
        lr=LogisticGrid(regularisation=[1e-3]),
        rf=ForestGrid(trees=[5], depth=[3]),
        gbt=BoostingGrid(rounds=[4], depth=[2]),
        xgb=BoostingGrid(rounds=[4], depth=[2]),
    ),
)


def customers(count: int = 400) -> Rows:
    """Whose label follows visits, and whose other features are null now and then."""
    return [
        {
            "customer_id": n,
            "as_of": AS_OF,
            "visits": n % 13,
            "share": (n % 7) / 7,
            "age": None if n % 5 == 0 else float(n % 29),
            "device": ("ar", "ip", "wp", None)[n % 4],
            "constant": 3,
            "label": int((n % 13) + 3 * ((n * 31) % 11) / 11 > 8),
        }
        for n in range(count)
    ]


def table(spark: SparkSession, rows: Rows) -> DataFrame:
    return frame(spark, rows, KEYS | TYPES)


def saving(folder: Path) -> Any:
    """Saves a pipeline there, and says where its last stage lies."""

    def save(pipeline: PipelineModel) -> str:
        pipeline.write().overwrite().save(f"file:{folder}")
        [last] = (folder / "stages").glob(f"*_{pipeline.stages[-1].uid}")
        return f"file:{last}"

    return save
