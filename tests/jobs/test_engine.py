"""The engines' sessions live as long as the process."""

import os
import subprocess
import sys

from tests.support.paths import ROOT

IDLE = "SAIL_SPARK__SESSION_TIMEOUT_SECS"  # how long Sail keeps a session that it is asked nothing
PROGRAM = f"""
import os, time
from conf.profile import Profile
from jobs.engine import engine
with engine("sail", Profile(engine="sail")) as sail:
    assert sail.range(3).count() == 3
    time.sleep(4)
    print(sail.range(3).count(), os.environ["{IDLE}"])
"""


def after_a_pause(**variables: str) -> subprocess.CompletedProcess[str]:
    """Use a session of Sail, ask it nothing for four seconds, and use it again."""
    own = {key: value for key, value in os.environ.items() if key != IDLE} | variables
    return subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, env=own, capture_output=True, text=True)


def test_sails_session_outlives_any_pause() -> None:
    """As one in which a network is trained for hours."""
    done = after_a_pause()
    assert done.returncode == 0, done.stderr
    counted, seconds = map(int, done.stdout.split())
    assert counted == 3 and seconds > 10 * 365 * 86400


def test_it_is_that_setting_which_keeps_it() -> None:
    """The control: with a second in its place, Sail has forgotten the session."""
    done = after_a_pause(**{IDLE: "1"})
    assert done.returncode != 0 and "is not running" in done.stderr


def test_an_engine_that_is_not_used_is_not_started() -> None:
    """A command that finds all done should not wait for one."""
    program = """
import sys
from conf.profile import Profile
from jobs.engine import engine, is_classic
with engine("sail", Profile(engine="sail")) as sail:
    assert not is_classic(sail) and "pysail" not in sys.modules
    assert sail.range(3).count() == 3 and "pysail" in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
