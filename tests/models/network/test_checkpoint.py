"""Where a fit goes on from, and the plan that it follows: what was written is what is read, whatever went wrong."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conf.network import Network
from models.network.checkpoint import Epoch, Progress, Throughput, VariableValues
from models.network.job import FitOrigin, NetworkJob
from models.network.sharding import Layout
from models.scoring.inputs import Input

NAN, INF = math.nan, math.inf


def after(losses: list[float]) -> Progress:
    """The progress with these validation losses; the variables of an epoch say its number."""
    progress = Progress()
    for number, loss in enumerate(losses, 1):
        variables = (np.array([float(number)]),)
        progress = progress.after(Epoch(number, 0.5, loss, 2.0), variables, (np.array(-number),))
    return progress


def same(one: VariableValues, other: VariableValues) -> bool:
    """To the last bit, and of the same types."""
    kinds = [[(array.dtype, array.shape) for array in arrays] for arrays in (one, other)]
    return kinds[0] == kinds[1] and all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


def assert_same(one: Progress, other: Progress) -> None:
    assert repr(one.epochs) == repr(other.epochs)  # nan is nan
    assert (one.is_done, one.throughput) == (other.is_done, other.throughput)
    for name in ("variables", "optimizer", "best"):
        assert same(getattr(one, name), getattr(other, name)), name


def test_nothing_there_is_the_beginning(tmp_path: Path) -> None:
    found = Progress.read(tmp_path)
    assert_same(found, Progress())
    assert found.best_epoch is None and not found.is_over(1, 1)


def test_round_trip(tmp_path: Path) -> None:
    """Of more than ten arrays, whose tenth comes behind the ninth, and of the types and shapes that Keras has."""
    random = np.random.default_rng(1)
    variables = tuple(random.normal(size=(2, number)).astype(np.float32) for number in range(1, 13))
    optimizer = (np.array(7, np.int64), np.array(0.001, np.float32), *variables[::-1])
    best = tuple(-array for array in variables)
    progress = Progress(
        (Epoch(1, 0.1 + 0.2, 0.7, 1.5), Epoch(2, NAN, INF, 2.5)),
        variables,
        optimizer,
        best,
        is_done=True,
        throughput=Throughput(12.5, [6.0, 7.0], 0.5),
    )
    progress.write(tmp_path)
    assert_same(Progress.read(tmp_path), progress)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_last_one_written_is_read(tmp_path: Path) -> None:
    after([0.5, 0.4]).write(tmp_path)
    after([0.5, 0.4, 0.6]).write(tmp_path)
    assert_same(Progress.read(tmp_path), after([0.5, 0.4, 0.6]))


def test_a_write_that_was_killed_leaves_the_old_one(tmp_path: Path) -> None:
    old = after([0.5, 0.4])
    old.write(tmp_path)
    whole = (tmp_path / "checkpoint.npz").read_bytes()
    (tmp_path / ".checkpoint.npz").write_bytes(whole[: len(whole) // 2])
    assert_same(Progress.read(tmp_path), old)
    after([0.5, 0.4, 0.3]).write(tmp_path)
    assert_same(Progress.read(tmp_path), after([0.5, 0.4, 0.3]))


def test_a_write_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    class Unwritable:
        def __array__(self, *_: object, **__: object) -> np.ndarray:
            raise OSError("no space left")

    old = after([0.5])
    old.write(tmp_path)
    with pytest.raises(OSError, match="no space left"):
        replace(old, best=(Unwritable(),)).write(tmp_path)  # type: ignore[arg-type]
    assert_same(Progress.read(tmp_path), old)


def test_half_a_write_is_no_beginning(tmp_path: Path) -> None:
    """Of the first epoch, there is no old one."""
    (tmp_path / ".checkpoint.npz").write_bytes(b"PK")
    assert_same(Progress.read(tmp_path), Progress())


@pytest.mark.parametrize(
    ("losses", "best"),
    [
        ([0.5, 0.4, 0.6], 2),
        ([0.4, 0.5, 0.4], 1),  # the first of equal ones
        ([NAN, 0.9], 2),
        ([0.9, NAN], 1),
        ([INF, 0.9, -INF], 2),
        ([NAN, INF], None),
        ([-0.1, 0.1], 1),
    ],
    ids=str,
)
def test_best_epoch_by_hand(losses: list[float], best: int | None) -> None:
    progress = after(losses)
    assert (progress.best_epoch and progress.best_epoch.number) == best
    assert progress.variables[0].tolist() == [len(losses)] and progress.optimizer[0] == -len(losses)
    assert [array.tolist() for array in progress.best] == ([[best]] if best else [])


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, NAN, INF]), max_size=6), st.integers(1, 7), st.integers(1, 4))
def test_over_like_counting_epochs_that_got_no_better(losses: list[float], epochs: int, patience: int) -> None:
    least, waited, best = INF, 0, None
    for number, loss in enumerate(losses, 1):
        waited += 1
        if loss < least:
            least, waited, best = loss, 0, number
    progress = after(losses)
    assert (progress.best_epoch and progress.best_epoch.number) == best
    assert progress.is_over(epochs, patience) == (len(losses) >= epochs or waited >= patience)
    assert progress.is_over(epochs, None) == (len(losses) >= epochs)


@pytest.mark.parametrize(
    ("losses", "epochs", "patience", "is_over"),
    [
        ([0.5, 0.4, 0.4], 9, 2, False),
        ([0.5, 0.4, 0.4, 0.4], 9, 2, True),
        ([0.5, 0.4, 0.4, 0.3], 9, 2, False),
        ([NAN], 9, 2, False),
        ([NAN, NAN], 9, 2, True),  # which will be no number any more
        ([0.5, 0.4], 3, 2, False),
        ([0.5, 0.4, 0.3], 3, 2, True),
        ([0.1, 0.2, 0.3, 0.4], 5, None, False),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 5, None, True),
    ],
    ids=str,
)
def test_over_by_hand(losses: list[float], epochs: int, patience: int | None, is_over: bool) -> None:
    assert after(losses).is_over(epochs, patience) == is_over


def test_round_trip_of_a_plan(tmp_path: Path) -> None:
    plan = NetworkJob(
        Network(hidden=[3, 2], output="softmax", clip_norm=1.5, patience=None, learning_rate=0.1 + 0.2),
        2**63 - 1,
        (0.1, -1e-300),
        (1.0, 1 / 3),
        Layout(1001, 2, 256, 8),
        Layout(77, 2, 80, 8),
        FitOrigin({"tables": {"é": None}}, 4, (Input("é", "visits", "visits", None), Input("b", "age", "age", 0.1))),
    )
    plan.write(tmp_path)
    again = NetworkJob.read(tmp_path)
    assert again == plan
    assert [array.tolist() for array in again.standard] == [list(plan.mean), list(plan.deviation)]
