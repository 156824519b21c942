"""Scoring with fitted models as plain arrays, on any engine and without MLlib; and the reasons for a score."""
