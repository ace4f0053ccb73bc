"""Who may call what: Bearer keys, their scopes, and the clinics they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from flask import Response, current_app, g, request

from api.office import office
from api.problems import problem
from handlers.clerk import Actor
from models.access import find_key

SCOPES = ("read", "write", "messages", "admin")  # admin holds the others


@dataclass(frozen=True, slots=True)
class Caller:
    """A program by its key."""

    key_id: int
    scopes: frozenset[str]
    actor: Actor

    def may(self, scope: str) -> bool:
        """Whether the key has this scope."""
        return scope in self.scopes or "admin" in self.scopes


def caller() -> Caller:
    """Who makes the request."""
    return cast(Caller, g.caller)


def actor() -> Actor:
    """Who makes the request, as the clerk knows them."""
    return caller().actor


def check_key() -> Response | None:
    """Let a request through that has a key with the scope which its view needs, or answer with the problem."""
    view: Any = current_app.view_functions[request.endpoint or ""]
    scope: str | None = getattr(view, "scope", None)
    if scope is None:
        return None
    found = _caller()
    if found is None:
        return problem(
            401, "expected Authorization: Bearer KEY with a valid key", headers={"WWW-Authenticate": "Bearer"}
        )
    if not found.may(scope):
        return problem(403, f"this key has no scope {scope}", kind="scope")
    g.caller = found
    return None


def _caller() -> Caller | None:
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key.strip():
        return None
    with office().database.reading() as connection:
        row = find_key(connection, office().keys, key.strip())
    if row is None:
        return None
    clinics = None if row.clinics is None else frozenset(row.clinics)
    return Caller(row.id, frozenset(row.scopes), Actor(f"key:{row.id}", clinics))
