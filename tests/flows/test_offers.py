"""Last-minute offers, through the socket: a time falls free, several are asked, the first to answer has it.

It is Tuesday 3 March 2026, noon. A time that falls free within a week is offered, five minutes after a cancel by text.
"""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from gateway.text import InboundText
from handlers.desk import Desk
from handlers.offers import OfferRules
from handlers.post import PostOffice
from handlers.rounds.offers import OfferRound
from lang.alphabet import encode
from models.chain import check
from models.event import Event
from models.facts import IdentityRules
from models.offer import Offer, WaitlistEntry
from models.offered import ledger
from models.offering import OFFER
from models.patient import Consent, Patient
from models.schedule import Appointment, Slot
from models.states import AppointmentStatus, OfferState, OfferStep, Purpose, SlotState, WaitlistState
from tests.rows import CLINIC_NUMBER, KEYS, how_many, rows_of

SOON = "6.3. 10.00"  # Friday
LATER, EARLIER = "20.3. 9.00", "4.3. 9.00"


class Offers:
    """The round of offers, and what it led to."""

    def __init__(self, clinic):
        self.clinic = clinic
        self.round = OfferRound(clinic.database, KEYS, OfferRules())

    def run(self, **by):
        """Let time pass, do what is due, and let the texts go."""
        self.clinic.later(**by)
        done = self.round.run(self.clinic.now)
        self.clinic.service.settle()
        return done

    def free_by_text(self, wall=SOON, **values):
        """Somebody cancels their time by text, and changes their mind no more."""
        giver = self.clinic.patient("Oiva Esimerkki")
        self.clinic.visit(giver, wall, **values)
        assert giver.texts("Peruisin aikani, {code}").message == "cancelled"
        return giver

    def waiting(self, name="Aino Esimerkki", *, visit=LATER, phone=None, language="fi", **values):
        """A patient on the waitlist for check-ups, with a later visit unless *visit* is None."""
        clinic = self.clinic
        patient = clinic.patient(name, phone=phone, language=language)
        appointment = None if visit is None else clinic.visit(patient, visit)
        add(clinic, patient, appointment_id=appointment, **values)
        return patient

    @property
    def last(self):
        return rows_of(self.clinic.database, Offer)[-1]

    def skipped(self, patient):
        """Why the patient was not asked by the last offer."""
        offer = self.last
        with self.clinic.database.reading() as connection:
            return dict(ledger(connection, OFFER.c.id == offer.id).skipped).get(patient.id)

    def steps(self, patient, offer=None):
        offer = offer or self.last
        with self.clinic.database.reading() as connection:
            found = ledger(connection, OFFER.c.id == offer.id)
        assert check(KEYS, found.told, found.lines) == []
        return [each.line.step for each in found.lines if each.line.patient_id == patient.id]

    def asked(self, patient):
        """The line of the last offer's ledger that says that the patient was asked."""
        offer = self.last
        with self.clinic.database.reading() as connection:
            lines = ledger(connection, OFFER.c.id == offer.id).lines
        return next(each.line for each in lines if (each.line.step, each.line.patient_id) == ("asked", patient.id))

    def miss(self, patient):
        """The patient does not come to their newest visit."""
        visit = rows_of(self.clinic.database, Appointment, patient_id=patient.id)[-1]
        with self.clinic.database.transaction() as connection:
            missed = update(Appointment).where(Appointment.id == visit.id)
            connection.execute(missed.values(status=AppointmentStatus.MISSED))

    def code(self, patient):
        return re.findall(r"\b\d[A-Z]\d\b", " ".join(patient.phone.shows))[-1]


def add(clinic, patient, **values):
    """Put somebody on the waitlist for check-ups."""
    known = {
        "key": f"w-{patient.id}", "patient_id": patient.id, "service_id": clinic.checkup, "created_by": "key:1",
        "joined_at": clinic.now, "notice_minutes": 0,
    }  # fmt: skip
    with clinic.database.transaction() as connection:
        connection.execute(WaitlistEntry.__table__.insert().values(**known | values))


@pytest.fixture
def offers(clinic):
    return Offers(clinic)


# --- the whole story ----------------------------------------------------------------------------------------------


def test_a_cancelled_time_goes_to_whoever_answers_first(clinic, offers):
    aino, eino, elli = (offers.waiting(f"{name} Esimerkki", visit=None) for name in ("Aino", "Eino", "Elli"))
    offers.free_by_text()

    offers.run(minutes=4)
    assert not rows_of(clinic.database, Offer), "the undo is still good"
    offers.run(minutes=1)
    texts = [patient.phone.shows[-1] for patient in (aino, eino, elli)]
    assert all("pe 6.3. klo 10.00" in text and "OTAN" in text for text in texts)
    assert clinic.free_times == [], "nobody else may book it meanwhile"
    answers = clinic.at_once((eino, f"Otan {offers.code(eino)}"), (aino, "1"), (elli, "joo käy"))

    assert [answer.message for answer in answers] == ["offer_won", "offer_lost", "offer_lost"]
    assert eino.diary == ["6.3. 10.00 booked"]
    assert aino.diary == elli.diary == []
    assert offers.last.state is OfferState.WON
    assert offers.steps(eino) == [OfferStep.ASKED, OfferStep.WON]
    assert offers.steps(aino) == [OfferStep.ASKED, OfferStep.LOST]


def test_the_winners_answer_goes_out_before_the_others_are_read(clinic, offers):
    people = [offers.waiting(f"{name} Esimerkki", visit=None) for name in ("Aino", "Eino", "Elli")]
    offers.free_by_text()
    offers.run(minutes=5)
    stored = received(clinic, *((patient, "1") for patient in people))
    desk, room = Desk(clinic.database, KEYS, IdentityRules()), {CLINIC_NUMBER: 9}

    first = desk.answer(stored, clinic.now, room)
    rest = desk.answer(first.again, clinic.now, room)

    aino, eino, elli = (patient.phone.number for patient in people)
    assert [text.number for text in first.leased] == [aino]
    assert sorted(text.number for text in rest.leased) == sorted([eino, elli])
    assert offers.steps(people[0])[-1] is OfferStep.WON


def received(clinic, *texts):
    """Texts that have come together and wait for the desk."""
    post = PostOffice(clinic.database, KEYS, "test:1:1")
    session = post.session_opened("main", clinic.now)
    came = [(patient.phone.number, *encode(words)) for patient, words in texts]
    arrived = [InboundText("main", session, number, CLINIC_NUMBER, *text, None, clinic.now) for number, *text in came]
    return post.store(arrived, clinic.now)


def test_the_winners_later_time_is_released_and_offered_on_after_the_undo(clinic, offers):
    aino = offers.waiting(visit="10.3. 9.00")
    offers.free_by_text()
    offers.run(minutes=5)

    assert "aika ti 10.3. vapautuu" in aino.phone.shows[-1]
    assert aino.texts(f"OTAN {offers.code(aino)}").message == "offer_won_release"
    elli = offers.waiting("Elli Esimerkki", visit=None)
    offers.run(minutes=9)
    assert not elli.phone.shows, "the winner may still undo"
    offers.run(minutes=1)

    assert aino.diary == ["6.3. 10.00 booked", "10.3. 9.00 cancelled"]
    assert "ti 10.3. klo 9.00" in elli.phone.shows[-1]
    assert offers.last.depth == 2
    assert elli.texts("otan").message == "offer_won"


def test_a_winner_has_the_old_time_back_within_ten_minutes(clinic, offers):
    aino = offers.waiting(visit="10.3. 9.00")
    offers.free_by_text()
    offers.run(minutes=5)
    aino.texts(f"OTAN {offers.code(aino)}")
    clinic.later(minutes=9)

    answer = aino.texts("PALAUTA")

    assert answer.message == "undone_claim_release"
    assert aino.diary == ["6.3. 10.00 cancelled", "10.3. 9.00 booked"]
    assert offers.steps(aino) == [OfferStep.ASKED, OfferStep.WON, OfferStep.UNDONE]
    assert rows_of(clinic.database, WaitlistEntry)[0].state is WaitlistState.ACTIVE
    eino = offers.waiting("Eino Esimerkki", visit=None)
    offers.run()
    assert "pe 6.3. klo 10.00" in eino.phone.shows[-1], "the time is offered anew"
    assert offers.skipped(aino) == "said_no"


def test_after_ten_minutes_there_is_nothing_to_undo(clinic, offers):
    aino = offers.waiting(visit="10.3. 9.00")
    offers.free_by_text()
    offers.run(minutes=5)
    aino.texts(f"OTAN {offers.code(aino)}")
    offers.run(minutes=11)

    assert aino.texts("PALAUTA").message == "nothing_to_undo"
    assert aino.diary == ["6.3. 10.00 booked", "10.3. 9.00 cancelled"]


def test_old_times_are_offered_on_three_deep_and_then_free_for_all(clinic, offers):
    people = [offers.waiting(f"{n} Esimerkki", visit=f"{6 + n}.3. 9.00") for n in (3, 4, 5)]
    offers.free_by_text()
    won = []
    for patient in people:
        offers.run(minutes=15)
        assert patient.texts("1").message == "offer_won_release"
        won.append(offers.last.depth)
    offers.run(minutes=15)

    assert won == [1, 2, 3]
    assert how_many(clinic.database, Offer) == 3
    assert clinic.free_times == ["11.3. 9.00"]


# --- nothing is lost ----------------------------------------------------------------------------------------------


def test_an_undone_cancel_is_never_offered(clinic, offers):
    aino = offers.waiting(visit=None)
    giver = offers.free_by_text()
    clinic.later(minutes=4)

    assert giver.texts("PALAUTA").message == "undone"
    offers.run(minutes=2)

    assert giver.diary == ["6.3. 10.00 booked"]
    assert not aino.phone.shows
    assert not rows_of(clinic.database, Offer)


def test_a_late_answer_is_told_that_the_offer_is_over(clinic, offers):
    aino = offers.waiting(visit=None)
    clinic.rule(cutoff="0h")
    offers.free_by_text("3.3. 14.00")
    offers.run()
    offers.run(minutes=61)

    assert offers.last.state is OfferState.EXPIRED
    assert aino.texts("otan").message == "offer_over"
    assert aino.diary == []
    assert offers.steps(aino) == [OfferStep.ASKED, OfferStep.LATE]


def test_a_visit_that_can_no_longer_be_moved_stays_and_the_offer_goes_on(clinic, offers):
    aino = offers.waiting(visit="7.3. 9.00")
    eino = offers.waiting("Eino Esimerkki", visit=None)
    offers.free_by_text("6.3. 16.00")
    offers.run(minutes=5)
    clinic.at("6.3. 9.30")

    answer = aino.texts("OTAN")

    assert answer.message == "offer_keeps"
    assert aino.diary == ["7.3. 9.00 booked"]
    assert eino.texts("otan").message == "offer_won"
    assert offers.steps(aino) == [OfferStep.ASKED, OfferStep.REFUSED]


def test_nobody_holds_two_times_of_one_kind(clinic, offers):
    aino = offers.waiting(visit=None)
    offers.free_by_text()
    offers.run(minutes=5)
    clinic.visit(aino, "9.3. 9.00")

    assert aino.texts("otan").message == "offer_keeps"
    assert aino.diary == ["9.3. 9.00 booked"]


def test_a_claim_counts_only_from_the_number_that_was_asked(clinic, offers):
    first, second = clinic.phone(), clinic.phone()
    aino = clinic.patient(phone=second, numbers=[first, second])
    add(clinic, aino)
    offers.free_by_text()
    offers.run(minutes=5)
    code = re.search(r"\b\d[A-Z]\d\b", first.shows[-1]).group()

    aino.texts(f"OTAN {code}")
    assert aino.diary == []
    assert first.texts(f"OTAN {code}").message == "offer_won"


def test_a_number_that_left_the_file_wins_nothing(clinic, offers):
    aino = offers.waiting(visit=None)
    offers.free_by_text()
    offers.run(minutes=5)
    clinic.set_number(aino, number="+358405550188")

    answer = aino.texts(f"OTAN {offers.code(aino)}")

    assert answer.message != "offer_won"
    assert aino.diary == []
    assert offers.last.state is OfferState.OPEN


# --- the conversation ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["Missä tämä on?", "Meneekö vanha aika?"])
def test_questions_about_an_offer_are_answered_and_it_stays_open(clinic, offers, words):
    clinic.rule(address="Kokeilukatu 1")
    aino = offers.waiting(visit="10.3. 9.00")
    offers.free_by_text()
    offers.run(minutes=5)

    answer = aino.texts(words)

    assert answer.message == "offer_about_release"
    assert "Kokeilukatu 1" in answer.text
    assert "10.3." in answer.text
    assert aino.texts("Otan").message == "offer_won_release"


def test_no_thanks_changes_nothing(clinic, offers):
    aino = offers.waiting(visit="10.3. 9.00")
    offers.free_by_text()
    offers.run(minutes=5)

    assert aino.texts("Ei kiitos").message == "offer_declined"
    assert aino.diary == ["10.3. 9.00 booked"]
    assert rows_of(clinic.database, WaitlistEntry)[0].state is WaitlistState.ACTIVE


def test_a_bare_digit_that_fits_a_reminder_too_is_asked_back(clinic, offers):
    aino = offers.waiting(visit="10.3. 9.00")
    clinic.remind(aino, rows_of_visits(clinic, aino)[0])
    offers.free_by_text()
    offers.run(minutes=5)

    assert aino.texts("1").message == "which_question"
    assert aino.diary == ["10.3. 9.00 booked"]
    assert aino.texts(f"OTAN {offers.code(aino)}").message == "offer_won_release"


def test_not_coming_is_not_read_as_a_cancel_while_an_offer_stands(clinic, offers):
    aino = offers.waiting(visit="10.3. 9.00")
    clinic.remind(aino, rows_of_visits(clinic, aino)[0])
    offers.free_by_text()
    offers.run(minutes=5)

    assert aino.texts("En pääse").message == "which_question"
    assert aino.diary == ["10.3. 9.00 booked"]


def test_a_wish_for_another_time_takes_no_offer(clinic, offers):
    aino = offers.waiting(visit=None)
    offers.free_by_text()
    offers.run(minutes=5)

    aino.texts("Varaisin ajan ensi viikon tiistaille, {code}")

    assert offers.last.state is OfferState.OPEN
    assert aino.diary == []


def test_a_winner_who_answers_twice_hears_that_the_time_is_theirs(clinic, offers):
    aino = offers.waiting(visit=None)
    offers.free_by_text()
    offers.run(minutes=5)
    code = offers.code(aino)

    assert aino.texts(f"OTAN {code}").message == "offer_won"
    assert aino.texts(f"Otan {code}").message == "offer_yours"
    assert len(aino.diary) == 1


def test_a_stop_in_answer_to_an_offer_ends_offers_only(clinic, offers):
    aino = offers.waiting(visit=None)
    offers.free_by_text()
    offers.run(minutes=5)

    assert aino.texts("STOP").message == "stopped_offers"
    offers.free_by_text("9.3. 12.00")
    offers.run(minutes=5)
    assert offers.skipped(aino) == "stop"


def rows_of_visits(clinic, patient):
    return [row.id for row in rows_of(clinic.database, Appointment, patient_id=patient.id)]


# --- who is asked, and when ---------------------------------------------------------------------------------------


def test_everybody_who_is_passed_over_is_written_down_with_the_reason(clinic, offers):
    people = {
        "no_consent": offers.waiting(visit=None),
        "do_not_text": offers.waiting(visit=None),
        "day": offers.waiting(visit=None, days=[1, 2]),
        "hour": offers.waiting(visit=None, hours=[["08:00", "10:00"]]),
        "notice": offers.waiting(visit=None, notice_minutes=7 * 24 * 60),
        "earlier_visit": offers.waiting(visit=EARLIER),
        "busy_then": offers.waiting(visit=SOON),
        "clinic": offers.waiting(visit=None, clinics=[clinic.id + 1000]),
    }
    clinic.set(people["no_consent"], consents={"offers": False})
    clinic.set(people["do_not_text"], do_not_text=True)
    asked = offers.waiting(visit=None)
    offers.free_by_text()
    offers.run(minutes=5)

    assert [offers.skipped(patient) for patient in people.values()] == list(people)
    assert offers.skipped(asked) is None
    assert len(asked.phone.shows) == 1


def test_waves_go_out_in_fair_order_and_end_with_the_win(clinic, offers):
    people = [offers.waiting(f"{n} Esimerkki", visit=None) for n in range(12)]
    urgent = offers.waiting("Urpo Esimerkki", visit=None, care_class=1)
    offers.free_by_text()

    offers.run(minutes=5)
    first = [patient for patient in [urgent, *people] if patient.phone.shows]
    offers.run(minutes=5)
    assert [patient for patient in [urgent, *people] if patient.phone.shows] == first
    offers.run(minutes=5)

    assert first == [urgent, *people[:9]]
    assert all(patient.phone.shows for patient in people)
    assert people[11].texts("otan").message == "offer_won"
    assert offers.run(minutes=20) == 0


def test_whose_turn_did_not_come_is_written_down_too(clinic, offers):
    people = [offers.waiting(f"{n} Esimerkki", visit=None) for n in range(12)]
    offers.free_by_text()
    offers.run(minutes=5)

    assert [offers.skipped(patient) for patient in people] == [None] * 10 + ["turn_not_come"] * 2


def test_who_broke_two_won_times_comes_last_and_the_ledger_says_why(clinic, offers):
    breaker = offers.waiting("Rikki Esimerkki", visit=None)
    for wall in (SOON, "9.3. 10.00"):
        offers.free_by_text(wall)
        offers.run(minutes=5)
        assert breaker.texts("otan").message == "offer_won"
        offers.miss(breaker)
        add(clinic, breaker, key=f"w-{wall}")
    other = offers.waiting("Toinen Esimerkki", visit=None, last_asked_at=clinic.now)
    offers.round = OfferRound(clinic.database, KEYS, OfferRules(wave_size=1))
    offers.free_by_text("9.3. 12.00")
    offers.run(minutes=5)
    assert len(other.phone.shows) == 1
    offers.run(minutes=10)

    assert offers.asked(breaker).reason == "broke_won_times"
    assert offers.asked(other).reason is None


def test_who_was_asked_longest_ago_comes_first(clinic, offers):
    recent = offers.waiting("Reino Esimerkki", visit=None, last_asked_at=clinic.now)
    older = offers.waiting("Olli Esimerkki", visit=None, last_asked_at=clinic.now.replace(year=2025))
    offers.round = OfferRound(clinic.database, KEYS, OfferRules(wave_size=1))
    offers.free_by_text()
    offers.run(minutes=5)

    assert older.phone.shows
    assert not recent.phone.shows


def test_nobody_is_asked_in_quiet_hours(clinic, offers):
    aino = offers.waiting(visit=None)
    clinic.at("3.3. 21.30")
    offers.free_by_text()
    offers.run(minutes=5)
    assert not aino.phone.shows

    clinic.at("4.3. 7.59")
    offers.run()
    assert not aino.phone.shows
    offers.run(minutes=1)
    assert len(aino.phone.shows) == 1


def test_a_time_that_begins_within_three_hours_is_offered_at_once(clinic, offers):
    aino = offers.waiting(visit=None)
    clinic.rule(cutoff="0h")
    offers.free_by_text("3.3. 14.30")
    offers.run()

    assert "ti 3.3. klo 14.30" in aino.phone.shows[-1]


@pytest.mark.parametrize("wall", ["11.3. 10.00", "3.3. 12.45"])
def test_a_time_too_far_away_or_too_near_is_not_offered(clinic, offers, wall):
    aino = offers.waiting(visit=None)
    clinic.rule(cutoff="0h")
    offers.free_by_text(wall)
    offers.run(minutes=5)

    assert not rows_of(clinic.database, Offer)
    assert not aino.phone.shows
    assert clinic.free_times == [wall]


def test_an_offer_that_nobody_can_be_asked_about_ends_and_the_time_can_be_booked(clinic, offers):
    offers.free_by_text()
    offers.run(minutes=5)

    assert offers.last.state is OfferState.EXPIRED
    assert clinic.free_times == [SOON]


def test_two_on_one_number_are_asked_one_at_a_time(clinic, offers):
    phone = clinic.phone()
    aino, eino = offers.waiting(visit=None, phone=phone), offers.waiting("Eino Esimerkki", visit=None, phone=phone)
    offers.free_by_text()
    offers.run(minutes=5)
    assert "A:lle" in phone.shows[-1]
    assert offers.skipped(eino) == "number_asked"

    phone.texts("ei kiitos")
    offers.run(minutes=10)

    assert "E:lle" in phone.shows[-1]
    assert phone.texts("otan").message == "offer_won"
    assert eino.diary == ["6.3. 10.00 booked"]
    assert aino.diary == []


def test_a_childs_offer_goes_to_the_guardian(clinic, offers):
    mother = clinic.patient()
    child = clinic.child(mother)
    clinic.visit(child, "10.3. 9.00")
    add(clinic, child)
    offers.free_by_text()
    offers.run(minutes=5)

    assert "lapsellesi" in mother.phone.shows[-1]
    assert mother.phone.texts("otan").message == "offer_won_release"
    assert child.diary == ["6.3. 10.00 booked", "10.3. 9.00 cancelled"]


# --- the waitlist -------------------------------------------------------------------------------------------------


def test_a_patient_joins_by_text_and_is_offered_times(clinic, offers):
    aino = clinic.patient(consents={"offers": False})
    clinic.visit(aino, "20.3. 9.00")

    answer = aino.texts("Voisinko päästä peruutuslistalle? {code}")

    assert answer.message == "waitlist_joined"
    consent = rows_of(clinic.database, Consent, patient_id=aino.id)[-1]
    assert (consent.purpose, consent.granted, consent.wording) == (Purpose.OFFERS, True, "waitlist_joined")
    offers.free_by_text()
    offers.run(minutes=5)
    assert "20.3." in aino.phone.shows[-1]
    assert aino.texts("otan").message == "offer_won_release"


def test_joining_needs_the_code_and_waits_for_it(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "20.3. 9.00")

    assert aino.texts("Peruutuslistalle, kiitos").message == "code_missing"
    assert not rows_of(clinic.database, WaitlistEntry)
    assert aino.texts("{code}").message == "waitlist_joined"
    assert rows_of(clinic.database, WaitlistEntry)[0].patient_id == aino.id


def test_leaving_the_list_ends_offers(clinic, offers):
    aino = offers.waiting(visit=None)

    assert aino.texts("POIS PERUUTUSLISTALTA").message == "waitlist_left"
    assert aino.texts("POIS PERUUTUSLISTALTA").message == "waitlist_not_on"
    offers.free_by_text()
    offers.run(minutes=5)
    assert len(aino.phone.shows) == 2


@pytest.mark.parametrize(
    ("words", "limits"),
    [
        ("Vain aamupäivät", {"hours": [["08:00", "12:00"]]}),
        ("Ei maanantaisin", {"days": [2, 3, 4, 5, 6, 7]}),
        ("Vain tiistaisin ja torstaisin", {"days": [2, 4]}),
        ("Enintään yksi viesti viikossa", {"weekly_max": 1}),
        ("Inte på måndagar", {"days": [2, 3, 4, 5, 6, 7]}),
        ("Only afternoons", {"hours": [["12:00", "17:00"]]}),
        ("Max 2 texts a week", {"weekly_max": 2}),
    ],
)
def test_who_waits_says_which_times_to_hear_of(clinic, offers, words, limits):
    aino = offers.waiting(visit=None)

    answer = aino.texts(words)

    assert answer.message in ("waitlist_limited", "waitlist_limited_weekly")
    entry = rows_of(clinic.database, WaitlistEntry)[0]
    known = {"days": None, "hours": None, "weekly_max": None}
    assert {name: getattr(entry, name) for name in known} == known | limits


def test_a_second_limit_leaves_the_first_and_both_are_told(clinic, offers):
    aino = offers.waiting(visit=None)
    aino.texts("Vain tiistaisin ja torstaisin")

    aino.texts("vain aamupäivät")
    answer = aino.texts("ei torstaisin")

    assert "ti 8-12" in answer.text
    entry = rows_of(clinic.database, WaitlistEntry)[0]
    assert (entry.days, entry.hours) == ([2], [["08:00", "12:00"]])


def test_a_limit_keeps_offers_away_that_it_rules_out(clinic, offers):
    aino = offers.waiting(visit=None)
    aino.texts("Ei perjantaisin")
    offers.free_by_text()
    offers.run(minutes=5)

    assert offers.skipped(aino) == "day"


def test_a_limit_in_answer_to_an_offer_leaves_it_open(clinic, offers):
    aino = offers.waiting(visit=None)
    offers.free_by_text()
    offers.run(minutes=5)

    assert aino.texts("Ei maanantaisin").message == "waitlist_limited"
    assert aino.texts("Otan").message == "offer_won"


def test_a_limit_of_whom_nobody_knows_on_the_list_goes_to_a_person(clinic):
    aino = clinic.patient()

    assert aino.texts("Vain aamut").handed is not None


def test_joining_with_limits_waits_for_the_code_and_keeps_them(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "20.3. 9.00")

    assert aino.texts("Peruutuslistalle, vain tiistaisin kiitos").message == "code_missing"
    answer = aino.texts("{code}")

    assert answer.message == "waitlist_joined_limited"
    assert rows_of(clinic.database, WaitlistEntry)[0].days == [2]


def test_joining_lifts_a_stop_for_offers_and_for_nothing_else(clinic, offers):
    aino = clinic.patient()
    clinic.visit(aino, "20.3. 9.00")
    aino.texts("STOP")

    aino.texts("Haluan peruutuslistalle {code}")

    assert sorted(purpose for purpose, _ in aino.phone.stops) == ["care", "reminders", "surveys"]
    offers.free_by_text()
    offers.run(minutes=5)
    assert "20.3." in aino.phone.shows[-1]


# --- staff --------------------------------------------------------------------------------------------------------


def test_the_slot_is_held_while_the_offer_runs(clinic, offers):
    offers.waiting(visit=None)
    offers.free_by_text()
    offers.run(minutes=5)

    assert rows_of(clinic.database, Slot, id=offers.last.slot_id)[0].state is SlotState.HELD


# --- the feed of events -------------------------------------------------------------------------------------------


def told(clinic):
    """The kinds of events so far, in order."""
    return [row.kind for row in rows_of(clinic.database, Event)]


def test_the_feed_tells_of_an_offer_from_its_beginning_to_the_undo(clinic, offers):
    aino = offers.waiting(visit="10.3. 9.00")
    offers.free_by_text()
    offers.run(minutes=5)
    aino.texts("otan")
    aino.texts("PALAUTA")

    assert told(clinic) == [
        *("text.received", "appointment.cancelled"),
        "offer.opened",
        *("appointment.booked", "offer.won", "text.received", "appointment.cancelled"),
        *("appointment.cancelled", "appointment.booked", "offer.undone", "text.received"),
    ]


def test_the_feed_tells_whose_consents_change(clinic):
    aino = clinic.patient()
    clinic.visit(aino, "20.3. 9.00")

    aino.texts("Peruutuslistalle {code}")
    aino.texts("STOP")

    changed = [row.subject for row in rows_of(clinic.database, Event) if row.kind == "consent.changed"]
    assert changed == [key_of(clinic, aino)] * 2


def test_the_feed_tells_of_a_hand_over(clinic):
    clinic.patient().texts("IHMINEN")

    assert told(clinic) == ["text.received", "handover.opened"]


def key_of(clinic, patient):
    return rows_of(clinic.database, Patient, id=patient.id)[0].key


# --- two offers, other languages, other threads -------------------------------------------------------------------


def test_of_two_open_offers_the_code_says_which_and_nobody_gets_both(clinic, offers):
    aino = offers.waiting(visit=None)
    offers.free_by_text("6.3. 10.00")
    offers.run(minutes=5)
    first = offers.code(aino)
    offers.free_by_text("5.3. 10.00")
    offers.run(minutes=5)

    assert aino.texts("otan").message == "which_question"
    assert aino.texts(f"OTAN {first}").message == "offer_won"
    assert aino.texts(f"OTAN {offers.code(aino)}").message == "offer_keeps"
    assert aino.diary == ["6.3. 10.00 booked"]


@pytest.mark.parametrize(
    ("language", "question", "take"),
    [("sv", "Försvinner min gamla tid?", "Tar"), ("sv", "Var är det?", "ja"), ("en", "Do I lose my old time?", "yes")],
)
def test_questions_are_answered_in_other_languages_too(clinic, offers, language, question, take):
    clinic.rule(address="Kokeilukatu 1")
    aino = offers.waiting(visit="10.3. 9.00", language=language)
    offers.free_by_text()
    offers.run(minutes=5)

    answer = aino.texts(question)

    assert answer.message == "offer_about_release"
    assert "10.3" in answer.text
    assert aino.texts(take).message == "offer_won_release"


def test_a_thread_that_staff_took_meanwhile_can_still_win(clinic, offers):
    aino = offers.waiting(visit=None)
    offers.free_by_text()
    offers.run(minutes=5)
    clinic.take_over(aino.phone)

    assert aino.texts("otan").message == "offer_won"
    assert aino.diary == ["6.3. 10.00 booked"]


def test_the_winner_of_a_childs_time_hears_whose_it_is(clinic, offers):
    mother = clinic.patient()
    child = clinic.child(mother)
    clinic.visit(child, "10.3. 9.00")
    add(clinic, child)
    offers.free_by_text()
    offers.run(minutes=5)

    assert "laps" in mother.phone.texts("otan").text.lower()


def test_a_winner_whose_visit_staff_moved_since_has_nothing_to_undo(clinic, offers):
    aino = offers.waiting(visit=None)
    offers.free_by_text()
    offers.run(minutes=5)
    aino.texts("otan")
    with clinic.database.transaction() as connection:
        won = update(Appointment).where(Appointment.patient_id == aino.id)
        connection.execute(won.values(status=AppointmentStatus.CANCELLED, version=Appointment.version + 1))

    answer = aino.texts("PALAUTA")

    assert answer.message in ("nothing_to_undo", "undo_claim_gone")
    assert offers.steps(aino) == [OfferStep.ASKED, OfferStep.WON]
