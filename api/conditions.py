"""ETag and If-Match (RFC 9110 section 13): what two sides may change is changed only by who has seen it."""

from __future__ import annotations

import re

from flask import request

from models.rows import Condition

_TAG = re.compile(r'"(\d{1,18})"', re.ASCII)


def etag(version: int) -> str:
    """The entity tag of a row's version."""
    return f'"{version}"'


def condition() -> Condition:
    """What the request demands of the row before it is written. An If-Match that cannot be one of ours never holds."""
    return Condition(versions=_versions(request.headers.get("If-Match")), absent=_absent())


def _versions(header: str | None) -> frozenset[int] | None:
    if header is None or header.strip() == "*":
        return None
    return frozenset(int(found[1]) for part in header.split(",") if (found := _TAG.fullmatch(part.strip())))


def _absent() -> bool:
    return request.headers.get("If-None-Match", "").strip() == "*"
