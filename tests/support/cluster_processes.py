"""What the tests of the cluster share: a small service, and what is run in processes of their own; a script, too.

As a script it is submitted like a command, and prints what executors and ranks of Horovod can see.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import yaml

# A week in the place of a month: few files, few columns, the same code.
SHORTER = {
    "[1, 3, 7, 14, 30]": "[3, 7]",
    "[7, 14]": "[3]",
    "[7, 30]": "[7]",
    "[30]": "[7]",
    "30d": "7d",
    "/ 30": "/ 7",
    "last 30": "last 7",
}
CHANGES = {
    "windows": {"observation_days": 7, "outcome_days": 4},
    "alive": None,
    "training": {"folds": 2, "grids": {"lr": {"regularisation": [1.0]}}},
    "network": {"epochs": 4, "batch": 64, "hidden": [8]},
    "recommender": {
        "holdout_days": 5,  # more than there are days for: judged by titles that are drawn, alone
        "popular_days": 7,
        "grids": {
            "als": {
                "factors": [8],
                "iterations": 4,
                "alpha": [10.0],
                "weights": ["log"],
                "regularisation_per_interaction": [0.1],
            },
            "item_item": {"neighbours": [50], "weights": ["binary"]},
        },
    },
}


def weekly_music() -> str:
    """The music service with a week's features, four days' outcome, and little to learn, as YAML."""
    from conf.load import FOLDER

    text = (FOLDER / "music.yaml").read_text(encoding="utf-8")
    for month, week in SHORTER.items():
        text = text.replace(month, week)
    service = yaml.safe_load(text) | CHANGES
    service["interactions"]["history_days"] = 7
    return yaml.safe_dump(service, sort_keys=False, allow_unicode=True)


def places() -> dict[str, Any]:
    """Where this process is, by whose Python, and where it finds the code: with the zip and without."""
    from importlib.util import find_spec
    from pathlib import Path

    found = find_spec("models")
    with_zip, sys.path[:] = list(sys.path), [folder for folder in sys.path if not folder.endswith("encore.zip")]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("models", "features", "conf", "jobs")]:
        del sys.modules[name]
    without = find_spec("models")
    path, sys.path[:] = list(sys.path), with_zip
    return {
        "at": str(Path.cwd()),
        "python": sys.prefix,
        "models": found.origin if found else None,
        "models_without_zip": without.origin if without else None,
        "path": path,
    }


def in_executor(batches: Iterator[Any]) -> Iterator[Any]:
    """Says where each task is."""
    import pyarrow as pa

    for _ in batches:
        yield pa.RecordBatch.from_pydict({"places": [json.dumps(places())]})


def in_rank(ranks: Any) -> dict[str, Any]:
    """Says where a rank is, and how many there are."""
    return {**places(), "ranks": ranks.size}


def main() -> None:
    """Print as JSON what tasks and ranks say."""
    from conf.profile import Profile
    from jobs.engine import engine
    from models.network.launch import launch

    with engine("spark", Profile(engine="spark")) as spark:
        rows = spark.range(0, 4, numPartitions=4).mapInArrow(in_executor, "places string").collect()
        ranks = launch(in_rank, 2, "horovod")
    print(json.dumps({"tasks": [json.loads(row["places"]) for row in rows], "ranks": ranks}))


if __name__ == "__main__":
    main()
