"""`encore recommend`: titles for customers, customers for titles, and titles for those on the list of contacts."""

if __name__ == "__main__":
    from jobs.console.entry import submit

    submit(__file__)


from dataclasses import asdict, dataclass
from datetime import date
from importlib.util import find_spec
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.errors import InputError, UsageError
from conf.load import fingerprint
from features.interactions import without_bots
from features.windows import Moment
from jobs.context import Context
from jobs.engine import engine
from jobs.features import refuse_outside
from jobs.interactions import interactions
from jobs.recommending.dataset import Ground
from jobs.recommending.evaluation import AUTO, Study, Teller
from jobs.recommending.model_file import save
from jobs.recommending.output import Asked, Offers
from jobs.recommending.sources import Evidence, Logs, read_ratings
from jobs.storage.input_files import for_workers, identity, require_file
from jobs.storage.layer import RECORD, Record, beside, read_record, replace_folder
from jobs.storage.location import Place
from jobs.storage.versions import current
from jobs.training.artifacts import write_json
from models.recommender.candidates import Engine
from models.recommender.ids import is_drawn
from models.recommender.ratings import rating_errors
from models.targeting.contact_list import CONTACT

SEGMENT = "contact"


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    model: a name of MODELS or AUTO; top: titles for a customer and customers for a title; as_of: the day after the last
    one that is known by default; customers: a file of ids, segment: `contact`, else everybody; ratings: a file to learn
    from in place of the logs, of explicit ratings if is_explicit.
    """

    library: Engine
    model: str = AUTO
    top: int = 10
    as_of: date | None = None
    customers: Place | None = None
    segment: str | None = None
    ratings: Place | None = None
    is_explicit: bool = False


def library(name: str | None, engine_name: str) -> Engine:
    """What fits the models: as named, or `implicit` where it is installed and the embedded engine runs.

    Raises UsageError where there is no such library here.
    """
    is_installed = find_spec("implicit") is not None
    if name == "implicit" and not is_installed:
        raise UsageError("--engine implicit: the library is not installed; pip install implicit, or use --engine spark")
    if name not in (None, "implicit", "spark"):
        raise UsageError(f"--engine {name}: recommenders are fitted by spark or implicit")
    if name is None:
        return "implicit" if is_installed and engine_name == "sail" else "spark"
    return "implicit" if name == "implicit" else "spark"


def recommend(context: Context, spark: SparkSession, wish: Wish, tell: Teller) -> tuple[str, Record]:
    """Recommend into `recommendations/…/as_of=…/`, by a model that is fitted and judged where it is not up to date.

    Returns:
        The as-of date and the record of the titles for customers.

    Raises:
        UsageError: the service declares no interactions and no file is given.
        InputError: there is nothing to learn from, nobody to recommend to, or a file that cannot be read.
    """
    with beside(context.recommender) as work:
        evidence = _evidence(context, spark, wish, work)
        fitted = _fitted(context, spark, evidence, wish, work, tell)
        asked = _asked(context, spark, evidence, wish, work)
        as_of = evidence.days.end
        return str(as_of), Offers(context, spark, as_of, fitted, asked, wish.top).write()


def _evidence(context: Context, spark: SparkSession, wish: Wish, work: Place) -> Evidence:
    if wish.ratings:
        liked_from = context.service.recommender.liked_from
        return read_ratings(spark, wish.ratings, work / "ratings", wish.is_explicit, liked_from, wish.as_of)
    interactions(context, spark)
    logs = context.logs()
    as_of = wish.as_of or logs.end
    refuse_outside(context, logs, Moment.at(as_of, context.service.windows))
    evidence = Logs(context, spark, as_of)
    evidence.write()
    return evidence


def _fitted(context: Context, spark: SparkSession, evidence: Evidence, wish: Wish, work: Place, tell: Teller) -> Record:
    """The record of a model of this evidence, which then lies in `recommender/`."""
    declared, seed = context.service.recommender, context.service.training.seed
    basis: Record = {
        "evidence": evidence.basis,
        "as_of": str(evidence.days.end),
        "declared": fingerprint(declared),
        "seed": seed,
        "model": wish.model,
        "library": wish.library,
    }
    done = read_record(context.recommender)
    if done and done["basis"] == basis:
        return done
    new = work / "new"
    ground = Ground(spark, evidence, new, declared, seed)
    model, told = Study(ground, wish.library, tell).done(wish.model)
    record: Record = {"basis": basis, "as_of": str(evidence.days.end), **told}
    if evidence.is_explicit:
        record["ratings"] = _rating_errors(context, new, seed)
    record["file"] = save(model, new).name
    write_json(new / RECORD, record)
    replace_folder(new, context.recommender)
    return record


def _rating_errors(context: Context, new: Place, seed: int) -> dict[str, Any] | None:
    """None where there are too few ratings to hold some out."""
    with engine("spark", context.profile) as spark:
        pairs = spark.read.parquet(str(new / "pairs"))
        is_out = is_drawn("test_draw", context.service.recommender.holdout_share)
        known, held_out = pairs.where(~is_out), pairs.where(is_out)
        if known.isEmpty() or held_out.isEmpty():
            return None
        return asdict(rating_errors(known, held_out, seed))


def _asked(context: Context, spark: SparkSession, evidence: Evidence, wish: Wish, work: Place) -> Asked:
    day = str(evidence.days.end)
    if wish.customers:
        ids = _ids_of(spark, wish.customers, work, spark.read.parquet(str(current(context.recommender) / "customers")))
        return Asked(ids, identity(wish.customers), holds_contacts=False)
    if wish.segment:
        if not context.scores.has_rows([day]):
            raise InputError(
                f"{context.scores.partition(day)}: there is no list of contacts at {day}; run `encore score` first"
            )
        listed = context.scores.read(spark, [day]).where(F.col("contact") == CONTACT)
        return Asked(listed.select("customer_id"), wish.segment, holds_contacts=True)
    if not isinstance(evidence, Logs):
        return Asked(None, "everybody", holds_contacts=False)
    tiles = context.daily.read(spark)
    inside = F.col("date").between(F.lit(evidence.window.start), F.lit(evidence.window.dates()[-1]))
    seen = tiles.where(inside).select("customer_id").distinct()
    return Asked(without_bots(seen, tiles, evidence.window), "everybody", holds_contacts=True)


def _ids_of(spark: SparkSession, file: Place, work: Place, known: DataFrame) -> DataFrame:
    """The first column of a file, or its lines, as customers; a heading is passed over."""
    require_file(file, "--customers")
    kind = dict(known.dtypes)["customer_id"]
    first = F.trim(F.regexp_replace(F.split("value", ",")[0], "^\ufeff", ""))
    texts = spark.read.text(str(for_workers(spark, file, work))).select(
        F.regexp_replace(first, '^"|"$', "").alias("text")
    )
    ids = texts.where((F.col("text") != "") & ~F.lower("text").isin("customer", "customer_id"))
    typed = ids.select("text", F.expr(f"try_cast(text as {kind})").alias("customer_id"))
    broken = typed.where("customer_id is null").limit(1).collect()
    if broken:
        raise InputError(f"--customers {file}: {broken[0]['text']!r} is no customer's id ({kind}); give one id a line")
    return typed.select("customer_id").distinct()
