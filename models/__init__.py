"""Models of customers: simulation, fitting, scoring and evaluation. Knows no path and no engine."""
