"""Records of the recommender and of its recommendations, as `encore recommend` leaves them in a small data folder."""

from typing import Any

from conf.load import fingerprint
from conf.recommender import Recommender
from jobs.records.recommending import (
    Example,
    MostRecommended,
    RankerEvaluation,
    RatingsBasis,
    RecommendationsBasis,
    RecommenderBasis,
    RecommenderRecord,
    TitlesRecord,
    Tried,
)
from models.evaluation.intervals import Interval
from tests.support.report_records import HOSTILE, NEWEST, around

# One visit is one liking of what it cost.
INTERACTIONS = {
    "sources": {
        "visit": {
            "title": "spent",
            "name": "cast(spent as string)",
            "measures": {"visits": {"sql": "count(*)", "about": "Visits"}},
        }
    },
    "strength": "visits",
}
FORMULA = '=HYPERLINK("http://x")'
MOST = [
    MostRecommended(title_id=11, name=HOSTILE, customers=500),
    MostRecommended(title_id=12, name=FORMULA, customers=100),
    *(MostRecommended(title_id=20 + number, name=f"Song {number}", customers=50 - number) for number in range(10)),
]
OFFERS = {
    20: [("Song A", "history"), (HOSTILE, "history"), ("Song C", "history"), ("Song D", "history")],
    3: [("Song C", "history"), ("Song A", "history"), ("Song P", "popular")],
    7: [("Song P", "popular"), ("Song Q", "popular")],
}
EXAMPLES = [
    Example(customer_id=20, history_titles=32, history=["Old 1", HOSTILE], recommended=["Song A", "Song B"]),
    Example(customer_id=3, history_titles=1, history=["Old 2"], recommended=["Song C"]),
]


BY = "on the same customers its NDCG@10 differs by"
ALS_LATER = f"ALS beats popular titles: {BY} +0.150 (95 % interval 0.120 to 0.180)."  # what is said of it


def ranked(ndcg: float, over_popular: Interval | None, **changes: Any) -> RankerEvaluation:
    """The evaluation of a recommender: MAP, precision and recall are halves, quarters and fifths of its NDCG."""
    values = {"ndcg": ndcg, "map": ndcg / 2, "precision": ndcg / 4, "recall": ndcg / 5}
    metrics = {name: around(value, 0.05) for name, value in values.items()} | {"novelty": around(5.0, 0.25)}
    given = {"metrics": metrics, "customers": 400, "coverage": 0.125, "ndcg_over_popular": over_popular}
    return RankerEvaluation(**given | changes)


LATER = {
    "als": ranked(0.4, around(0.15, 0.03)),
    "item-item": ranked(0.3, around(0.05, 0.06)),
    "popular": ranked(0.25, None, coverage=0.0004),
}
DRAWN = {
    "als": ranked(0.44, around(0.24, 0.04), customers=900),
    "item-item": ranked(0.5, around(0.3, 0.04), customers=900),
    "popular": ranked(0.2, None, customers=900),
}


def tried(*ndcg: float) -> list[Tried]:
    """Candidates with such an NDCG."""
    return [Tried(settings={}, ndcg=around(value, 0.01)) for value in ndcg]


def basis(declared: Recommender, **changes: Any) -> RecommenderBasis:
    """What a recommender was fitted on: a file of ratings, and what the service declares."""
    given = {
        "evidence": RatingsBasis(file=("r.csv", 1, 0.0), liked_from=None),
        "as_of": NEWEST,
        "declared": fingerprint(declared),
        "seed": 1,
        "model": "auto",
        "library": "implicit",
    }
    return RecommenderBasis(**given | changes)


def recommender(**changes: Any) -> RecommenderRecord:
    """ALS, chosen of three models: better than item-item by what came later, worse by what was drawn."""
    given = {
        "basis": basis(Recommender()),
        "as_of": NEWEST,
        "chosen": "als",
        "chosen_by": "validation",
        "engine": "implicit",
        "customers": 1800,
        "titles": 2400,
        "pairs": 9000,
        "judged_titles": 10,
        "settings": {"als": {"factors": 64, "alpha": 10.0}, "item-item": {"neighbours": 50}, "popular": {}},
        "tried": {"als": tried(0.31, 0.35), "item-item": tried(0.33), "popular": tried(0.2)},
        "parts": {"later": LATER, "drawn": DRAWN},
        "file": "model.npz",
    }
    return RecommenderRecord(**given | changes)


def titles(fitted: RecommenderRecord, **changes: Any) -> TitlesRecord:
    """What is told of the lists of 1,000 customers."""
    given = {
        "basis": RecommendationsBasis(recommender=fingerprint(fitted.basis), scores=None, top=4, who="everybody"),
        "model": fitted.chosen,
        "top": 4,
        "customers": 1000,
        "without_history": 30,
        "titles": 600,
        "most_recommended": MOST,
        "examples": EXAMPLES,
    }
    return TitlesRecord(**given | changes)


def title_rows() -> list[dict[str, Any]]:
    """The lists of OFFERS, in no order."""
    rows = [
        {"customer_id": customer, "rank": rank, "title_id": rank, "name": name, "score": 0.5, "source": source}
        for customer, titles in OFFERS.items()
        for rank, (name, source) in enumerate(titles, 1)
    ]
    return rows[::-1]
