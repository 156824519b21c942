"""Scores customers by fitted models as plain arrays, on any engine and without MLlib, and gives reasons for a score."""
