"""unpack.sh --sample: whole customers, the same ones as everywhere in Encore."""

import random
import shutil
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.unpacking import (
    DIRTY_TEXTS,
    as_bytes,
    counts,
    down,
    landed,
    manifest,
    pack,
    python,
    statuses,
    tree,
    unpack,
)


def bucket(customer: str | bytes) -> int:
    """The number of a customer that is compared with 10000 times the rate."""
    plain = as_bytes(customer).strip(b" ").lstrip(b"0")
    return zlib.crc32(plain or (b"0" if customer else b"")) % 10000


def test_sample_is_the_crc_of_the_customer(raw: Path, landing: Path, tmp_path: Path, awk: str) -> None:
    draw = random.Random(11)
    ids = ["0", "007", "7", "00", "", "abc", "0x1", "170000000", "-1", "18446744073709551615", "é"]
    ids += [f"00{n}" for n in range(300)]
    ids += [next(str(n) for n in range(10**6) if bucket(str(n)) == 700)]  # 10000 * 0.07 is 700.0000000000001
    ids += [str(draw.randrange(10 ** draw.randint(1, 12))) for _ in range(3000)]
    pack(raw / "20170401_1_down.log.tar.gz", "".join(down(customer) + "\n" for customer in ids))
    kept = {}
    for rate in (1, 0.1, 0.07, 0.01):
        folder = tmp_path / str(rate)
        unpack(raw, folder, "--sample", rate, awk=awk)
        kept[rate] = [line.split("\t")[0] for line in landed(folder, "down").decode().split("\n")[:-1]]
        assert kept[rate] == [customer for customer in ids if bucket(customer) < round(10000 * rate)]
        row = manifest(folder)["20170401_1_down.log.tar.gz"]
        assert (row["sample"], int(row["left_out"])) == (str(rate), len(ids) - len(kept[rate]))
    assert set(kept[0.01]) < set(kept[0.1]) < set(kept[1])


def test_sample_of_repaired_and_rejected_lines(raw: Path, landing: Path, awk: str) -> None:
    inside = next(n for n in range(99) if bucket(str(n)) < 5000)
    outside = next(n for n in range(99) if bucket(str(n)) >= 5000)
    text = "".join(f"\t{down(n)}\n{n}\tar\t2\tna\nme\ts\t0\nx\n" for n in (inside, outside))
    pack(raw / "20170401_1_down.log.tar.gz", text)
    unpack(raw, landing, "--sample", "0.5", awk=awk)
    assert counts(manifest(landing)["20170401_1_down.log.tar.gz"]) == {
        "lines": 8, "kept": 3, "repaired": 2, "left_out": 3, "rejected": 2, "records": 2,
        "rejected_too_few_fields": 2,
    }  # fmt: skip


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=DIRTY_TEXTS, layout=st.sampled_from(["tab customer=1", "tab customer=4", "tab header=2", "space"]))
def test_a_sample_of_dirty_text_is_all_of_its_customers(
    texts: list[bytes], layout: str, tmp_path: Path, awk: str
) -> None:
    """A sample holds the records of its customers that an unpacking of all holds, and no other."""
    raw, whole, half = tmp_path / "raw", tmp_path / "whole", tmp_path / "half"
    for folder in (raw, whole, half):
        shutil.rmtree(folder, ignore_errors=True)
    for part, text in enumerate(texts):
        pack(raw / f"20170401_{part}_event.tar.gz", b"%d\ta\tb\t007\r\n" % part + text)
    event = f"event files=*event* fields=4 day=name separator={layout}"
    customer = 4 if "customer=4" in layout else 1
    event += "" if "customer" in layout else " customer=1"
    unpack(raw, whole, "--event", event, awk=awk)
    unpack(raw, half, "--event", event, "--sample", "0.5", awk=awk)
    lines = landed(whole, "event").split(b"\n")[:-1]
    expected = [line for line in lines if bucket(line.split(b"\t")[customer - 1]) < 5000]
    assert landed(half, "event") == b"".join(line + b"\n" for line in expected)
    of_whole, of_half = manifest(whole), manifest(half)
    assert [row["lines"] for row in of_half.values()] == [row["lines"] for row in of_whole.values()]


# Where a sampled line may be taken for another one: (layout, text, landed, counts); 7 is in the sample and 8 is not.
ODD = {
    "a line that begins with CR": ("fields=1", "7\n\n\r8\n\r7\n", "7\n", {"lines": 4, "rejected_blank": 1}),
    "fewer lines than the header": ("fields=2 header=3", "a\tb\n", "", {"lines": 1, "header": 1}),
    "as many lines as the header": ("fields=2 header=1", "a\n", "", {"lines": 1, "header": 1}),
    "halves around a line left out": (
        "fields=3", "7\ta\n8\ta\tb\nc\t\n", "", {"lines": 3, "left_out": 1, "rejected_too_few_fields": 2},
    ),
    "halves, the customer in the second": ("fields=3 customer=3", "1\ta\nb\t7\n1\ta\nb\t8\n", "1\tab\t7\n", {}),
    "a too long line of a customer outside": (
        "fields=2", f"8\t{'n' * 65534}\n8\t{'n' * 65535}\n", "", {"left_out": 1, "rejected_too_long": 1},
    ),
    "the customer last, with CR": ("fields=2 customer=2", "a\t8\r\na\t7\r\n", "a\t7\n", {"left_out": 1}),
    "spaces": ("fields=2 separator=space", " 8  a\n 7 a\n", "7\ta\n", {"left_out": 1, "lines": 2}),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_odd_lines(case: str, raw: Path, landing: Path, awk: str) -> None:
    layout, text, kept, expected = ODD[case]
    (raw / "20170401_x").write_text(text, newline="")
    event = f"x files=*x day=name {layout}" + ("" if "customer" in layout else " customer=1")
    unpack(raw, landing, "--event", event, "--sample", "0.5", awk=awk)
    assert landed(landing, "x") == kept.encode()
    assert expected.items() <= counts(manifest(landing)["20170401_x"]).items()


# What is wrong with the Python of sample.py, what is said of it, the exit status.
BROKEN = {
    "dies": ("read -r line; kill -9 $$", "ended with status 137", 3),
    "fails": ("cat >/dev/null; echo ZeroDivisionError >&2; exit 1", "ZeroDivisionError", 3),
    "loses the last line": ("\"$true\" \"$@\" | sed '$d'", "2 lines given, 1 read", 4),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_lines_that_vanish_on_the_way_to_awk(
    case: str, raw: Path, landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, said, status = BROKEN[case]
    pack(raw / "20170401_1_down.log.tar.gz", down(7) + "\n" + down(77) + "\n")  # both are in the sample
    monkeypatch.setenv("PYTHON", python(tmp_path, script + "\n", "sample.py"))
    assert said in unpack(raw, landing, "--sample", "0.9", status=status)
    assert statuses(landing) == {"20170401_1_down.log.tar.gz": "failed"}
    assert landed(landing, "down") == b""


def test_mixing_rates_is_refused(raw: Path, landing: Path) -> None:
    pack(raw / "20170401_1_down.log.tar.gz", down())
    unpack(raw, landing, "--sample", "0.5")
    before = tree(landing)
    said = unpack(raw, landing, status=3)
    assert "0.5" in said and "empty the folder" in said and said.count("\n") == 1
    assert tree(landing) == before
    assert unpack(raw, landing, "--sample", ".50") == ""
