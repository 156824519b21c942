"""The simulated audiobook shop: who buys again is known exactly, and the logs say no more and no less than that."""

import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from conf.errors import UsageError
from jobs.simulate import Simulated, simulate
from models.simulation.activity import Counts, Truth, compute_truths, filter_silence, simulate_counts
from models.simulation.audiobooks import BOUGHT_AGAIN, shop_ids
from models.simulation.books import shop_books
from models.simulation.files import Simulation
from models.simulation.instants import HOME_OFFSETS, instants
from models.simulation.process import Process
from models.simulation.records import LineFormat
from models.simulation.shop_process import LISTENING, PURCHASE, REVIEW, VISIT, shop_process
from tests.support.audiobook_logs import Line, instant, read_records, read_shop, text_lines

DAYS, AS_OF = 913, 730
START = date(2017, 1, 1)


# ---------------------------------------------------------------- the hidden process


def small_process() -> Process:
    """Two types, three states and two events, with no symmetry to hide behind."""
    rng = np.random.default_rng(4)
    return Process(
        share=np.array([0.4, 0.6]),
        initial=rng.dirichlet([1, 1, 1], 2),
        transition=rng.dirichlet([1, 1, 1], (2, 3)),
        awake=rng.random((2, 3)),
        counts=(rng.dirichlet([1, 1, 1], (2, 3)), rng.dirichlet([1, 1], (2, 3))),
    )


def day_probability(process: Process, kind: int, state: int, today: tuple[int, ...]) -> float:
    shown = np.prod([table[kind, state, n] for table, n in zip(process.counts, today, strict=True)])
    asleep = 1 - process.awake[kind, state]
    return float(process.awake[kind, state] * shown + (0 if any(today) else asleep))


def mass(process: Process, history: Sequence[tuple[int, ...]]) -> float:
    """P(these counts), over all types and paths of states, multiplied out."""
    total = 0.0
    for kind, path in product(range(2), product(range(3), repeat=len(history))):
        one = process.share[kind] * process.initial[kind, path[0]]
        for before, after in zip(path, path[1:], strict=False):
            one *= process.transition[kind, before, after]
        for state, today in zip(path, history, strict=True):
            one *= day_probability(process, kind, state, today)
        total += one
    return float(total)


def test_probability_of_one_event_equals_enumeration() -> None:
    """No first event on two days, whatever the second event does, given three days of both."""
    process = small_process()
    seen = [(2, 0), (0, 0), (0, 1)]
    quiet = [mass(process, [*seen, (0, a), (0, b)]) for a, b in product(range(2), repeat=2)]
    question = replace(BOUGHT_AGAIN, events=(0,), outcome_days=2)
    counts = np.array(seen, dtype=np.int16)[:, :, None]
    expected = sum(quiet) / mass(process, seen)
    assert filter_silence(process, question, counts, [3])[0, 0] == pytest.approx(expected, rel=1e-12)
    # Another question of the same history: the second event is the one that counts, and none is asked for.
    other = filter_silence(process, replace(question, events=(1,)), counts, [3])[0, 0]
    quiet_1 = [mass(process, [*seen, (a, 0), (b, 0)]) for a, b in product(range(3), repeat=2)]
    assert other == pytest.approx(sum(quiet_1) / mass(process, seen), rel=1e-12)
    assert other != pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("days", "expected"),
    [(183, []), (184, [1]), (273, [90]), (274, [91]), (365, [182, 91]), (913, list(range(730, 92, -91)))],
)
def test_days_with_a_truth(days: int, expected: list[int]) -> None:
    assert BOUGHT_AGAIN.mature_days(days) == expected


def test_tables_are_distributions_and_a_day_awake_has_a_visit() -> None:
    process = shop_process()
    for table in (process.share, process.initial, process.transition, *process.counts):
        assert (table >= 0).all()
        assert table.sum(axis=-1) == pytest.approx(1.0)
    assert (process.counts[VISIT][process.awake > 0][:, 0] == 0).all()
    # So a day with nothing at all is a day asleep, and no other.
    assert process.no_event == pytest.approx(1 - process.awake)


# ---------------------------------------------------------------- calibration


@dataclass(frozen=True)
class Activity:
    counts: Counts
    all_truths: list[Truth]

    @property
    def last(self) -> Truth:
        return self.all_truths[-1]


@pytest.fixture(scope="module")
def activity() -> Activity:
    process = shop_process()
    counts = simulate_counts(process, 8_000, DAYS, np.random.default_rng(5))
    return Activity(counts, compute_truths(process, BOUGHT_AGAIN, counts))


def test_truth_is_of_buyers_and_of_what_they_buy_afterwards(activity: Activity) -> None:
    assert [truth.as_of_day for truth in activity.all_truths] == [93, 184, 275, 366, 457, 548, 639, 730]
    bought = activity.counts[:, PURCHASE]
    for truth in activity.all_truths:
        day = truth.as_of_day
        assert truth.customer.tolist() == np.flatnonzero(bought[:day].sum(axis=0)).tolist()
        assert (truth.label == (bought[day : day + 183, truth.customer].sum(axis=0) > 0)).all()


def test_truth_forgets_who_bought_more_than_two_years_ago() -> None:
    """Logs of 1,100 days: the last as-of day is 917, and day 187 is the first that is looked back to."""
    process = shop_process()
    counts = simulate_counts(process, 300, 1_100, np.random.default_rng(2))
    last = compute_truths(process, BOUGHT_AGAIN, counts)[-1]
    bought = counts[:, PURCHASE]
    assert last.as_of_day == 917
    assert last.customer.tolist() == np.flatnonzero(bought[187:917].sum(axis=0)).tolist()
    assert len(last.customer) < np.count_nonzero(bought[:917].sum(axis=0))


def test_probability_is_calibrated(activity: Activity) -> None:
    for truth in activity.all_truths:
        for decile in np.array_split(np.argsort(truth.probability), 10):
            expected, size = truth.probability[decile], len(decile)
            error = np.sqrt((expected * (1 - expected)).sum()) / size
            assert abs(truth.label[decile].mean() - expected.mean()) < 4 * error


def test_figures_of_the_shop(activity: Activity) -> None:
    truth = activity.last
    seen = activity.counts[:AS_OF, :, truth.customer]
    assert truth.label.mean() == pytest.approx(0.16, abs=0.02)
    best = roc_auc_score(truth.label, truth.probability)
    assert best == pytest.approx(0.85, abs=0.02)
    since = np.argmax(seen[::-1, PURCHASE] > 0, axis=0)
    assert roc_auc_score(truth.label, -since) < best - 0.05
    assert (seen[:, REVIEW].sum(axis=0) == 0).mean() == pytest.approx(0.80, abs=0.03)
    assert (seen[:, LISTENING].sum(axis=0) == 0).mean() == pytest.approx(0.50, abs=0.03)
    assert 1.5 < seen[:, PURCHASE].sum(axis=0).mean() < 3
    assert (activity.counts.sum(axis=(0, 1)) > 0).mean() > 0.85  # nearly all have come by the end


def test_every_busy_day_has_a_visit(activity: Activity) -> None:
    assert ((activity.counts.sum(axis=1) > 0) == (activity.counts[:, VISIT] > 0)).all()


# ---------------------------------------------------------------- logs


@dataclass(frozen=True)
class Shop:
    """A simulated shop and its logs, read by hand."""

    simulated: Simulated
    good: list[Line]
    counted: Counter[str]

    def of(self, event: str) -> list[Line]:
        return [line for line in self.good if line.event == event]


CUSTOMERS = 1_500


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    simulated = simulate(tmp_path_factory.mktemp("shop"), CUSTOMERS, None, seed=3, service="audiobooks")
    return Shop(simulated, *read_shop(simulated.raw))


def test_tally_equals_a_plain_reading(shop: Shop) -> None:
    tally = shop.simulated.tally
    of_true_lines = {"purchase.returns", "purchase.no_length", "review.no_rating"}
    assert {key: n for key, n in tally.items() if n and key not in of_true_lines} == dict(shop.counted)
    assert tally["purchase.returns"] == sum(line.number("price") < 0 for line in shop.of("purchase"))
    none = ("", None, "0", 0)
    assert tally["purchase.no_length"] == sum(line.fields["length_minutes"] in none for line in shop.of("purchase"))
    assert tally["review.no_rating"] == sum(line.fields["rating"] in ("", None) for line in shop.of("review"))
    assert all(tally[key] > 0 for key in of_true_lines)
    kinds = {key.split(".")[1] for key in shop.counted}
    dirt = {"no_price", "negative", "over_a_day", "out_of_range", "no_customer", "no_time", "broken_json"}
    assert kinds == dirt | {"missing_cell", "duplicates", "events", "lines"}
    for event in ("purchase", "listening", "review", "support", "visit"):
        parts = [n for key, n in tally.items() if key.startswith(f"{event}.") and key not in of_true_lines]
        assert 2 * tally[f"{event}.lines"] == sum(parts)
    assert shop.simulated.events == len(shop.good)


def test_labels_stand_in_the_logs(shop: Shop) -> None:
    """Whoever bought before an as-of date is in its truth, and bought again if the logs say so."""
    bought = [line for line in shop.of("purchase") if line.number("price") >= 0]
    for as_of in shop.simulated.as_of:
        table = pq.read_table(shop.simulated.truth / f"as_of={as_of}" / "part-0.parquet")
        ends = as_of + timedelta(days=183)
        before = {line.customer for line in bought if line.day < as_of.isoformat()}
        after = {line.customer for line in bought if as_of.isoformat() <= line.day < ends.isoformat()}
        labels = dict(zip(table["customer_id"].to_pylist(), table["bought_again"].to_pylist(), strict=True))
        assert labels == {customer: int(customer in after) for customer in before}
    assert table.schema.names == ["customer_id", "purchase_probability", "bought_again"]
    assert [str(kind) for kind in table.schema.types] == ["string", "double", "int8"]


def test_dates_and_files(shop: Shop) -> None:
    mature = [START + timedelta(days=day) for day in range(93, 731, 91)]
    assert shop.simulated.as_of == mature
    record = json.loads((shop.simulated.truth / "simulation.json").read_text())
    assert (record["customers"], record["days"], record["start"]) == (CUSTOMERS, DAYS, "2017-01-01")
    names = [path.name for path in shop.simulated.raw.iterdir() if path.name != "list.html"]
    assert len(names) == 5 * 31  # 913 days end on 2 July 2019: 30 whole months and one begun
    shape = re.compile(r"(purchases|listening|reviews|support|visits)-20\d\d-[01]\d\.(csv|jsonl)(\.gz)?")
    kinds = {match.groups() for match in map(shape.fullmatch, names) if match}
    assert all(map(shape.fullmatch, names))
    assert {event for event, form, _ in kinds if form == "csv"} == {
        event for event, form, _ in kinds if form == "jsonl"
    }
    assert {event for event, _, packed in kinds if packed} == {event for event, _, packed in kinds if not packed}
    assert len({event for event, _, _ in kinds}) == 5


def test_lines_lie_in_the_file_of_their_month_in_order(shop: Shop) -> None:
    for path in shop.simulated.raw.glob("*20*"):
        times = [
            instant(str(next(value for name, value in fields.items() if name.endswith("ed_at"))))
            for _, fields in read_records(path)
            if fields and any(name.endswith("ed_at") and str(value)[:2] == "20" for name, value in fields.items())
        ]
        month = re.search(r"\d{4}-\d\d", path.name)
        assert month and {f"{time:%Y-%m}" for time in times} <= {month[0]}
        assert [time.replace(microsecond=0) for time in times] == sorted(t.replace(microsecond=0) for t in times)


def test_packed_at_the_midnight_that_ends_the_month(shop: Shop) -> None:
    def packed_at(name: str) -> int:
        return int.from_bytes((shop.simulated.raw / name).read_bytes()[4:8], "little")

    assert packed_at("purchases-2017-03.csv.gz") == datetime(2017, 4, 1, tzinfo=UTC).timestamp()
    assert packed_at("purchases-2019-07.csv.gz") == datetime(2019, 7, 3, tzinfo=UTC).timestamp()


def test_columns_stand_in_more_than_one_order(shop: Shop) -> None:
    orders = {text_lines(path)[0] for path in shop.simulated.raw.glob("purchases-*.csv*")}
    assert "customer_id,purchased_at,title,length_minutes,price,order_id,channel" in orders
    assert len(orders) > 2
    assert {tuple(sorted(order.split(","))) for order in orders} == {
        ("channel", "customer_id", "length_minutes", "order_id", "price", "purchased_at", "title")
    }


def test_every_day_of_the_logs_has_its_first_and_last_second(shop: Shop) -> None:
    """The shop's own check visits at both; the day by UTC and the one that stands there differ at times."""
    checks = [line for line in shop.of("visit") if line.customer == "00000"]
    found = sorted(line.at.replace(microsecond=0) for line in checks)
    midnights = [datetime(2017, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(DAYS)]
    assert found == sorted([*midnights, *(night + timedelta(days=1, seconds=-1) for night in midnights)])
    assert "00000" not in {line.customer for line in shop.good if line.event != "visit"}
    assert 0.1 < np.mean([line.time[:10] != line.day for line in checks]) < 0.3


def test_times_are_written_in_all_ways(shop: Shop) -> None:
    shapes = Counter(re.sub(r"\d", "9", line.time) for line in shop.good)
    clock = "99:99:99"
    ends = ["", "Z", "+99:99", "-99:99", "+9999", "-9999"]
    expected = {f"9999-99-99 {clock}", *(f"9999-99-99T{clock}{end}" for end in ends)}
    with_fraction = {shape.replace(clock, f"{clock}.999") for shape in expected}
    assert set(shapes) == expected | with_fraction
    other_day = [line for line in shop.good if line.time[:10] != line.day]
    assert 0.02 < len(other_day) / len(shop.good) < 0.10


def test_a_visit_on_every_day_with_more(shop: Shop) -> None:
    visited = {(line.customer, line.day) for line in shop.of("visit")}
    busy = {(line.customer, line.day) for line in shop.good if line.event != "purchase" or line.number("price") >= 0}
    assert busy == visited
    # Nothing happens twice in one second, so a line that is there twice was delivered twice.
    assert len({(line.event, line.customer, line.at.replace(microsecond=0)) for line in shop.good}) == len(shop.good)


def test_returns_follow_their_purchase_within_a_month(shop: Shop) -> None:
    orders: dict[str, list[Line]] = defaultdict(list)
    for line in shop.of("purchase"):
        orders[str(line.fields["order_id"])].append(line)
    pairs = [sorted(lines, key=lambda line: line.at) for lines in orders.values() if len(lines) > 1]
    assert len(pairs) == shop.simulated.tally["purchase.returns"] > 50
    signs = Counter[str]()
    for bought, back in pairs:
        assert (bought.customer, bought.fields["title"]) == (back.customer, back.fields["title"])
        assert timedelta(days=1, seconds=-1) < back.at - bought.at < timedelta(days=30, seconds=1)
        assert back.number("price") == -bought.number("price") < 0
        lengths = [str(line.fields["length_minutes"] or 0) for line in (bought, back)]
        assert lengths[1].removeprefix("-") == lengths[0]
        signs[lengths[1][:1]] += 1
    assert signs["-"] > 10 and sum(n for sign, n in signs.items() if sign.isdigit()) > 10


def test_what_is_heard_against_what_is_bought(shop: Shop) -> None:
    bought, heard = defaultdict[str, float](float), defaultdict[str, float](float)
    owned: dict[str, dict[str, str]] = defaultdict(dict)
    for line in shop.of("purchase"):
        if line.number("price") >= 0:
            bought[line.customer] += float(line.fields["length_minutes"] or 0)
            first = owned[line.customer].setdefault(str(line.fields["title"]), line.day)
            owned[line.customer][str(line.fields["title"])] = min(first, line.day)
    for line in shop.of("listening"):
        heard[line.customer] += line.number("minutes")
    completion = [heard[customer] / minutes for customer, minutes in bought.items() if minutes > 0]
    assert 0.01 < np.mean([share > 1 for share in completion]) < 0.10
    # Who has bought something listens to that, and to what was bought long ago as well.
    ages = [
        (date.fromisoformat(line.day) - date.fromisoformat(owned[line.customer][str(line.fields["title"])])).days
        for line in shop.of("listening")
        if any(day <= line.day for day in owned[line.customer].values())
    ]
    assert min(ages) >= 0 and max(ages) > 365


def test_reviews(shop: Shop) -> None:
    buyers = {line.customer for line in shop.of("purchase")}
    assert {line.customer for line in shop.of("review")} - buyers
    rated = defaultdict(list)
    for line in shop.of("review"):
        if line.fields["rating"] not in ("", None):
            rated[line.customer].append(line.number("rating"))
    ratings = [rating for of_one in rated.values() for rating in of_one]
    assert {rating % 1 for rating in ratings} == {0} and max(ratings) == 10
    assert np.mean(ratings) == pytest.approx(8.8, abs=0.3)
    # A taste lasts: two ratings of one customer are nearer than those of two customers.
    twice = [of_one[:2] for of_one in rated.values() if len(of_one) > 1]
    assert len(twice) > 40 and np.corrcoef(np.array(twice).T)[0, 1] > 0.3


def test_titles_are_hard_and_survive_both_forms(shop: Shop) -> None:
    lengths: dict[str, set[str]] = defaultdict(set)
    for line in shop.of("purchase"):
        length = str(line.fields["length_minutes"] or "0").removeprefix("-")
        if length != "0":
            lengths[str(line.fields["title"])].add(length)
    assert all(len(of_title) == 1 for of_title in lengths.values())  # the same title from CSV and from JSON
    titles = "".join(lengths)
    assert all(mark in titles for mark in (",", '"', "'", "É", "ö", "海"))
    popular = Counter(line.fields["title"] for line in shop.of("purchase")).most_common(50)
    assert 0.25 < sum(n for _, n in popular) / len(shop.of("purchase")) < 0.5


def test_books_have_titles_of_their_own() -> None:
    books = shop_books()
    titles = [json.loads(title) for title in books.json.to_pylist()]
    assert len(set(titles)) == len(titles) == 3_000
    assert titles == [json.loads(title) for title in books.json_ascii.to_pylist()]
    assert all(title.isascii() for title in books.json_ascii.to_pylist())
    assert (books.minutes > 0).all() and (books.cents > 0).all()


def test_ids_are_texts_with_leading_zeros() -> None:
    ids = shop_ids(Simulation(40_000, 1, 1, START)).to_pylist()
    assert len(set(ids)) == 40_001 and ids[-1] == "00000"
    assert {len(text) for text in ids} == {5, 6} and all(text.isdecimal() for text in ids)
    assert np.mean([text.startswith("0") for text in ids]) == pytest.approx(10_000 / 120_000, abs=0.01)


# ---------------------------------------------------------------- texts


@given(st.lists(st.tuples(st.integers(0, DAYS * 86_400 - 1), st.sampled_from(range(len(HOME_OFFSETS)))), max_size=20))
def test_an_instant_is_the_same_in_every_clock(events: list[tuple[int, int]]) -> None:
    second, home = np.array(events, dtype=np.int64).reshape(-1, 2).T
    texts = instants(START, second, home, np.random.default_rng(len(events))).to_pylist()
    found = [int((instant(text) - datetime(2017, 1, 1, tzinfo=UTC)).total_seconds() // 1) for text in texts]
    assert found == second.tolist()


NAMES = ("customer_id", "title", "price")
JSON_LINES = LineFormat(True, NAMES, frozenset({"price"}), frozenset({"title"}))
CSV_LINES = replace(JSON_LINES, as_json=False)
TITLES = ['A "B", and {C}', "Été 海"]


def fields_of(titles: list[str]) -> dict[str, pa.StringArray]:
    """Two customers, a hundred times, one without a price."""
    columns = {"customer_id": ["007", "8"], "title": titles, "price": ["1.5", ""]}
    return {name: pa.array(values * 100) for name, values in columns.items()}


def test_json_lines() -> None:
    fields = fields_of([json.dumps(title) for title in TITLES])
    one, other, *_ = JSON_LINES.lines(fields).to_pylist()
    assert json.loads(one) == {"customer_id": "007", "title": TITLES[0], "price": 1.5}
    assert json.loads(other) == {"customer_id": "8", "title": TITLES[1], "price": None}
    assert JSON_LINES.header == ""
    for line in JSON_LINES.broken(fields, np.random.default_rng(0)):
        with pytest.raises(json.JSONDecodeError):
            json.loads(line)


def test_csv_lines() -> None:
    fields = fields_of(['"A ""B"", and {C}"', TITLES[1]])
    text = "".join([CSV_LINES.header, *(f"{line}\n" for line in CSV_LINES.lines(fields).to_pylist())])
    rows = list(csv.reader(text.splitlines()))
    assert rows == [list(NAMES), *[["007", TITLES[0], "1.5"], ["8", TITLES[1], ""]] * 100]
    broken = {tuple(row) for row in csv.reader(CSV_LINES.broken(fields, np.random.default_rng(0)))}
    whole = [tuple(row) for row in rows[1:3]]
    assert broken == {row[:cell] + row[cell + 1 :] for row in whole for cell in range(3)}  # any cell may be lost


# ---------------------------------------------------------------- the command


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_same_seed_same_bytes_however_many_workers(tmp_path: Path) -> None:
    one, other = (simulate(tmp_path / str(n), 200, 300, 1, workers=n, service="audiobooks") for n in (1, 3))
    assert contents(tmp_path / "1") == contents(tmp_path / "3")
    assert one.tally == other.tally
    two = simulate(tmp_path / "two", 200, 300, 2, workers=1, service="audiobooks")
    assert two.tally != one.tally


@pytest.mark.parametrize("days", [1, 20, 184])
def test_short_logs_of_one_customer(tmp_path: Path, days: int) -> None:
    result = simulate(tmp_path, 1, days, seed=0, start=date(2018, 2, 10), service="audiobooks")
    assert result.as_of == ([date(2018, 2, 11)] if days == 184 else [])
    good, counted = read_shop(tmp_path / "raw")
    assert counted["visit.events"] >= 2 * days and result.events == len(good)
    assert max(line.day for line in good) == (date(2018, 2, 10) + timedelta(days=days - 1)).isoformat()


def test_music_is_what_is_simulated_by_default(tmp_path: Path) -> None:
    simulated = simulate(tmp_path, 1, None, seed=1)
    record = json.loads((tmp_path / "truth" / "simulation.json").read_text())
    assert (record["days"], record["start"]) == (44, "2017-03-30")
    assert max(simulated.as_of) == date(2017, 4, 29) and (simulated.raw / "20170512_1_play.log.tar.gz").is_file()


def test_what_cannot_be_simulated(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--service cdnow has no simulation; give music or audiobooks"):
        simulate(tmp_path, 5, None, seed=1, service="cdnow")
    with pytest.raises(UsageError, match="--customers 200001 cannot be; give 1 to 200000"):
        simulate(tmp_path, 200_001, None, seed=1, service="audiobooks")
    with pytest.raises(UsageError, match=r"--days 0 cannot be; give at least 1 \(a truth needs 184\)"):
        simulate(tmp_path, 5, 0, seed=1, service="audiobooks")
    assert not list(tmp_path.iterdir())
