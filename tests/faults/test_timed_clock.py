"""A whole trial on a moved clock: worker processes do what is due by it."""

from __future__ import annotations

from datetime import timedelta

from tests.faults.harness import a_service, wait_until
from tests.faults.workers import AWAKE, Worker, check_reminded, fall_due, left

MOVED = timedelta(days=4)


def test_a_worker_on_a_moved_clock_reminds_of_what_is_due_by_that_clock(tmp_path, monkeypatch):
    for name, value in (AWAKE | {"TEKSTARI_TEST": "1", "TEKSTARI_SERVICE__CLOCK_OFFSET": "4d"}).items():
        monkeypatch.setenv(name, value)
    with a_service("sqlite", tmp_path, 30) as service:
        soon, later = service.people[:20], service.people[20:]
        fall_due(service, soon, timedelta(seconds=1), after=MOVED)
        fall_due(service, later, timedelta(seconds=1), after=2 * MOVED)
        worker = Worker(service.configure(name="worker"))
        worker.start()
        wait_until(lambda: not left(service, soon), why=worker.log.read_text)

        check_reminded(service, soon)
        assert left(service, later) == len(later)
        assert worker.said("started_with_moved_clock")
        assert worker.stop() == 0
