"""DataFrame to DataFrame: events, daily tiles, windows, features and labels. Uses no paths and no engine by name."""
