"""What the patients of a benchmark write, and by which words of the answer we know that it was the right one."""

from __future__ import annotations

from dataclasses import dataclass

from bench.world import Person

STEPS = ("list", "confirm", "cancel", "book", "pick", "unclear")

_TEXTS = {
    "fi": {
        "list": "Hei, milloin minulla on aika? {code}",
        "confirm": "Vahvistan aikani, t. Elli Esimerkki {code}",
        "cancel": "Peruisin aikani. Elli Esimerkki, {code}",
        "book": "Haluaisin varata tarkastuksen {day}.{month}. {part}. Elli Esimerkki {code}",
        "pick": "1",
        "unclear": "asdf qwer kukkuu",
        "morning": "aamupäivällä",
        "afternoon": "iltapäivällä",
    },
    "sv": {
        "list": "Hej, när har jag tid? {code}",
        "confirm": "Jag bekräftar min tid, Elli Esimerkki {code}",
        "cancel": "Jag vill avboka min tid. Elli Esimerkki {code}",
        "book": "Jag vill boka en kontroll {day}.{month}. {part}. Elli Esimerkki {code}",
        "pick": "1",
        "unclear": "jaha nämen oj",
        "morning": "på förmiddagen",
        "afternoon": "på eftermiddagen",
    },
    "en": {
        "list": "Hello, when is my appointment? {code}",
        "confirm": "I confirm my appointment, Elli Esimerkki {code}",
        "cancel": "Please cancel my appointment. Elli Esimerkki {code}",
        "book": "I would like to book a check-up on {day}.{month}. {part}. Elli Esimerkki {code}",
        "pick": "1",
        "unclear": "um well hmm",
        "morning": "in the morning",
        "afternoon": "in the afternoon",
    },
}
ANSWERS = {  # what each answer says in its three languages
    "list": ("Seuraava aika", "Nästa tid", "Next time"),
    "confirm": ("vahvistettu", "bekräftad", "confirmed"),
    "cancel": ("Peruimme", "avbokade", "cancelled"),
    "book": ("1)",),
    "pick": ("varattu", "varasimme", "Varasimme", "bokad", "bokade", "booked"),
    "unclear": ("ymmärtänyt", "förstod", "understand"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One text of a patient, and what its answer must say."""

    step: str
    text: str

    def is_answered_by(self, answer: str) -> bool:
        """Whether *answer* is what this text is answered with."""
        return any(words in answer for words in ANSWERS[self.step])


def conversation(person: Person) -> list[Line]:
    """What *person* writes in one round."""
    words = _TEXTS[person.language]
    blanks = {
        "code": person.code,
        "day": person.wish.day,
        "month": person.wish.month,
        "part": words["afternoon" if person.id % 2 else "morning"],
    }
    return [Line(step, words[step].format(**blanks)) for step in STEPS]
