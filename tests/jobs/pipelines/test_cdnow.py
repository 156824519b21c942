"""The real purchases of CDNOW, from the raw file to metrics and a list, by configuration alone."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from conf.load import overridden
from features.declared import table_features
from jobs.console.progress import start_step
from jobs.context import Context
from jobs.data_folder import DataFolder
from jobs.engine import engine
from jobs.features import features
from jobs.run import run
from jobs.train import train
from jobs.training.artifacts import ModelFolder
from models.fitting.cross_validation import cross_validate
from models.fitting.fit import make_training_set
from models.fitting.kinds import KINDS
from tests.support.archives import context, table
from tests.support.engines import SMALL
from tests.support.paths import SHARED

RAW = SHARED / "cdnow" / "CDNOW_master.txt"
NO_PENALTY_TO_SPEAK_OF = {"regularisation": 1e-2, "l1_share": 0.0}
pytestmark = pytest.mark.skipif(not RAW.is_file(), reason=f"the real purchases are not at {RAW}")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """The whole way, once for this module."""
    shop = replace(context(tmp_path_factory.mktemp("cdnow"), "cdnow"), profile=SMALL)
    shop = replace(shop, service=overridden(shop.service, {"training": {"folds": 2}}))  # not what is chosen is asked
    page = run(shop, start_step, raw=RAW, models=["lr"])
    assert page.is_file()
    return shop


def test_from_the_raw_file_to_metrics(shop: Context) -> None:
    record = shop.data.features.records()["1998-01-01"]
    assert (record.eligible, record.positives) == (23_570, 5_374)
    # 69,659 purchases and a header: every line is an event, since equal lines are purchases of their own.
    assert sum(day.events for day in shop.data.events("purchase").records().values()) == 69_659
    told = ModelFolder(shop.data.models).record("lr")
    log_loss = baselines(shop, "log_loss")
    assert told.split.by == "customer" and told.split.test_as_of == "1998-01-01"
    assert told.metrics["test"]["auc"].value >= 0.80
    assert told.metrics["test"]["calibration_error"].value < 0.02
    assert told.metrics["test"]["log_loss"].value < min(log_loss.values())


def baselines(shop: Context, metric: str) -> dict[str, float]:
    """A metric of each baseline on the test set."""
    found = ModelFolder(shop.data.models).baselines()
    assert found
    return {one.name: one.metrics["test"][metric].value for one in found.baselines}


def test_the_list_is_of_those_likely_to_buy_again(shop: Context) -> None:
    """Label 1 is good here: buys again. A tenth more of p is worth 30 USD, a contact 0.5: it pays from p = 1/6 on."""
    rows = table(shop.data.scores.root)
    contacted = [row["probability"] for row in rows if row["contact"] == "contact"]
    left_alone = [row["probability"] for row in rows if row["contact"] == "no"]
    assert all(row["risk"] == pytest.approx(1 - row["probability"]) for row in rows)
    assert contacted and min(contacted) > 1 / 6
    assert all(p <= 1 / 6 or p >= 1 - 1 / 60 for p in left_alone)


def test_five_folds_of_all_customers(shop: Context) -> None:
    """The best that tuned standard tools reached here was 0.8066."""
    with engine("spark", SMALL) as spark:
        rows = shop.data.features.read(spark, ["1998-01-01"]).where("eligible")
        part = make_training_set(rows, table_features(shop.service), shop.service.training)
        [found] = cross_validate(part.prepared, KINDS["lr"], [NO_PENALTY_TO_SPEAK_OF], 5, 1)
    assert part.rows == 23_570
    assert found.auc >= 0.806


def test_out_of_time(shop: Context, tmp_path: Path) -> None:
    """Trained on four dates of the spring of 1997, judged on all customers at the beginning of 1998."""
    (tmp_path / "daily").symlink_to(shop.data.daily.root)
    later = replace(shop, data=DataFolder(tmp_path))
    spring = [date(1997, month, 1) for month in (4, 5, 6, 7)]
    with engine("sail", SMALL) as sail:
        features(later, sail, [*spring, date(1998, 1, 1)])
    with engine("spark", SMALL) as spark:
        [told] = train(later, spark, ["lr"])
    assert told.split.by == "time"
    assert told.split.train_as_of == [str(day) for day in spring]
    assert told.test_rows == 23_570
    test = {name: one.value for name, one in told.metrics["test"].items()}
    assert test["auc"] >= 0.807
    assert test["brier"] <= 0.1285
    assert abs(baselines(later, "auc")["bgnbd"] - 0.799) <= 0.01
