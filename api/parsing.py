"""How a text would be read and answered, without anything happening."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from api.blueprint import v1
from api.office import office
from api.schemas import ParsedView
from api.spec import operation
from handlers.contact import e164
from handlers.entries import Entry, Line, Time
from handlers.refusals import Invalid
from parser.__main__ import as_context, as_json
from parser.command import Command, Context, ContextKind
from parser.mask import mask
from parser.reading import parse


class ContextData(Entry):
    """What the conversation holds, as `python -m parser` takes it."""

    at: str | None = None
    options: list[str] = Field(default_factory=list, max_length=20)
    visits: list[str] = Field(default_factory=list, max_length=20)
    code: str | None = None
    language: str | None = None


class ParseEntry(Entry):
    """A text, and as much of its surroundings as matters."""

    text: Annotated[str, Field(max_length=2000)]
    number: Line | None = Field(default=None, description="who writes; then the answer is shown as well")
    service_number: Line | None = Field(default=None, description="where the text arrives; left out: the first bind's")
    context: ContextKind = Field(default=ContextKind.NONE, description="which question is open")
    context_data: ContextData = Field(default_factory=ContextData)
    now: Time | None = None
    lang: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] | None = None


@v1.post("/parse")
@operation("read", "parse", ParsedView)
def parse_text(json: ParseEntry) -> dict[str, Any]:
    """Read a text as a patient's, and say what would be answered. Changes nothing and sends nothing."""
    now = (json.now or office().clock()).astimezone(office().zone)
    preview = office().preview
    if json.number is None or preview is None:
        return {"command": _shown(parse(json.text, now, _context(json), json.lang)), "answer": None}
    try:
        service_number = None if json.service_number is None else e164(json.service_number, office().region)
        previewed = preview(json.text, e164(json.number, office().region), service_number, now)
    except ValueError as error:
        raise Invalid.because(str(error), "number") from None
    except LookupError:
        raise Invalid.because("no clinic is reached at this number", "service_number") from None
    return {"command": _shown(previewed.command), "answer": dict(previewed.answer)}


def _context(entry: ParseEntry) -> Context:
    try:
        return as_context(entry.context.value, entry.context_data.model_dump(exclude_none=True))
    except ValueError:
        raise Invalid.because("expected times such as 2026-03-02T09:00", "context_data") from None


def _shown(command: Command) -> dict[str, Any]:
    """The command as `python -m parser` writes it, with the identity code masked."""
    read = as_json(command)
    return {**read, "identity_code": read["identity_code"] and mask(read["identity_code"])}
