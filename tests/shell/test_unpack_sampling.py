"""unpack.sh --sample: whole customers, the same ones as everywhere in Encore."""

import random
import zlib
from pathlib import Path

from tests.support.unpacking import counts, down, landed, manifest, pack, tree, unpack


def bucket(customer: str) -> int:
    return zlib.crc32((customer.lstrip("0") or customer[:1]).encode()) % 10000


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


def test_mixing_rates_is_refused(raw: Path, landing: Path) -> None:
    pack(raw / "20170401_1_down.log.tar.gz", down())
    unpack(raw, landing, "--sample", "0.5")
    before = tree(landing)
    said = unpack(raw, landing, status=3)
    assert "0.5" in said and "empty the folder" in said and said.count("\n") == 1
    assert tree(landing) == before
    assert unpack(raw, landing, "--sample", ".50") == ""
