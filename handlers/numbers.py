"""Which numbers are answered: mobile ones of the clinic's country (product.md section 2, no guessing)."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def is_answered(number: str, region: str) -> bool:
    """Whether *number* is a mobile number with the country code of *region*; names and short numbers are none."""
    import phonenumbers  # slow to import, and many processes never ask
    from phonenumbers import PhoneNumberType

    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return False
    ours = parsed.country_code == phonenumbers.country_code_for_region(region)
    mobile = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return ours and phonenumbers.number_type(parsed) in mobile
