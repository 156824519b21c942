"""A small data folder written by hand, as the commands leave it: what the tests of the report read."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from conf.load import fingerprint
from conf.schema import Service
from jobs.context import Context
from jobs.data_folder import DataFolder
from tests.support.engines import SMALL
from tests.support.frames import SHOP

HOSTILE = "<script>document.title='pwned'</script>"
HOSTILE_ARCHIVE = '<img src=x onerror="document.title=1">_visit.log.gz'
SERVICE: dict[str, Any] = SHOP | {
    "title": f"Shop {HOSTILE}",
    "windows": {"observation_days": 3, "outcome_days": 2},
    "features": {
        "visits_{days}d": {
            "kind": "count",
            "unit": "days",
            "about": f"Days with a visit in {{days}} {HOSTILE}",
            "from_tiles": "count(*)",
            "windows": [1, 3],
            "fill": 0,
        },
        "last_spending": SHOP["features"]["last_spending"] | {"about": "Days since coins were spent (1: yesterday)"},
    },
    "eligible": {"when": "visits_3d > 0", "about": "Was here in the last three days"},
    "label": SHOP["label"] | {"about": f"Spends {HOSTILE} & more"},
}
LANDING = {
    "lines": (100, 20),
    "header": (1, 0),
    "kept": (90, 20),
    "repaired": (4, 0),
    "left_out": (0, 0),
    "rejected": (9, 0),
    "records": (88, 20),
    "rejected_blank": (2, 0),
    "rejected_too_many_fields": (7, 0),
    "rejected_undated": (0, 0),  # the manifest has a column for every reason
}
TABLE = {"tiles": "t", "configuration": "c"}
SPLIT = {
    "by": "customer",
    "text": "by customer: three in four",
    "train_as_of": ["2024-03-03"],
    "test_as_of": "2024-03-03",
    "unused_as_of": ["2024-03-04"],
}
HITS = ("average_precision", "accuracy", "f1", "log_loss", "brier", "ks", "top_decile_lift")
MEANINGS = {
    "visits_3d": (f"Days with a visit in 3 {HOSTILE}", "days"),
    "visits_1d": (f"Days with a visit in 1 {HOSTILE}", "days"),
    "last_spending": ("Days since coins were spent (1: yesterday)", "days"),
}


def write_data(data: Path, one_if: str = "present") -> Context:
    """All layers: logs of 1, 2 and 4 March 2024, tables as of 3 and 5 March, two models and three baselines."""
    label = SERVICE["label"] | {"one_if": one_if}
    context = Context(DataFolder(data), "shop", Service.model_validate(SERVICE | {"label": label}), SMALL, "sail")
    write_landing(context.data.landing)
    write_events(context)
    for day, customers, bots, events, parts in [
        ("2024-03-01", 30, 1, 40, []),
        ("2024-03-02", 20, 0, 30, ["visit: 2 of 3", "sale: 0 of 1"]),
        ("2024-03-04", 25, 2, 25, ["visit: 2 of 3"]),
    ]:
        tile = {"customers": customers, "bots": bots, "events": events, "missing_parts": parts, "sample": 1.0}
        write_record(context.data.daily.partition(day), tile)
    write_features(context)
    write_models(context)
    write_scores(context)
    write_truth(context, "2024-03-03")
    write_drift(context)
    return context


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """The record of a partition."""
    write_json(folder / "_encore.json", record)


def write_json(path: Path, data: Any) -> None:
    """A file of JSON, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")


def change_json(path: Path, **changes: Any) -> None:
    """Replace keys of a file of JSON."""
    write_json(path, json.loads(path.read_text(encoding="utf-8")) | changes)


def write_landing(folder: Path) -> None:
    """Two archives unpacked, and one of each other kind."""
    folder.mkdir(parents=True)
    others = [
        (HOSTILE_ARCHIVE, "failed"),
        ("20240301_visit.log (1).gz", "duplicate"),
        ("list.html", "not_a_log"),
        ("20240399_visit.log.gz", "undated"),
    ]
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["archive", "event", "status", "bytes", "checksum", "sample", *LANDING])
        for number in (0, 1):
            counts = [values[number] for values in LANDING.values()]
            rows.writerow([f"2024030{number + 1}_visit.log.gz", "visit", "unpacked", 999, "c", "1", *counts])
        for name, status in others:
            rows.writerow([name, "visit" if status != "not_a_log" else "", status, 9, "c", "1", *[0] * len(LANDING)])


def write_events(context: Context) -> None:
    """Two days of events."""
    layer = context.data.events("visit")
    days: dict[str, Any] = {
        "2024-03-01": (60, 50, 6, 4, {"spent_unreadable": 4, "too_much": 2}, {"in_cents": 3}),
        "2024-03-02": (48, 45, 1, 2, {"too_much": 1}, {}),
    }
    for day, (lines, events, rejected, duplicates, reasons, repaired) in days.items():
        counts = {"lines": lines, "events": events, "rejected": rejected, "duplicates": duplicates, "left_out": 0}
        write_record(layer.partition(day), counts | {"reasons": reasons, "repaired": repaired, "sample": 1.0})


def write_features(context: Context, sample: float = 1.0) -> None:
    """A table whose outcome is known, and the newest."""
    same = {"basis": TABLE, "sample": sample}
    mature = {"customers": 1200, "eligible": 1000, "positives": 250, "label_status": "mature", "bots_excluded": 3}
    newest = {"customers": 2100, "eligible": 2000, "positives": 0, "label_status": "immature", "bots_excluded": 1}
    # The outcome of 3 March lacks its first day; that of 5 March is still to come, so only 3 March is missing there.
    gaps = {"missing_days": ["2024-02-29", "2024-03-03"], "missing_parts": {"2024-03-02": ["visit: 2 of 3"]}}
    open_gaps = {"missing_days": ["2024-03-03", "2024-03-05", "2024-03-06"], "missing_parts": {}}
    write_record(context.data.features.partition("2024-03-03"), same | mature | gaps)
    write_record(context.data.features.partition("2024-03-05"), same | newest | open_gaps)
    write_feature_rows(context)


def write_feature_rows(context: Context, **changes: list[Any]) -> None:
    """The newest table's rows of customers 0 to 24, by default each with the same values but for customer 7."""
    rows = {
        "customer_id": list(range(25)),
        "visits_1d": [0] * 25,
        "visits_3d": [2.5] * 25,
        "last_spending": [None if number == 7 else 29.0 for number in range(25)],
    }
    pq.write_table(pa.table(rows | changes), context.data.features.partition("2024-03-05") / "part-0.parquet")


def around(value: float, by: float) -> dict[str, float]:
    """An interval as metrics.json has it."""
    return {"value": value, "low": round(value - by, 6), "high": round(value + by, 6)}


def measured(auc: float, by: float, calibration_error: float) -> dict[str, Any]:
    """All metrics; those of HITS 0.61, 0.62 and so on."""
    others = {name: around(0.61 + number / 100, 0.05) for number, name in enumerate(HITS)}
    return {"auc": around(auc, by), "calibration_error": around(calibration_error, 0.001)} | others


def curves(hits: float) -> dict[str, Any]:
    """Curves that pass through `hits` at a half."""
    return {
        "roc": [[0.0, 0.0], [0.5, hits], [1.0, 1.0]],
        "precision_recall": [[0.5, hits], [1.0, 0.5]],
        "gains": [[0.0, 0.0], [0.5, hits], [1.0, 1.0]],
        "lift": [[0.005, 2.0], [0.5, 2 * hits], [1.0, 1.0]],
        "calibration": [[0.2, 0.25, 0.1, 0.4, 2.0], [0.8, 0.75, 0.6, 0.9, 2.0]],
    }


def fitted_on(grid: str) -> dict[str, Any]:
    """What a model was fitted on, its own grid among it."""
    return {"tables": {"2024-03-03": TABLE}, "split": "s", "shared": "of all", "own": grid}


def model(
    name: str, title: str, auc: float, tuned: float, gain: dict[str, float], weight: str | None = None
) -> dict[str, Any]:
    """metrics.json of a model; `weight` names the weights that it has of its own, if any."""
    importance = [
        {"feature": "visits_3d", "permutation": around(0.125, 0.025), "coefficient": None, "tree_importance": None},
        {"feature": "last_spending", "permutation": around(0.01, 0.02), "coefficient": None, "tree_importance": None},
    ]
    if weight:
        importance[0][weight], importance[1][weight] = 0.75, -0.25 if weight == "coefficient" else 0.25
    described = [one | dict(zip(("meaning", "unit"), MEANINGS[str(one["feature"])], strict=True)) for one in importance]
    points: dict[str, Any] = {
        "visits_3d": [[0.0, 0.75], [1.0, 0.5], [3.0, 0.25]],
        "last_spending": [[1.0, 0.5], ["not known", 0.625]],
    }
    return {
        "model": name,
        "title": title,
        "service": "shop",
        "label": SERVICE["label"],
        "split": SPLIT,
        "train_rows": 1234567,
        "test_rows": 4,
        "train_positive_share": 0.25,
        "balance": "undersample",
        "calibration": "isotonic",
        "tuning": {
            "folds": 3,
            "rows": 20000,
            "candidates": [
                {"params": {"depth": 3, "rounds": 50}, "auc": tuned - 0.01, "deviation": 0.002, "chosen": False},
                {"params": {"depth": 5, "rounds": 50}, "auc": tuned, "deviation": 0.004, "chosen": True},
            ],
        },
        "threshold": 0.435,
        "metrics": {"train": measured(auc + 0.2, 0.01, 0.001), "test": measured(auc, 0.1, 0.012)},
        "curves": curves(0.75),
        "gain_over_recency": gain,
        "importance": described,
        "partial_dependence": [
            {"feature": feature, "meaning": MEANINGS[feature][0], "unit": "days", "points": found}
            for feature, found in points.items()
        ],
        "left_out": {"visits_1d": "one value only"},
        "fitted_on": fitted_on(name),
        "code_version": "v",
        "seed": 1,
    }


def write_models(context: Context) -> None:
    """Boosted trees, chosen, and a logistic regression, which is better on the test rows; baselines beside them."""
    told = [
        model("gbt", "boosted trees", 0.7, 0.71, around(0.1, 0.05), "tree_importance"),
        model("lr", "logistic regression", 0.72, 0.69, around(0.12, 0.15), "coefficient"),
    ]
    held_out = {"customer_id": [1, 2, 3, 4], "label": [1, 1, 0, 0], "probability": [0.5, 0.5, 0.5, 0.5]}
    for one in told:
        folder = context.data.models / one["model"]
        write_json(folder / "metrics.json", one)
        (folder / "test_scores").mkdir()
        pq.write_table(pa.table(held_out), folder / "test_scores" / "part-0.parquet")
    aucs = {
        "recency": ("last_spending alone", 0.6),
        "bgnbd": ("BG/NBD, expected events", 0.61),
        "majority": ("majority class", 0.5),
    }
    baselines = [
        {
            "name": name,
            "title": title,
            "threshold": 0.5,
            "metrics": {"train": measured(auc, 0.01, 0.001), "test": measured(auc, 0.1, 0.03)},
            "curves": curves(0.6),
        }
        for name, (title, auc) in aucs.items()
    ]
    found = {"split": SPLIT, "baselines": baselines, "left_out": {}, "fitted_on": fitted_on("baselines")}
    write_json(context.data.models / "baselines" / "metrics.json", found)
    write_json(context.data.models / "chosen.json", {"model": "gbt", "why": "the highest AUC in cross-validation"})
    write_audit(context)


def alone(feature: str, auc: float, direction: str | None, **decides: Any) -> dict[str, Any]:
    """A feature as the audit tells it, flagged where it decides."""
    flags = ["decides"] if decides else []
    return {"feature": feature, "auc": around(auc, 0.01), "direction": direction, "flags": flags,
            "decides": decides or None}  # fmt: skip


def write_audit(context: Context, *features: dict[str, Any]) -> None:
    """What the audit found in 1,000 rows; by default nothing is flagged."""
    found = features or (alone("visits_3d", 0.65, "higher"), alone("last_spending", 0.6, "lower"))
    told = {
        "rows": 1000,
        "positive_share": 0.25,
        "limits": {"auc": 0.95, "other_label_share": 0.01, "odds": 30.0},
        "flagged": [one["feature"] for one in found if one["flags"]],
        "features": found,
        "fitted_on": fitted_on("audit"),
    }
    write_json(context.data.models / "audit.json", told)


DECIDES = {"where": "last_spending > 5", "label": 0, "rows": 1500, "others": 0, "beside": "last_spending from 4 to 5"}


def write_flagged(context: Context, **changes: Any) -> None:
    """An audit that flags last_spending, and twins of both models without it, of which the trees are chosen."""
    beside = {"beside_rows": 2000, "beside_share": 0.26, "expected_share": 0.18}
    write_audit(context, alone("last_spending", 0.8, "lower", **DECIDES | beside | changes),
                alone("visits_3d", 0.65, "higher"))  # fmt: skip
    unflagged = "without flagged features"
    twins = [
        model("gbt_unflagged", f"boosted trees {unflagged}", 0.6, 0.61, around(0.05, 0.02), "tree_importance"),
        model("lr_unflagged", f"logistic regression {unflagged}", 0.62, 0.59, around(0.02, 0.05), "coefficient"),
    ]
    for one in twins:
        folder = context.data.models / one["model"]
        write_json(folder / "metrics.json", one | {"without": ["last_spending"]})
        shutil.copytree(context.data.models / "gbt" / "test_scores", folder / "test_scores")
    write_json(
        context.data.models / "chosen.json", {"model": "gbt_unflagged", "why": "the highest of those to believe"}
    )


LOSSES = {1: (0.9, 0.7), 2: (0.5, 0.4), 3: (0.4, 0.5), 4: (0.3, 0.6)}  # in training, in validation
FIT = {
    "declared": {
        "hidden": [30, 20],
        "activation": "tanh",
        "dropout": 0.25,
        "loss": "cross_entropy",
        "optimizer": "nadam",
        "learning_rate": 0.01,
        "schedule": "cosine",
        "scaling": "none",
        "batch": 1280,
        "epochs": 1500,
    },
    "launcher": "horovod",
    "ranks": 4,
    "epochs": [
        {"number": number, "loss": loss, "validation_loss": validation, "seconds": number / 8}
        for number, (loss, validation) in LOSSES.items()
    ],
    "best_epoch": 2,
    "throughput": {"rows_per_second": 12345.4, "by_rank": [3000.0, 3100.0, 3100.0, 3145.4], "efficiency": 0.875},
}


def write_network(context: Context, twin: str = "", **changes: Any) -> None:
    """A network beside the other models, judged once; its AUC then, 0.9, is not of cross-validation. `changes` are of
    how it was fitted; with a `twin`, the end of its name, it does without last_spending."""
    params = {"hidden": "30 and 20 tanh", "dropout": 0.25, "batch": 1280}
    candidates = [{"params": params, "auc": 0.9, "deviation": None, "chosen": True}]
    title = "neural network without flagged features" if twin else "neural network"
    told = model(f"keras{twin}", title, 0.65, 0.9, around(0.05, 0.02)) | {
        "without": ["last_spending"] if twin else [],
        "tuning": {"folds": 0, "rows": 1268, "candidates": candidates},
        "network": FIT | changes,
    }
    folder = context.data.models / told["model"]
    write_json(folder / "metrics.json", told)
    shutil.copytree(context.data.models / "gbt" / "test_scores", folder / "test_scores", dirs_exist_ok=True)


UPLIFT = {
    "qini": around(0.03, 0.01),
    "deciles": [{"decile": n, "treated": 10, "untreated": 20, "uplift": around(n / 100, 0.02)} for n in range(1, 11)],
}


def plan(**changes: Any) -> dict[str, Any]:
    """90 contacts and 10 held out of 2,000: a share of 5 %; the curve knows 10 % and 100 %."""
    tenth = {"model": around(50.4, 10), "recency": around(30, 10), "random": around(-20, 10)}
    all_of_them = {"model": around(-200, 10), "recency": around(-200, 10), "random": around(-200, 10)}
    told = {
        "currency": "EUR",
        "cost_of_contact": 1.5,
        "kept_share": 0.1,
        "hold_out_share": 0.125,
        "value_of_customer": "40.0",
        "limit": {"budget": 135.0},
        "contacts": 90,
        "held_out": 10,
        "cost": 135.0,
        "expected_gain": 1234.4,
        "expected_kept": 34.2,
        "curve": [
            {"share": 0.1, "customers": 1, **tenth, "over_recency": around(20.4, 5)},
            {"share": 1.0, "customers": 4, **all_of_them, "over_recency": around(0, 5)},
        ],
        "all": -200.0,
        "best_share": 0.1,
        "uplift": UPLIFT,
    }
    return told | changes


def write_scores(context: Context, told: dict[str, Any] | None = None) -> None:
    """2,000 customers: deciles 1 to 9 of 200 with 0.1, the last of 200 with 0.9; 0.18 on average.

    To contact are customers 0 to 24, with profits of 1, but for 7 and 3 with 5 and 20 with 8; 11, with 9, is held out.
    """
    folder = context.data.scores.partition("2024-03-05")
    model_told = json.loads((context.data.models / "gbt" / "metrics.json").read_text(encoding="utf-8"))
    basis = {"table": TABLE, "model": fingerprint("gbt", model_told["fitted_on"])}
    counts = {"customers": 2000, "mean_probability": 0.18, "sample": 1.0, "model": "gbt", "plan": told or plan()}
    write_record(folder, {"basis": basis} | counts)
    numbers = range(2000)
    decile = [1 + number // 200 for number in numbers]
    profit = {3: 5.0, 7: 5.0, 20: 8.0, 11: 9.0}
    last = ["last_spending" if number != 20 else None for number in numbers]  # one customer has two reasons only
    rows = {
        "customer_id": list(numbers),
        "probability": [0.9 if one == 10 else 0.1 for one in decile],
        "decile": decile,
        "risk": [0.1 if one == 10 else 0.9 for one in decile],
        "reason_1": ["visits_3d"] * 2000,
        "reason_1_effect": [0.5] * 2000,
        "reason_2": ["visits_1d"] * 2000,
        "reason_2_effect": [-0.4] * 2000,
        "reason_3": last,
        "reason_3_effect": [None if one is None else -0.3 for one in last],
        "expected_profit": [profit.get(number, 1.0 if number < 25 else -1.0) for number in numbers],
        "contact": ["hold out" if n == 11 else "contact" if n < 25 else "no" for n in numbers],
    }
    pq.write_table(pa.table(rows), folder / "part-0.parquet")


def write_truth(context: Context, as_of: str) -> None:
    """Of the four pairs of held-out customers three are in order. Customer 9 was not held out and would spoil it."""
    folder = context.data.truth.partition(as_of)
    folder.mkdir(parents=True)
    rows = {"customer_id": [1, 2, 3, 4, 9], "leaving_probability": [0.9, 0.4, 0.5, 0.1, 0.99], "left": [1, 1, 0, 0, 0]}
    pq.write_table(pa.table(rows), folder / "part-0.parquet")
    (context.data.truth.root / "simulation.json").write_text("{}")  # lies beside the partitions and is no Parquet


def drifted(feature: str, psi: float, *above: str) -> dict[str, Any]:
    """A feature as `encore drift` tells it."""
    shares = {"null_share": 0.3, "null_share_at_training": 0.1, "new_category_share": 0.0}
    return {"feature": feature, "meaning": MEANINGS[feature][0], "kind": "count", "psi": psi, "above": above} | shares


def write_drift(context: Context, *above: str) -> None:
    """Two features; what the first of them passes is given."""
    found = {
        "as_of": "2024-03-05",
        "model": "gbt",
        "reference_as_of": ["2024-03-03"],
        "customers": 2000,
        "limits": {"psi": 0.25, "null_share": 0.1, "new_category_share": 0.01},
        "features": [drifted("visits_3d", 0.5, *above), drifted("last_spending", 0.125)],
        "score": {"psi": 0.0625, "mean": 0.18, "mean_at_training": 0.25, "above": []},
        "above": [],
    }
    write_record(context.data.root / "drift" / "as_of=2024-03-05", found)


# One visit is one liking of what it cost.
INTERACTIONS = {
    "sources": {
        "visit": {
            "title": "spent",
            "name": "cast(spent as string)",
            "measures": {"visits": {"sql": "count(*)", "about": "Visits"}},
        }
    },
    "strength": "visits",
}
NOTHING = {"value": None, "low": None, "high": None}
FORMULA = '=HYPERLINK("http://x")'
MOST = [
    {"title_id": 11, "name": HOSTILE, "customers": 500},
    {"title_id": 12, "name": FORMULA, "customers": 100},
    *({"title_id": 20 + number, "name": f"Song {number}", "customers": 50 - number} for number in range(10)),
]
OFFERS = {
    20: [("Song A", "history"), (HOSTILE, "history"), ("Song C", "history"), ("Song D", "history")],
    3: [("Song C", "history"), ("Song A", "history"), ("Song P", "popular")],
    7: [("Song P", "popular"), ("Song Q", "popular")],
}


def ranked(ndcg: float, over_popular: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    """A recommender as judged on a part: its metrics are `ndcg` and halves, thirds and so on of it, novelty 5."""
    values = {"ndcg": ndcg, "map": ndcg / 2, "precision": ndcg / 4, "recall": ndcg / 5}
    metrics = {name: around(value, 0.05) for name, value in values.items()} | {"novelty": around(5.0, 0.25)}
    return {"metrics": metrics, "customers": 400, "coverage": 0.125, "ndcg_over_popular": over_popular} | changes


def write_recommender(context: Context, **changes: Any) -> None:
    """ALS, chosen of 3 candidates of 3 models: better than item-item by what came later, worse by what was drawn."""
    later = {
        "als": ranked(0.4, around(0.15, 0.03)),
        "item-item": ranked(0.3, around(0.05, 0.06)),
        "popular": ranked(0.25, None, coverage=0.0004),
    }
    drawn = {
        "als": ranked(0.44, around(0.24, 0.04), customers=900),
        "item-item": ranked(0.5, around(0.3, 0.04), customers=900),
        "popular": ranked(0.2, None, customers=900),
    }
    told = {
        "basis": {"evidence": "e", "declared": fingerprint(context.service.recommender), "as_of": "2024-03-05"},
        "as_of": "2024-03-05",
        "chosen": "als",
        "chosen_by": "validation",
        "engine": "implicit",
        "customers": 1800,
        "titles": 2400,
        "judged_titles": 10,
        "settings": {"als": {"factors": 64, "alpha": 10.0}, "item-item": {"neighbours": 50}, "popular": {}},
        "tried": {
            "als": [{"settings": {}, "ndcg": around(0.31, 0.01)}, {"settings": {}, "ndcg": around(0.35, 0.01)}],
            "item-item": [{"settings": {}, "ndcg": around(0.33, 0.01)}],
            "popular": [{"settings": {}, "ndcg": around(0.2, 0.01)}],
        },
        "parts": {"later": later, "drawn": drawn},
    }
    write_record(context.data.recommender, told | changes)


def write_recommendations(context: Context, day: str = "2024-03-05", **changes: Any) -> None:
    """The lists of OFFERS, and what is told of those of 1,000 customers."""
    layer = context.data.titles_for_customers
    fitted = json.loads((context.data.recommender / "_encore.json").read_text(encoding="utf-8"))
    examples = [
        {"customer_id": 20, "history_titles": 32, "history": ["Old 1", HOSTILE], "recommended": ["Song A", "Song B"]},
        {"customer_id": 3, "history_titles": 1, "history": ["Old 2"], "recommended": ["Song C"]},
    ]
    told = {
        "basis": {"recommender": fingerprint(fitted["basis"]), "scores": None, "top": 4, "who": "everybody"},
        "model": fitted["chosen"],
        "top": 4,
        "customers": 1000,
        "without_history": 30,
        "titles": 600,
        "most_recommended": MOST,
        "examples": examples,
    }
    write_record(layer.partition(day), told | changes)
    rows = [
        {"customer_id": customer, "rank": rank, "title_id": rank, "name": name, "score": 0.5, "source": source}
        for customer, titles in OFFERS.items()
        for rank, (name, source) in enumerate(titles, 1)
    ]
    pq.write_table(pa.Table.from_pylist(rows[::-1]), layer.partition(day) / "part-0.parquet")


def write_contacts(context: Context, scores: dict[str, Any] | None = None) -> None:
    """The list of contacts with titles, made of the scores that are there, or of those with another basis."""
    day, layer = "2024-03-05", context.data.titles_for_contacts
    made_of = json.loads((context.data.scores.partition(day) / "_encore.json").read_text(encoding="utf-8"))["basis"]
    write_record(layer.partition(day), {"basis": {"scores": scores or made_of}})
    pq.write_table(pa.table({"customer_id": [20]}), layer.partition(day) / "part-0.parquet")
