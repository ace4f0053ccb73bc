"""A carrier for demos and tests: binds, delivers, records, sends receipts, and misbehaves on demand."""
