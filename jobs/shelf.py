"""Recommenders as files, and how they come to the engines' workers."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.engine import is_classic
from models.recommender.packing import packed, unpacked
from models.recommender.serving import Model


@dataclass(frozen=True)
class Loaded:
    """Loads a model where it is called: in this process, or in a worker that was sent the file."""

    file: str
    is_sent: bool

    def __call__(self) -> Model:
        """The model."""
        from pyspark import SparkFiles

        return _model(SparkFiles.get(Path(self.file).name) if self.is_sent else self.file)


@lru_cache(maxsize=1)
def _model(file: str) -> Model:
    """A worker that is used again has it already: a name stands for a content."""
    return unpacked(Path(file).read_bytes())


def put(spark: SparkSession, model: Model, folder: Path) -> Loaded:
    """Write a model to a file of `folder` and send it to the workers."""
    data = packed(model)
    # Spark refuses two files of one name, so the name is that of the content.
    file = folder / f"{hashlib.sha256(data).hexdigest()[:16]}.npz"
    file.write_bytes(data)
    return send(spark, file)


def send(spark: SparkSession, file: Path) -> Loaded:
    """Send a model's file to the workers. Those of Sail are in this process."""
    if is_classic(spark):
        spark.sparkContext.addFile(str(file))
    return Loaded(str(file), is_classic(spark))
