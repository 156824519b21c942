"""What can be set: one YAML file per service and per profile, and the schema that validates them."""
