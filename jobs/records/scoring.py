"""The record of scores and of the contact plan that was made from them."""

from typing import ClassVar

from conf.targeting import Aim
from jobs.records.layers import FeaturesBasis
from jobs.storage.records import PartitionRecord, Section
from models.evaluation.intervals import Interval
from models.targeting.contact_list import OtherAim
from models.targeting.profit import ProfitAtShare
from models.targeting.uplift import Uplift


class ScoresBasis(Section):
    """What scores are made from: the feature table, and fingerprints of the model and of the economics.

    declared: of the economics as the service declares them, whatever the command line said. history: fingerprint of
    the files and earlier lists that limits of contact read; empty where they read none. bgnbd: fingerprint of the
    scores of BG/NBD that the list is compared with; empty where there are none.
    """

    table: FeaturesBasis
    model: str
    targeting: str
    declared: str
    history: str = ""
    bgnbd: str = ""


class ContactPlanSection(Section):
    """The contact plan: the economics, the list, and what such lists earn on the test set.

    value_of_customer: a number or SQL, as text. value_about: the value in words; None: there are none, since the value
    is a number. limit: `contacts` or `budget`, where one is set. contacts, held_out, cost, expected_gain,
    expected_changed, expected_good_contacted, expected_good_all, left_out: see
    `models.targeting.contact_list.ContactPlan`. other: what the list of the other aim would be; None where the number
    that it needs is not declared. curve, all, best_share: see `models.targeting.profit`. uplift: only where it is known
    who was treated.
    """

    aim: Aim
    currency: str
    cost_of_contact: float
    kept_share: float | None
    lift: float | None
    hold_out_share: float
    value_of_customer: str
    value_about: str | None
    limit: dict[str, float]
    contacts: int
    held_out: int
    cost: float
    expected_gain: float
    expected_changed: float
    expected_good_contacted: float
    expected_good_all: float
    left_out: dict[str, int]
    other: OtherAim | None
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

    VERSION: ClassVar[int] = 3  # 2 knew one aim, no limits of contact, and reasons by feature
    COMMAND: ClassVar[str] = "`encore score --as-of {partition}`"
    basis: ScoresBasis
    model: str
    customers: int
    mean_probability: float
    sample: float
    plan: ContactPlanSection | None
    backtest: BacktestSection | None = None
