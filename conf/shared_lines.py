"""Several kinds of event in the same lines: `landing: {lines_of: play, where: "page = 'Thumbs Up'"}`."""

from collections.abc import Mapping
from typing import Any

OWN_KEYS = frozenset({"lines_of", "where"})


def with_shared_lines(events: Any) -> Any:
    """The events with the layout of the lines that they share; what is no mapping is left to the schema to refuse.

    Args:
        events: as a service declares them, before they are checked.

    Raises:
        ValueError: `lines_of` names no event with lines of its own, or stands beside a layout.
    """
    if not isinstance(events, Mapping):
        return events
    return {name: _with_layout(str(name), event, events) for name, event in events.items()}


def _with_layout(name: str, event: Any, events: Mapping[Any, Any]) -> Any:
    own = _landing(event)
    if not own or own.get("lines_of") is None:
        return event
    source = _landing(events.get(own["lines_of"])) if isinstance(own["lines_of"], str) else None
    if source is None or source.get("lines_of") is not None:
        owners = [str(other) for other, one in events.items() if (_landing(one) or {}).get("lines_of") is None]
        raise ValueError(
            f"events.{name}.landing.lines_of: {own['lines_of']!r} is no event with lines of its own; choose one of "
            f"{', '.join(owners)}"
        )
    layout = {key: value for key, value in source.items() if key not in OWN_KEYS}
    if others := sorted(str(key) for key in own.keys() - OWN_KEYS if own[key] != layout.get(key)):
        raise ValueError(
            f"events.{name}.landing: the layout is that of {own['lines_of']}, whose lines it shares; remove "
            f"{', '.join(others)}"
        )
    return {**event, "landing": layout | {key: own[key] for key in OWN_KEYS & own.keys()}}


def _landing(event: Any) -> Mapping[Any, Any] | None:
    """The landing that an event declares; None where it is no mapping."""
    found = event.get("landing") if isinstance(event, Mapping) else None
    return found if isinstance(found, Mapping) else None
