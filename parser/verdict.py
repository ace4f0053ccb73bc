"""What the rules for intents have to go by (`Evidence`) and what they say (`Verdict`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from parser.command import Context, Intent, Topic
from parser.signals import Signals


@dataclass(slots=True)
class Evidence:
    """A text's signals and the facts beside them.

    *digit* is a bare digit, *ordinal* the option named in words, *option* the one whose day or time is named, *code* an
    offer's code. *dated* says that a time is mentioned, *times* how many are, *wish* that one is not the open visit's,
    *same_time* that one is, *denied* that one does not suit, *pair* that one leads to another ("from Monday to
    Tuesday"), *recurs* that a wish has no date, *relative* that one is counted from the visit's, *limited* that it says
    what to hear of; *unread* counts the words of which nothing was understood (0 where a time is mentioned), *strange*
    all such. *stop*, *start*, *human*, *help*, *listing*, *callback* and *only_polite* tell of the whole text,
    *flat_no* that a denial is a clause of its own ("ei, sori") and not of something else ("ei allergioita"), *consent*
    ("stop", "start") of nearly all of it; *language* is the one whose code the text is; *attack* says that it is markup
    or orders to a machine.
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
    relative: bool = False
    limited: bool = False
    same_time: bool = False
    service: str | None = None
    identified: bool = False
    question: bool = False
    words: int = 0
    unread: int = 0
    strange: int = 0
    stop: bool = False
    start: bool = False
    consent: str | None = None
    human: bool = False
    help: bool = False
    listing: bool = False
    callback: bool = False
    only_polite: bool = False
    flat_no: bool = False
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
