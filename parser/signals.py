"""What the words of a text say, each with its negation and condition: "en peru" is no cancelling, "jos ei käy, peru"
is one only if."""

from __future__ import annotations

from dataclasses import dataclass, field

from parser.lexicon import Language, Lexicon
from parser.normal import Text, Token
from parser.phrases import Hit

_NEGATABLE = frozenset(
    [
        "cancel",
        "move",
        "book",
        "callback",
        "come",
        "take",
        "keep",
        "yes",
        "late",
        "undo",
        "human",
        "confirm",
        "list",
        "waitlist_join",
        "complaint",
        "praise",
        "obstacle",
        "deceased",
        "contact_change",
    ]
)


_DEPENDENT = frozenset(
    [
        "cancel",
        "cancel_all",
        "take",
        "come",
        "keep",
        "book",
        "move",
        "callback",
        "yes",
        "cannot",
        "unneeded",
        "give",
        "no",
        "obstacle",
    ]
)
"""What an "if" makes depend on something."""

_RIVALS = _NEGATABLE | {
    "info",
    "billing",
    "waitlist_leave",
    "waitlist_limit",
    "authentic",
    "callback_no",
    "keep",
    "have",
    "ask",
    "other_cancelled",
}
"""Meanings that one word cannot have at once: the longer of two stems tells."""


@dataclass(slots=True, eq=False)
class Signal:
    """One thing said: the phrase that says it, and whether it is denied or only a condition."""

    hit: Hit
    negated: bool = False
    conditional: bool = False


@dataclass(slots=True)
class Signals:
    """All things said in a text. Look-ups count what is neither denied nor conditional, unless they say otherwise."""

    said: dict[str, list[Signal]] = field(default_factory=dict)
    valid: dict[str, list[Hit]] = field(default_factory=dict)
    """The phrases that are neither denied nor conditional, in order of the text; no name without any."""
    names: frozenset[str] = frozenset()
    """Those of *valid*."""
    kinds: dict[str, list[Signal]] = field(default_factory=dict)
    """What is said by names of several kinds ("service:root"), by what stands before the colon."""
    words: int = 0
    mask: int = 0
    negative: bool = False
    """Whether any word of denial is there at all."""

    def weight(self, name: str) -> float:
        """How strongly *name* is said: 0 (not at all) to 3, a little more when said in several ways."""
        hits = self.valid.get(name)
        return max([hit.weight for hit in hits]) + 0.1 * (len(hits) - 1) if hits else 0.0

    def has(self, *names: str) -> bool:
        """Whether any of *names* is said."""
        return not self.names.isdisjoint(names)

    def denies(self, name: str) -> bool:
        """Whether *name* is said not to be: "en peru"."""
        return name in self.said and any(signal.negated for signal in self.said[name])

    def only_if(self, name: str) -> bool:
        """Whether *name* is said as a condition's outcome."""
        return name in self.said and any(signal.conditional and not signal.negated for signal in self.said[name])

    def first(self, name: str) -> Hit | None:
        """The first valid phrase of *name*."""
        hits = self.valid.get(name)
        return hits[0] if hits else None

    def of_kind(self, kind: str) -> list[Hit]:
        """Valid hits of every signal of *kind*, in order of the text."""
        hits = [signal.hit for signal in self.kinds.get(kind, ()) if not signal.negated and not signal.conditional]
        return sorted(hits, key=lambda hit: (hit.first, -hit.last)) if len(hits) > 1 else hits

    def quote(self, name: str) -> str:
        """The phrase, as the language file has it, by which *name* was said."""
        hit = self.first(name)
        return hit.written if hit else ""


def read_signals(text: Text, lexicon: Lexicon, tongue: str | None, protected: frozenset[int] | set[int]) -> Signals:
    """Find the phrases in *text*, leave out other languages' false friends, and mark denials and conditions.

    *protected* are words that may not be corrected (names).
    """
    words = text.words
    found = lexicon.book.find(words, protected)
    names = sum([1 << at for at in protected])
    hits = [hit for hit in found.hits if hit.mask & ~names and _at_home(hit, words, lexicon, tongue, found.misspelt)]
    hits = _most_exact(hits)
    signals = Signals(words=len(words))
    languages = _present(hits, lexicon, tongue)
    denials = _united([language.negators for language in languages])
    signals.negative = not denials.isdisjoint(text.spelled)
    negators = _negators(text, hits, denials)
    starts = _conditions(text, hits, languages)
    deniable = signals.negative or bool(negators)
    used: set[int] = set()
    for hit in hits:
        negated = False
        if deniable and (hit.signal in _NEGATABLE or hit.signal.startswith(("service:", "emergency:"))):
            by = _negated_by(hit, words, negators, lexicon.languages[hit.language])
            negated = by is not None or _denied_within(hit, words, denials)
            if by is not None and hit.signal != "obstacle":
                used.add(by)
        conditional = bool(starts) and hit.signal in _DEPENDENT and _is_conditional(hit, words, starts)
        signals.said.setdefault(hit.signal, []).append(Signal(hit, negated, conditional))
        signals.mask |= hit.mask
    _drop_helpers(signals, used)
    for name, listed in signals.said.items():
        if valid := [signal.hit for signal in listed if not signal.negated and not signal.conditional]:
            signals.valid[name] = valid
        if ":" in name:
            signals.kinds.setdefault(name[: name.index(":")], []).extend(listed)
    signals.names = frozenset(signals.valid)
    return signals


def _united(sets: list[frozenset[str]]) -> frozenset[str]:
    """All of *sets*, which mostly are those of one language."""
    return sets[0] if len(sets) == 1 else frozenset().union(*sets)


def _most_exact(hits: list[Hit]) -> list[Hit]:
    """Of single words that two rivals claim, keep the closest: "peruutuslista" is a waiting list and no cancelling."""
    rivals = [hit for hit in hits if hit.first == hit.last and hit.signal in _RIVALS]
    if len(rivals) < 2:
        return hits
    best: dict[int, int] = {}
    for hit in rivals:
        best[hit.first] = max(best.get(hit.first, 0), _exactness(hit))
    return [
        hit for hit in hits if hit.first != hit.last or hit.signal not in _RIVALS or _exactness(hit) == best[hit.first]
    ]


def _exactness(hit: Hit) -> int:
    return len(hit.written.strip("*")) * 2 + (not hit.written.endswith("*"))


def _at_home(hit: Hit, words: list[Token], lexicon: Lexicon, tongue: str | None, guessed: int) -> bool:
    """Whether *hit* may count in a text of language *tongue*: not when that language has the same words for itself, nor
    when another language's word had to be spelt right first."""
    if tongue is None or hit.language == tongue:
        return True
    own = lexicon.languages.get(tongue)
    if own is None:
        return True
    if hit.mask & guessed:
        return False
    return any(words[at].text not in own.known for at in range(hit.first, hit.last + 1) if hit.mask >> at & 1)


def _present(hits: list[Hit], lexicon: Lexicon, tongue: str | None) -> list[Language]:
    codes = {tongue} if tongue else {hit.language for hit in hits} or set(lexicon.languages)
    return [lexicon.languages[code] for code in codes if code in lexicon.languages]


def _negators(text: Text, hits: list[Hit], denials: frozenset[str]) -> dict[int, int]:
    """Word index of each free one of *denials*, with the last index of the phrase it stands in."""
    phrases = {hit.first: hit.last for hit in hits if hit.signal == "negator"}
    if denials.isdisjoint(text.spelled):
        return phrases
    consumed = 0
    for hit in hits:
        if hit.last > hit.first and hit.signal != "negator":
            consumed |= hit.mask
    return {at: at for at, word in enumerate(text.spelled) if word in denials and not consumed >> at & 1} | phrases


def _negated_by(hit: Hit, words: list[Token], negators: dict[int, int], language: Language) -> int | None:
    """The index of the word that denies *hit*, None when none does."""
    clause = words[hit.first].clause
    for at, last in negators.items():
        if hit.mask >> at & 1 or words[at].clause != clause:
            continue
        if 0 <= hit.first - last <= language.negates_before and not _turns(words, last, hit.first, language):
            return at
        if 0 < at - hit.last <= language.negates_after:
            return at
    return None


def _denied_within(hit: Hit, words: list[Token], denials: frozenset[str]) -> bool:
    """Whether a denial stands in the gap of a phrase: "aika (ei) käy", "stryk (inte) tiden"."""
    inside = range(hit.first + 1, hit.last)
    return hit.signal in _DENIED_IN_A_GAP and any(words[at].text in denials for at in inside if not hit.mask >> at & 1)


_DENIED_IN_A_GAP = frozenset(["keep", "come", "yes", "take", "cancel", "late"])


def _turns(words: list[Token], start: int, end: int, language: Language) -> bool:
    return any(words[at].text in language.turns for at in range(start + 1, end))


def _conditions(text: Text, hits: list[Hit], languages: list[Language]) -> list[int]:
    names = _united([language.conditions for language in languages])
    if names.isdisjoint(text.spelled):
        return []
    words, unreal = text.words, 0
    for hit in hits:
        if hit.signal == "unreal" or (hit.last > hit.first and hit.signal.startswith("waitlist")):
            unreal |= hit.mask
    return [
        at
        for at, word in enumerate(text.spelled)
        if word in names and not unreal >> at & 1 and not (at + 1 < len(words) and words[at + 1].kind == "n")
    ]


def _is_conditional(hit: Hit, words: list[Token], starts: list[int]) -> bool:
    """After "if" in its sentence everything depends on it; before it, only what cannot be taken back."""
    for at in starts:
        if words[at].sentence != words[hit.first].sentence:
            continue
        if hit.first >= at or hit.signal in ("cancel", "take", "cancel_all"):
            return True
    return False


def _drop_helpers(signals: Signals, used: set[int]) -> None:
    """ "en halua perua": what is not wanted is the cancelling, so the visit is not unwanted; and a word at *used* that
    denies another says no "no" of its own."""
    if used and "no" in signals.said:
        kept = [
            signal
            for signal in signals.said["no"]
            if signal.hit.first != signal.hit.last or signal.hit.first not in used
        ]
        signals.said["no"] = kept
    signals.said.pop("unreal", None)
    helpers = signals.said.pop("negator", [])
    if helpers and any(signals.denies(name) for name in ("cancel", "move", "callback")):
        signals.said.pop("unneeded", None)
        signals.said.pop("no", None)


def says_nothing_else(text: Text, mask: int, spare: frozenset[str], skipped: set[int]) -> bool:
    """Whether every word of *text* is in *mask*, polite (*spare*) or *skipped*."""
    return all(
        mask >> at & 1 or at in skipped or token.text in spare or token.kind == "s"
        for at, token in enumerate(text.words)
    )
