"""Raw logs of the small shop with titles: what it declares, and archives of its visits."""

import random
from pathlib import Path
from typing import Any

from tests.support.archives import pack
from tests.support.customers import QUICK
from tests.support.frames import SHOP, before
from tests.support.model_folder import MONEY, NOTHING_FLAGGED

VISIT: dict[str, Any] = SHOP["events"]["visit"]
SERVICE: dict[str, Any] = SHOP | {
    "events": {
        "visit": VISIT
        | {
            "landing": VISIT["landing"] | {"fields": ["who", "spent", "title"]},
            "columns": VISIT["columns"] | {"title": {"type": "string", "sql": "title", "about": "What was looked at"}},
        }
    },
    "training": QUICK.model_dump(),
    "targeting": MONEY,
    "audit": NOTHING_FLAGGED,
    "interactions": {
        "sources": {
            "visit": {"title": "title", "name": "title", "measures": {"visits": {"sql": "count(*)", "about": "Visits"}}}
        },
        "strength": "2 * visits",
    },
    "recommender": {
        "holdout_days": 2,
        "popular_days": 2,
        "grids": {
            "als": {"factors": [2], "iterations": 1, "alpha": [1.0], "weights": ["binary"], "regularisation": [0.1]}
            | {"regularisation_per_interaction": [0.1]},
            "item_item": {"neighbours": [5], "weights": ["binary"]},
        },
    },
}
CUSTOMERS, DAYS = 360, 14


def lines(day: int, seed: str = "") -> bytes:
    """Visits of a day: the higher the last digit of the id, the more and the dearer, and of titles of their own."""
    draw = random.Random(f"{day}{seed}")
    found = ["nobody\t1\tb0"]
    for customer in range(CUSTOMERS):
        if draw.random() < 0.3 + customer % 10 / 20:
            spent = draw.randrange(1, 4) if draw.random() < (customer % 10) / 14 else 0
            found.append(f"{customer}\t{spent}\tb{customer % 2 * 8 + draw.randrange(8)}")
    return "".join(f"{line}\n" for line in found).encode()


def archive(raw: Path, day: int, content: bytes) -> None:
    name = f"{before(day):%Y%m%d}_visit.log"
    pack(raw, f"{name}.tar.gz", name, content)
