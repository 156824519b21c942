"""How learning, targeting and watching are declared: grids, splits, costs, limits."""

import math
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from conf.declaration import Declaration, Share

SplitBy = Literal["auto", "customer", "time"]
Balance = Literal["none", "weights", "undersample"]


class LogisticGrid(Declaration):
    """Candidates of the logistic regression: its penalty, and the share of it that is L1 (elastic net)."""

    regularisation: list[Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default=[1e-3, 1e-2], min_length=1)
    l1_share: list[Share] = Field(default=[0.0], min_length=1)


class ForestGrid(Declaration):
    """Candidates of the random forest."""

    trees: list[PositiveInt] = Field(default=[100], min_length=1)
    depth: list[Annotated[int, Field(gt=0, le=12)]] = Field(default=[6, 10], min_length=1)


class BoostingGrid(Declaration):
    """Candidates of boosted trees."""

    rounds: list[PositiveInt] = Field(default=[50], min_length=1)
    depth: list[Annotated[int, Field(gt=0, le=12)]] = Field(default=[3, 5], min_length=1)
    learning_rate: list[Annotated[float, Field(gt=0, le=1)]] = Field(default=[0.1], min_length=1)


class Grids(Declaration):
    """What each model is tried with; the best by cross-validation on training customers is fitted on all of them."""

    lr: LogisticGrid = LogisticGrid()
    rf: ForestGrid = ForestGrid()
    gbt: BoostingGrid = BoostingGrid()
    xgb: BoostingGrid = BoostingGrid(rounds=[100])


class Training(Declaration):
    """How models are fitted; they are judged on the untouched distribution whatever is said here.

    `balance` weighs the rarer label up or draws as many of the other; the probabilities are then calibrated on a
    fifth of the training customers kept for it. `tuning_rows` bounds what cross-validation looks at, and the newest
    `as_of_dates` train: a nightly run would otherwise learn from one more table each night.
    """

    split: SplitBy = "auto"
    balance: Balance = "none"
    calibrate: Literal["auto", "none", "isotonic", "platt"] = "auto"
    folds: int = Field(default=3, ge=2, le=20)
    tuning_rows: int = Field(default=20_000, ge=100)
    as_of_dates: PositiveInt = 12
    seed: int = Field(default=1, ge=0, lt=2**63)  # Spark's seeds are longs
    grids: Grids = Grids()


class Alive(Declaration):
    """What the BG/NBD baseline reads, as SQL over features: repeat purchases, and days from the first to the last
    purchase and to as_of. `unit_days` is its unit of time, in which distinct customers are counted."""

    frequency: str
    recency_days: str
    age_days: str
    unit_days: PositiveInt = 7


class Targeting(Declaration):
    """What contacting a customer costs and brings, for the list of whom to contact.

    `value_of_customer` is a number, or SQL over features; `kept_share` is the share of contacted leavers who stay.
    At most one of `contacts` and `budget` bounds the list. `treated` is SQL over features that says who was contacted
    before, where that is known.
    """

    currency: str
    cost_of_contact: float = Field(gt=0, allow_inf_nan=False)
    value_of_customer: float | str
    kept_share: Share
    contacts: PositiveInt | None = None
    budget: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    hold_out_share: float = Field(default=0.1, ge=0, lt=1)
    treated: str | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> "Targeting":
        if self.contacts is not None and self.budget is not None:
            raise ValueError("give at most one of contacts and budget")
        if isinstance(self.value_of_customer, float) and not 0 < self.value_of_customer < math.inf:
            raise ValueError("value_of_customer: a customer kept must be worth something, and not without end")
        return self

    @property
    def expressions(self) -> dict[str, str]:
        """The SQL in it, by key."""
        found = {"value_of_customer": self.value_of_customer, "treated": self.treated}
        return {key: value for key, value in found.items() if isinstance(value, str)}


class Audit(Declaration):
    """When a feature is suspected of knowing the outcome: alone it ranks customers with an AUC of `auc` or more (or as
    little as 1 - `auc`), or a range of its values decides the label: in it at most `other_label_share` of the customers
    have the other label, and the odds of that label are at least `odds` times as high right beside it, and in it by a
    model of all features that are not suspected."""

    auc: float = Field(default=0.95, gt=0.5, le=1)
    other_label_share: float = Field(default=0.01, gt=0, lt=0.5)
    odds: float = Field(default=30.0, gt=1, allow_inf_nan=False)


class Drift(Declaration):
    """How far a table may be from the one trained on: population stability index, change of the share of nulls,
    share of categories never declared."""

    psi: float = Field(default=0.25, gt=0)
    null_share: Share = 0.1
    new_category_share: Share = 0.01
