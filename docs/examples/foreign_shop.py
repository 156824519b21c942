"""Writes simulated logs of the audiobook shop as another shop would export them. For the tutorial in services.md.

    python docs/examples/foreign_shop.py RAW OUT

RAW holds what `encore simulate --service audiobooks` made. OUT gets `orders-YYYY.zip`: a CSV file for Excel in Germany
(cp1252, semicolons, decimal commas, 31.12.2017 23:59), and `app-YYYY-MM-DD.json`, a file for each month of JSON lines
with nested keys and milliseconds since 1970, in which a key tells listening from visits.
"""

import csv
import gzip
import io
import json
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]
HEADER = ["Customer No", "Order Date", "Title", "Length (min)", "Price"]


def rows(raw: Path, event: str) -> Iterator[Row]:
    """The records of an event, in the order of their files, without lines that are none."""
    for file in sorted(raw.glob(f"{event}*")):
        content = file.read_bytes()
        text = (gzip.decompress(content) if file.suffix == ".gz" else content).decode("utf-8-sig", "replace")
        if ".csv" in file.name:
            yield from csv.DictReader(io.StringIO(text))
        else:
            yield from (found for line in text.splitlines() if (found := _object(line)))


def _object(line: str) -> Row | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def time_of(text: Any) -> datetime | None:
    """An ISO time in UTC; None where it is none."""
    try:
        found = datetime.fromisoformat(str(text).strip())
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def german(number: Any) -> str:
    """1234.5 as 1.234,50; a text that is no number as it is."""
    try:
        return f"{float(number):,.2f}".translate(str.maketrans(",.", ".,"))
    except (TypeError, ValueError):
        return str(number or "")


def write_orders(raw: Path, out: Path) -> None:
    """The purchases of each year, one zip archive each."""
    years: dict[int, list[list[str]]] = defaultdict(list)
    for row in rows(raw, "purchase"):
        if time := time_of(row.get("purchased_at")):
            length, price = german(row.get("length_minutes")), german(row.get("price"))
            cells = [str(row.get("customer_id") or ""), f"{time:%d.%m.%Y %H:%M}", str(row.get("title") or "")]
            years[time.year].append([*cells, length, price])
    for year, some in years.items():
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
        writer.writerows([HEADER, *some])
        with zipfile.ZipFile(out / f"orders-{year}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"orders-{year}.csv", text.getvalue().encode("cp1252", "replace"))


def write_app_events(raw: Path, out: Path) -> None:
    """Sittings and visits of each month, one file of JSON lines each."""
    months: dict[str, list[Row]] = defaultdict(list)
    for event, time_key in (("listening", "listened_at"), ("visit", "visited_at")):
        for row in rows(raw, event):
            if time := time_of(row.get(time_key)):
                said: Row = {"ts": int(time.timestamp() * 1000), "userId": row.get("customer_id")}
                said["page"] = "Listen" if event == "listening" else "Home"
                if event == "listening":
                    said["book"] = {"title": row.get("title"), "minutesHeard": row.get("minutes")}
                months[f"{time:%Y-%m}-01"].append(said)
    for month, some in months.items():
        some.sort(key=lambda said: int(said["ts"]))
        lines = "".join(json.dumps(said, ensure_ascii=False) + "\n" for said in some)
        (out / f"app-{month}.json").write_text(lines, encoding="utf-8")


def main(raw: Path, out: Path) -> None:
    """Write all files."""
    out.mkdir(parents=True, exist_ok=True)
    write_orders(raw, out)
    write_app_events(raw, out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
