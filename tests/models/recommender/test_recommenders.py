"""All recommenders alike: on a board of which the answer is known, and each against its own library or formula."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from scipy.sparse import csr_matrix
from sklearn.metrics.pairwise import cosine_similarity
from threadpoolctl import threadpool_limits

from conf.recommender import RecommenderGrids
from models.recommender import rankers
from models.recommender.candidates import Als, Ease, Engine, ItemItem, Popularity, RankerSettings, settings_grid
from models.recommender.fitting import Pairs, block_count, fit_ranker
from models.recommender.histories import PAIRS, liked, matrix_of_histories, matrix_of_pairs
from models.recommender.rankers import UNSCORED, FactorRanker, LinearRanker, NeighbourRanker, PopularityRanker, Ranker
from models.recommender.serialization import pack_model, unpack_model
from models.recommender.serving import RecommenderModel

SIZE = 20
ALL = {
    "als-implicit": (Als(8, 15, 1.0, "binary", 0.01), "implicit"),
    "als-spark": (Als(8, 8, 1.0, "binary", 0.01), "spark"),
    "item-item-implicit": (ItemItem(200, "binary", 200), "implicit"),
    "item-item-spark": (ItemItem(200, "binary", 200), "spark"),
    "ease": (Ease(0.1, "binary"), "implicit"),
}
Fit = Callable[[str], Ranker]


def pairs_of(spark: SparkSession, matrix: np.ndarray) -> Pairs:
    """All cells of a matrix that are not NaN."""
    rows = [(int(c), int(t), float(matrix[c, t])) for c, t in zip(*np.nonzero(~np.isnan(matrix)), strict=True)]
    columns = [pa.array(column) for column in zip(*rows, strict=True)]
    batch = pa.RecordBatch.from_arrays(columns, names=["customer", "title", "strength"])
    popular = np.nansum(matrix > 0, axis=0).astype(np.float32)
    return Pairs(spark.createDataFrame(rows, PAIRS), lambda: [batch], *matrix.shape, popular)


def board() -> np.ndarray:
    """Customers like every second title, those of their own colour; the diagonal, of their colour, is held out."""
    row, column = np.indices((SIZE, SIZE))
    found = np.where((row + column) % 2 == 0, 1.0, np.nan)
    np.fill_diagonal(found, np.nan)
    return found


@pytest.fixture
def on_board(spark: SparkSession) -> Fit:
    pairs = pairs_of(spark, board())

    def fit(name: str) -> Ranker:
        candidate, engine = ALL[name]
        return fit_ranker(pairs, candidate, engine, seed=1)

    return fit


def unseen_scores(ranker: Ranker, histories: csr_matrix) -> np.ndarray:
    scores = ranker.scores(histories)
    scores[histories.nonzero()] = UNSCORED
    return scores


@pytest.mark.parametrize("name", ALL)
def test_the_title_held_out_stands_first(on_board: Fit, name: str) -> None:
    scores = unseen_scores(on_board(name), matrix_of_pairs(pairs_batches(board()), SIZE, SIZE))
    assert scores.argmax(axis=1).tolist() == list(range(SIZE))


def test_but_popularity_does_not_see_it(spark: SparkSession) -> None:
    """The negative control: the board cannot be solved by what everybody likes."""
    ranker = fit_ranker(pairs_of(spark, board()), Popularity(), "implicit", seed=1)
    scores = unseen_scores(ranker, matrix_of_pairs(pairs_batches(board()), SIZE, SIZE))
    assert (scores.argmax(axis=1) == np.arange(SIZE)).sum() <= 2


@pytest.mark.parametrize("name", ["als-implicit", "item-item-implicit", "ease"])
def test_a_customer_whom_the_fit_never_saw_is_scored_by_what_he_did(on_board: Fit, name: str) -> None:
    history = csr_matrix((np.ones(6), ([0] * 6, [1, 3, 7, 9, 13, 19])), (1, SIZE), np.float32)
    scores = unseen_scores(on_board(name), history)
    assert scores[0].argmax() in {5, 11, 15, 17}


@pytest.mark.parametrize("name", ALL)
def test_a_model_is_the_same_after_it_was_packed(on_board: Fit, name: str) -> None:
    ranker = on_board(name)
    again = unpack_model(pack_model(RecommenderModel(ranker, np.arange(SIZE), SIZE)))
    histories = matrix_of_pairs(pairs_batches(board()), SIZE, SIZE)
    assert np.array_equal(again.ranker.scores(histories), ranker.scores(histories))
    assert (again.titles, again.popular.tolist()) == (SIZE, list(range(SIZE)))


def pairs_batches(matrix: np.ndarray) -> list[pa.RecordBatch]:
    row, column = np.nonzero(~np.isnan(matrix))
    return [
        pa.RecordBatch.from_arrays(
            [pa.array(one) for one in (row, column, matrix[row, column])], names=list("cts")
        ).rename_columns(["customer", "title", "strength"])
    ]


# ---- each against its library or its formula ----


def activity(customers: int = 60, titles: int = 40) -> np.ndarray:
    """Strengths from 1 to 5, others not there; title 0 is nobody's."""
    random = np.random.default_rng(2)
    found = np.where(random.random((customers, titles)) < 0.2, random.integers(1, 6, (customers, titles)), np.nan)
    found[:, 0] = np.nan
    return found


def test_factors_of_a_customer_are_those_of_spark(spark: SparkSession) -> None:
    """Spark ends with the customers' half step, which is what a history's factors are."""
    from pyspark.ml.recommendation import ALS

    pairs = pairs_of(spark, activity())
    als = ALS(
        rank=5,
        maxIter=4,
        regParam=0.1,
        alpha=2.0,
        implicitPrefs=True,
        userCol="customer",
        itemCol="title",
        ratingCol="strength",
        seed=3,
        numUserBlocks=2,
        numItemBlocks=2,
    )
    model = als.fit(pairs.frame)
    titles = np.zeros((40, 5), np.float32)
    for row in model.itemFactors.collect():
        titles[row["id"]] = row["features"]
    theirs = np.array([row["features"] for row in model.userFactors.orderBy("id").collect()])
    ours = FactorRanker(titles, 2.0, "linear", 0.1, is_per_interaction=True).customers(pairs.matrix)
    assert np.abs(theirs).max() > 0.1
    assert ours == pytest.approx(theirs, abs=1e-5)


def test_factors_of_a_customer_are_those_of_implicit(sail: SparkSession) -> None:
    from implicit.cpu.als import AlternatingLeastSquares

    pairs = pairs_of(sail, activity())
    confidence = pairs.matrix.copy()
    confidence.data = 1 + 2 * np.log1p(confidence.data)
    with threadpool_limits(1, "blas"):
        als = AlternatingLeastSquares(factors=5, regularization=0.5, iterations=3, random_state=1)
        als.fit(confidence, show_progress=False)
    ours = FactorRanker(np.asarray(als.item_factors), 2.0, "log", 0.5, is_per_interaction=False).customers(pairs.matrix)
    assert ours == pytest.approx(als.recalculate_user(np.arange(60), confidence), abs=1e-5)


def test_equations_are_solved_a_few_customers_at_a_time(sail: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = pairs_of(sail, activity()).matrix
    model = FactorRanker(np.random.default_rng(1).normal(size=(40, 5)).astype(np.float32), 2.0, "log", 0.5, False)
    wanted = model.customers(matrix)
    monkeypatch.setattr(rankers, "EQUATIONS_BYTES", 7 * 5 * 5 * 8)
    assert model.customers(matrix) == pytest.approx(wanted)
    assert model.customers(matrix[:0]).shape == (0, 5)


def als_of_hand(weights: str) -> tuple[Als, np.ndarray]:
    """A candidate unlike the libraries' defaults, and the weights of `activity` that it asks for."""
    strength = np.nan_to_num(activity())
    weight = {"binary": (strength > 0).astype(float), "log": np.log1p(strength), "linear": strength}[weights]
    return Als(5, 3, 2.5, weights, 0.2), weight  # type: ignore[arg-type]


@pytest.mark.parametrize("weights", ["binary", "log", "linear"])
def test_als_of_implicit_is_fitted_with_every_setting_of_its_candidate(sail: SparkSession, weights: str) -> None:
    """Otherwise candidates are told apart that are the same, and the record names settings that were not used."""
    from implicit.cpu.als import AlternatingLeastSquares

    candidate, weight = als_of_hand(weights)
    confidence = csr_matrix(np.where(weight > 0, 1 + 2.5 * weight, 0), dtype=np.float32)
    penalty = 0.2 * confidence.sum() / np.sqrt(60 * 39)  # all customers and titles but title 0
    with threadpool_limits(1, "blas"):
        als = AlternatingLeastSquares(factors=5, regularization=penalty, iterations=3, random_state=9)
        als.fit(confidence, show_progress=False)
    found = fit_ranker(pairs_of(sail, activity()), candidate, "implicit", seed=9)
    assert isinstance(found, FactorRanker)
    assert found.titles[1:] == pytest.approx(als.item_factors[1:], abs=1e-4)
    assert (found.alpha, found.weights, found.is_per_interaction) == (2.5, weights, False)
    assert found.regularisation == pytest.approx(penalty)


def test_als_of_spark_is_fitted_with_every_setting_of_its_candidate(spark: SparkSession) -> None:
    """The same of MLlib, by what it says of the strengths taken by hand."""
    from pyspark.ml.recommendation import ALS

    candidate, weight = als_of_hand("log")
    pairs = pairs_of(spark, activity())
    settings = {"rank": 5, "maxIter": 3, "alpha": 2.5, "regParam": 0.2, "implicitPrefs": True, "seed": 9}
    columns = {"userCol": "customer", "itemCol": "title", "ratingCol": "weight"}
    rated = pairs.frame.selectExpr("customer", "title", "cast(ln(1 + strength) as float) as weight")
    als = ALS(**settings, **columns, numUserBlocks=4, numItemBlocks=4).fit(rated)
    found = fit_ranker(pairs, candidate, "spark", seed=9)
    assert isinstance(found, FactorRanker)
    for row in als.itemFactors.collect():
        assert found.titles[row["id"]] == pytest.approx(row["features"], abs=1e-4)
    assert (found.alpha, found.weights, found.is_per_interaction) == (2.5, "log", True)
    assert found.regularisation == 0.2


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [(0, 4), (499_999, 4), (500_000, 5), (999_999, 9), (1_000_000, 10), (21_999_999, 10), (22_000_000, 11),
     (999_999_999, 499), (1_000_000_000, 500), (10**12, 500)],
)  # fmt: skip
def test_blocks_of_als_follow_the_pairs_alone(pairs: int, expected: int) -> None:
    """Not the cores, which would make another model of the same pairs elsewhere."""
    assert block_count(pairs) == expected


@pytest.mark.parametrize("library", ["spark", "implicit"])
def test_what_was_seen_and_not_liked_teaches_nothing(sail: SparkSession, library: Engine) -> None:
    """With weights of 1 for whatever is there, a title that was only seen would count like one that was liked."""
    rows = np.array([[1.0, 0.0, 1.0], [1.0, 1.0, np.nan], [-2.0, 1.0, 1.0]])
    found = fit_ranker(pairs_of(sail, rows), ItemItem(3, "binary", 3), library, seed=1)
    assert isinstance(found, NeighbourRanker)
    wanted = cosine_similarity(np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1]]).T)
    assert found.similarity.toarray() == pytest.approx(wanted, abs=1e-6)


def test_a_title_that_nobody_liked_is_not_scored(spark: SparkSession) -> None:
    pairs = pairs_of(spark, activity())
    for candidate, engine in [ALL["als-implicit"], ALL["als-spark"], ALL["item-item-implicit"], ALL["ease"]]:
        scores = fit_ranker(pairs, candidate, engine, seed=1).scores(pairs.matrix)
        assert (scores[:, 0] == UNSCORED).all()
        assert (scores[:, 1:] > UNSCORED).any(axis=0).all()


@pytest.mark.parametrize("weights", ["binary", "log", "linear"])
def test_similarity_is_the_cosine_on_both_engines_and_of_implicit(engine: SparkSession, weights: str) -> None:
    pairs = pairs_of(engine, activity())
    strength = np.nan_to_num(activity())
    weight = {"binary": (strength > 0).astype(float), "log": np.log1p(strength), "linear": strength}[weights]
    wanted = cosine_similarity(weight.T)
    for library in ("spark", "implicit"):
        found = fit_ranker(pairs, ItemItem(40, weights, 40), library, seed=1)  # type: ignore[arg-type]
        assert isinstance(found, NeighbourRanker)
        assert found.similarity.toarray() == pytest.approx(wanted, abs=1e-5)


def test_only_the_nearest_neighbours_are_kept(engine: SparkSession) -> None:
    pairs = pairs_of(engine, activity())
    wanted = np.sort(cosine_similarity(pairs.matrix.toarray().T), axis=1)[:, -4:]
    for library in ("spark", "implicit"):
        found = fit_ranker(pairs, ItemItem(4, "linear", 40), library, seed=1)  # type: ignore[arg-type]
        assert np.sort(found.similarity.toarray(), axis=1)[:, -4:] == pytest.approx(wanted, abs=1e-5)
        assert np.diff(found.similarity.indptr).max() == 4


def test_only_the_strongest_titles_of_a_customer_say_which_go_together(engine: SparkSession) -> None:
    pairs = pairs_of(engine, np.array([[5.0, 4.0, 1.0], [5.0, np.nan, 1.0]]))
    found = fit_ranker(pairs, ItemItem(3, "binary", 2), "spark", seed=1)
    assert found.similarity.toarray()[0] == pytest.approx([1, 1 / np.sqrt(2), 1 / np.sqrt(2)])
    assert found.similarity.toarray()[1, 2] == 0


def test_a_score_of_neighbours_is_the_mean_by_weight() -> None:
    similarity = csr_matrix(np.array([[1, 0.5, 0], [0.2, 1, 0], [0, 0, 1]], np.float32))
    histories = csr_matrix(np.array([[1, 3, 0], [1, 0, 0]], np.float32))
    found = NeighbourRanker(similarity, "linear").scores(histories)
    assert found[0] == pytest.approx([(1 + 3 * 0.2) / 4, (0.5 + 3) / 4, UNSCORED])
    assert found[1] == pytest.approx([1, 0.5, UNSCORED])


def test_ease_is_its_closed_form(sail: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    from models.recommender import fitting

    monkeypatch.setattr(fitting, "ROWS_AT_ONCE", 140)  # several blocks of customers, and of 7 titles
    pairs = pairs_of(sail, activity(customers=300))
    weight = np.nan_to_num(activity(customers=300))
    gram = weight.T @ weight
    inverse = np.linalg.inv(gram + 0.5 * np.diag(gram)[1:].mean() * np.eye(40))  # nobody likes title 0
    wanted = -inverse / np.diag(inverse)
    np.fill_diagonal(wanted, 0)
    found = fit_ranker(pairs, Ease(0.5, "linear"), "implicit", seed=1)
    assert isinstance(found, LinearRanker)
    assert found.effects == pytest.approx(wanted, abs=1e-6)
    scores = found.scores(pairs.matrix)
    assert (scores[:, 0] == UNSCORED).all()
    assert scores[:, 1:] == pytest.approx((weight @ wanted)[:, 1:], abs=1e-4)


def test_a_linear_model_weighs_histories_as_it_was_fitted() -> None:
    effects = np.array([[0, 1], [2, 0]], np.float32)
    histories = csr_matrix(np.array([[1, 3]], np.float32))
    for weights, (one, three) in {"binary": (1, 1), "log": (np.log(2), np.log(4)), "linear": (1, 3)}.items():
        assert LinearRanker(effects, weights).scores(histories)[0] == pytest.approx([2 * three, one])  # type: ignore[arg-type]


def test_popular_is_the_same_for_all() -> None:
    found = PopularityRanker(np.array([3, 0, 1], np.float32)).scores(csr_matrix((2, 3), dtype=np.float32))
    assert found.tolist() == [[3, UNSCORED, 1]] * 2


# ---- histories ----


def test_histories_are_put_in_order_and_what_is_not_liked_stays_seen() -> None:
    kind = pa.list_(pa.struct({"title": pa.int32(), "strength": pa.float32()}))
    rows = [[{"title": 3, "strength": 2.0}, {"title": 1, "strength": 0.0}], None, [], [{"title": 0, "strength": 1.0}]]
    found = matrix_of_histories(pa.array(rows, kind), 5)
    assert found.indices.tolist() == [1, 3, 0]
    assert found.indptr.tolist() == [0, 2, 2, 2, 3]
    assert liked(found).toarray().tolist() == [[0, 0, 0, 2, 0], [0] * 5, [0] * 5, [1, 0, 0, 0, 0]]


def test_a_slice_of_histories_is_read_from_its_own_beginning() -> None:
    kind = pa.list_(pa.struct({"title": pa.int32(), "strength": pa.float32()}))
    rows = [[{"title": n, "strength": n + 1.0}] for n in range(5)]
    assert matrix_of_histories(pa.array(rows, kind).slice(2, 2), 5).toarray().tolist() == [
        [0, 0, 3, 0, 0],
        [0, 0, 0, 4, 0],
    ]


def test_without_any_batch_a_matrix_is_empty() -> None:
    assert matrix_of_pairs([], 2, 3).toarray().tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("model", "engine", "number"),
    [
        ("als", "spark", 8),
        ("als", "implicit", 12),
        ("item-item", "spark", 4),
        ("ease", "implicit", 2),
        ("popular", "spark", 1),
    ],
)
def test_candidates_are_every_combination(model: str, engine: Engine, number: int) -> None:
    found: list[RankerSettings] = settings_grid(model, engine, RecommenderGrids())
    assert len(found) == len(set(found)) == number
    if model == "als":
        assert {one.regularisation for one in found} == ({0.1, 0.3} if engine == "spark" else {0.02, 0.1, 0.5})  # type: ignore[union-attr]


def test_a_penalty_is_in_units_of_the_largest_singular_value(sail: SparkSession) -> None:
    """Of 4 customers who all like 9 titles it is 2 * sqrt(36); others, who like nothing, do not count."""
    matrix = np.full((6, 12), np.nan)
    matrix[:4, :9] = 1.0
    found = fit_ranker(pairs_of(sail, matrix), Als(2, 3, 1.0, "binary", 0.5), "implicit", seed=1)
    assert isinstance(found, FactorRanker)
    assert found.regularisation == pytest.approx(0.5 * 2 * 6)


def test_ease_of_more_of_the_same_customers_is_the_same(sail: SparkSession) -> None:
    few, many = pairs_of(sail, activity()), pairs_of(sail, np.tile(activity(), (4, 1)))
    found = [fit_ranker(pairs, Ease(2.0, "log"), "implicit", seed=1).scores(few.matrix) for pairs in (few, many)]
    assert np.allclose(*found, atol=1e-4)


def test_als_of_more_of_the_same_customers_is_nearly_the_same(sail: SparkSession) -> None:
    """Both end near one optimum: closer than with half the penalty, which four times as many would need otherwise."""
    few, many = pairs_of(sail, activity()), pairs_of(sail, np.tile(activity(), (4, 1)))
    wanted, scaled, unscaled = (
        fit_ranker(pairs, Als(4, 60, 1.0, "binary", penalty), "implicit", seed=1).scores(few.matrix)[:, 1:]
        for pairs, penalty in [(many, 0.2), (few, 0.2), (few, 0.4)]
    )
    assert np.abs(scaled - wanted).mean() < 0.5 * np.abs(unscaled - wanted).mean()
