"""The sections of the page: one module each, with the template of the same name (see `jobs.reporting.section`)."""
