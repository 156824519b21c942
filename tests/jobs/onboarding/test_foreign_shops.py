"""Files of foreign shops go to a report by `encore init`, a few edited lines, `encore check` and `encore run`."""

import json
import random
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.archives import table
from tests.support.console import Encore
from tests.support.customers import QUICK

DAYS = 70
FIRST = datetime(2016, 3, 1)
ARTICLES = ("Kännchen, blau", 'Löffel "groß"', "Schüssel; weiß")
QUICKLY = f"training: {json.dumps(QUICK.model_dump())}"  # JSON is YAML
PAGES = {"NextSong": 8, "Thumbs Up": 1, "Home": 2, "Add to Playlist": 1}


class Line(NamedTuple):
    """A line of an invoice."""

    at: datetime
    customer: str
    order: str
    article: str
    quantity: int
    price: Decimal


def invoice_lines(customers: int = 300) -> list[Line]:
    """What customers bought: some have ids with leading zeros, some ids that went through a float."""
    draw = random.Random(1)
    found = []
    for customer in range(customers):
        who = f"{417 + 7 * customer:05d}" if customer % 3 else f"{17850 + customer}.0"
        for day in range(DAYS):
            if draw.random() < (0.02 if customer % 2 else 0.08):
                at = FIRST + timedelta(days=day, minutes=draw.randrange(8 * 60, 20 * 60))
                quantity = -1 if draw.random() < 0.03 else draw.randrange(1, 4)
                price = Decimal(draw.choice(("9.90", "1009.50", "0.50")))
                found.append(Line(at, who, f"B{len(found):05d}", draw.choice(ARTICLES), quantity, price))
    return sorted(found)


LINES = invoice_lines()


def german(lines: list[Line]) -> str:
    """The lines as a German shop exports them."""

    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if set(text) & set(';"') else text

    def amount(number: Decimal) -> str:
        return f"{number:,}".replace(",", " ").replace(".", ",").replace(" ", ".")

    rows = (
        f"{one.customer};{one.order};{cell(one.article)};{one.quantity};{amount(one.price)};{one.at:%d.%m.%Y %H:%M};"
        f"k{one.order}@example.org"
        for one in lines
    )
    return "\r\n".join(["Kundennummer;Bestellnummer;Artikel;Menge;Preis;Datum;E-Mail", *rows]) + "\r\n"


def edited(service: Path, lines: dict[str, str]) -> None:
    """Edit some lines of a service, each of which must stand there once."""
    text = service.read_text(encoding="utf-8")
    assert len(lines) <= 5 and all(text.count(line) == 1 for line in lines)
    for line, other in lines.items():
        text = text.replace(line, other)
    service.write_text(text, encoding="utf-8")


def bought(data: Path) -> list[tuple[object, ...]]:
    """The events of the shop, in an order of their own."""
    rows = table(data / "events" / "purchase")
    return sorted((row["customer_id"], clock(row["datum"]), row["artikel"], row["menge"], row["preis"]) for row in rows)


def clock(time: object) -> datetime:
    """A time on the shop's clock, which the engine writes as one in UTC."""
    assert isinstance(time, datetime)
    return time.replace(tzinfo=None)


def test_a_german_shop_goes_from_a_zip_to_a_report(tmp_path: Path, encore: Encore) -> None:
    raw, service, data = tmp_path / "raw", tmp_path / "shop.yaml", tmp_path / "data"
    raw.mkdir()
    with zipfile.ZipFile(raw / "Verkäufe 2016.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Verkäufe.csv", german(LINES).encode("cp1252"))
    assert encore("init", "shop", "--from", raw, "--output", service) == (0, "")
    assert "TODO" not in service.read_text(encoding="utf-8")
    edited(service, {"title: Shop": f"title: Geschirr\n{QUICKLY}", "unit: money": "unit: EUR"})
    assert encore("check", service, "--raw", raw, "--engine", "sail") == (0, "")
    assert encore("run", "--service", service, "--raw", raw, "--data", data, "--model", "lr") == (0, "")
    assert "Geschirr" in (data / "report" / "index.html").read_text(encoding="utf-8")
    expected = sorted((one.customer.removesuffix(".0"), one.at, one.article, one.quantity, one.price) for one in LINES)
    assert bought(data) == expected
    features = table(data / "features")
    # The last of the 70 days is 2016-05-09, and the 30 days before the table begin on 2016-04-10.
    spent = sum(one.price * one.quantity for one in LINES if one.at.date() >= date(2016, 4, 10))
    last = [row for row in features if row["as_of"] == "2016-05-10"]
    assert sum(float(str(row["spent_last_30d"])) for row in last) == pytest.approx(float(spent))


def test_the_same_shop_as_parquet(tmp_path: Path, encore: Encore) -> None:
    raw, service, data = tmp_path / "raw", tmp_path / "shop.yaml", tmp_path / "data"
    raw.mkdir()
    columns = {
        "Kundennummer": [one.customer for one in LINES],
        "Bestellnummer": [one.order for one in LINES],
        "Artikel": [one.article for one in LINES],
        "Menge": [one.quantity for one in LINES],
        "Preis": [float(one.price) for one in LINES],
        "Datum": [one.at for one in LINES],
    }
    pq.write_table(pa.table(columns), raw / "verkauf.parquet")
    assert encore("init", "shop", "--from", raw, "--output", service) == (0, "")
    assert "TODO" not in service.read_text(encoding="utf-8")
    assert encore("check", service, "--raw", raw, "--engine", "sail") == (0, "")
    assert encore("unpack", "--service", service, "--raw", raw, "--data", data) == (0, "")
    assert encore("ingest", "--data", data, "--engine", "sail") == (0, "")
    expected = sorted((one.customer.removesuffix(".0"), one.at, one.article, one.quantity, one.price) for one in LINES)
    assert bought(data) == expected


def stream() -> dict[str, list[dict[str, object]]]:
    """The lines of a streaming service by the name of their file: several events, told apart by the key `page`."""
    draw = random.Random(2)
    files: dict[str, list[dict[str, object]]] = {}
    session = 100
    for day in range(DAYS):
        begin = datetime(2018, 10, 1, tzinfo=UTC) + timedelta(days=day)
        lines = [line(begin + timedelta(hours=5), "", 7, "Home", 0, draw)]
        for user in range(300):
            if draw.random() < (0.02 if user % 2 else 0.08):
                session += 1
                at = begin + timedelta(minutes=draw.randrange(60, 1_200))
                pages = draw.choices(list(PAGES), list(PAGES.values()), k=draw.randrange(1, 4))
                lines += [
                    line(at + timedelta(minutes=3 * number), str(user + 2), session, page, number, draw)
                    for number, page in enumerate(pages)
                ]
        files[f"{begin:%Y-%m-%d}-events.json"] = sorted(lines, key=lambda one: str(one["ts"]))
    return files


def line(at: datetime, user: str, session: int, page: str, number: int, draw: random.Random) -> dict[str, object]:
    is_song = page == "NextSong"
    return {
        "ts": int(at.timestamp() * 1_000), "userId": user, "sessionId": session, "page": page,
        "itemInSession": number, "song": f"Song {draw.randrange(30)}" if is_song else None,
        "length": round(draw.uniform(100, 300), 3) if is_song else None, "userAgent": "Mozilla/5.0" if user else None,
    }  # fmt: skip


def test_a_streaming_service_goes_from_json_lines_to_a_report(tmp_path: Path, encore: Encore) -> None:
    raw, service, data = tmp_path / "raw", tmp_path / "stream.yaml", tmp_path / "data"
    raw.mkdir()
    files = stream()
    for name, lines in files.items():
        (raw / name).write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    assert encore("init", "stream", "--from", raw, "--output", service) == (0, "")
    edited(service, {"title: Stream": f"title: Stream\n{QUICKLY}"})
    text = service.read_text(encoding="utf-8")
    assert "TODO" not in text and 'files: "*-events.json"' in text and "time: epoch_ms" in text
    assert encore("check", service, "--raw", raw, "--engine", "sail") == (0, "")
    assert encore("run", "--service", service, "--raw", raw, "--data", data, "--model", "lr") == (0, "")
    assert (data / "report" / "index.html").is_file()
    every = [one for lines in files.values() for one in lines if one["userId"]]
    events = {name: table(data / "events" / name) for name in ("next_song", "home", "thumbs_up", "add_to_playlist")}
    for page, name in zip(PAGES, ("next_song", "thumbs_up", "home", "add_to_playlist"), strict=True):
        assert len(events[name]) == sum(one["page"] == page for one in every)
    sessions = {row["session_id"] for rows in events.values() for row in rows}
    assert sessions == {str(one["sessionId"]) for one in every} and len(sessions) > 500
    songs = sorted((one["userId"], one["song"]) for one in every if one["page"] == "NextSong")
    assert sorted((row["customer_id"], row["song"]) for row in events["next_song"]) == songs
