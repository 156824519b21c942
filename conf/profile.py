"""What a profile's YAML may say: where Encore runs, and by which of Spark's settings."""

from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from conf.declaration import Declaration

DeployMode = Literal["client", "cluster"]
EngineChoice = Literal["sail", "spark"]
Size = Annotated[str, Field(pattern=r"^\d+[kmg]$")]


def _to_spark(*keys: str) -> Any:
    """A value that Spark is told by the first of its settings; the others are switched on with it."""
    return Field(default=None, json_schema_extra={"spark": list(keys)})


class Profile(Declaration):
    """Where Encore runs: `conf/profiles/<name>.yaml`. Keys that are left out are left to spark-submit and the cluster.

    Give `executors`, or `least_executors` and `most_executors`.

    engine: the engine of all commands but training, which always runs on Spark.
    shared: folder on a file system that all Horovod ranks share, for networks that are being fitted; needed if the data
        folder is not on one.
    master: where Spark runs.
    deploy_mode: whether the driver runs on this machine (`client`) or in the cluster.
    driver_memory, executor_memory: heap of the JVM, such as 4g.
    driver_cores, executor_cores: cores of a process.
    executor_overhead: memory of an executor outside the JVM, for Python and Arrow.
    executors: fixed number of executors.
    least_executors, most_executors: limits of dynamic allocation.
    adaptive: adaptive query execution.
    shuffle_partitions: number of partitions of a shuffle; with adaptive execution, the maximum.
    event_log: folder of Spark's event log, for the history server; all nodes must reach it.
    checkpoints: folder where ALS cuts its lineage; all nodes must reach it.
    authenticate: authentication and encryption between Spark's processes.
    settings: any settings of Spark, by their names; they win over the keys above.
    """

    engine: EngineChoice
    shared: str | None = None
    master: str | None = _to_spark("spark.master")
    deploy_mode: DeployMode | None = _to_spark("spark.submit.deployMode")
    driver_memory: Size | None = _to_spark("spark.driver.memory")
    driver_cores: PositiveInt | None = _to_spark("spark.driver.cores")
    executor_memory: Size | None = _to_spark("spark.executor.memory")
    executor_overhead: Size | None = _to_spark("spark.executor.memoryOverhead")
    executor_cores: PositiveInt | None = _to_spark("spark.executor.cores")
    executors: PositiveInt | None = _to_spark("spark.executor.instances")
    least_executors: NonNegativeInt | None = _to_spark("spark.dynamicAllocation.minExecutors")
    most_executors: PositiveInt | None = _to_spark(
        "spark.dynamicAllocation.maxExecutors",
        "spark.dynamicAllocation.enabled",
        "spark.dynamicAllocation.shuffleTracking.enabled",  # asks for no service on the nodes
    )
    adaptive: bool | None = _to_spark("spark.sql.adaptive.enabled")
    shuffle_partitions: PositiveInt | None = _to_spark("spark.sql.shuffle.partitions")
    event_log: str | None = _to_spark("spark.eventLog.dir", "spark.eventLog.enabled")
    checkpoints: str | None = _to_spark("spark.checkpoint.dir", "spark.cleaner.referenceTracking.cleanCheckpoints")
    authenticate: bool | None = _to_spark("spark.authenticate", "spark.network.crypto.enabled")
    settings: dict[str, str] = {}

    def spark_settings(self) -> dict[str, str]:
        """All that is said to Spark, by the names of its settings; `settings` win."""
        found: dict[str, str] = {}
        for name, field in type(self).model_fields.items():
            said, value = field.json_schema_extra, getattr(self, name)
            if isinstance(said, dict) and value is not None:
                first, *others = (str(key) for key in said["spark"])  # type: ignore[union-attr]
                found |= {first: _text(value)} | dict.fromkeys(others, _text(bool(value)))
        return found | self._fixed | self.settings

    @property
    def _fixed(self) -> dict[str, str]:
        """What a fixed number of executors asks for besides: a standalone master counts cores."""
        if not self.executors:
            return {}
        cores = {"spark.cores.max": str(self.executors * self.executor_cores)} if self.executor_cores else {}
        return {"spark.dynamicAllocation.enabled": "false"} | cores

    @model_validator(mode="after")
    def _check(self) -> "Profile":
        if self.executors and (self.least_executors is not None or self.most_executors):
            raise ValueError("executors: give either so many, or least_executors and most_executors")
        if self.least_executors is not None and self.least_executors > (self.most_executors or 0):
            raise ValueError("least_executors: give most_executors, and not fewer")
        return self


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
