"""Patients who all write at once, what they write, and what must have become of their visits when it is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from bench.talk import conversation
from bench.world import Person
from tests.faults.books import Books, check_finished, read_books, twice
from tests.faults.harness import Letter, Service

SCRIPTS = (("list",), ("confirm",), ("cancel",), ("book",), ("confirm", "list"), ("long",))
AT_ONCE = 30  # people in one round: 35 texts of 45 parts, and the picks of the round before
LONG = (
    "Hei! Minulla olisi semmoinen asia josta juttelimme viimeksi vastaanotolla, en nyt muista kenen kanssa, mutta se "
    "liittyi siihen samaan juttuun kuin aiemmin. Osaatteko sanoa mitä siitä sitten päätettiin, kun jäi vähän auki "
    "koko homma? Kysyin tätä jo kotona mutta kukaan ei muistanut. Kiitos jo etukäteen vaivannäöstä ja mukavaa viikkoa!"
)
WANTED = {"list": ("booked", 1), "long": ("booked", 1), "confirm": ("confirmed", 2), "cancel": ("cancelled", 2)}


class Crowd:
    """Everybody writes in one round only; who was offered times picks the first in the round after."""

    def __init__(self, people: list[Person]) -> None:
        self._people = iter(people)
        self._day = people[0].wish  # all who book want the same day, so that the same times are offered to many
        self._choosing: list[Person] = []

    def round(self, at_once: int = AT_ONCE) -> list[Letter]:
        """The texts of the next *at_once* people. Raises `LookupError` when nobody is left."""
        people = list(islice(self._people, at_once))
        if len(people) < at_once:
            raise LookupError("everybody has written")
        scripts = [SCRIPTS[n % len(SCRIPTS)] for n in range(at_once)]
        picks = self.picks()
        self._choosing = [person for person, script in zip(people, scripts, strict=True) if "book" in script]
        return picks + [letter for pair in zip(people, scripts, strict=True) for letter in self._letters(*pair)]

    def picks(self) -> list[Letter]:
        """What those who were offered times last write: the first one, all of them."""
        picking, self._choosing = self._choosing, []
        return [Letter(person, "pick", "1") for person in picking]

    def _letters(self, person: Person, script: tuple[str, ...]) -> Iterator[Letter]:
        said = {line.step: line.text for line in conversation(replace(person, wish=self._day))}
        for step in script:
            yield Letter(person, step, LONG if step == "long" else said[step])


def check_effects(books: Books, letters: list[Letter]) -> None:
    """Guarantee 1: each text arrived once, and did once what it asked for."""
    written = Counter(letter.person.number for letter in letters)
    arrived = {number: len(texts) for number, texts in books.texts().items()}
    wrong = [(written[number], arrived.get(number, 0)) for number in {*written, *arrived}]
    assert all(many == found for many, found in wrong), f"texts that are lost or there twice: {sorted(wrong)[:9]}"

    visits: dict[int, list] = {}
    for visit in books.visits:
        visits.setdefault(visit.patient_id, []).append(visit)
    booked = Counter(patient for _, action, patient, _ in books.audited if action == "booked")
    for letter in letters:
        first, *more = visits[letter.person.id]
        if letter.step in WANTED and (first.status, first.version) != WANTED[letter.step]:
            assert letter.step == "list", f"{letter.step} was done {first.version - 1} times"  # after a confirm
        assert len(more) == booked[letter.person.id] <= 1, "a visit that nobody booked, or two for one pick"


def finish(service: Service) -> Books:
    """Wait until all is answered, and check every guarantee on all that was ever written."""
    service.settle()
    books, received = read_books(service.database, service.keys), service.carrier.texts()
    check_finished(books, received)
    check_effects(books, service.letters)
    seen, marked = twice(books, received)
    assert seen <= marked, "texts came twice and are not counted"
    return books
