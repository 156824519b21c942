"""Evaluates scores: metrics with intervals, curves, paired differences, feature importance, explanation."""
