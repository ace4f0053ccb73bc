"""Last-minute offers with their ledgers, and the waitlist."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from api.access import actor
from api.blueprint import Answer, v1, versioned
from api.conditions import condition
from api.office import office
from api.requests import once
from api.schemas import OfferView, WaitlistView
from api.spec import operation
from api.views import offer_view, waitlist_view
from handlers.entries import OfferEntry, WaitlistEntry
from handlers.refusals import Unknown
from models.diary import APPOINTMENT
from models.offered import ledger
from models.offering import OFFER, WAITLIST
from models.register import CLINIC, PATIENT, SERVICE, in_clinics, seen_by
from models.rows import keys_by_id


@v1.post("/offers")
@operation("write", "offers", OfferView, made=True, errors=(409,))
def start_offer(json: OfferEntry) -> tuple[dict[str, Any], int]:
    """Offer a free slot to the waitlist of its service, or to some patients: whoever answers first has it.

    The slot is held meanwhile. The first people are asked within a second or two, outside quiet hours.
    """
    return _offer(office().clerk.start_offer(actor(), json, office().clock(), once())), 201


@v1.get("/offers/<string:key>")
@operation("read", "offers", OfferView, errors=(404,))
def get_offer(key: str) -> dict[str, Any]:
    """Read an offer with its ledger: who was asked, when, what they answered and what came of it; and who was not."""
    return _offer(key)


@v1.post("/offers/<string:key>/withdraw")
@operation("write", "offers", OfferView, errors=(404,))
def withdraw_offer(key: str) -> dict[str, Any]:
    """Stop an offer: its slot can be booked again, and whoever answers is told. One that has ended stays as it is."""
    office().clerk.withdraw_offer(actor(), key, office().clock())
    return _offer(key)


@v1.put("/waitlist/<string:key>")
@operation("write", "waitlist", WaitlistView, made=True, errors=(404, 409, 412))
def put_waitlist_entry(key: str, json: WaitlistEntry) -> Answer:
    """Put a patient on the waitlist of a service, or change which times they want to hear of.

    Offers go only to those who consent to them (`PUT /patients`, consents.offers).
    """
    done = office().clerk.put_waitlist_entry(actor(), key, json, office().clock(), condition())
    return versioned(_entry(key), created=done.created)


@v1.get("/waitlist/<string:key>")
@operation("read", "waitlist", WaitlistView, errors=(404,))
def get_waitlist_entry(key: str) -> Answer:
    """Read an entry."""
    return versioned(_entry(key))


@v1.delete("/waitlist/<string:key>")
@operation("write", "waitlist", None, errors=(404, 412))
def delete_waitlist_entry(key: str) -> tuple[str, int]:
    """Take an entry off the waitlist."""
    office().clerk.delete_waitlist_entry(actor(), key, office().clock(), condition())
    return "", 204


def _offer(key: str) -> dict[str, Any]:
    with office().database.reading() as connection:
        found = ledger(connection, OFFER.c.key == key, in_clinics(OFFER.c.clinic_id, actor().clinics))
    if found is None:
        raise Unknown.because("no such offer")
    return offer_view(found, office().keys)


def _entry(key: str) -> dict[str, Any]:
    with office().database.reading() as connection:
        columns = (
            WAITLIST,
            PATIENT.c.key.label("patient_key"),
            SERVICE.c.key.label("service_key"),
            APPOINTMENT.c.key.label("appointment_key"),
        )
        row = connection.execute(
            select(*columns)
            .join(PATIENT, PATIENT.c.id == WAITLIST.c.patient_id)
            .join(SERVICE, SERVICE.c.id == WAITLIST.c.service_id)
            .outerjoin(APPOINTMENT, APPOINTMENT.c.id == WAITLIST.c.appointment_id)
            .where(WAITLIST.c.key == key, seen_by(actor().clinics))
        ).first()
        if row is None:
            raise Unknown.because("no such entry")
        clinics = keys_by_id(connection, CLINIC, row.clinics or [])
    return waitlist_view(row, None if row.clinics is None else [clinics[id_] for id_ in row.clinics], office().zone)
