"""The simulated music service: an exact truth, calibrated to what is published, and archives as the service's."""

import gzip
import io
import json
import re
import tarfile
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from conf.errors import InputError, UsageError
from jobs.simulate import Simulated, simulate
from models.simulation.activity import Counts, Truth, compute_truths, filter_silence, simulate_counts
from models.simulation.audience import make_audience, number_of_bots
from models.simulation.music import CHURN
from models.simulation.music_process import music_process
from models.simulation.process import Process

DAYS = 44


# ---------------------------------------------------------------- the hidden process


def tiny_process() -> Process:
    """One type, alive (awake 1 day in 2, 0 or 1 event with 1/2 each) or gone, quitting with 1/4 a day."""
    return Process(
        share=np.array([1.0]),
        initial=np.array([[1.0, 0.0]]),
        transition=np.array([[[0.75, 0.25], [0.0, 1.0]]]),
        awake=np.array([[0.5, 0.0]]),
        counts=(np.array([[[0.5, 0.5], [1.0, 0.0]]]),),
    )


def two_type_process() -> Process:
    """Two types, three states and two events, with no symmetry to hide behind."""
    rng = np.random.default_rng(0)
    return Process(
        share=np.array([0.3, 0.7]),
        initial=rng.dirichlet([1, 1, 1], 2),
        transition=rng.dirichlet([1, 1, 1], (2, 3)),
        awake=rng.random((2, 3)),
        counts=(rng.dirichlet([1, 1, 1], (2, 3)), rng.dirichlet([1, 1], (2, 3))),
    )


def test_silence_and_filter_by_hand() -> None:
    process = tiny_process()
    # A day alive is quiet with 1 - 1/2 * 1/2 = 3/4. Tomorrow: 3/4 alive * 3/4 + 1/4 gone = 13/16.
    assert process.no_event.tolist() == [[0.75, 1.0]]
    assert process.silence(1, [0]).tolist() == [[13 / 16, 1.0]]
    # Two days: alive tomorrow and quiet (9/16), then 13/16 again; or gone tomorrow (1/4).
    assert process.silence(2, [0])[0, 0] == pytest.approx(9 / 16 * 13 / 16 + 1 / 4)
    # Event, then a quiet day: alive 3/4 * 3/4 = 9/16 against gone 1/4, so alive with 9/13.
    counts = np.array([[[1]], [[0]]], dtype=np.int16)
    alive = process.silence(14, [0])[0, 0]
    assert filter_silence(process, replace(CHURN, events=(0,)), counts, [1, 2])[:, 0] == pytest.approx(
        [alive, 9 / 13 * alive + 4 / 13]
    )


def path_probability(process: Process, kind: int, path: tuple[int, ...], seen: Counts) -> float:
    """P(type, path of states, counts seen in its first days), multiplied out."""
    total = process.share[kind] * process.initial[kind, path[0]]
    for before, after in zip(path, path[1:], strict=False):
        total *= process.transition[kind, before, after]
    for state, today in zip(path, seen, strict=False):
        awake = process.awake[kind, state]
        shown = np.prod([table[kind, state, n] for table, n in zip(process.counts, today, strict=True)])
        total *= awake * shown + (0 if today.any() else 1 - awake)
    return float(total)


def test_filter_equals_enumeration() -> None:
    process, question = two_type_process(), replace(CHURN, events=(0, 1), outcome_days=2)
    seen = np.array([[2, 0], [0, 0], [1, 1]], dtype=np.int16)
    quiet_after = np.vstack([seen, np.zeros((2, 2), np.int16)])

    def mass(history: Counts, days: int) -> float:
        paths = product(range(2), product(range(3), repeat=days))
        return sum(path_probability(process, kind, path, history) for kind, path in paths)

    expected = mass(quiet_after, 5) / mass(seen, 3)
    assert filter_silence(process, question, seen[:, :, None], [3])[0, 0] == pytest.approx(expected, rel=1e-12)


def test_process_tables_are_distributions() -> None:
    process = music_process()
    for table in (process.share, process.initial, process.transition, *process.counts):
        assert (table >= 0).all()
        assert table.sum(axis=-1) == pytest.approx(1.0)


def test_counts_follow_the_tables() -> None:
    counts = simulate_counts(two_type_process(), 60_000, 1, np.random.default_rng(1))
    process = two_type_process()
    weight = process.share[:, None] * process.initial * process.awake
    for event, table in enumerate(process.counts):
        expected = np.einsum("ks,ksn->n", weight, table)
        expected[0] += 1 - weight.sum()
        observed = np.bincount(counts[0, event], minlength=len(expected)) / 60_000
        assert observed == pytest.approx(expected, abs=0.008)  # four standard deviations


@pytest.mark.parametrize(("days", "expected"), [(14, []), (15, [1]), (21, [7]), (28, [14, 7]), (44, [30, 23, 16, 9])])
def test_mature_days(days: int, expected: list[int]) -> None:
    assert CHURN.mature_days(days) == expected


# ---------------------------------------------------------------- calibration


@pytest.fixture(scope="module")
def activity() -> tuple[Counts, list[Truth]]:
    process = music_process()
    counts = simulate_counts(process, 40_000, DAYS, np.random.default_rng(5))
    return counts, compute_truths(process, CHURN, counts)


def test_truth_is_of_recent_customers_and_their_outcome(activity: tuple[Counts, list[Truth]]) -> None:
    counts, all_truths = activity
    assert [truth.as_of_day for truth in all_truths] == [9, 16, 23, 30]
    last = all_truths[-1]
    events = counts.sum(axis=1)
    assert set(last.customer) == set(np.flatnonzero(events[0:30].sum(axis=0) > 0))
    assert (last.label == (events[30:44, last.customer].sum(axis=0) == 0)).all()


def test_truth_is_calibrated(activity: tuple[Counts, list[Truth]]) -> None:
    for truth in activity[1]:
        order = np.argsort(truth.probability)
        for decile in np.array_split(order, 10):
            expected, size = truth.probability[decile], len(decile)
            error = np.sqrt((expected * (1 - expected)).sum()) / size
            assert abs(truth.label[decile].mean() - expected.mean()) < 4 * error


def test_published_figures(activity: tuple[Counts, list[Truth]]) -> None:
    truth = activity[1][-1]
    assert truth.label.mean() == pytest.approx(0.62, abs=0.02)
    assert roc_auc_score(truth.label, truth.probability) == pytest.approx(0.92, abs=0.01)
    plays = activity[0][:, 0]
    busy = plays[plays > 0]
    assert np.percentile(busy, 99) > 10 * np.median(busy)  # heavy-tailed
    assert 100 < plays.sum() / plays.shape[1] < 150


def features(counts: Counts, truth: Truth) -> dict[str, np.ndarray]:
    """Log counts by window and log days since, of the customers of a truth."""
    seen = counts[: truth.as_of_day, :, truth.customer].astype(float)
    columns = {
        f"{event}_{days}": np.log1p(seen[-days:, i].sum(axis=0))
        for i, event in enumerate("pds")
        for days in (1, 3, 7, 14, 30)
    }
    for name, part in {"any": seen.any(axis=1), **{e: seen[:, i] > 0 for i, e in enumerate("pds")}}.items():
        days_since = np.where(part.any(axis=0), 1 + np.argmax(part[::-1], axis=0), 1 + len(part))
        columns[f"since_{name}"] = np.log1p(days_since)
    return columns


def test_recency_is_strongest_and_a_linear_model_comes_near_the_best(
    activity: tuple[Counts, list[Truth]],
) -> None:
    truth = activity[1][-1]
    columns = features(activity[0], truth)
    alone = {name: abs(roc_auc_score(truth.label, values) - 0.5) for name, values in columns.items()}
    assert max(alone, key=alone.__getitem__) == "since_any"
    table, half = np.column_stack(list(columns.values())), len(truth.label) // 2
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))
    score = model.fit(table[:half], truth.label[:half]).predict_proba(table[half:])[:, 1]
    reached = roc_auc_score(truth.label[half:], score) - 0.5
    best = roc_auc_score(truth.label[half:], truth.probability[half:]) - 0.5
    assert reached / best > 0.965


# ---------------------------------------------------------------- archives

CUSTOMERS = 1_500
DAYS_OF_RAW = 30
ODD_NAMES = {
    "1_1_search.log.tar.gz",
    "20170331_play.log.gz",
    "20170330_3.uids.tar.gz",
    "20170339_1_play.log.tar.gz",
    "20170414_3_play.log (1).tar.gz",
    "list.html",
}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return simulate(tmp_path_factory.mktemp("out"), CUSTOMERS, DAYS_OF_RAW, seed=3)


def text_of(archive: Path) -> bytes:
    data = gzip.decompress(archive.read_bytes())
    if not archive.name.endswith(".tar.gz"):
        return data
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        (member,) = tar.getmembers()
        return tar.extractfile(member).read()  # type: ignore[union-attr]


def lines_of(simulated: Simulated, event: str) -> list[str]:
    """All lines of one event, each part once."""
    regular = re.compile(rf"\d{{8}}_(\d_)?{event}\.log(\.tar)?\.gz|1_1_search\.log\.tar\.gz")
    names = [
        path
        for path in sorted(simulated.raw.iterdir())
        if regular.fullmatch(path.name) and event in path.name and not path.name.startswith("20170339")
    ]
    return [line for path in names for line in text_of(path).decode("utf-8").split("\n")[:-1]]


def test_archive_names(simulated: Simulated) -> None:
    names = {path.name for path in simulated.raw.iterdir()}
    regular = {
        f"{date(2017, 3, 30) + timedelta(days=day):%Y%m%d}_{n}_{event}.log.tar.gz"
        for day in range(DAYS_OF_RAW)
        for n in (1, 2, 3)
        for event in ("play", "down", "search")
        if not (event == "search" and day < 3)
        and not (event == "play" and day == 1)
        and not (event == "play" and day == 4 and n == 2)
    }
    assert names == regular | ODD_NAMES
    assert simulated.archives == len(names)
    assert simulated.archive_bytes == sum(path.stat().st_size for path in simulated.raw.iterdir())


def test_members_copies_and_listing(simulated: Simulated) -> None:
    def member(name: str) -> str:
        with tarfile.open(simulated.raw / name) as tar:
            return tar.getnames()[0]

    assert member("20170401_1_down.log.tar.gz") == member("20170402_1_down.log.tar.gz") == "1_down.log"
    assert member("20170401_2_play.log.tar.gz") == "20170401_2_play.log"
    copy, original = "20170414_3_play.log (1).tar.gz", "20170414_3_play.log.tar.gz"
    assert (simulated.raw / copy).read_bytes() == (simulated.raw / original).read_bytes()
    # Packed at the midnight that ended its day, whenever it is simulated.
    midnight = datetime(2017, 4, 2, tzinfo=UTC).timestamp()
    packed = (simulated.raw / "20170401_1_down.log.tar.gz").read_bytes()
    assert int.from_bytes(packed[4:8], "little") == midnight
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert tar.getmembers()[0].mtime == midnight
    misnamed = text_of(simulated.raw / "20170339_1_play.log.tar.gz")
    assert misnamed and misnamed in text_of(simulated.raw / "20170330_1_play.log.tar.gz")
    page = (simulated.raw / "list.html").read_text()
    assert all(path.name in page for path in simulated.raw.iterdir() if path.name != "list.html")


def test_lines_are_conserved(simulated: Simulated) -> None:
    tally = Counter(simulated.tally)
    play, down, search = (lines_of(simulated, event) for event in ("play", "down", "search"))
    assert len(play) == tally["play.lines"] + tally["play.count_line"] - tally["play.lost"]
    assert len(down) == tally["down.lines"]
    assert len(search) == tally["search.lines"]
    added = ("address", "fields_14", "blank", "nan", "negative", "enormous", "duplicate")
    assert tally["play.lines"] == tally["play.events"] + sum(tally[f"play.{kind}"] for kind in added)
    assert tally["search.lines"] == tally["search.events"] + tally["search.duplicate"]
    halves = [line for line in down if line.startswith("\t")]
    assert len(down) - len(halves) == tally["down.events"] + tally["down.duplicate"]


def near(share: float, expected: float, lines: int) -> bool:
    """Within four standard deviations of the expected share, and not zero."""
    return share > 0 and abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / lines)


def test_play_dirt_at_the_rates_of_the_real_sample(simulated: Simulated) -> None:
    lines = lines_of(simulated, "play")
    rows = [line.removeprefix("\t").split("\t") for line in lines]
    good = [row for row in rows if len(row) == 9]
    n = len(lines)
    assert {len(row) for row in rows} == {1, 9, 14}
    assert near(sum(line.startswith("\t") for line in lines) / n, 0.002, n)
    assert near(sum(len(row) == 14 for row in rows) / n, 0.001, n)
    assert near(lines.count("") / n, 0.001, n)
    address = re.compile(r"\d+>=?\((203\.0\.113|198\.51\.100)\.\d{1,3}\)TM")
    assert near(sum(bool(address.fullmatch(row[6])) for row in good) / n, 0.003, n)
    assert [line for line in lines if line and "\t" not in line] == [
        str(len(text_of(simulated.raw / name).splitlines()) - 1)
        for name in (*(f"20170330_{k}_play.log.tar.gz" for k in (1, 2, 3)), "20170331_play.log.gz")
    ]
    times = [(float(row[6]), int(row[7]), row[3]) for row in good if "(" not in row[6]]
    assert any(np.isnan(time) for time, _, _ in times)
    assert any(time < 0 for time, _, _ in times)
    assert any(1e11 <= time <= 1.49e12 for time, _, _ in times)
    assert sum(time > length for time, length, _ in times) / n == pytest.approx(0.072, abs=0.01)
    in_ms = Counter(kind for time, _, kind in times if 10_000 < time < 3e6)
    assert in_ms["1"] > 1.5 * in_ms["0"] > 0
    assert {length for _, length, _ in times if length <= 0} == {0, -1, -2147483648}
    assert sum(length <= 0 for _, length, _ in times) / n == pytest.approx(0.081, abs=0.01)
    assert sum(row[2] == "0" for row in good) / n == pytest.approx(0.088, abs=0.01)
    assert any(row[2] == "-1" for row in good) and any(row[5] == "" for row in good)
    assert sum(row[0] == "0" for row in good) / n == pytest.approx(0.008, abs=0.003)
    assert sum(row[1] == "ar" for row in good) / n == pytest.approx(0.868, abs=0.05)


@pytest.mark.parametrize(("event", "low", "high"), [("play", 0.007, 0.02), ("search", 0.012, 0.025)])
def test_exact_duplicates(simulated: Simulated, event: str, low: float, high: float) -> None:
    by_day = Counter(
        (path.name[:8], line)
        for path in simulated.raw.glob(f"201704*_{event}.log.tar.gz")
        for line in text_of(path).splitlines()
        if line
    )
    assert low < 1 - len(by_day) / by_day.total() < high


def test_down_records_broken_over_two_lines(simulated: Simulated) -> None:
    lines = lines_of(simulated, "down")
    broken = [i for i, line in enumerate(lines) if line.startswith("\t")]
    assert near(len(broken) / len(lines), 0.004, len(lines))
    for i in broken:
        assert (lines[i - 1].count("\t"), lines[i].count("\t")) == (3, 2)
    whole = [line.split("\t") for line in lines if line.count("\t") == 5]
    assert len(whole) + 2 * len(broken) == len(lines)
    assert sum(row[4] == "" for row in whole) / len(whole) == pytest.approx(0.134, abs=0.02)


def test_searches_carry_their_time_and_are_encoded_by_device(simulated: Simulated) -> None:
    first_days = text_of(simulated.raw / "1_1_search.log.tar.gz").decode().splitlines()
    assert {line.split("\t")[2][:10] for line in first_days} == {"2017-03-30", "2017-03-31", "2017-04-01"}
    rows = [line.split("\t") for line in lines_of(simulated, "search")]
    assert all(re.fullmatch(r"2017-0[34]-\d\d \d\d:\d\d:\d\d", time) for _, _, time, _ in rows)
    lower = [bool(re.search("%[0-9]?[a-f]", query)) for _, device, _, query in rows if device == "ip"]
    upper = [bool(re.search("%[0-9]?[A-F]", query)) for _, device, _, query in rows if device == "ar"]
    assert np.mean(lower) > 0.8 and np.mean(upper) > 0.7
    queries = [query for *_, query in rows]
    assert any("%" not in query and not query.isascii() for query in queries)
    assert any("+" in query for query in queries)


def test_bots_play_more_than_a_day_has(simulated: Simulated) -> None:
    audience = make_audience(CUSTOMERS, 3)
    bots = {str(uid) for uid in audience.uid[CUSTOMERS : CUSTOMERS + number_of_bots(CUSTOMERS)]}
    seconds: Counter[str] = Counter()
    for n in (1, 2, 3):
        for line in text_of(simulated.raw / f"20170420_{n}_play.log.tar.gz").decode().split("\n"):
            row = line.removeprefix("\t").split("\t")
            if len(row) == 9 and row[6].isdecimal() and int(row[6]) < 10_000:
                seconds[row[0]] += int(row[6])
    assert {uid for uid, total in seconds.items() if total > 86_400 and uid != "0"} == bots


def test_uids_are_distinct_and_look_real() -> None:
    audience = make_audience(20_000, 1)
    members = audience.uid[:-1]
    assert len(set(members)) == len(members) == 20_004
    assert members.min() >= 150_000_000 and members.max() < 170_000_000
    # A 32-bit float cannot tell them apart: the trap is there for whoever uses one.
    assert len(set(members.astype(np.float32))) < 0.6 * len(members)


def test_truth_on_disk(simulated: Simulated) -> None:
    assert simulated.as_of == [date(2017, 4, 8), date(2017, 4, 15)]
    table = pq.read_table(simulated.truth / "as_of=2017-04-15" / "part-0.parquet")
    assert {name: str(kind) for name, kind in zip(table.schema.names, table.schema.types, strict=True)} == {
        "customer_id": "int64",
        "churn_probability": "double",
        "churned": "int8",
    }
    ids = table["customer_id"].to_pylist()
    audience = make_audience(CUSTOMERS, 3)
    assert len(set(ids)) == len(ids) and set(ids) <= set(audience.uid[:CUSTOMERS].tolist())
    # Whoever is marked as gone has no line from 15 April on, and the others have one.
    later = {
        line.removeprefix("\t").split("\t")[0]
        for path in simulated.raw.iterdir()
        if "20170415" <= path.name[:8] <= "20170428" and "log" in path.name
        for line in text_of(path).decode().split("\n")
    }
    gone = {str(uid) for uid, churned in zip(ids, table["churned"].to_pylist(), strict=True) if churned}
    assert gone and not gone & later
    assert {str(uid) for uid in ids} - gone <= later
    record = json.loads((simulated.truth / "simulation.json").read_text())
    assert (record["customers"], record["seed"], record["start"]) == (CUSTOMERS, 3, "2017-03-30")


# ---------------------------------------------------------------- the command


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_same_seed_same_bytes_however_many_workers(tmp_path: Path) -> None:
    one = simulate(tmp_path / "a", 200, 20, seed=1, workers=1)
    simulate(tmp_path / "b", 200, 20, seed=1, workers=3)
    two = simulate(tmp_path / "c", 200, 20, seed=2, workers=1)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    other = contents(tmp_path / "c")
    assert all(other[name] != data for name, data in contents(tmp_path / "a").items() if "_down" in name)
    assert one.events > 0 and one.tally["down.events"] != two.tally["down.events"]


def test_what_a_kill_left_is_not_taken_over(tmp_path: Path) -> None:
    left_over = tmp_path / "raw.partial" / "20170330_1_play.log.tar.gz"
    left_over.parent.mkdir()
    left_over.write_bytes(b"half")
    simulate(tmp_path, 50, 1, seed=1)
    simulate(tmp_path / "fresh", 50, 1, seed=1)
    assert contents(tmp_path / "raw") == contents(tmp_path / "fresh" / "raw")
    assert not left_over.exists()


def test_again_replaces_only_its_own(tmp_path: Path) -> None:
    simulate(tmp_path, 50, 3, seed=1)
    simulate(tmp_path, 50, 2, seed=1)
    assert not list(tmp_path.glob("raw/20170401*"))
    assert {path.name for path in tmp_path.iterdir()} == {"raw", "truth"}
    before = contents(tmp_path)
    (tmp_path / "raw" / "20170512_1_play.log.tar.gz").write_bytes(b"real")
    with pytest.raises(InputError, match="no simulation left there"):
        simulate(tmp_path, 50, 2, seed=2)
    assert contents(tmp_path) == before | {"raw/20170512_1_play.log.tar.gz": b"real"}


@pytest.mark.parametrize("days", [1, 2, 15])
def test_short_logs_of_one_customer(tmp_path: Path, days: int) -> None:
    result = simulate(tmp_path, 1, days, seed=0)
    assert result.as_of == ([date(2017, 3, 31)] if days == 15 else [])
    assert (tmp_path / "raw" / "list.html").is_file()


@pytest.mark.parametrize(("customers", "days", "seed"), [(0, 5, 0), (1_000_001, 5, 0), (5, 0, 0), (5, 5, -1)])
def test_numbers_that_cannot_be(tmp_path: Path, customers: int, days: int, seed: int) -> None:
    with pytest.raises(UsageError, match=r"--(customers|days|seed) -?\d+ cannot be; give"):
        simulate(tmp_path, customers, days, seed)
    assert not list(tmp_path.iterdir())
