"""One writer at a time in a store that has no lock."""

import json
import time

import pytest

from conf.errors import InputError
from jobs.storage.backend import sole_writer, write_text
from jobs.storage.lease import CONFIRMED, LOCK, Lease
from jobs.storage.location import Remote
from jobs.storage.versions import STAGING
from tests.support.layers import FilesRecord, daily_layer

DAY = "2017-05-01"


def suspend(lease: Lease) -> None:
    """The process is stopped, or killed, as far as anybody can see."""
    lease._over.set()
    lease._thread.join()


def test_a_holder_is_told_of_and_leaves_nothing(bucket: Remote) -> None:
    write_text(bucket / f"{STAGING}daily-abc" / "rows", "half")
    with sole_writer(bucket):
        said = json.loads((bucket / LOCK).read_text())
        assert set(said) == {"holder", "host", "pid", "at"}
        assert [path.name for path in bucket.iterdir()] == [LOCK], "the next run cleans up"
    assert not (bucket / LOCK).exists()


def test_a_second_writer_is_refused_while_the_first_lives(bucket: Remote) -> None:
    first = Lease(bucket, refresh=0.2, dead=60)
    first.take()
    began = time.monotonic()
    with pytest.raises(InputError, match=rf"{bucket}: another encore command is writing here \(process \d+ on "):
        Lease(bucket, refresh=0.2, dead=60).take()
    assert time.monotonic() - began < 30, "it waits for a sign of life, not for the lease's end"
    first.release()
    second = Lease(bucket, refresh=0.2)
    second.take()
    second.release()


def test_of_one_that_was_killed_the_lease_grows_old(bucket: Remote) -> None:
    first = Lease(bucket, refresh=0.2, dead=2)
    first.take()
    suspend(first)
    began = time.monotonic()
    second = Lease(bucket, refresh=0.2, dead=2)
    second.take()
    assert 0.5 < time.monotonic() - began < 60
    with pytest.raises(InputError, match="another encore command has taken over"):
        first.require()
    first.release()
    assert (bucket / LOCK).exists(), "it was not his any more"
    second.release()


def test_who_has_lost_it_publishes_nothing(bucket: Remote) -> None:
    layer = daily_layer(bucket)
    first = Lease(bucket, dead=0)  # which does not look for itself meanwhile
    first.take()
    with pytest.raises(InputError, match="what was published so far is whole"), layer.staging() as staged:
        write_text(staged.partition(DAY) / "rows", "x")
        layer.publish(staged, DAY, FilesRecord())
        second = Lease(bucket, dead=0)
        second.take()
        time.sleep(CONFIRMED + 0.1)
        layer.publish(staged, "2017-05-02", FilesRecord())
    assert layer.values() == [DAY]
    first.release()
    second.release()
    assert not (bucket / LOCK).exists()


def test_a_check_never_meets_half_of_what_is_renewed(mounted: Remote) -> None:
    """Hadoop's local files have their checksums beside them, and a renewal replaces first one, then the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jobs.storage.lease.CONFIRMED", 0.0)  # each check reads the object
        lease = Lease(mounted, refresh=0.001)
        lease.take()
        try:
            for _ in range(150):
                lease.require()
        finally:
            lease.release()
    assert not (mounted / LOCK).exists()
