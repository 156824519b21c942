"""The record of scores and of the contact plan that was made from them."""

from typing import ClassVar

from jobs.records.layers import FeaturesBasis
from jobs.storage.records import PartitionRecord, Section
from models.evaluation.intervals import Interval
from models.targeting.profit import ProfitAtShare
from models.targeting.uplift import Uplift


class ScoresBasis(Section):
    """What scores are made from: the feature table, and fingerprints of the model and of the economics.

    declared: of the economics as the service declares them, whatever the command line said.
    """

    table: FeaturesBasis
    model: str
    targeting: str
    declared: str


class ContactPlanSection(Section):
    """The contact plan: the economics, the list, and what such lists earn on the test set.

    limit: `contacts` or `budget`, where one is set. contacts, held_out: customers. cost, expected_gain: in the
    currency. expected_kept: customers expected to stay because they are contacted. curve, all, best_share: see
    `models.targeting.profit`. uplift: only where it is known who was treated.
    """

    currency: str
    cost_of_contact: float
    kept_share: float
    hold_out_share: float
    value_of_customer: str
    limit: dict[str, float]
    contacts: int
    held_out: int
    cost: float
    expected_gain: float
    expected_kept: float
    curve: list[ProfitAtShare]
    all: float
    best_share: float
    uplift: Uplift | None


class BacktestSection(Section):
    """How good a model was at a date whose outcome is over, on customers that did not train it.

    customers: those that the metrics are of. left_out: customers that trained the model. metrics: as a model's; none
    where no outcome is known or no customer is left.
    """

    customers: int
    left_out: int
    metrics: dict[str, Interval]


class ScoresRecord(PartitionRecord):
    """Scores, one row per eligible customer: `scores/as_of=…/`.

    `plan` is None where there is no contact list: no economics are declared, or the date is past. `backtest` is None
    where the outcome is not over.
    """

    VERSION: ClassVar[int] = 3  # 2 had reasons by feature
    COMMAND: ClassVar[str] = "`encore score --as-of {partition}`"
    basis: ScoresBasis
    model: str
    customers: int
    mean_probability: float
    sample: float
    plan: ContactPlanSection | None
    backtest: BacktestSection | None = None
