"""The schema's history, one numbered step a file; `models.schema.migrate` walks it."""
