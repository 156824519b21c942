"""Formats instants as shops do: in UTC without a zone, with Z, or in local time with an offset from UTC."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

HOME_OFFSETS = (60, -300, 330)  # offsets of the customers' places from UTC, in minutes
# Shares of the formats: a blank and no zone; T and no zone; Z; an offset with a colon; an offset without.
STYLE_SHARE = (0.35, 0.10, 0.20, 0.25, 0.10)
NO_BLANK, WITH_Z, COLON, NO_COLON = 1, 2, 3, 4
WITH_FRACTION = 0.1


def instants(
    start: date, second: NDArray[np.int64], home: NDArray[np.int64], rng: np.random.Generator
) -> pa.StringArray:
    """(N,) texts. second: (N,) since midnight UTC of `start`. home: (N,) positions in HOME_OFFSETS."""
    n = len(second)
    style = rng.choice(len(STYLE_SHARE), n, p=STYLE_SHARE)
    minutes = np.where(style >= COLON, np.array(HOME_OFFSETS)[home], 0)
    shown = pa.array(np.datetime64(start, "s") + second + 60 * minutes)
    between = pa.array([" ", "T"]).take(pa.array((style >= NO_BLANK).astype(np.int64)))
    milliseconds = pc.utf8_lpad(pa.array(rng.integers(0, 1_000, n)).cast(pa.string()), 3, "0")
    fraction = pc.if_else(
        pa.array(rng.random(n) < WITH_FRACTION), pc.binary_join_element_wise(".", milliseconds, ""), ""
    )
    zones = pa.array(["", "Z", *_offsets(":"), *_offsets("")])
    zone = np.select([style == WITH_Z, style == COLON, style == NO_COLON], [1, 2 + home, 2 + len(HOME_OFFSETS) + home])
    clock = [pc.strftime(shown, "%Y-%m-%d"), between, pc.strftime(shown, "%H:%M:%S")]
    return pc.binary_join_element_wise(*clock, fraction, zones.take(pa.array(zone)), "")


def _offsets(colon: str) -> list[str]:
    return [f"{'-' if m < 0 else '+'}{abs(m) // 60:02}{colon}{abs(m) % 60:02}" for m in HOME_OFFSETS]
