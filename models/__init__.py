"""The clinic's record: tables, the facts read from them, and the changes written to them."""
