"""Climbing the ladder: a command is carried out for whoever the text shows it may be carried out for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from handlers import family, unmet
from handlers.case import Case
from handlers.decision import Decision
from handlers.discretion import discreet
from handlers.identity import Standing, Verdict, stand
from handlers.rules import clinic_of
from handlers.wishes import covers, names_one_day
from models.changes import ProveNumber, RecordFailure
from models.facts import SlotSearch, VisitFacts
from parser.command import Intent, Interval

_BY_DATE = frozenset({Intent.CANCEL, Intent.CONFIRM, Intent.RESCHEDULE})


def climb(case: Case, handler: Callable[[Case], Decision | SlotSearch]) -> Decision | SlotSearch:
    """Have *handler* decide when the writer is identified (L2), or named the date of a visit we texted here (L1)."""
    standing = stand(case.command, case.facts)
    if standing.verdict is Verdict.KNOWN:
        decision = handler(known(case, standing))
        return decision if standing.told or isinstance(decision, SlotSearch) else discreet(case, standing, decision)
    if standing.verdict is Verdict.MISSING and _names_a_visit(case):
        visit = _texted_visit(case)
        if visit is not None:
            return handler(opened_by(case, visit))
        case = replace(case, changes=(*case.changes, RecordFailure(case.thread.number, None)))
    return unmet.decide(case, standing)


def known(case: Case, standing: Standing) -> Case:
    """The case of an identified writer (L2), with the session that a code begins."""
    owner = standing.owner
    assert owner is not None
    thread, changes = case.thread, case.changes
    if standing.by_code and standing.told:
        until = case.facts.now + case.facts.rules.session
        thread = replace(thread, session_patient_id=owner.id, session_until=until)
    if standing.proves:
        changes = (*changes, ProveNumber(thread.number, owner.id))
    return replace(
        case, level=2, owner=owner, people=standing.people, named=standing.named, thread=thread, changes=changes
    )


def opened_by(case: Case, visit: VisitFacts) -> Case:
    """The case of a writer who may do something with this one visit only (L1)."""
    person = case.facts.people[visit.patient_id]
    return replace(case, level=1, people=(person,), only=visit)


def _names_a_visit(case: Case) -> bool:
    return case.command.intent in _BY_DATE and names_one_day(_named_spans(case))


def _texted_visit(case: Case) -> VisitFacts | None:
    """The visit on the named date whose time we texted to this number, if there is just one."""
    ids = {person.id for person in family.reachable(case.facts)}
    named = _named_spans(case) or ()
    found = [
        visit
        for visit in case.facts.visits
        if visit.id in case.facts.texted_visits
        and visit.patient_id in ids
        and not family.speaks_of_another(case.command.about, case.facts.people[visit.patient_id], case.facts)
        and covers(named, case.local(visit.starts_at, clinic_of(visit, case.facts)).replace(tzinfo=None))
    ]
    return found[0] if len(found) == 1 and found[0].starts_at > case.facts.now else None


def _named_spans(case: Case) -> tuple[Interval, ...] | None:
    """The time of the visit meant: for a move only the old one, never the wish."""
    command = case.command
    return command.ref or (None if command.intent is Intent.RESCHEDULE else command.when)
