"""Serialises a recommender as bytes, which can be sent to workers."""

import io
import json
from pathlib import Path

import numpy as np

from models.arrays import Ints
from models.recommender.rankers import ranker_of
from models.recommender.serving import RecommenderModel


def pack_model(model: RecommenderModel) -> bytes:
    """Serialise a model as NumPy's npz, without pickled objects."""
    settings = json.dumps({"titles": model.titles, "ranker": model.ranker.settings()})
    file = io.BytesIO()
    arrays = {"settings": np.array(settings), "popular": model.popular, **model.ranker.arrays()}
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def popular_titles(file: Path) -> Ints:
    """Read only the titles by popularity from the file of a model, which may have gigabytes."""
    with np.load(file, allow_pickle=False) as arrays:
        return np.asarray(arrays["popular"])


def unpack_model(data: bytes) -> RecommenderModel:
    """Read the model of `pack_model`."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    settings = json.loads(str(arrays.pop("settings")))
    popular = arrays.pop("popular")
    return RecommenderModel(ranker_of(arrays, settings["ranker"]), popular, settings["titles"])
