"""Is it real? Whether we texted this number in the last seven days, since clinics' texts are phished."""

from __future__ import annotations

from handlers import hours
from handlers.case import Case
from handlers.decision import Decision


def decide(case: Case) -> Decision:
    """Say when we last texted this number, or that we have not."""
    sent = case.facts.last_sent_at
    if sent is None:
        return case.answer("not_ours", "real_no", {"phone": hours.phone(case.facts.clinic)})
    return case.answer("ours", "real_yes", {"when": case.local(sent)})
