"""Bad input and bad usage: one line with the file and what to do, the right exit code, nothing half written."""

import json
import re
from pathlib import Path

import pytest

from tests.support.archives import GOOD, landed, pack, play_line
from tests.support.console import Encore


def tables(data: Path) -> list[Path]:
    return [file for layer in ("events", "daily", "features") for file in (data / layer).rglob("*.parquet")]


def test_a_folder_that_is_not_there(encore: Encore, tmp_path: Path) -> None:
    code, said = encore("run", "--data", tmp_path)
    assert code == 3
    assert "raw" in said and "--raw" in said


def test_an_empty_folder(encore: Encore, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    code, said = encore("run", "--data", tmp_path)
    assert (code, tables(tmp_path)) == (3, [])
    assert str(tmp_path / "raw") in said


def test_a_file_that_is_no_log(encore: Encore, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "holiday.jpg").write_bytes(b"\xff\xd8\xff")
    code, said = encore("run", "--data", tmp_path)
    assert code == 3
    assert str(tmp_path / "raw") in said


def test_commands_in_the_wrong_order_name_the_one_to_run_first(encore: Encore, tmp_path: Path) -> None:
    first = {"ingest": "unpack", "rollup": "ingest", "features": "rollup", "train": "features", "score": "features"}
    first["drift"] = "score"
    for command, before in first.items():
        code, said = encore(command, "--data", tmp_path / command)
        assert code == 3, command
        assert re.search(f"encore {before}|{before}.sh", said), said


@pytest.mark.parametrize("as_of", ["2017-04-01", "2017-04-03", "2016-01-01", "2027-01-01"])
def test_an_as_of_outside_the_data(encore: Encore, tmp_path: Path, as_of: str) -> None:
    """The logs hold 2017-04-01 alone, so the only as_of is the day after it."""
    data = landed(tmp_path, encore)
    assert encore("ingest", "--data", data)[0] == encore("rollup", "--data", data)[0] == 0
    code, said = encore("features", "--data", data, "--as-of", as_of)
    assert code == 3
    assert as_of in said and "2017-04-02" in said
    assert not (data / "features").exists() or not list((data / "features").rglob("*.parquet"))
    assert encore("features", "--data", data, "--as-of", "2017-04-02")[0] == 0


def test_no_logs_for_the_window(encore: Encore, tmp_path: Path) -> None:
    """The logs go from January to April, but nothing lies in the 30 days before the middle of March."""
    for day in ("0101", "0102", "0103", "0104", "0402", "0403", "0404"):
        pack(tmp_path / "raw", f"2017{day}_1_play.log.tar.gz", "1_play.log", GOOD.encode())
    data = landed(tmp_path, encore)
    assert encore("ingest", "--data", data)[0] == encore("rollup", "--data", data)[0] == 0
    code, said = encore("features", "--data", data, "--as-of", "2017-03-15")
    assert code == 3
    assert "2017-02-13" in said and "30 days" in said
    # In silence as long as the outcome everybody would look gone; with logs far behind it, the label is not known.
    assert encore("features", "--data", data, "--as-of", "2017-01-05")[0] == 0
    from tests.support.archives import table

    rows = table(data / "features" / "as_of=2017-01-05")
    assert {(row["label"], row["label_status"]) for row in rows} == {(None, "uncertain")}


def test_a_stray_day_far_ahead_does_not_move_the_end_of_the_logs(encore: Encore, tmp_path: Path) -> None:
    """A search with its clock wrong: the label of everybody at the days before would read churn."""
    pack(tmp_path / "raw", "1_1_search.log.tar.gz", "1_search.log", b"1\tar\t2029-01-01 00:00:00\tq\n")
    data = landed(tmp_path, encore)
    assert encore("ingest", "--data", data)[0] == encore("rollup", "--data", data)[0] == 0
    assert encore("features", "--data", data)[0] == 0
    assert [path.name for path in (data / "features").glob("as_of=*")] == ["as_of=2017-04-02"]
    code, said = encore("features", "--data", data, "--as-of", "2028-12-31")
    assert code == 3 and "not after 2017-04-02" in said


def test_a_sample_of_nobody(encore: Encore, tmp_path: Path) -> None:
    data = landed(tmp_path, encore, play_line(1))  # crc32(b"1") % 10000 = 4583
    assert encore("ingest", "--data", data, "--sample", "0.4583")[0] == 0
    assert encore("rollup", "--data", data)[0] == 0
    code, said = encore("features", "--data", data)
    assert code == 3
    assert "sample" in said


@pytest.mark.parametrize("rate", ["0", "-0.1", "1.5", "nan"])
def test_a_sample_that_is_no_share(encore: Encore, tmp_path: Path, rate: str) -> None:
    code, said = encore("run", "--data", tmp_path, "--sample", rate)
    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert f"Invalid value for '--sample': {rate}: give a share above 0 and at most 1, such as 0.1" in said


def test_text_that_is_not_utf8(encore: Encore, tmp_path: Path) -> None:
    """The line is rejected with its reason, by the shell or by ingest; the others go on."""
    bad = play_line(99).replace("歌手", "BAD").encode().replace(b"BAD", b"\xff\xfe")
    data = landed(tmp_path, encore, GOOD.encode() + bad)
    assert encore("ingest", "--data", data)[0] == 0
    text = "".join(file.read_text(errors="replace") for file in data.rglob("*manifest.csv"))
    assert "not_utf8" in text
    from tests.support.archives import table

    assert {row["customer_id"] for row in table(data / "events" / "play")} == set(range(1, 30))


def test_an_archive_of_which_nothing_is_kept(encore: Encore, tmp_path: Path) -> None:
    """Case 09: a time that is no date (epoch milliseconds); the other archive is unpacked all the same."""
    raw = tmp_path / "raw"
    raw.mkdir()
    records = [{"customer_id": str(n), "visited_at": "2019-03-01 10:00:00"} for n in range(50)]
    bad = [record | {"visited_at": 1551434400000} for record in records]
    (raw / "visits-2019-03.json").write_text("\n".join(json.dumps(one) for one in bad))
    (raw / "visits-2019-04.json").write_text("\n".join(json.dumps(one) for one in records))
    code, said = encore("unpack", "--data", tmp_path, "--service", "audiobooks")
    assert code == 4
    assert "visits-2019-03.json: 50 of its 50 lines were rejected, most often undated (50), no day that can be" in said
    assert len((tmp_path / "landing/visit/date=2019-03-01/visits-2019-04.json.log").read_text().splitlines()) == 50


def test_a_folder_remembers_the_first_service_named_for_it(encore: Encore, tmp_path: Path) -> None:
    code, said = encore("report", "--data", tmp_path)
    assert code == 3 and not (tmp_path / ".service").exists()  # nobody named music, and nothing came of it
    code, _ = encore("report", "--data", tmp_path, "--service", "cdnow")
    assert code == 3 and (tmp_path / ".service").read_text() == "cdnow\n"
    code, said = encore("table", tmp_path / "x.csv", "--data", tmp_path)
    assert code == 2 and "cdnow: this service starts from raw logs" in said
    encore("report", "--data", tmp_path, "--service", "music")
    assert (tmp_path / ".service").read_text() == "cdnow\n"


def test_numbers_beyond_64_bits(encore: Encore, tmp_path: Path) -> None:
    huge = "9" * 25
    data = landed(tmp_path, encore, GOOD + play_line(huge) + play_line(77, seconds=huge) + play_line(78, song=huge))
    assert encore("ingest", "--data", data)[0] == 0
    from tests.support.archives import table

    reasons = sorted(str(row["reason"]) for row in table(data / "events" / "rejected" / "play"))
    assert reasons == ["customer_id_unreadable", "play_seconds_unreadable"]
    assert [row["song_id"] for row in table(data / "events" / "play") if row["customer_id"] == 78] == [None]


def test_a_configuration_with_an_unknown_key(encore: Encore, tmp_path: Path) -> None:
    from conf.load import FOLDER

    path = tmp_path / "mine.yaml"
    path.write_text((FOLDER / "cdnow.yaml").read_text().replace("observation_days", "observation_dais"))
    code, said = encore("run", "--service", path, "--data", tmp_path / "data")
    assert code == 2
    assert str(path) in said and "observation_dais" in said and "spelling" in said
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--service", "musik"], ["musik.yaml", "music"]),
        (["run", "--engine", "duckdb"], ["Invalid value for '--engine': ", "'duckdb' is not one of 'sail', 'spark'"]),
        (["run", "--profile", "moon"], ["moon.yaml", "cluster"]),
        (["features", "--as-of", "yesterday"], ["'--as-of': yesterday: give a date as YYYY-MM-DD"]),
    ],
)
def test_words_that_mean_nothing(encore: Encore, tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    code, said = encore(*arguments, "--data", tmp_path)
    assert (code, list(tmp_path.iterdir())) == (2, [])
    assert all(word in said for word in words), said


@pytest.mark.parametrize(
    ("arguments", "option", "problem"),
    [
        (["train", "--model", "xbg"], "'--model'", "'xbg' is not one of 'lr', 'rf', 'gbt', 'xgb', 'all'"),
        (["train", "--split", "luck"], "'--split'", "'luck' is not one of 'auto', 'customer', 'time'"),
        (["simulate", "--service", "cdnow"], "'--service'", "'cdnow' is not one of 'music', 'audiobooks'"),
        (["demo", "--customers", "0"], "'--customers'", "greater than or equal to 1"),
        (["recommend", "--model", "als2"], "'--model'", "'als2' is not one of 'auto', 'als', 'item-item', 'ease'"),
        (["score", "--as-of", "2017-13-01"], "'--as-of'", "2017-13-01: give a date as YYYY-MM-DD"),
        (["train", "--data"], "'--data'", "requires an argument"),
        (["train", "--epochs", "3"], "--epochs", "No such option"),
        (["fly"], "'fly'", "No such command"),
    ],
)
def test_usage_that_typer_refuses(encore: Encore, arguments: list[str], option: str, problem: str) -> None:
    code, said = encore(*arguments)
    assert code == 2 and option in said and problem in said


def test_a_file_lost_from_the_landing_layer(encore: Encore, tmp_path: Path) -> None:
    data = landed(tmp_path, encore)
    (lost,) = (data / "landing" / "play").rglob("*.log")
    lost.unlink()
    code, said = encore("ingest", "--data", data)
    assert (code, tables(data)) == (3, [])
    assert lost.name in said and "unpack" in said


def test_labels_of_one_kind_only(encore: Encore, tmp_path: Path) -> None:
    """Everybody of the first day is back on the last: there is nothing to tell apart."""
    from conf.load import FOLDER

    service = tmp_path / "mine.yaml"  # as if all parts of all days were there
    service.write_text((FOLDER / "music.yaml").read_text() + "\ncoverage: {tolerated_missing_days: 14}\n")
    pack(tmp_path / "raw", "20170415_1_play.log.tar.gz", "1_play.log", GOOD.encode())
    data = landed(tmp_path, encore)
    for command in ("ingest", "rollup", "features"):
        assert encore(command, "--data", data, "--service", service)[0] == 0
    code, said = encore("train", "--data", data, "--service", service)
    assert code == 3
    assert "0 customers of" in said and "rows have label 1" in said and "at least 50 are needed" in said
    assert not (data / "models" / "lr").exists()
