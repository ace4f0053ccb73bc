"""What staff and the clinics' programs change: each order one short transaction, wholly done or refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError

from handlers.clerk import catalogue, messages, offers, people, reminders, slots, threads, visits, waitlist
from handlers.clerk.messages import Sent
from handlers.clerk.once import Once
from handlers.clerk.order import Actor, Order, Rules
from handlers.clerk.slots import SlotOrder
from handlers.entries import (
    AppointmentEntry,
    ClinicEntry,
    MessageEntry,
    OfferEntry,
    PatientEntry,
    RemindEntry,
    ServiceEntry,
    WaitlistEntry,
)
from handlers.refusals import Clash, Stale
from models.crypto import Keys
from models.database import Database, is_conflict
from models.rows import ANY, Condition, Put, StaleVersion

__all__ = ["Actor", "Clerk", "Once", "Rules", "Sent", "SlotOrder"]

TRIES = 4
T = TypeVar("T")


class Clerk:
    """Carries out orders. Every method raises `handlers.refusals.Refusal` where it cannot, and has changed nothing."""

    def __init__(self, database: Database, keys: Keys, rules: Rules) -> None:
        self.database, self.keys, self.rules = database, keys, rules

    def put_clinic(self, actor: Actor, key: str, entry: ClinicEntry, now: datetime, condition: Condition = ANY) -> Put:
        """Make or change the clinic with this key."""
        return self.carry_out(actor, now, lambda order: catalogue.put_clinic(order, key, entry, condition))

    def put_service(
        self, actor: Actor, key: str, entry: ServiceEntry, now: datetime, condition: Condition = ANY
    ) -> Put:
        """Make or change the service with this key."""
        return self.carry_out(actor, now, lambda order: catalogue.put_service(order, key, entry, condition))

    def put_patient(
        self, actor: Actor, key: str, entry: PatientEntry, now: datetime, condition: Condition = ANY
    ) -> Put:
        """Make or change the file of the patient with this key."""
        return self.carry_out(actor, now, lambda order: people.put_patient(order, key, entry, condition))

    def erase_person(self, actor: Actor, key: str, now: datetime) -> None:
        """Erase what tells who a patient was."""
        self.carry_out(actor, now, lambda order: people.erase_person(order, key))

    def put_slots(
        self, actor: Actor, orders: Sequence[SlotOrder], now: datetime, condition: Condition = ANY
    ) -> set[str]:
        """Make or change slots, all or none; returns the keys of the new ones."""
        return self.carry_out(actor, now, lambda order: slots.put_slots(order, orders, condition))

    def delete_slot(self, actor: Actor, key: str, now: datetime, condition: Condition = ANY) -> None:
        """Take a slot off the diary."""
        self.carry_out(actor, now, lambda order: slots.delete_slot(order, key, condition))

    def put_appointment(
        self, actor: Actor, key: str, entry: AppointmentEntry, now: datetime, condition: Condition = ANY
    ) -> Put:
        """Make or change the visit with this key (the clinic system's own, or our "t-41")."""
        return self.carry_out(actor, now, lambda order: visits.put_appointment(order, key, entry, condition))

    def send_message(self, actor: Actor, entry: MessageEntry, now: datetime, request: Once | None = None) -> Sent:
        """Send a text to one person."""
        return self.carry_out(actor, now, lambda order: messages.send_message(order, entry, request))

    def remind(self, actor: Actor, key: str, entry: RemindEntry, now: datetime) -> int:
        """Have a visit reminded of once more; returns the reminder's id."""
        return self.carry_out(actor, now, lambda order: reminders.remind(order, key, entry))

    def start_offer(self, actor: Actor, entry: OfferEntry, now: datetime, request: Once | None = None) -> str:
        """Offer a free slot to several people; returns the offer's key."""
        return self.carry_out(actor, now, lambda order: offers.start(order, entry, request))

    def withdraw_offer(self, actor: Actor, key: str, now: datetime) -> None:
        """Stop an offer."""
        self.carry_out(actor, now, lambda order: offers.withdraw(order, key))

    def put_waitlist_entry(
        self, actor: Actor, key: str, entry: WaitlistEntry, now: datetime, condition: Condition = ANY
    ) -> Put:
        """Put a patient on the waitlist, or change which times they want to hear of."""
        return self.carry_out(actor, now, lambda order: waitlist.put_entry(order, key, entry, condition))

    def delete_waitlist_entry(self, actor: Actor, key: str, now: datetime, condition: Condition = ANY) -> None:
        """Take an entry off the waitlist."""
        self.carry_out(actor, now, lambda order: waitlist.delete_entry(order, key, condition))

    def close_thread(self, actor: Actor, thread_id: int, now: datetime) -> None:
        """Say that staff are done with a thread: the next text is the bot's again."""
        self.carry_out(actor, now, lambda order: threads.close(order, thread_id))

    def carry_out(self, actor: Actor, now: datetime, work: Callable[[Order], T]) -> T:
        """Do *work* in one transaction; do it anew when somebody else was quicker, and give up as `Clash`."""
        for _ in range(TRIES):
            try:
                with self.database.transaction() as connection:
                    return work(Order(connection, self.keys, self.rules, actor, now))
            except StaleVersion:
                raise Stale.because("it has changed since you read it: read it again") from None
            except DBAPIError as error:
                if not (isinstance(error, IntegrityError) or is_conflict(error)):
                    raise
        raise Clash.because("others keep changing the same: try again")
