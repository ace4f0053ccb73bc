"""Contact numbers: as people write them → as the carrier needs them."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


@lru_cache(maxsize=4096)
def e164(written: str, region: str) -> str:
    """The number as E.164; *region* is where a number without a country code is from. Raises `ValueError`."""
    try:
        number = phonenumbers.parse(written, region)
    except NumberParseException:
        raise ValueError("expected a phone number such as +358405550101") from None
    if not phonenumbers.is_valid_number(number):
        raise ValueError("expected a phone number that can exist")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


@lru_cache(maxsize=4096)
def mobile(written: str, region: str) -> str:
    """The mobile number as E.164. Raises `ValueError` for a landline, which gets no texts, and for what is none."""
    number = e164(written, region)
    if phonenumbers.number_type(phonenumbers.parse(number)) not in MOBILE:
        raise ValueError("expected a mobile number: a landline gets no texts")
    return number
