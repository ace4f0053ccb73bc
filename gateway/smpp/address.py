"""Addresses on the wire and in the house: type of number and numbering plan on one side, E.164 on the other."""

from __future__ import annotations

from typing import NamedTuple

INTERNATIONAL, NATIONAL, SHORT_CODE, ALPHANUMERIC = 1, 2, 3, 5  # TON, SMPP 3.4 section 5.2.5
E164_PLAN = 1  # NPI, section 5.2.6

_SHORTEST_NUMBER = 7  # digits; below that it is a short code, whatever its type says
_SUBSCRIBER_DIGITS = 6  # fewest behind a country's code


class WireAddress(NamedTuple):
    """An address as SMPP has it."""

    ton: int
    npi: int
    digits: str


def read_address(ton: int, digits: str, calling_code: str) -> str:
    """Return the address as E.164 where it is a phone number, else (a short code, a name) as the carrier wrote it.

    Carriers mark numbers carelessly, so what the digits say counts where it is clear: "+358…", "00358…" and "358…" are
    international and "040…" is national under any type. *calling_code* is the country of national numbers.
    """
    bare = digits.strip()
    if bare.startswith("+"):
        return bare
    if not bare.isascii() or not bare.isdigit() or len(bare) < _SHORTEST_NUMBER or ton == ALPHANUMERIC:
        return bare
    if bare.startswith("00"):
        return "+" + bare[2:]
    if bare.startswith("0"):
        return f"+{calling_code}{bare[1:]}"
    if ton == INTERNATIONAL:
        return "+" + bare
    if bare.startswith(calling_code) and len(bare) >= len(calling_code) + _SUBSCRIBER_DIGITS:
        return "+" + bare
    return f"+{calling_code}{bare}" if ton == NATIONAL else bare


def write_address(address: str) -> WireAddress:
    """Return how *address* goes out: E.164 as international, other digits as a short code, the rest as a name."""
    if address.startswith("+") and address[1:].isdigit():
        return WireAddress(INTERNATIONAL, E164_PLAN, address[1:])
    if address.isascii() and address.isdigit():
        return WireAddress(SHORT_CODE, 0, address)
    return WireAddress(ALPHANUMERIC, 0, address)
