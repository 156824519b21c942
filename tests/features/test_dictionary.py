"""The feature dictionary explains every column of the feature table."""

import pytest
from pyspark.sql import SparkSession

from conf.load import load_service
from features.declared import named_features, table_features
from features.dictionary import HEADER, dictionary_markdown, dictionary_rows
from features.table import feature_table
from features.windows import Moment, Window
from tests.support.frames import AS_OF, before, tiles

MUSIC = load_service("music")


def entry(name: str) -> dict[str, str]:
    (row,) = [row for row in dictionary_rows(MUSIC) if row[0] == name]
    return dict(zip(HEADER, row, strict=True))


def test_a_windowed_count() -> None:
    assert entry("plays_last_7d") == {
        "name": "plays_last_7d",
        "alias": "freq_P_last_7",
        "meaning": "Plays in the last 7 days",
        "unit": "plays",
        "type": "bigint",
        "window_days": "7",
        "null_means": "never null: 0 if nothing was seen",
        "least": "0",
        "greatest": "",
        "expression": "sum(plays)",
    }


def test_a_share_of_the_whole_window() -> None:
    assert entry("paid_play_share") == {
        "name": "paid_play_share",
        "alias": "",
        "meaning": "Share of plays that were of paid songs in the last 30 days",
        "unit": "share of plays",
        "type": "double",
        "window_days": "30",
        "null_means": "no play in 30 days",
        "least": "0",
        "greatest": "1",
        "expression": "paid_plays_last_30d / nullif(plays_last_30d, 0)",
    }


def test_a_condition_stands_in_the_expression() -> None:
    assert entry("days_since_last_play")["expression"] == "min(age_days) where plays > 0"


@pytest.mark.parametrize("letter", "PDS")
def test_names_of_the_published_analyses(letter: str) -> None:
    names = {"P": "plays", "D": "downloads", "S": "searches"}
    for days in (1, 3, 7, 14, 30):
        assert entry(f"{names[letter]}_last_{days}d")["alias"] == f"freq_{letter}_last_{days}"


def test_every_feature_that_the_issue_asks_for_is_there() -> None:
    windowed = ["plays", "downloads", "searches", "play_seconds", "plays_through", "completion", "active_days"]
    asked = {f"{name}_last_{days}d" for name in windowed for days in (1, 3, 7, 14, 30)}
    asked |= {f"days_since_last_{name}" for name in ("play", "download", "search", "event")}
    asked |= {"device", "paid_play_share", "gap_days_mean", "gap_days_deviation", "distinct_songs_last_30d"}
    asked |= {"plays_acceleration_7d", "label", "label_status", "eligible"}
    assert asked <= {row[0] for row in dictionary_rows(MUSIC)}


def test_dictionary_lists_the_columns_of_the_table_in_order_and_type(sail: SparkSession) -> None:
    made = tiles(sail, MUSIC, {"search": [{"customer_id": 1, "date": before(1)}]})
    table = feature_table(made, [Moment.at(AS_OF, MUSIC.windows)], Window(before(9), AS_OF), MUSIC)
    rows = [dict(zip(HEADER, row, strict=True)) for row in dictionary_rows(MUSIC)]
    assert [row["name"] for row in rows] == table.columns
    types = dict(table.dtypes)
    assert {row["name"]: row["type"] for row in rows[2:-3]} == {row["name"]: types[row["name"]] for row in rows[2:-3]}


def test_internal_features_stay_inside() -> None:
    internal = {feature.name for feature in named_features(MUSIC) if feature.internal}
    assert "gaps" in internal and not internal & {row[0] for row in dictionary_rows(MUSIC)}


@pytest.mark.parametrize("service", ["music", "cdnow"])
def test_every_column_has_a_meaning_of_its_own(service: str) -> None:
    rows = dictionary_rows(load_service(service))
    names, aliases, meanings, units = ([row[n] for row in rows] for n in range(4))
    assert all(names) and all(meanings) and all(units) and all(row[6] for row in rows)
    assert len(set(names)) == len(names) and len(set(meanings)) == len(meanings)
    given = [alias for alias in aliases if alias]
    assert len(set(given)) == len(given) and not any("{" in cell for row in rows for cell in row)


def test_page_has_a_line_for_every_column_and_no_cell_breaks_it() -> None:
    feature = MUSIC.features["device"].model_copy(update={"about": "this | that"})
    service = MUSIC.model_copy(update={"features": MUSIC.features | {"device": feature}})
    lines = dictionary_markdown(service).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + len(table_features(service)) + 5  # head and rule; two keys, three of the outcome
    assert any("this \\| that" in line for line in table)
    assert {line.replace("\\|", "").count("|") for line in table} == {len(HEADER) + 1}
