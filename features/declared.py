"""The features of a service by window, with the type and range of each."""

from dataclasses import dataclass

from conf.families import FAMILY_OF_KIND, Family
from conf.schema import Feature, Service, may_be_null

# For each kind: type in the table, least value and greatest value; None: no limit.
FEATURE_KINDS: dict[str, tuple[str, float | None, float | None]] = {
    "count": ("bigint", 0, None),
    "flag": ("bigint", 0, 1),
    "amount": ("double", None, None),
    "duration": ("double", 0, None),
    "days": ("double", 0, None),
    "share": ("double", 0, 1),
    "ratio": ("double", None, None),
    "rating": ("double", 0, 10),
    "category": ("string", None, None),
    "sketch": ("", None, None),
}


@dataclass(frozen=True)
class NamedFeature:
    """A declared feature with one of its windows, which is one column; `days` is the length of the window.

    levels: of a category; empty where they are those of the training rows (`auto`).
    says: the fact in words (see `conf.says`), empty where no reason names the feature.
    """

    name: str
    about: str
    unit: str
    kind: str
    days: int
    from_tiles: str | None
    where: str | None
    from_features: str | None
    fill: int | float | None
    cap: int | float | None
    null_means: str
    alias: str
    levels: tuple[str, ...]
    internal: bool
    family: Family
    says: str

    @property
    def type(self) -> str:
        """Spark type of the column; empty for a sketch, which has the type of its expression."""
        return FEATURE_KINDS[self.kind][0]

    @property
    def may_be_null(self) -> bool:
        """Whether the column may be null in the table."""
        return may_be_null(self.fill, self.null_means)

    @property
    def least(self) -> float | None:
        """Least valid value; None: no limit."""
        return FEATURE_KINDS[self.kind][1]

    @property
    def greatest(self) -> float | None:
        """Greatest valid value; None: no limit."""
        return FEATURE_KINDS[self.kind][2] if self.cap is None else self.cap


def named_features(service: Service) -> list[NamedFeature]:
    """All features of the service by window, with internal ones, in the order of declaration."""
    return [
        _named(template, feature, days)
        for template, feature in service.features.items()
        for days in feature.windows or [service.windows.observation_days]
    ]


def table_features(service: Service) -> list[NamedFeature]:
    """The features that are columns of the feature table, in the order of declaration."""
    return [feature for feature in named_features(service) if not feature.internal]


def _named(template: str, feature: Feature, days: int) -> NamedFeature:
    def filled(text: str | None) -> str | None:
        return text.replace("{days}", str(days)) if text else None

    return NamedFeature(
        name=filled(template) or "",
        about=(filled(feature.about) or "").replace(" 1 days", " 1 day"),
        unit=feature.unit,
        kind=feature.kind,
        days=days,
        from_tiles=feature.from_tiles,
        where=feature.where,
        from_features=filled(feature.from_features),
        fill=feature.fill,
        cap=feature.cap,
        null_means=filled(feature.null_means) or "",
        alias=filled(feature.alias) or "",
        levels=tuple(feature.declared_levels),
        internal=feature.internal,
        family=feature.family or FAMILY_OF_KIND[feature.kind],
        says=(filled(feature.says) or "").replace("in the last 1 days", "on the last day"),
    )
