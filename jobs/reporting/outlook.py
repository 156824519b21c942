"""What the page counts and in which words: who stays, where contacts are to convert, or who leaves."""

from dataclasses import dataclass
from typing import overload

from conf.schema import Label, Service
from conf.targeting import Aim
from conf.words import Words


@dataclass(frozen=True)
class Outlook:
    """The view of the reader: of the two things that a customer may do, the one that the contacts are about."""

    aim: Aim
    words: Words
    label: Label

    @property
    def do(self) -> str:
        """What is counted, after "expected to": `buy again`."""
        return self.words.stay if self.aim == "convert" else self.words.leave

    @property
    def did(self) -> str:
        """The same of the past: `bought again`."""
        return self.words.stayed if self.aim == "convert" else self.words.left

    @property
    def is_label(self) -> bool:
        """Whether label 1 is what is counted."""
        return self.label.leaves_is_one == (self.aim == "keep")

    @overload
    def share(self, probability: float) -> float: ...
    @overload
    def share(self, probability: None) -> None: ...
    def share(self, probability: float | None) -> float | None:
        """The probability of what is counted, given that of label 1."""
        return probability if probability is None or self.is_label else 1 - probability


def outlook_of(service: Service, aim: Aim | None = None) -> Outlook:
    """aim: of the list that is shown; without a list, the aim that the service declares.

    A service without economics looks at what its label is about.
    """
    about_label: Aim = "keep" if service.label.leaves_is_one else "convert"
    declared = service.targeting.aim if service.targeting else about_label
    return Outlook(aim or declared, service.words, service.label)
