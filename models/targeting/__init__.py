"""Whom to contact within a budget, what that earns, and what past contacts changed."""
