"""The feature dictionary: a page that explains every column of the feature table."""

from conf.schema import Service
from features.declared import NamedFeature, table_features

HEADER = (
    "name",
    "alias",
    "meaning",
    "unit",
    "type",
    "window_days",
    "null_means",
    "least",
    "greatest",
    "expression",
)


def dictionary_rows(service: Service) -> list[tuple[str, ...]]:
    """One row per column of the feature table, in its order, with the cells of HEADER."""
    keys = [
        _key("customer_id", "Id of the customer", "id", "as in the data"),
        _key(
            "as_of",
            "As-of date: features end before it, and the outcome window begins at it or after the gap",
            "date",
            "date",
        ),
    ]
    outcome = [
        _key("eligible", service.eligible.about, "true or false", "boolean", expression=service.eligible.when),
        _key(
            "label",
            f"{service.label.name}: {service.label.about}",
            "0 or 1",
            "int",
            null="the label is immature",
        ),
        _key(
            "label_status",
            "mature if the outcome is known, else immature",
            "word",
            "string",
        ),
    ]
    return [*keys, *(_row(feature) for feature in table_features(service)), *outcome]


def dictionary_markdown(service: Service) -> str:
    """The dictionary as one Markdown page."""
    windows = service.windows
    lines = [
        f"# Feature dictionary: {service.title}",
        "",
        f"{service.about}",
        "",
        f"One row per customer and as-of date. Observation window: {windows.observation_days} days before as_of; "
        f"outcome window: {windows.outcome_days} days from as_of, after a gap of {windows.gap_days}. "
        f"Generated; do not edit.",
        "",
        "| " + " | ".join(HEADER) + " |",
        "|" + "---|" * len(HEADER),
    ]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in dictionary_rows(service)]
    return "\n".join(lines) + "\n"


def _row(feature: NamedFeature) -> tuple[str, ...]:
    null_means = feature.null_means or f"never null: {feature.fill:g} if nothing was seen"
    return (
        feature.name,
        feature.alias,
        feature.about,
        feature.unit,
        feature.type,
        str(feature.days),
        null_means,
        "" if feature.least is None else f"{feature.least:g}",
        "" if feature.greatest is None else f"{feature.greatest:g}",
        _expression(feature),
    )


def _expression(feature: NamedFeature) -> str:
    if feature.from_features:
        return feature.from_features
    return f"{feature.from_tiles} where {feature.where}" if feature.where else feature.from_tiles or ""


def _key(
    name: str, meaning: str, unit: str, kind: str, null: str = "never null", expression: str = ""
) -> tuple[str, ...]:
    return (name, "", meaning, unit, kind, "", null, "", "", expression)
