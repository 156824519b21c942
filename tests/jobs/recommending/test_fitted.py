"""What was changed in the files of the recommender is named before it is used."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from conf.errors import DataCheckError
from jobs.recommending.fitted import find_readable_fitted
from jobs.reporting.recommendations import newest_recommendations
from jobs.storage.layer import RECORD
from tests.support.layers import DAMAGES
from tests.support.recommending import fitted, music_context, recommended


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", ["customers", "titles", "pairs", "model"])
def test_a_changed_file_of_the_recommender_is_named(
    copy: Path, sail: SparkSession, name: str, damage: Callable[[Path], str]
) -> None:
    context = music_context(copy)
    folder = context.data.recommender
    said = damage(folder / fitted(context).file if name == "model" else next((folder / name).glob("*.parquet")))
    for call in (
        lambda: recommended(context, sail, top=3),
        lambda: newest_recommendations(context.data, context.service.recommender),
    ):
        with pytest.raises(DataCheckError) as error:
            call()
        assert str(error.value).startswith(said) and "run `encore recommend` again" in str(error.value)
        assert error.value.exit_code == 4


def test_a_changed_record_of_the_recommender_is_named(copy: Path) -> None:
    context = music_context(copy)
    file = context.data.recommender / RECORD
    file.write_text(file.read_text().replace('"customers": ', '"customers": 9', 1))
    with pytest.raises(DataCheckError, match=f"^{file}: this record is not as it was written"):
        newest_recommendations(context.data, context.service.recommender)
    assert find_readable_fitted(context.data) is None, "so that it is fitted again"
