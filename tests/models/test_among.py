"""One statement for lists of any length: the same rows as `column.in_(…)`, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from models.among import among
from models.patient import ContactNumber
from tests.rows import a_number, a_patient

NUMBERS = ["+358405550101", "+358405550102", '1", "2', "ä€😀", ""]


@pytest.fixture
def numbers(database):
    with database.transaction() as connection:
        patient = a_patient(connection)
        return {number: a_number(connection, patient, number) for number in NUMBERS}


def found(database, column, values):
    query = select(ContactNumber.id).where(among(column, "these")).order_by(ContactNumber.id)
    with database.reading() as connection:
        return list(connection.execute(query, {"these": values}).scalars())


@pytest.mark.parametrize("wanted", [[], NUMBERS[:1], NUMBERS[1:4], [*NUMBERS, "+358405550109"]])
def test_rows_with_one_of_these_texts(database, numbers, wanted):
    assert found(database, ContactNumber.number, wanted) == [numbers[each] for each in wanted if each in numbers]


@pytest.mark.parametrize("chosen", [slice(0), slice(1), slice(2, None), slice(None)])
def test_rows_with_one_of_these_ids(database, numbers, chosen):
    ids = list(numbers.values())[chosen]

    assert found(database, ContactNumber.id, {*ids, 2**40}) == ids


def test_a_repeated_value_finds_its_row_once(database, numbers):
    assert found(database, ContactNumber.id, [1, 1, 1]) == [1]
