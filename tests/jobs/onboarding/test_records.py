"""The packing, the encoding and the records of files in many spellings."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.errors import InputError, UsageError
from jobs.onboarding.encoding import encoding_of
from jobs.onboarding.look import chosen, given_files, look_at
from jobs.onboarding.packing import PIECE_BYTES, texts_of
from jobs.onboarding.records import records_of

CSV = "who;what\r\nK1;a\r\nK2;b\r\n"


def zipped(*members: tuple[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members:
            archive.writestr(name, text)
    return out.getvalue()


def tarred(*members: tuple[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in members:
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


# ---- packing ----


@pytest.mark.parametrize(
    ("content", "packing"),
    [
        (CSV.encode(), ""),
        (gzip.compress(CSV.encode()), "gzip"),
        (bz2.compress(CSV.encode()), "bzip2"),
        (lzma.compress(CSV.encode()), "xz"),
    ],
)
def test_packed_files(tmp_path: Path, content: bytes, packing: str) -> None:
    (tmp_path / "a").write_bytes(content)
    (found,) = texts_of(tmp_path / "a")
    assert (found.packing, found.pieces, found.is_whole) == (packing, (CSV.encode(),), True)


@pytest.mark.parametrize(("pack", "packing"), [(zipped, "zip"), (tarred, "gzip.tar")])
def test_of_an_archive_the_ends_are_taken(tmp_path: Path, pack: Callable[..., bytes], packing: str) -> None:
    (tmp_path / "a").write_bytes(
        pack(("__MACOSX/x", "no"), ("b.csv", "1"), ("c.csv", "2"), ("d.csv", "3"), (".e", "no"))
    )
    assert [(one.packing, one.member, one.pieces) for one in texts_of(tmp_path / "a")] == [
        (packing, "b.csv", (b"1",)),
        (packing, "d.csv", (b"3",)),
    ]


def test_of_a_long_text_the_beginning_the_middle_and_the_end_are_taken(tmp_path: Path) -> None:
    lines = [f"{number:015d}\n".encode() for number in range(6 * PIECE_BYTES // 16)]
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"".join(lines), 1))
    (found,) = texts_of(tmp_path / "a.gz")
    assert not found.is_whole and [piece[:16] for piece in found.pieces[::2]] == [
        lines[0],
        lines[5 * PIECE_BYTES // 16],
    ]
    assert found.pieces[0] < found.pieces[1] < found.pieces[2]
    records = records_of([piece.decode() for piece in found.pieces])
    assert records.of_piece[0] == 0 and set(records.of_piece) == {0, 1, 2} and not records.unreadable


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.4", "it is PDF"),
        (gzip.compress(b"x" * 10_000)[:-30], "cannot be unpacked"),
        (b"", "there is nothing in it"),
        (zipped(("[Content_Types].xml", "x")), "it is a document of Excel"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match=words):
        texts_of(tmp_path / "a")


# ---- encoding ----


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("cp1252", "cp1252"),
    ],
)
def test_encodings(encoding: str, found: str) -> None:
    text = "Kunde;Artikel\n" + "417;Kännchen zu 9,90 € für Schüssel\n" * 20
    assert encoding_of([text.encode(encoding)]).name == encoding
    assert not encoding_of([text.encode(encoding)]).is_guess


def test_a_piece_may_cut_a_character() -> None:
    text = "Größe\n".encode() * 100
    assert encoding_of([text, text[3:]]).name == "utf-8"


def test_other_encodings_are_guesses() -> None:
    text = "Клиент;Товар\n" + "417;Большая тарелка для супа и чайник\n" * 30
    found = encoding_of([text.encode("cp1251")])
    assert found.is_guess and text.encode("cp1251").decode(found.name) == text


# ---- records ----


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_ends_of_lines(separator: str, end: str) -> None:
    text = end.join(
        [separator.join(["who", "price"]), separator.join(["K1", '"9,90"']), separator.join(["K2", '"1;0"'])]
    )
    found = records_of([text + end])
    assert (found.format, found.separator, found.quote, found.has_header) == ("CSV", separator, '"', True)
    assert found.rows == [{"who": "K1", "price": "9,90"}, {"who": "K2", "price": "1;0"}]


def test_what_stands_around_csv() -> None:
    found = records_of(["sep=;\r\n" + CSV])
    assert found.has_separator_line and found.separator == ";" and len(found.rows) == 2
    found = records_of(["# made on Monday\nwho,what\nK1,a\n# the rest\nK2,b\n"])
    assert found.comment == "#" and found.names == ["who", "what"] and len(found.rows) == 2
    found = records_of(["who,what\n'K,1','a'\n'K,2','b'\n"])
    assert found.quote == "'" and found.rows[0] == {"who": "K,1", "what": "a"}
    found = records_of(["who,what\nK1,a,b\nK2,b\nK3,c\n"])
    assert found.unreadable == 1 and [row["who"] for row in found.rows] == ["K2", "K3"]
    found = records_of(['who,what\nK1,"a\nb"\nK2,c\n'])
    assert found.rows[0] == {"who": "K1", "what": "a\nb"}


def test_without_a_header_columns_have_numbers() -> None:
    found = records_of(["17850,2017-01-05,a\n17851,2017-01-06,b\n"])
    assert not found.has_header and found.names == ["field_1", "field_2", "field_3"] and len(found.rows) == 2


def test_runs_of_spaces() -> None:
    found = records_of([" 00001 19970101  1   11.77\n 00002 19970112  1   12.00\n" * 5])
    assert (found.format, found.separator, found.has_header) == ("lines", " ", False)
    assert found.rows[0] == {"field_1": "00001", "field_2": "19970101", "field_3": "1", "field_4": "11.77"}


ROWS = [{"userId": 17850, "data": {"song": {"name": "A"}}, "tags": ["x"], "paid": True}, {"userId": 2.50, "gone": None}]
READ = [
    {"userId": "17850", "data.song.name": "A", "tags": '["x"]', "paid": "true", "gone": ""},
    {"userId": "2.5", "data.song.name": "", "tags": "", "paid": "", "gone": ""},
]


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("".join(f"{json.dumps(row)}\n" for row in ROWS), "JSON lines"),
        (json.dumps(ROWS), "JSON array"),
        (json.dumps(ROWS, indent=1), "JSON array"),
        ("\n".join(json.dumps(row, indent=2) for row in ROWS), "JSON objects"),
    ],
)
def test_json(text: str, format: str) -> None:
    found = records_of([text])
    assert (found.format, found.rows, found.unreadable) == (format, READ, 0)


def test_ids_of_json_keep_all_their_digits() -> None:
    assert records_of(['{"id": 9007199254740993}\n']).rows == [{"id": "9007199254740993"}]


# ---- several files ----


def test_files_are_looked_at_together(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("who,what\nK1,a\n")
    (tmp_path / "a.csv").write_text("who,price\nK2,9\nK3,8\n")
    (tmp_path / ".hidden").write_text("x")
    look = look_at(given_files([tmp_path]))
    assert list(look.names) == ["who", "price", "what"]
    assert look.rows[2] == {"who": "K1", "price": "", "what": "a"}
    assert look.place(1) == "record 2 in a.csv" and look.place(2) == "record 1 in b.csv"
    assert look.missing_in("what") == "a.csv" and look.missing_in("who") == ""


def test_files_of_two_ways_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("who,what\nK1,a\n")
    (tmp_path / "b.json").write_text('{"who": 1}\n')
    with pytest.raises(UsageError, match=r"b.json is JSON lines, and a.csv is CSV separated by ','"):
        look_at(given_files([tmp_path]))


def test_missing_and_empty_files_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        given_files([tmp_path / "gone"])
    with pytest.raises(InputError, match="there is no file in it"):
        given_files([tmp_path])
    (tmp_path / "a.csv").write_text("who,what\n")
    with pytest.raises(InputError, match="no record was found"):
        look_at(given_files([tmp_path]))


def test_of_many_small_files_ten_are_looked_at(tmp_path: Path) -> None:
    files = [tmp_path / f"{number:03d}.csv" for number in range(100)]
    for file in files:
        file.write_text("who,what\nK1,a\n")
    assert [file.stem for file in chosen(files)] == [f"{11 * number:03d}" for number in range(10)]
    assert chosen(files[:2]) == files[:2] and chosen(files[:1]) == files[:1]


def test_parquet(tmp_path: Path) -> None:
    columns = {"Kunde": [17850.0, None], "ts": pa.array([0, 1_000_000], pa.timestamp("us")), "in": [{"a": 1}, {"a": 2}]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    look = look_at([tmp_path / "a.parquet"])
    assert look.first.records.format == "Parquet"
    assert look.rows[0] == {"Kunde": "17850.0", "ts": "1970-01-01 00:00:00", "in.a": "1"}
    assert look.rows[1]["Kunde"] == ""
