"""The leakage audit: features that know the outcome, and models with and without them."""

import re
from dataclasses import replace

import pytest
from pyspark.sql import SparkSession

from jobs.reporting.model_comparison import compare_models
from jobs.reporting.styles import model_styles
from tests.support.model_records import DECIDES, alone, fitted_on
from tests.support.page import page_without_figures, sheet, shown, text_of
from tests.support.report_folder import ReportFolder
from tests.support.report_records import HOSTILE, NOTHING

BOTH = [alone(name, 0.97, None, "auc") for name in ("visits_3d", "last_spending")]


@pytest.mark.parametrize(
    "sentence",
    [
        "In 1,000 rows that models learn from, 25.0 % of them with the outcome “came back” (label 1), "
        "none of 2 features is flagged.",
        f"visits_3d Days with a visit in 3 {HOSTILE} 0.650 0.640 to 0.660 higher values last_spending",
        "Days since coins were spent (1: yesterday) 0.600 0.590 to 0.610 lower values AUC alone: of the",
        "Flagged as “decides”: of customers with some values at most 1.0 % have the other label, "
        "and right beside them its odds are at least 30 times as high, "
        "each with 95 % confidence; and those odds by a model of all features above suspicion are so many times "
        "as high, too.",
    ],
)
def test_says(page: str, sentence: str) -> None:
    assert sentence in text_of(page)


@pytest.mark.parametrize(
    "sentence",
    [
        "1 feature may know the outcome beforehand: last_spending. "
        "What is said of the model here is said of one without it; see the leakage audit.",
        "How sure 60 of 100",
        "Without last_spending: flagged by the leakage audit.",
        "1 of 2 features is flagged.",
        # 0.99 ** 299 is 0.0495, and 0.99 ** 298 is 0.0500
        "Values that fewer than 299 customers have are never enough for that.",
        "0.800 0.790 to 0.810 lower values ⚠ decides All 1,500 customers with last_spending > 5 have label 0; "
        "of the 2,000 right beside, with last_spending from 4 to 5, 26.0 % have label 1; "
        "a model of the features that are above suspicion expects 18.0 % of those with last_spending > 5 to have it "
        "visits_3d",
        # of the models without it the better one on the test rows comes first
        "Model Test AUC without Test AUC with logistic regression 0.620 0.520 to 0.720 0.720 0.620 to 0.820 "
        "boosted trees (chosen, without) 0.600 0.500 to 0.700 0.700 0.600 to 0.800",
        "Believe those without. A value that decides the label alone is more likely a trace of how the table was made "
        "than behaviour, until somebody can explain it. "
        "The chosen model is one of them: boosted trees without flagged features.",
        # weights are those of a model without it
        "Weight: of logistic regression without flagged features,",
    ],
)
def test_says_what_is_flagged(flagged_page: str, sentence: str) -> None:
    assert sentence in text_of(flagged_page)


def test_flagged_rows_are_marked_and_warned_of_on_top(flagged_page: str) -> None:
    said = text_of(flagged_page)
    assert said.index("may know the outcome beforehand") < said.index("1,640 of 2,000")
    assert flagged_page.count('<tr class="above">') == 1


def test_audit_is_told_in_full_for_spreadsheets(flagged: ReportFolder) -> None:
    first, second = sheet(flagged, "audit")
    assert (first["feature"], first["auc_value"], first["auc_low"], first["direction"]) == (
        "last_spending", "0.8", "0.79", "lower",
    )  # fmt: skip
    assert (first["flags"], first["where"], first["label"], first["rows"], first["others"]) == (
        "decides", "last_spending > 5", "0", "1500", "0",
    )  # fmt: skip
    assert (first["beside"], first["beside_rows"], first["beside_share"], first["expected_share"]) == (
        "last_spending from 4 to 5", "2000", "0.26", "0.18",
    )  # fmt: skip
    assert (second["feature"], second["flags"], second["where"]) == ("visits_3d", "", "")
    assert second["meaning"] == f"Days with a visit in 3 {HOSTILE}"


def test_twins_have_one_colour_and_what_is_doubted_is_dashed(flagged: ReportFolder) -> None:
    compared = compare_models(flagged.models)
    assert compared and compared.kinds == ["gbt", "lr"]
    found = model_styles(compared, None)
    for name in ("gbt", "lr"):
        doubted, twin = found[name], found[f"{name}_unflagged"]
        assert doubted.colour == twin.colour and doubted.dashes and not twin.dashes
    assert found["gbt"].colour != found["lr"].colour
    assert found["gbt_unflagged"].width > max(found[name].width for name in ("gbt", "lr", "lr_unflagged"))


# ---- what decides the label ----


def test_a_few_of_the_other_label_are_counted(folder: ReportFolder, sail: SparkSession) -> None:
    said = shown(folder.with_flagged(others=2, label=1), sail)
    assert "1,498 of 1,500 customers with last_spending > 5 have label 1; of the 2,000" in said
    assert "26.0 % have label 0" in said


def test_what_others_clear_of_deciding_may_be_flagged_all_the_same(folder: ReportFolder, sail: SparkSession) -> None:
    said = shown(folder.with_audit(alone("last_spending", 0.97, "lower", "auc", decides=DECIDES)), sail)
    assert "⚠ ranks alone All 1,500 customers with last_spending > 5 have label 0; of the 2,000 right beside" in said
    assert "> 5 to have it: not flagged for these values, since others know nearly as much" in said


def test_feature_without_an_auc_is_a_dash(folder: ReportFolder, sail: SparkSession) -> None:
    folder.with_audit(replace(alone("visits_3d", 0.5, "higher"), auc=NOTHING))
    assert f"Days with a visit in 3 {HOSTILE} – higher values" in shown(folder, sail)


def test_page_shows_ten_features_and_all_that_are_flagged(folder: ReportFolder, sail: SparkSession) -> None:
    def rows(flagged: int) -> int:
        folder.with_audit(*(alone(f"f{n}", 0.97, "higher", *(["auc"] if n < flagged else [])) for n in range(14)))
        page = page_without_figures(folder, sail)
        assert f"The first {max(flagged, 10)} of 14." in text_of(page)
        return len(re.findall(r"<code>f\d+</code><br>", page))

    assert (rows(1), rows(12)) == (10, 12)
    assert "beforehand: f0, f1, f2, f3, f4 and 7 more." in shown(folder, sail)


# ---- models with and without flagged features ----


def test_without_a_choice_one_without_flagged_features_is_chosen(folder: ReportFolder, sail: SparkSession) -> None:
    said = shown(folder.with_flagged().without_choice(), sail)
    assert "Chosen boosted trees without flagged features: the highest AUC in cross-validation" in said


def test_choice_of_a_doubted_model_is_warned_of(folder: ReportFolder, sail: SparkSession) -> None:
    said = shown(folder.with_flagged().with_choice("gbt"), sail)
    assert "The model looks at it, so do not trust it yet; see the leakage audit." in said
    assert "boosted trees (chosen, with) 0.600" in said
    assert "The chosen model, boosted trees, looks at flagged features: train again." in said


def test_a_twin_that_looks_at_what_is_flagged_since_is_not_believed(folder: ReportFolder, sail: SparkSession) -> None:
    """As after a kill, or an audit with other limits, before the twins are fitted anew."""
    folder.with_flagged().changing_model("lr_unflagged", without=["visits_3d", "last_spending"]).with_audit(*BOTH)
    said = shown(folder, sail)
    assert "The model looks at them, so do not trust it yet; see the leakage audit." in said
    assert (
        "Model Test AUC without Test AUC with logistic regression 0.620 0.520 to 0.720 0.720 0.620 to 0.820 Bel" in said
    )
    assert "The chosen model, boosted trees without flagged features, looks at flagged features: train again." in said
    folder.changing_model("lr_unflagged", without=["last_spending"])
    assert "There is no model without flagged features, so none can be believed until" in shown(folder, sail)


def test_flagged_features_before_any_model_are_told(folder: ReportFolder, sail: SparkSession) -> None:
    said = shown(folder.with_audit(BOTH[1]).without_models("lr", "gbt"), sail)
    assert "beforehand: last_spending. Models are fitted with it and without it; see the leakage audit." in said
    assert "The model looks at" not in said and "There is no model without" not in said


def test_flagged_features_that_no_model_does_without_are_told(folder: ReportFolder, sail: SparkSession) -> None:
    said = shown(folder.with_audit(*BOTH), sail)
    assert "2 features may know the outcome beforehand: visits_3d, last_spending. The model looks at them," in said
    assert "2 of 2 features are flagged." in said
    assert "0.970 0.960 to 0.980 some levels ⚠ ranks alone last_spending" in said
    assert "There is no model without flagged features, so none can be believed until" in said
    assert "Believe those without" not in said


# ---- an old audit, and none ----


def test_audit_of_other_tables_is_said_to_be_one(folder: ReportFolder, sail: SparkSession) -> None:
    folder.with_audit(fitted_on=fitted_on("audit", split="another"))
    assert "Made of other tables or by other declarations than boosted trees: train again." in shown(folder, sail)


def test_without_an_audit_it_is_said_who_makes_one(folder: ReportFolder, sail: SparkSession) -> None:
    (folder.data.models / "audit.json").unlink()
    assert "Not audited yet: encore train audits each feature alone" in shown(folder, sail)
    assert not (folder.data.report / "csv" / "audit.csv").exists()
