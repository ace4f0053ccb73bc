"""`python -m parser`: JSON lines in, JSON lines out (docs: interfaces, section 1). Needs no database."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

from parser.command import Command, Context, ContextKind, Interval
from parser.reading import parse


def main() -> None:
    """Read texts from standard input until it ends, and write what each means."""
    for line in sys.stdin:
        if line.strip():
            question = json.loads(line)
            print(json.dumps({"id": question.get("id"), **as_json(read(question))}, ensure_ascii=False))


def read(question: dict[str, Any]) -> Command:
    """Parse one line's object. Raises KeyError or ValueError when the object itself is wrong."""
    now = datetime.fromisoformat(question["now"])
    context = as_context(question.get("context") or "none", question.get("context_data") or {})
    return parse(question["text"], now, context, question.get("lang"))


def as_context(kind: str, data: dict[str, Any]) -> Context:
    """The context as interfaces.md writes it."""
    window = None
    if "from" in data:
        window = Interval(_local(data["from"]), _local(data["to"]) if data.get("to") else None)
    return Context(
        kind=ContextKind(kind),
        at=_local(data["at"]) if "at" in data else None,
        options=tuple(map(_local, data.get("options", ()))),
        window=window,
        visits=tuple(map(_local, data.get("visits", ()))),
        code=data.get("code"),
        language=data.get("language"),
    )


def as_json(command: Command) -> dict[str, Any]:
    """The command as `python -m parser` and `POST /parse` write it."""
    recur = command.recur
    return {
        "intent": command.intent,
        "topic": command.topic,
        "language": command.language,
        "name": command.name,
        "identity_code": command.identity_code,
        "identity_status": command.identity_status,
        "service": command.service,
        "when": _intervals(command.when),
        "ref": _intervals(command.ref),
        "recur": recur and {"weekdays": recur.weekdays and list(recur.weekdays), "from": recur.start, "to": recur.end},
        "choice": command.choice,
        "choice_code": command.choice_code,
        "score": command.score,
        "minutes": command.minutes,
        "emergency": command.emergency,
        "needs_human": command.needs_human,
        "confidence": command.confidence,
        "also": list(command.also),
        "reasons": list(command.reasons),
    }


def _intervals(intervals: tuple[Interval, ...] | None) -> list[dict[str, str | None]] | None:
    if intervals is None:
        return None
    return [{"from": _minute(one.start), "to": _minute(one.end) if one.end else None} for one in intervals]


def _minute(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")


def _local(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=None)


if __name__ == "__main__":
    main()
