"""A music service that never was: customers with a known truth, and the raw logs that they leave."""
