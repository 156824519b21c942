"""One writer at a time where there is no lock: a lease, which its holder says again and again that it still has."""

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
CONFIRMED = 1.0  # seconds for which a look at the lease is believed
GRACE = 2.0  # seconds: longer, by what a request may take


@dataclass
class Lease:
    """The object `.lock` in a data folder, with who holds it, and written anew every `refresh` seconds.

    A holder that was killed writes it no more: after `dead` seconds without a change, by the clock of the store, it
    may be taken. What a lease cannot promise: stores have no way, through pyarrow, to create an object only where there
    is none, so two commands that begin in the same moment may both believe that they hold it. Then the one that wrote
    last does, and the other is refused when it publishes more than CONFIRMED seconds later; so is a holder that was
    suspended for longer than `dead`. Until then both may publish, and each partition is still wholly of one of them:
    neither writes in a version of the other's, and what seems left over, which may be the other's work, is removed
    only GRACE seconds after the lease was taken, when the other publishes nothing any more.
    """

    data: Remote
    refresh: float = 10.0
    dead: float = 60.0
    holder: str = field(default_factory=lambda: uuid4().hex)

    def __post_init__(self) -> None:
        self._over, self._is_lost, self._confirmed = threading.Event(), False, 0.0
        self._thread = threading.Thread(target=self._keep, daemon=True)

    @property
    def file(self) -> Remote:
        """Where it lies."""
        return self.data / LOCK

    def take(self) -> None:
        """Take it, after waiting for one that nobody refreshes any more to grow old.

        Raises:
            InputError: another command refreshes it, so it is alive.
            OSError: the store fails.
        """
        seen = self._seen()
        if seen is not None:
            logging.getLogger("encore").warning(f"{self.file}: waiting whether another encore command lives there")
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
        """Give it back, where it is still held."""
        self._over.set()
        self._thread.join()
        _HELD.remove(self)
        try:
            if self._holder() == self.holder:
                self.file.unlink(missing_ok=True)
        except OSError:
            return  # it grows old

    def require(self) -> None:
        """Raise InputError where another command has taken it."""
        if not self._is_lost and time.time() - self._confirmed > CONFIRMED:
            self._confirmed, self._is_lost = time.time(), self._holder() != self.holder
        if self._is_lost:
            raise InputError(
                f"{self.data}: another encore command has begun to write here, since this one had not been heard of; "
                f"what was published until now is whole. Wait for the other, and run this one again"
            )

    def _keep(self) -> None:
        while not self._over.wait(self.refresh):
            try:
                if self._holder() != self.holder:
                    self._is_lost = True
                    return
                self._write()
            except OSError:
                continue  # once more, before it grows old

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
        """Seconds since it was written, both by the clock of the store; clocks of machines may be apart."""
        probe = self.data / f"{LOCK}-{self.holder}"
        probe.write_text("")
        try:
            return probe.stat().st_mtime - self.file.stat().st_mtime
        except FileNotFoundError:
            return self.dead  # given back meanwhile
        finally:
            probe.unlink(missing_ok=True)


_HELD: list[Lease] = []


def require_held(place: Remote) -> None:
    """Raise InputError where this process held the data folder of a place, and another command has taken it over."""
    for lease in _HELD:
        if place.is_below(lease.data):
            lease.require()
