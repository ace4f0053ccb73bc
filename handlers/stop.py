"""Stop and start: texts that we start go to this number, or not. Bookings stand; answers still come."""

from __future__ import annotations

from handlers import family
from handlers.case import Case
from handlers.decision import Decision
from models.changes import LiftStop, RecordConsent, SetStop
from models.facts import Choice, QuestionFacts
from models.states import HandOverReason, Purpose, QuestionKind, StopSource

KEEP = "keep"
_ENDS_ONLY = {
    QuestionKind.OFFER: (Purpose.OFFERS, "stopped_offers"),
    QuestionKind.SURVEY: (Purpose.SURVEYS, "stopped_surveys"),
}
_EVERY = (Purpose.REMINDERS, Purpose.CARE, Purpose.OFFERS, Purpose.SURVEYS)


def stop(case: Case) -> Decision:
    """Stop every purpose at once, and offer to keep reminders; in answer to an offer or survey, that purpose only."""
    newest = case.facts.questions[-1] if case.facts.questions else None
    if newest is not None and newest.kind in _ENDS_ONLY:
        return _stop_one(case, newest)
    key = case.keys(1)[0]
    change = SetStop(case.thread.number, None, StopSource.STOP)
    return case.ask(
        QuestionKind.KEEP_REMINDERS,
        "stopped",
        {"key": key},
        [Choice(key, KEEP)],
        changes=() if _is_stopped(case) else [change],
    )


def _stop_one(case: Case, question: QuestionFacts) -> Decision:
    purpose, message = _ENDS_ONLY[question.kind]
    return case.answer(message, message, changes=[SetStop(case.thread.number, purpose, StopSource.STOP)])


def start(case: Case) -> Decision:
    """Lift what a stop on this number set, and nothing else."""
    if family.is_disowned(case.facts):
        return case.hand_over(HandOverReason.WRONG_NUMBER)
    own = [stop for stop in case.facts.stops if stop.source is StopSource.STOP]
    if not own:
        return case.answer("not_stopped", "not_stopped")
    every = any(stop.purpose is None for stop in own)
    purposes = _EVERY if every else tuple(stop.purpose for stop in own if stop.purpose is not None)
    records = [RecordConsent(None, case.thread.number, purpose, True, "started") for purpose in purposes]
    return case.answer("started", "started", changes=[LiftStop(case.thread.number, StopSource.STOP), *records])


def keep_reminders(case: Case) -> Decision:
    """The answer to the stop: reminders go on, nothing else does."""
    number = case.thread.number
    lifted = LiftStop(number, StopSource.STOP, Purpose.REMINDERS)
    kept = RecordConsent(None, number, Purpose.REMINDERS, True, "stopped")
    return case.answer("reminders_kept", "reminders_kept", changes=[lifted, kept])


def _is_stopped(case: Case) -> bool:
    return any(stop.purpose is None and stop.source is StopSource.STOP for stop in case.facts.stops)
