"""SMPP 3.4: codec, parts, receipts, session and window are pure; only `link` has a socket and a clock."""
