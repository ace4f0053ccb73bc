"""`python -m gateway`: all binds of the config; receives, commits, parses, decides, answers, submits.

Run one per set of binds; several at once share the work. It never ends because a carrier or the database went away.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import threading

import phonenumbers
import structlog

from embedded import redis_url
from gateway.bell import Bell
from gateway.channel import Channel
from gateway.smpp.events import Mode
from gateway.smpp.link import Link, LinkSettings
from gateway.turns import Turns
from handlers.desk import Desk
from handlers.post import PostOffice, process_name
from parser.reading import reader
from settings import Smpp
from startup import House, arguments, open_house

log = structlog.get_logger("gateway")

GARBAGE_FIRST_LOOKED_AT = 20_000  # new objects: some dozens of texts, which leave hardly any cycles behind


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    parser = arguments("Receives texts from the carriers, answers them and submits what the outbox holds.")
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    house = open_house("gateway", parser.parse_args().config, stopping)
    try:
        asyncio.run(run(house, stopping))
    finally:
        house.database.close()


async def run(house: House, stopping: threading.Event) -> None:
    """Carry texts until *stopping* is set, then stop cleanly: what was read is committed and acknowledged."""
    gateway = process_name(house.clock())
    languages = house.settings.service.languages
    post = PostOffice(house.database, house.keys, gateway)
    desk = Desk(house.database, house.keys, house.identity_rules, languages, gateway)
    turns = Turns(post, desk, gateway=gateway, clock=house.clock, beside=not house.database.is_sqlite)
    links = [_link(bind, house, turns) for bind in house.settings.smpp]
    bell = Bell(redis_url(house.settings), turns.ring)
    reader()  # half a second that the first text need not wait
    _settle_memory()
    turns.start()
    bell.start()
    await _carry(links, stopping)
    bell.stop()
    await asyncio.to_thread(turns.stop)
    log.info("stopped")


def _settle_memory() -> None:
    """Spare the garbage collector what stays for ever: modules, words, statements. It took a seventh of the work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_FIRST_LOOKED_AT, 20, 50)


async def _carry(channels: list[Link], stopping: threading.Event) -> None:
    signalled = _signalled(stopping)
    running = [asyncio.create_task(channel.run(), name=channel.name) for channel in channels]
    await asyncio.wait([*running, asyncio.create_task(signalled.wait())], return_when=asyncio.FIRST_COMPLETED)
    await asyncio.gather(*(_stop(channel) for channel in channels))
    await asyncio.gather(*running)


async def _stop(channel: Channel) -> None:
    await channel.stop()


def _signalled(stopping: threading.Event) -> asyncio.Event:
    """An event of the loop that the signals set, also one that came before the loop began."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    if stopping.is_set():
        event.set()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, event.set)
    return event


def _link(bind: Smpp, house: House, turns: Turns) -> Link:
    settings = LinkSettings(
        name=bind.name,
        host=bind.host,
        port=bind.port,
        system_id=bind.system_id,
        password=bind.password,
        mode=Mode(bind.mode),
        numbers=bind.numbers,
        window=bind.window,
        rate=bind.rate,
        tls=bind.tls,
        enquire_link_seconds=bind.enquire_link_seconds,
        response_timeout_seconds=bind.response_timeout_seconds,
        account=bind.system_id,  # the same at every host of a carrier: rate and receipts belong to it
        calling_code=str(phonenumbers.country_code_for_region(house.settings.service.region)),
    )
    link = Link(settings, turns, clock=house.clock)
    turns.add(link)
    return link


if __name__ == "__main__":
    main()
