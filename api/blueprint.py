"""The blueprint that every view of /api/v1 belongs to, and what is checked before any of them."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, current_app, request

from api.access import check_key
from api.conditions import etag
from api.office import office
from api.problems import problem

v1 = Blueprint("api", __name__, url_prefix="/api/v1", template_folder="templates", static_folder="static")

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:@+-]{0,63}")
Answer = tuple[dict[str, Any], int, dict[str, str]]


@v1.before_request
def check_request() -> Response | None:
    """Refuse what no view should see: no key, an id that cannot be one, a body that is not JSON."""
    if not office().prepared():
        return problem(503, "the database is not ready: try again", headers={"Retry-After": "2"})
    return check_key() or _check_id() or _check_body()


@v1.after_request
def never_kept(response: Response) -> Response:
    """People's data stays out of every cache."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


def versioned(view: dict[str, Any], *, created: bool = False) -> Answer:
    """An answer whose ETag is the version of what it shows."""
    return view, 201 if created else 200, {"ETag": etag(view["version"])}


def _check_id() -> Response | None:
    key = (request.view_args or {}).get("key")
    if key is None or KEY.fullmatch(key):
        return None
    if request.method == "PUT":
        return problem(422, "id: expected 1-64 letters, digits and . _ ~ : @ + -, a letter or digit first")
    return problem(404, "there is nothing with this id")


def _check_body() -> Response | None:
    if not getattr(current_app.view_functions[request.endpoint or ""], "takes_body", False):
        return None
    if request.mimetype != "application/json":
        return problem(415, "expected Content-Type: application/json")
    try:
        body = request.get_json()
    except RecursionError:
        body = None
    if not isinstance(body, dict | list):
        return problem(422, "expected a JSON object")
    return None
