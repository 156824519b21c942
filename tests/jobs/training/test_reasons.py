"""Which features a reason may name, and how it says them, by the declarations of a service."""

from typing import Any

import numpy as np
import pytest

from conf.load import load_service
from conf.schema import Service
from features.declared import table_features
from jobs.records.training import TypicalRecord
from jobs.training.reasons import facts, reason_codes
from models.evaluation.typical import TypicalTerm
from models.fitting.encoding import terms_of
from models.scoring.calibration import Calibration
from models.scoring.inputs import Input
from models.scoring.linear import Linear
from models.scoring.portable import PortableModel
from tests.support.frames import SHOP

SERVICES = ("audiobooks", "audiobooks_table", "cdnow", "music")


def model_of(service: Service) -> PortableModel:
    """A model of all features."""
    terms = terms_of(table_features(service))
    inputs = tuple(Input(one.name, one.feature, one.sql, 7.0 if one.is_nullable else None) for one in terms)
    none = np.zeros(len(inputs))
    return PortableModel("lr", inputs, Linear(0.0, none, none, none), Calibration())


def typical_of(service: Service) -> TypicalRecord:
    """For whom every number is 2; each unit above it speaks for label 1."""
    values: dict[str, float | str | None] = {
        one.name: one.levels[0] if one.levels else 2.0 for one in table_features(service)
    }
    terms = {one.name: TypicalTerm(2.0, 1.0, 0.5) for one in model_of(service).inputs}
    return TypicalRecord(features=values, terms=terms)


def declared(**features: dict[str, Any]) -> Service:
    """A service with these features beside a visit's."""
    plain = {"unit": "x", "about": "An x {odd} (of some kind)", "from_tiles": "count(*)", "null_means": "no x"}
    more = {name: plain | one for name, one in features.items()}
    return Service.model_validate(SHOP | {"features": SHOP["features"] | more})


def nameable(service: Service) -> set[str]:
    codes = reason_codes(service, model_of(service), typical_of(service))
    return {one.feature for one in codes.terms if one.pull}


@pytest.mark.parametrize("name", SERVICES)
def test_shipped_services_name_what_says_something_and_have_it_in_every_family(name: str) -> None:
    service = load_service(name)
    features = table_features(service)
    assert nameable(service) == {one.name for one in features if one.says}
    assert {one.family for one in features if one.says} == {one.family for one in features}


@pytest.mark.parametrize("name", SERVICES)
def test_sentences_of_shipped_services_are_whole(name: str) -> None:
    service = load_service(name)
    said = facts(service, typical_of(service))
    for feature in (one for one in table_features(service) if one.says):
        for value in (0.0, 1.0, 16.0, None) if not feature.levels else (*feature.levels, None):
            words = said[feature.name].words(value)
            assert words.count("; typical: ") == 1, words
            assert not set("{}|") & set(words) and "observation window" not in words.partition(";")[0], words
            assert " 1 days" not in words and " 1 books" not in words, words


def test_family_by_kind_and_as_declared() -> None:
    service = declared(idle={"kind": "days"}, heard={"kind": "days", "family": "depth"})
    codes = reason_codes(service, model_of(service), typical_of(service))
    found = {one.feature: one.family for one in codes.terms}
    assert (found["idle"], found["heard"]) == ("recency", "depth")


def test_a_family_in_which_nothing_is_said_names_all_its_features() -> None:
    plain = declared(rises={"kind": "ratio"}, falls={"kind": "ratio"})
    assert nameable(plain) >= {"rises", "falls"}
    said = facts(plain, typical_of(plain))
    assert said["rises"].words(3.0) == "An x (odd): 3; typical: 2"  # without what stands in brackets at the end
    speaking = declared(rises={"kind": "ratio"}, falls={"kind": "ratio", "says": "fell to {percent}"})
    assert "falls" in nameable(speaking) and "rises" not in nameable(speaking)


def test_a_ratio_that_is_not_known_is_no_trend() -> None:
    service = declared(rises={"kind": "ratio"}, idle={"kind": "days"})
    codes = reason_codes(service, model_of(service), typical_of(service))
    pulls = dict(zip([one.name for one in model_of(service).inputs], [one.pull for one in codes.terms], strict=True))
    assert (pulls["rises"], pulls["rises_is_missing"]) == (1.0, 0.0)
    assert (pulls["idle"], pulls["idle_is_missing"]) == (1.0, 1.0)
