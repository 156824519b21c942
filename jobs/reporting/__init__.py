"""The sections of the report: what each one reads from the layers, its charts, tables and templates."""
