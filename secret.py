"""The secret that every key is derived from: from the environment, from a file, or made once in data_dir."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

import structlog

from settings import Settings

VARIABLE = "TEKSTARI_SECRET_KEY"
MADE_FILE = "secret.key"
LEAST_BYTES = 32

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_log = structlog.get_logger("secret")


class SecretError(Exception):
    """There is no secret that could be used; says where it was looked for, never what was found."""


def load_secret(settings: Settings, environ: Mapping[str, str] = os.environ) -> bytes:
    """Return 32 bytes or more: from TEKSTARI_SECRET_KEY, else service.secrets_file, else data_dir/secret.key.

    The last is made when it is not there. Processes that start together agree on one, and it is never overwritten.
    Raises SecretError.
    """
    if value := environ.get(VARIABLE):
        return read_secret(value, VARIABLE)
    if settings.service.secrets_file is not None:
        return _from_file(settings.service.secrets_file)
    path = make_data_dir(settings) / MADE_FILE
    if not path.exists() and _make(path):
        _log.warning("secret_made", path=str(path), advice=f"keep a copy; set {VARIABLE} or secrets_file in production")
    return _from_file(path)


def make_data_dir(settings: Settings) -> Path:
    """Return service.data_dir, made for this user alone when it is not there."""
    path = settings.service.data_dir
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def read_secret(text: str, source: str) -> bytes:
    """Return the bytes of *text*: hex, base64, or any long string as it is; *source* names it in SecretError."""
    text = text.strip()
    value = bytes.fromhex(text) if _HEX.fullmatch(text) else _from_base64(text) or text.encode()
    if len(value) < LEAST_BYTES:
        raise SecretError(
            f"{source}: {len(value)} bytes; expected {LEAST_BYTES} or more, as hex, base64 or a long string"
        )
    return value


def _from_base64(text: str) -> bytes | None:
    """The bytes of base64 in either alphabet; None when it is none, or too short (a passphrase may look like it)."""
    try:
        value = base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        return None
    return value if len(value) >= LEAST_BYTES else None


def _from_file(path: Path) -> bytes:
    try:
        text = path.read_text(encoding="utf-8")
        mode = path.stat().st_mode & 0o777
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"{path}: cannot be read ({type(error).__name__}); expected a secret key") from None
    if mode & 0o077:
        _log.warning("secret_readable_by_others", path=str(path), mode=f"{mode:o}")
    return read_secret(text, str(path))


def _make(path: Path) -> bool:
    """Make *path* with a new secret, all of it or nothing; False when another process was first."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(secrets.token_hex(LEAST_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails when it is there: unlike a rename it never overwrites
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
