"""Threads that staff have, or that wait for them."""

from __future__ import annotations

from sqlalchemy import select

from handlers.clerk.order import Order
from handlers.refusals import Unknown
from models.correspondence import close_thread, threads_of
from models.ledger import THREAD


def close(order: Order, thread_id: int) -> None:
    """Close a thread and what waited in it; closing twice is harmless. Raises `Unknown`."""
    mine = select(THREAD.c.id).where(THREAD.c.id == thread_id, threads_of(order.actor.clinics)).with_for_update()
    if order.connection.execute(mine).first() is None:
        raise Unknown.because("no such thread")
    close_thread(order.connection, thread_id, order.now)
    order.record("close_thread", thread_id=thread_id)
