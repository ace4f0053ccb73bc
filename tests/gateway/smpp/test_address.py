"""Addresses as carriers write them, and as we know them."""

from __future__ import annotations

import pytest

from gateway.smpp.address import read_address, write_address


@pytest.mark.parametrize(
    ("ton", "digits", "meant"),
    [
        (1, "358405550101", "+358405550101"),
        (0, "358405550101", "+358405550101"),
        (1, "+358405550101", "+358405550101"),
        (0, "00358405550101", "+358405550101"),
        (2, "0405550101", "+358405550101"),
        (1, "0405550101", "+358405550101"),
        (2, "405550101", "+358405550101"),
        (1, "46705550101", "+46705550101"),
        (0, "46705550101", "46705550101"),
        (3, "15400", "15400"),
        (1, "15400", "15400"),
        (5, "Kela", "Kela"),
        (5, "358405550101", "358405550101"),
        (0, "", ""),
        (0, " 358405550101 ", "+358405550101"),
    ],
)
def test_a_number_is_known_however_the_carrier_marks_it(ton, digits, meant):
    assert read_address(ton, digits, "358") == meant


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("+358405550101", (1, 1, "358405550101")),
        ("15400", (3, 0, "15400")),
        ("Hammas", (5, 0, "Hammas")),
    ],
)
def test_an_address_goes_out_with_the_type_it_has(address, wire):
    assert write_address(address) == wire
