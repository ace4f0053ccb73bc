"""What the rules for intents have to go by (`Evidence`) and what they say (`Verdict`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from parser.command import Context, Intent, Topic
from parser.signals import Signals


@dataclass(slots=True)
class Evidence:
    """A text's signals and the facts beside them.

    *digit* is a bare digit, *ordinal* the option named in words, *option* the one whose date or time is named; *wish* says
    that a time is mentioned which is not the open visit's, *dated* that any is, *times how many are, *same_time* that it is the open visit's or
    offer's own; *covered* is the share of words that we know, *only_thanks* whether nothing but politeness is there.
    """

    signals: Signals
    context: Context
    digit: int | None = None
    ordinal: int | None = None
    option: int | None = None
    code: str | None = None
    score: int | None = None
    wish: bool = False
    dated: bool = False
    times: int = 0
    denied: bool = False
    pair: bool = False
    recurs: bool = False
    same_time: bool = False
    service: str | None = None
    identified: bool = False
    named: bool = False
    question: bool = False
    words: int = 0
    covered: float = 0.0
    stop: bool = False
    start: bool = False
    human: bool = False
    help: bool = False
    callback: bool = False
    only_polite: bool = False
    attack: bool = False
    language: str | None = None


@dataclass(slots=True)
class Verdict:
    """The intent with its reasons; *confidence* is between 0 and 1."""

    intent: Intent
    reasons: list[str] = field(default_factory=list)
    topic: Topic | None = None
    confidence: float = 0.9
    needs_human: bool = False
    also: tuple[Intent, ...] = ()
    choice: int | None = None
    score: int | None = None
    whole: bool = True
