"""What is learnt from feature tables: preparation, models, evaluation. Knows no path and no engine."""
