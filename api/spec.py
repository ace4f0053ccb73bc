"""The OpenAPI document, made from the views, and the one decorator that every view has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app
from pydantic import BaseModel
from spectree import Response as Responses
from spectree import SecurityScheme, SpecTree
from spectree.models import SecureType, SecuritySchemeData

from api.problems import MEDIA_TYPE, Problem, after_view, before_view

View = TypeVar("View", bound=Callable[..., Any])


def _name(model: Any) -> str:
    """The bodies are called Clinic and Patient outside, whatever their classes are called here."""
    return str(model.__name__).removesuffix("Entry").removesuffix("View") or "Item"


def _component(model: Any) -> str:
    name = str(model.__name__)
    return f"{_name(model)}Body" if name.endswith("Entry") else _name(model)


tree = SpecTree(
    "flask",
    before=before_view,
    after=after_view,
    naming_strategy=_component,
    nested_naming_strategy=lambda _parent, child: child.removesuffix("View"),
    validation_error_model=Problem,
    mode="strict",
    path="api/v1/openapi-of-spectree",  # where spectree would look for its own pages; we serve them ourselves
    title="Tekstari",
    version="1",
    description="Two-way texting for clinics. See docs/integrating.md.",
    security_schemes=[
        SecurityScheme(name="key", data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer")),
    ],
    security={"key": []},
)


def operation(
    scope: str, tag: str, answer: type[BaseModel] | None, *, made: bool = False, errors: tuple[int, ...] = ()
) -> Callable[[View], View]:
    """Check a view's request against its annotations, its answer against *answer*, and its caller for *scope*.

    With *made* the answer may be 201 as well as 200; *errors* are statuses beyond those that any view has.
    """
    documented: dict[str, Any] = {f"HTTP_{status}": Problem for status in (400, 401, 403, 422, *errors)}
    documented["HTTP_200" if answer else "HTTP_204"] = answer
    if made:
        documented["HTTP_201"] = answer

    def decorate(view: View) -> View:
        checked = tree.validate(resp=Responses(**documented), tags=(tag,), operation_id=view.__name__)(view)
        checked.scope = scope
        checked.takes_body = "json" in view.__annotations__
        return checked  # type: ignore[no-any-return]

    return decorate


def document() -> dict[str, Any]:
    """The OpenAPI document of the running app."""
    made: dict[str, Any] = current_app.extensions.setdefault("tekstari.openapi", {})
    if not made:
        made.update(tree.spec)
        for operations in made["paths"].values():
            for each in operations.values():
                _say_problems(each["responses"])
    return made


def _say_problems(responses: dict[str, Any]) -> None:
    """Errors come as problem details, which spectree has no word for."""
    for status, response in responses.items():
        content = response.get("content", {})
        if status.startswith(("4", "5")) and "application/json" in content:
            response["content"] = {MEDIA_TYPE: content["application/json"]}
