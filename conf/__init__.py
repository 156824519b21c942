"""The configuration: a YAML file for each service and each profile, and the schema that validates them."""
