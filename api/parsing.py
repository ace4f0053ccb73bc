"""How a text would be read and answered, without anything happening."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from api.blueprint import v1
from api.office import office
from api.schemas import ParsedView
from api.spec import operation
from handlers.contact import e164
from handlers.entries import EARLIEST, LATEST, Entry, Language, Line, Time
from handlers.refusals import Invalid
from parser.__main__ import as_context, as_json
from parser.command import Command, ContextKind
from parser.mask import mask
from parser.reading import parse


def _local(written: str) -> str:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        moment = None
    if moment is None or not EARLIEST <= moment.year <= LATEST:
        raise ValueError("expected a local time such as 2026-03-02T09:00")
    return written


LocalTime = Annotated[str, Field(max_length=40), AfterValidator(_local)]


class ContextData(Entry):
    """What the conversation holds, as `python -m parser` takes it."""

    at: LocalTime | None = None
    options: list[LocalTime] = Field(default_factory=list, max_length=20)
    visits: list[LocalTime] = Field(default_factory=list, max_length=20)
    code: Annotated[str, Field(max_length=10)] | None = None
    language: Language | None = None


class ParseEntry(Entry):
    """A text, and as much of its surroundings as matters."""

    text: Annotated[str, Field(max_length=2000)]
    number: Line | None = Field(default=None, description="who writes; then the answer is shown as well")
    service_number: Line | None = Field(default=None, description="where the text arrives; left out: the first bind's")
    context: ContextKind = Field(default=ContextKind.NONE, description="which question is open")
    context_data: ContextData = Field(default_factory=ContextData)
    now: Time | None = None
    lang: Language | None = None


@v1.post("/parse")
@operation("read", "parse", ParsedView)
def parse_text(json: ParseEntry) -> dict[str, Any]:
    """Read a text as a patient's, and say what would be answered. Changes nothing and sends nothing."""
    now = (json.now or office().clock()).astimezone(office().zone)
    preview = office().preview
    if json.number is None or preview is None:
        context = as_context(json.context.value, json.context_data.model_dump(exclude_none=True))
        return {"command": _shown(parse(json.text, now, context, json.lang)), "answer": None}
    number = _number(json.number, "number")
    service_number = None if json.service_number is None else _number(json.service_number, "service_number")
    try:
        previewed = preview(json.text, number, service_number, now)
    except LookupError:
        raise Invalid.because("no clinic is reached at this number", "service_number") from None
    return {"command": _shown(previewed.command), "answer": dict(previewed.answer)}


def _number(written: str, path: str) -> str:
    try:
        return e164(written, office().region)
    except ValueError as error:
        raise Invalid.because(str(error), path) from None


def _shown(command: Command) -> dict[str, Any]:
    """The command as `python -m parser` writes it, with the identity code masked."""
    read = as_json(command)
    return {**read, "identity_code": read["identity_code"] and mask(read["identity_code"])}
