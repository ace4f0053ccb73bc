"""Who may use the house from outside: API keys, and requests that were made before."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Instant, Json


class ApiKey(Base):
    """A program's key: only its digest is kept. *clinics* None means all."""

    __tablename__ = "api_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[Json]
    clinics: Mapped[Json | None]  # keys of clinics
    created_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]


class User(Base):
    """A member of staff. The password is an argon2 hash."""

    __tablename__ = "staff_user"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str]
    role: Mapped[str]
    clinics: Mapped[Json | None]
    created_at: Mapped[Instant]
    disabled_at: Mapped[Instant | None]


class IdempotentRequest(Base):
    """The answer that a POST with this Idempotency-Key got: the same key gets the same answer."""

    __tablename__ = "idempotent_request"

    key: Mapped[str] = mapped_column(primary_key=True)  # "<api key id>:<Idempotency-Key>"
    request: Mapped[bytes]  # keyed digest of method, path and body
    status: Mapped[int]
    answer: Mapped[bytes]  # sealed JSON
    at: Mapped[Instant]
