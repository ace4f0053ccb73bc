"""`among`: a column is one of a list, by one and the same SQL whatever the list's length.

`column.in_(…)` writes every value into the statement: each length is another statement, to be compiled and prepared
anew. Here the list is a single parameter, so that every statement of the conversation stays prepared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Boolean, Dialect, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine


class ListOf(TypeDecorator[Collection[Any]]):
    """A list of texts or whole numbers as one parameter: JSON on SQLite, an array on PostgreSQL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """No type of ours on PostgreSQL: SQLAlchemy would cast to it, and the driver tells texts from numbers."""
        return dialect.type_descriptor(NullType() if dialect.name == "postgresql" else Text())

    def bind_processor(self, dialect: Dialect) -> Callable[[Collection[Any] | None], Any]:
        """How a list is sent to *dialect*."""
        return _as_list if dialect.name == "postgresql" else _as_json


def _as_list(values: Collection[Any] | None) -> list[Any]:
    return list(values or ())


def _as_json(values: Collection[Any] | None) -> str:
    return json.dumps(list(values or ()))


class _is_among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True
    name = "is_among"

    def self_group(self, against: Any = None) -> _is_among:  # noqa: ARG002 - SQLAlchemy's
        """Itself. SQLAlchemy would make "(…) = 1" of it on SQLite, which no index serves."""
        return self


@compiles(_is_among, "sqlite")
def _on_sqlite(element: _is_among, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({values})))"


@compiles(_is_among, "postgresql")
def _on_postgresql(element: _is_among, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({column} = ANY({values}))"


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether *column* (text or a whole number) is one of the parameter *name*, a collection of any length."""
    return _is_among(column, bindparam(name, type_=ListOf()))
