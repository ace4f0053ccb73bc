from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, InvalidRequestError, OperationalError

from models.database import FILE_NAME, connect, is_away, is_conflict, wait_for_database
from models.schema import migrate
from tests.servers import PostgreSQL

NUMBER = "+358405550199"


class Waiting:
    """A log and a pause that a test can look into; *then* is done at the first pause."""

    def __init__(self, then=lambda: None, stop=False):
        self.lines, self.pauses, self._then, self._stop = [], [], then, stop

    def warning(self, event, **fields):
        self.lines.append((event, fields))

    def pause(self, seconds):
        self.pauses.append(seconds)
        self._then()
        return self._stop


@pytest.fixture
def notes(database):
    """The database with a table of its own."""
    with database.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE note (number VARCHAR PRIMARY KEY, n INTEGER)")
    return database


def write(connection, n=1, number=NUMBER):
    connection.exec_driver_sql(f"INSERT INTO note VALUES ('{number}', {n})")


def write_twice(database):
    with database.transaction() as connection:
        write(connection)
        write(connection)


def notes_in(database):
    with database.reading() as connection:
        return connection.exec_driver_sql("SELECT n FROM note ORDER BY n").scalars().all()


def in_thread(work):
    """Do *work* in a thread of its own; returns the error that ended it, or None."""
    errors = []

    def run():
        try:
            work()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return errors[0] if errors else None


def test_what_a_transaction_wrote_is_there_when_it_ends(notes):
    with notes.transaction() as connection:
        write(connection)

    assert notes_in(notes) == [1]


def test_nothing_of_a_transaction_that_raised_is_there(notes):
    def fail_after_writing():
        with notes.transaction() as connection:
            write(connection)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_writing()

    assert notes_in(notes) == []


def test_a_thread_is_as_good_as_new_after_a_transaction_that_raised(notes):
    with pytest.raises(IntegrityError):
        write_twice(notes)

    with notes.transaction() as connection:
        write(connection)

    assert notes_in(notes) == [1]


def test_a_reading_sees_one_moment_and_waits_for_no_writer(notes):
    with notes.transaction() as connection:
        write(connection)

    with notes.reading() as reading:
        before = reading.exec_driver_sql("SELECT count(*) FROM note").scalar_one()
        with notes.transaction() as connection:
            write(connection, 2, "other")
            during = reading.exec_driver_sql("SELECT count(*) FROM note").scalar_one()
        after = reading.exec_driver_sql("SELECT count(*) FROM note").scalar_one()

    assert (before, during, after) == (1, 1, 1)
    assert notes_in(notes) == [1, 2]


def test_a_reading_cannot_write(notes):
    with pytest.raises(Exception, match=r"readonly|read-only"), notes.reading() as connection:
        write(connection)

    assert notes_in(notes) == []


def test_every_thread_has_transactions_of_its_own(notes):
    def count_up():
        for _ in range(20):
            with notes.transaction() as connection:
                connection.exec_driver_sql("UPDATE note SET n = n + 1")

    with notes.transaction() as connection:
        write(connection, 0)
    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert notes_in(notes) == [80]


def test_a_transaction_inside_a_transaction_is_a_mistake_on_sqlite_and_not_a_deadlock(sqlite_database):
    with (
        pytest.raises(InvalidRequestError, match="already"),
        sqlite_database.transaction(),
        sqlite_database.transaction(),
    ):
        pass


def test_a_database_can_be_closed_and_used_again(notes):
    with notes.transaction() as connection:
        write(connection)
    notes.close()

    assert notes_in(notes) == [1]


# Errors are told apart by what helps.


def test_a_row_that_another_holds_is_a_conflict_and_not_an_outage(notes, monkeypatch):
    monkeypatch.setattr("models.engines.SQLITE_PRAGMAS", ("busy_timeout = 10",))  # of the thread's connection
    with notes.transaction() as connection:
        write(connection)

    def contend():
        with notes.transaction() as connection:
            if not notes.is_sqlite:
                connection.exec_driver_sql("SET LOCAL lock_timeout = 1")
            connection.exec_driver_sql("UPDATE note SET n = 3")

    with notes.transaction() as holding:
        holding.exec_driver_sql("UPDATE note SET n = 2")
        error = in_thread(contend)

    assert is_conflict(error)
    assert not is_away(error)


def test_a_deadlock_is_a_conflict(postgresql_database):
    database, meet = postgresql_database, threading.Barrier(2)
    with database.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE note (number VARCHAR PRIMARY KEY, n INTEGER)")
        write(connection, 1, "a")
        write(connection, 1, "b")
    errors = []

    def cross(first, second):
        try:
            with database.transaction() as connection:
                connection.exec_driver_sql("SET LOCAL deadlock_timeout = 10")
                connection.exec_driver_sql(f"UPDATE note SET n = 2 WHERE number = '{first}'")
                meet.wait()
                connection.exec_driver_sql(f"UPDATE note SET n = 2 WHERE number = '{second}'")
        except OperationalError as error:
            errors.append(error)

    threads = [threading.Thread(target=cross, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [is_conflict(error) for error in errors] == [True]


def test_a_duplicate_is_neither_a_conflict_nor_an_outage_and_names_no_number(notes):
    with pytest.raises(IntegrityError) as duplicate:
        write_twice(notes)

    assert not is_conflict(duplicate.value)
    assert not is_away(duplicate.value)
    assert NUMBER not in str(duplicate.value.orig) + repr(duplicate.value.orig)


def test_the_parameters_of_a_failed_statement_are_not_in_its_error(notes):
    statement = text("INSERT INTO note VALUES (:number, 1)")

    with pytest.raises(IntegrityError) as failed, notes.transaction() as connection:
        connection.execute(statement, [{"number": NUMBER}, {"number": NUMBER}])

    assert NUMBER not in f"{failed.value} {failed.value!r}"


def test_a_mistake_in_a_statement_is_neither(database):
    with pytest.raises(Exception, match="nowhere") as mistake, database.reading() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")

    assert not is_conflict(mistake.value)
    assert not is_away(mistake.value)


def test_a_file_that_cannot_be_opened_is_an_outage(tmp_path):
    database = connect("", data_dir=tmp_path)
    (tmp_path / FILE_NAME).unlink()
    (tmp_path / FILE_NAME).mkdir()

    with pytest.raises(OperationalError) as away, database.reading():
        pass

    assert is_away(away.value)
    assert not is_conflict(away.value)


# What PostgreSQL need not do twice.


def test_a_statement_is_prepared_once_whatever_the_size_of_its_numbers(postgresql_database):
    statement = text("SELECT CAST(:small AS BIGINT) + CAST(:large AS BIGINT)")

    with postgresql_database.reading() as connection:
        for large in (1, 2**15, 2**31, 2**62) * 6:
            connection.execute(statement, {"small": 0, "large": large})
        prepared = connection.exec_driver_sql("SELECT statement FROM pg_prepared_statements").scalars().all()

    assert len([each for each in prepared if "BIGINT" in each]) == 1


# A server that goes and comes back.


@pytest.fixture
def server():
    with PostgreSQL() as server:
        yield server


def test_a_transaction_cut_off_by_a_restart_is_an_outage_and_the_next_one_works(server):
    database = connect(server.url(), data_dir=Path())

    def be_cut_off():
        with database.transaction() as connection:
            server.stop()
            server.start()
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(OperationalError) as cut:
        be_cut_off()

    assert is_away(cut.value)
    with database.transaction() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1


def test_connections_that_died_while_idle_are_replaced_without_an_error(server, monkeypatch):
    database = connect(server.url(), data_dir=Path())
    with database.transaction(), database.reading():
        pass
    monkeypatch.setattr("models.postgresql.IDLE_BEFORE_PING", 0.0)
    server.stop()
    server.start()

    with database.transaction() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1


def test_waiting_for_a_database_that_is_away_says_so_and_ends_when_it_is_back(server):
    server.stop()
    waiting = Waiting(then=server.start)

    there = wait_for_database(connect(server.url(), data_dir=Path()), waiting, waiting.pause)

    assert there
    assert [event for event, _ in waiting.lines] == ["database_away"]


def test_waiting_ends_when_the_process_is_to_stop(server):
    server.stop()
    waiting = Waiting(stop=True)

    assert not wait_for_database(connect(server.url(), data_dir=Path()), waiting, waiting.pause)


def test_waiting_grows_longer_up_to_a_bound(server):
    server.stop()
    waiting = Waiting()
    waiting._then = lambda: setattr(waiting, "_stop", len(waiting.pauses) == 8)

    wait_for_database(connect(server.url(), data_dir=Path()), waiting, waiting.pause)

    assert waiting.pauses == [0.25, 0.5, 1, 2, 4, 5, 5, 5]


def test_no_waiting_for_a_database_that_is_there(database):
    waiting = Waiting()

    assert wait_for_database(database, waiting, waiting.pause)
    assert waiting.lines == []


# What a SQLite file is.


def test_a_connection_to_sqlite_is_set_up_to_keep_what_it_commits(sqlite_database):
    with sqlite_database.transaction() as connection:
        said = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "temp_store")
        }

    assert said == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "temp_store": 2}


def test_octets_that_were_wiped_are_not_left_in_the_file(tmp_path):
    database = connect("", data_dir=tmp_path)
    with database.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE note (number VARCHAR PRIMARY KEY, n INTEGER)")
        write(connection)
    database.close()  # the last connection to close moves the log into the file
    written = (tmp_path / FILE_NAME).read_bytes()

    with database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM note")
    database.close()

    assert NUMBER.encode() in written
    assert NUMBER.encode() not in (tmp_path / FILE_NAME).read_bytes()


def test_the_file_and_its_log_are_their_owners_alone(tmp_path):
    previous = os.umask(0)
    try:
        database = connect("", data_dir=tmp_path / "var")
        with database.transaction() as connection:
            connection.exec_driver_sql("CREATE TABLE note (n INTEGER)")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "var").iterdir()}
    finally:
        os.umask(previous)

    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
    assert set(modes) == {FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"}
    assert set(modes.values()) == {0o600}


def test_what_is_written_after_another_process_has_left_is_not_lost(tmp_path):
    database = connect("", data_dir=tmp_path)
    migrate(database)
    connect("", data_dir=tmp_path)  # opens the file once more, as a migration does too
    with database.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE note (n INTEGER)")
    elsewhere(tmp_path, "SELECT count(*) FROM note")  # comes and goes: it must not think that it is the last

    with database.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO note VALUES (1)")

    assert elsewhere(tmp_path, "SELECT count(*) FROM note") == "(1,)"


def elsewhere(directory, query):
    """What another process reads."""
    program = f"import sqlite3; print(sqlite3.connect({str(directory / FILE_NAME)!r}).execute({query!r}).fetchone())"
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("url", ["mysql://user:word@host/db", "sqlite://", "sqlite:///:memory:", "nonsense"])
def test_another_database_is_refused_and_its_password_is_not_told(url, tmp_path):
    with pytest.raises(ValueError, match=r"SQLite|sqlite") as refused:
        connect(url, data_dir=tmp_path)

    assert "word" not in str(refused.value)


def test_a_clinic_on_sqlite_does_without_the_driver_of_the_other_database(tmp_path):
    program = (
        "import sys, gateway.__main__; from pathlib import Path; from models.database import connect;"
        " connect('', data_dir=Path(sys.argv[1])); sys.exit('psycopg' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], timeout=60).returncode == 0
