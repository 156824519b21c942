"""Simulates services: customers whose true probabilities are known, and the raw logs that they leave."""
