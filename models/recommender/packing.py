"""A model as one piece of bytes, which every worker can be given."""

import io
import json

import numpy as np

from models.recommender.rankers import ranker
from models.recommender.serving import Model


def packed(model: Model) -> bytes:
    """The model in NumPy's format for several arrays; nothing in it is code."""
    settings = json.dumps({"titles": model.titles, "ranker": model.ranker.settings()})
    file = io.BytesIO()
    arrays = {"settings": np.array(settings), "popular": model.popular, **model.ranker.arrays()}
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def unpacked(data: bytes) -> Model:
    """The model of `packed`."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    told = json.loads(str(arrays.pop("settings")))
    popular = arrays.pop("popular")
    return Model(ranker(arrays, told["ranker"]), popular, told["titles"])
