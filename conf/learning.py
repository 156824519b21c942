"""How learning, targeting and watching are declared: grids, splits, costs, limits."""

import math
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from conf.declaration import Declaration, Share

SplitBy = Literal["auto", "customer", "time"]
Balance = Literal["none", "weights", "undersample"]


class LogisticGrid(Declaration):
    """Candidates of the logistic regression: every combination of the lists.

    regularisation: penalty.
    l1_share: share of the penalty that is L1 (elastic net).
    """

    regularisation: list[Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default=[1e-3, 1e-2], min_length=1)
    l1_share: list[Share] = Field(default=[0.0], min_length=1)


class ForestGrid(Declaration):
    """Candidates of the random forest: every combination of the lists.

    trees: number of trees.
    depth: maximum depth of a tree.
    """

    trees: list[PositiveInt] = Field(default=[100], min_length=1)
    depth: list[Annotated[int, Field(gt=0, le=12)]] = Field(default=[6, 10], min_length=1)


class BoostingGrid(Declaration):
    """Candidates of boosted trees: every combination of the lists.

    rounds: number of trees.
    depth: maximum depth of a tree.
    learning_rate: weight of each new tree.
    """

    rounds: list[PositiveInt] = Field(default=[50], min_length=1)
    depth: list[Annotated[int, Field(gt=0, le=12)]] = Field(default=[3, 5], min_length=1)
    learning_rate: list[Annotated[float, Field(gt=0, le=1)]] = Field(default=[0.1], min_length=1)


class Grids(Declaration):
    """The candidates of each kind of model; the best in cross-validation on the training set is fitted on all of it.

    lr: logistic regression of Spark MLlib.
    rf: random forest of Spark MLlib.
    gbt: boosted trees of Spark MLlib.
    xgb: XGBoost on Spark.
    """

    lr: LogisticGrid = LogisticGrid()
    rf: ForestGrid = ForestGrid()
    gbt: BoostingGrid = BoostingGrid()
    xgb: BoostingGrid = BoostingGrid(rounds=[100])


class Training(Declaration):
    """How models are fitted. The test set always has the shares of labels that the data has.

    split: how the test set is split off; `auto` splits by time if an earlier as-of date can be used for training.
    balance: `weights` weights the rarer label up, `undersample` draws as many rows of the other one; in the training
        set only.
    calibrate: how probabilities are calibrated, on a fifth of the training customers that is kept for it; `auto` is
        isotonic where the labels were balanced, else none.
    folds: number of folds of the cross-validation.
    tuning_rows: rows in cross-validation; more if a label is rare.
    as_of_dates: number of the newest as-of dates that are used for training.
    seed: random seed.
    grids: the candidates of each kind of model.
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
    """What the BG/NBD baseline reads.

    frequency: number of repeat purchases, as SQL over features.
    recency_days: days from the first purchase to the last, as SQL over features.
    age_days: days from the first purchase to the as-of date, as SQL over features.
    unit_days: unit of time of the model, in days; purchases within one unit count once.
    """

    frequency: str
    recency_days: str
    age_days: str
    unit_days: PositiveInt = 7


class Targeting(Declaration):
    """What contacting a customer costs and brings, for the contact list.

    Give at most one of `contacts` and `budget`.

    currency: currency of all amounts.
    cost_of_contact: cost of one contact.
    value_of_customer: value of a customer who stays: a number, or SQL over features.
    kept_share: share of the contacted leavers who stay because of it.
    contacts: maximum number of contacts.
    budget: maximum cost of all contacts.
    hold_out_share: share of the list that is not contacted, to measure the effect.
    treated: who was contacted before, as SQL over features, where that is known; then uplift is measured.
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
    """When the leakage audit flags a feature: alone it ranks customers almost perfectly, or values decide the label.

    auc: flagged if the AUC of the feature alone is at least this, or at most 1 minus this, with 95 % confidence.
    other_label_share: values decide the label if at most this share of their customers have the other label, and if
        the odds of it jump beside them (see `odds`).
    odds: least ratio of the odds of the other label beside these values to those among them; a model of all features
        that are not suspected must expect as much among them.
    """

    auc: float = Field(default=0.95, gt=0.5, le=1)
    other_label_share: float = Field(default=0.01, gt=0, lt=0.5)
    odds: float = Field(default=30.0, gt=1, allow_inf_nan=False)


class Drift(Declaration):
    """How far a feature or the score may be from the training set; above a limit `encore drift` exits with 4.

    psi: population stability index.
    null_share: change of the share of nulls.
    new_category_share: share of values of a category that are not declared.
    """

    psi: float = Field(default=0.25, gt=0)
    null_share: Share = 0.1
    new_category_share: Share = 0.01
