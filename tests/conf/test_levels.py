"""Levels of a category, which may be any text."""

import re

import pytest
from pyspark.sql import SparkSession

from conf.levels import level_names, sql_text
from conf.schema import Feature
from features.declared import NamedFeature
from models.fitting.encoding import terms_of
from tests.support.customers import feature
from tests.support.frames import frame

ODD = ["ar", "it's", "back\\slash", "\\'", "two words", "Zürich", "東京", "a\nb", "100 %", "{x}", "; --", '"']


def test_names_are_readable_and_plain_ones_stay() -> None:
    assert level_names(["ar", "A_1", "United Kingdom", " Côte d'Ivoire ", "n/a"]) == {
        "ar": "ar",
        "A_1": "A_1",
        "United Kingdom": "United_Kingdom",
        " Côte d'Ivoire ": "Cote_d_Ivoire",
        "n/a": "n_a",
    }


def test_names_are_unique_apart_from_case_and_do_not_depend_on_the_order() -> None:
    levels = ["a b", "A_B", "東京", "大阪", "missing", "other"]
    found = level_names(levels)
    assert len({name.lower() for name in found.values()}) == len(levels)
    assert all(re.fullmatch(r"[A-Za-z0-9_]+", name) for name in found.values())
    assert found == level_names(levels[::-1])
    assert re.fullmatch("a_b_[0-9a-f]{6}", found["a b"]) and re.fullmatch("level_[0-9a-f]{6}", found["東京"])
    assert found["other"] == "other" and found["missing"].startswith("missing_")  # `x_is_missing` is that of null


def category(*levels: str) -> NamedFeature:
    return feature("place", "category", may_be_null=True, levels=levels)


def test_a_category_may_have_any_levels() -> None:
    declared = Feature(kind="category", unit="", from_tiles="max(place)", null_means="none", levels=ODD)
    assert declared.term_endings[0] == "_is_ar" and declared.term_endings[4] == "_is_two_words"


def test_each_row_is_of_its_level_on_both_engines(engine: SparkSession) -> None:
    rows = [{"number": number, "place": one} for number, one in enumerate([*ODD, "its", "AR", None])]
    table = frame(engine, rows, {"number": "int", "place": "string"})
    terms = terms_of([category(*ODD)])
    found = table.selectExpr("number", *(f"{term.sql} as `{number}`" for number, term in enumerate(terms)))
    for row in found.collect():
        assert [bool(row[str(number)]) for number in range(len(terms))] == [
            number == row["number"] for number in range(len(terms))
        ]
    others = ", ".join(map(sql_text, ODD))
    assert [row["place"] for row in table.where(f"place not in ({others})").collect()] == ["its", "AR"]


@pytest.mark.parametrize("text", ["plain", "it's", "\\"])
def test_sql_has_no_quote_within_quotes(text: str) -> None:
    assert re.fullmatch(r"'[^'\\]*'|cast\(unhex\('[0-9a-f]+'\) as string\)", sql_text(text))
