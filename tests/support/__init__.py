"""What several tests share, one module per kind of thing that it makes."""
