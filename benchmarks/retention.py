"""The demo's models against the truth that only a simulation knows, and its list against other ways to choose.

    python benchmarks/retention.py --data FOLDER [--customers 20000] [--model gbt ...]

Runs `encore demo` into FOLDER unless it is there already. Prints for each model AUC, how much of the best possible
it reaches, calibration error, and what its list earns at each budget beside the recency rule and chance, by the
outcomes that came and by the true probabilities, in which there is no chance.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

AS_OF = "2017-04-29"
BUDGETS = np.arange(1, 11) / 20  # share of the customers contacted
COST, KEPT_SHARE, EUR_PER_ACTIVE_DAY = 1.0, 0.1, 5.0  # those of conf/music.yaml
Floats = NDArray[np.float64]


def main() -> None:
    """Run the demo and print its tables."""
    arguments = parsed()
    data: Path = arguments.data
    if not (data / "report").exists():
        models = [word for name in arguments.model for word in ("--model", name)]
        demo = ["encore", "demo", "--data", str(data), "--customers", str(arguments.customers), *models]
        subprocess.run([sys.executable, "-c", "from jobs.cli import main; main()", *demo[1:]], check=True)
    console = Console()
    console.print(quality(data))
    for folder in sorted(data.glob("models/*/test_scores")):
        console.print(earnings(folder.parent.name, judged(data, folder)))


def parsed() -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--model", nargs="+", default=["lr", "gbt"])
    return parser.parse_args()


def judged(data: Path, scores: Path) -> pd.DataFrame:
    """The customers that judge a model: its scores, what came, the true probability, and their value."""
    truth = pd.read_parquet(data / "truth" / f"as_of={AS_OF}")[["customer_id", "churn_probability"]]
    days = pd.read_parquet(data / "features" / f"as_of={AS_OF}", columns=["customer_id", "active_days_last_30d"])
    rows = pd.read_parquet(scores).merge(truth, on="customer_id").merge(days, on="customer_id")
    return rows.assign(value=EUR_PER_ACTIVE_DAY * rows.active_days_last_30d)


def quality(data: Path) -> Table:
    """How good each model is."""
    table = Table(
        "model", "customers", "AUC", "best possible", "of it reached", "calibration error", "its best possible"
    )
    for folder in sorted(data.glob("models/*/test_scores")):
        rows = judged(data, folder)
        told: dict[str, Any] = json.loads((folder.parent / "metrics.json").read_text())
        auc, best = (roc_auc_score(rows.label, rows[name]) for name in ("probability", "churn_probability"))
        error = told["metrics"]["test"]["calibration_error"]["value"]
        shown = [f"{auc:.4f}", f"{best:.4f}", f"{(auc - 0.5) / (best - 0.5):.3f}", f"{error:.4f}"]
        table.add_row(folder.parent.name, f"{len(rows):,}", *shown, f"{calibration_error(rows):.4f}")
    return table


def calibration_error(rows: pd.DataFrame) -> float:
    """Of the true probabilities, in ten groups of equal size: what chance alone makes of perfect ones."""
    tenths = pd.qcut(rows.churn_probability.rank(method="first"), 10, labels=False)
    groups = rows.groupby(tenths)
    return float((groups.churn_probability.mean() - groups.label.mean()).abs().mean())


def earnings(model: str, rows: pd.DataFrame) -> Table:
    """What the list of a model earns."""
    table = Table(title=f"{model}: profit per 1,000 customers, model / recency rule / random")
    for column in ("contacted", "drawn outcomes", "by the true probabilities"):
        table.add_column(column, justify="right")
    curves = {
        (left, order): profits(rows, order, left)
        for left in ("label", "churn_probability")
        for order in ("probability", "recency_probability")
    }
    for at, share in enumerate(BUDGETS):
        cells = []
        for left in ("label", "churn_probability"):
            ours, recency = (curves[left, order][at] for order in ("probability", "recency_probability"))
            random = 1000 * share * ((rows[left] * rows.value).mean() * KEPT_SHARE - COST)
            mark = "" if ours > max(recency, random) else "  [red]not more[/red]"
            cells.append(f"{ours:,.1f} / {recency:,.1f} / {random:,.1f}{mark}")
        table.add_row(f"{share:.0%}", *cells)
    return table


def profits(rows: pd.DataFrame, order: str, left: str) -> Floats:
    """(budgets,) profit per 1,000 customers; equal keys count as in the mean of all their orders."""
    key = (rows[order] * rows.value).round(9)
    gain = (rows[left] * rows.value * KEPT_SHARE - COST).groupby(key).transform("mean")
    earned = np.cumsum(gain.to_numpy()[np.argsort(-key.to_numpy(), kind="stable")])
    return np.array([1000 * earned[round(share * len(rows)) - 1] / len(rows) for share in BUDGETS])


if __name__ == "__main__":
    main()
