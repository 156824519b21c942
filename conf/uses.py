"""Declarations of `use`: which presets of features a service takes for an event, and the words for it."""

from typing import Literal

from pydantic import Field, model_validator

from conf.declaration import Declaration, Name
from conf.lengths import Days

Preset = Literal["recency", "frequency", "monetary", "gaps", "trend"]


class EventWords(Declaration):
    """The words for an event in the texts of its features.

    one: one event, such as `support request`. Null: the name of the event in words.
    many: several. Null: `one` in the plural.
    did: what a customer did, such as `bought`. Null: that of common events; else the texts do without it, as in `last
        delivery 3 days ago`.
    made: the verb before a number of events, as in `made 3 purchases`. Null: `made` or `had`.
    """

    one: str | None = Field(default=None, min_length=1)
    many: str | None = Field(default=None, min_length=1)
    did: str | None = Field(default=None, min_length=1)
    made: str | None = Field(default=None, min_length=1)


class Amount(Declaration):
    """A measure that is summed, and the words for it.

    kind: `amount` (number, which may be negative), `duration` (number from 0) or `count` (whole number from 0). The
        first two have a mean for each event, too.
    unit: unit of the sum, such as `US dollars`. Null: the name of the measure in words.
    one: one of a `count`, such as `CD`. Null: `unit` without its s.
    did: what a customer did with it, such as `paid`, as in `paid 20 US dollars in the last 30 days`. Null: the texts
        do without it.
    """

    kind: Literal["amount", "duration", "count"] = "amount"
    unit: str | None = Field(default=None, min_length=1)
    one: str | None = Field(default=None, min_length=1)
    did: str | None = Field(default=None, min_length=1)


class Use(Declaration):
    """Presets of features for an event.

    Encore expands them to `features` when it reads the service. A feature of the same name under `features` takes the
    place of the preset's. For an event `purchase` that is counted by `purchases`, with an amount `price`:

    - `frequency` is `purchases_last_{days}d` for each of the windows, and `purchase_days`, the days with a purchase.
    - `monetary` is `price_last_{days}d` for each of the windows, and `price_per_purchase` in the longest of them.
    - `recency` is `days_since_last_purchase` and `days_since_first_purchase`.
    - `gaps` is `gap_days_mean`, `gap_days_deviation` and `recency_over_gap`, from the days between one day with a
      purchase and the next. Behind the first event of `use`, these names begin with the event's, as in
      `visit_gap_days_mean`.
    - `trend` is `purchases_trend_{days}d`: the purchases of the window over those of as many days before it, such as
      the last 30 days over days 31 to 60. It is 0 without purchases in the window, and null without any in the days
      before it. Windows longer than half of the observation window have none.

    presets: those to take.
    windows: lengths of windows in days, or such as `4 weeks`. Null: those of 30, 90, 180 and 365 days that are shorter
        than the observation window (of 7 and 14 days, if it has at most 30), and the observation window.
    count: measure with the number of events. Null: the first that counts.
    amounts: measures that are summed: a list, or by name with more about them. Null: all other sums of the event.
    words: the words for the event.
    """

    presets: list[Preset] = Field(min_length=1)
    windows: list[Days] | None = Field(default=None, min_length=1)
    count: Name | None = None
    amounts: list[Name] | dict[Name, Amount] | None = None
    words: EventWords = EventWords()

    @model_validator(mode="after")
    def _check_once(self) -> "Use":
        for key, values in (("presets", self.presets), ("windows", self.windows or [])):
            if len(set(values)) < len(values):
                raise ValueError(f"{key}: a value stands twice; remove one of the two")
        return self
