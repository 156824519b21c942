"""`encore check`: the schema, the SQL, and a sample of the raw files as they would be read."""

import gzip
from collections import Counter
from pathlib import Path

import pytest
import yaml

from conf.schema import Rejections
from jobs.cli import main
from jobs.console.commands import command_modules
from jobs.onboarding.raw_files import raw_files
from jobs.onboarding.reading import read_of
from jobs.onboarding.sample import sample_of, write_sample
from tests.support.archives import context, pack, play_line
from tests.support.console import Encore

EVENTS = context(Path(), "audiobooks").service.events
HEADER = "customer_id,purchased_at,title,length_minutes,price\n"
FIELDS = HEADER.strip().split(",")


def purchase(number: int, minutes: object = 600, customer: str = "") -> str:
    return f"{customer or f'K{number % 7}'},2017-01-{1 + number % 20:02d} 10:00:00,Alpha,{minutes},9.90\n"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


# ---- the command ----


def test_a_sample_is_shown_as_it_is_read(
    raw: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (raw / "purchases_1.csv").write_text(HEADER + "".join(map(purchase, range(40))))
    (raw / "purchases_2.csv").write_text("nothing of this file is read\n")
    last = HEADER + purchase(1, "ten", "K9") + purchase(2, "7.5") + "K1,2017-01-02 10:00:00\n"
    (raw / "purchases_3.csv.gz").write_bytes(gzip.compress(last.encode()))
    (raw / "notes.txt").write_text("x")
    monkeypatch.setattr("sys.argv", ["encore", "check", "audiobooks", "--raw", str(raw), "--engine", "sail"])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    said = " ".join(capsys.readouterr().out.split())
    assert "SQL resolved by sail" in said
    assert "purchase: 3 files; all records of purchases_1.csv (40) and purchases_3.csv.gz (3) were read" in said
    assert "as it came: K0,2017-01-01 10:00:00,Alpha,600,9.90" in said and "columns, of 42 lines" in said
    assert "length_minutes decimal(18,3) 600 → 600.000; 7.5 → 7.500 0.0 % 2.4 %: ten" in said
    assert "customer_id string K0 → K0; K6 → K6; K1 → K1 0.0 % none" in said
    assert "not landed too_few_fields fewer fields than a line has 1 (2.3 %) K1,2017-01-02 10:00:00" in said
    assert "repaired length_minutes_unreadable" in said
    assert "20 days in these lines, 2017-01-01 to 2017-01-20" in said
    assert "8 customers; of a day 2 to 3, median 2" in said
    assert "1 file of no event, by their names: notes.txt" in said and "visit: no file" in said
    assert "days_since_last_visit days Days since the last visit" in said and said.endswith("all checks passed")


def test_too_many_rejected_lines_end_with_4(raw: Path, encore: Encore) -> None:
    lines = [purchase(1, customer="NULL") if number % 4 == 0 else purchase(1) for number in range(100)]
    (raw / "purchases.csv").write_text(HEADER + "".join(lines))
    code, said = encore("check", "audiobooks", "--raw", raw / "purchases.csv", "--engine", "sail")
    assert code == 4
    assert "check of audiobooks: purchase: too many lines of 2017-01-02 are rejected, more than `rejections`" in said


def test_a_file_that_has_another_layout_ends_with_4(raw: Path, encore: Encore) -> None:
    (raw / "purchases.csv").write_text(HEADER + purchase(1) + "K1\n" * 30)
    code, said = encore("check", "audiobooks", "--raw", raw, "--engine", "sail")
    assert code == 4 and "too many lines of purchases.csv cannot be read" in said


def test_sql_is_resolved_without_files(tmp_path: Path, encore: Encore) -> None:
    text = (Path("conf") / "cdnow.yaml").read_text()
    service = tmp_path / "shop.yaml"
    service.write_text(text.replace("when: purchases > 0", "when: purchases || 'x'"))
    code, said = encore("check", service, "--engine", "sail")
    assert code == 2 and "on the engine sail: label.when: \"purchases || 'x'\" is of type string" in said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing", "missing: no such file or folder; give the raw"),
        ("", "no file has a name of an event"),
    ],
)
def test_without_files_it_ends_with_3(raw: Path, encore: Encore, name: str, words: str) -> None:
    (raw / "notes.txt").write_text("x")
    code, said = encore("check", "audiobooks", "--raw", raw / name, "--engine", "sail")
    assert code == 3 and words in said


def test_presets_are_shown_as_features(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = command_modules()["check"].loaded
    commands(["cdnow", "--expanded"], standalone_mode=False)
    found = yaml.safe_load(capsys.readouterr().out)
    assert found["features"]["days_since_last_purchase"]["from_tiles"] == "min(age_days)" and "use" not in found


def test_a_finished_table_has_no_raw_files(raw: Path, encore: Encore) -> None:
    code, said = encore("check", "audiobooks_table", "--raw", raw, "--engine", "sail")
    assert code == 2 and "run `encore table FILE`" in said


# ---- its parts ----


def test_the_first_records_and_some_drawn_ones_are_read(raw: Path) -> None:
    (raw / "purchases.csv").write_text(HEADER + "".join(purchase(number, number) for number in range(6_000)))
    (raw / "purchases_2.csv").write_text(HEADER + purchase(1, "x") + "K1\n" * 30)
    service = context(raw, "audiobooks").service
    found = sample_of(sorted(raw.iterdir()), service.reading("purchase"), service.rejections)
    minutes = [int(line.split("\t")[3]) for _, line in found.lines[:2_000]]
    assert minutes[:1_000] == list(range(1_000)) and minutes == sorted(set(minutes)) and minutes[-1] > 5_900
    assert found.records == [2_000, 31] and not found.is_whole and found.raw[0] == purchase(0, 0).strip()
    assert found.set_aside == Counter(too_few_fields=30) and found.texts == {"too_few_fields": ["K1"] * 3}
    assert found.refused == ["purchases_2.csv"]
    write_sample(found.lines, raw / "out")
    assert (
        (raw / "out" / "date=2017-01-01" / "sample.log").read_text().startswith("K0\t2017-01-01 10:00:00\tAlpha\t0\t")
    )


def test_comments_are_no_rejected_records(raw: Path, tmp_path: Path) -> None:
    """As for `encore unpack`: 40 comments beside 20 purchases pass no limit."""
    service = tmp_path / "books.yaml"
    text = (Path("conf") / "audiobooks.yaml").read_text()
    service.write_text(text.replace("      format: records\n", '      format: records\n      comment: "#"\n', 1))
    (raw / "purchases.csv").write_text(HEADER + "# exported\n" * 40 + "".join(map(purchase, range(20))))
    declared = context(raw, str(service)).service
    found = sample_of([raw / "purchases.csv"], declared.reading("purchase"), declared.rejections)
    assert len(found.lines) == 20 and found.set_aside == Counter(comment=40) and not found.refused


def test_raw_texts_of_dropped_fields_are_not_shown(raw: Path, tmp_path: Path) -> None:
    service, text = tmp_path / "books.yaml", (Path("conf") / "audiobooks.yaml").read_text()
    fields = ", ".join(f"{name}: {name}" for name in FIELDS)
    assert text.count(f"fields: [{', '.join(FIELDS)}]") == 1
    service.write_text(text.replace(f"[{', '.join(FIELDS)}]", f"{{{fields}, secret: {{drop: true}}}}"))
    declared = context(raw, str(service)).service
    (raw / "purchases.csv").write_text(HEADER.strip() + ",secret\n" + purchase(1).strip() + ",Smith\nSmith\n")
    found = sample_of([raw / "purchases.csv"], declared.reading("purchase"), declared.rejections)
    assert len(found.lines) == 1 and found.set_aside == Counter(too_few_fields=1)
    assert "Smith" not in str(found)


def test_lines_without_names_are_read_too(tmp_path: Path) -> None:
    lines = play_line(1) + "a\tb\n" + play_line(2) + "\n" + "c\td\n"
    pack(tmp_path / "raw", "20170401_1_play.log.tar.gz", "1_play.log", lines.encode())
    service = context(tmp_path).service
    found = sample_of(sorted((tmp_path / "raw").iterdir()), service.reading("play"), service.rejections)
    assert found.is_whole and found.lines == [("2017-04-01", play_line(who).strip()) for who in (1, 2)]
    assert found.set_aside == Counter(too_few_fields=2, blank=1) and not found.refused


def test_files_belong_to_the_first_event_whose_pattern_they_match(raw: Path) -> None:
    (raw / "sub").mkdir()
    for name in ("b_PURCHASES.csv", "a_purchases.csv", "sub/c_purchases.csv", ".purchases.csv", "x.csv", "visits.csv"):
        (raw / name).write_text("")
    found = raw_files(raw, EVENTS)
    names = {event: [path.name for path in files] for event, files in found.of_event.items() if files}
    assert names == {"purchase": ["a_purchases.csv", "b_PURCHASES.csv", "c_purchases.csv"], "visit": ["visits.csv"]}
    assert [path.name for path in found.others] == ["x.csv"]
    assert [path.name for path in found.ends("purchase")] == ["a_purchases.csv", "c_purchases.csv"]
    assert [path.name for path in found.ends("visit")] == ["visits.csv"]


def test_what_is_read_of_rows() -> None:
    def row(customer: str | None, minutes: str | None, raw: str, reason: str | None = None, repairs: str | None = None):  # type: ignore[no-untyped-def]
        typed = {"customer_id": customer, "purchased_at": "x", "title": "A", "length_minutes": minutes, "price": "1"}
        texts = {f"raw_{name}": "t" for name in FIELDS} | {"raw_customer_id": customer, "raw_length_minutes": raw}
        return typed | texts | {"date": "2017-01-01", "reason": reason, "repairs": repairs}

    rows = [
        row("K1", "600.000", "600"),
        row("K1", None, "ten", None, "length_minutes_unreadable"),
        row("K2", None, "two", None, "length_minutes_unreadable"),
        row("K2", None, None),  # type: ignore[arg-type]
        row(None, "1.000", "1", "customer_id_missing"),
    ]
    read = read_of(rows, EVENTS["purchase"])
    minutes = read.columns["length_minutes"]
    assert minutes.values == {"600": "600.000", "1": "1.000"}
    assert (minutes.unreadable, minutes.unreadable_texts, minutes.nulls) == (2, ["ten", "two"], 1)
    assert read.reasons == Counter(customer_id_missing=1) and read.repairs == Counter(length_minutes_unreadable=2)
    assert read.texts["customer_id_missing"] == ["(empty)"] and read.columns["customer_id"].nulls == 1
    assert read.customers == {"2017-01-01": 2} and read.customers_of_all_days == 2
    assert read.refused_days(Rejections(always_lines=0, most_share=0.1)) == ["2017-01-01"]
    assert read.refused_days(Rejections(always_lines=1, most_share=0.1)) == []
