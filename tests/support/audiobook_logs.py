"""Raw logs of the audiobook shop as any program would read them: Python's csv and json, line by line."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

TIMES = {
    "purchase": "purchased_at",
    "listening": "listened_at",
    "review": "reviewed_at",
    "support": "requested_at",
    "visit": "visited_at",
}


@dataclass(frozen=True)
class Line:
    """A good line: its event, customer, instant by UTC, its time as it stands there, and all its fields."""

    event: str
    customer: str
    at: datetime
    time: str
    fields: dict[str, str | float | None]

    @property
    def day(self) -> str:
        return self.at.date().isoformat()

    def number(self, name: str) -> float:
        """The number in a field that is not empty."""
        return float(self.fields[name])  # type: ignore[arg-type]


def text_lines(path: Path) -> list[str]:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8").removesuffix("\n").split("\n")


def event_of(path: Path) -> str | None:
    return next((event for event in TIMES if event.replace("listening", "listen") in path.name), None)


def read_records(path: Path) -> Iterator[tuple[str, dict[str, str | float | None] | None]]:
    """Each line and its fields, None where it has none."""
    lines = text_lines(path)
    if ".csv" in path.name:
        header, *rows = csv.reader(lines)
        yield from zip(
            lines[1:], [dict(zip(header, r, strict=True)) if len(r) == len(header) else None for r in rows], strict=True
        )
        return
    for line in filter(None, lines):
        try:
            yield line, json.loads(line)
        except json.JSONDecodeError:
            yield line, None


def read_shop(raw: Path) -> tuple[list[Line], Counter[str]]:
    """The good lines, each once, and how many lines there are of each kind, like {"purchase.no_price": 3}."""
    good: list[Line] = []
    counts: Counter[str] = Counter()
    for path in sorted(raw.iterdir()):
        event, seen = event_of(path), set[str]()
        if event is None:
            continue
        for text, fields in read_records(path):
            kind = kind_of(event, fields, json_lines="jsonl" in path.name)
            if not kind and text in seen:
                kind = "duplicates"
            seen.add(text)
            counts.update([f"{event}.lines", f"{event}.{kind or 'events'}"])
            if not kind and fields is not None:
                time = str(fields[TIMES[event]])
                good.append(Line(event, str(fields["customer_id"]), instant(time), time, fields))
    return good, counts


def kind_of(event: str, fields: dict[str, str | float | None] | None, json_lines: bool) -> str:
    """What is wrong with a line, '' for nothing."""
    if fields is None:
        return "broken_json" if json_lines else "missing_cell"
    if not fields["customer_id"]:
        return "no_customer"
    try:
        instant(str(fields[TIMES[event]]))
    except ValueError:
        return "no_time"
    if event == "purchase":
        return "no_price" if fields["price"] in ("", None) else ""
    if event == "listening":
        minutes = float(fields["minutes"])  # type: ignore[arg-type]
        return "negative" if minutes < 0 else "over_a_day" if minutes > 1440 else ""
    if event == "review" and fields["rating"] not in ("", None):
        return "" if 1 <= float(fields["rating"]) <= 10 else "out_of_range"
    return ""


def instant(time: str) -> datetime:
    """By UTC; a time without a zone is on the clock of UTC."""
    at = datetime.fromisoformat(time)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
