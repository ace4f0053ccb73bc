"""People's files."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from sqlalchemy import select
from sqlalchemy.sql.elements import ColumnElement

from api.access import actor
from api.blueprint import Answer, v1, versioned
from api.conditions import condition
from api.office import office
from api.schemas import PatientPage, PatientView
from api.spec import operation
from api.views import patient_view
from handlers.codes import canonical
from handlers.contact import e164
from handlers.entries import Entry, Line, PatientEntry
from handlers.refusals import Invalid, Unknown
from models.register import (
    PATIENT,
    PatientRecord,
    by_code_index,
    by_name,
    by_number,
    patient_records,
    search_patients,
    seen_by,
)


class PatientSearchEntry(Entry):
    """One of: an identity code, a number, words of a name."""

    identity_code: Line | None = None
    number: Line | None = None
    name: Annotated[Line, Field(min_length=2)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(value is not None for value in (self.identity_code, self.number, self.name)) != 1:
            raise ValueError("expected one of identity_code, number and name")
        return self


@v1.put("/patients/<string:key>")
@operation("write", "patients", PatientView, made=True, errors=(404, 409, 412))
def put_patient(key: str, json: PatientEntry) -> Answer:
    """Make or change a patient's file.

    What is left out of a later PUT stays as it is. A consent that only repeats what was last sent does not undo what
    the patient has said by text since then.
    """
    done = office().clerk.put_patient(actor(), key, json, office().clock(), condition())
    return versioned(patient_view(_record(key), office().zone), created=done.created)


@v1.get("/patients/<string:key>")
@operation("read", "patients", PatientView, errors=(404,))
def get_patient(key: str) -> Answer:
    """Read a patient's file; the identity code is masked."""
    return versioned(patient_view(_record(key), office().zone))


@v1.post("/patients/search")
@operation("read", "patients", PatientPage)
def find_patients(json: PatientSearchEntry) -> dict[str, Any]:
    """Find patients by identity code, number or name; 50 at most."""
    with office().database.reading() as connection:
        found = search_patients(connection, _condition(json), actor().clinics)
    return {"items": [patient_view(record, office().zone) for record in found]}


def _record(key: str) -> PatientRecord:
    with office().database.reading() as connection:
        rows = connection.execute(select(PATIENT).where(PATIENT.c.key == key, seen_by(actor().clinics))).all()
        if not rows:
            raise Unknown.because("no such patient")
        return patient_records(connection, rows)[0]


def _condition(search: PatientSearchEntry) -> ColumnElement[bool]:
    if search.identity_code is not None:
        code = canonical(search.identity_code, office().region, office().clock().astimezone(office().zone).date())
        if code is None:
            raise Invalid.because("expected a valid personal identity code", "identity_code")
        return by_code_index(office().keys.blind(code, "patient.identity_code"))
    if search.number is not None:
        try:
            return by_number(e164(search.number, office().region))
        except ValueError as error:
            raise Invalid.because(str(error), "number") from None
    return by_name((search.name or "").split()[:5])
