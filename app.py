"""The web process: API, health and metrics by a production WSGI server; `python app.py admin …` is for operators."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn, cast

import structlog
import waitress
from flask import Flask
from flask.json.provider import DefaultJSONProvider

import admin
from api import Office, register
from api.office import Preview, Previewed
from embedded import redis_url
from gateway.bell import Doorbell
from gateway.bell import connect as connect_redis
from handlers.clerk import Clerk
from handlers.desk import Desk
from models.crypto import Keys
from models.database import Database
from settings import Settings
from startup import House, arguments, prepare, read_house

QUICK = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}  # seconds: a request does not wait for Redis

log = structlog.get_logger("web")


def create_app(
    settings: Settings,
    database: Database,
    keys: Keys,
    *,
    clock: Callable[[], datetime],
    preview: Preview | None = None,
    prepared: Callable[[], bool] = lambda: True,
) -> Flask:
    """The web app. It keeps no state of its own, so any number of processes may run it.

    Until the schema is *prepared* it answers 503, and /readyz says why.
    """
    app = Flask("tekstari", static_folder=None)
    cast(DefaultJSONProvider, app.json).sort_keys = False
    client = connect_redis(redis_url(settings), **QUICK)
    register(
        app,
        Office(
            database=database,
            keys=keys,
            clerk=Clerk(database, keys, admin.clerk_rules(settings)),
            clock=clock,
            ring=Doorbell(client).ring,
            ask_redis=client.ping,
            binds=tuple(bind.name for bind in settings.smpp),
            preview=preview,
            prepared=prepared,
        ),
    )
    return app


def desk_preview(house: House) -> Preview:
    """What the desk would answer to a text; the first number of the first bind is where it arrives by default."""
    settings = house.settings
    desk = Desk(house.database, house.keys, house.identity_rules, settings.service.languages)

    def preview(text: str, number: str, service_number: str | None, now: datetime) -> Previewed:
        arrives_at = service_number or settings.smpp[0].numbers[0]
        command, decision, answers = desk.preview(text, number, arrives_at, now)
        answer = {
            "action": decision.action,
            "outcome": decision.outcome.value,
            "reason": decision.reason,
            "texts": answers,
            "hand_over": None if decision.hand_over is None else decision.hand_over.reason.value,
        }
        return Previewed(command, answer)

    return preview


class Preparation(threading.Thread):
    """Waits for the database and its schema while the web already answers, so that /readyz can tell what is missing."""

    def __init__(self, house: House, stopping: threading.Event) -> None:
        super().__init__(name="preparation", daemon=True)
        self._house, self._stopping = house, stopping
        self.done = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Prepare; what cannot be mended by waiting ends the process."""
        try:
            prepare("web", self._house.database, self._stopping)
        except BaseException as failure:  # SystemExit among them, which would end only this thread
            self.failure = failure
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            self.done.set()


def serve(house: House) -> None:
    """Answer requests until SIGTERM or SIGINT."""
    web, stopping = house.settings.web, threading.Event()
    preparation = Preparation(house, stopping)
    app = create_app(
        house.settings,
        house.database,
        house.keys,
        clock=house.clock,
        preview=desk_preview(house),
        prepared=preparation.done.is_set,
    )
    server = waitress.create_server(app, host=web.host, port=web.port, threads=web.threads, ident="")
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    log.info("serving", host=web.host, port=web.port, threads=web.threads)
    with contextlib.suppress(SystemExit):  # a signal may come before the server runs
        preparation.start()
        server.run()  # ends by SystemExit, which it catches to let its threads finish
    stopping.set()
    if preparation.failure is not None:
        raise preparation.failure
    log.info("stopped")


def _leave(*_: object) -> NoReturn:
    raise SystemExit(0)


def main() -> None:
    """`python app.py [--config PATH]` serves; `python app.py [--config PATH] admin COMMAND` does one thing and ends."""
    parser = arguments("Console and API of Tekstari.")
    commands = parser.add_subparsers(dest="what", metavar="admin")
    admin.add_arguments(commands.add_parser("admin", help="commands for operators"))
    given = parser.parse_args()
    if given.what == "admin":
        sys.exit(admin.run(given))
    house = read_house("web", given.config)
    try:
        serve(house)
    finally:
        house.database.close()


if __name__ == "__main__":
    main()
