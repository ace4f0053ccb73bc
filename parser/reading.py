"""parse(text, now, context): the one door into the parser."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from lang.words import HERE
from parser import choices
from parser.command import Command, Context, ContextKind, IdentityStatus, Intent, Topic
from parser.consent import read_consent
from parser.dates.lexemes import Lexer, date_words
from parser.dates.mentions import bare_hour, read_mentions
from parser.dates.wishes import Sorter, WishWords
from parser.emergency import find_alarm
from parser.hiding import Hidden, hide, looks_like_an_attack
from parser.identity import birth_date
from parser.intents import decide
from parser.language import Tongue, tell_language
from parser.lexicon import WHOLE, Lexicon, lexicon
from parser.likeness import Likeness, Opinion, features, likeness
from parser.limits import FoundLimits, LimitWords, read_limits
from parser.names import FoundName, find_name
from parser.normal import Text, fold, normal
from parser.people import named_people
from parser.services import find_service
from parser.signals import Signals, read_signals, says_nothing_else
from parser.verdict import Evidence, Verdict
from parser.weighing import is_alarming, is_needed, weigh

NO_CONTEXT = Context()


def parse(text: str, now: datetime, context: Context = NO_CONTEXT, language: str | None = None) -> Command:
    """Read *text* as its writer meant it at *now* (aware, in the clinic's zone). *language* is a hint beside the
    thread's. Never raises for what a person wrote."""
    return reader().parse(text, now, context, language)


@lru_cache(maxsize=8)
def reader(folder: Path = HERE) -> Reader:
    """The reader of one folder of language files, made once."""
    with _nothing_to_collect():
        words = lexicon(folder)
        lexer = Lexer({code: date_words(code, language.dates) for code, language in words.languages.items()})
        return Reader(words, lexer, _limit_words(words), _wish_words(words), likeness(folder))


@contextmanager
def _nothing_to_collect() -> Iterator[None]:
    """Without the garbage collector: all that is made stays, and looking through it over and over is a tenth of it."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _limit_words(words: Lexicon) -> LimitWords:
    every = words.languages.values()
    numbers = {
        fold(written): int(number)
        for language in every
        for number, listed in language.dates.get("numbers", {}).items()
        for written in listed
        if "*" not in written
    }
    return LimitWords(frozenset().union(*(language.negators for language in every)), numbers)


def _wish_words(words: Lexicon) -> WishWords:
    def of(name: str) -> frozenset[str]:
        return frozenset().union(*(one.wishes.get(name, frozenset()) for one in words.languages.values()))

    return WishWords(of("mine"), of("or"), of("turns"), of("until"), of("nor"))


@dataclass(frozen=True, slots=True)
class Reader:
    """The parser with the words of one folder of language files."""

    lexicon: Lexicon
    lexer: Lexer
    limit_words: LimitWords
    wish_words: WishWords
    likeness: Likeness | None = None

    def parse(self, text: str, now: datetime, context: Context = NO_CONTEXT, language: str | None = None) -> Command:
        """See `parse`."""
        return self._assembly(text, now, context, language).command()

    def features(self, text: str, now: datetime, context: Context = NO_CONTEXT) -> tuple[str, ...]:
        """What likeness weighs of *text*: for learning."""
        assembly = self._assembly(text, now, context, None)
        return assembly.features(assembly.evidence())

    def _assembly(self, text: str, now: datetime, context: Context, language: str | None) -> _Assembly:
        hidden = hide(normal(text), now.date())
        name = find_name(hidden.text, self.lexicon, hidden.spans)
        people = named_people(hidden.text, context.people, self.lexicon) if context.people else {}
        skipped = set(name.words if name else ()) | set(people)
        tongue = tell_language(hidden.text, self.lexicon, skipped)
        hint = tongue.code if tongue.certain else language or context.language or tongue.code
        signals = read_signals(hidden.text, self.lexicon, hint, skipped)
        local = now.replace(tzinfo=None)
        mentions = read_mentions(hidden.text, self.lexer, hint, skipped, local)
        if not mentions and context.kind in _ASKING_FOR_A_TIME:
            mentions = bare_hour(hidden.text)
        sorter = Sorter(mentions, hidden.text, signals, context, local, self.wish_words)
        about = tuple(dict.fromkeys(people.values()))
        limits = read_limits(hidden.text, mentions, signals, self.limit_words)
        return _Assembly(
            self.lexicon, self.likeness, hidden, name, about, skipped, tongue, hint, signals, context, sorter, limits
        )


@dataclass(slots=True)
class _Assembly:
    """All that has been found in one text, on its way to a `Command`."""

    lexicon: Lexicon
    likeness: Likeness | None
    hidden: Hidden
    name: FoundName | None
    about: tuple[str, ...]
    skipped: set[int]
    tongue: Tongue
    hint: str | None
    signals: Signals
    context: Context
    sorter: Sorter
    limits: FoundLimits | None

    def command(self) -> Command:
        """All of it as the command that it makes."""
        evidence = self.evidence()
        if alarm := find_alarm(self.signals, self.hidden.text):
            return self._filled(_alarmed(alarm), evidence, True)
        verdict = _foreign() if self.tongue.foreign else decide(evidence)
        opinion = self._opinion(evidence) if is_needed(verdict, evidence) else None
        if is_alarming(opinion, evidence):
            return self._filled(_alarmed("like the texts of people in danger"), evidence, True)
        return self._filled(weigh(verdict, opinion, evidence), evidence, False)

    def features(self, evidence: Evidence) -> tuple[str, ...]:
        """What likeness weighs of this text."""
        return features(self.hidden.text, self.skipped, self.sorter.mentions, evidence)

    def _opinion(self, evidence: Evidence) -> Opinion | None:
        """What the text is like; None where nothing was learnt of such an answer, or the text is hardly words."""
        kind = self.context.kind.value
        if self.likeness is None or not self.likeness.knows(kind) or not evidence.words or self.tongue.foreign:
            return None
        return self.likeness.judge(self.features(evidence), kind)

    @property
    def text(self) -> Text:
        return self.hidden.text

    def evidence(self) -> Evidence:
        """The facts that the rules go by."""
        signals, text, spare = self.signals, self.text, self.lexicon.polite(self.hint)
        nearly = read_consent(text, self.lexicon.consent, self.skipped, _STRANGERS)
        consent = nearly and read_consent(text, self.lexicon.consent, self.skipped)
        survey = self.context.kind is ContextKind.SURVEY
        options = len(self.context.options) or len(self.context.visits) or 3
        strange = self._unread(spare)
        whole = self._wholes(spare)
        evidence = Evidence(
            signals=signals,
            context=self.context,
            digit=choices.bare_digit(text, spare, self.skipped, self.lexicon.answers, self.context.kind in _CHOOSING),
            ordinal=choices.ordinal(text, signals, options, self.lexicon.denials),
            code=choices.offer_code(self.hidden.raw) if self.context.code or len(text.words) < 12 else None,
            score=choices.score(text, signals, self.lexicon.answers) if survey else None,
            limited=self.limits is not None and self.limits.said,
            service=find_service(signals),
            identified=bool(self.hidden.codes),
            question="?" in text.raw,
            words=len(text.words) - len(self.skipped),
            unread=strange if not self.sorter.mentions else 0,
            strange=strange,
            stop=consent == "stop" or "stop" in whole,
            start=(consent == "start" and self.context.kind in _ASKING_NOTHING) or "start" in whole,
            consent=consent or nearly,
            human="human" in whole,
            help="help" in whole,
            listing="list" in whole,
            callback="callback" in whole,
            language=self._wanted_language() if len(text.words) == 1 else None,
            attack=looks_like_an_attack(self.hidden, self.lexicon.orders),
            flat_no=self._flat_no(spare),
            only_polite=choices.says_only(text, signals, ("thanks", "yes", "praise"), spare, self.skipped),
        )
        if self.sorter.mentions:
            self._add_times(evidence)
        return evidence

    def _add_times(self, evidence: Evidence) -> None:
        sorter = self.sorter
        evidence.option = sorter.option(self.context.options or self.context.visits)
        evidence.wish = sorter.other_named()
        evidence.dated, evidence.times = True, len(sorter.mentions)
        evidence.denied = sorter.denied()
        evidence.pair = sorter.pair()
        evidence.recurs = sorter.recurs()
        evidence.relative = sorter.counts_from_visit()
        evidence.same_time = sorter.visit_named()

    def _unread(self, spare: frozenset[str]) -> int:
        """How many words are strange to us and not said out of politeness."""
        knows = self.lexicon.knows
        strange = [
            at
            for at, token in enumerate(self.text.words)
            if token.kind == "w" and token.text not in spare and at not in self.skipped and not knows(token.text)
        ]
        return len(strange)

    def _flat_no(self, spare: frozenset[str]) -> bool:
        if not self.signals.has("no", "refuse"):
            return False
        spans = [(self.text.tokens[one.first].start, self.text.tokens[one.last].end) for one in self.sorter.mentions]
        timed = {
            at for at, token in enumerate(self.text.words) if any(start <= token.start < end for start, end in spans)
        }
        return choices.flat_no(self.text, self.signals, spare, self.skipped, timed)

    def _wholes(self, spare: frozenset[str]) -> set[str]:
        """What the text says as a whole, politeness aside."""
        return {
            signal.hit.signal.removeprefix(WHOLE)
            for signal in self.signals.kinds.get("whole", ())
            if says_nothing_else(self.text, signal.hit.mask, spare, self.skipped)
        }

    def _identity(self) -> tuple[str | None, IdentityStatus, tuple[str, ...]]:
        """The patient's code, its status, the other right ones; of child and parent the child is the patient."""
        codes = self.hidden.codes
        right = list(dict.fromkeys(code.code for code in codes if code.status == "ok" and code.code))
        if not right:
            return None, codes[0].status if codes else "none", ()
        if len(right) > 1 and self.signals.has("child"):
            right.sort(key=lambda code: birth_date(code) or date.min, reverse=True)
        return right[0], "ok", tuple(right[1:])

    def _is_one_word_reply(self, evidence: Evidence) -> bool:
        """Whether this is a word in answer to our question: it takes the language of the thread (product.md 3)."""
        return self.context.kind is not ContextKind.NONE and bool(self.context.language) and evidence.words <= 1

    def _acts_for_a_child(self) -> bool:
        """Whether the visit is a child's ("lapsen aika", "till min son"); in "lapsi oksentaa" it is the reason."""
        words, things = self.text.words, self.lexicon.name_things
        if self.signals.has("childs_own"):
            return True
        for hit in self.signals.valid.get("child", ()):
            following = {token.text for token in words[hit.last + 1 : hit.last + 3]}
            before = words[hit.first - 1].text if hit.first else ""
            if (
                following & things
                or words[hit.last].text.endswith(self.lexicon.for_endings)
                or before in self.lexicon.for_words
            ):
                return True
        return False

    def _wanted_language(self) -> str | None:
        """The language asked for: "på svenska tack", or its code in capitals alone."""
        alone = self.hidden.raw.strip(" .!?")
        if alone.isupper() and alone.lower() in self.lexicon.languages and self.context.kind is ContextKind.NONE:
            return alone.lower()
        named = self.signals.of_kind("wanted")
        return named[0].signal.removeprefix("wanted:") if named else None

    def _filled(self, verdict: Verdict, evidence: Evidence, alarm: bool) -> Command:
        code, status, others = self._identity()
        wishes = self.sorter.sort(verdict.intent, verdict.also)
        return Command(
            intent=verdict.intent,
            topic=verdict.topic,
            language=self.tongue.code if self.tongue.certain else self.hint,
            certain_language=self.tongue.certain and not self._is_one_word_reply(evidence),
            name=self.name.written if self.name else None,
            identity_code=code,
            identity_status=status,
            other_codes=others,
            service=evidence.service,
            when=wishes.when,
            ref=wishes.ref,
            recur=wishes.recur,
            limits=self.limits.limits if self.limits is not None and verdict.topic in _LIMITABLE else None,
            choice=verdict.choice,
            choice_code=evidence.code,
            score=verdict.score,
            minutes=choices.minutes(self.text, self.lexicon.answers)
            if verdict.topic is Topic.LATE or verdict.intent is Intent.CALLBACK
            else None,
            emergency=alarm,
            needs_human=verdict.needs_human or self.tongue.foreign,
            confidence=round(verdict.confidence, 2),
            reasons=tuple(verdict.reasons),
            also=verdict.also,
            whole=verdict.whole,
            wanted_language=self._wanted_language(),
            child=self._acts_for_a_child(),
            about=self.about,
            digit=evidence.digit,
            letter=choices.bare_letter(self.hidden.raw) if len(self.text.words) <= 1 else None,
        )


_STRANGERS = 2
"""Words of a text on texting that may be strange to us, if it is like such texts in the whole."""

_ASKING_NOTHING = (ContextKind.NONE, ContextKind.STOP)
"""Elsewhere "ok, thanks for the reminder" answers the question."""

_CHOOSING = (ContextKind.OPTIONS, ContextKind.WHICH_VISIT)
_ASKING_FOR_A_TIME = (*_CHOOSING, ContextKind.CALLBACK_NOTICE)
_LIMITABLE = (Topic.WAITLIST_JOIN, Topic.WAITLIST_LIMIT)


def _alarmed(alarm: str) -> Verdict:
    return Verdict(Intent.HUMAN, [f'an emergency: "{alarm}"'], None, 0.99, True)


def _foreign() -> Verdict:
    reason = "in a language that we do not read"
    return Verdict(Intent.FREE, [reason], Topic.FOREIGN_LANGUAGE, 0.9, True)
