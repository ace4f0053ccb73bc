"""API keys and members of staff: made, found, ended. Only digests and hashes are kept."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Row, Table, select

from models.crypto import Keys
from models.rows import insert_row
from models.staff import ApiKey, User

API_KEY = cast(Table, ApiKey.__table__)
USER = cast(Table, User.__table__)
MARK = "tks_"  # by which a key is known where it should not be: in a log, in a repository
_PURPOSE = "api_key.digest"


def make_key(
    connection: Connection,
    keys: Keys,
    name: str,
    scopes: Collection[str],
    clinics: Collection[str] | None,
    now: datetime,
) -> str:
    """Make an API key and return it; nobody can read it again."""
    key = MARK + secrets.token_urlsafe(32)
    values: dict[str, Any] = {
        "name": name,
        "digest": keys.blind(key, _PURPOSE),
        "scopes": sorted(scopes),
        "clinics": None if clinics is None else sorted(clinics),
        "created_at": now,
    }
    insert_row(connection, API_KEY, values)
    return key


def find_key(connection: Connection, keys: Keys, key: str) -> Row[Any] | None:
    """The row of a key that is in force."""
    mine = API_KEY.c.digest == keys.blind(key, _PURPOSE)
    return connection.execute(select(API_KEY).where(mine, API_KEY.c.revoked_at.is_(None))).first()


def make_user(
    connection: Connection, name: str, password_hash: str, role: str, clinics: Collection[str] | None, now: datetime
) -> int:
    """Make a member of staff and return their id. Raises `IntegrityError` where the name is taken."""
    values: dict[str, Any] = {
        "name": name,
        "password": password_hash,
        "role": role,
        "clinics": None if clinics is None else sorted(clinics),
        "created_at": now,
    }
    return insert_row(connection, USER, values)
