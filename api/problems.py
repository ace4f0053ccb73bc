"""Problem details (RFC 9457) for everything that goes wrong, with the path of each field at fault."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, json, request
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from handlers.refusals import Clash, Fault, Forbidden, Invalid, Refusal, Stale, Unknown
from models.database import is_away, is_conflict

PREFIX = "/api/"
MEDIA_TYPE = "application/problem+json"
STATUS: dict[type[Refusal], int] = {Invalid: 422, Unknown: 404, Clash: 409, Stale: 412, Forbidden: 403}
_FIELD = re.compile(r"[a-z_][a-z0-9_]*")
_TYPE_NAMES = {"str", "int", "bool", "float", "date", "datetime", "list", "dict", "tuple", "union"}

log = structlog.get_logger("api")


class FaultView(BaseModel):
    """One field at fault."""

    path: str = Field(description='"numbers[0]", "slots[3].clinic"; empty for the whole')
    reason: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FaultView] = Field(default_factory=list)


def problem(
    status: int, detail: str, faults: Sequence[Fault] = (), *, kind: str | None = None, headers: Any = None
) -> Response:
    """A problem as a response."""
    title = HTTPStatus(status).phrase
    body = Problem(
        type=f"urn:tekstari:problem:{kind or title.lower().replace(' ', '-')}",
        title=title,
        status=status,
        detail=detail,
        errors=[FaultView(path=fault.path, reason=fault.reason) for fault in faults],
    )
    return Response(json.dumps(body.model_dump()), status, headers, mimetype=MEDIA_TYPE)


def refuse(refusal: Refusal) -> Response:
    """A refusal of the clerk as a response."""
    faults = [fault for fault in refusal.faults if fault.path]
    detail = next((fault.reason for fault in refusal.faults if not fault.path), None)
    return problem(
        next(status for kind, status in STATUS.items() if isinstance(refusal, kind)),
        detail or "; ".join(f"{fault.path}: {fault.reason}" for fault in faults[:3]),
        faults,
    )


def invalid(error: ValidationError) -> Invalid:
    """What pydantic found, by field, without quoting what was sent."""
    faults = [
        Fault(field_path(each["loc"]), each["msg"].removeprefix("Value error, "))
        for each in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return Invalid(*dict.fromkeys(faults))


def field_path(location: Sequence[int | str]) -> str:
    """`("numbers", 0, "NumberEntry", "number")` → "numbers[0].number": names of types are left out."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif _FIELD.fullmatch(part) and part not in _TYPE_NAMES:
            path += f".{part}" if path else part
    return path


def before_view(_request: Any, _response: Any, error: Exception | None, _view: Any, _adapter: Any) -> None:
    """Spectree's hook after it has checked a request. Its own would log what was sent, codes and all."""
    if isinstance(error, ValidationError):
        raise invalid(error)


def after_view(_request: Any, _response: Any, error: Exception | None, _view: Any, _adapter: Any) -> None:
    """Spectree's hook after it has checked our answer: a wrong one is our bug."""
    if isinstance(error, ValidationError):
        fields = [field_path(each["loc"]) for each in error.errors(include_input=False)]
        log.error("answer_does_not_fit_its_schema", endpoint=request.endpoint, fields=fields)


def register_handlers(app: Flask) -> None:
    """Turn every error under /api/ into a problem; other pages keep their own."""
    app.register_error_handler(Refusal, refuse)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def _http_error(error: HTTPException) -> Response | HTTPException:
    if not request.path.startswith(PREFIX) or error.code is None:
        return error
    if error.response is not None:
        return error
    detail = "at most 4 MB" if isinstance(error, RequestEntityTooLarge) else str(error.description)
    headers = [(name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After")]
    return problem(error.code, detail, headers=headers)


def _unexpected(error: Exception) -> Response:
    if is_away(error) or is_conflict(error):
        log.warning("database_away", endpoint=request.endpoint, error=type(error).__name__)
        return problem(503, "the database cannot be reached: try again", headers={"Retry-After": "2"})
    log.error("request_failed", endpoint=request.endpoint, exc_info=error)
    return problem(500, "our mistake: it is on our log")
