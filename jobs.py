"""The kinds of timed work. A job is a wake-up by name: what is due stands in the database.

Each kind may run twice, late or never: the next run finds what is due. RQ calls `run` by its name, in a process that
has called `begin`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from embedded import redis_url
from gateway.bell import Doorbell
from gateway.bell import connect as connect_redis
from handlers.clerk import upkeep
from handlers.desk import Desk
from handlers.reminders import TimedRules
from handlers.rounds.offers import OfferRound
from handlers.rounds.planner import Planner
from handlers.rounds.reminders import ReminderRound
from models.database import is_away, is_conflict
from models.heartbeats import beat
from settings import Settings
from startup import House, offer_rules

log = structlog.get_logger("jobs")

QUEUES = ("urgent", "timed", "bulk")
BEAT = "timed:"  # heartbeat rows of kinds begin with this


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of timed work: on which queue, how often, and what is done; it returns how much there was to do."""

    queue: str
    every: timedelta
    work: Callable[[Workshop, datetime], int]


class Workshop:
    """What the work needs, made once for each process."""

    def __init__(self, house: House) -> None:
        self.house = house
        settings = house.settings
        service, rules = settings.service, timed_rules(settings)
        self.desk = Desk(house.database, house.keys, house.identity_rules, service.languages)
        self.planner = Planner(house.database, rules)
        self.reminders = ReminderRound(
            house.database, house.keys, rules, region=service.region, languages=service.languages
        )
        self.offers = OfferRound(house.database, house.keys, offer_rules(settings))
        self._bell = Doorbell(connect_redis(redis_url(settings), socket_timeout=1, socket_connect_timeout=1))

    def remind(self, now: datetime) -> int:
        """Carry out what is due of reminders and provisional times, and tell the gateways."""
        return self._ringing(self.reminders.run(now))

    def offer(self, now: datetime) -> int:
        """Begin, continue and end the offers that are due, and tell the gateways."""
        return self._ringing(self.offers.run(now))

    def forget_events(self, now: datetime) -> int:
        """Put away what the feed of events has held as long as texts are kept."""
        kept = timedelta(days=self.house.settings.retention.texts_days)
        return upkeep.forget_events(self.house.database, now, kept)

    def _ringing(self, done: int) -> int:
        if done:
            self._bell.ring()
        return done


def timed_rules(settings: Settings) -> TimedRules:
    """The part of the settings that reminders and provisional times need."""
    reminders, provisional = settings.reminders, settings.provisional
    return TimedRules(reminders.steps, reminders.quiet, provisional.ask, provisional.lapse)


def _sweep(shop: Workshop, now: datetime) -> int:
    """Sweep to the end of what is left; a gateway would look up from it between two goes."""
    return sum(iter(lambda: shop.desk.sweep(now), 0))


KINDS: dict[str, Kind] = {
    # Texts that a dead process left behind, and parts whose others never came.
    "sweep": Kind("urgent", timedelta(seconds=5), _sweep),
    # Slots that fell free, waves, and offers whose time is up.
    "offers": Kind("urgent", timedelta(seconds=1), lambda shop, now: shop.offer(now)),
    "questions": Kind(
        "timed", timedelta(seconds=15), lambda shop, now: upkeep.expire_questions(shop.house.database, now)
    ),
    # What is to be said about visits that are new or have changed, and what of that is due.
    "plan": Kind("timed", timedelta(seconds=1), lambda shop, now: shop.planner.run(now)),
    "reminders": Kind("timed", timedelta(seconds=1), lambda shop, now: shop.remind(now)),
    # What happened so long ago that its texts are put away too.
    "events": Kind("bulk", timedelta(minutes=10), lambda shop, now: shop.forget_events(now)),
    "requests": Kind("bulk", timedelta(minutes=10), lambda shop, now: upkeep.forget_requests(shop.house.database, now)),
}

_shop: Workshop | None = None


def begin(house: House) -> None:
    """Make this process ready to run jobs."""
    global _shop  # RQ calls `run` with the job's arguments alone
    _shop = Workshop(house)


def run(name: str) -> None:
    """Do what is due of one kind, and say that it ran. What fails is logged; the next run finds it again."""
    assert _shop is not None, "begin() comes first"
    now = _shop.house.clock()
    try:
        done = KINDS[name].work(_shop, now)
        with _shop.house.database.transaction() as connection:
            beat(connection, BEAT + name, now, {"done": done, "every": KINDS[name].every.total_seconds()})
    except Exception as error:
        if not (is_away(error) or is_conflict(error)):
            log.exception("timed_work_failed", kind=name)
            return
        log.warning("timed_work_postponed", kind=name, error=type(error).__name__)
        return
    if done:
        log.info("timed_work_done", kind=name, done=done)
