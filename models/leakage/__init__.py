"""The leakage audit: features that know the outcome too well to have come before it."""
