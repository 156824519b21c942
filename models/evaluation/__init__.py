"""How good scores are: metrics with intervals, curves, paired differences, importance, explanation."""
