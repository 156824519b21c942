"""Options of the contact list, which several commands share: its aim, costs and values, and limits of contact."""

from typing import Annotated, Any

import typer

from conf.targeting import Aim

AimOption = Annotated[
    Aim | None,
    typer.Option(help="Whom to contact: `convert`, those likely to come back; `keep`, those likely to leave."),
]
ContactsOption = Annotated[int | None, typer.Option(min=1, help="Maximum number of contacts.")]
BudgetOption = Annotated[float | None, typer.Option(help="Maximum amount to spend on contacts.")]
CostOption = Annotated[float | None, typer.Option(help="Cost of a contact.")]
ValueOption = Annotated[
    str | None, typer.Option(help="Value of a customer who comes back or stays: a number, or SQL over features.")
]
ValueAboutOption = Annotated[str | None, typer.Option(help="This value in words, for the report.")]
LiftOption = Annotated[
    float | None, typer.Option(help="Relative increase of the probability of coming back by a contact, such as 0.1.")
]
KeptShareOption = Annotated[float | None, typer.Option(help="Share of the contacted leavers who stay.")]
HoldOutOption = Annotated[
    float | None, typer.Option(help="Share of the list that is not contacted, to measure the effect.")
]
CurrencyOption = Annotated[str | None, typer.Option(help="Currency of all amounts.")]
MinProbabilityOption = Annotated[
    float | None,
    typer.Option(help="Lowest probability of coming back (`convert`) or of leaving (`keep`) to contact a customer."),
]
DoNotContactOption = Annotated[
    str | None, typer.Option(help="CSV or Parquet file with a column customer_id: customers who are never contacted.")
]
ContactedOption = Annotated[
    str | None, typer.Option(help="CSV or Parquet file with the columns customer_id and date: contacts so far.")
]
AgainAfterOption = Annotated[
    int | None, typer.Option(min=1, help="Days from a contact to the first as-of date for the next one.")
]


def economics(
    aim: Aim | None,
    contacts: int | None,
    budget: float | None,
    cost: float | None,
    value: str | None,
    value_about: str | None,
    lift: float | None,
    kept_share: float | None,
    hold_out: float | None,
    currency: str | None,
    min_probability: float | None,
    do_not_contact: str | None,
    contacted: str | None,
    again_after_days: int | None,
) -> dict[str, Any]:
    """What these options give, by key of the section `targeting` of a service; None where one is not given."""
    return {
        "aim": aim,
        "contacts": contacts,
        "budget": budget,
        "cost_of_contact": cost,
        "value_of_customer": _number_or_sql(value),
        "value_about": value_about,
        "lift": lift,
        "kept_share": kept_share,
        "hold_out_share": hold_out,
        "currency": currency,
        "min_probability": min_probability,
        "do_not_contact": {"file": do_not_contact},
        "contacted": {"file": contacted, "again_after_days": again_after_days},
    }


def _number_or_sql(text: str | None) -> float | str | None:
    """A number as such, other texts as they are."""
    try:
        return float(text) if text is not None else None
    except ValueError:
        return text
