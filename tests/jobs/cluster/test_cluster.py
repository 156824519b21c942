"""The jobs on a real cluster of this machine, by spark-submit: executors have what was shipped, and nothing else."""

import json
import math
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from pyspark.sql import SparkSession

from conf.load import load_service
from jobs.engine import engine
from jobs.features import features
from jobs.ingest import ingest
from jobs.recommend import RecommendRequest, recommend
from jobs.rollup import rollup
from jobs.score import score
from jobs.simulate import simulate
from jobs.train import train
from jobs.train_keras import train_keras
from jobs.training.keras import KerasFitter
from jobs.unpack import unpack
from tests.support.archives import context, table, without_sketches
from tests.support.cluster_processes import weekly_music
from tests.support.engines import FOR_FEW_ROWS, JVM, SMALL
from tests.support.paths import ROOT

pytest.importorskip("horovod", reason="ranks need Horovod")
# Each executor gets and unpacks 600 MB of environment: two minutes on a quiet machine, five on a busy one.
pytestmark = pytest.mark.timeout(1800)
SECONDS = 1500  # for one command
TWO_WORKERS = ("--workers", 2, "--cores", 1, "--memory", "1536m")
WRITTEN = {"rollup": "daily", "features": "features"}
TRIES = 3


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs, a service, a data folder that it works on, and the same by this process alone."""

    state: Path
    environment: Path
    service: Path
    data: Path
    local: Path

    def shell(self, script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run a script of shell/."""
        command = ["bash", ROOT / "shell" / script, *arguments]
        return subprocess.run(
            list(map(str, command)),
            env=self._variables,
            cwd=self.state,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def line(self, command: str, *arguments: object, archive: bool = False) -> list[str]:
        """The words of spark-submit for a command. Without the archive it finds Python in a folder of the nodes."""
        # Without the JVM's better compiler, encryption takes minutes for 600 MB; all other files are sent encrypted.
        options = ["--conf", "spark.network.crypto.enabled=false"] if archive else ["--environment", self.environment]
        options += shlex.split(FOR_FEW_ROWS)
        for setting in (f"executor.extraJavaOptions={JVM}", "eventLog.compress=false", "sql.shuffle.partitions=2"):
            options += ["--conf", f"spark.{setting}"]
        told = [command, "--data", self.data, "--service", self.service, *arguments]
        done = self.shell("submit.sh", "--dry-run", *options, *told)
        assert done.returncode == 0, done.stderr
        return shlex.split(done.stdout)

    def start(self, line: list[str]) -> subprocess.Popen[str]:
        """Start a line of spark-submit, where nothing of ours lies."""
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(line, env=self._variables, cwd=self.state, **pipes)

    def submit(self, command: str, *arguments: object) -> None:
        """Run a command on the cluster to its end."""
        self.ended(self.start(self.line(command, *arguments)))

    def ended(self, process: subprocess.Popen[str]) -> str:
        """What a submitted process has printed at its end."""
        said, errors = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, errors[-4000:]
        return said

    def events(self) -> list[dict[str, Any]]:
        """What the newest application told the event log."""
        newest = max((self.state / "events").glob("eventlog_v2_app-*"))
        return [json.loads(line) for file in sorted(newest.glob("events_*")) for line in file.open(encoding="utf-8")]

    @property
    def wanted(self) -> Path:
        """A file of customers that lies on this machine, beside the data."""
        return self.state.parent / "wanted.csv"

    @property
    def _variables(self) -> dict[str, str]:
        own = {key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_"))}
        return own | {"ENCORE_CLUSTER": str(self.state), "SPARK_SUBMIT_OPTS": JVM}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers of one core each, and landed logs."""
    root = tmp_path_factory.mktemp("cluster")
    made = Cluster(root / "state", root / "node" / "environment", root / "weekly.yaml", root / "data", root / "local")
    made.state.mkdir()
    made.environment.parent.mkdir()
    subprocess.run(["bash", ROOT / "shell" / "package.sh"], check=True, capture_output=True)
    made.service.write_text(weekly_music(), encoding="utf-8")
    simulate(made.data, customers=400, days=12, seed=1)
    unpack(replace(context(made.data), service=load_service(str(made.service))))
    shutil.copytree(made.data / "landing", made.local / "landing")
    started = made.shell("cluster.sh", "start", *TWO_WORKERS)
    try:
        assert started.returncode == 0, started.stderr
        yield made
    finally:
        pids = [int(file.read_text()) for file in made.state.glob("*.pid")]
        stopped = made.shell("cluster.sh", "stop")
        assert stopped.returncode == 0, stopped.stderr
        assert not any(is_running(pid) for pid in pids), "stopped by the pids that it wrote"


def is_running(pid: int) -> bool:
    """Whether a process is there, and is more than a name in the list of processes."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except FileNotFoundError:
        return False


def submit_and_kill(cluster: Cluster, command: str) -> None:
    """Run a command, kill a worker with its executor in the midst of a task, and start that worker again.

    The command must end well. It or the task may still have ended just before: then the layer is made once more.
    """
    for _ in range(TRIES):
        shutil.rmtree(cluster.data / WRITTEN[command], ignore_errors=True)
        with socket.socket() as some:
            some.bind(("127.0.0.1", 0))
            port = some.getsockname()[1]
        line = cluster.line(command)
        process = cluster.start([*line[:1], "--conf", f"spark.ui.port={port}", *line[1:]])
        page = f"http://127.0.0.1:{port}/api/v1/applications"
        while (worker := busy_worker(cluster.state, page)) is None and process.poll() is None:
            pass
        if worker is None:  # the command has ended before
            cluster.ended(process)
            continue
        parent = psutil.Process(worker)
        for one in [*parent.children(recursive=True), parent]:
            one.kill()
        cluster.ended(process)
        assert cluster.shell("cluster.sh", "status").returncode == 1
        assert cluster.shell("cluster.sh", "start", *TWO_WORKERS).returncode == 0
        assert_same(cluster, WRITTEN[command])
        events = cluster.events()
        assert any(event["Event"] == "SparkListenerExecutorRemoved" for event in events)
        ends = [event["Task End Reason"]["Reason"] for event in events if event["Event"] == "SparkListenerTaskEnd"]
        if set(ends) & {"ExecutorLostFailure", "FetchFailed", "Resubmitted"}:
            return
    pytest.fail("no kill has hit a task")


def busy_worker(state: Path, page: str) -> int | None:
    """The pid of a worker whose executor works on a task, and has done one before."""
    try:
        with urllib.request.urlopen(page, timeout=5) as answer:
            [application] = json.load(answer)
        with urllib.request.urlopen(f"{page}/{application['id']}/executors", timeout=5) as answer:
            executors = json.load(answer)
    except (OSError, ValueError):  # it has not started yet; to ask on and on would take a core from it
        time.sleep(0.1)
        return None
    for one in executors:
        if one["activeTasks"] and one["completedTasks"]:
            [folder] = state.glob(f"work/*/{application['id']}/{one['id']}")
            return int((state / f"worker-{folder.parents[1].name}.pid").read_text())
    return None


def assert_same(cluster: Cluster, layer: str, places: int = 6) -> None:
    """The layer of the cluster is that of this process; doubles up to where they follow the order of tasks."""
    found, expected = (without_sketches(folder / layer) for folder in (cluster.data, cluster.local))
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        apart = {key: (one[key], other[key]) for key in one if not are_close(one[key], other[key], 10**-places)}
        assert not apart


def assert_same_lists(cluster: Cluster, lists: str, owner: str, item: str) -> None:
    """The ranked lists of the cluster are those of this process.

    The order of tasks changes the last digits of scores, and so the order of two items that are that close; also
    which of the two ends the list.
    """
    layer = f"recommendations/{lists}"
    rows = [without_sketches(folder / layer) for folder in (cluster.data, cluster.local)]
    found, expected = ({(row[owner], row["rank"]): row for row in one} for one in rows)
    assert found.keys() == expected.keys() != set()
    assert all(are_close(found[at]["score"], expected[at]["score"], 1e-5) for at in found)
    found_score, expected_score = ({(row[owner], row[item]): row["score"] for row in one} for one in rows)
    both = found_score.keys() & expected_score.keys()
    assert all(are_close(found_score[pair], expected_score[pair], 1e-5) for pair in both)
    assert sum(found[at] | {"score": 0} == expected[at] | {"score": 0} for at in found) >= 0.95 * len(found)


def are_close(one: Any, other: Any, tolerance: float) -> bool:
    """Whether two cells say the same."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    if isinstance(one, datetime) and isinstance(other, datetime):  # Sail's know that they are UTC
        return one.replace(tzinfo=None) == other.replace(tzinfo=None)
    return bool(one == other)


@pytest.fixture(scope="module")
def probed(cluster: Cluster) -> dict[str, Any]:
    """What a script that was submitted with the archive of the environment prints of where tasks and ranks are.

    What an executor has unpacked then lies on all nodes, for the others.
    """
    line = cluster.line("rollup", archive=True)
    script = next(at for at, word in enumerate(line) if word.endswith("rollup.py"))
    told = json.loads(
        cluster.ended(cluster.start([*line[:script], str(ROOT / "tests" / "support" / "cluster_processes.py")]))
    )
    unpacked, *_ = cluster.state.glob("work/*/app-*/*/environment")
    unpacked.rename(cluster.environment)
    return dict(told)


@pytest.fixture(scope="module")
def stranger(cluster: Cluster, probed: dict[str, Any]) -> subprocess.Popen[str]:
    """An application that knows the master's address and not the secret; it takes a minute to give up."""
    line = cluster.line("rollup")
    secret = line.index("--properties-file")
    words = [*line[:secret], "--conf", "spark.authenticate.secret=guessed", *line[secret + 2 :]]
    return cluster.start([word.replace(str(cluster.data), str(cluster.state / "elsewhere")) for word in words])


@pytest.fixture(scope="module")
def alone(cluster: Cluster, stranger: subprocess.Popen[str]) -> None:
    """The same work by this process."""
    here = replace(context(cluster.local), service=load_service(str(cluster.service)), profile=SMALL)
    with engine("sail", SMALL) as sail:
        ingest(here, sail)
        rollup(here, sail)
        features(here, sail)
    ids = sorted({str(row["customer_id"]) for row in table(here.data.daily.root)})
    cluster.wanted.write_text("\n".join(["customer_id", *ids[::2]]))
    with engine("spark", SMALL) as spark:
        train(here, spark, ["lr"])
        score(here, spark)
        request = RecommendRequest("spark", model="als", customers=cluster.wanted)
        recommend(here, spark, request, lambda done, total, what: None)


def test_executors_and_ranks_have_what_was_shipped_and_nothing_else(cluster: Cluster, probed: dict[str, Any]) -> None:
    """By the archive of the environment; with the checkout's own Spark, which stands for that of the nodes."""
    assert [rank["ranks"] for rank in probed["ranks"]] == [2, 2]
    assert {place["at"] for place in probed["tasks"]} == {place["at"] for place in probed["ranks"]}, "both workers"
    spark = Path(sys.modules["pyspark"].__path__[0])
    for place in (*probed["tasks"], *probed["ranks"]):
        at = Path(place["at"])
        assert at.is_relative_to(cluster.state / "work")
        assert Path(place["python"]) == at / "environment"
        assert at / place["models"] == at / "encore.zip" / "models" / "__init__.py"
        assert place["models_without_zip"] is None, "it would be found in the checkout"
        strays = [folder for folder in place["path"] if Path(folder).is_relative_to(ROOT)]
        assert all(Path(folder).is_relative_to(spark) for folder in strays), strays


def test_the_zip_is_all_of_the_code(cluster: Cluster, tmp_path: Path) -> None:
    """Its configurations and the shell's scripts, too, which are no modules."""
    program = "import sys; sys.path.insert(0, sys.argv.pop(1)); from jobs import cli; print(cli.__file__); cli.main()"
    told = ["unpack", "--service", "music", "--raw", cluster.data / "raw", "--data", tmp_path]
    command = [sys.executable, "-c", program, ROOT / "dist" / "encore.zip", *told]
    done = subprocess.run(list(map(str, command)), cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.startswith(str(ROOT / "dist" / "encore.zip" / "jobs"))
    assert (tmp_path / "landing" / "days.csv").read_text() == (cluster.data / "landing" / "days.csv").read_text()


def test_ingest(cluster: Cluster, alone: None) -> None:
    cluster.submit("ingest")
    for event in ("play", "down", "search", "rejected"):
        assert_same(cluster, f"events/{event}")


def test_rollup_with_a_worker_killed_in_the_midst(cluster: Cluster) -> None:
    submit_and_kill(cluster, "rollup")


def test_features_with_a_worker_killed_in_the_midst(cluster: Cluster) -> None:
    submit_and_kill(cluster, "features")


def test_train_and_score(cluster: Cluster) -> None:
    cluster.submit("train", "--model", "lr")
    cluster.submit("score")
    assert_same(cluster, "scores")


def test_recommend(cluster: Cluster) -> None:
    cluster.submit("recommend", "--engine", "spark", "--model", "als", "--customers", cluster.wanted)
    assert_same(cluster, "interactions")
    assert_same_lists(cluster, "titles", "customer_id", "title_id")
    assert_same_lists(cluster, "customers", "title_id", "customer_id")
    plans = "".join(event.get("physicalPlanDescription", "") for event in cluster.events())
    assert f"/{cluster.wanted.name}" in plans and str(cluster.wanted) not in plans, "nodes need no file of this machine"


def test_two_ranks_on_two_workers_are_one_process(cluster: Cluster, spark: SparkSession) -> None:
    here = replace(context(cluster.local), service=load_service(str(cluster.service)), profile=SMALL)
    train_keras(here, spark, KerasFitter(here.fits))
    cluster.submit("train-keras", "--ranks", 2)
    hosts = {
        event["Task Info"]["Executor ID"] for event in cluster.events() if event["Event"] == "SparkListenerTaskEnd"
    }
    assert len(hosts) == 2
    assert_same(cluster, "models/keras/test_scores", places=4)
    told = json.loads((cluster.data / "models" / "keras" / "metrics.json").read_text())
    assert told["network"]["ranks"] == 2


def test_who_does_not_know_the_secret_gets_no_executor(cluster: Cluster, stranger: subprocess.Popen[str]) -> None:
    _, errors = stranger.communicate(timeout=SECONDS)
    assert stranger.returncode != 0
    assert "All masters are unresponsive" in errors or "Authentication failed" in errors, errors[-2000:]


# ---- the script that starts and stops it ----


@pytest.mark.parametrize(
    "arguments",
    [[], ["moon"], ["start", "--workers"], ["start", "--workers", "0"], ["start", "--cores", "x"], ["stop", "now"],
     ["start", "--memory", "512m"], ["start", "--memory", "2"], ["start", "--moon", "1"]],
)  # fmt: skip
def test_bad_usage_is_said(tmp_path: Path, arguments: list[str]) -> None:
    own = os.environ | {"ENCORE_CLUSTER": str(tmp_path / "state")}
    done = subprocess.run(["bash", ROOT / "shell" / "cluster.sh", *arguments], env=own, capture_output=True, text=True)
    assert done.returncode == 2 and "usage: cluster.sh" in done.stderr
    assert not (tmp_path / "state").exists()


def test_a_process_that_has_got_the_number_of_ours_is_left_alone(tmp_path: Path) -> None:
    """And a cluster of which nothing runs says so."""
    own = os.environ | {"ENCORE_CLUSTER": str(tmp_path)}
    script = ROOT / "shell" / "cluster.sh"
    with subprocess.Popen(["sleep", "60"]) as other:
        (tmp_path / "worker-1.pid").write_text(f"{other.pid}\n")
        (tmp_path / "master.pid").write_text(f"{os.getpid()}\n")
        said = subprocess.run(["bash", script, "status"], env=own, capture_output=True, text=True)
        assert said.returncode == 1 and "nothing runs" in said.stderr
        assert subprocess.run(["bash", script, "stop"], env=own).returncode == 0
        assert other.poll() is None, "it is not ours to stop"
        assert not list(tmp_path.glob("*.pid"))
        other.kill()
