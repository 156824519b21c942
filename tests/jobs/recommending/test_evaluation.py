"""How good recommenders are, and which one is chosen."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.context import Context
from models.recommender.rankers import NeighbourRanker
from models.recommender.serialization import unpack_model
from tests.support.ratings import write_ratings
from tests.support.recommending import SMALL_GRIDS, fitted, music_context, recommended


@pytest.mark.parametrize("part", ["later", "drawn"])
def test_als_finds_the_tastes_that_popularity_does_not(done: Context, part: str) -> None:
    judged = fitted(done).parts[part]
    ndcg = {name: one.metrics["ndcg"] for name, one in judged.items()}
    assert ndcg["als"].value >= 1.5 * ndcg["popular"].value
    assert ndcg["als"].low > ndcg["popular"].high
    over_popular = judged["als"].ndcg_over_popular
    assert over_popular and over_popular.low > 0
    assert judged["popular"].coverage < judged["als"].coverage < 1


def test_what_was_judged_is_said(done: Context) -> None:
    record = fitted(done)
    assert record.chosen in ("als", "item-item") and record.chosen_by == "validation"
    assert record.settings["als"] == {
        "factors": 32, "iterations": 10, "alpha": 10.0, "weights": "log", "regularisation": 0.5
    }  # fmt: skip
    assert [len(record.tried[name]) for name in ("als", "item-item", "popular")] == [1, 1, 1]
    als, popular = record.tried["als"][0].ndcg, record.tried["popular"][0].ndcg
    assert als and popular and als.value > popular.value
    assert record.ratings is None


def test_the_best_candidate_is_fitted_saved_and_said(tmp_path: Path, sail: SparkSession) -> None:
    """A title's nearest neighbour is itself, so that of the two candidates only the second finds the tastes; and a
    penalty that leaves nothing of any factor makes ALS no better than what is popular."""
    grids = {"als": SMALL_GRIDS["als"] | {"regularisation": [5.0]}, "item_item": {"neighbours": [1, 30]}}
    context = music_context(tmp_path, grids=grids, holdout_days=5)
    recommended(context, sail, ratings=write_ratings(tmp_path / "r.csv"))
    record = fitted(context)
    tried = {name: {one.ndcg.value for one in found} for name, found in record.tried.items()}
    assert max(tried["item-item"]) > 1.2 * max(tried["als"])
    assert (record.chosen, record.settings["item-item"]["neighbours"]) == ("item-item", 30)
    ranker = unpack_model((context.data.recommender / record.file).read_bytes()).ranker
    assert isinstance(ranker, NeighbourRanker) and ranker.similarity.nnz > 100


def test_figures_worked_out_by_hand_where_all_do_the_same_again(tmp_path: Path, sail: SparkSession) -> None:
    """Four customers like two titles of their own each day, so that item-item foretells the last day wholly. Of four
    who like anything one knows each title: two bits. A fifth has only seen a ninth title, and counts nowhere."""
    rows = [f"c{c},t{c}{t},1,2024-01-0{day}" for c in range(4) for t in range(2) for day in range(1, 5)]
    rows.append("d,u,0,2024-01-01")
    (tmp_path / "r.csv").write_text("\n".join(["customer,title,strength,time", *rows]) + "\n")
    context = music_context(tmp_path, grids=SMALL_GRIDS, holdout_days=1, judged_titles=2, exclude_seen=False)
    recommended(context, sail, ratings=tmp_path / "r.csv", model="item-item", top=2)
    record = fitted(context)
    found = record.parts["later"]["item-item"]
    values = {name: one.value for name, one in found.metrics.items()}
    assert values == {"ndcg": 1.0, "map": 1.0, "precision": 1.0, "recall": 1.0, "novelty": 2.0}
    assert (found.customers, found.coverage) == (4, 1.0)
    assert (record.customers, record.titles, record.pairs) == (4, 8, 9)
