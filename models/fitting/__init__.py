"""Fits models by MLlib and XGBoost: split, preprocessing, grids, cross-validation, calibration."""
