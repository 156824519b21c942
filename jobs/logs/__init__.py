"""What the logs of a data folder cover, and what is said of it."""
