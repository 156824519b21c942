"""`encore prepare`: split, balanced, standardised arrays, against rows that are known by customer."""

import math
import random
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conf.errors import DataCheckError, InputError, UsageError
from conf.schema import Service
from jobs.context import Context
from jobs.prepare import FILES, prepare
from models.fitting.npz import ArraySet, Scaler, make_arrays
from tests.support.customers import AGE, ALL, customers, feature
from tests.support.frames import AS_OF, Rows, before
from tests.support.model_folder import NEWEST, SERVICE, shop, write_table, write_tables

NAMES = ("visits", "share", "age", "device_is_ar", "device_is_ip", "constant")
TYPES = {"device": pa.string(), "age": pa.float64()}
RARE = [row | {"label": int(row["customer_id"] % 25 < 4)} for row in customers(1_000)]  # 160 of 1,000


def prepared(rows: Rows, seed: int = 1, balance: bool = True) -> tuple[dict[str, ArraySet], Scaler]:
    names = ["customer_id", "label", *(feature.name for feature in ALL)]
    return make_arrays(
        pa.table({name: pa.array([row[name] for row in rows], TYPES.get(name)) for name in names}), ALL, seed, balance
    )


def sizes(parts: dict[str, ArraySet]) -> dict[str, tuple[int, int]]:
    """Rows and positives of each part."""
    return {name: (len(part.targets), int(part.targets.sum())) for name, part in parts.items()}


def raw(row: dict[str, Any]) -> list[float]:
    """The row as numbers, in the order of NAMES."""
    age = math.nan if row["age"] is None else row["age"]
    return [row["visits"], row["share"], age, row["device"] == "ar", row["device"] == "ip", row["constant"]]


def raw_of(rows: Rows, part: ArraySet) -> np.ndarray:
    by_customer = {row["customer_id"]: raw(row) for row in rows}
    return np.array([by_customer[customer] for customer in part.customer_id.tolist()], float)


def is_same(left: ArraySet, right: ArraySet) -> bool:
    return all(np.array_equal(getattr(left, key), getattr(right, key)) for key in ("customer_id", "inputs", "targets"))


def test_every_customer_is_in_one_part_with_the_label_of_the_table() -> None:
    parts, _ = prepared(RARE, balance=False)
    seen = [customer for part in parts.values() for customer in part.customer_id.tolist()]
    assert sorted(seen) == list(range(1_000))
    labels = {row["customer_id"]: row["label"] for row in RARE}
    assert all(part.targets.tolist() == [labels[n] for n in part.customer_id.tolist()] for part in parts.values())


def test_the_split_is_80_10_10_and_stratified() -> None:
    parts, _ = prepared(RARE, balance=False)
    assert sizes(parts) == {"train": (800, 128), "validation": (100, 16), "test": (100, 16)}


def test_balancing_draws_from_the_training_part_and_leaves_the_others_as_they_are() -> None:
    balanced, _ = prepared(RARE)
    whole, _ = prepared(RARE, balance=False)
    assert sizes(balanced) == {"train": (256, 128), "validation": (100, 16), "test": (100, 16)}
    drawn = balanced["train"].customer_id.tolist()
    assert len(set(drawn)) == 256 and set(drawn) < set(whole["train"].customer_id.tolist())
    for name in ("validation", "test"):
        assert balanced[name].customer_id.tolist() == whole[name].customer_id.tolist()


def test_the_commoner_label_may_be_the_one() -> None:
    parts, _ = prepared([row | {"label": 1 - row["label"]} for row in RARE])
    assert sizes(parts) == {"train": (256, 128), "validation": (100, 84), "test": (100, 84)}


def test_whom_balancing_keeps_is_left_to_chance() -> None:
    """The first of a file would all have small numbers: by chance their mean lies within four standard errors."""
    part = prepared(RARE)[0]["train"]
    kept = part.customer_id[part.targets == 0]
    assert kept.mean() == pytest.approx(499.5, abs=4 * 289 / math.sqrt(128))


def test_the_rows_are_shuffled() -> None:
    part = prepared(RARE)[0]["train"]
    changes = int((part.targets[1:] != part.targets[:-1]).sum())  # from one row to the next
    assert changes == pytest.approx(128, abs=32)  # four standard deviations; 1 if they stood by label
    assert abs(np.corrcoef(np.arange(256), part.customer_id)[0, 1]) < 0.25


@given(
    labels=st.tuples(st.integers(10, 120), st.integers(10, 120)),
    seed=st.integers(0, 2**63 - 1),
    balance=st.booleans(),
)
@settings(max_examples=40)
def test_any_split_has_disjoint_parts_with_the_shares_of_the_whole(
    labels: tuple[int, int], seed: int, balance: bool
) -> None:
    rows = [row | {"label": int(row["customer_id"] < labels[1])} for row in customers(sum(labels))]
    parts, _ = prepared(rows, seed, balance)
    assert max(Counter(n for part in parts.values() for n in part.customer_id.tolist()).values()) == 1
    share = labels[1] / sum(labels)
    for part in [parts["validation"], parts["test"], *([] if balance else [parts["train"]])]:
        assert abs(int(part.targets.sum()) - share * len(part.targets)) < 1
        assert abs(len(part.targets) - sum(labels) * (0.8 if part is parts["train"] else 0.1)) < 1
        assert 0 < part.targets.sum() < len(part.targets)
    if balance:
        assert parts["train"].targets.mean() == 0.5


@pytest.mark.parametrize("rarer", [0, 1])
def test_nine_rows_of_a_label_are_too_few_and_ten_are_enough(rarer: int) -> None:
    def rows(count: int) -> Rows:
        return [row | {"label": rarer if row["customer_id"] < count else 1 - rarer} for row in customers(100)]

    with pytest.raises(ValueError, match=f"9 customers have label {rarer}, .* at least 10"):
        prepared(rows(9))
    parts, _ = prepared(rows(10))
    assert {name: int((part.targets == rarer).sum()) for name, part in parts.items()} == {
        "train": 8,
        "validation": 1,
        "test": 1,
    }


@pytest.mark.parametrize("balance", [True, False])
def test_fill_is_that_of_all_training_customers_and_scale_that_of_the_rows_of_train(balance: bool) -> None:
    parts, scaler = prepared(RARE, balance=balance)
    training = raw_of(RARE, prepared(RARE, balance=False)[0]["train"])
    assert scaler.names == NAMES
    assert scaler.fill == pytest.approx(np.nanmean(training, axis=0))
    filled = raw_of(RARE, parts["train"])
    filled[np.isnan(filled[:, 2]), 2] = np.nanmean(training[:, 2])
    assert scaler.mean == pytest.approx(filled.mean(axis=0))
    assert scaler.scale[:5] == pytest.approx(filled.std(axis=0)[:5])
    assert parts["train"].inputs.mean(axis=0) == pytest.approx(np.zeros(6), abs=1e-5)
    assert parts["train"].inputs.std(axis=0) == pytest.approx([1, 1, 1, 1, 1, 0], abs=1e-5)  # float32


def test_inputs_are_raw_values_less_mean_over_scale_in_every_part() -> None:
    parts, scaler = prepared(RARE)
    for part in parts.values():
        values = raw_of(RARE, part)
        is_missing = np.isnan(values)
        assert is_missing.any()
        values[is_missing] = np.broadcast_to(scaler.fill, values.shape)[is_missing]
        assert part.inputs == pytest.approx((values - scaler.mean) / scaler.scale, abs=1e-5)
        assert (part.inputs.dtype, part.targets.dtype) == (np.float32, np.int64)


@pytest.mark.parametrize("name", ["validation", "test", "train"])
def test_only_training_customers_move_the_scaler(name: str) -> None:
    parts, scaler = prepared(RARE)
    outlying = set(parts[name].customer_id.tolist())
    rows = [row | {"visits": 10**9, "age": 1e9} if row["customer_id"] in outlying else row for row in RARE]
    found, moved = prepared(rows)
    columns = [np.array([one.fill, one.mean, one.scale]) for one in (scaler, moved)]
    assert np.array_equal(*columns) == (name != "train")
    assert is_same(found["train"], parts["train"]) == (name != "train")


def test_the_order_of_the_table_changes_nothing() -> None:
    shuffled = random.Random(2).sample(RARE, len(RARE))
    (parts, scaler), (others, other_scaler) = prepared(RARE), prepared(shuffled)
    assert all(is_same(parts[name], others[name]) for name in parts)
    assert np.array_equal(
        [scaler.mean, scaler.scale, scaler.fill], [getattr(other_scaler, k) for k in ("mean", "scale", "fill")]
    )


def test_a_seed_gives_the_same_again_and_another_one_another_split() -> None:
    first, again, other = prepared(RARE, 1)[0], prepared(RARE, 1)[0], prepared(RARE, 2)[0]
    for name in first:
        assert is_same(first[name], again[name])
        assert set(first[name].customer_id.tolist()) != set(other[name].customer_id.tolist())


def test_a_constant_column_is_zero_and_one_never_known_divides_by_nothing() -> None:
    parts, scaler = prepared([row | {"age": None} for row in RARE])
    assert (scaler.fill[2], scaler.mean[2], scaler.scale[2]) == (0, 0, 1)
    assert (scaler.mean[5], scaler.scale[5]) == (3, 1)
    assert all(np.isfinite(part.inputs).all() and not part.inputs[:, [2, 5]].any() for part in parts.values())


def test_a_constant_of_many_digits_is_zero() -> None:
    parts, scaler = prepared([row | {"share": 0.1 + 0.2} for row in RARE])
    assert scaler.scale[1] == 1
    assert all(part.inputs[:, 1] == pytest.approx(0, abs=1e-9) for part in parts.values())


def test_a_category_has_a_column_for_each_level_and_none_for_null_or_other_values() -> None:
    parts, scaler = prepared(RARE)
    part = parts["validation"]
    found = part.inputs[:, 3:5] * scaler.scale[3:5] + scaler.mean[3:5]
    expected = {0: (1, 0), 1: (0, 1), 2: (0, 0), 3: (0, 0)}  # ar, ip, wp (which is no level), null
    assert found == pytest.approx(np.array([expected[n % 4] for n in part.customer_id.tolist()]), abs=1e-6)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_ids_of_text_keep_their_zeros(kind: pa.DataType) -> None:
    ids = [f"{n:05}" for n in range(100)]
    table = pa.table(
        {
            "customer_id": pa.array(ids, kind),
            "label": pa.array([n % 2 for n in range(100)], pa.int32()),
            "age": pa.array([float(n) for n in range(100)]),
        }
    )
    parts, scaler = make_arrays(table, [AGE], seed=1)
    assert sorted(np.concatenate([part.customer_id for part in parts.values()]).tolist()) == ids
    for part in parts.values():
        ages = part.inputs[:, 0] * scaler.scale + scaler.mean
        assert ages == pytest.approx([int(customer) for customer in part.customer_id], abs=1e-4)


def test_a_large_uid_stays_the_number_it_is() -> None:
    ids = [2**62 + n for n in range(40)]
    table = pa.table({"customer_id": ids, "label": [n % 2 for n in range(40)], "visits": list(range(40))})
    parts, _ = make_arrays(table, [feature("visits", "count")], seed=1)
    assert sorted(n for part in parts.values() for n in part.customer_id.tolist()) == ids


# ---- the command ----


@pytest.fixture
def made(tmp_path: Path) -> Context:
    """A shop with a table with labels, a newer one without, and an older one with labels and fewer customers."""
    context = shop(tmp_path / "data")
    write_tables(context, mature=RARE)
    write_table(context, before(5), RARE[:500], is_mature=True)
    return context


def loaded(out: Path) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of the three files, by part."""
    found = {}
    for part in ("train", "validation", "test"):
        with np.load(out / f"{part}.npz", allow_pickle=False) as arrays:
            found[part] = dict(arrays)
    return found


def ids(arrays: dict[str, dict[str, np.ndarray]]) -> set[int]:
    return {n for part in arrays.values() for n in part["customer_id"].tolist()}


def test_the_files_hold_the_parts_and_the_scaler(made: Context, tmp_path: Path) -> None:
    told = prepare(made, tmp_path / "out", balance=False)
    found = loaded(tmp_path / "out")
    assert ids(found) == set(range(1_000))
    for name, arrays in found.items():
        rows = {"train": 800}.get(name, 100)
        shapes = {key: (value.shape, value.dtype.kind, value.dtype.itemsize) for key, value in arrays.items()}
        longest = len("device_is_ar") * 4
        assert shapes == {
            "inputs": ((rows, 6), "f", 4),
            "targets": ((rows,), "i", 8),
            "customer_id": ((rows,), "i", 8),
            "names": ((6,), "U", longest),
            "fill": ((6,), "f", 8),
            "mean": ((6,), "f", 8),
            "scale": ((6,), "f", 8),
        }
        assert tuple(arrays["names"]) == NAMES
        assert (told.rows[name], told.positives[name]) == (rows, {"train": 128}.get(name, 16))
    assert set(told.rows) == set(told.positives) == set(found)
    assert (told.as_of, told.seed, told.names) == (str(AS_OF), 1, NAMES)


def test_only_eligible_customers_with_a_label_are_written(made: Context, tmp_path: Path) -> None:
    write_table(
        made,
        AS_OF,
        [row | {"eligible": row["visits"] != 5, "label": None if row["visits"] == 6 else row["label"]} for row in RARE],
        is_mature=True,
    )
    prepare(made, tmp_path / "out", balance=False)
    assert ids(loaded(tmp_path / "out")) == {row["customer_id"] for row in RARE if row["visits"] not in (5, 6)}


def test_another_as_of_date(made: Context, tmp_path: Path) -> None:
    told = prepare(made, tmp_path / "out", as_of=before(5), balance=False)
    assert told.as_of == str(before(5)) and ids(loaded(tmp_path / "out")) == set(range(500))


def test_features_are_left_out_by_name(made: Context, tmp_path: Path) -> None:
    told = prepare(made, tmp_path / "out", without=["device", "age"])
    assert told.names == ("visits", "share", "constant")
    assert loaded(tmp_path / "out")["test"]["inputs"].shape == (100, 3)


def test_the_seed_is_the_services_unless_one_is_given(made: Context, tmp_path: Path) -> None:
    seeded = replace(made, service=Service.model_validate(SERVICE | {"training": {"seed": 7}}))
    assert prepare(seeded, tmp_path / "seven").seed == 7
    assert prepare(made, tmp_path / "given", seed=7).seed == 7
    prepare(made, tmp_path / "one")
    bytes_of = {name: [(tmp_path / name / file).read_bytes() for file in FILES] for name in ("seven", "given", "one")}
    assert bytes_of["seven"] == bytes_of["given"] != bytes_of["one"]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_new_folder_is_made_with_those_above_it(made: Context, tmp_path: Path) -> None:
    prepare(made, tmp_path / "new" / "out")
    assert names(tmp_path / "new" / "out") == set(FILES)
    assert names(tmp_path / "new") == {"out"}


def test_a_folder_of_these_files_is_replaced_as_a_whole(made: Context, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(made, out, seed=1)
    first, inode = loaded(out), out.stat().st_ino
    prepare(made, out, seed=2)
    assert names(out) == set(FILES) and out.stat().st_ino != inode  # one exchange of folders
    assert ids({"test": loaded(out)["test"]}) != ids({"test": first["test"]})


def test_other_files_of_the_folder_stay(made: Context, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    inode = out.stat().st_ino
    for seed in (1, 2):
        prepare(made, out, seed=seed)
    assert names(out) == {"notes.txt", *FILES} and names(tmp_path) == {"data", "out"}
    assert (out / "notes.txt").read_text() == "mine" and out.stat().st_ino == inode
    prepare(made, tmp_path / "alone", seed=2)
    assert all((out / file).read_bytes() == (tmp_path / "alone" / file).read_bytes() for file in FILES)


def test_train_never_stands_beside_files_of_another_run(made: Context, tmp_path: Path) -> None:
    """A folder in the place of a file stops the second of the three renames, as a kill might."""
    out = tmp_path / "out"
    prepare(made, out)
    (out / "validation.npz").unlink()
    (out / "validation.npz").mkdir()
    (out / "validation.npz" / "mine").write_text("mine")
    with pytest.raises(UsageError, match=r"--out .*out: cannot be written \(Is a directory\)"):
        prepare(made, out, seed=2)
    assert names(out) == {"validation.npz", "test.npz"}
    assert names(tmp_path) == {"data", "out"}


def test_a_file_in_the_place_of_the_folder_is_refused_and_stays(made: Context, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    for out in (tmp_path / "out", tmp_path / "out" / "below"):
        with pytest.raises(UsageError, match="--out .* cannot be written .*; give another folder"):
            prepare(made, out)
    assert (tmp_path / "out").read_text() == "mine" and names(tmp_path) == {"data", "out"}


@pytest.mark.parametrize(
    "given_, said",
    [
        ({"without": ["visit"]}, "--without visit: shop has no such feature; it has visits, share, age"),
        ({"without": ["visits", "share", "age", "device", "constant"]}, "no feature is left"),
        ({"seed": -1}, "training.seed"),
    ],
)
def test_bad_usage(made: Context, tmp_path: Path, given_: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        prepare(made, tmp_path / "out", **given_)
    assert not (tmp_path / "out").exists()


def refusal(context: Context, as_of: date | None = None) -> str:
    with pytest.raises(InputError) as caught:
        prepare(context, context.data.root / "out", as_of)
    assert not (context.data.root / "out").exists()
    return str(caught.value)


def test_labels_that_are_not_known_yet_are_refused(made: Context, tmp_path: Path) -> None:
    told = refusal(made, NEWEST)
    assert f"as_of={NEWEST}: its labels are not known" in told
    assert "at least 2 days before the end of the logs" in told
    young = shop(tmp_path / "young", windows={"observation_days": 10, "gap_days": 3, "outcome_days": 2})
    write_table(young, NEWEST, customers(100), is_mature=False)
    assert "at least 5 days before" in refusal(young)


def test_a_finished_table_without_the_outcome_is_refused_with_its_own_way_out(tmp_path: Path) -> None:
    table = {"as_of": AS_OF, "columns": {"customer_id": {"type": "bigint"}, "bought": {"type": "int"}}}
    visits = SERVICE["features"]["visits"] | {"from_tiles": None, "from_features": "bought"}
    context = shop(
        tmp_path, events={}, bots=None, table=table, features={"visits": visits}, recency_feature="visits",
        label=SERVICE["label"] | {"when": "bought > 0"}, targeting=None, alive=None,
    )  # fmt: skip
    write_table(context, AS_OF, customers(100), is_mature=False)
    assert "run `encore table` on a file that has the outcomes of the customers" in refusal(context)


def test_a_table_that_is_not_there_is_refused(made: Context, tmp_path: Path) -> None:
    assert "there is no feature table at 2017-01-01" in refusal(made, date(2017, 1, 1))
    assert "there is no feature table; run `encore features` first" in refusal(shop(tmp_path / "empty"))


def test_a_table_of_other_declarations_is_refused(made: Context) -> None:
    """It has labels, but the features may mean something else; a newer one without labels does not hide that."""
    changed = shop(made.data.root, eligible={"when": "visits > 0", "about": "Was here"})
    assert f"as_of={AS_OF}: was computed with another configuration" in refusal(changed)


def test_a_table_of_other_declarations_is_passed_over_where_there_is_one_in_force(made: Context) -> None:
    changed = shop(made.data.root, eligible={"when": "visits > 0", "about": "Was here"})
    write_table(changed, before(9), RARE, is_mature=True)
    assert prepare(changed, made.data.root / "out").as_of == str(before(9))


def test_too_few_eligible_customers_of_a_label_are_refused(made: Context) -> None:
    ones = [row["customer_id"] for row in RARE if row["label"]]
    write_table(made, AS_OF, [row | {"eligible": row["customer_id"] not in ones[9:]} for row in RARE], is_mature=True)
    told = refusal(made)
    assert f"as_of={AS_OF}: among the eligible 9 customers have label 1" in told and "another --as-of" in told


def test_a_table_that_has_lost_its_rows_is_refused(made: Context) -> None:
    (made.data.features.partition(str(AS_OF)) / "part-0.parquet").unlink()
    with pytest.raises(DataCheckError, match="part-0.parquet: this file is missing; .* run `encore features --as-of"):
        prepare(made, made.data.root / "arrays")  # type: ignore[operator]
