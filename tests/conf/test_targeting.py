"""The declaration of the contact list, and its values from the command line."""

from typing import Any

import pytest
from pydantic import ValidationError

from conf.errors import UsageError
from conf.load import load_service, overridden
from conf.schema import Service
from conf.targeting import OWN_VALUE, Targeting
from tests.support.frames import SHOP

MONEY: dict[str, Any] = {"currency": "EUR", "cost_of_contact": 1.0, "value_of_customer": 9.0, "kept_share": 0.1}
SERVICE: dict[str, Any] = SHOP | {"targeting": MONEY | {"lift": 0.1}}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"aim": "convert"}, "lift: the aim convert needs it"),
        ({"kept_share": None}, "kept_share: the aim keep needs it"),
        ({"lift": -0.1}, "greater than or equal to 0"),
        ({"aim": "both"}, "Input should be 'convert' or 'keep'"),
        ({"value_of_customer": "spent"}, "value_about: value_of_customer is SQL; give the value in words"),
        ({"do_not_contact": {}}, "file, when: both are missing"),
        ({"contacted": {"file": "f.csv"}}, "again_after_days"),
        ({"contacted": {"again_after_days": 0}}, "greater than 0"),
        ({"segments": {"by": "device"}}, "most_contacts"),
        ({"min_probability": 1.5}, "less than or equal to 1"),
    ],
)
def test_what_is_missing_or_wrong_is_said(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Targeting.model_validate(MONEY | changes)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"do_not_contact": {"when": "nobody > 1"}}, "targeting.do_not_contact.when: .*nobody"),
        ({"segments": {"by": "country", "most_contacts": 1}}, "targeting.segments.by: .*country"),
    ],
)
def test_sql_of_limits_reads_features(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Service.model_validate(SHOP | {"targeting": MONEY | changes})


def test_shipped_services_declare_both_aims() -> None:
    aims = {}
    for name in ("audiobooks", "audiobooks_table", "cdnow", "music"):
        money = load_service(name).targeting
        assert money and money.other and money.other.aim != money.aim
        aims[name] = money.aim
    assert aims == {"audiobooks": "convert", "audiobooks_table": "convert", "cdnow": "convert", "music": "keep"}


def test_a_value_of_the_command_line_needs_no_words() -> None:
    """And those of the declared value do not belong to it."""
    declared = MONEY | {"value_of_customer": "spent_10d", "value_about": "what was spent"}
    service = Service.model_validate(SHOP | {"targeting": declared})
    said = []
    for given in ({"cost_of_contact": 2.0}, {"value_of_customer": "2 * spent_10d"}, {"value_of_customer": 3.0}):
        money = overridden(service, {"targeting": given}).targeting
        said.append(money.value_about if money else "")
    assert said == ["what was spent", OWN_VALUE, None]
    both = overridden(service, {"targeting": {"value_of_customer": "spent_10d", "value_about": "spent"}}).targeting
    assert both and both.value_about == "spent"


def test_a_file_of_the_command_line_leaves_the_declared_condition() -> None:
    declared = {"do_not_contact": {"when": "spent_10d > 5"}, "contacted": {"again_after_days": 30}}
    service = Service.model_validate(SHOP | {"targeting": MONEY | declared})
    nothing = {"do_not_contact": {"file": None}, "contacted": {"file": None, "again_after_days": None}}
    assert overridden(service, {"targeting": nothing}) == service
    files = {"do_not_contact": {"file": "no.csv"}, "contacted": {"file": "sent.csv", "again_after_days": None}}
    money = overridden(service, {"targeting": files}).targeting
    assert money and money.do_not_contact and money.contacted
    assert (money.do_not_contact.file, money.do_not_contact.when) == ("no.csv", "spent_10d > 5")
    assert (money.contacted.file, money.contacted.again_after_days) == ("sent.csv", 30)


def test_an_aim_of_the_command_line_needs_its_number() -> None:
    service = Service.model_validate(SERVICE)
    money = overridden(service, {"targeting": {"aim": "convert"}}).targeting
    assert money and money.aim == "convert"
    alone = Service.model_validate(SHOP | {"targeting": MONEY})
    with pytest.raises(UsageError, match="^command line: targeting: lift: the aim convert needs it"):
        overridden(alone, {"targeting": {"aim": "convert"}})
