"""The OpenAPI document, and a page that shows it without a script or anything from elsewhere."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, make_response, render_template

from api.blueprint import v1
from api.spec import document

POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@v1.get("/openapi.json")
def openapi() -> Response:
    """The OpenAPI document."""
    return jsonify(document())


@v1.get("/docs")
def docs() -> Response:
    """The documentation page."""
    page = make_response(render_template("api/docs.html", document=document(), shown=shown))
    page.headers["Content-Security-Policy"] = POLICY
    return page


def shown(schema: dict[str, Any]) -> str:
    """A schema in a few words: "string (date-time)", "list of Slot", "Urgent or null"."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(shown(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {shown(schema.get('items', {}))}"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return f"object of {shown(values)}" if isinstance(values, dict) and values else "object"
    kind = str(schema.get("type", "any"))
    return f"{kind} ({schema['format']})" if "format" in schema else kind
