"""Chooses whom to contact within a budget, and measures what contacts earn and what they change."""
