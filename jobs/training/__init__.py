"""Training as `encore train` and `encore train-keras` do it: tables in, fitted and evaluated models out."""
