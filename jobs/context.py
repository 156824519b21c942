"""What a command is run with: the data folder, the service, the profile and the engine.

Only commands take a whole context; the functions below them take the layer and the declarations that they need.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from conf.errors import UsageError
from conf.finished import FinishedTable
from conf.load import fingerprint
from conf.profile import Profile
from conf.schema import Service
from jobs.data_folder import DataFolder
from jobs.lineage.walk import Lineage
from jobs.storage.backend import backend, disk_path
from jobs.training.feature_tables import FeatureTables


@dataclass(frozen=True)
class Context:
    """A run of Encore on one data folder.

    service_from: name or path of the service on the command line; declared: the service without the values that the
    command line replaces, None where it replaces none, and with the windows that it gives; left_out: the columns that
    do not fit into these windows.
    """

    data: DataFolder
    service_name: str
    service: Service
    profile: Profile
    engine: str
    service_from: str = ""
    declared: Service | None = None
    left_out: Sequence[str] = ()

    @cached_property
    def tables(self) -> FeatureTables:
        """The feature tables, as the service declares them."""
        return FeatureTables(self.data.features, self.service, self.service_name, self.declared or self.service)

    @property
    def lineage(self) -> Lineage:
        """What the layers were made from; a new one at each call, since commands change it."""
        return Lineage(self.data, self.service, self.tables)

    @property
    def fits(self) -> Path:
        """Networks that are being fitted, in a folder that all ranks share.

        Raises:
            UsageError: the data is not on a disk, and the profile names no such folder.
        """
        if backend(self.data.root).is_disk:
            return disk_path(self.data.made / "fits")
        if self.profile.shared is None:
            raise UsageError(
                f"{self.data}: this folder cannot hold a network that is being fitted, since not all ranks share it; "
                f"set the key `shared` of the profile to a path on a file system that they share"
            )
        return Path(self.profile.shared) / fingerprint(str(self.data.made))

    def require_events(self) -> None:
        """Raise UsageError where the service has no raw logs."""
        if self.service.table:
            raise UsageError(f"{self.service_name}: this service starts from a finished table; run `encore table FILE`")

    def finished_table(self) -> FinishedTable:
        """The finished table that the service starts from. Raises UsageError where it starts from raw logs."""
        if not self.service.table:
            raise UsageError(
                f"{self.service_name}: this service starts from raw logs; run `encore run`, or give a --service that "
                f"declares a table, such as audiobooks_table"
            )
        return self.service.table

    @cached_property
    def version(self) -> str:
        """Fingerprint of the service's configuration."""
        return fingerprint(self.service)
