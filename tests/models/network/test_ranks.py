"""Two ranks on half the batch each are one process on the whole batch: by real Horovod, however it is started."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from conf.network import Network
from models.network.checkpoint import Progress
from models.network.fit import fit_network
from models.network.launch import LaunchError, RankFailedError, launch, require_launcher
from models.network.ranks import OneProcess
from tests.support.network_plans import BATCH, CASES, ROWS, SEED, WIDTH, fail, fit_cases, rows, write_case
from tests.support.paths import ROOT

pytest.importorskip("tensorflow", reason="the network needs TensorFlow")
horovod = pytest.importorskip("horovod", reason="ranks need Horovod")
TOLERANCE = {"sgd": 1e-5, "adam": 1e-4}
SOON = 60  # seconds in which a rank's failure must end the job; measured from the failure, for a start takes as long
FOLDERS = {name: name for name in CASES} | {"unaveraged": "sgd", "unagreed": "sgd"}


def write_all(folder: Path) -> Path:
    for name, case in FOLDERS.items():
        write_case(folder / name, CASES[case])
    return folder


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process makes of the cases."""
    folder = tmp_path_factory.mktemp("alone")
    for name, network in CASES.items():
        write_case(folder / name, network)
        fit_network(folder / name, OneProcess())
    return folder


def apart(left: Path, right: Path) -> float:
    """The largest difference of two weights of the last epoch."""
    weights = zip(Progress.read(left).variables, Progress.read(right).variables, strict=True)
    return max(float(np.abs(one - other).max()) for one, other in weights)


def assert_same(found: Path, expected: Path, tolerance: float) -> None:
    assert apart(found, expected) <= tolerance
    losses = [[epoch.validation_loss for epoch in Progress.read(folder).epochs] for folder in (found, expected)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def run(command: list[str], **environment: str) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command, env=os.environ | {"PATH": path} | environment, cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def by_horovodrun(folder: Path) -> None:
    assert launch(partial(fit_cases, folder), 2, "horovodrun") == [2, 2]


def by_spark(folder: Path) -> None:
    assert launch(partial(fit_cases, folder), 2, "horovod") == [2, 2]


@pytest.mark.parametrize("start", [by_horovodrun, by_spark])
def test_two_ranks_are_one_process(
    spark: SparkSession, alone: Path, tmp_path: Path, start: Callable[[Path], None]
) -> None:
    """Each begins with other weights, and every step of Adam is clipped, after the gradients are averaged."""
    start(write_all(tmp_path))
    for name in CASES:
        assert_same(tmp_path / name, alone / name, TOLERANCE[name])
    for control in ("unaveraged", "unagreed"):
        assert apart(tmp_path / control, alone / "sgd") > 1e-2, f"that it is {control} must be seen"


def test_two_ranks_from_the_shell_are_one_process(alone: Path, tmp_path: Path) -> None:
    """As on a machine without Spark: PySpark cannot be imported."""
    write_case(tmp_path / "sgd", CASES["sgd"])
    blocker = tmp_path / "blocked" / "sitecustomize.py"
    blocker.parent.mkdir()
    blocker.write_text("import sys\nsys.modules['pyspark'] = None\n")
    path = os.pathsep.join([str(blocker.parent), str(ROOT)])
    run(["horovodrun", "-np", "2", sys.executable, "-m", "jobs.training.rank", str(tmp_path / "sgd")], PYTHONPATH=path)
    assert_same(tmp_path / "sgd", alone / "sgd", TOLERANCE["sgd"])


def test_one_process_is_plain_keras(alone: Path) -> None:
    """Fitted by `model.fit` on arrays in memory, with none of our layouts, losses and loops."""
    import keras

    from models.network.build import network_of_inputs

    first = network_of_inputs(CASES["sgd"], np.full(WIDTH, 0.1), np.full(WIDTH, 1.2), SEED).get_weights()
    model = keras.Sequential([keras.Input((WIDTH,)), *(keras.layers.Dense(n, "relu") for n in (8, 4))])
    model.add(keras.layers.Dense(1, "sigmoid"))
    model.set_weights(first)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "binary_crossentropy", jit_compile=False)
    data = rows(ROWS)
    inputs, labels, weights = (data[:, :WIDTH] - 0.1) / 1.2, data[:, WIDTH], data[:, WIDTH + 1]
    model.fit(inputs, labels, BATCH, epochs=3, shuffle=False, sample_weight=weights, verbose=0)
    found = Progress.read(alone / "sgd").variables
    assert max(np.abs(a - b).max() for a, b in zip(found, model.get_weights(), strict=True)) < 1e-5
    judged = rows(100, seed=1)
    output = model.predict((judged[:, :WIDTH] - 0.1) / 1.2, verbose=0)[:, 0]
    label, weight = judged[:, WIDTH], judged[:, WIDTH + 1]
    loss = -(weight * np.log(np.where(label == 1, output, 1 - output))).sum() / weight.sum()
    assert Progress.read(alone / "sgd").epochs[-1].validation_loss == pytest.approx(loss, abs=1e-5)


def test_gradients_are_clipped(alone: Path, tmp_path: Path) -> None:
    """Else the comparison of Adam would say nothing of clipping."""
    write_case(tmp_path, CASES["adam"].model_copy(update={"clip_norm": None}))
    fit_network(tmp_path, OneProcess())
    assert apart(tmp_path, alone / "adam") > 1e-2


# ---- failures ----


@pytest.mark.parametrize(
    ("launcher", "how"), [("horovod", "raises"), ("horovod", "is killed"), ("horovodrun", "is killed")]
)
def test_a_rank_that_fails_ends_the_job(spark: SparkSession, tmp_path: Path, launcher: str, how: str) -> None:
    with pytest.raises(RankFailedError) as failed:
        launch(partial(fail, how, tmp_path / "failing"), 2, launcher)
    seconds = time.time() - (tmp_path / "failing").stat().st_mtime
    if how == "raises":
        assert str(failed.value) == "rank 1: ValueError: rank one has had enough"
        assert failed.value.trace.startswith("Traceback") and "tests/support/network_plans.py" in failed.value.trace
    else:
        assert str(failed.value) == "rank 1: its process has ended with exit code 137"
    # The one time that is asserted: that the other rank does not wait for ever is what the issue promises.
    assert seconds < SOON


def test_too_few_slots_are_said_at_once(spark: SparkSession) -> None:
    with pytest.raises(LaunchError, match=r"3 ranks need as many slots of Spark \(local\[2\]\), and there are 2"):
        launch(partial(fail, "never", Path("failing")), 3, "horovod")
    with pytest.raises(LaunchError, match="cores of this machine"):
        require_launcher("horovodrun", 10_000)
    with pytest.raises(LaunchError, match="2 ranks by the launcher local, which is one process"):
        require_launcher("local", 2)
    with pytest.raises(LaunchError, match="no launcher mpi; give local, horovod, horovodrun"):
        require_launcher("mpi", 1)


@pytest.mark.parametrize(("missing", "mend"), [("horovod", "shell/setup.sh"), ("tensorflow", "encore\\[keras\\]")])
def test_what_is_not_installed_is_said_with_the_way_to_it(missing: str, mend: str) -> None:
    """In a process that has no such package."""
    code = (
        "import importlib.util as u; real = u.find_spec\n"
        f"u.find_spec = lambda name, *a: None if name == {missing!r} else real(name, *a)\n"
        "from models.network.launch import LaunchError, require_launcher\n"
        "try:\n    require_launcher('horovodrun', 2)\nexcept LaunchError as error:\n    print(error)\n"
    )
    assert re.search(mend, run([sys.executable, "-c", code]))


# ---- going on ----

ALL_THAT_DRAWS = Network(
    batch=BATCH, epochs=40, patience=None, hidden=[16], dropout=0.3, schedule="cosine", optimizer="adam"
)


def test_a_killed_fit_goes_on_to_the_same_end(tmp_path: Path) -> None:
    """Killed at two moments, with dropout, a shuffle and a schedule."""
    for name in ("whole", "killed"):
        write_case(tmp_path / name, ALL_THAT_DRAWS, 200 * BATCH)
    fit_network(tmp_path / "whole", OneProcess())
    code = "import sys; from pathlib import Path; from models.network.fit import fit_network; "
    code += "from models.network.ranks import OneProcess; fit_network(Path(sys.argv[1]), OneProcess())"
    for epochs in (2, 9):
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "killed")], cwd=ROOT)
        while len(Progress.read(tmp_path / "killed").epochs) < epochs:
            assert process.poll() is None
            time.sleep(0.005)
        process.kill()
        process.wait()
    killed = Progress.read(tmp_path / "killed")
    assert 9 <= len(killed.epochs) < 40 and not killed.is_done
    fit_network(tmp_path / "killed", OneProcess())
    ended, whole = Progress.read(tmp_path / "killed"), Progress.read(tmp_path / "whole")
    assert ended.is_done and len(ended.epochs) == 40
    assert ended.epochs[: len(killed.epochs)] == killed.epochs, "none is done twice, as their seconds tell"
    assert apart(tmp_path / "killed", tmp_path / "whole") < 1e-6
    assert [one.loss for one in ended.epochs] == pytest.approx([one.loss for one in whole.epochs], abs=1e-6)
    assert ended.best_epoch and whole.best_epoch and ended.best_epoch.number == whole.best_epoch.number
