"""Baselines that a model must beat: the majority class, recency alone, and BG/NBD."""
