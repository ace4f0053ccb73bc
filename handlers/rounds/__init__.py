"""Timed work: takes what wants doing from the database in batches, has it decided, and writes it in one transaction."""
