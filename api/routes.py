"""Puts the API into a Flask app."""

from __future__ import annotations

from flask import Flask

from api import catalogue, diary, docs, events, messages, offers, parsing, patients, reminders, texts
from api.blueprint import v1
from api.health import health
from api.office import EXTENSION, Office
from api.problems import register_handlers

# Importing them is what fills the blueprint.
VIEWS = (catalogue, diary, docs, events, messages, offers, parsing, patients, reminders, texts)
LARGEST_BODY = 4 * 1024 * 1024


def register(app: Flask, office: Office) -> None:
    """Serve /api/v1, health and metrics on *app* with the parts of *office*."""
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.extensions[EXTENSION] = office
    app.register_blueprint(v1)
    app.register_blueprint(health)
    register_handlers(app)
