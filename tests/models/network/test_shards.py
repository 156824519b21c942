"""Rows in lanes: each is read once, in the same batches on any number of ranks, from the files of the rank alone."""

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import models.network.sharding
from models.network.sharding import Layout, lanes_for
from models.network.shards import LABEL_AND_WEIGHT, Singles, read_blocks, write_lanes

Shuffle = tuple[int, int] | None
RANKS = (1, 2, 4)


def numbered(rows: int, width: int = 1) -> Singles:
    """Rows that are told apart by their first input, each with a label and a weight above 0."""
    numbers = np.arange(rows)
    inputs = [numbers + 1000.0 * column for column in range(width)]
    return np.column_stack([*inputs, numbers % 2, 1 + numbers % 3]).astype(np.float32)


def batches(folder: Path, layout: Layout, lanes: Sequence[int], shuffle: Shuffle = None) -> list[Singles]:
    """The rows of each step, (rows, width + 2)."""
    return [
        block[:, step].reshape(-1, layout.width + LABEL_AND_WEIGHT)
        for block in read_blocks(folder, layout, lanes, shuffle)
        for step in range(block.shape[1])
    ]


def of_ranks(folder: Path, layout: Layout, ranks: int, shuffle: Shuffle = None) -> list[Singles]:
    """The batches of all ranks together; each has as many, and as many rows of each."""
    by_rank = [batches(folder, layout, layout.share(rank, ranks), shuffle) for rank in range(ranks)]
    assert {len(own) for own in by_rank} == {layout.steps}
    assert {len(rows) for own in by_rank for rows in own} == {layout.batch // ranks}
    return [np.concatenate(rows) for rows in zip(*by_rank, strict=True)]


def sorted_rows(rows: Singles) -> list[list[float]]:
    return sorted(rows.tolist())


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups of a few rows, so that few rows have several."""
    monkeypatch.setattr(models.network.sharding, "GROUP_ROWS", 8)


@pytest.fixture
def written(tmp_path: Path, small_groups: None) -> tuple[Path, Layout, Singles]:
    """150 rows in 8 lanes of 3 row groups: two of 4 batches, and one of the last 2, not full."""
    rows, layout = numbered(150, 2), Layout(150, 2, 16, 8)
    write_lanes(tmp_path, layout, [rows])
    assert layout.groups == [4, 4, 2]
    return tmp_path, layout, rows


@st.composite
def tables(draw: st.DrawFn) -> tuple[Layout, list[Singles], int]:
    """A layout, its rows in parts of any size, and how many rows a row group has."""
    rows, width, batch = draw(st.integers(1, 60)), draw(st.integers(1, 3)), 4 * draw(st.integers(1, 4))
    cuts = sorted(draw(st.lists(st.integers(0, rows), max_size=4)))
    layout = Layout(rows, width, batch, lanes_for(batch, draw(st.sampled_from(RANKS))))
    return layout, np.split(numbered(rows, width), cuts), draw(st.integers(1, 12))


@given(tables(), st.none() | st.tuples(st.integers(0, 2**63 - 1), st.integers(1, 9)))
def test_every_row_is_read_once_in_the_same_batches_on_any_ranks(
    table: tuple[Layout, list[Singles], int], shuffle: Shuffle
) -> None:
    layout, parts, group_rows = table
    rows = np.concatenate(parts)
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as name:
        patch.setattr(models.network.sharding, "GROUP_ROWS", group_rows)
        write_lanes(Path(name), layout, parts)
        alone, *together = (of_ranks(Path(name), layout, ranks, shuffle) for ranks in RANKS)
    read = np.concatenate(alone)
    filled_up = read[:, -1] == 0
    assert sorted_rows(read[~filled_up]) == sorted_rows(rows)
    assert len(read) == layout.steps * layout.batch < layout.rows + layout.batch
    assert not read[filled_up].any()
    for other in together:
        assert list(map(sorted_rows, other)) == list(map(sorted_rows, alone))


@given(tables())
def test_batches_are_made_of_rows_in_their_order(table: tuple[Layout, list[Singles], int]) -> None:
    layout, parts, group_rows = table
    rows = np.concatenate(parts)
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as name:
        patch.setattr(models.network.sharding, "GROUP_ROWS", group_rows)
        write_lanes(Path(name), layout, parts)
        read = batches(Path(name), layout, range(layout.lanes))
    for number, batch in enumerate(read):
        expected = rows[number * layout.batch : (number + 1) * layout.batch]
        assert np.array_equal(batch[: len(expected)], expected)


def test_a_shuffle_is_one_of_its_seed_and_epoch(written: tuple[Path, Layout, Singles]) -> None:
    folder, layout, rows = written
    lanes = range(layout.lanes)
    first, again, epoch, seed, plain = (
        np.concatenate(batches(folder, layout, lanes, shuffle)) for shuffle in ((7, 1), (7, 1), (7, 2), (8, 1), None)
    )
    assert np.array_equal(first, again)
    orders = [first, epoch, seed, plain]
    assert not any(np.array_equal(one, other) for n, one in enumerate(orders) for other in orders[:n])
    assert {str(sorted_rows(order)) for order in orders} == {str(sorted_rows(first))}


def test_row_groups_lanes_and_rows_are_shuffled_each_for_themselves(written: tuple[Path, Layout, Singles]) -> None:
    """Else the same customers would meet in each epoch."""
    folder, layout, rows = written
    lanes = range(layout.lanes)
    plain = list(read_blocks(folder, layout, lanes))
    orders = set()
    for epoch in range(1, 9):
        blocks = list(read_blocks(folder, layout, lanes, (1, epoch)))
        found = [{sorted_rows(one.reshape(-1, 4))[-1][0] for one in blocks}]
        assert found == [{sorted_rows(one.reshape(-1, 4))[-1][0] for one in plain}]  # whole row groups
        orders.add(tuple(len(block[0]) for block in blocks))
        # How the rows of a lane stand to their first place, in lanes and row groups that are full.
        full = [block[lane, ..., 0].ravel() for block in blocks if block.shape[1] == 4 for lane in lanes]
        moved = {tuple(np.argsort(own).tolist()) for own in full}
        assert len(moved) > len(full) / 2
    assert orders == {(4, 4, 2), (4, 2, 4), (2, 4, 4)}


def test_a_rank_reads_its_own_lanes_only(written: tuple[Path, Layout, Singles]) -> None:
    folder, layout, _ = written
    whole = batches(folder, layout, range(layout.lanes), (1, 1))
    for file in folder.iterdir():
        if file.name not in {"lane-4.parquet", "lane-5.parquet"}:
            file.unlink()
    assert layout.share(2, 4) == range(4, 6)
    own = batches(folder, layout, layout.share(2, 4), (1, 1))
    for rows, all_rows in zip(own, whole, strict=True):
        assert np.array_equal(rows, all_rows.reshape(8, 2, 4)[4:6].reshape(-1, 4))
    with pytest.raises(FileNotFoundError):
        batches(folder, layout, layout.share(1, 4))


@pytest.mark.parametrize(
    ("declared", "rows"),
    [*((150, rows) for rows in (0, 149, 151, 160, 161, 300)), (160, 159), (160, 161)],  # 160 fill all batches
)
def test_other_rows_than_those_of_the_layout_are_refused(
    tmp_path: Path, small_groups: None, declared: int, rows: int
) -> None:
    with pytest.raises(ValueError, match=f"the number of rows is not {declared}, as the layout says"):
        write_lanes(tmp_path, Layout(declared, 2, 16, 8), [numbered(rows, 2)])


def test_layout_by_hand(small_groups: None) -> None:
    """101 rows are 6 whole batches of 16 and one of 5, in lanes that take 4 rows of each, 2 batches to a row group."""
    layout = Layout(101, 3, 16, 4)
    assert (layout.steps, layout.lane_batch, layout.groups) == (7, 4, [2, 2, 2, 1])
    assert layout.row_weight == 7 * 16 / 101
    assert [list(layout.share(rank, 2)) for rank in range(2)] == [[0, 1], [2, 3]]


def test_a_batch_larger_than_a_row_group_is_one(small_groups: None) -> None:
    assert Layout(100, 1, 40, 4).groups == [1, 1, 1]


@pytest.mark.parametrize("ranks", [3, 8])
def test_lanes_that_do_not_divide_into_ranks(ranks: int) -> None:
    with pytest.raises(ValueError, match=f"4 lanes do not divide into {ranks} ranks"):
        Layout(100, 1, 16, 4).share(0, ranks)


@pytest.mark.parametrize(
    ("batch", "ranks", "lanes"),
    [(256, 1, 8), (256, 2, 8), (256, 8, 8), (256, 16, 16), (12, 1, 4), (12, 3, 12), (10, 5, 10), (7, 1, 1), (7, 7, 7)],
)
def test_lanes_by_hand(batch: int, ranks: int, lanes: int) -> None:
    assert lanes_for(batch, ranks) == lanes


@given(st.integers(1, 12), st.integers(1, 400))
def test_batch_and_ranks_divide_into_the_lanes(ranks: int, of_each: int) -> None:
    lanes = lanes_for(ranks * of_each, ranks)
    assert (ranks * of_each) % lanes == 0 and lanes % ranks == 0


@pytest.mark.parametrize(("batch", "ranks"), [(256, 3), (2, 4)])
def test_a_batch_that_does_not_divide_into_ranks(batch: int, ranks: int) -> None:
    with pytest.raises(ValueError, match=f"a batch of {batch} rows does not divide into {ranks} ranks"):
        lanes_for(batch, ranks)


@given(st.integers(1, 60), st.integers(1, 5))
def test_rows_and_those_filled_up_weigh_1_on_average(rows: int, of_each: int) -> None:
    layout = Layout(rows, 1, 4 * of_each, 4)
    weighted = numbered(rows)
    weighted[:, -1] = layout.row_weight
    with TemporaryDirectory() as name:
        write_lanes(Path(name), layout, [weighted])
        read = np.concatenate(batches(Path(name), layout, range(4)))
    assert read[:, -1].mean() == pytest.approx(1)


# ---- memory ----

WIDTH, BATCH, GROUP = 20, 256, 8192  # a row group of all lanes has 8192 rows, some 700 kB


def parts(rows: int) -> Iterator[Singles]:
    for _ in range(0, rows, 2048):
        yield np.ones((2048, WIDTH + LABEL_AND_WEIGHT), np.float32)


def peak(work: Callable[[], Any]) -> int:
    """The most bytes that numpy and Python hold meanwhile, and after them those of Arrow."""
    ours = pa.default_memory_pool()
    watched = pa.proxy_memory_pool(ours)
    pa.set_memory_pool(watched)
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] + watched.max_memory()
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(ours)


def test_memory_does_not_grow_with_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.network.sharding, "GROUP_ROWS", GROUP // 8)
    writing, reading = [], []
    for groups in (3, 24):
        layout, folder = Layout(groups * GROUP, WIDTH, BATCH, 8), tmp_path / str(groups)
        assert len(layout.groups) == groups

        def write(folder: Path = folder, layout: Layout = layout) -> None:
            write_lanes(folder, layout, parts(layout.rows))

        def read(folder: Path = folder, layout: Layout = layout) -> None:
            for _ in read_blocks(folder, layout, layout.share(1, 4), (1, 1)):
                pass

        writing.append(peak(write))
        reading.append(peak(read))
    group = GROUP * 4 * (WIDTH + LABEL_AND_WEIGHT)
    assert writing[1] < writing[0] + group / 2 and writing[1] < 8 * group
    assert reading[1] < reading[0] + group / 8 and reading[1] < 6 * group / 4
