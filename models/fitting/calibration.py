"""Fits the calibration of probabilities on training customers that the model was not fitted on."""

import numpy as np

from models.evaluation.histogram import ScoreHistogram
from models.scoring.calibration import Calibration, CalibrationMethod, log_odds

EDGE = 1e-6  # isotonic steps of 0 and 1 are moved this far inwards: no customer is certain
NO_PENALTY = 1e12


def fit_calibration(histogram: ScoreHistogram, how: CalibrationMethod) -> Calibration:
    """Fit a calibration on labelled customers that the model was not fitted on.

    isotonic: pool adjacent violators (Zadrozny & Elkan 2002). platt: a logistic curve (Platt 1999).
    """
    if how == "none":
        return Calibration()
    from sklearn.isotonic import IsotonicRegression  # imported here, since it takes seconds
    from sklearn.linear_model import LogisticRegression

    labels = np.concatenate([np.ones_like(histogram.positives), np.zeros_like(histogram.negatives)])
    weights = np.concatenate([histogram.positives, histogram.negatives])
    probability = np.concatenate([histogram.probability, histogram.probability])
    seen = weights > 0
    labels, weights, probability = labels[seen], weights[seen], probability[seen]
    if how == "isotonic":
        fitted = IsotonicRegression(y_min=EDGE, y_max=1 - EDGE).fit(probability, labels, weights)
        return Calibration("isotonic", tuple(map(float, fitted.X_thresholds_)), tuple(map(float, fitted.y_thresholds_)))
    line = LogisticRegression(C=NO_PENALTY).fit(log_odds(probability)[:, None], labels, weights)
    return Calibration("platt", (max(float(line.coef_[0, 0]), 0.0), float(line.intercept_[0])))
