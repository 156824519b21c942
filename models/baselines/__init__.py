"""What a model must beat: everybody alike, recency alone, BG/NBD."""
