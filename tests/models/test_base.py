from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, insert, literal, select
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Mapped, mapped_column

from models.base import CONSTRAINT_NAMES, Base, Digest, Instant, Json, Sealed

HELSINKI = ZoneInfo("Europe/Helsinki")


class Weather(StrEnum):
    SUN = "sun"
    RAIN = "rain"


class Scratch(Base):
    """Tables of these tests alone, which the migrations do not know."""

    __abstract__ = True
    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)


class Diary(Scratch):
    __tablename__ = "diary"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[Instant]
    until: Mapped[Instant | None] = mapped_column(index=True)
    before: Mapped[Weather | None]
    weather: Mapped[Weather] = mapped_column(default=Weather.SUN)
    notes: Mapped[Json | None]
    body: Mapped[Sealed | None]
    found_by: Mapped[Digest | None]


NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def diary(database):
    """The database with the table of these tests."""
    Scratch.metadata.create_all(database.writer)
    return database


def write(database, **values):
    with database.transaction() as connection:
        connection.execute(insert(Diary), {"at": NOON} | values)


def read(database, column):
    with database.reading() as connection:
        return connection.execute(select(column).order_by(Diary.id)).scalars().all()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.timezones()))
def test_an_instant_comes_back_as_the_same_instant_in_utc(diary, instant):
    with diary.transaction() as connection:
        connection.execute(Diary.__table__.delete())
    write(diary, at=instant)

    [found] = read(diary, Diary.at)

    assert found == instant.astimezone(UTC)
    assert found.tzinfo is UTC


def test_an_instant_without_a_zone_is_refused(diary):
    with pytest.raises(StatementError, match="an instant needs a zone"):
        write(diary, at=datetime(2026, 3, 2, 12, 0))

    assert read(diary, Diary.at) == []


def test_instants_of_several_zones_sort_as_they_happened(diary):
    later = datetime(2026, 10, 25, 3, 30, tzinfo=HELSINKI, fold=1)
    sooner = datetime(2026, 10, 25, 3, 30, tzinfo=HELSINKI, fold=0)
    west = datetime(2026, 10, 24, 18, 45, tzinfo=timezone(timedelta(hours=-6)))
    for instant in (later, sooner, west):
        write(diary, at=instant)

    with diary.reading() as connection:
        found = connection.execute(select(Diary.at).order_by(Diary.at)).scalars().all()
        before = connection.execute(select(Diary.at).where(Diary.at < later)).scalars().all()

    assert found == [sooner.astimezone(UTC), west.astimezone(UTC), later.astimezone(UTC)]
    assert len(before) == 2


def test_an_instant_can_stand_in_the_text_of_a_statement(diary):
    instant = NOON + timedelta(microseconds=1)
    write(diary, at=instant)

    with diary.reading() as connection:
        statement = select(Diary.id).where(Diary.at == literal(instant, Diary.at.type, literal_execute=True))
        found = connection.execute(statement).scalars().all()

    assert len(found) == 1


def test_no_instant_is_none(diary):
    write(diary, until=None)

    assert read(diary, Diary.until) == [None]


def test_an_enum_is_kept_as_its_value_and_read_as_its_member(diary):
    write(diary, weather=Weather.RAIN)

    with diary.reading() as connection:
        kept = connection.exec_driver_sql("SELECT weather FROM diary").scalar_one()

    assert kept == "rain"
    assert read(diary, Diary.weather) == [Weather.RAIN]


@pytest.mark.parametrize("column", ["weather", "before"])
def test_the_database_itself_refuses_a_value_that_the_enum_does_not_have(diary, column):
    write(diary)

    with pytest.raises(IntegrityError, match=f"ck_diary_{column}_is_known"), diary.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE diary SET {column} = 'fog'")


@pytest.mark.parametrize(
    "document", [{}, [], {"fi": "Hammastarkastus", "n": [1, 2.5, None, True]}, [["08:00", "16:00"]]]
)
def test_a_document_comes_back_as_it_was_given(diary, document):
    write(diary, notes=document)

    assert read(diary, Diary.notes) == [document]


def test_no_document_is_null_and_not_the_word_null(diary):
    write(diary, notes=None)

    with diary.reading() as connection:
        found = connection.execute(select(Diary.id).where(Diary.notes.is_(None))).scalars().all()

    assert len(found) == 1


def test_octets_come_back_as_they_were_given(diary):
    octets = bytes(range(256))
    write(diary, body=octets, found_by=octets[:16])

    assert read(diary, Diary.body) == [octets]
    assert read(diary, Diary.found_by) == [octets[:16]]


def test_rows_are_numbered_by_the_database_in_order(diary):
    for _ in range(3):
        write(diary)

    ids = read(diary, Diary.id)

    assert ids == sorted(ids)
    assert len(set(ids)) == 3
