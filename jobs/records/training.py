"""Records of trained models, baselines, the leakage audit and the choice among models."""

from typing import Any, ClassVar, Literal

from conf.learning import Audit
from conf.network import Network
from conf.schema import Label
from jobs.records.layers import FeaturesBasis
from jobs.storage.records import Record, SealedRecord, Section
from models.drift import CategoryReference, NumberReference, Reference, ScoreReference
from models.evaluation.curves import Points
from models.evaluation.explanation import FeatureImportance, PartialDependence
from models.evaluation.intervals import Interval
from models.evaluation.typical import TypicalTerm
from models.fitting.cross_validation import Candidate
from models.leakage.audit import FeatureAudit
from models.network.checkpoint import Epoch, Throughput
from models.scoring.portable import PortableModel


class SplitSection(Section):
    """How the feature tables were split; `text` says it in words."""

    by: Literal["customer", "time"]
    text: str
    train_as_of: list[str]
    test_as_of: str
    unused_as_of: list[str]


class FittedOn(Section):
    """What a model, the baselines or the audit depend on.

    tables: by as-of date, what the table was made from. shared: fingerprint of the declarations that all models share;
    own: of those of this one; declared: of both as the service declares them, whatever the command line said.
    """

    tables: dict[str, FeaturesBasis]
    split: str
    shared: str
    own: str
    declared: str

    @property
    def comparable(self) -> tuple[object, ...]:
        """What must be equal for two results to be compared."""
        return self.tables, self.split, self.shared


class TuningSection(Section):
    """How candidates were compared: by cross-validation in `folds` folds of `rows` rows, or once (0 folds)."""

    folds: int
    rows: int
    candidates: list[Candidate]

    @property
    def auc(self) -> float:
        """The AUC of the chosen candidate."""
        return max(one.auc for one in self.candidates if one.chosen)


class NetworkSection(Section):
    """How a network was fitted; `throughput` is None where the last run only took up a finished fit."""

    declared: Network
    launcher: str
    ranks: int
    epochs: list[Epoch]
    best_epoch: int
    throughput: Throughput | None


class EvaluationSection(Section):
    """How good probabilities are.

    threshold: the probability from which on customers count as positive, chosen on the training set. metrics: `train`
    and `test`, in each an interval by metric. curves: points of the test set by curve.
    """

    threshold: float
    metrics: dict[str, dict[str, Interval]]
    curves: dict[str, Points]


class ModelRecord(EvaluationSection, SealedRecord):
    """A trained model: `models/<name>/metrics.json`.

    Attributes:
        without: features that the model must not use, since the audit flags them.
        left_out: by feature, why no input is made of it.
        levels: by category, the levels that the model knows: those declared, or of the training rows.
        gain_over_recency: AUC less that of the recency rule, paired.
        network: only of a neural network.
    """

    VERSION: ClassVar[int] = 2  # 1 had no typical customer beside it, and no content
    COMMAND: ClassVar[str] = "`encore train` (of a network: `encore train-keras`)"
    model: str
    title: str
    without: list[str]
    service: str
    label: Label
    split: SplitSection
    train_rows: int
    test_rows: int
    train_positive_share: float
    balance: str
    calibration: str
    tuning: TuningSection
    left_out: dict[str, str]
    levels: dict[str, list[str]] = {}
    fitted_on: FittedOn
    code_version: str
    seed: int
    gain_over_recency: Interval
    importance: list[FeatureImportance]
    partial_dependence: list[PartialDependence]
    network: NetworkSection | None = None


class BaselineSection(EvaluationSection):
    """A baseline by name."""

    name: str
    title: str


class BaselinesRecord(SealedRecord):
    """The baselines: `models/baselines/metrics.json`; left_out: by name, why a baseline is missing.

    Beside it lies `test_scores/`, with the probabilities of BG/NBD for the test set where it is fitted.
    """

    VERSION: ClassVar[int] = 2  # 1 had no test scores
    COMMAND: ClassVar[str] = "`encore train`"
    split: SplitSection
    baselines: list[BaselineSection]
    left_out: dict[str, str]
    fitted_on: FittedOn


class AuditRecord(Record):
    """The leakage audit: `models/audit.json`; `rows` of the training set were audited."""

    COMMAND: ClassVar[str] = "`encore train`"
    rows: int
    positive_share: float
    limits: Audit
    flagged: list[str]
    features: list[FeatureAudit]
    fitted_on: FittedOn


class ChosenRecord(Record):
    """The model that scores: `models/chosen.json`."""

    COMMAND: ClassVar[str] = "`encore train`"
    model: str
    why: str


class ReferenceRecord(Record):
    """What drift is measured against: `models/<name>/reference.json`."""

    COMMAND: ClassVar[str] = "`encore train`"
    customers: int
    features: dict[str, NumberReference | CategoryReference]
    score: ScoreReference

    @property
    def reference(self) -> Reference:
        """The same for `models.drift`."""
        return Reference(self.customers, self.features, self.score)


class TypicalRecord(Record):
    """The typical customer of the training set, for the reasons: `models/<name>/typical.json`; see `Typical`."""

    COMMAND: ClassVar[str] = "`encore train`"
    features: dict[str, float | str | None]
    terms: dict[str, TypicalTerm]


class PortableRecord(Record):
    """A model as plain data: `models/<name>/model.json`; see `models.scoring.portable`."""

    VERSION: ClassVar[int] = 2  # 1 had trees without the weights of their nodes
    COMMAND: ClassVar[str] = "`encore train`"
    kind: str
    inputs: list[dict[str, Any]]
    scorer: dict[str, Any]
    calibration: dict[str, Any]

    @property
    def model(self) -> PortableModel:
        """The model itself."""
        return PortableModel.from_json(self.model_dump())
