"""Where data lies and how it is published: places, layers, records, leases, input files."""
