"""Clinics and services."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Table

from api.access import actor
from api.blueprint import Answer, v1, versioned
from api.conditions import condition
from api.office import office
from api.paging import PageQuery
from api.schemas import ClinicPage, ClinicView, ServicePage, ServiceView
from api.spec import operation
from api.views import clinic_view, service_view
from handlers.entries import ClinicEntry, ServiceEntry
from handlers.refusals import Invalid, Unknown
from models.register import CLINIC, SERVICE, listed
from models.rows import find


@v1.put("/clinics/<string:key>")
@operation("write", "clinics", ClinicView, made=True, errors=(409, 412))
def put_clinic(key: str, json: ClinicEntry) -> Answer:
    """Make or change a clinic."""
    done = office().clerk.put_clinic(actor(), key, json, office().clock(), condition())
    return versioned(clinic_view(_clinic(key)), created=done.created)


@v1.get("/clinics/<string:key>")
@operation("read", "clinics", ClinicView, errors=(404,))
def get_clinic(key: str) -> Answer:
    """Read a clinic."""
    return versioned(clinic_view(_clinic(key)))


@v1.get("/clinics")
@operation("read", "clinics", ClinicPage)
def list_clinics(query: PageQuery) -> dict[str, Any]:
    """List the clinics that this key belongs to."""
    rows, cursor = _page(CLINIC, query)
    return {"items": [clinic_view(row) for row in rows if actor().may_touch(row.key)], "cursor": cursor}


@v1.put("/services/<string:key>")
@operation("write", "services", ServiceView, made=True, errors=(409, 412))
def put_service(key: str, json: ServiceEntry) -> Answer:
    """Make or change a service. It takes a key that is not limited to some clinics."""
    done = office().clerk.put_service(actor(), key, json, office().clock(), condition())
    return versioned(service_view(_service(key)), created=done.created)


@v1.get("/services/<string:key>")
@operation("read", "services", ServiceView, errors=(404,))
def get_service(key: str) -> Answer:
    """Read a service."""
    return versioned(service_view(_service(key)))


@v1.get("/services")
@operation("read", "services", ServicePage)
def list_services(query: PageQuery) -> dict[str, Any]:
    """List the services."""
    rows, cursor = _page(SERVICE, query)
    return {"items": [service_view(row) for row in rows], "cursor": cursor}


def _clinic(key: str) -> Row[Any]:
    if not actor().may_touch(key):
        raise Unknown.because("no such clinic")
    return _row(CLINIC, key, "clinic")


def _service(key: str) -> Row[Any]:
    return _row(SERVICE, key, "service")


def _row(table: Table, key: str, what: str) -> Row[Any]:
    with office().database.reading() as connection:
        row = find(connection, table, key)
    if row is None:
        raise Unknown.because(f"no such {what}")
    return row


def _page(table: Table, query: PageQuery) -> tuple[list[Row[Any]], str | None]:
    cursor = query.cursor or "0"
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 18):
        raise Invalid.because("expected a cursor from an earlier answer", "cursor")
    with office().database.reading() as connection:
        rows = listed(connection, table, int(cursor), query.limit + 1)
    more = len(rows) > query.limit
    return list(rows[: query.limit]), str(rows[query.limit - 1].id) if more else None
