"""The clinics' HTTP interface, /api/v1: JSON in, JSON out, problem details for everything that goes wrong."""

from __future__ import annotations

from api.office import Office
from api.routes import register

__all__ = ["Office", "register"]
