"""The file of a fitted recommender, and how it reaches the engines' workers."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pyspark.core.broadcast import Broadcast
from pyspark.sql import SparkSession

from jobs.engine import is_classic
from jobs.storage.backend import local_copy
from jobs.storage.location import Place
from models.recommender.serialization import pack_model, unpack_model
from models.recommender.serving import RecommenderModel


@dataclass(frozen=True)
class OfFile:
    """Loads a model from a file of this machine."""

    file: str

    def __call__(self) -> RecommenderModel:
        """The model."""
        return _model(self.file)


@dataclass(frozen=True)
class OfBroadcast:
    """Loads a model that Spark has sent to its workers, wherever they are."""

    broadcast: Broadcast[RecommenderModel]

    def __call__(self) -> RecommenderModel:
        """The model."""
        return self.broadcast.value


@lru_cache(maxsize=1)
def _model(file: str) -> RecommenderModel:
    """Every batch asks for it."""
    return unpack_model(Path(file).read_bytes())


def save(model: RecommenderModel, folder: Place) -> Place:
    """Write a model to a file of `folder`, named after its content, so that a name stands for one model for ever."""
    data = pack_model(model)
    file = folder / f"{hashlib.sha256(data).hexdigest()[:16]}.npz"
    file.write_bytes(data)
    return file


@contextmanager
def at_workers(spark: SparkSession, file: Place) -> Iterator[Callable[[], RecommenderModel]]:
    """What loads the model of a file in the engine's workers. Those of Sail are in this process."""
    if not is_classic(spark):
        with local_copy(file) as local:
            yield OfFile(str(local))
        return
    broadcast = spark.sparkContext.broadcast(unpack_model(file.read_bytes()))
    try:
        yield OfBroadcast(broadcast)
    finally:
        broadcast.destroy()
