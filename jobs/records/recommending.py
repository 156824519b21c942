"""Records of the recommender and of its recommendations."""

from typing import ClassVar

from jobs.records.layers import InteractionsBasis
from jobs.records.scoring import ScoresBasis
from jobs.storage.input_files import Identity
from jobs.storage.records import PartitionRecord, SealedRecord, Section
from models.evaluation.intervals import Interval
from models.recommender.ratings import RatingErrors

Settings = dict[str, int | float | str]


class RatingsBasis(Section):
    """A file of ratings that a recommender learns from.

    liked_from: rating from which a title counts as liked; whole_customers, whole_titles: whether the id
    17850.0 was read as 17850.
    """

    file: Identity
    liked_from: float | None
    whole_customers: bool = False
    whole_titles: bool = False


class RecommenderBasis(Section):
    """What a recommender was fitted on and by."""

    evidence: InteractionsBasis | RatingsBasis
    as_of: str
    declared: str
    seed: int
    model: str
    library: str


class Tried(Section):
    """A candidate and its NDCG on the validation part; None where nothing could be held out."""

    settings: Settings
    ndcg: Interval | None


class RankerEvaluation(Section):
    """How good the lists of a model are for customers with titles held out.

    coverage: share of the titles that stand on some list. ndcg_over_popular: NDCG less that of popular titles, paired;
    None for popular titles themselves.
    """

    metrics: dict[str, Interval]
    customers: int
    coverage: float
    ndcg_over_popular: Interval | None


class RecommenderFindings(Section):
    """How a recommender was chosen and evaluated.

    Attributes:
        customers, titles: with anything liked.
        judged_titles: length of the lists that were evaluated.
        tried, settings: by model, its candidates and the best of them.
        parts: by what was held out, and model.
    """

    chosen: str
    chosen_by: str
    engine: str
    customers: int
    titles: int
    pairs: int
    judged_titles: int
    tried: dict[str, list[Tried]]
    settings: dict[str, Settings]
    parts: dict[str, dict[str, RankerEvaluation]]


class RecommenderRecord(RecommenderFindings, SealedRecord):
    """The fitted recommender in `recommender/`; ratings: only of explicit ratings; file: name of the model's file."""

    VERSION: ClassVar[int] = 2  # 1 had no content
    COMMAND: ClassVar[str] = "`encore recommend`"
    basis: RecommenderBasis
    as_of: str
    ratings: RatingErrors | None = None
    file: str


class RecommendationsBasis(Section):
    """What recommendations are made from; `who` they are for as text, or as the file that named them."""

    recommender: str
    top: int
    who: str | Identity
    scores: ScoresBasis | None


class RecommendationsRecord(PartitionRecord):
    """Customers for titles, or titles for the contact list: `recommendations/{customers,contacts}/as_of=…/`."""

    COMMAND: ClassVar[str] = "`encore recommend --as-of {partition}`"
    basis: RecommendationsBasis


class MostRecommended(Section):
    """A title and the number of lists it stands on."""

    title_id: int | str
    name: str
    customers: int


class Example(Section):
    """A customer, the titles they liked most, and those recommended to them."""

    customer_id: int | str
    history_titles: int
    history: list[str]
    recommended: list[str]


class TitlesRecord(RecommendationsRecord):
    """Titles for customers, one row per customer and title: `recommendations/titles/as_of=…/`.

    Attributes:
        without_history: customers without interactions, who get popular titles.
        titles: titles that stand on some list.
    """

    model: str
    top: int
    customers: int
    without_history: int
    titles: int
    most_recommended: list[MostRecommended]
    examples: list[Example]
