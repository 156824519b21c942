"""The types of all records: one module per part of the pipeline, read by attribute everywhere."""
