"""The record of scores and of the contact plan that was made from them."""

from typing import ClassVar

from jobs.records.layers import FeaturesBasis
from jobs.storage.records import PartitionRecord, Section
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


class ScoresRecord(PartitionRecord):
    """Scores, one row per eligible customer: `scores/as_of=…/`; `plan` is None where no economics are declared."""

    COMMAND: ClassVar[str] = "`encore score --as-of {partition}`"
    basis: ScoresBasis
    model: str
    customers: int
    mean_probability: float
    sample: float
    plan: ContactPlanSection | None
