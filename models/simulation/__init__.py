"""Services that never were: customers with a known truth, and the raw logs that they leave."""
