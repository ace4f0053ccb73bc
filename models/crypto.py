"""Sealing and blind indexes: what a stolen database or backup does not tell (product.md section 10).

Sealed values are AES-256-GCM, bound to their table, column and row, so that they cannot be altered or moved to another
row unseen. Look-ups of sealed values go by a keyed digest (HMAC-SHA-256) under a key of its own.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_BYTES = 32  # the least that a secret must have
NONCE_BYTES = 12  # random: one key may seal 2**32 values (NIST SP 800-38D section 8.3), decades of a busy clinic
TAG_BYTES = 16
SURROGATES = "surrogatepass"  # half an emoji, as handsets send it at the end of a part, is sealed like any other text


class SealBroken(Exception):
    """A sealed value does not open: another key, another row or column, or altered bytes. It never says of what."""


class Keys:
    """The keys made from the clinic's secret.

    Values are sealed with the newest secret and open with any of the *retired* ones too: the first byte of a sealed
    value says which. Blind indexes know the newest alone: whoever changes the secret writes them anew.
    """

    __slots__ = ("_index_key", "_key_id", "_openers", "_sealer")

    def __init__(self, secret: bytes, retired: Sequence[bytes] = ()) -> None:
        """Raise `ValueError` for a secret under 32 bytes, or for two whose key ids are the same (1 in 256)."""
        secrets = (secret, *retired)
        if any(len(each) < SECRET_BYTES for each in secrets):
            raise ValueError(f"a secret needs at least {SECRET_BYTES} bytes")
        self._openers = {_derive(each, "key id", 1): AESGCM(_derive(each, "seal", 32)) for each in secrets}
        if len(self._openers) != len(secrets):
            raise ValueError("two secrets have the same key id: make the new one again")
        self._key_id = _derive(secret, "key id", 1)
        self._sealer = self._openers[self._key_id]
        self._index_key = _derive(secret, "blind index", 32)

    def seal(self, plain: bytes, aad: bytes) -> bytes:
        """Encrypt *plain* so that it opens only beside the same *aad*: key id, nonce, ciphertext and tag."""
        nonce = os.urandom(NONCE_BYTES)
        return self._key_id + nonce + self._sealer.encrypt(nonce, plain, aad)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """Decrypt what `seal` made with the same *aad*. Raises `SealBroken`."""
        opener = self._openers.get(sealed[:1])
        if opener is None:
            raise SealBroken("sealed with a key that we do not have")
        if len(sealed) < 1 + NONCE_BYTES + TAG_BYTES:
            raise SealBroken("too short to be a sealed value")
        try:
            return opener.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], aad)
        except InvalidTag:
            raise SealBroken("altered, or sealed for another row or column") from None

    def blind(self, value: str | bytes, purpose: str) -> bytes:
        """A keyed digest (32 bytes) by which equal values of one *purpose* ("patient.identity_code") are found.

        Normalise the *value* first. The digests of one value for two purposes have nothing in common.
        """
        data = value.encode() if isinstance(value, str) else value
        return hmac.digest(self._index_key, purpose.encode() + b"\0" + data, "sha256")


def seal_text(keys: Keys, column: str, row: str | int, text: str) -> bytes:
    """Seal *text* for *column* ("outbox.body") of the row that is known by *row*: a public id or key, never reused."""
    return keys.seal(text.encode(errors=SURROGATES), _place(column, row))


def open_text(keys: Keys, column: str, row: str | int, sealed: bytes) -> str:
    """Open what `seal_text` made for the same *column* and *row*. Raises `SealBroken`."""
    return keys.open(sealed, _place(column, row)).decode(errors=SURROGATES)


def seal_bytes(keys: Keys, column: str, row: str | int, data: bytes) -> bytes:
    """Seal raw octets as `seal_text` seals a text."""
    return keys.seal(data, _place(column, row))


def open_bytes(keys: Keys, column: str, row: str | int, sealed: bytes) -> bytes:
    """Open what `seal_bytes` made for the same *column* and *row*. Raises `SealBroken`."""
    return keys.open(sealed, _place(column, row))


def _place(column: str, row: str | int) -> bytes:
    return f"{column}\0{row}".encode()


def _derive(secret: bytes, purpose: str, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=b"tekstari", info=purpose.encode()).derive(secret)
