"""Recommending as `encore recommend` does it: interactions in, a fitted recommender and its lists out."""
