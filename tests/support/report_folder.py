"""A small data folder, written as the commands leave it: what the tests of the report read."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from conf.learning import Drift
from conf.schema import Service
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.records.drift import DriftBasis, DriftRecord
from jobs.records.recommending import RecommendationsBasis, RecommendationsRecord, RecommenderRecord
from jobs.records.scoring import ScoresBasis, ScoresRecord
from jobs.records.training import ChosenRecord, ModelRecord, TypicalRecord
from jobs.storage.layer import RECORD, Layer, sealed
from jobs.storage.records import PartitionRecord, read_record, write_record
from jobs.storage.seals import sealed_tree
from jobs.training.artifacts import AUDIT, BASELINES, CHOSEN, METRICS, TYPICAL, ModelFolder
from models.drift import ScoreDrift
from models.leakage.audit import FeatureAudit
from tests.support import model_records, recommendation_records
from tests.support import report_records as records
from tests.support.engines import SMALL
from tests.support.layers import reseal
from tests.support.model_records import alone
from tests.support.report_records import MATURE, NEWEST, SERVICE, drifted

HOSTILE_ARCHIVE = '<img src=x onerror="document.title=1">_visit.log.gz'
LANDING = {
    "lines": (100, 20),
    "header": (1, 0),
    "kept": (90, 20),
    "repaired": (4, 0),
    "left_out": (0, 0),
    "rejected": (9, 0),
    "records": (88, 20),
    "rejected_blank": (2, 0),
    "rejected_too_many_fields": (7, 0),
    "rejected_undated": (0, 0),  # the manifest has a column for every reason
}
OTHER_ARCHIVES = {
    HOSTILE_ARCHIVE: "failed",
    "20240301_visit.log (1).gz": "duplicate",
    "list.html": "not_a_log",
    "20240399_visit.log.gz": "undated",
}
TEST_SCORES = {"customer_id": [1, 2, 3, 4], "label": [1, 1, 0, 0], "probability": [0.5, 0.5, 0.5, 0.5]}
# Of the four pairs of these customers three are in order. Customer 9 is not in the test set and would spoil it.
TRUTH = {"customer_id": [1, 2, 3, 4, 9], "leaving_probability": [0.9, 0.4, 0.5, 0.1, 0.99], "left": [1, 1, 0, 0, 0]}
TYPICAL_VALUES: dict[str, float | str | None] = {"visits_1d": 1.0, "visits_3d": 1.0, "last_spending": 4.0}


class ReportFolder:
    """A data folder of the shop. Each `with_…` replaces what a command leaves, and returns the folder itself.

    Keyword arguments `changes` replace fields of the record that is written.
    """

    def __init__(self, path: Path, one_if: str = "present", **declared: Any) -> None:
        """Make no folder yet. one_if: of the label; declared: other sections of the service."""
        label = SERVICE["label"] | {"one_if": one_if}
        service = Service.model_validate(SERVICE | {"label": label} | declared)
        self.context = Context(DataFolder(path), "shop", service, SMALL, "sail")

    @property
    def data(self) -> DataFolder:
        """The layers."""
        return self.context.data

    @property
    def models(self) -> ModelFolder:
        """The models."""
        return ModelFolder(self.data.models)

    def declaring_interactions(self, **recommender: Any) -> "ReportFolder":
        """The same folder of a service that declares interactions, and so a recommender."""
        return ReportFolder(self.data.root, interactions=recommendation_records.INTERACTIONS, recommender=recommender)

    def with_everything(self) -> Self:
        """Logs of 1, 2 and 4 March 2024, feature tables as of 3 and 5 March, two models and three baselines."""
        self.with_landing().with_events().with_tiles().with_features().with_feature_rows()
        self.with_models().with_baselines().with_audit()
        return self.with_scores().with_truth(MATURE).with_drift()

    # ---- layers ----

    def with_landing(self) -> Self:
        """Two archives unpacked, and one of each other kind."""
        self.data.landing.mkdir(parents=True)
        with (self.data.landing / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["archive", "event", "status", "bytes", "checksum", "sample", *LANDING])
            for number in (0, 1):
                counts = [values[number] for values in LANDING.values()]
                rows.writerow([f"2024030{number + 1}_visit.log.gz", "visit", "unpacked", 999, "c", "1", *counts])
            for name, status in OTHER_ARCHIVES.items():
                event = "visit" if status != "not_a_log" else ""
                rows.writerow([name, event, status, 9, "c", "1", *[0] * len(LANDING)])
        return self

    def with_events(self) -> Self:
        """Two days of events."""
        layer = self.data.events("visit")
        first = records.events(60, 50, 6, 4, {"customer_id_unreadable": 4, "too_much": 2}, in_cents=3)
        _write(layer, "2024-03-01", first)
        _write(layer, "2024-03-02", records.events(48, 45, 1, 2, {"too_much": 1}))
        return self

    def with_tiles(self) -> Self:
        """Three days of tiles."""
        _write(self.data.daily, "2024-03-01", records.tiles(30, 1, 40))
        _write(self.data.daily, "2024-03-02", records.tiles(20, 0, 30, "visit: 2 of 3", "sale: 0 of 1"))
        _write(self.data.daily, "2024-03-04", records.tiles(25, 2, 25, "visit: 2 of 3"))
        return self

    def with_features(self, sample: float = 1.0, **newest: Any) -> Self:
        """A table whose outcome is known, and the newest; newest: fields of its record to replace."""
        _write(self.data.features, MATURE, records.mature_table(sample=sample))
        _write(self.data.features, NEWEST, records.newest_table(sample=sample, **newest))
        return self

    def with_feature_rows(self, **changes: list[Any]) -> Self:
        """The newest table's rows of customers 0 to 24, each with the same values but for customer 7."""
        rows = {
            "customer_id": list(range(25)),
            "visits_1d": [0] * 25,
            "visits_3d": [2.5] * 25,
            "last_spending": [None if number == 7 else 29.0 for number in range(25)],
        }
        _write_rows(self.feature_rows, rows | changes)
        return self

    def without_feature_rows(self) -> Self:
        """The newest feature table has no rows."""
        self.feature_rows.unlink()
        reseal(self.feature_rows.parent)
        return self

    @property
    def feature_rows(self) -> Path:
        """The rows of the newest feature table."""
        return self.data.features.partition(NEWEST) / "part-0.parquet"

    # ---- models ----

    def with_model(self, record: ModelRecord) -> Self:
        """A model with the scores of its test set, and the typical customer."""
        folder = self.data.models / record.model
        write_record(folder / TYPICAL, TypicalRecord(features=TYPICAL_VALUES, terms={}))
        _write_rows(folder / "test_scores" / "part-0.parquet", TEST_SCORES)
        (folder / METRICS).unlink(missing_ok=True)
        write_record(folder / METRICS, sealed_tree(record, folder))
        return self

    def with_models(self) -> Self:
        """Boosted trees, which are chosen, and a logistic regression, which is better on the test set."""
        return self.with_model(model_records.trees()).with_model(model_records.regression()).with_choice("gbt")

    def with_choice(self, model: str) -> Self:
        """The chosen model."""
        write_record(self.data.models / CHOSEN, ChosenRecord(model=model, why="the highest AUC in cross-validation"))
        return self

    def without_choice(self) -> Self:
        """No model is chosen."""
        (self.data.models / CHOSEN).unlink()
        return self

    def without_models(self, *names: str) -> Self:
        """These models are removed."""
        for name in names:
            shutil.rmtree(self.data.models / name)
        return self

    def changing_model(self, name: str, **changes: Any) -> Self:
        """Replace fields of a model's record."""
        return self._changing(self.data.models / name / METRICS, ModelRecord, changes)

    def with_baselines(self, **changes: Any) -> Self:
        """Three baselines."""
        write_record(self.data.models / BASELINES / METRICS, model_records.baselines(**changes))
        return self

    def with_audit(self, *features: FeatureAudit, **changes: Any) -> Self:
        """A leakage audit of these features; by default nothing is flagged."""
        write_record(self.data.models / AUDIT, model_records.audit(*features, **changes))
        return self

    def with_flagged(self, **changes: Any) -> Self:
        """An audit that flags last_spending, and twins of both models without it, of which the trees are chosen."""
        decides = replace(model_records.DECIDES, **changes)
        flagged = alone("last_spending", 0.8, "lower", "decides", decides=decides)
        self.with_audit(flagged, alone("visits_3d", 0.65, "higher"))
        for twin in model_records.twins():
            self.with_model(twin)
        return self.with_choice("gbt_unflagged")

    def with_network(self, twin: str = "", **changes: Any) -> Self:
        """A network beside the other models; see `model_records.network`."""
        return self.with_model(model_records.network(twin, **changes))

    # ---- scores ----

    def with_scores(self, **plan: Any) -> Self:
        """Scores of 2,000 customers: those in tenths 1 to 9 have 0.1, the 200 in the last 0.9; 0.18 on average.

        To contact are customers 0 to 24, with profits of 1, but for 7 and 3 with 5 and 20 with 8; 11, with 9, is held
        out. plan: fields of the plan to replace.
        """
        record = ScoresRecord(
            basis=self._scores_basis(),
            model="gbt",
            customers=2000,
            mean_probability=0.18,
            sample=1.0,
            plan=records.plan(**plan),
        )
        _write(self.data.scores, NEWEST, record)
        _write_rows(self.score_rows, _score_rows())
        return self

    @property
    def score_rows(self) -> Path:
        """The scores themselves."""
        return self.data.scores.partition(NEWEST) / "part-0.parquet"

    def without_plan(self) -> Self:
        """The scores were made without a plan."""
        return self._changing(self.data.scores.partition(NEWEST) / RECORD, ScoresRecord, {"plan": None})

    def with_truth(self, as_of: str, **rows: list[Any]) -> Self:
        """The true probabilities of a simulation, and no others."""
        shutil.rmtree(self.data.truth.root, ignore_errors=True)
        _write_rows(self.data.truth.partition(as_of) / "part-0.parquet", rows or TRUTH)
        (self.data.truth.root / "simulation.json").write_text("{}")  # lies beside the partitions and is no Parquet
        return self

    def with_drift(self, *above: str) -> Self:
        """The drift of two features, the first of which exceeds these limits."""
        scores = self.data.scores.record(NEWEST)
        assert scores
        record = DriftRecord(
            basis=DriftBasis(scores=scores.basis, limits="l"),
            as_of=NEWEST,
            model="gbt",
            reference_as_of=[MATURE],
            limits=Drift(),
            customers=2000,
            features=[drifted("visits_3d", 0.5, *above), drifted("last_spending", 0.125)],
            score=ScoreDrift(psi=0.0625, mean=0.18, mean_at_training=0.25, above=[]),
            above=["visits_3d"] if above else [],
        )
        _write(self.data.drift, NEWEST, record)
        return self

    # ---- recommendations ----

    def with_recommender(self, **changes: Any) -> Self:
        """A recommender; see `recommendation_records.recommender`."""
        given = {"basis": recommendation_records.basis(self.context.service.recommender)} | changes
        write_record(self.data.recommender / RECORD, recommendation_records.recommender(**given))
        return self

    @property
    def recommender(self) -> RecommenderRecord:
        """The record of the recommender that is there."""
        return read_record(RecommenderRecord, self.data.recommender / RECORD)

    def with_recommendations(self, day: str = NEWEST, **changes: Any) -> Self:
        """Recommendations by the recommender that is there."""
        layer = self.data.titles_for_customers
        _write(layer, day, recommendation_records.titles(self.recommender, **changes))
        rows = pa.Table.from_pylist(recommendation_records.title_rows())
        pq.write_table(rows, layer.partition(day) / "part-0.parquet")
        reseal(layer.partition(day))
        return self

    def with_contacts(self, table: str = "t") -> Self:
        """The contact list with titles, made of the scores that are there, or of scores of another feature table."""
        made_of = RecommendationsBasis(recommender="r", scores=self._scores_basis(table), top=4, who="everybody")
        _write(self.data.titles_for_contacts, NEWEST, RecommendationsRecord(basis=made_of))
        _write_rows(self.data.titles_for_contacts.partition(NEWEST) / "part-0.parquet", {"customer_id": [20]})
        return self

    def _scores_basis(self, table: str = "t") -> ScoresBasis:
        made_of = records.table_basis(table, is_mature=False)
        return ScoresBasis(table=made_of, model=self.models.version("gbt"), targeting="t", declared="d")

    def _changing(self, file: Path, kind: Any, changes: dict[str, Any]) -> Self:
        write_record(file, read_record(kind, file).model_copy(update=changes))
        return self


def _write(layer: Layer[Any], value: str, record: PartitionRecord) -> None:
    folder = layer.partition(value)
    folder.mkdir(parents=True, exist_ok=True)
    write_record(folder / RECORD, sealed(record, folder))


def _write_rows(file: Path, rows: dict[str, list[Any]]) -> None:
    """Write the rows of a partition, whose record, where there is one already, then names them."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(rows), file)
    reseal(file.parent)


def _score_rows() -> dict[str, list[Any]]:
    numbers = range(2000)
    decile = [1 + number // 200 for number in numbers]
    profit = {3: 5.0, 7: 5.0, 20: 8.0, 11: 9.0}
    last = ["last_spending" if number != 20 else None for number in numbers]  # one customer has two reasons only
    return {
        "customer_id": list(numbers),
        "probability": [0.9 if one == 10 else 0.1 for one in decile],
        "decile": decile,
        "risk": [0.1 if one == 10 else 0.9 for one in decile],
        "reason_1": ["frequency"] * 2000,
        "reason_1_effect": [0.5] * 2000,
        "reason_1_feature": ["visits_3d"] * 2000,
        "reason_2": ["recency"] * 2000,
        "reason_2_effect": [-0.4] * 2000,
        "reason_2_feature": ["visits_1d"] * 2000,
        "reason_3": [one and "money" for one in last],
        "reason_3_effect": [None if one is None else -0.3 for one in last],
        "reason_3_feature": last,
        "expected_profit": [profit.get(number, 1.0 if number < 25 else -1.0) for number in numbers],
        "contact": ["hold out" if n == 11 else "contact" if n < 25 else "no" for n in numbers],
    }
