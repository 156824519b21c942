"""The two engines behind one DataFrame API: Sail, embedded and without a JVM, and classic Spark."""

import atexit
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.resources import as_file
from importlib.util import find_spec
from typing import Any, cast

from pyspark.sql import SparkSession

from conf.errors import UsageError
from conf.load import FOLDER
from conf.profile import Profile

# Starting Spark's JVM forks this process. If Sail's session is alive, gRPC's fork handler would close the poller that
# its own threads use ("Bad file descriptor"), and the start sometimes fails. The child only executes another program.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

# Sail drops a session after 15 minutes without a request, even during a query, so a command that trains or counts for
# longer would fail. The session belongs to this process and ends with it.
os.environ.setdefault("SAIL_SPARK__SESSION_TIMEOUT_SECS", str(100 * 365 * 86400))

# PySpark reads this variable to decide whether F.col and the like build Connect or classic expressions.
_CONNECT = "SPARK_CONNECT_MODE_ENABLED"
LOGGING = FOLDER / "log4j2.properties"
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",  # times are those of the service's clock and are never converted
    "spark.sql.sources.partitionColumnTypeInference.enabled": "true",
    # Spark's own default is INT96, which Sail takes for another type than the timestamps that it writes itself.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}


@contextmanager
def engine(name: str, profile: Profile) -> Iterator[SparkSession]:
    """The session of an engine, started at its first use and kept until the process ends.

    Both engines may run in one process; inside the block, expressions belong to this one.
    """
    before = os.environ.pop(_CONNECT, None)
    try:
        if name == "sail":
            os.environ[_CONNECT] = "1"
            yield cast(SparkSession, _StartedAtUse())
        else:
            yield _spark(tuple(profile.spark_settings().items()))
    finally:
        os.environ.pop(_CONNECT, None)
        if before is not None:
            os.environ[_CONNECT] = before


def installed() -> list[str]:
    """The names of the engines that can start here: Sail is a Python package, and Spark needs Java."""
    has_java = bool(shutil.which("java") or os.environ.get("JAVA_HOME"))
    return [name for name, is_there in (("sail", find_spec("pysail") is not None), ("spark", has_java)) if is_there]


def is_classic(session: SparkSession) -> bool:
    """Whether the session is one of classic Spark, with a JVM and workers in other processes."""
    return type(session) is SparkSession


class _StartedAtUse:
    """The session of Sail, which is started when something of it is needed: a command may find all done."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_sail()[0], name)


@cache
def _sail() -> tuple[SparkSession, Any]:
    """The session, and the server, which stops with its last reference."""
    try:
        from pysail.spark import SparkConnectServer
        from pyspark.sql.connect.session import SparkSession as ConnectSession
    except ImportError:
        raise UsageError("the engine sail is not installed; pip install pysail, or use --engine spark") from None
    os.environ.setdefault("RUST_LOG", "error")
    server = SparkConnectServer()
    server.start()
    _, port = server.listening_address
    # The builder of Connect, since the general one refuses a second engine in a process.
    session: Any = ConnectSession.builder.remote(f"sc://localhost:{port}").getOrCreate()
    for key, value in _SETTINGS.items():
        session.conf.set(key, value)
    return session, server


def _until_the_end() -> str:
    """A folder that is removed when the process ends."""
    folder = tempfile.mkdtemp(prefix="encore-checkpoints-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _spark(settings: tuple[tuple[str, str], ...]) -> SparkSession:
    """The session with the settings of a profile; under spark-submit, its own settings hold instead."""
    logging.getLogger("py4j").setLevel(logging.ERROR)
    profile = {} if is_submitted() else dict(settings)
    local = _of_one_machine() if "spark.master" in profile else {}
    builder = SparkSession.Builder().appName("encore")
    for key, value in (_SETTINGS | local | profile).items():
        builder = builder.config(key, value)
    at_interrupt = signal.getsignal(signal.SIGINT)
    session = builder.getOrCreate()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, at_interrupt)  # PySpark puts its own, which waits for the jobs that it cancels
    session.sparkContext.setLogLevel("ERROR")
    return session


def is_submitted() -> bool:
    """Whether spark-submit has started this process and so decides where Spark runs."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _of_one_machine() -> dict[str, str]:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else workers run the first `python3` on the PATH
    files = ExitStack()
    atexit.register(files.close)
    return {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Listing a thousand folders of a local disk takes far less time than a job with a task for each.
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
        # ALS checkpoints there: each iteration makes the lineage longer, and a long one overflows the JVM's stack.
        "spark.checkpoint.dir": _until_the_end(),
        "spark.driver.host": "localhost",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile=file:{files.enter_context(as_file(LOGGING))}",
    }
