"""Declaration of targeting: what a contact is for, what it costs and brings, and whom not to contact."""

import math
from typing import Literal, get_args

from pydantic import Field, PositiveInt, model_validator

from conf.declaration import Declaration, Share

Aim = Literal["convert", "keep"]
AIMS: tuple[Aim, ...] = get_args(Aim)
OWN_VALUE = "a value of its own for each customer"  # of an SQL from the command line that nobody put into words


class DoNotContact(Declaration):
    """Customers who are never contacted.

    file: CSV or Parquet file with a column `customer_id`: a path or a URL. A relative path begins at the folder where
        the command is run.
    when: Spark SQL over the features of the table. A condition that is null counts as false.
    """

    file: str | None = None
    when: str | None = None

    @model_validator(mode="after")
    def _check_keys(self) -> "DoNotContact":
        if self.file is None and self.when is None:
            raise ValueError("file, when: both are missing; give at least one of them")
        return self


class Contacted(Declaration):
    """Customers who were contacted lately. Only contacts before the as-of date count.

    The lists in the data folder count too: their customers to contact were contacted at the list's as-of date.

    file: CSV or Parquet file with the columns `customer_id` and `date` (YYYY-MM-DD), one row per contact: a path or a
        URL. Null: only the lists in the data folder count.
    again_after_days: number of days from a contact to the first as-of date at which the customer may be contacted
        again.
    """

    file: str | None = None
    again_after_days: PositiveInt


class SegmentLimit(Declaration):
    """A maximum number of contacts for each segment of the customers.

    by: Spark SQL over the features of the table; customers with equal values are a segment, and so are those with null.
    most_contacts: maximum number of contacts in a segment.
    """

    by: str
    most_contacts: PositiveInt


class Targeting(Declaration):
    """Aim, cost and value of contacting a customer, for the contact list.

    aim: `convert` contacts customers who are likely to come back, and makes that likelier; `keep` contacts customers
        who are likely to leave, some of whom then stay.
    currency: currency of all amounts, such as EUR.
    cost_of_contact: cost of one contact in this currency, above 0.
    value_of_customer: value of a customer who comes back or stays, in this currency: a number above 0, or Spark SQL
        over the features of the table.
    value_about: the value in words, which the report prints. Required where the value is SQL.
    lift: relative increase of a customer's probability of coming back by a contact: p becomes (1 + lift) p, at most 1.
        Required for the aim `convert`.
    kept_share: share of the contacted leavers who stay, 0 to 1. Required for the aim `keep`. Where both `lift` and
        `kept_share` are given, the report says what the other aim would do.
    contacts: maximum number of contacts. Null: no limit. At most one of `contacts` and `budget` may be given.
    budget: maximum total cost of the contacts, in this currency. Null: no limit.
    hold_out_share: share of the customers on the list who are not contacted, so that the effect can be measured.
    min_probability: lowest probability of what the aim is about, of coming back (`convert`) or of leaving (`keep`), at
        which a customer is contacted.
    do_not_contact: customers who are never contacted.
    contacted: customers who were contacted lately.
    segments: maximum number of contacts for each segment of the customers.
    treated: Spark SQL over the features of the table that says whether a customer was contacted before. Null: not
        known, and no uplift is measured.
    """

    aim: Aim = "keep"
    currency: str
    cost_of_contact: float = Field(gt=0, allow_inf_nan=False)
    value_of_customer: float | str
    value_about: str | None = None
    lift: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    kept_share: Share | None = None
    contacts: PositiveInt | None = None
    budget: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    hold_out_share: float = Field(default=0.1, ge=0, lt=1)
    min_probability: Share | None = None
    do_not_contact: DoNotContact | None = None
    contacted: Contacted | None = None
    segments: SegmentLimit | None = None
    treated: str | None = None

    @model_validator(mode="after")
    def _check_limits(self) -> "Targeting":
        if self.contacts is not None and self.budget is not None:
            raise ValueError("contacts, budget: both are given; give at most one of them")
        if isinstance(self.value_of_customer, float) and not 0 < self.value_of_customer < math.inf:
            raise ValueError("value_of_customer: give a finite number above 0, or SQL over features")
        if isinstance(self.value_of_customer, str) and not self.value_about:
            raise ValueError(
                "value_about: value_of_customer is SQL; give the value in words, such as 10 EUR for each purchase"
            )
        if self.aim == "convert" and self.lift is None:
            raise ValueError(
                "lift: the aim convert needs it; give the relative increase of a customer's probability of coming back "
                "by a contact, such as 0.1"
            )
        if self.aim == "keep" and self.kept_share is None:
            raise ValueError(
                "kept_share: the aim keep needs it; give the share of the contacted leavers who stay, such as 0.1"
            )
        return self

    @property
    def expressions(self) -> dict[str, str]:
        """The SQL expressions, by key."""
        found = {
            "value_of_customer": self.value_of_customer,
            "do_not_contact.when": self.do_not_contact.when if self.do_not_contact else None,
            "segments.by": self.segments.by if self.segments else None,
            "treated": self.treated,
        }
        return {key: value for key, value in found.items() if isinstance(value, str)}

    @property
    def other(self) -> "Targeting | None":
        """The same by the other aim; None where the number that it needs is not declared."""
        if self.lift is None or self.kept_share is None:
            return None
        [other] = (aim for aim in AIMS if aim != self.aim)
        return self.model_copy(update={"aim": other})
