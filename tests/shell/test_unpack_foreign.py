"""The files of foreign shops, as they come, through `encore unpack`: cases 08 to 11 and 13, and their like."""

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from conf.errors import UsageError
from jobs.unpack import unpack
from tests.support.archives import context
from tests.support.unpacking import counts, landed, manifest, rejected, rows, zip_bytes

HASHES = {
    "a secret of the shop": "2662d64423761f0f40c3c850aff564c6",
    "another secret of the shop": "c409633b7a1d76235449ba90e332f443",
}
ID = {"type": "string", "sql": "who", "required": True, "about": "x"}
BOUGHT_AT = {"type": "timestamp", "sql": "at", "required": True, "about": "x"}
PRICE = {"type": "decimal(18,2)", "sql": "price", "about": "x"}


def event(landing: dict[str, object], **columns: dict[str, object]) -> dict[str, object]:
    return {
        "about": "x",
        "landing": {"format": "records", "customer": "who"} | landing,
        "columns": {"customer_id": ID, **columns},
        "duplicates": "keep",
        "measures": {"lines": {"sql": "count(*)", "about": "x"}},
    }


SERVICE = {
    "title": "Foreign",
    "about": "x",
    "windows": {"observation_days": 30, "outcome_days": 14},
    "events": {
        "play": event(
            {
                "files": "*listen*",
                "day": "at",
                "fields": {"who": "userId", "at": {"source": "ts", "time": "epoch_ms"}, "seconds": "length"},
                "zone": "Europe/Berlin",
            },
            seconds={"type": "decimal(18,3)", "sql": "seconds", "about": "x"},
        ),
        "invoice": event(
            {
                "files": "*retail*",
                "day": "at",
                "fields": {
                    "who": "customer id", "at": {"source": "InvoiceDate", "time": "%m/%d/%Y %H:%M"},
                    "items": "Quantity", "title": "Description",
                },
                "encoding": "cp1252",
            },
            items={"type": "int", "sql": "items", "about": "x"},
        ),
        "purchase": event(
            {
                "files": "*kauf*",
                "members": "orders*",
                "day": "at",
                "fields": {
                    "who": "Kunde", "at": {"source": ["Datum", "Zeit"], "time": "%d.%m.%Y %H:%M"}, "price": "Preis"
                },
                "decimal": ",",
                "thousands": ".",
            },
            price=PRICE,
        ),
        "visit": event({"files": "*.parquet", "day": "name", "fields": {"who": "user.id", "land": "country"}}),
    },
    "features": {
        "lines_last_30d": {"kind": "count", "unit": "lines", "about": "x", "from_tiles": "sum(lines)", "fill": 0},
        "days_since_last": {
            "kind": "days", "unit": "days", "about": "x", "from_tiles": "min(age_days)", "null_means": "never null"
        },
    },
    "eligible": {"when": "lines_last_30d > 0", "about": "x"},
    "label": {"name": "again", "when": "lines > 0", "one_if": "present", "about": "x"},
    "recency_feature": "days_since_last",
}  # fmt: skip


def write_files(raw: Path) -> None:
    plays = [{"ts": 1538352117000 + n * 79_200_000, "userId": n, "page": "x", "length": 277.5} for n in (7, 8)]
    (raw / "listen.json").write_text("\n".join(map(json.dumps, plays)))
    invoices = [
        "Invoice,Description,Quantity,InvoiceDate,Price,Customer ID,Country",
        "536365,LIGHT £,6,12/1/2010 8:26,2.55,17850.0,United Kingdom",
        "C536366,LIGHT £,-6,12/31/2010 23:59,2.55,17850.0,United Kingdom",
        "536367,LIGHT,6,31/12/2010 8:26,2.55,17850.0,United Kingdom",
    ]
    (raw / "online_retail.csv").write_bytes("\r\n".join(invoices).encode("cp1252"))
    orders = "Kunde;Datum;Zeit;Preis\r\n007;05.01.2017;10:00;1.009,90 €\r\nK2;06.01.2017;9:30;9.90\r\n"
    members = [("orders/orders_1.csv", "\ufeffsep=;\r\n" + orders), ("orders_2.csv", orders.replace("007", "008")),
               ("customers.csv", "Kunde;Name\r\n007;Ann\r\n")]  # fmt: skip
    (raw / "kauf.zip").write_bytes(zip_bytes([(name, text.encode()) for name, text in members]))
    for day, country in (("2018-11-02", "DE"), ("2018-11-03", "D%C3%84")):
        folder = raw / f"visits/date={day}/country={country}"
        folder.mkdir(parents=True)
        out = io.BytesIO()
        pq.write_table(pa.table({"user": [{"id": 1}, {"id": 2}]}), out)
        (folder / "part-0.snappy.parquet").write_bytes(out.getvalue())


def test_hashed_by_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hashes are those of `openssl dgst -sha256 -hmac KEY`, of the text `ann@x.org`."""
    fields = {"who": {"source": "mail", "hash": True}, "at": {}, "note": {"drop": True}}
    shop = SERVICE | {"events": {"visit": event({"files": "*.csv", "day": "at", "fields": fields}, at=BOUGHT_AT)}}
    (tmp_path / "shop.yaml").write_text(yaml.safe_dump(shop, sort_keys=False))
    (tmp_path / "raw").mkdir()
    visit = "ann@x.org,2017-01-05 10:00:00"
    (tmp_path / "raw/x.csv").write_text(f"mail,at,note\n{visit},rude\nbob@x.org,never,\n{visit}\n")
    service, landing = context(tmp_path, str(tmp_path / "shop.yaml")), tmp_path / "landing"
    for name in ("ENCORE_HASH_KEY", "ENCORE_HASH_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="--event visit: a field is hashed, and the key is missing; set ENCORE_HASH_K"):
        unpack(service)
    for key, digest in HASHES.items():
        monkeypatch.setenv("ENCORE_HASH_KEY", key)
        unpack(service)
        assert landed(landing, "visit").decode() == f"{digest}\t2017-01-05 10:00:00\n"
        assert rejected(landing, "visit") == [
            (b"undated", b"(38 characters, not kept)"),  # of the landed line
            (b"too_few_fields", b"(29 characters, not kept)"),
        ]
    written = [file for file in landing.rglob("*") if file.is_file()]
    assert written and not any(
        word in file.read_bytes() for file in written for word in (b"x.org", b"rude", *map(str.encode, HASHES))
    )


def test_files_as_they_come(tmp_path: Path) -> None:
    (tmp_path / "foreign.yaml").write_text(yaml.safe_dump(SERVICE, sort_keys=False))
    raw = tmp_path / "raw"
    raw.mkdir()
    write_files(raw)
    service = context(tmp_path, str(tmp_path / "foreign.yaml"))
    unpack(service)
    landing = tmp_path / "landing"
    assert landed(landing, "play").decode() == "7\t2018-10-07 12:01:57\t277.5\n8\t2018-10-08 10:01:57\t277.5\n"
    assert landed(landing, "invoice").decode() == (
        "17850.0\t2010-12-01 08:26:00\t6\tLIGHT £\n17850.0\t2010-12-31 23:59:00\t-6\tLIGHT £\n"
    )
    assert rejected(landing, "invoice") == [(b"undated", b"17850.0\tunreadable: 31/12/2010 8:26\t6\tLIGHT")]
    assert landed(landing, "purchase").decode() == (
        "007\t2017-01-05 10:00:00\t1009.90\n008\t2017-01-05 10:00:00\t1009.90\n"
        + "K2\t2017-01-06 09:30:00\tunreadable: 9.90\n" * 2
    )
    assert landed(landing, "visit").decode() == "1\tDE\n2\tDE\n1\tDÄ\n2\tDÄ\n"
    assert {row["date"] for row in rows(landing / "days.csv") if row["event"] == "visit"} == {
        "2018-11-02",
        "2018-11-03",
    }
    assert counts(manifest(landing)["kauf.zip"]) == {"lines": 7, "header": 3, "kept": 4, "records": 4}
    assert {row["member"]: row["reason"] for row in rows(landing / "unused.csv")} == {
        "customers.csv": "its name does not match orders*"
    }
    before = landed(landing, "visit")
    other = (tmp_path / "foreign.yaml").read_text().replace("land: country", "land: user.id")
    (tmp_path / "foreign.yaml").write_text(other)
    unpack(context(tmp_path, str(tmp_path / "foreign.yaml")))
    assert landed(landing, "visit") == b"1\t1\n2\t2\n" * 2 != before
