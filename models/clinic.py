"""The clinic and its rules: places, services, practitioners. Few rows, read often, changed by the clinic's programs."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json


class Clinic(Base):
    """A place with opening hours, reached at a service number that it may share with others."""

    __tablename__ = "clinic"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)  # the clinic system's own id
    name: Mapped[Json]  # {"fi", "sv", "en"}
    number: Mapped[str] = mapped_column(index=True)  # the service number, E.164
    phone: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    timezone: Mapped[str]
    hours: Mapped[Json]  # {"mon": [["08:00", "16:00"]], …}
    cutoff: Mapped[str | None]  # "24h" or "previous_working_day 14:00"
    urgent: Mapped[Json]  # {"emergency": "112", "advice": "116117", "crisis_line"?, "on_call"?}
    version: Mapped[int] = mapped_column(default=1)


class Service(Base):
    """A kind of visit and what patients may do with it by text."""

    __tablename__ = "service"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[Json]
    minutes: Mapped[int]
    kind: Mapped[str]  # checkup, hygiene, pain, …: what the parser calls it
    patient_may: Mapped[Json]  # some of ["book", "cancel", "move", "confirm"]
    cutoff: Mapped[str | None]
    lapse: Mapped[str | None]
    reminder_steps: Mapped[Json | None]
    synonyms: Mapped[Json]  # {"fi": [...]}
    version: Mapped[int] = mapped_column(default=1)


class Practitioner(Base):
    """Who gives a service."""

    __tablename__ = "practitioner"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(default="")


class Heartbeat(Base):
    """When a process or a kind of timed work last ran, and what it said of itself."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(primary_key=True)  # "gateway:<host>:<pid>", "sweep", …
    at_ms: Mapped[int]  # Unix time in milliseconds
    data: Mapped[Json]


class Catalogue(Base):
    """One row whose *revision* grows with every change of clinics and services, so that readers may keep a copy."""

    __tablename__ = "catalogue"

    id: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[int]


__all__ = ["Catalogue", "Clinic", "Heartbeat", "Practitioner", "Service"]
