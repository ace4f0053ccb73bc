"""The words of a reply: its message in its languages, and the tail that follows."""

from __future__ import annotations

from handlers.decision import Reply
from lang.messages import render


def body(reply: Reply, language: str | None) -> str:
    """Return the text of *reply*; *language* is used where the reply names none."""
    languages = reply.languages or (language or "",)
    return "\n".join(_in_one(reply, each) for each in languages)


def _in_one(reply: Reply, language: str) -> str:
    said = render(reply.message, language, reply.blanks)
    return said if reply.tail is None else f"{said} {render(reply.tail, language, reply.blanks)}"
