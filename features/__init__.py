"""DataFrame -> DataFrame: events, daily tiles, windows, features, labels. Knows no path and no engine."""
