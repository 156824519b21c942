"""The line of spark-submit: what a profile says, what the command line says, and what cannot be."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conf.errors import UsageError
from conf.load import load_profile
from conf.profile import Profile
from jobs.cluster.spark_submit import ROOT, Submission, is_submittable
from jobs.console.commands import command_modules
from tests.support.console import boxed_text

JOBS = ROOT / "jobs"
PYTHON = "/home/ada/bin/python"


def line(
    command: str = "rollup", *arguments: str, master: str = "yarn", mode: str | None = None, **more: object
) -> list[str]:
    where = {"spark.master": master} | ({"spark.submit.deployMode": mode} if mode else {})
    return Submission(command, arguments, where=where, **more).line("spark-submit", PYTHON)  # type: ignore[arg-type]


def settings(words: list[str]) -> dict[str, str]:
    """What stands behind each --conf."""
    told = [words[at + 1] for at, word in enumerate(words) if word == "--conf"]
    return dict(text.split("=", 1) for text in told)


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


@pytest.mark.parametrize("master", ["yarn", "k8s://https://10.0.0.1:6443", "spark://10.0.0.1:7077"])
def test_the_whole_line(master: str) -> None:
    words = line("train-keras", "--data", "s3a://bucket/music", "--ranks", "2", master=master)
    assert words[:7] == ["spark-submit", "--master", master, "--deploy-mode", "client", "--name", "encore train-keras"]
    assert option(words, "--py-files") == str(ROOT / "dist" / "encore.zip")
    assert option(words, "--archives") == f"{ROOT / 'dist' / 'environment.tar.gz'}#environment"
    at = words.index(str(JOBS / "train_keras.py"))
    assert words[at + 1 :] == ["--data", "s3a://bucket/music", "--ranks", "2", "--profile", "cluster"]
    assert settings(words[:at]) == {
        "spark.pyspark.python": "./environment/bin/python",
        "spark.pyspark.driver.python": PYTHON,
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile=file:{ROOT}/conf/log4j2.properties",
        "spark.driver.memory": "8g",
        "spark.driver.cores": "2",
        "spark.executor.memory": "12g",
        "spark.executor.memoryOverhead": "4g",
        "spark.executor.cores": "4",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.shuffle.partitions": "2000",
        "spark.authenticate": "true",
        "spark.network.crypto.enabled": "true",
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.shuffleTracking.enabled": "true",
        "spark.dynamicAllocation.minExecutors": "2",
        "spark.dynamicAllocation.maxExecutors": "50",
        "spark.sql.adaptive.advisoryPartitionSizeInBytes": "512m",
    }


def test_a_driver_elsewhere_has_the_environment_and_the_files_that_are_named(tmp_path: Path) -> None:
    service, profile = tmp_path / "shop.yaml", tmp_path / "night.yaml"
    service.write_text("")
    profile.write_text("engine: spark\n")
    words = line("features", "--service", str(service), mode="cluster", profile=str(profile))
    assert settings(words)["spark.pyspark.driver.python"] == "./environment/bin/python"
    assert "spark.driver.extraJavaOptions" not in settings(words), "it names a file of this machine"
    assert option(words, "--files") == f"{service},{profile}"
    assert words[-4:] == ["--service", "shop.yaml", "--profile", "night.yaml"]
    here = line("features", "--service", str(service), profile=str(profile))
    assert "--files" not in here and here[-4:] == ["--service", str(service), "--profile", str(profile)]


def test_an_environment_that_is_on_every_node_already() -> None:
    words = line(environment="/opt/encore-env")
    assert "--archives" not in words
    assert settings(words)["spark.pyspark.python"] == "/opt/encore-env/bin/python"


def test_the_command_line_wins_over_the_profile() -> None:
    given = settings(line(conf=("spark.executor.memory=3g", "spark.x.y=a=b")))
    assert (given["spark.executor.memory"], given["spark.x.y"]) == ("3g", "a=b")


def test_secrets_stay_in_their_file() -> None:
    words = line(properties_file="/etc/encore/secret.conf")
    assert option(words, "--properties-file") == "/etc/encore/secret.conf"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"command": "demo"}, "demo: there is no such command to submit; give check, run, ingest, analyze, rollup"),
        ({"command": "prepare"}, "prepare: there is no such command to submit; give check, run, ingest"),
        ({"command": "moon"}, "moon: there is no such command"),
        ({"master": "local[2]"}, r"--master local\[2\]: give spark://HOST:PORT, yarn or k8s://HOST:PORT"),
        ({"master": "spark://m:7077", "mode": "cluster"}, "runs no Python drivers; use --deploy-mode client"),
        ({"mode": "moon"}, "--deploy-mode moon: give client or cluster"),
        ({"master": ""}, "no master: give --master"),
        ({"conf": ("executor.memory=3g",)}, "--conf executor.memory=3g: give a setting of Spark as spark.key=value"),
        ({"conf": ("spark.executor.memory",)}, "--conf spark.executor.memory: give a setting"),
        ({"profile": "moon"}, "give one of cluster, local"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(changes: dict[str, str], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        line(**changes)  # type: ignore[arg-type]


# ---- profiles ----


def test_a_fixed_number_of_executors() -> None:
    told = Profile(engine="spark", executors=3, executor_cores=4).spark_settings()
    assert told["spark.dynamicAllocation.enabled"] == "false"
    assert (told["spark.executor.instances"], told["spark.cores.max"]) == ("3", "12")


def test_what_is_left_out_is_left_to_spark() -> None:
    assert Profile(engine="spark").spark_settings() == {}


def test_settings_win_and_folders_are_switched_on() -> None:
    told = Profile(
        engine="spark", event_log="hdfs:///e", settings={"spark.executor.memory": "5g"}, executor_memory="1g"
    )
    assert told.spark_settings() == {
        "spark.eventLog.dir": "hdfs:///e",
        "spark.eventLog.enabled": "true",
        "spark.executor.memory": "5g",
    }


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"executor_memory": "1 GB"}, "executor_memory"),
        ({"executors": 0}, "executors"),
        ({"least_executors": 3, "most_executors": 2}, "least_executors: give most_executors too, at least as many"),
        ({"least_executors": 3}, "least_executors: give most_executors"),
        ({"executors": 2, "most_executors": 3}, "executors: give either"),
        ({"deploy_mode": "moon"}, "deploy_mode"),
        ({"settings": {"spark.x": 1}}, "settings"),
    ],
)
def test_a_profile_that_cannot_be(tmp_path: Path, said: dict[str, object], problem: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump({"engine": "spark"} | said))
    with pytest.raises(UsageError, match=problem) as raised:
        load_profile(str(file))
    assert str(file) in str(raised.value)


# ---- scripts ----


def test_a_cluster_runs_the_commands_that_take_a_profile() -> None:
    needs_this_machine = {"demo", "init", "simulate", "unpack", "prepare"}
    assert {name for name in command_modules() if not is_submittable(name)} == needs_this_machine


@pytest.mark.parametrize("command", command_modules())
def test_every_command_is_a_script(command: str) -> None:
    """Its imports are the packages, whatever lies beside the script: jobs/features.py is not `features`."""
    text = (JOBS / f"{command.replace('-', '_')}.py").read_text(encoding="utf-8")
    start = '"__main__":\n    from jobs.console.entry import run_script\n\n    run_script(__file__)\n'
    assert f"if __name__ == {start}" in text


@pytest.mark.parametrize(
    ("script", "option", "problem"),
    [
        ("features", "--engine=moon", "'moon' is not one of 'sail', 'spark'"),
        ("train_keras", "--ranks=x", "Invalid value for '--ranks'"),
    ],
)
def test_a_script_runs_its_command_from_anywhere(tmp_path: Path, script: str, option: str, problem: str) -> None:
    done = subprocess.run([sys.executable, JOBS / f"{script}.py", option], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and problem in boxed_text(done.stderr)
