"""One writer at a time on stores without locks: a lease that its holder renews every 10 s."""

import json
import logging
import os
import socket
import threading
import time
from dataclasses import dataclass, field
from uuid import uuid4

from conf.errors import InputError
from jobs.storage.location import Remote

LOCK = ".lock"
CONFIRMED = 1.0  # seconds for which a check of the lease is valid
GRACE = 2.0  # seconds: CONFIRMED and the time of a request


@dataclass
class Lease:
    """The object `.lock` in a data folder, which names its holder and is rewritten every `refresh` seconds.

    A killed holder stops renewing: after `dead` seconds without a change, by the clock of the store, the lease may be
    taken. A limit of this: pyarrow cannot create an object only where there is none, so two commands that start in
    the same moment may both believe that they hold the lease. The one that wrote last does. The other one is refused
    when it publishes more than CONFIRMED seconds later, and so is a holder that was suspended for longer than `dead`.
    Until then both may publish, and each partition still comes wholly from one of them: neither writes into a version
    of the other. Leftovers, which may be the other's work, are removed only GRACE seconds after the lease was taken,
    when the other can publish nothing any more.
    """

    data: Remote
    refresh: float = 10.0
    dead: float = 60.0
    holder: str = field(default_factory=lambda: uuid4().hex)

    def __post_init__(self) -> None:
        self._over, self._is_lost, self._confirmed = threading.Event(), False, 0.0
        # Where a file is rewritten in place, as by Hadoop, a reader in its midst sees half of it.
        self._one_at_a_time = threading.Lock()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    @property
    def file(self) -> Remote:
        """The object."""
        return self.data / LOCK

    def take(self) -> None:
        """Take the lease, if necessary after waiting until an abandoned one has expired.

        Raises:
            InputError: another command renews it.
            OSError: the store fails.
        """
        seen = self._seen()
        if seen is not None:
            logging.getLogger("encore").warning(f"{self.file}: checking whether another encore command is running")
        while seen is not None and (left := self.dead - self._age()) > 0:
            time.sleep(min(self.refresh * 1.2, left + 0.1))
            before, seen = seen, self._seen()
            if seen not in (None, before):
                by = json.loads(seen or "{}")
                raise InputError(
                    f"{self.data}: another encore command is writing here (process {by.get('pid')} on "
                    f"{by.get('host')}); wait for it or use another --data"
                )
        self._write()
        _HELD.append(self)
        self._thread.start()

    def release(self) -> None:
        """Release the lease, where it is still held."""
        self._over.set()
        self._thread.join()
        _HELD.remove(self)
        try:
            if self._holder() == self.holder:
                self.file.unlink(missing_ok=True)
        except OSError:
            return  # it expires by itself

    def require(self) -> None:
        """Raise InputError where another command has taken the lease."""
        if not self._is_lost and time.time() - self._confirmed > CONFIRMED:
            with self._one_at_a_time:
                self._confirmed, self._is_lost = time.time(), self._holder() != self.holder
        if self._is_lost:
            raise InputError(
                f"{self.data}: another encore command has taken over, since this one did not renew its lease; "
                f"what was published so far is whole. Wait for the other command, then run this one again"
            )

    def _keep(self) -> None:
        while not self._over.wait(self.refresh):
            with self._one_at_a_time:
                try:
                    if self._holder() != self.holder:
                        self._is_lost = True
                        return
                    self._write()
                except OSError:
                    continue  # try again before it expires

    def _write(self) -> None:
        said = {"holder": self.holder, "host": socket.gethostname(), "pid": os.getpid(), "at": time.time()}
        self.file.write_text(json.dumps(said))

    def _seen(self) -> str | None:
        try:
            return self.file.read_text()
        except FileNotFoundError:
            return None

    def _holder(self) -> str | None:
        seen = self._seen()
        return json.loads(seen)["holder"] if seen else None

    def _age(self) -> float:
        """Seconds since it was written, by the clock of the store, since clocks of machines may differ."""
        probe = self.data / f"{LOCK}-{self.holder}"
        probe.write_text("")
        try:
            return probe.stat().st_mtime - self.file.stat().st_mtime
        except FileNotFoundError:
            return self.dead  # released meanwhile
        finally:
            probe.unlink(missing_ok=True)


_HELD: list[Lease] = []


def release_held() -> None:
    """Release all leases of this process."""
    for lease in list(_HELD):
        lease.release()


def require_held(place: Remote) -> None:
    """Raise InputError where this process held the lease of a place's data folder and has lost it."""
    for lease in _HELD:
        if place.is_below(lease.data):
            lease.require()
