"""The folder of trained models: their records, and which one scores."""

from collections.abc import Iterator
from dataclasses import dataclass

from conf.errors import InputError
from conf.load import fingerprint
from jobs.records.training import (
    AuditRecord,
    BaselinesRecord,
    ChosenRecord,
    ModelRecord,
    PortableRecord,
    ReferenceRecord,
    TypicalRecord,
)
from jobs.storage.backend import current, remove_folder, subfolders
from jobs.storage.location import Place
from jobs.storage.records import R, find_readable, find_record, read_record, write_record
from jobs.storage.seals import require_unchanged, tree_seals
from models.drift import Reference
from models.scoring.portable import PortableModel

BASELINES = "baselines"
AUDIT, CHOSEN = "audit.json", "chosen.json"
METRICS, MODEL, REFERENCE, TYPICAL = "metrics.json", "model.json", "reference.json", "typical.json"
TEST_SCORES = "test_scores"
BGNBD_PROBABILITY = "bgnbd_probability"  # in the test scores of the baselines


@dataclass(frozen=True)
class ModelFolder:
    """The folder of all trained models, `models/<name>/`."""

    root: Place

    def names(self) -> list[str]:
        """The names of the models that are there, sorted."""
        folders = [folder for folder in subfolders(self.root) if folder.name != BASELINES]
        return [folder.name for folder in folders if (current(folder) / METRICS).is_file()]

    def folder(self, name: str) -> Place:
        """The published files of a model."""
        return current(self.root / name)

    def verified(self, name: str) -> Place:
        """The same. Raises InputError where it is missing, DataCheckError where a file is not as it was published."""
        return _verified(self.folder(name), self.record(name))

    def record(self, name: str) -> ModelRecord:
        """The record of a model. Raises InputError where it is missing, DataCheckError where it was changed."""
        file = self.folder(name) / METRICS
        if not file.is_file():
            raise InputError(
                f"{file}: there is no such model; run `encore train` first, or give one of these: "
                f"{', '.join(self.names()) or 'none yet'}"
            )
        return read_record(ModelRecord, file)

    def records(self) -> list[ModelRecord]:
        """The records of all models, by name; the files of each are as they were published."""
        for name in self.names():
            self.verified(name)
        return [self.record(name) for name in self.names()]

    def model(self, name: str) -> PortableModel:
        """A trained model. Raises as `verified` does."""
        return read_record(PortableRecord, self.verified(name) / MODEL).model

    def reference(self, name: str) -> Reference:
        """What drift is measured against. Raises as `verified` does."""
        return read_record(ReferenceRecord, self.verified(name) / REFERENCE).reference

    def typical(self, name: str) -> TypicalRecord:
        """The typical customer of a model's training set. Raises as `verified` does."""
        return read_record(TypicalRecord, self.verified(name) / TYPICAL)

    def test_scores(self, name: str) -> Place:
        """Folder of the scores of a model's test set. Raises as `verified` does."""
        return self.verified(name) / TEST_SCORES

    def baselines(self) -> BaselinesRecord | None:
        """The record of the baselines, None where there is none."""
        return find_record(BaselinesRecord, self.folder(BASELINES) / METRICS)

    def bgnbd_scores(self, name: str) -> Place | None:
        """Folder of the scores of BG/NBD for the test set of a model, None where there are none.

        Its columns are `customer_id`, `as_of` and BGNBD_PROBABILITY.
        """
        model, known = self.record(name), self.readable(BaselinesRecord, BASELINES)
        if known is None or not (self.folder(BASELINES) / TEST_SCORES).is_dir():
            return None
        has_its_test_set = known.split == model.split and known.fitted_on.tables == model.fitted_on.tables
        return _verified(self.folder(BASELINES), known) / TEST_SCORES if has_its_test_set else None

    def bgnbd_version(self, name: str) -> str:
        """Fingerprint of these scores, empty where there are none; the fit is repeatable."""
        known = self.baselines() if self.bgnbd_scores(name) else None
        return fingerprint(known.fitted_on.model_dump(mode="json")) if known else ""

    def audit(self) -> AuditRecord | None:
        """The last leakage audit, None where there was none."""
        return find_record(AuditRecord, self.root / AUDIT)

    def find_chosen(self) -> ChosenRecord | None:
        """Which model was chosen, None where none was."""
        return find_record(ChosenRecord, self.root / CHOSEN)

    def chosen(self) -> str:
        """The model to score with. Raises InputError where none was chosen."""
        found = self.find_chosen()
        if found is None:
            raise InputError(f"{self.root / CHOSEN}: there is no trained model; run `encore train` first")
        return found.model

    def version(self, name: str) -> str:
        """Fingerprint of a model; fitting is repeatable, so it is that of what the model was fitted on."""
        return fingerprint(name, self.record(name).fitted_on.model_dump(mode="json"))

    def readable(self, kind: type[R], name: str) -> R | None:
        """The record of a model, or of the baselines, None where there is none that can be read."""
        return find_readable(kind, self.folder(name) / METRICS)

    def readable_audit(self) -> AuditRecord | None:
        """The last leakage audit, None where there is none that can be read."""
        return find_readable(AuditRecord, self.root / AUDIT)

    def write_audit(self, record: AuditRecord) -> None:
        """Replace the audit."""
        write_record(self.root / AUDIT, record)

    def write_chosen(self, record: ChosenRecord) -> None:
        """Replace the choice."""
        write_record(self.root / CHOSEN, record)

    def remove(self, name: str) -> None:
        """Remove a model."""
        remove_folder(self.root / name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())


def _verified(folder: Place, record: ModelRecord | BaselinesRecord) -> Place:
    """The folder. Raises DataCheckError where a file in it is not as it was published."""
    now = {path: seal for path, seal in tree_seals(folder).items() if path != METRICS}
    require_unchanged(folder, record.content, now, record.COMMAND)
    return folder
