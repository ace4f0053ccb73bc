"""The doorbell: Redis pub/sub tells at once that others wrote to the outbox; without it we look every 250 ms."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Any, Final, cast

import redis

log = logging.getLogger(__name__)

CHANNEL: Final = "tekstari:outbox"
SENTINEL_PORT: Final = 26379
_SENTINELS: Final = re.compile(
    r"redis\+sentinel://(?:(?P<user>[^:@/]*)(?::(?P<password>[^@/]*))?@)?(?P<hosts>[^/@]+)"
    r"(?:/(?P<service>[^/]*))?(?:/(?P<db>\d+))?/?"
)
_AGAIN: Final = 5.0  # seconds until Redis is tried again


def connect(url: str, **options: Any) -> redis.Redis:
    """A client for *url*, which connects when it is used; *options* are redis-py's own.

    "redis+sentinel://:password@host:port,host:port/service/0" asks the sentinels where the service's master is.
    """
    found = _SENTINELS.fullmatch(url)
    if found is None:
        return redis.Redis.from_url(url, **options)
    hosts = (host.partition(":") for host in found["hosts"].split(","))
    sentinels = [(host, int(port or SENTINEL_PORT)) for host, _, port in hosts]
    login = {"username": _plain(found["user"]), "password": _plain(found["password"])}
    sentinel: Any = redis.Sentinel  # redis-py has no types for it
    master = sentinel(sentinels, **options).master_for(
        found["service"] or "mymaster", db=int(found["db"] or 0), **login
    )
    return cast(redis.Redis, master)


def _plain(part: str | None) -> str | None:
    """A part of a URL without its %-escapes; an empty one is none."""
    return re.sub("%([0-9A-Fa-f]{2})", lambda escape: chr(int(escape[1], 16)), part) if part else None


class Spared:
    """A Redis that we can do without: one that failed is left alone for 5 s, lest it hang and hold us up."""

    def __init__(self, effect: str) -> None:
        """*effect*: what becomes of the work meanwhile, for the log."""
        self._effect = effect
        self._away_until = 0.0  # by the steady clock
        self._away = False

    def ask(self, question: Callable[[], object]) -> bool:
        """Ask it; returns whether it answered. Says once that it does not, and once that it does again."""
        if time.monotonic() < self._away_until:
            return False
        try:
            question()
        except (redis.RedisError, OSError) as error:
            self._away_until = time.monotonic() + _AGAIN
            if not self._away:
                log.warning("redis_away (%s): %s", type(error).__name__, self._effect)
            self._away = True
            return False
        if self._away:
            log.info("redis_back")
        self._away = False
        return True


class Doorbell:
    """Tells the gateways that there is something in the outbox."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._spared = Spared("the outbox is looked at every 250 ms")

    def ring(self) -> None:
        """Ring if Redis lets us."""
        self._spared.ask(lambda: self._redis.publish(CHANNEL, b"1"))


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
        with connect(self._url, socket_connect_timeout=2) as client, client.pubsub() as pubsub:
            pubsub.subscribe(CHANNEL)
            while not self._stopping.is_set():
                if pubsub.get_message(ignore_subscribe_messages=True, timeout=1.0) is not None:
                    self._ring()
