"""`encore unpack`: what it says of files that are not used, and of earlier deliveries."""

import gzip
import io
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from conf.errors import DataCheckError, InputError, UsageError
from jobs.cli import main
from jobs.run import run
from jobs.storage.landing import landed_archives, read_rows
from jobs.unpack import Unpacked, summary, unpack, warnings
from tests.support.archives import context, pack, play_line

PURCHASES = b"customer_id,purchased_at,title,length_minutes,price\n"


def said_by(arguments: list[object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command that succeeds prints."""
    monkeypatch.setattr("sys.argv", ["encore", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    return " ".join(capsys.readouterr().err.split())


def test_unpack_names_what_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = tmp_path / "raw"
    pack(raw, "20170401_1_play.log.tar.gz", "1_play.log", play_line(1).encode())
    (raw / "20170401_1_play.log").write_text(play_line(1))
    for name in ("a [old].txt", "b.txt", "c.txt", "d.txt"):
        (raw / name).write_text("x")
    command = ["unpack", "--data", tmp_path, "--service", "music"]
    for _ in range(2):  # said at every run
        said = said_by(command, monkeypatch, capsys)
        assert "not used: a [old].txt, b.txt, c.txt and 1 more: the name matches the pattern of no event" in said
        assert "20170401_1_play.log.tar.gz: the same lines as 20170401_1_play.log, which count once" in said
        assert f"1 line in {tmp_path / 'landing'}, 0 rejected" in said
        assert said.endswith(f"warning: 5 raw files are not used; {tmp_path / 'landing' / 'unused.csv'} lists them")
        assert said.count("warning:") == said.count("unused.csv") == 1, "it is said once"
    assert len(read_rows(tmp_path / "landing" / "unused.csv")) == 5


def test_members_of_archives_are_counted_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw, listed = tmp_path / "raw", tmp_path / "landing" / "unused.csv"
    raw.mkdir()
    for number, (more, words) in enumerate(
        [("README.txt", "1 member of archives is"), ("b.md", "2 members of archives are")]
    ):
        with tarfile.open(raw / f"2017040{number + 1}_play.log.tar", "w") as archive:
            for name in ("play.log", more):
                data = play_line(number).encode()
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        said = said_by(["unpack", "--data", tmp_path, "--service", "music"], monkeypatch, capsys)
        assert said.endswith(f"warning: {words} not used; {listed} lists them")
    (raw / "x.bin").write_text("x")
    for name in ("20170401_play.log.tar", "20170402_play.log.tar"):
        (raw / name).rename(tmp_path / name)
    (raw / "20170403_play.log").write_text(play_line(9))
    said = said_by(["unpack", "--data", tmp_path, "--service", "music"], monkeypatch, capsys)
    kept = "2 archives of earlier deliveries are not in the raw folder; kept, --prune removes them"
    assert said.endswith(f"{kept} warning: 1 raw file is not used; {listed} lists them")
    assert said.count("earlier deliveries") == said.count("warning:") == 1


def test_every_archive_that_failed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "raw").mkdir()
    names = [f"2017040{day}_play.log.gz" for day in range(1, 9)]
    for name in names:
        (tmp_path / "raw" / name).write_bytes(gzip.compress(play_line().encode())[:-9])
    with pytest.raises(InputError) as error:
        unpack(context(tmp_path))
    assert all(name in str(error.value) for name in names)
    printed = capsys.readouterr().err
    assert all(f"reading {name}: gzip: it ends too early; fetch the archive again" in printed for name in names)


def test_a_delivery_adds_and_prune_removes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack(tmp_path / "raw", "20170401_1_play.log.tar.gz", "1_play.log", (play_line(1) + play_line(2)).encode())
    pack(tmp_path / "today", "20170402_1_play.log.tar.gz", "1_play.log", play_line(3).encode())
    run_of = context(tmp_path)
    unpack(run_of)
    landing = run_of.data.landing
    found = unpack(run_of, tmp_path / "today")
    assert found == Unpacked(3, Counter(), "", earlier=1, unused_files=0, unused_members=0)
    assert warnings(run_of, found) == [
        "1 archive of earlier deliveries is not in the raw folder; kept, --prune removes them"
    ]
    assert "earlier deliveries" not in capsys.readouterr().err, "it is said at the end"
    assert sorted(row["status"] for row in landed_archives(landing)) == ["earlier", "unpacked"]
    pack(tmp_path / "short", "20170401_1_play.log.tar.gz", "1_play.log", play_line(1).encode())
    with pytest.raises(DataCheckError, match="not unpacked, see above: 20170401_1_play.log.tar.gz"):
        unpack(run_of, tmp_path / "short")
    assert [row["status"] for row in landed_archives(landing)] == ["refused", "earlier"]
    assert unpack(run_of, tmp_path / "today", prune=True) == Unpacked(1, Counter(), "", 0, 0, 0)
    assert "--prune removes 1 archive" in capsys.readouterr().err


def test_prune_is_refused_where_nothing_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("ID\n1\n")
    with pytest.raises(UsageError, match="finished table: no --prune"):
        run(context(tmp_path, "audiobooks_table"), lambda _: pytest.fail(), tmp_path / "table.csv", prune=True)


# A file of purchases: a number of good lines, a number of others, what they are, why they are rejected.
BAD_FILES = {
    "cp1252": (30, 30, "Caf\u00e9".encode("cp1252"), "not_utf8 (30), not valid UTF-8 text, such as cp1252 (Windows)"),
    "GBK": (200, 20, "\u6674\u5929".encode("gbk"), "not_utf8 (20), not valid UTF-8 text"),
    "latin-1, all": (0, 1, b"\xdcber", "not_utf8 (1), not valid UTF-8 text"),
    "another layout": (10, 20, b"a,b,c", "too_many_fields (20), more fields than a line has"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_an_archive_of_which_too_much_is_rejected(case: str, tmp_path: Path) -> None:
    """Cases 10 and 20: more than 5 % and at least 20, or all. Its good lines are landed."""
    good, bad, title, said = BAD_FILES[case]
    (tmp_path / "raw").mkdir()
    line = b"K%d,2017-01-05 10:00:00,%s,600,9.90\n"
    lines = [line % (n, b"Alpha") for n in range(good)] + [line % (n, title) for n in range(bad)]
    (tmp_path / "raw" / "purchases.csv").write_bytes(PURCHASES + b"".join(lines))
    shop = context(tmp_path, "audiobooks")
    for _ in range(2):
        with pytest.raises(DataCheckError) as error:
            unpack(shop)
        assert f"purchases.csv: {bad} of its {good + bad} line" in str(error.value) and said in str(error.value)
    unpack(shop, accept_rejected=True)
    assert unpack(shop).records == good  # taken once and for all
    (tmp_path / "raw" / "purchases.csv").write_bytes(PURCHASES + b"".join([*lines, line % (0, title)]))
    with pytest.raises(DataCheckError):  # it is another file now
        unpack(shop)


def test_a_few_rejected_lines_are_said(tmp_path: Path) -> None:
    """Blank lines are no events, however many there are."""
    (tmp_path / "raw").mkdir()
    lines = [b"K1,2017-01-05 10:00:00,Alpha,600,9.90\n\n"] * 400 + [b"x,y\n"] * 19
    (tmp_path / "raw" / "purchases.csv").write_bytes(PURCHASES + b"".join(lines))
    shop = context(tmp_path, "audiobooks")
    found = unpack(shop)
    assert found.rejected == {"blank": 400, "too_few_fields": 19}
    assert "419 rejected (most often blank, 400, such as in purchases.csv: an empty line)" in summary(shop, found)
