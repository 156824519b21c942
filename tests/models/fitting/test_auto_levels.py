"""Levels that are those of the training rows: the most frequent, whatever the order of rows."""

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError
from pyspark.sql import SparkSession

from conf.schema import Feature, Service
from models.fitting.auto_levels import NOBODY, with_levels, with_levels_of
from models.fitting.encoding import terms_of
from models.fitting.npz import make_arrays
from tests.support.customers import AGE, DEVICE, feature
from tests.support.frames import SHOP, frame

PLACE = feature("place", "category", may_be_null=True)


def test_the_most_frequent_values_by_count_and_then_by_name(engine: SparkSession) -> None:
    places = ["b"] * 3 + ["c"] * 5 + ["it's"] * 3 + [None] * 9 + [""] * 9
    rows = [{"place": one, "age": 1.0, "device": "mc"} for one in places]
    table = frame(engine, rows, {"place": "string", "age": "double", "device": "string"})
    age, device, place = with_levels([AGE, DEVICE, PLACE], table)
    assert (age, device) == (AGE, DEVICE)  # only what is auto
    assert place.levels == ("c", "b", "it's")
    assert [term.name for term in terms_of([place])] == ["place_is_c", "place_is_b", "place_is_it_s"]


def test_twenty_levels_at_most_and_one_that_nobody_has_where_there_is_none() -> None:
    values = [f"p{number:02d}" for number in range(25) for _ in range(30 - number)]
    [place] = with_levels_of([PLACE], {"place": values})
    assert place.levels == tuple(f"p{number:02d}" for number in range(20))
    [place] = with_levels_of([PLACE], {"place": [None, ""]})
    assert place.levels == (NOBODY,)


def test_arrays_know_the_levels_of_their_training_set_alone() -> None:
    """Of 40 customers, each has a place of its own: what the columns name are training customers."""
    table = pa.table(
        {
            "customer_id": list(range(40)),
            "label": [0, 1] * 20,
            "place": [f"p{number}" for number in range(40)],
        }
    )
    sets, scaler = make_arrays(table, [PLACE], seed=1, balance=False)
    own = {f"place_is_p{customer}" for customer in sets["train"].customer_id}
    assert len(scaler.names) == 20 and set(scaler.names) <= own
    others = np.concatenate([sets["validation"].inputs, sets["test"].inputs])
    assert (others == others[0]).all()  # nobody else is of a level of the training set


def test_auto_is_a_declaration_of_a_category() -> None:
    declared = {"kind": "category", "unit": "", "from_tiles": "max('A')", "null_means": "none", "levels": "auto"}
    assert Feature.model_validate(declared).declared_levels == []
    with pytest.raises(ValidationError, match="levels: only a category has them"):
        Feature.model_validate(declared | {"kind": "count"})
    with pytest.raises(ValidationError, match="Input should be 'auto'"):
        Feature.model_validate(declared | {"levels": "all"})
    count = {"kind": "count", "unit": "", "from_tiles": "sum(spent)", "fill": 0}
    with pytest.raises(ValidationError, match="'x_is_b' of 'x_is_b' could be the model term of a level; rename it"):
        Service.model_validate(SHOP | {"features": SHOP["features"] | {"x": declared, "x_is_b": count}})
