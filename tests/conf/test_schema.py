"""Configurations: those that come with Encore are sound, and every mistake names file, key and fix."""

import ast
import re
from datetime import date
from pathlib import Path

import pytest
import yaml

from conf.errors import EncoreError, UsageError
from conf.load import FOLDER, fingerprint, load_profile, load_service
from conf.schema import Service
from tests.support.frames import SHOP, Change, put

FEATURE = {"kind": "count", "unit": "coins", "about": "Coins", "from_tiles": "sum(spent)", "fill": 0}

RECORDS = {"files": "*visit*", "format": "records", "fields": ["who", "spent"], "customer": "who", "day": "spent"}
TABLE = {"as_of": date(2020, 1, 1), "columns": {"customer_id": {"type": "string"}, "spent": {"type": "int"}}}
TARGETING = {"currency": "EUR", "cost_of_contact": 1.0, "value_of_customer": 9.0, "kept_share": 0.1}
CATEGORY = {"kind": "category", "unit": "", "about": "x", "from_tiles": "min('A')", "null_means": "none"}


def problem(path: Path, text: str | bytes) -> str:
    """The error of loading a file with this content, without the path, with which it must begin."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(UsageError) as caught:
        load_service(str(path))
    assert caught.value.exit_code == 2
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message.removeprefix(f"{path}: ")


def changed(change: Change) -> str:
    """The YAML of the shop with a change."""
    declared = yaml.safe_load(yaml.safe_dump(SHOP))
    change(declared)
    return yaml.safe_dump(declared, sort_keys=False)


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.yaml")))
def test_services_of_encore_load(name: str) -> None:
    assert load_service(name).title


@pytest.mark.parametrize("name", ["local", "cluster"])
def test_profiles_of_encore_load(name: str) -> None:
    assert load_profile(name).engine == {"local": "sail", "cluster": "spark"}[name]


def test_a_service_can_be_a_path(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(yaml.safe_dump(SHOP))
    assert load_service(str(path)) == Service.model_validate(SHOP)


def test_music_is_what_the_issue_says() -> None:
    music = load_service("music")
    assert (music.windows.observation_days, music.windows.gap_days, music.windows.outcome_days) == (30, 0, 14)
    fields = {name: len(event.landing.fields) for name, event in music.events.items()}
    assert fields == {"play": 9, "down": 6, "search": 4}
    assert (music.label.name, music.label.one_if) == ("churn", "absent")


def test_cdnow_is_what_the_issue_says() -> None:
    cdnow = load_service("cdnow")
    assert (cdnow.windows.observation_days, cdnow.windows.gap_days, cdnow.windows.outcome_days) == (365, 0, 181)
    assert cdnow.label.one_if == "present"


@pytest.mark.parametrize("name", ["nope", "/nowhere/nope.yaml", "conf"])
def test_no_such_service(name: str) -> None:
    with pytest.raises(UsageError, match=r"there is no configuration .*; give one of audiobooks, .*cdnow, music"):
        load_service(name)


MISTAKES: dict[str, tuple[Change, str]] = {
    "unknown key": (put("windows/outcom_days", 3), "windows.outcom_days: unknown key; remove it or correct"),
    "unknown key deep inside": (put("features/last_spending/fil", 0), "features.last_spending.fil: unknown key"),
    "missing key": (lambda shop: shop.pop("label"), "label: this key is missing; add it"),
    "text for a number": (put("windows/outcome_days", "14"), "windows.outcome_days: Input should be a valid integer"),
    "truth for a number": (put("windows/outcome_days", True), "windows.outcome_days: Input should be a valid integer"),
    "number for a text": (put("title", 3), "title: Input should be a valid string"),
    "list for keys": (put("windows", [1]), "windows: must be a mapping of keys to values"),
    "no outcome": (put("windows/outcome_days", 0), "windows.outcome_days: Input should be greater than 0"),
    "negative gap": (put("windows/gap_days", -1), "windows.gap_days: Input should be greater than or equal to 0"),
    "endless window": (put("windows/observation_days", 10**9), "windows.observation_days: Input should be less than"),
    "window too long": (put("features/spent_{days}d/windows", [11]), "features.spent_{days}d: 11 days is longer than"),
    "window twice": (
        put("features/spent_{days}d/windows", [3, 3]),
        "features.spent_{days}d: the name 'spent_3d' is taken",
    ),
    "windows not in the name": (put("features/x", FEATURE | {"windows": [3]}), "features.x: a name needs {days} if"),
    "other braces": (put("features/spent_{day}", FEATURE), "features.spent_{day}: 'spent_{day}' must consist"),
    "unknown braces": (
        put("features/x", {**FEATURE, "from_tiles": None, "from_features": "spent_{day}d"}),
        "features.x.from_features: ",
    ),
    "SQL of a label": (put("label/when", "spent >"), "label.when: this SQL does not parse"),
    "column of a label": (
        put("label/when", "spend > 0"),
        "label.when: unknown column 'spend' in 'spend > 0'; there are:",
    ),
    "column of a bot": (put("bots/when", "is_bot"), "bots.when: unknown column 'is_bot'"),
    "column of eligible": (put("eligible/when", "spent > 0"), "eligible.when: unknown column 'spent'"),
    "aggregate in a label": (
        put("label/when", "sum(spent) > 0"),
        "label.when: 'sum(spent) > 0' must be an expression over one row",
    ),
    "as_of in a feature": (
        put("features/x", FEATURE | {"from_tiles": "max(as_of)"}),
        "features.x.from_tiles: unknown column 'as_of'",
    ),
    "feature declared below": (
        lambda shop: shop.update(
            features={"x": {**FEATURE, "from_tiles": None, "from_features": "last_spending"}, **shop["features"]}
        ),
        "features.x.from_features: unknown column 'last_spending'",
    ),
    "no aggregate": (put("features/x", FEATURE | {"from_tiles": "abs(spent)"}), "features.x: 'abs(spent)' must be one"),
    "neither from": (
        put("features/x", FEATURE | {"from_tiles": None}),
        "features.x: from_tiles, from_features: give exactly",
    ),
    "null not explained": (
        put("features/x", FEATURE | {"fill": None}),
        "features.x: fill, null_means: give exactly one",
    ),
    "null explained twice": (
        put("features/last_spending/fill", 0),
        "features.last_spending: fill, null_means: give exac",
    ),
    "kind": (put("features/last_spending/kind", "dayz"), "features.last_spending.kind: Input should be 'count',"),
    "empty level": (
        put("features/x", CATEGORY | {"levels": [""]}),
        "features.x.levels.0: String should have at least 1 character",
    ),
    "level twice": (put("features/x", CATEGORY | {"levels": ["a", "a"]}), "features.x: levels: a value stands twice"),
    "name of another's level": (
        lambda shop: shop["features"].update(x=CATEGORY | {"levels": ["A", "B"]}, x_is_b=FEATURE),
        "features.x_is_b: 'x_is_b' is also a model term of 'x'; rename",
    ),
    "name of another's null": (
        lambda shop: shop.update(features={"last_spending_is_missing": FEATURE} | shop["features"]),
        "features.last_spending: 'last_spending_is_missing' is also a model term of 'last_spending_is_missing'; rename",
    ),
    "name of a window's null": (
        lambda shop: shop["features"].update(
            {"x_{days}d": FEATURE | {"fill": None, "null_means": "none", "windows": [1, 3]}, "x_3d_is_missing": FEATURE}
        ),
        "features.x_3d_is_missing: 'x_3d_is_missing' is also a model term of 'x_3d'; rename",
    ),
    "levels of two that meet": (
        lambda shop: shop["features"].update(
            x=CATEGORY | {"levels": ["y_is_a"]},
            x_is_y=CATEGORY | {"levels": ["a"]},
        ),
        "features.x_is_y: 'x_is_y_is_a' is also a model term of 'x'; rename",
    ),
    "endless penalty": (
        put("training", {"grids": {"lr": {"regularisation": [0.1, float("inf")]}}}),
        "training.grids.lr.regularisation.1: Input should be a finite number",
    ),
    "penalty that is no number": (
        put("training", {"grids": {"lr": {"regularisation": [float("nan")]}}}),
        "training.grids.lr.regularisation.0: Input should be a finite number",
    ),
    "part that is no expression": (
        lambda shop: shop["events"]["visit"]["landing"].update(part="([", parts_per_day=2),
        "events.visit.landing: part: '([' is not a regular expression (unterminated character set",
    ),
    "part with a count too high": (
        lambda shop: shop["events"]["visit"]["landing"].update(part="(a{99999999999})", parts_per_day=2),
        "events.visit.landing: part: '(a{99999999999})' is not a regular expression (the repetition number is too",
    ),
    "more parts than memory": (
        lambda shop: shop["events"]["visit"]["landing"].update(part="([0-9])", parts_per_day=10**12),
        "events.visit.landing.parts_per_day: Input should be less than or equal to 10000",
    ),
    "function that does not exist": (
        put("label/when", "spent > flor(spent)"),
        "label.when: 'spent > flor(spent)': the function flor is not allowed; the nearest allowed one is floor",
    ),
    "function that reads the clock": (
        put("features/x", FEATURE | {"from_tiles": "sum(case when date < now() then 1 end)"}),
        "features.x: 'sum(case when date < now() then 1 end)': the function now is not allowed; the nearest allowed",
    ),
    "fill that is no number": (put("features/last_spending/cap", float("nan")), "features.last_spending.cap."),
    "seed too long": (put("training", {"seed": 2**63}), "training.seed: Input should be less than 9223372036854775808"),
    "too few to tune on": (put("training", {"tuning_rows": 99}), "training.tuning_rows: Input should be greater than"),
    "no tables to train on": (put("training", {"as_of_dates": 0}), "training.as_of_dates: Input should be greater"),
    "recency": (put("recency_feature", "nope"), "recency_feature: there is no feature 'nope'"),
    "measure": (
        put("events/visit/measures/mean", {"sql": "avg(spent)", "about": "x"}),
        "events.visit.measures.mean.sql: 'avg(spent)' cannot be merged from day to day",
    ),
    "measure with a name of ours": (
        put("events/visit/measures/age_days", {"sql": "sum(spent)", "about": "x"}),
        "events.visit.measures.age_days: this name is reserved; choose another",
    ),
    "measure of raw fields": (
        put("events/visit/measures/x", {"sql": "count(who)", "about": "x"}),
        "events.visit: measures.x.sql: unknown column 'who'",
    ),
    "type": (put("events/visit/columns/spent/type", "float"), "events.visit.columns.spent.type: String should match"),
    "decimal": (
        put("events/visit/columns/spent/type", "decimal(3,4)"),
        "events.visit.columns.spent.type: a decimal has",
    ),
    "no customer": (lambda shop: shop["events"]["visit"]["columns"].pop("customer_id"), "events.visit: columns must"),
    "column with a name of ours": (
        put("events/visit/columns/reason", {"type": "int", "sql": "spent", "about": "x"}),
        "events.visit: columns: 'reason' is a reserved name; choose another",
    ),
    "field": (put("events/visit/landing/customer", "uid"), "events.visit.landing: customer: 'uid' is not a field"),
    "fields twice": (put("events/visit/landing/fields", ["who", "who"]), "events.visit.landing.fields: a name "),
    "field named date": (
        put("events/visit/landing/fields", ["who", "spent", "date"]),
        "events.visit.landing: fields: `date` is reserved",
    ),
    "day of no field": (put("events/visit/landing/day", "name,at"), "events.visit.landing: day: 'at' is not a field"),
    "customer of the file's name": (
        put("events/visit/landing/customer", "name"),
        "events.visit.landing: customer: 'name' is not a field",
    ),
    "part without parts of a day": (
        put("events/visit/landing/part", "_([0-9]+)_"),
        "events.visit.landing: part, parts_per_day: only one of the two is given",
    ),
    "reject that sets": (
        put("events/visit/checks", {"x": {"when": "spent < 0", "then": "reject", "set": {"spent": "0"}, "about": "x"}}),
        "events.visit.checks.x: set: only a repair has it; remove it",
    ),
    "repair of nothing": (
        put("events/visit/checks", {"x": {"when": "spent < 0", "then": "repair", "about": "x"}}),
        "events.visit.checks.x: set: a repair needs it; give a column",
    ),
    "repair of another column": (
        put("events/visit/checks", {"x": {"when": "true", "then": "repair", "set": {"coins": "0"}, "about": "x"}}),
        "events.visit: checks.x.set: 'coins' is not a column; choose one of customer_id, spent",
    ),
    "events of no kind": (put("events", {}), "events, table: give exactly one of events (raw"),
    "events and a table": (put("table", TABLE), "events, table: give exactly one of events (raw"),
    "cap of a category": (put("features/x", CATEGORY | {"levels": ["A"], "cap": 1}), "features.x: cap: only a number"),
    "fact without the value": (put("features/x", FEATURE | {"says": "was here"}), "features.x: says: needs `{value}`"),
    "fact about an unknown level": (
        put("features/x", CATEGORY | {"levels": ["A"], "says": "uses {B:bees|C:seas}"}),
        "features.x: says: {B:bees|C:seas}: 'B' is no level of the category; choose one of A",
    ),
    "fact of what nobody sees": (
        put("features/x", FEATURE | {"internal": True, "says": "{value}"}),
        "features.x: says: no reason names an internal feature; remove this key",
    ),
    "no such family": (put("features/x", FEATURE | {"family": "luck"}), "features.x.family: Input should be 'recency'"),
    "cap of what nobody sees": (put("features/x", FEATURE | {"internal": True, "cap": 1}), "features.x: cap: only a n"),
    "records with a separator": (
        put("events/visit/landing", RECORDS | {"separator": "space"}),
        "events.visit.landing: separator: 'space' is neither one character nor comma, semicolon, tab, bar",
    ),
    "column of records twice": (
        put("events/visit/landing", RECORDS | {"column_names": ["who", "Who "]}),
        "events.visit.landing: column_names: a name occurs twice, apart from upper and lower case",
    ),
    "columns of lines": (
        put("events/visit/landing/column_names", ["who"]),
        "events.visit.landing: column_names: only `records` have it",
    ),
    "source of lines": (
        put("events/visit/landing/fields", {"who": "User", "spent": "Spent"}),
        "events.visit.landing: fields: only `records` have sources by name; give a list, or say `format: records`",
    ),
    "encoding of lines": (
        put("events/visit/landing/encoding", "cp1252"),
        "events.visit.landing: encoding: only `records` have it; remove this key, or say `format: records`",
    ),
    "encoding": (
        put("events/visit/landing", RECORDS | {"encoding": "latin-2000"}),
        "events.visit.landing.encoding: 'latin-2000' is no encoding of text; give one such as utf-8",
    ),
    "encoding of bytes": (
        put("events/visit/landing", RECORDS | {"encoding": "base64"}),
        "events.visit.landing.encoding: 'base64' is no encoding of text",
    ),
    "quote as separator": (
        put("events/visit/landing", RECORDS | {"separator": "bar", "quote": "|"}),
        "events.visit.landing: separator, quote: they are the same",
    ),
    "quote of two characters": (
        put("events/visit/landing", RECORDS | {"quote": "''"}),
        "events.visit.landing: quote: give one character, or an empty text",
    ),
    "two meanings of a comma": (
        put("events/visit/landing", RECORDS | {"decimal": ",", "thousands": ","}),
        "events.visit.landing: decimal, thousands: they are the same",
    ),
    "time without a day": (
        put("events/visit/landing", RECORDS | {"fields": {"who": {}, "spent": {"time": "%H:%M"}}}),
        "events.visit.landing.fields.spent.time: '%H:%M' gives no whole date; give epoch_s, epoch_ms, epoch_us, iso, ",
    ),
    "time without a month": (
        put("events/visit/landing", RECORDS | {"fields": {"who": {}, "spent": {"time": "%d %Y"}}}),
        "events.visit.landing.fields.spent.time: '%d %Y' gives no whole date",
    ),
    "time and number": (
        put("events/visit/landing", RECORDS | {"fields": {"who": {}, "spent": {"time": "epoch_s", "number": True}}}),
        "events.visit.landing.fields.spent: time, number: a field is one of the two",
    ),
    "names of a file": (
        put("events/visit/landing", RECORDS | {"fields": ["Customer ID", "spent"]}),
        "events.visit.landing.fields: 'Customer ID' is no name of a field, which has a-z, 0-9 and _ only",
    ),
    "names of a file in a mapping": (
        put("events/visit/landing", RECORDS | {"fields": {"spent": "Spent", "Who": "User"}}),
        "events.visit.landing.fields: 'Who' is no name of a field",
    ),
    "hash of a number": (
        put("events/visit/landing", RECORDS | {"fields": {"who": {"hash": True}, "spent": {}}}),
        "events.visit: columns.customer_id.type: its field is hashed, and a hash is text; make it `string`",
    ),
    "hash of the day": (
        put("events/visit/landing", RECORDS | {"fields": {"who": {}, "spent": {"hash": True}}}),
        "events.visit.landing: day: the field spent is hashed, which leaves no day",
    ),
    "hash of a time": (
        put("events/visit/landing", RECORDS | {"fields": {"who": {"hash": True, "time": "epoch_s"}, "spent": {}}}),
        "events.visit.landing.fields.who: hash: a hash is no time and no number; remove the other key",
    ),
    "dropped customer": (
        put("events/visit/landing", RECORDS | {"fields": {"who": {"drop": True}, "spent": {}}}),
        "events.visit.landing: customer: 'who' is not a field; choose one of spent",
    ),
    "dropped and hashed": (
        put("events/visit/landing", RECORDS | {"fields": {"who": {}, "spent": {"drop": True, "hash": True}}}),
        "events.visit.landing.fields.spent: drop: what is never written is not read; remove the other keys",
    ),
    "empty source": (
        put("events/visit/landing", RECORDS | {"fields": {"who": "User", "spent": " "}}),
        "events.visit.landing.fields.spent.source: a name is empty; give the name of a column",
    ),
    "zone": (put("events/visit/landing", RECORDS | {"zone": "Moon/Base"}), "events.visit.landing.zone: 'Moon/Base' is"),
    "zone of lines": (
        put("events/visit/landing/zone", "Europe/Berlin"),
        "events.visit.landing: zone: only `records` have it; remove this key, or say `format: records`",
    ),
    "levels of a number": (
        put("features/x", FEATURE | {"levels": ["A"]}),
        "features.x: levels: only a category has them",
    ),
    "category without levels": (put("features/x", CATEGORY), "features.x: levels: a category needs them"),
    "two limits of contacts": (
        put("targeting", TARGETING | {"contacts": 1, "budget": 1.0}),
        "targeting: contacts, budget: both are given; give at most one of them",
    ),
    "customer worth nothing": (
        put("targeting", TARGETING | {"value_of_customer": 0.0}),
        "targeting: value_of_customer: give a finite number above 0, or SQL over features",
    ),
    "one customer to evaluate on": (
        put("recommender", {"judged_customers": 1}),
        "recommender: tuning_customers, judged_customers: give at least 2",
    ),
    "suspected by a coin": (put("audit", {"auc": 0.5}), "audit.auc: Input should be greater than 0.5"),
    "event with a name of ours": (
        lambda shop: shop["events"].update(rejected=shop["events"].pop("visit")),
        "events.rejected: this name is reserved; choose another",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_name_file_and_key(tmp_path: Path, mistake: str) -> None:
    change, message = MISTAKES[mistake]
    assert problem(tmp_path / "shop.yaml", changed(change)).startswith(message)


@pytest.mark.parametrize(
    "name",
    [
        *("probability", "recency_probability", "inputs", "risk", "decile", "expected_profit", "contact", "weight"),
        *("fold", "fine_bin", "label", "as_of", "reason_1", "reason_2_effect", "input_0", "raw_spending"),
    ],
)
def test_no_feature_has_a_name_of_encore(tmp_path: Path, name: str) -> None:
    """Scoring would put its own column in the place of the feature, and money computed from that would be wrong."""
    message = problem(tmp_path / "shop.yaml", changed(put(f"features/{name}", FEATURE)))
    assert message == f"features.{name}: the name {name!r} is taken or reserved; choose another"


def test_names_that_only_resemble_those_of_a_model_are_free() -> None:
    """No term for null where null never occurs or the feature is internal; and near misses of names and prefixes."""
    filled = {"risk_30d": FEATURE, "risk_30d_is_missing": FEATURE, "reasons": FEATURE, "inputs_2": FEATURE}
    never = FEATURE | {"fill": None, "null_means": "never null: everybody has one"}
    internal = FEATURE | {"fill": None, "internal": True}
    others = {"x": never, "x_is_missing": FEATURE, "y": internal, "y_is_missing": FEATURE}
    levels = {"z": CATEGORY | {"levels": ["A", "b"]}, "z_is_c": FEATURE, "z_is_missing": FEATURE}
    found = Service.model_validate(SHOP | {"features": SHOP["features"] | filled | others | levels})
    assert len(found.features) == len(SHOP["features"]) + 11


def test_the_edges_of_training_are_allowed() -> None:
    """The greatest seed is the greatest long."""
    edges = {"seed": 2**63 - 1, "tuning_rows": 100, "as_of_dates": 1}
    found = Service.model_validate(SHOP | {"training": edges}).training
    assert (found.seed, found.tuning_rows, found.as_of_dates) == (9_223_372_036_854_775_807, 100, 1)
    assert Service.model_validate(SHOP).training.as_of_dates == 12


def test_label_one_is_leaving_where_nothing_happened() -> None:
    assert load_service("music").label.leaves_is_one  # 1: no event
    assert not load_service("cdnow").label.leaves_is_one  # 1: a purchase


FINISHED = {key: value for key, value in SHOP.items() if key not in ("events", "bots")} | {
    "table": TABLE,
    "features": {"coins": {**FEATURE, "from_tiles": None, "from_features": "spent"}},
    "eligible": {"when": "coins > 0", "about": "Spends"},
    "label": SHOP["label"] | {"when": "spent > 9"},
    "recency_feature": "coins",
}
TABLE_MISTAKES: dict[str, tuple[Change, str]] = {
    "tiles": (put("features/coins", FEATURE), "features.coins: a finished table has no daily tiles; use"),
    "bots": (put("bots", SHOP["bots"]), "bots: a finished table has no daily tiles to find bots in"),
    "column": (put("features/coins/from_features", "spend"), "features.coins.from_features: unknown column 'spend'"),
    "label": (put("label/when", "coins > 0"), "label.when: unknown column 'coins'"),
    "customer": (lambda shop: shop["table"]["columns"].pop("customer_id"), "table: columns must declare customer_id"),
    "name of ours": (put("table/columns/label", {"type": "int"}), "table: columns: 'label' is a reserved name"),
    "name of two columns": (
        put("table/columns/spent/names", ["Customer ID"]),
        "table: columns.spent: 'Customer ID' is also a name of 'customer_id'; remove one of the two",
    ),
    "pair": (put("table/ordered", [["spent", "spend"]]), "table: ordered: 'spend' is not a column; choose one"),
    "no pair": (put("table/ordered", [["spent"]]), "table.ordered.0.1: this key is missing"),
    "fill": (put("table/fills", {"spend": "true"}), "table: fills: 'spend' is not a column; choose one"),
    "fill's condition": (put("table/fills", {"spent": "spend = 0"}), "table: fills.spent: unknown column 'spend'"),
    "identity": (
        put("table/identities", {"x": {"holds": "spent > spend", "about": "x"}}),
        "table: identities.x.holds: unknown column 'spend'",
    ),
    "day": (put("table/as_of", "soon"), "table.as_of: Input should be a valid date"),
}


@pytest.mark.parametrize("mistake", TABLE_MISTAKES)
def test_mistakes_in_a_finished_table_name_file_and_key(tmp_path: Path, mistake: str) -> None:
    change, message = TABLE_MISTAKES[mistake]
    declared = yaml.safe_load(yaml.safe_dump(FINISHED))
    assert Service.model_validate(declared).table
    change(declared)
    assert problem(tmp_path / "shop.yaml", yaml.safe_dump(declared, sort_keys=False)).startswith(message)


def test_audiobooks_are_what_the_issue_says() -> None:
    audiobooks = load_service("audiobooks")
    windows = audiobooks.windows
    assert (windows.observation_days, windows.gap_days, windows.outcome_days) == (730, 0, 183)
    assert (audiobooks.label.one_if, audiobooks.label.leaves_is_one) == ("present", False)
    assert all(event.landing.format == "records" for event in audiobooks.events.values())


def test_events_must_agree_on_who_a_customer_is(tmp_path: Path) -> None:
    other = yaml.safe_load(yaml.safe_dump(SHOP["events"]["visit"]))
    other["columns"]["customer_id"]["type"] = "string"
    message = problem(tmp_path / "shop.yaml", changed(put("events/call", other)))
    assert message == "events: customer_id has different types: bigint, string; declare one type in all"


def test_events_may_share_a_measure_but_not_give_it_two_meanings(tmp_path: Path) -> None:
    other = yaml.safe_load(yaml.safe_dump(SHOP["events"]["visit"]))
    assert Service.model_validate(
        SHOP | {"events": {"visit": SHOP["events"]["visit"], "call": other}}
    ).measures.keys() == {"spent"}
    other["measures"]["spent"]["sql"] = "max(spent)"
    message = problem(tmp_path / "shop.yaml", changed(put("events/call", other)))
    assert message == "events.call.measures.spent: another event merges this name by sum; rename one"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file: must be a mapping of keys to values (given: None)"),
        ("- a\n- b\n", "the file: must be a mapping of keys to values (given: ['a', 'b'])"),
        ("a:\n\t- b\n", "line 2, column 1: this is not YAML in UTF-8 that Encore reads (while scanning"),
        (
            "title: 2017-13-45\n",
            "line 1, column 8: this is not YAML in UTF-8 that Encore reads (month must be in 1..12)",
        ),
        (b"title: \xff\xfe\n", "line 1: this is not YAML in UTF-8; save the file as UTF-8"),
        (
            "title: a\nabout: b\ntitle: c\n",
            "line 3, column 1: this is not YAML in UTF-8 that Encore reads (key 'title' occurs twice)",
        ),
    ],
)
def test_what_is_no_configuration(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert problem(tmp_path / "shop.yaml", text).startswith(message)


def test_key_twice_deep_inside_is_found_with_its_line(tmp_path: Path) -> None:
    text = yaml.safe_dump(SHOP, sort_keys=False) + "extra:\n  a: 1\n  b: 2\n  a: 3\n"
    said = problem(tmp_path / "s.yaml", text)
    assert said.startswith(f"line {text.count(chr(10))}, column 3: ") and "key 'a' occurs twice" in said


def test_profile_with_unknown_key(tmp_path: Path) -> None:
    path = tmp_path / "laptop.yaml"
    path.write_text("engine: sail\ncores: 2\n")
    with pytest.raises(UsageError, match="cores: unknown key"):
        load_profile(str(path))


def test_profile_with_unknown_engine(tmp_path: Path) -> None:
    path = tmp_path / "laptop.yaml"
    path.write_text("engine: duckdb\n")
    with pytest.raises(UsageError, match="engine: Input should be 'sail' or 'spark'"):
        load_profile(str(path))


def test_fingerprint_is_of_what_is_declared() -> None:
    in_other_order = dict(reversed(list(SHOP.items())))
    assert fingerprint(Service.model_validate(SHOP)) == fingerprint(Service.model_validate(in_other_order))
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    other = SHOP | {"windows": {"observation_days": 10, "outcome_days": 3}}
    assert fingerprint(Service.model_validate(SHOP)) != fingerprint(Service.model_validate(other))


def test_order_of_checks_is_part_of_the_fingerprint() -> None:
    """Checks are applied in order, so another order is another declaration."""
    repair = {"then": "repair", "about": "x"}
    checks = {
        "a": {"when": "spent > 9", "set": {"spent": "1"}, **repair},
        "b": {"when": "spent > 8", "set": {"spent": "2"}, **repair},
    }
    versions = set()
    for order in (checks, dict(reversed(list(checks.items())))):
        visit = SHOP["events"]["visit"] | {"checks": order}
        versions.add(fingerprint(Service.model_validate(SHOP | {"events": {"visit": visit}})))
    assert len(versions) == 2


def test_exit_codes() -> None:
    assert {kind.__name__: kind.exit_code for kind in EncoreError.__subclasses__()} == {
        "UsageError": 2,
        "InputError": 3,
        "DataCheckError": 4,
        "RankError": 1,
    }


def code_of(path: Path) -> str:
    """The code of a module, without its comments and docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""
    return ast.unparse(tree).lower()


def test_no_code_knows_about_songs_or_any_service() -> None:
    """Names of one service's events and fields belong to its YAML file, and to the simulator."""
    root = FOLDER.parent
    modules = [path for floor in ("features", "models", "jobs") for path in root.glob(f"{floor}/*.py")]
    words = r"(?<![a-z.])(songs?|plays?|singers?|search(es|_)|down|downloads?|purchases?|cds?|cdnow|uid)(?![a-z])"
    known = {path.name: re.findall(words, code_of(path)) for path in modules if path.name != "simulate.py"}
    assert len(known) > 20
    assert not {name: found for name, found in known.items() if found}
