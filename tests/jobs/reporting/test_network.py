"""A neural network in the report: how it was fitted, how it learned, and that it is judged but once."""

import math
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from pyspark.sql import SparkSession

from jobs.reporting.model_comparison import compare_models
from tests.support.model_records import EPOCHS, LOSSES, NETWORK, THROUGHPUT
from tests.support.page import FIGURES, OF_NETWORK, figures_of, numbers_of, page_of, sheet, shown, stroked, text_of
from tests.support.report_folder import ReportFolder
from tests.support.report_records import HOSTILE


@pytest.mark.parametrize(
    "sentence",
    [
        # tried once, so there are neither folds nor a deviation between them, nor a grid
        "Model Setting AUC in tuning Evaluated logistic regression depth 5,",
        "(best of its grid) 0.710 ± 0.004 3 folds, 20,000 rows depth 3, rounds 50 0.700 ± 0.002 neural network "
        "hidden 30 and 20 tanh, dropout 0.25, batch 1280 0.900 once, on 1,268 rows kept for early stopping "
        "± is the deviation between folds, all of training rows; no customer is in two of them. "
        "A neural network is evaluated once, on training customers kept for early stopping: they choose its epoch, so "
        "that its AUC cannot be compared with a cross-validated one, and a network is chosen only where there is no "
        "other model. csv/tuning.csv",
        "How the network learned neural network Mean loss on the rows kept for early stopping, after each epoch",
        "Layers 30 and 20 units, tanh, dropout 0.25.",
        "Fitted by nadam, learning rate 0.01 (cosine schedule), in batches of 1,280 rows. "
        "Epochs 4 of at most 1,500; the weights are those of epoch 2, with the lowest loss on the rows kept for early "
        "stopping, 0.4000. "
        "Ranks 4, by the launcher horovod: 12,345 rows/s, 87.5 % of 4 times one rank alone.",
    ],
)
def test_says_of_a_network(networked_page: str, sentence: str) -> None:
    said = text_of(networked_page)
    assert sentence in said
    assert "± –" not in said and "0 folds" not in said


def test_without_a_network_nothing_is_said_of_one(reported: ReportFolder, page: str) -> None:
    assert "network" not in text_of(page)
    assert not (reported.data.report / "csv" / "epochs.csv").exists()


# ---- its losses ----


def test_losses_stand_where_they_were_measured_and_the_best_epoch_is_marked(networked_page: str) -> None:
    """The network is the second by name, so it has the second colour; its training loss is the dashed line."""
    figure = figures_of(networked_page)[OF_NETWORK]
    assert figure.attrib["aria-label"] == "Training and validation loss of neural network by epoch; best: 2"
    is_dashed = {"stroke-dasharray" in path.attrib["style"]: path for path in stroked(figure, "--series-2")}
    places = {dashed: numbers_of(path) for dashed, path in is_dashed.items()}
    losses = {True: [loss for loss, _ in LOSSES.values()], False: [loss for _, loss in LOSSES.values()]}
    assert set(places) == set(losses)
    per_loss = (places[True][-1] - places[True][1]) / (losses[True][-1] - losses[True][0])
    for dashed, found in places.items():
        assert [(y - places[True][1]) / per_loss + losses[True][0] for y in found[1::2]] == pytest.approx(
            losses[dashed], abs=1e-3
        )
    across = places[False][0::2]
    assert [(x - across[0]) / (across[-1] - across[0]) for x in across] == pytest.approx([0, 1 / 3, 2 / 3, 1], abs=1e-3)
    [mark] = stroked(figure, "--ink")
    assert numbers_of(mark)[0] == numbers_of(mark)[2] == pytest.approx(across[1], abs=1e-3)
    assert "best: epoch 2" in "".join(figure.itertext())


def test_epochs_lie_beside_it_for_spreadsheets(networked: ReportFolder) -> None:
    assert [tuple(row.values()) for row in sheet(networked, "epochs")] == [
        ("keras", "1", "0.9", "0.7", "0.125", "False"),
        ("keras", "2", "0.5", "0.4", "0.25", "True"),
        ("keras", "3", "0.4", "0.5", "0.375", "False"),
        ("keras", "4", "0.3", "0.6", "0.5", "False"),
    ]
    assert list(sheet(networked, "epochs")[0]) == ["name", "epoch", "loss", "validation_loss", "seconds", "is_best"]
    tuning = [(row["name"], row["deviation"], row["judged"], row["folds"]) for row in sheet(networked, "tuning")]
    assert tuning[0] == ("lr", "0.004", "3 folds, 20,000 rows", "3")
    assert tuning[-1] == ("keras", "", "once, on 1,268 rows kept for early stopping", "0")


def test_a_loss_that_is_no_number_leaves_a_gap(folder: ReportFolder, sail: SparkSession) -> None:
    last = replace(EPOCHS[3], loss=math.nan, validation_loss=math.nan)
    page = page_of(folder.with_network(epochs=[*EPOCHS[:3], last]), sail)
    assert "nan" not in text_of(page).lower()
    figure = figures_of(page)[OF_NETWORK]
    assert "nan" not in ElementTree.tostring(figure, encoding="unicode").lower()
    assert [len(numbers_of(path)) for path in stroked(figure, "--series-2")] == [2 * 3] * 2
    assert [(row["loss"], row["validation_loss"]) for row in sheet(folder, "epochs")][2:] == [("0.4", "0.5"), ("", "")]


def test_one_epoch_is_a_dot(folder: ReportFolder, sail: SparkSession) -> None:
    figure = figures_of(page_of(folder.with_network(epochs=EPOCHS[:1], best_epoch=1), sail))[OF_NETWORK]
    assert len({use.attrib["y"] for use in figure.iter("use") if "--series-2" in use.attrib["style"]}) == 2


# ---- how it was fitted ----


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"throughput": None}, "Ranks 4, by the launcher horovod. Leakage audit"),
        (
            {"ranks": 1, "launcher": "local", "throughput": replace(THROUGHPUT, efficiency=1.0)},
            "Ranks 1, by the launcher local: 12,345 rows/s. Leakage audit",
        ),
        (
            {"declared": NETWORK.model_copy(update={"dropout": 0.0, "schedule": "constant", "scaling": "square_root"})},
            "Layers 30 and 20 units, tanh. Fitted by nadam, learning rate 0.01, in batches of 1,280 rows on each rank, "
            "the learning rate growing with their square root.",
        ),
    ],
    ids=["taken up when all was done", "one rank", "scaled"],
)
def test_what_a_network_was_fitted_by(
    folder: ReportFolder, sail: SparkSession, changes: dict[str, Any], said: str
) -> None:
    assert said in shown(folder.with_network(**changes), sail)


# ---- beside other models, and alone ----


def test_twins_of_a_network_are_told_each(folder: ReportFolder, sail: SparkSession) -> None:
    page = page_of(folder.with_flagged().with_network().with_network("_unflagged", best_epoch=3), sail)
    assert [figures_of(page)[f"epochs-{number}"].attrib["aria-label"] for number in (0, 1)] == [
        "Training and validation loss of neural network without flagged features by epoch; best: 3",
        "Training and validation loss of neural network by epoch; best: 2",
    ]
    assert [row["name"] for row in sheet(folder, "epochs")] == ["keras_unflagged"] * 4 + ["keras"] * 4


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ("gbt lr keras", "gbt"),
        ("keras", "keras"),
        ("keras keras_unflagged", "keras_unflagged"),
        ("gbt gbt_unflagged keras keras_unflagged", "gbt_unflagged"),
    ],
)
def test_without_a_choice_a_network_is_chosen_where_there_is_no_other_model(
    folder: ReportFolder, there: str, chosen: str
) -> None:
    """Its AUC in tuning is by far the highest."""
    folder.with_flagged().with_network().with_network("_unflagged").without_choice()
    folder.without_models("baselines", *set(folder.models) - set(there.split()))
    compared = compare_models(folder.models)
    assert compared and compared.chosen.name == chosen


def test_network_alone_is_told_without_weights_of_its_own(folder: ReportFolder, sail: SparkSession) -> None:
    page = page_of(folder.with_network().without_models("lr", "gbt").without_choice(), sail)
    said = text_of(page)
    assert set(figures_of(page)) == FIGURES | {OF_NETWORK}
    assert "Chosen neural network: the highest AUC on the rows kept for early stopping." in said
    assert "± is the deviation" not in said and "± –" not in said
    assert f"Feature and meaning AUC lost visits_3d Days with a visit in 3 {HOSTILE} 0.125 0.100 to 0.150 last" in said
    assert "Weight:" not in said and "In trees:" not in said
    assert {(row["coefficient"], row["tree_importance"]) for row in sheet(folder, "features")} == {("", "")}
