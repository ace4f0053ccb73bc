"""JSON over HTTP to a server of this machine, without proxies or anything else that the environment may hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any, Final
from urllib.parse import urlencode

HOST: Final = "127.0.0.1"
TIMEOUT: Final = 15.0


class Unanswered(Exception):
    """A request got no good answer; says which one, and what came instead."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Wire:
    """One server. *headers* go with every request."""

    def __init__(self, port: int, headers: Mapping[str, str] | None = None) -> None:
        self.port = port
        self._headers = dict(headers or {})

    def get(self, path: str, **query: object) -> Any:
        """GET *path*; `from_` means `from`. Raises `Unanswered`."""
        pairs = {name.rstrip("_"): value for name, value in query.items() if value is not None}
        return self._ask("GET", f"{path}?{urlencode(pairs)}" if pairs else path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """POST *body*. Raises `Unanswered`."""
        return self._ask("POST", path, json.dumps(body).encode())

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """PUT *body*. Raises `Unanswered`."""
        return self._ask("PUT", path, json.dumps(body).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        connection = HTTPConnection(HOST, self.port, timeout=TIMEOUT)
        try:
            connection.request(method, path, body, self._headers | {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            raise Unanswered(f"{method} {path}: {type(error).__name__}") from None
        finally:
            connection.close()
        if answer.status >= 300:
            raise Unanswered(f"{method} {path}: {answer.status} {content.decode(errors='replace')}", answer.status)
        return json.loads(content)
