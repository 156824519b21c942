"""Titles for customers and customers for titles: fitting, judging and serving recommenders."""
