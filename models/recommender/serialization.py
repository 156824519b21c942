"""A model as one piece of bytes, which every worker can be given."""

import io
import json
from pathlib import Path

import numpy as np

from models.recommender.rankers import Numbers, ranker_of
from models.recommender.serving import RecommenderModel


def pack_model(model: RecommenderModel) -> bytes:
    """The model in NumPy's format for several arrays; nothing in it is code."""
    settings = json.dumps({"titles": model.titles, "ranker": model.ranker.settings()})
    file = io.BytesIO()
    arrays = {"settings": np.array(settings), "popular": model.popular, **model.ranker.arrays()}
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def popular_titles(file: Path) -> Numbers:
    """The titles of a packed model from the most popular on; of the file, which may be of gigabytes, nothing else."""
    with np.load(file, allow_pickle=False) as arrays:
        return np.asarray(arrays["popular"])


def unpack_model(data: bytes) -> RecommenderModel:
    """The model of `pack_model`."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    told = json.loads(str(arrays.pop("settings")))
    popular = arrays.pop("popular")
    return RecommenderModel(ranker_of(arrays, told["ranker"]), popular, told["titles"])
