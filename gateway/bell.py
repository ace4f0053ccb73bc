"""The doorbell: Redis pub/sub tells at once that others wrote to the outbox; without it we look every 250 ms."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

import redis

log = logging.getLogger(__name__)

CHANNEL: Final = "tekstari:outbox"
_AGAIN: Final = 5.0  # seconds until Redis is tried again


class Bell(threading.Thread):
    """Calls *ring* whenever somebody publishes on `CHANNEL`. Redis may come and go as it likes."""

    def __init__(self, url: str, ring: Callable[[], None]) -> None:
        super().__init__(name="bell", daemon=True)
        self._url = url
        self._ring = ring
        self._stopping = threading.Event()

    def run(self) -> None:
        """Listen until stopped."""
        while not self._stopping.is_set():
            try:
                self._listen()
            except (redis.RedisError, OSError) as error:
                log.info("no doorbell (%s): the outbox is looked at every 250 ms", type(error).__name__)
                self._stopping.wait(_AGAIN)

    def stop(self) -> None:
        """End soon; nothing waits for it."""
        self._stopping.set()

    def _listen(self) -> None:
        with redis.Redis.from_url(self._url, socket_connect_timeout=2) as client, client.pubsub() as pubsub:
            pubsub.subscribe(CHANNEL)
            while not self._stopping.is_set():
                if pubsub.get_message(ignore_subscribe_messages=True, timeout=1.0) is not None:
                    self._ring()
