"""A request that is made twice under one Idempotency-Key is carried out once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table, insert, select

from handlers.clerk.order import Order
from handlers.refusals import Invalid
from models.crypto import open_text, seal_text
from models.staff import IdempotentRequest

REQUEST = cast(Table, IdempotentRequest.__table__)
_PLACE = "idempotent_request.answer"


@dataclass(frozen=True, slots=True)
class Once:
    """The name of a request ("<api key id>:<Idempotency-Key>") and what it said, by which a misuse is told."""

    key: str
    request: bytes


def once(order: Order, request: Once | None, work: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Do *work* and keep its answer, or return the answer that is kept. Raises `Invalid` for another request."""
    if request is None:
        return work()
    digest = order.keys.blind(request.request, "idempotent_request.request")
    known = order.connection.execute(select(REQUEST).where(REQUEST.c.key == request.key)).first()
    if known is not None:
        if known.request != digest:
            raise Invalid.because("this Idempotency-Key was used for another request", "Idempotency-Key")
        answer: Mapping[str, Any] = json.loads(open_text(order.keys, _PLACE, request.key, known.answer))
        return answer
    answer = work()
    sealed = seal_text(order.keys, _PLACE, request.key, json.dumps(dict(answer)))
    row = {"key": request.key, "request": digest, "status": 201, "answer": sealed, "at": order.now}
    order.connection.execute(insert(REQUEST).values(**row))
    return answer
