"""`encore init`: what it concludes of a user's files, and the service that it writes."""

import random
import zipfile
from pathlib import Path

import pytest
import yaml

from conf.errors import InputError
from conf.load import load_service
from jobs.cli import main
from jobs.onboarding.columns import Column, field_names, snake_case
from jobs.onboarding.draft import Draft, day_of_name, drafted, files_pattern
from jobs.onboarding.look import given_files, look_at
from jobs.onboarding.roles import Roles, roles_of
from jobs.onboarding.service_text import service_text
from tests.support.console import Encore


def roles(**columns: list[str]) -> Roles:
    return roles_of([Column(name, snake_case(name), cells) for name, cells in columns.items()])


def named(column: Column | None) -> str:
    return column.source if column else ""


def draft_of(folder: Path, *files: tuple[str, str]) -> Draft:
    folder.mkdir(exist_ok=True)
    for name, text in files:
        (folder / name).write_text(text, encoding="utf-8")
    return drafted(look_at(given_files([folder])))


def service_of(folder: Path, draft: Draft) -> dict:  # type: ignore[type-arg]
    """The service of a draft, which must be valid."""
    file = folder.parent / "shop.yaml"
    file.write_text(service_text("shop", draft), encoding="utf-8")
    load_service(str(file))
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


# ---- names ----


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("Customer ID", "customer_id"),
        ("customerId", "customer_id"),
        ("InvoiceNo", "invoice_no"),
        ("data.song.name", "data_song_name"),
        ("Preis (€)", "preis_eur"),
        ("Größe", "groesse"),
        ("E-Mail", "e_mail"),
    ],
)
def test_names_of_fields(source: str, name: str) -> None:
    assert snake_case(source) == name


def test_names_of_fields_are_valid_and_different() -> None:
    found = field_names(["date", "order", "Order", "歌", "2nd", "raw_x", "customer_id", "reason", "events"])
    assert len(set(found.values())) == 9
    assert found["date"] == "date_value" and found["order"] == "order_value" and found["歌"] == "field_4"
    assert found["2nd"] == "field_2nd" and found["customer_id"] == "customer_id" and found["events"] == "events_value"


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["sales.csv"], "sales.csv"),
        (["2018-11-02-events.json", "2018-11-03-events.json"], "*-events.json"),
        (["play.log-20170331", "play.log-20170401"], "play.log-*"),
        (["Sales 2016.zip"], "Sales?*.zip"),
        (["shop_a.csv", "shop_bb.csv"], "shop_*.csv"),
        (["aa.csv", "aaa.csv"], "aa*.csv"),
    ],
)
def test_patterns_of_names(names: list[str], pattern: str) -> None:
    assert files_pattern(names) == pattern


def test_days_of_names() -> None:
    assert [str(day_of_name(name)) for name in ("2018-11-02-x.json", "play.log-20170331", "date=2018-11-02")] == [
        "2018-11-02", "2017-03-31", "2018-11-02",
    ]  # fmt: skip
    assert day_of_name("20181302.csv") is day_of_name("1.csv") is day_of_name("120181102.csv") is None


# ---- roles ----

DAYS = ["2017-01-05", "2017-01-06", "2017-01-07", "2017-01-08"]
TIMES = [f"{day} 10:00" for day in DAYS]


def test_roles_of_invoices() -> None:
    found = roles(
        InvoiceNo=["536365", "536365", "C536366", "536367"],
        StockCode=["85123A", "71053", "71053", "22633"],
        Description=["HOLDER", "LANTERN", "LANTERN", "WARMER"],
        Quantity=["6", "8", "-1", "2"],
        InvoiceDate=TIMES,
        UnitPrice=["2.55", "3.39", "3.39", "1.85"],
        CustomerID=["17850.0", "17850.0", "17850.0", "13047.0"],
        Country=["UK", "UK", "UK", "France"],
    )
    assert named(found.customer) == "CustomerID" and named(found.time) == "InvoiceDate"
    assert [*map(named, found.amounts)] == ["UnitPrice"] and named(found.quantity) == "Quantity"
    assert named(found.item) == "StockCode" and named(found.item_name) == "Description"
    assert named(found.order) == "InvoiceNo" and not found.event_of and not found.guesses


def test_roles_in_german() -> None:
    found = roles(
        Kundennummer=["00417", "00417", "00418", "00419"],
        Geburtsdatum=["1970-01-01"] * 4,
        Datum=DAYS,
        Uhrzeit=["10:00", "11:00", "12:00", "13:00"],
        Betrag=["9,90", "8,90", "7,90", "6,90"],
        Anzahl=["1", "2", "1", "3"],
        Artikel=["a", "b", "a", "c"],
        Vorname=["A", "A", "B", "C"],
    )
    assert named(found.customer) == "Kundennummer" and named(found.time) == "Datum" and named(found.clock) == "Uhrzeit"
    assert [*map(named, found.amounts)] == ["Betrag"] and named(found.quantity) == "Anzahl"
    assert [*map(named, found.personal)] == ["Vorname"] and [*map(named, found.other_times)] == ["Geburtsdatum"]


def test_a_customer_without_a_name_is_a_guess() -> None:
    numbers = [str(170_000 + number % 30) for number in range(90)]
    found = roles(a=numbers, b=[f"2017-01-{1 + number % 28:02d}" for number in range(90)], c=["9.90"] * 90)
    assert named(found.customer) == "a" and named(found.time) == "b" and "customer" in found.guesses


def test_several_events_are_told_apart_by_a_column_that_others_go_with() -> None:
    pages = ["NextSong"] * 6 + ["Home", "Thumbs Up"] * 2
    found = roles(
        userId=[str(number % 4) for number in range(10)],
        auth=["Logged In"] * 10,
        page=pages,
        song=["A", "B", "C", "A", "B", "C", "", "", "", ""],
        level=["free", "paid"] * 5,
    )
    assert named(found.event_of) == "page" and found.events == {"NextSong": 6, "Home": 2, "Thumbs Up": 2}
    assert named(found.customer) == "userId" and named(found.item) == "song"


def test_a_kind_of_product_is_no_event() -> None:
    found = roles(customer=["1", "2", "1", "2"], type=["book", "cd", "book", "cd"], price=["1", "2", "3", "4"])
    assert found.event_of is None


def test_addresses_are_personal() -> None:
    found = roles(user=["1", "2"], contact=["a@b.org", "c@d.org"], host=["203.0.113.7", "203.0.113.8"])
    assert [*map(named, found.personal)] == ["contact", "host"]


def test_markers_of_missing_numbers() -> None:
    column = Column("x", "x", ["1", "-", "2", "NULL", "?", "3.5"])
    assert column.markers == ["-", "?"] and column.is_number and column.texts == ["1", "2", "3.5"]
    assert Column("x", "x", ["a", "-", "b"]).markers == []
    assert not Column("x", "x", ["00417", "00418"]).is_number


# ---- the service ----

SHOP = "Kunde;Datum;Menge;Preis\n" + "".join(
    f"{417 + number % 9:05d};{1 + number % 28:02d}.{1 + number // 28 % 9:02d}.2016 10:{number % 60:02d};"
    f"{-1 if number == 7 else 2};1.009,{number % 10}0\n"
    for number in range(400)
)


def test_a_foreign_shop(tmp_path: Path) -> None:
    draft = draft_of(tmp_path / "raw", ("sales_2016.csv", SHOP))
    found = service_of(tmp_path / "raw", draft)
    landing = found["events"]["purchase"]["landing"]
    assert landing == {
        "files": "sales_*.csv", "format": "records", "separator": "semicolon", "decimal": ",", "thousands": ".",
        "customer": "kunde", "day": "datum",
        "fields": {
            "kunde": "Kunde", "datum": {"source": "Datum", "time": "%d.%m.%Y %H:%M"}, "menge": "Menge",
            "preis": "Preis",
        },
    }  # fmt: skip
    assert found["events"]["purchase"]["measures"] == {
        "purchases": {"sql": "count_if(menge > 0)"},
        "returns": {"sql": "count_if(menge < 0)"},
        "spent": {"sql": "sum(preis * menge)"},
        "menge": {"sql": "sum(menge)"},
    }
    assert found["windows"] == {"observation_days": 180, "outcome_days": 60}
    assert found["label"] == {"name": "bought_again", "when": "purchases > 0", "one_if": "present"}
    assert not draft.todo


def test_what_is_open_is_a_todo(tmp_path: Path) -> None:
    text = "a,b,when\n" + "".join(
        f'K{number % 7},"1,080",{1 + number % 9}/{1 + number % 5}/2017\n' for number in range(90)
    )
    draft = draft_of(tmp_path / "raw", ("x.csv", text))
    assert set(draft.todo) == {"customer", "time", "thousands"}
    written = service_text("x", draft)
    assert sum("TODO" in line for line in written.splitlines()[2:]) == 3
    service_of(tmp_path / "raw", draft)


def test_files_without_a_header_or_a_day_have_todos(tmp_path: Path) -> None:
    draft = draft_of(tmp_path / "raw", ("x.csv", "".join(f"{number % 9},5\n" for number in range(50))))
    assert {"fields", "day", "customer"} <= set(draft.todo)
    service_of(tmp_path / "raw", draft)


@pytest.mark.parametrize("name", ["raw.csv", "inputs.csv", "events.csv", "rejected.csv", "2016.csv"])
def test_names_of_files_that_no_event_can_have(tmp_path: Path, name: str) -> None:
    text = "user_id,at\n" + "".join(f"{number % 5},2017-01-{1 + number % 28:02d}\n" for number in range(50))
    assert list(service_of(tmp_path / "raw", draft_of(tmp_path / "raw", (name, text)))["events"]) == ["activity"]


def test_files_without_a_customer_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x.csv: no column can be the customer \(at\)"):
        draft_of(tmp_path / "raw", ("x.csv", "at\n2017-01-05\n2017-01-06\n"))


def test_a_quote_that_is_not_closed_ends_no_command(tmp_path: Path) -> None:
    """All that follows is one cell, longer than Python's csv takes by default."""
    text = 'user_id,at,title\n1,2017-01-05,"T\n' + "2,2017-01-05,T\n" * 10_000
    assert len(draft_of(tmp_path / "raw", ("x.csv", text)).look.rows) == 1


def test_too_many_columns_are_no_events(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(1_001)]
    with pytest.raises(InputError, match=r"x.csv: 1,001 columns are no table of events"):
        draft_of(tmp_path / "raw", ("x.csv", f"{','.join(names)}\n{','.join('1' for _ in names)}\n"))


def test_the_day_of_a_files_name(tmp_path: Path) -> None:
    lines = "".join(f"K{number}\tar\t{number}\n" for number in range(50))
    files = [(f"201701{day:02d}_play.log", lines) for day in range(1, 31)]
    found = service_of(tmp_path / "raw", draft_of(tmp_path / "raw", *files))
    landing = found["events"]["play"]["landing"]
    assert landing["day"] == "name" and landing["files"] == "*_play.log" and landing["separator"] == "tab"
    assert found["label"]["one_if"] == "absent"


def test_records_without_a_customer_are_left_to_no_event(tmp_path: Path) -> None:
    text = "user_id,at\n" + "".join(f"{number % 5 or ''},2017-01-{1 + number % 28:02d} 10:00\n" for number in range(50))
    found = service_of(tmp_path / "raw", draft_of(tmp_path / "raw", ("visits.csv", text)))
    assert found["events"]["visit"]["landing"]["where"] == "user_id is not null"


# ---- the command ----


def test_the_command_says_what_it_concludes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "raw").mkdir()
    with zipfile.ZipFile(tmp_path / "raw" / "Verkauf.zip", "w") as archive:
        archive.writestr("verkauf.csv", SHOP.replace("Preis", "Stückpreis").encode("cp1252"))
    output = tmp_path / "shop.yaml"
    arguments = ["init", "shop", "--from", str(tmp_path / "raw"), "--output", str(output)]
    monkeypatch.setattr("sys.argv", ["encore", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    said = " ".join(capsys.readouterr().out.split())
    assert "Verkauf.zip, verkauf.csv: CSV, zip, cp1252, separator ';', quote \"; 400 records" in said
    assert "customer Kunde: 9 different ones; 00417 in record 1 in Verkauf.zip, verkauf.csv" in said
    assert "time Datum (%d.%m.%Y %H:%M); the day is first; 13.01.2016 10:12 in record 13" in said
    assert "numbers decimal mark , thousands mark ." in said
    assert f"written {output}; go on with: encore check {output} --raw {tmp_path / 'raw'}" in said
    assert "TODO" not in said and load_service(str(output)).events["purchase"].landing.encoding == "cp1252"


@pytest.mark.parametrize(
    ("name", "words"),
    [("../x", "give a name of letters"), ("there", "there.yaml is there already; give another --output")],
)
def test_what_cannot_be_written_is_refused(
    tmp_path: Path, encore: Encore, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.yaml").write_text("title: mine\n")
    (tmp_path / "a.csv").write_text(SHOP)
    code, said = encore("init", name, "--from", "a.csv")
    assert code == 2 and words in said and (tmp_path / "there.yaml").read_text() == "title: mine\n"


def test_draws_do_not_change_the_service(tmp_path: Path) -> None:
    """The same files give the same service, whatever else the process draws."""
    draft = draft_of(tmp_path / "raw", ("sales.csv", SHOP))
    random.seed(7)
    assert service_text("x", draft) == service_text("x", drafted(look_at(given_files([tmp_path / "raw"]))))


def test_files_without_a_header_have_named_columns(tmp_path: Path) -> None:
    rows = "".join(f"{number % 40:05d},2019-03-{1 + number % 28:02d},{number}.50\n" for number in range(1, 200))
    found = service_of(tmp_path / "raw", draft_of(tmp_path / "raw", ("sales.csv", rows)))
    landing = found["events"]["sale"]["landing"]
    assert landing["column_names"] == ["field_1", "field_2", "field_3"]
    assert landing["customer"] == "field_1" and landing["day"] == "field_2"


def test_what_lasts_is_a_duration_and_titles_are_those_of_the_event_that_has_them(tmp_path: Path) -> None:
    home = '{"ts":"2019-03-01T10:00:00","userId":"%05d","page":"Home","book":null,"minutes":null}\n'
    listen = '{"ts":"2019-03-02T10:00:00","userId":"%05d","page":"Listen","book":"B%d","minutes":%d.5}\n'
    text = "".join(home % who + home % who + listen % (who, who % 7, who) for who in range(80))
    draft = draft_of(tmp_path / "raw", ("app.json", text))
    found = service_of(tmp_path / "raw", draft)
    assert found["use"]["listen"]["amounts"] == {"minutes": {"kind": "duration", "unit": "minutes"}}
    suggested = service_text("shop", draft).partition("# interactions:")[2]
    assert "listen: {title: book," in suggested and "home" not in suggested
