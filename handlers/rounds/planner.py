"""The planner: whenever a visit or a rule has changed, what is to be said about the visit is planned anew.

A visit is planned for one of its versions; every change makes another. So nobody who changes a visit has to think of
its reminders, and a change made while no worker ran is found by the next round.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from handlers import provisional, reminders
from handlers.reminders import UNREADABLE, Plan, TimedRules, Visit
from handlers.rounds.batches import Batches
from models import planning, queries, reminding
from models.database import Database
from models.facts import Catalogue, ClinicFacts, ServiceFacts
from models.reminding import Settled
from models.states import COMING, ReminderKind, ReminderState

BATCH = 500  # visits in one transaction: some tens of milliseconds

log = structlog.get_logger("planner")


class Planner(Batches[Row[Any]]):
    """Keeps the plans of all visits as the visits and the rules are."""

    item = "visit"
    most_batches = 10  # so that reminders have their turn

    def __init__(self, database: Database, rules: TimedRules) -> None:
        super().__init__(database)
        self._rules = rules
        self._catalogue = Catalogue(-1, {}, {})
        self._checked: int | None = None  # the revision of the catalogue whose rules have been compared

    def run(self, now: datetime) -> int:
        """Plan what wants planning; returns how many visits."""
        self._compare_rules(now)
        return super().run(now)

    # --- rules --------------------------------------------------------------------------------------------------

    def _compare_rules(self, now: datetime) -> None:
        """Have visits planned anew whose clinic or service has other rules than they were planned by."""
        with self._database.reading() as connection:
            revision = queries.revision_of_catalogue(connection)
            if revision == self._checked:
                return
            written = _written(queries.read_catalogue(connection), self._rules)
            known = planning.rules_planned_by(connection)
        changed = {name for name, rules in written.items() if known.get(name) != rules}
        if changed or known.keys() - written.keys():
            with self._database.transaction() as connection:
                clinics, services = _ids(changed, "clinic"), _ids(changed, "service")
                planning.plan_anew(connection, written, clinics, services, now)
        self._checked = revision

    # --- visits -------------------------------------------------------------------------------------------------

    def _has_work(self, now: datetime) -> bool:  # noqa: ARG002 - a visit wants planning whenever that is
        with self._database.reading() as connection:
            return planning.is_any_unplanned(connection)

    def _take(self, connection: Connection, now: datetime) -> Sequence[Row[Any]]:  # noqa: ARG002
        reminding.go_by_index(connection)
        return planning.take_unplanned(connection, BATCH)

    def _take_one(self, connection: Connection, id_: int) -> Sequence[Row[Any]]:
        reminding.go_by_index(connection)
        return planning.take_unplanned_one(connection, id_)

    def _next_ids(self, connection: Connection, now: datetime) -> Sequence[int]:  # noqa: ARG002
        return planning.unplanned_ids(connection, BATCH)

    def _give_up(self, connection: Connection, id_: int, now: datetime) -> int:
        """A visit that cannot even be read stands on the list of those not reminded."""
        planning.add(connection, [_unreadable(id_, now, now)])
        planning.leave_unplanned(connection, id_)
        return 1

    def _do(self, connection: Connection, items: Sequence[Row[Any]], now: datetime) -> None:
        # The rules are read when the visits are held: whoever changes them later finds these visits planned, and has
        # them planned anew.
        self._catalogue = queries.fresh_catalogue(connection, self._catalogue)
        standing = reminding.reminders_of(connection, [visit.id for visit in items])
        new: list[dict[str, Any]] = []
        settled: list[Settled] = []
        for visit in items:
            plans = self._plans(visit, now)
            if plans is None:
                new.append(_unreadable(visit.id, visit.starts_at, now))
                plans = ()
            wanted = {(plan.kind, plan.step): plan for plan in plans}
            rows = standing.get(visit.id, [])
            settled += _adjusted(visit, rows, wanted)
            known = {(row.kind, row.step) for row in rows if row.for_start == visit.starts_at}
            new += [_row(visit, plan) for key, plan in wanted.items() if key not in known and _is_ahead(plan, visit)]
        reminding.settle(connection, settled, now)
        planning.set_planned(connection, items)
        reminding.only_add(connection)
        planning.add(connection, new)

    def _plans(self, visit: Row[Any], now: datetime) -> tuple[Plan, ...] | None:
        """What is to be said about *visit*; None where its rules cannot be read."""
        if visit.status not in COMING or visit.starts_at <= now:
            return ()
        clinic = self._catalogue.clinics.get(visit.clinic_id)
        service = self._catalogue.services.get(visit.service_id)
        if clinic is None or service is None:
            return None
        about = Visit(visit.starts_at, visit.status, visit.changed_at)
        try:
            found = [plan(about, service, clinic, self._rules) for plan in (reminders.plan, provisional.plan)]
        except (ValueError, OverflowError):
            log.error("visit_not_planned", appointment_id=visit.id)
            return None
        return (*found[0], *found[1])


def _is_ahead(plan: Plan, visit: Row[Any]) -> bool:
    """Whether the step was still to come when the visit was made: a booking inside a step's window skips it."""
    return bool(plan.due_at > visit.changed_at)


def _adjusted(
    visit: Row[Any], rows: Iterable[Row[Any]], wanted: Mapping[tuple[ReminderKind, str], Plan]
) -> Iterator[Settled]:
    """What the rows that there are become: those of another time, or that nobody needs any more, are withdrawn."""
    for row in rows:
        current = row.for_start == visit.starts_at and visit.status in COMING
        plan = wanted.get((row.kind, row.step)) if current else None
        if row.state is ReminderState.PLANNED:
            if row.kind is ReminderKind.PUSH and current:
                continue
            if plan is None:
                yield Settled(row.id, ReminderState.WITHDRAWN, row.due_at, _why(visit, row))
            elif plan.due_at != row.due_at:
                yield Settled(row.id, ReminderState.PLANNED, plan.due_at)
        elif row.state is ReminderState.WITHDRAWN and plan is not None and _is_ahead(plan, visit):
            yield Settled(row.id, ReminderState.PLANNED, plan.due_at)


def _why(visit: Row[Any], row: Row[Any]) -> str:
    if visit.status not in COMING:
        return str(visit.status.value)
    return "moved" if row.for_start != visit.starts_at else "not_needed"


def _row(visit: Row[Any], plan: Plan) -> dict[str, Any]:
    return {
        "appointment_id": visit.id,
        "kind": plan.kind,
        "step": plan.step,
        "for_start": visit.starts_at,
        "due_at": plan.due_at,
        "reason": None,
        "settled_at": None,
    }


def _unreadable(visit_id: int, for_start: datetime, now: datetime) -> dict[str, Any]:
    """A visit that cannot be read, or whose rules cannot, stands on the list of those not reminded."""
    return {
        "appointment_id": visit_id,
        "kind": ReminderKind.REMINDER,
        "step": "?",
        "for_start": for_start,
        "due_at": now,
        "state": ReminderState.NOT_SENT,
        "reason": UNREADABLE,
        "settled_at": now,
    }


# --- the rules in writing -----------------------------------------------------------------------------------------


def _written(catalogue: Catalogue, rules: TimedRules) -> dict[str, str]:
    """What plans depend on, by clinic and by service, in a form that can be compared."""
    clinics = {f"clinic:{id_}": _of_clinic(clinic) for id_, clinic in catalogue.clinics.items()}
    services = {f"service:{id_}": _of_service(service, rules) for id_, service in catalogue.services.items()}
    return clinics | services


def _of_clinic(clinic: ClinicFacts) -> str:
    return clinic.zone.key


def _of_service(service: ServiceFacts, rules: TimedRules) -> str:
    steps = service.reminder_steps
    own = [None if steps is None else list(steps), service.lapse]
    common = [str(rules.steps), str(rules.quiet), str(rules.ask), str(rules.lapse)]
    return json.dumps([own, common])


def _ids(names: Iterable[str], kind: str) -> list[int]:
    return [int(name.partition(":")[2]) for name in names if name.startswith(f"{kind}:")]
