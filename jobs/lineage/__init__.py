"""What each layer is made from, and whether that is still so, all the way down to the landed lines."""
