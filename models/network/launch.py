"""Starts the processes that train together, by one of several launchers."""

import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any, Literal, TypeVar

from models.network.ranks import HorovodRanks, OneProcess, Ranks

Result = TypeVar("Result")
LauncherName = Literal["local", "horovod", "horovodrun"]

CORES = os.cpu_count() or 1
START_SECONDS = 300  # that Spark may take to find slots, and busy machines to start the ranks
HOW_TO_INSTALL = "install g++ and cmake and run `bash shell/setup.sh`, which builds it, or train by --launcher local"
# Keras imports these if they are there, for what no rank uses, and they take longer than all else that a rank imports.
UNUSED_BY_RANKS = ("matplotlib", "pandas", "scipy", "sklearn")
# The errors of ranks after another rank has failed, and Horovod's message that a process has ended.
BY_ANOTHER = ("Horovod has been shut down", "HorovodInternalError")
TOO_LATE = "Timed out waiting for"
ENDED = re.compile(r"Process name: (\d+)\s+Exit code: (-?\d+)")


class LaunchError(ValueError):
    """Horovod or slots are missing; the message says what to do."""


class RankFailedError(RuntimeError):
    """A rank has raised an error, or its process has ended. trace: the traceback of the rank, if there is one."""

    def __init__(self, rank: int, problem: str, trace: str = "") -> None:
        super().__init__(f"rank {rank}: {problem}")
        self.trace = trace


@dataclass(frozen=True)
class RankFailure:
    """What a rank returns instead of a result if it fails, so that nobody waits for it."""

    rank: int
    problem: str
    trace: str


def launch(train_fn: Callable[[Ranks], Result], ranks: int = 1, launcher: str = "local") -> list[Result]:
    """Call `train_fn` in `ranks` processes that communicate; return their results by rank.

    Args:
        train_fn: must be picklable, unless the launcher is `local`.
        launcher: a key of LAUNCHERS. `local` is this process; `horovod` starts a rank in each of as many tasks of the
            active Spark session; `horovodrun` starts them on this machine.

    Raises:
        LaunchError: Horovod is not installed, or there are too few slots.
        RankFailedError: a rank has failed. `local` raises the error of the rank itself.
    """
    require_launcher(launcher, ranks)
    with _own_handlers():
        try:
            found = LAUNCHERS[launcher].run(train_fn, ranks)
        except Exception as error:
            if ended := ENDED.search(str(error)):
                raise RankFailedError(int(ended[1]), f"its process has ended with exit code {ended[2]}") from None
            if TOO_LATE in str(error):
                raise LaunchError(f"Spark had no {ranks} slots within {START_SECONDS} s; ask for fewer ranks") from None
            raise
    if failed := [one for one in found if isinstance(one, RankFailure)]:
        first = min(failed, key=lambda one: any(words in one.trace for words in BY_ANOTHER))
        raise RankFailedError(first.rank, first.problem, first.trace)
    return found


def run_rank(train_fn: Callable[[Ranks], Result], threads: int) -> Result | RankFailure:
    """Run a started process as a rank of its Horovod job, with `threads` threads for computation."""
    for name in UNUSED_BY_RANKS:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # an import of it then fails at once
    import horovod.tensorflow as hvd
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    hvd.init()
    try:
        return train_fn(HorovodRanks())
    except BaseException as error:
        return RankFailure(hvd.rank(), f"{type(error).__name__}: {error}", traceback.format_exc())
    finally:
        hvd.shutdown()  # other ranks that wait for this one then fail too


def require_launcher(launcher: str, ranks: int) -> None:
    """Raise LaunchError if the launcher cannot start so many ranks, before any time is spent."""
    if launcher not in LAUNCHERS:
        raise LaunchError(f"there is no launcher {launcher}; give {', '.join(LAUNCHERS)}")
    if launcher == "local" and ranks != 1:
        raise LaunchError(f"{ranks} ranks by the launcher local, which is one process; give horovod or horovodrun")
    missing = [name for name in ("tensorflow", "horovod") if find_spec(name) is None]
    if "tensorflow" in missing:
        raise LaunchError("TensorFlow is not installed; pip install 'encore[keras]'")
    if launcher != "local" and missing:
        raise LaunchError(f"the launcher {launcher} needs Horovod, which is not installed; {HOW_TO_INSTALL}")
    slots, what = LAUNCHERS[launcher].slots()
    if slots is not None and slots < ranks:
        raise LaunchError(f"{ranks} ranks need as many {what}, and there are {slots}; ask for fewer ranks")


@dataclass(frozen=True)
class Launcher:
    """A way to start ranks. slots: their number, None if it is not known, and what they are, in words."""

    run: Callable[[Callable[[Ranks], Any], int], list[Any]]
    slots: Callable[[], tuple[int | None, str]]


def _by_spark(train_fn: Callable[[Ranks], Any], ranks: int) -> list[Any]:
    import cloudpickle
    import horovod.spark

    context = _context()
    threads = int(context.getConf().get("spark.task.cpus", "1"))
    pickled = cloudpickle.dumps(partial(run_rank, train_fn, threads))
    shipped = list(context._python_includes)

    def task() -> Any:
        # A rank is a new process in the folder of its executor, and its path lacks the code that Spark sent there. So
        # this function refers to no module of ours; as it is local, it is pickled with its code.
        import pickle
        import sys
        from pathlib import Path

        sys.path[:0] = [str(Path(name).absolute()) for name in shipped if Path(name).exists()]
        return pickle.loads(pickled)()

    # By default Horovod lets executors start the Python of this process, which they may not have.
    python = context.pythonExec
    found: list[Any] = horovod.spark.run(
        task, num_proc=ranks, start_timeout=START_SECONDS, verbose=0, executable=python
    )
    return found


def _by_horovodrun(train_fn: Callable[[Ranks], Any], ranks: int) -> list[Any]:
    import horovod

    found: list[Any] = horovod.run(partial(run_rank, train_fn, max(1, CORES // ranks)), num_proc=ranks)
    return found


def _context() -> Any:
    from pyspark import SparkContext

    context = SparkContext._active_spark_context
    if context is None:
        raise LaunchError("the launcher horovod needs a Spark session, and there is none; give horovodrun")
    return context


def _slots_of_spark() -> tuple[int | None, str]:
    """The number of tasks that can run at a time; None if executors are allocated dynamically."""
    conf, master = _context().getConf(), _context().master
    what, cpus = f"slots of Spark ({master})", int(conf.get("spark.task.cpus", "1"))
    if conf.get("spark.dynamicAllocation.enabled", "false") == "true":
        return None, what
    instances, cores = conf.get("spark.executor.instances"), conf.get("spark.executor.cores")
    if instances and cores and not master.startswith("local"):
        return int(instances) * (int(cores) // cpus), what
    return int(_context().defaultParallelism) // cpus, what


LAUNCHERS: dict[str, Launcher] = {
    "local": Launcher(lambda train_fn, ranks: [train_fn(OneProcess())], lambda: (1, "processes")),
    "horovod": Launcher(_by_spark, _slots_of_spark),
    "horovodrun": Launcher(_by_horovodrun, lambda: (CORES, "cores of this machine")),
}


@contextmanager
def _own_handlers() -> Iterator[None]:
    """Restore the signal handlers that Horovod replaces, and keep its thread from printing the error that is raised."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    hook = threading.excepthook

    def without_horovod(raised: threading.ExceptHookArgs) -> None:
        if not (raised.thread and raised.thread.name.endswith("(run_spark)")):
            hook(raised)

    threading.excepthook = without_horovod
    try:
        yield
    finally:
        threading.excepthook = hook
        for number, handler in kept.items():
            signal.signal(number, handler)
