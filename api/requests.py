"""What a request says of itself beside its body."""

from __future__ import annotations

from flask import request

from api.access import caller
from handlers.clerk import Once
from handlers.refusals import Invalid

LONGEST_KEY = 200


def once() -> Once | None:
    """The Idempotency-Key of this request, if it has one. Raises `Invalid`."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not (key.isascii() and key.isprintable() and 0 < len(key) <= LONGEST_KEY):
        raise Invalid.because(f"expected 1-{LONGEST_KEY} printable characters", "Idempotency-Key")
    return Once(f"{caller().key_id}:{key}", request.path.encode() + b"\0" + request.get_data())
