"""Days in batches that fit in memory.

No step looks at two days together, so days can be done in any portions. The embedded engine takes a few at a time: it
groups in memory, and a small table stays in the processor's cache. Spark is given all of them: it spills to disk, and
a cluster wants much work at once.
"""

from collections.abc import Mapping


def batches(sizes: Mapping[str, int], limit: int, engine: str) -> list[list[str]]:
    """The days in their order, in batches of at most `limit` altogether, or of one day that is larger.

    Args:
        sizes: the size of each day, in the unit of `limit`.
        engine: name of the engine; `spark` gets one batch.
    """
    found: list[list[str]] = []
    total = 0
    for day, size in sizes.items():
        total += size
        if found and (engine == "spark" or total <= limit):
            found[-1].append(day)
        else:
            found.append([day])
            total = size
    return found
