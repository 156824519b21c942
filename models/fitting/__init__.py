"""Fitting a model: the split, preprocessing, grids and cross-validation, MLlib, calibration."""
