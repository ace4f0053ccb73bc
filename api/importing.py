"""A clinic's own data from a file: the bodies of the API, many at once, each bad row with its reason."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from api.problems import invalid
from handlers.clerk import Actor, Clerk, SlotOrder, catalogue, people, slots, visits
from handlers.clerk.order import Order
from handlers.entries import AppointmentEntry, ClinicEntry, Key, PatientEntry, ServiceEntry, SlotEntry
from handlers.refusals import Invalid, Refusal, Stale
from models.rows import ANY, StaleVersion

CHUNK = 200  # rows that are written together, so that the gateway is not kept waiting
KEY: TypeAdapter[str] = TypeAdapter(Key)
YES, NO = {"1", "true", "yes", "y", "x", "kyllä", "ja"}, {"0", "false", "no", "n", "ei", "nej"}


class ImportFault(Exception):
    """The file as a whole cannot be read; says why."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """One list of the file: the body that its rows are, and what the clerk does with one."""

    body: type[BaseModel]
    put: Callable[[Order, str, Any], object]


# In this order: what others refer to comes first.
KINDS: dict[str, _Kind] = {
    "clinics": _Kind(ClinicEntry, lambda order, key, entry: catalogue.put_clinic(order, key, entry, ANY)),
    "services": _Kind(ServiceEntry, lambda order, key, entry: catalogue.put_service(order, key, entry, ANY)),
    "patients": _Kind(PatientEntry, lambda order, key, entry: people.put_patient(order, key, entry, ANY)),
    "slots": _Kind(SlotEntry, lambda order, key, entry: slots.put_slots(order, [SlotOrder(key, entry)])),
    "appointments": _Kind(AppointmentEntry, lambda order, key, entry: visits.put_appointment(order, key, entry, ANY)),
}


@dataclass(frozen=True, slots=True)
class _Row:
    """One row, checked as far as that needs no database. *place* says where it stands in the file."""

    kind: str
    place: str
    key: str
    entry: Any


@dataclass(frozen=True, slots=True)
class Data:
    """The rows of a file by kind, each with its place in the file."""

    rows: Mapping[str, Sequence[tuple[str, Any]]]


@dataclass(slots=True)
class Outcome:
    """What became of an import."""

    taken: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """One line for the operator."""
        counts = ", ".join(f"{self.taken[kind]} {kind}" for kind in KINDS if self.taken[kind]) or "nothing"
        return f"{counts} imported" + (f"; {len(self.faults)} faults" if self.faults else "")


class _Undo(Exception):
    """Leaves a transaction without a trace."""


class Importer:
    """Writes the rows of files through the clerk."""

    def __init__(self, clerk: Clerk, actor: Actor, now: datetime) -> None:
        self._clerk, self._actor, self._now = clerk, actor, now

    def take(self, data: Data, *, all_or_nothing: bool = False) -> Outcome:
        """Write every good row and report the others; with *all_or_nothing* one bad row keeps all out."""
        outcome = Outcome()
        rows = _in_order(list(self._checked(data, outcome)))
        if all_or_nothing:
            self._all_or_nothing(rows, outcome)
            return outcome
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            self._add(outcome, self._clerk.carry_out(self._actor, self._now, lambda order: _put_all(order, chunk)))  # noqa: B023
        return outcome

    def _all_or_nothing(self, rows: Sequence[_Row], outcome: Outcome) -> None:
        def work(order: Order) -> Outcome:
            written = _put_all(order, rows)
            if written.faults or outcome.faults:
                raise _Undo(written)
            return written

        try:
            self._add(outcome, self._clerk.carry_out(self._actor, self._now, work))
        except _Undo as undone:
            written: Outcome = undone.args[0]
            outcome.faults += written.faults

    def _checked(self, data: Data, outcome: Outcome) -> Iterator[_Row]:
        for kind, what in KINDS.items():
            for place, raw in data.rows.get(kind, ()):
                try:
                    yield _checked(kind, what, place, raw)
                except Invalid as wrong:
                    outcome.faults += _lines(place, wrong)

    @staticmethod
    def _add(outcome: Outcome, written: Outcome) -> None:
        outcome.taken += written.taken
        outcome.faults += written.faults


def _checked(kind: str, what: _Kind, place: str, raw: Any) -> _Row:
    if not isinstance(raw, dict):
        raise Invalid.because("expected an object")
    body = dict(raw)
    try:
        key = KEY.validate_python(body.pop("id", None))
    except ValidationError as error:
        raise Invalid(*(fault.inside("id") for fault in invalid(error).faults)) from None
    try:
        return _Row(kind, place, key, what.body.model_validate(body))
    except ValidationError as error:
        raise invalid(error) from None


def _in_order(rows: list[_Row]) -> list[_Row]:
    """Guardians after everybody whom they may act for."""
    rank = {kind: index for index, kind in enumerate(KINDS)}
    return sorted(rows, key=lambda row: (rank[row.kind], bool(getattr(row.entry, "dependants", None))))


def _put_all(order: Order, rows: Sequence[_Row]) -> Outcome:
    outcome = Outcome()
    for row in rows:
        try:
            with order.connection.begin_nested():
                KINDS[row.kind].put(order, row.key, row.entry)
        except StaleVersion:
            outcome.faults += _lines(row.place, Stale.because("somebody else has just changed it"))
        except Refusal as refusal:
            outcome.faults += _lines(row.place, refusal)
        else:
            outcome.taken[row.kind] += 1
    return outcome


def _lines(place: str, refusal: Refusal) -> list[str]:
    return [f"{place}{'.' if fault.path else ''}{fault.path}: {fault.reason}" for fault in refusal.faults]


# --- files --------------------------------------------------------------------------------------------------------


def load_file(path: Path) -> Data:
    """Read a JSON or CSV file. Raises `ImportFault`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "expected UTF-8"
        raise ImportFault(f"{path}: {reason}") from None
    if path.suffix.lower() == ".csv":
        return from_csv(text)
    return from_json(text)


def from_json(text: str) -> Data:
    """The rows of `{"clinics": [...], "services": [...], …}`. Raises `ImportFault`."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ImportFault(f"expected JSON{where}") from None
    return from_document(document)


def from_document(document: Any) -> Data:
    """The rows of a document that has been read. Raises `ImportFault`."""
    if not isinstance(document, dict) or not document.keys() <= KINDS.keys():
        raise ImportFault(f"expected an object with some of {', '.join(KINDS)}")
    if not all(isinstance(rows, list) for rows in document.values()):
        raise ImportFault("expected a list under each name")
    return Data({kind: [(f"{kind}[{n}]", row) for n, row in enumerate(rows)] for kind, rows in document.items()})


def from_csv(text: str) -> Data:
    """The rows of a CSV of patients or slots, told by its header. Raises `ImportFault`."""
    first = text.partition("\n")[0]
    reader = csv.DictReader(
        io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True
    )
    columns = set(reader.fieldnames or ())
    kind = "patients" if "family_name" in columns else "slots" if "start" in columns else None
    if kind is None:
        raise ImportFault("expected a header with family_name (patients) or start (slots)")
    known = PATIENT_COLUMNS if kind == "patients" else SLOT_COLUMNS
    if unknown := sorted(columns - known.keys()):
        raise ImportFault(f"unknown columns {', '.join(unknown)}; expected some of {', '.join(known)}")
    try:
        return Data({kind: [(f"line {reader.line_num}", _cells(row, known)) for row in reader]})
    except csv.Error as error:
        raise ImportFault(f"line {reader.line_num}: {error}") from None


def _cells(row: Mapping[str | None, Any], columns: Mapping[str, Callable[[str], Any]]) -> Any:
    """A row as the body that it means; an empty cell says nothing. A row of another length is no body at all."""
    if None in row or None in row.values():
        return None
    body: dict[str, Any] = {}
    for name, cell in row.items():
        if name is not None and (written := cell.strip()):
            body[name] = columns[name](written)
    consents = {purpose: body.pop(purpose) for purpose in CONSENTS if purpose in body}
    return body | ({"consents": consents} if consents else {})


def _text(cell: str) -> str:
    return cell


def _flag(cell: str) -> bool | str:
    """Yes or no; anything else stays as it is and is found to be wrong."""
    folded = cell.casefold()
    return True if folded in YES else False if folded in NO else cell


def _list(cell: str) -> list[str]:
    return [part.strip() for part in cell.replace(";", "|").replace(",", "|").split("|") if part.strip()]


def _dependants(cell: str) -> list[dict[str, str]]:
    return [{"patient": key} for key in _list(cell)]


CONSENTS = ("reminders", "care", "offers", "surveys")
PATIENT_COLUMNS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("id", "identity_code", "given_names", "family_name", "language"), _text),
    "numbers": _list,
    **dict.fromkeys(CONSENTS, _flag),
    "dependants": _dependants,
    **dict.fromkeys(("do_not_text", "deceased", "acts_from_12"), _flag),
}
SLOT_COLUMNS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("id", "clinic", "practitioner", "start", "end", "state"), _text),
    "services": _list,
}
