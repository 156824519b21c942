"""Declarations of training, the leakage audit and drift: grids, splits, limits."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from conf.declaration import Declaration, Share

SplitBy = Literal["auto", "customer", "time"]
Balance = Literal["none", "weights", "undersample"]


class LogisticGrid(Declaration):
    """Candidates of the logistic regression (elastic net): every combination of the lists.

    regularisation: penalties on the coefficients of standardised inputs.
    l1_share: shares of L1 in the penalty, 0 (ridge) to 1 (lasso).
    """

    regularisation: list[Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default=[1e-3, 1e-2], min_length=1)
    l1_share: list[Share] = Field(default=[0.0], min_length=1)


class ForestGrid(Declaration):
    """Candidates of the random forest: every combination of the lists.

    trees: numbers of trees.
    depth: maximum depths of a tree, at most 12.
    """

    trees: list[PositiveInt] = Field(default=[100], min_length=1)
    depth: list[Annotated[int, Field(gt=0, le=12)]] = Field(default=[6, 10], min_length=1)


class BoostingGrid(Declaration):
    """Candidates of boosted trees: every combination of the lists.

    rounds: numbers of boosting rounds, which are numbers of trees.
    depth: maximum depths of a tree, at most 12.
    learning_rate: weights of each tree's contribution, above 0 and at most 1.
    """

    rounds: list[PositiveInt] = Field(default=[50], min_length=1)
    depth: list[Annotated[int, Field(gt=0, le=12)]] = Field(default=[3, 5], min_length=1)
    learning_rate: list[Annotated[float, Field(gt=0, le=1)]] = Field(default=[0.1], min_length=1)


class Grids(Declaration):
    """Candidates of each kind of model.

    Cross-validation on training customers selects the best candidate, which is then fitted on all of them.

    lr: logistic regression.
    rf: random forest.
    gbt: boosted trees by Spark MLlib.
    xgb: boosted trees by XGBoost.
    """

    lr: LogisticGrid = LogisticGrid()
    rf: ForestGrid = ForestGrid()
    gbt: BoostingGrid = BoostingGrid()
    xgb: BoostingGrid = BoostingGrid(rounds=[100])


class Training(Declaration):
    """How models are fitted. The test set is never balanced.

    split: `time` uses as-of dates for training whose outcome windows ended by the as-of date of the test. `customer`
        holds out 25 % of the customers for the test, at every date. `auto` splits by time if there is such an as-of
        date, else by customer.
    balance: how the rarer label is balanced in training: `none`, `weights` (both labels have the same total weight) or
        `undersample` (random rows of the commoner label, as many as there are of the rarer one).
    calibrate: how probabilities are calibrated, on 20 % of the training customers that are kept for it: `none`,
        `isotonic`, `platt`, or `auto`, which is `isotonic` for balanced labels and otherwise `none`.
    folds: number of folds of cross-validation, 2 to 20.
    tuning_rows: number of training rows that cross-validation uses, at least 100; more if the rarer label would
        otherwise have fewer than 500 rows.
    as_of_dates: number of as-of dates used for training, the newest ones. Without this limit, every nightly run would
        train on one more table.
    seed: random seed, 0 to 2**63 - 1.
    grids: candidates of each kind of model.
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
    """Inputs of the BG/NBD baseline, each as Spark SQL over the features of the table.

    frequency: number of repeat purchases.
    recency_days: days from the first purchase to the last.
    age_days: days from the first purchase to the as-of date.
    unit_days: unit of time of the model in days. Customers with equal inputs in this unit are counted together.
    """

    frequency: str
    recency_days: str
    age_days: str
    unit_days: PositiveInt = 7


class Audit(Declaration):
    """Limits of the leakage audit: when a feature is suspected to know the outcome.

    A feature is suspected if it alone ranks customers almost perfectly, or if some of its values decide the label:
    nearly all customers with these values have one label, and customers with the neighbouring values do not.

    auc: AUC of the feature alone, in the better direction, from which it is suspected; above 0.5.
    other_label_share: share of customers with the other label up to which values decide the label.
    odds: how many times as high the odds of the other label must be for the neighbouring values, and as predicted by a
        model of all features that are not suspected; above 1.
    """

    auc: float = Field(default=0.95, gt=0.5, le=1)
    other_label_share: float = Field(default=0.01, gt=0, lt=0.5)
    odds: float = Field(default=30.0, gt=1, allow_inf_nan=False)


class Drift(Declaration):
    """Limits of drift: how much a table may differ from the training set before `encore drift` fails.

    psi: population stability index of a feature or of the score.
    null_share: change of the share of nulls of a feature.
    new_category_share: share of customers with a category that is not declared.
    """

    psi: float = Field(default=0.25, gt=0)
    null_share: Share = 0.1
    new_category_share: Share = 0.01
