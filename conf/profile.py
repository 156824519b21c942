"""Declaration of a profile: where Encore runs, and with which settings of Spark."""

from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from conf.declaration import Declaration

DeployMode = Literal["client", "cluster"]
EngineChoice = Literal["sail", "spark"]
Size = Annotated[str, Field(pattern=r"^\d+[kmg]$")]


def _spark_setting(*keys: str) -> Any:
    """A key whose value is that of the first of these settings of Spark; it also sets the others to true."""
    return Field(default=None, json_schema_extra={"spark": list(keys)})


class Profile(Declaration):
    """Where Encore runs: `conf/profiles/<name>.yaml`.

    Only `engine` is required. A key that is not given (null) is left to spark-submit and the cluster.

    engine: engine of the DataFrame jobs: `sail` (embedded, without Java) or `spark`. Training always uses Spark.
    shared: folder on a file system that all Horovod ranks share, for networks in training. It is needed and used only
        if the data folder is in an object store or in HDFS; otherwise they are in the data folder.
    master: Spark master, such as `local[*]` or `yarn`.
    deploy_mode: where the driver runs: `client`, the submitting machine, or `cluster`.
    driver_memory: memory of the driver, such as `4g`.
    driver_cores: number of cores of the driver.
    executor_memory: memory of the JVM of each executor, such as `12g`.
    executor_overhead: memory of each executor outside its JVM, such as `4g`, for Python and Arrow.
    executor_cores: number of cores of each executor.
    executors: fixed number of executors. Give either this key, or `least_executors` and `most_executors`.
    least_executors: minimum number of executors, if Spark adds and removes executors by the amount of work.
    most_executors: maximum number of executors, if Spark adds and removes executors by the amount of work.
    adaptive: whether Spark optimizes queries while they run, and joins small shuffle partitions.
    shuffle_partitions: number of partitions of a shuffle, the maximum if `adaptive` is true.
    event_log: folder of the event logs that Spark's history server reads; all machines of the cluster must reach it.
    checkpoints: folder of the checkpoints by which ALS shortens its lineage; all machines of the cluster must reach it.
    authenticate: whether the processes of Spark authenticate each other and encrypt their connections.
    settings: further settings of Spark, by their names; they win over all other keys.
    """

    engine: EngineChoice
    shared: str | None = None
    master: str | None = _spark_setting("spark.master")
    deploy_mode: DeployMode | None = _spark_setting("spark.submit.deployMode")
    driver_memory: Size | None = _spark_setting("spark.driver.memory")
    driver_cores: PositiveInt | None = _spark_setting("spark.driver.cores")
    executor_memory: Size | None = _spark_setting("spark.executor.memory")
    executor_overhead: Size | None = _spark_setting("spark.executor.memoryOverhead")
    executor_cores: PositiveInt | None = _spark_setting("spark.executor.cores")
    executors: PositiveInt | None = _spark_setting("spark.executor.instances")
    least_executors: NonNegativeInt | None = _spark_setting("spark.dynamicAllocation.minExecutors")
    most_executors: PositiveInt | None = _spark_setting(
        "spark.dynamicAllocation.maxExecutors",
        "spark.dynamicAllocation.enabled",
        "spark.dynamicAllocation.shuffleTracking.enabled",  # needs no shuffle service on the nodes
    )
    adaptive: bool | None = _spark_setting("spark.sql.adaptive.enabled")
    shuffle_partitions: PositiveInt | None = _spark_setting("spark.sql.shuffle.partitions")
    event_log: str | None = _spark_setting("spark.eventLog.dir", "spark.eventLog.enabled")
    checkpoints: str | None = _spark_setting("spark.checkpoint.dir", "spark.cleaner.referenceTracking.cleanCheckpoints")
    authenticate: bool | None = _spark_setting("spark.authenticate", "spark.network.crypto.enabled")
    settings: dict[str, str] = {}

    def spark_settings(self) -> dict[str, str]:
        """All settings of Spark, by name; `settings` win."""
        found: dict[str, str] = {}
        for name, field in type(self).model_fields.items():
            extra, value = field.json_schema_extra, getattr(self, name)
            if isinstance(extra, dict) and value is not None:
                first, *others = (str(key) for key in extra["spark"])  # type: ignore[union-attr]
                found |= {first: _text(value)} | dict.fromkeys(others, _text(bool(value)))
        return found | self._of_fixed_number | self.settings

    @property
    def _of_fixed_number(self) -> dict[str, str]:
        """The settings that a fixed number of executors needs besides: a standalone master counts cores."""
        if not self.executors:
            return {}
        cores = {"spark.cores.max": str(self.executors * self.executor_cores)} if self.executor_cores else {}
        return {"spark.dynamicAllocation.enabled": "false"} | cores

    @model_validator(mode="after")
    def _check_executors(self) -> "Profile":
        if self.executors and (self.least_executors is not None or self.most_executors):
            raise ValueError("executors: give either this key, or least_executors and most_executors")
        if self.least_executors is not None and self.least_executors > (self.most_executors or 0):
            raise ValueError("least_executors: give most_executors too, at least as many")
        return self


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
