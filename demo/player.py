"""Plays scenes and judges them: answers by what the phones show, everything else by the clinic's HTTP API."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from demo import wording
from demo.blanks import exact_time, fill
from demo.carrier import Phones, Shown
from demo.changes import DiaryWatch, Seen, fits
from demo.clinic import Clinic, Thread
from demo.lines import Lines, Unexpected
from demo.scene import (
    PEOPLE,
    Arranges,
    Change,
    Diary,
    Hears,
    HearsNothing,
    Held,
    LetsWait,
    Offered,
    Passes,
    Pushes,
    Says,
    Scene,
    Step,
    Told,
    ToldAll,
    Words,
)
from demo.screen import Screen
from demo.seed import ZONE
from demo.wire import Unanswered

_CODE: Final = re.compile(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Z]", re.IGNORECASE)
_NOBODY_HOLDS_IT: Final = Held("bot", "")
_MOST_PARTS: Final = 2
_OFFER: Final = re.compile(r"\b[2-9][A-Z][2-9]\b")
_AHEAD: Final = timedelta(seconds=4)  # until something is due about what has just been arranged


class Clock(Protocol):
    """The service's clock, which the player may put forward."""

    def now(self) -> datetime:
        """The time of the service."""

    def later(self, by: timedelta) -> None:
        """Let time pass."""


class Player:
    """One house's scenes. *tend* is called while waiting."""

    def __init__(self, clinic: Clinic, phones: Phones, screen: Screen, tend: Callable[[], None], clock: Clock) -> None:
        self._clinic, self._screen, self._clock = clinic, screen, clock
        self._lines = Lines(clinic, phones, tend)
        self._watch = DiaryWatch(clinic)

    def play(self, number: int, scene: Scene) -> list[str]:
        """Play *scene*, the *number*-th; returns what was not as expected."""
        self._screen.begin(number, scene)
        playing = _Playing(scene, self._clinic, self._lines, self._watch, self._screen, self._clock)
        try:
            playing.play()
        except (Unexpected, Unanswered) as end:
            playing.faults.append(str(end))
        self._screen.end(playing.faults)
        return playing.faults


class _Playing:
    """A scene while it is played."""

    def __init__(
        self, scene: Scene, clinic: Clinic, lines: Lines, watch: DiaryWatch, screen: Screen, clock: Clock
    ) -> None:
        self._scene, self._clinic, self._lines, self._watch, self._screen = scene, clinic, lines, watch, screen
        self._clock = clock
        self._number = scene.number or PEOPLE[scene.person].number
        self._blanks: dict[str, str] = {}
        self._asked_for: datetime | None = None  # the free time that the text names
        self._outcome = ""
        self._heard: list[str] = []
        self._held = _NOBODY_HOLDS_IT
        self.faults: list[str] = []

    def play(self) -> None:
        """Take every step, and see at the end that nothing else has happened."""
        self._lines.clear()
        self._watch.look()
        self._blanks = fill(self._scene, self._clinic)
        if self._scene.wish:
            self._asked_for = exact_time(self._clinic.free_times(self._scene.wish)).start
        for step in self._scene.steps:
            self._take(step)
        self._see(Diary(()))
        self._see_who_holds_it()
        for stray in self._lines.unread():
            if self._concerns(stray.number):
                self._screen.clinic(stray.text, self._whose(stray.number))
                self.faults.append(f"expected no further text; {self._whose(stray.number)} got: “{stray.text}”")

    def _concerns(self, number: str) -> bool:
        """Whether a text to this phone belongs to the scene: while time passes, others' reminders fall due too."""
        if not any(isinstance(step, Passes) for step in self._scene.steps):
            return True
        return number in {self._number, *(PEOPLE[who].number for step in self._scene.steps for who in _cast(step))}

    def _take(self, step: Step) -> None:
        match step:
            case Says(text, who):
                self._say(text.format_map(self._blanks), who)
            case Hears(words, parts):
                self._hear(words, parts)
            case HearsNothing():
                self._expect(self._outcome == "no_answer_needed", "no answer to be needed", f"it was {self._outcome}")
                self._screen.note("(no answer, and none is needed)")
            case Told(who, words):
                self._tell(who, words)
            case ToldAll(everybody, words):
                self._tell_all(everybody, words)
            case Arranges():
                self._arrange(step)
            case LetsWait(everybody, service):
                self._let_wait(everybody, service)
            case Passes(time):
                self._screen.note(f"{_said(time)} pass: worker, gateway and web start again with a later clock")
                self._clock.later(time)
            case Offered():
                self._see_offer(step)
            case Diary():
                self._see(step)
            case Held():
                self._held = step
            case Pushes():
                self._push(step)

    # --- texts ----------------------------------------------------------------------------------------------------

    def _say(self, text: str, who: str) -> None:
        self._screen.patient(text, PEOPLE[who].name if who else "")
        self._outcome = self._lines.write(PEOPLE[who].number if who else self._number, text)

    def _hear(self, words: Sequence[Words], parts: int) -> None:
        shown = self._lines.read(self._number)
        self._screen.clinic(shown.text)
        self._heard.append(shown.text)
        self._judge(shown, words, parts)

    def _tell(self, who: str, words: Sequence[Words]) -> None:
        shown = self._lines.read(PEOPLE[who].number)
        self._screen.clinic(shown.text, self._whose(shown.number))
        self._judge(shown, words, _MOST_PARTS)

    def _tell_all(self, everybody: Sequence[str], words: Sequence[Words]) -> None:
        """The first one's phone is shown; the others' must show the same sort of text."""
        self._tell(everybody[0], words)
        for who in everybody[1:]:
            self._judge(self._lines.read(PEOPLE[who].number), words, _MOST_PARTS)
        self._screen.note(f"and so do the phones of {len(everybody) - 1} others")

    def _judge(self, shown: Shown, words: Sequence[Words], parts: int) -> None:
        came = f"it was: “{shown.text}”"
        for code in _OFFER.findall(shown.text):
            self._blanks["offer"] = code
        for wanted in words:
            choices = [one.format_map(self._blanks) for one in ([wanted] if isinstance(wanted, str) else wanted)]
            found = any(choice.casefold() in shown.text.casefold() for choice in choices)
            self._expect(found, " or ".join(f"“{choice}”" for choice in choices) + " in the answer", came)
        self._expect(shown.parts <= parts, f"at most {parts} segments", f"they were {shown.parts}")
        self._expect(not _CODE.search(shown.text), "no identity code in an answer", came)

    # --- what is behind them --------------------------------------------------------------------------------------

    def _see(self, step: Diary) -> None:
        seen = self._watch.look()
        for one in seen:
            self._screen.note(f"diary: {one}")
        self._expect(
            len(seen) == len(step.changes)
            and all(any(fits(change, self._scene.about, one) for one in seen) for change in step.changes),
            "in the diary: " + (", ".join(self._written(change) for change in step.changes) or "no change"),
            "; ".join(map(str, seen)) or "nothing changed",
        )
        for one in seen:
            expected = next((change for change in step.changes if fits(change, self._scene.about, one)), None)
            self.faults += self._watch.wrong_slots(one, "free" if expected is None else expected.slot)
            if expected is not None and not expected.who:
                self._see_time(expected, one)

    def _see_time(self, change: Change, seen: Seen) -> None:
        """The answer names the time, it is the option that was picked, or the very time that was asked for."""
        name = wording.named(seen.after.start, self._scene.language)
        answer, before = (["", "", *self._heard])[:-3:-1]
        self._expect(name in answer, f"the answer to name {name}", f"it was: “{answer}”")
        if change.option:
            self._expect(f"{change.option}) {name}" in before, f"{name} as option {change.option}", f"“{before}”")
        if change.exact and self._asked_for is not None:
            wanted = wording.named(self._asked_for, self._scene.language)
            self._expect(seen.after.start == self._asked_for, f"the visit on {wanted}", name)

    def _see_who_holds_it(self) -> None:
        thread = self._clinic.thread(self._number) or Thread("none", None)
        if thread.hand_over is not None:
            self._screen.note(f"thread: {thread.state}, a person must answer: {thread.hand_over}")
        expected = (self._held.state, self._held.hand_over)
        found = (thread.state, thread.hand_over or "")
        self._expect(found == expected, f"the thread {' '.join(expected).strip()}", " ".join(found).strip())

    def _push(self, step: Pushes) -> None:
        later = self._clinic.free_times("checkup")[-1].start
        status = self._clinic.push(self._scene.about, step.purpose, step.text, later)
        self._lines.forget(step.text)
        self._screen.note(f"the clinic's program has a text for “{step.purpose}” to be sent later: {status}")
        self._expect(status == step.status, f"the text to be {step.status}", status)

    def _see_offer(self, step: Offered) -> None:
        offer = self._clinic.offer()
        outcomes = tuple(sorted(Counter(offer.outcomes.values()).items()))
        self._screen.note(f"offer: {offer.state}, " + ", ".join(f"{many} {what}" for what, many in outcomes))
        found, expected = (offer.state, offer.winner, outcomes), (step.state, step.winner, step.outcomes)
        self._expect(found == expected, f"the offer {expected}", str(found))

    # --- what the clinic's program does -------------------------------------------------------------------------

    def _arrange(self, step: Arranges) -> None:
        """The visit stands so many days later on the clinic's wall clock, whatever the clocks do in between."""
        soon = (self._clock.now() + _AHEAD).astimezone(ZONE).replace(microsecond=0, tzinfo=None)
        start = (soon + timedelta(days=step.days)).replace(tzinfo=ZONE)
        key = f"story-{step.who}"
        self._clinic.arrange(key, step.who, step.service, start, step.status)
        self._watch.look()
        at = wording.named(start, "en")
        self._screen.note(f"the clinic's program: {PEOPLE[step.who].name}, {step.service}, {at}, {step.status}")

    def _let_wait(self, everybody: Sequence[str], service: str) -> None:
        for who in everybody:
            self._clinic.let_wait(who, service)
        self._screen.note(f"the clinic's program: {len(everybody)} people wait for an earlier {service}")

    # --- inside ---------------------------------------------------------------------------------------------------

    def _expect(self, holds: bool, expected: str, came: str) -> None:
        if not holds:
            self.faults.append(f"expected {expected}; {came}")

    def _written(self, change: Change) -> str:
        return f"{PEOPLE[self._scene.about].name}, {change.service}, {change.what}"

    def _whose(self, number: str) -> str:
        return next((person.name for person in PEOPLE.values() if person.number == number), number)


def _said(time: timedelta) -> str:
    return f"{time.days} days" if time.days else f"{time // timedelta(minutes=1)} minutes"


def _cast(step: Step) -> tuple[str, ...]:
    """Whose phones a step is about, beside the scene's own person."""
    match step:
        case Told(who) | Arranges(who):
            return (who,)
        case ToldAll(everybody) | LetsWait(everybody):
            return everybody
        case Says(_, who) if who:
            return (who,)
    return ()
