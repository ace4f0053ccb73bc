"""Reads config.toml and the environment into frozen `Settings`, or says everything that is wrong with them at once.

`TEKSTARI_<SECTION>__<KEY>` overrides one key, `TEKSTARI_SMPP__0__PORT` one of a bind. Only composition roots read this.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from settings import Section, Settings, Smpp, bind_problems

__all__ = ["ConfigError", "Settings", "load"]

PREFIX = "TEKSTARI_"
OWN_VARIABLES = frozenset({"TEKSTARI_CONFIG", "TEKSTARI_SECRET_KEY", "TEKSTARI_TEST"})
SECTIONS: dict[str, type[Section]] = {
    name: section.annotation
    for name, section in Settings.model_fields.items()
    if isinstance(section.annotation, type) and issubclass(section.annotation, Section)
}
_SECRET = re.compile(r"\.(url|\w*pas\w*|secret|\w*token)$")  # a URL may hold a password; "pasword" is one mistyped
_ITEM = re.compile(r"\[\d+\]$")
_TEXT = (str, Path, Path | None)
_LONGEST_VALUE = 60


class ConfigError(Exception):
    """The settings cannot be used; *problems* holds one line for each reason, sorted."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings of *path* (default: TEKSTARI_CONFIG, then config.toml); raise ConfigError with all problems."""
    path = (path or Path(environ.get("TEKSTARI_CONFIG") or "config.toml")).absolute()
    reading = _Reading(path.parent, environ, _read(path))
    reading.shape()
    reading.override()
    reading.find_passwords()
    return reading.settings()


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError((f"{path}: cannot be read ({error.strerror}); expected a config.toml",)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError((f"{path}: expected TOML: {error}",)) from None


class _Reading:
    """One reading of the file and the environment: the tables so far, and what was wrong in them."""

    def __init__(self, folder: Path, environ: Mapping[str, str], tables: dict[str, Any]) -> None:
        self._context = {"folder": folder}
        self._environ = environ
        self._tables = tables
        self._binds: list[dict[str, Any]] = []
        self._origin: dict[str, str] = {}  # key -> the variable that set it
        self._problems: list[str] = []

    def shape(self) -> None:
        """Make every section a table and smpp a list of tables, dropping what is neither."""
        for name in self._tables.keys() - SECTIONS.keys() - {"smpp"}:
            self._complain(name, self._tables[name], "one of the sections " + _names({*SECTIONS, "smpp"}))
        for name in SECTIONS:
            if not isinstance(self._tables.setdefault(name, {}), dict):
                self._complain(name, self._tables[name], f"a table [{name}]")
                self._tables[name] = {}
        binds = self._tables.get("smpp", [{}])
        if not (isinstance(binds, list) and binds and all(isinstance(bind, dict) for bind in binds)):
            self._complain("smpp", binds, "one or more tables [[smpp]]")
            binds = [{}]
        self._binds = binds

    def override(self) -> None:
        """Put the environment's values over the file's."""
        for variable in sorted(self._environ):
            if variable.startswith(PREFIX) and "__" in variable:
                self._override_one(variable, variable.removeprefix(PREFIX).lower().split("__"))

    def _override_one(self, variable: str, parts: list[str]) -> None:
        match parts:
            case [section, key] if key in _fields(SECTIONS.get(section)):
                self._put(variable, self._tables[section], f"{section}.{key}", SECTIONS[section])
            case ["smpp", index, key] if index in map(str, range(len(self._binds))) and key in _fields(Smpp):
                self._put(variable, self._binds[int(index)], f"smpp[{index}].{key}", Smpp)
            case _:
                self._problems.append(f"{variable}: no such key; expected TEKSTARI_<SECTION>__<KEY> of config.toml")

    def _put(self, variable: str, table: dict[str, Any], path: str, section: type[Section]) -> None:
        key = path.rpartition(".")[2]
        text = self._environ[variable]
        table[key] = text if section.model_fields[key].annotation in _TEXT else _literal(text)
        self._origin[path] = variable

    def find_passwords(self) -> None:
        """Take passwords from the variables that password_env names; complain of variables that nobody knows."""
        named = set()
        for index, bind in enumerate(self._binds):
            variable = bind.get("password_env")
            if isinstance(variable, str) and variable:
                named.add(variable)
                self._find_password(f"smpp[{index}].password_env", bind, variable)
        for variable in sorted(self._environ):
            if variable.startswith(PREFIX) and "__" not in variable and variable not in OWN_VARIABLES | named:
                self._problems.append(f"{variable}: no such variable; expected {_names(OWN_VARIABLES)}")

    def _find_password(self, path: str, bind: dict[str, Any], variable: str) -> None:
        if "password" in bind:
            self._complain(path, variable, "either password or password_env")
        elif variable not in self._environ:
            self._complain(path, variable, "the name of a variable that is set")
        else:
            bind["password"] = self._environ[variable]

    def settings(self) -> Settings:
        """Check everything; raise ConfigError when anything was wrong."""
        sections = {name: self._section(name, section, self._tables[name]) for name, section in SECTIONS.items()}
        binds = [self._section(f"smpp[{index}]", Smpp, bind) for index, bind in enumerate(self._binds)]
        valid = {index: bind for index, bind in enumerate(binds) if isinstance(bind, Smpp)}
        for index, key, expected in bind_problems(valid):
            self._complain(f"smpp[{index}].{key}", getattr(valid[index], key), expected)
        self._check_clock(sections["service"])
        if self._problems:
            raise ConfigError(tuple(sorted(self._problems)))
        return Settings.model_validate({**sections, "smpp": tuple(binds)})

    def _section(self, path: str, section: type[Section], table: dict[str, Any]) -> Section | None:
        try:
            value = section.model_validate(table, context=self._context)
        except ValidationError as error:
            self._explain(path, section, error)
            return None
        for key, expected in value.problems():
            self._complain(f"{path}.{key}", table.get(key, getattr(value, key)), expected)
        return value

    def _explain(self, path: str, section: type[Section], error: ValidationError) -> None:
        for detail in error.errors(include_url=False, include_context=False):
            if detail["type"] == "too_short" and detail["input"]:
                continue  # each of its items is wrong, and told of already
            key, *rest = detail["loc"]
            place = f"{path}.{key}" + "".join(f"[{index}]" for index in rest)
            field = section.model_fields.get(str(key))
            expected = f"one of the keys {_names(section.model_fields)}" if field is None else field.description
            self._complain(place, detail["input"], str(expected))

    def _check_clock(self, service: Section | None) -> None:
        offset = getattr(service, "clock_offset", None)
        if offset and self._environ.get("TEKSTARI_TEST") != "1":
            written = self._tables["service"]["clock_offset"]
            self._complain("service.clock_offset", written, '"0s", since TEKSTARI_TEST=1 is not set')

    def _complain(self, path: str, value: object, expected: str) -> None:
        shown = "(hidden)" if _SECRET.search(path) else _shown(value)
        variable = self._origin.get(_ITEM.sub("", path))
        self._problems.append(f"{path} = {shown}: expected {expected}" + (f" (from {variable})" if variable else ""))


def _fields(section: type[Section] | None) -> Iterable[str]:
    return section.model_fields if section else ()


def _literal(text: str) -> Any:
    """A number, true, false or [list] as TOML writes it; everything else is the text itself."""
    try:
        tables = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return tables["value"] if len(tables) == 1 else text


def _shown(value: object) -> str:
    if isinstance(value, timedelta):
        value = f"{value.total_seconds():g}s"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
