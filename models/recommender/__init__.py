"""Recommends titles to customers, and customers for titles: fits, evaluates and serves recommenders."""
