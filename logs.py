"""Logs: structured lines through the standard library, with identity codes and phone numbers masked in every one.

The masks are a safety net that would rather hide too much; nothing may rely on them to log a text, a name or a number.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Mapping
from datetime import date, time, timedelta
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO
from uuid import UUID

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from settings import Settings

CODE = "<code>"
NUMBER = "<number>"

_GAP = r"[\s.]{0,5}"
_DASH = r"\-\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d"  # hyphens, dashes, minus signs
_LINK = rf"[\s.{_DASH}]{{0,3}}"
_CENTURY = rf"(?:[{_DASH}+_/A-Fa-fU-Yu-y]|%2[BbDd])"
_DAY = r"(?:0[1-9]|[12]\d|3[01]|[4-6][0-9]|7[01])"  # 41-71: temporary and coordination numbers
_MONTH = r"(?:0[1-9]|1[0-2])"
_CODE = re.compile(
    # A separator tells a code by its shape, however it is spaced: 131052-908T, 13.10.52 A 908 T, 19811228-9874; but
    # an instant is none.
    rf"(?!\d{{4}}-\d\d-\d\d[ T]\d\d:)\d(?:{_LINK}\d){{5,7}}{_GAP}{_CENTURY}{_GAP}\d(?:{_GAP}\d){{2}}{_GAP}[0-9A-Za-z]"
    # Without one it needs a plausible date, since rows and PDUs have long numbers as well.
    rf"|(?<!\d){_DAY}{_GAP}{_MONTH}{_GAP}\d\d{_GAP}\d{{3}}{_GAP}[0-9A-Za-z](?!\d)"
    rf"|(?<!\d)(?:19|20)?\d\d{_GAP}{_MONTH}{_GAP}{_DAY}{_GAP}\d{{4}}(?!\d)"
)
_NUMBER = re.compile(
    r"(?:\+|%2[Bb]|(?<!\d)00)[\s(]{0,2}[1-9](?:[\s\-()./]{0,3}\d){6,14}"  # +358 40 555 0101
    r"|(?<!\d)(?:358|46|47|45|372)\d{7,10}(?!\d)"  # the same as a carrier writes it
    r"|(?<!\d)(?<!\d\.)0[1-9](?:[\s\-()/]{0,3}\d){5,10}(?!\d)"  # 040 555 0101
)
_NAMED_AS_TEXT = (date, time, timedelta, Enum, Path, UUID)  # their str() says more than their repr()
_LEAST_LONG = 10**8  # a smaller whole number is neither a code nor a number
_DEEPEST = 8


def mask(text: str) -> str:
    """Return *text* with everything that looks like a Finnish or Swedish identity code or a phone number replaced."""
    return _NUMBER.sub(NUMBER, _CODE.sub(CODE, text))


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask a whole log line, keys and nested values too. A structlog processor: after tracebacks, before rendering."""
    return {mask(str(key)): _redacted(value, 0) for key, value in event.items()}


def _redacted(value: Any, depth: int) -> Any:
    match value:
        case None | bool() | float():
            return value
        case int():
            return value if abs(value) < _LEAST_LONG or mask(str(value)) == str(value) else mask(str(value))
        case str():
            return mask(value)
        case Mapping() if depth < _DEEPEST:
            return {mask(str(key)): _redacted(item, depth + 1) for key, item in value.items()}
        case list() | tuple() | set() | frozenset() if depth < _DEEPEST:
            return [_redacted(item, depth + 1) for item in value]
        case _:
            return mask(str(value) if isinstance(value, _NAMED_AS_TEXT) else repr(value))


def configure(process: str, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send the logs of this process (its name stands in each line) to *stream* (default: stderr).

    One JSON object a line, or coloured text on a terminal. Uncaught exceptions and warnings become log lines too.
    """
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Process(process),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # a module's logger may be used before this is called
    )
    handler = _Handler(stream)
    handler.setFormatter(_formatter(shared, terminal=stream.isatty()))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.getLogger("smpplib").setLevel(max(level, logging.WARNING))  # below that it logs whole PDUs and passwords
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def announce(settings: Settings) -> None:
    """Log the first line of a process, with the clock's offset where a trial has set one."""
    offset = settings.service.clock_offset
    log = structlog.get_logger("tekstari")
    if offset:
        log.warning("started_with_moved_clock", service=settings.service.name, clock_offset=str(offset))
    else:
        log.info("started", service=settings.service.name)


def _formatter(shared: list[Processor], *, terminal: bool) -> logging.Formatter:
    renderer: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if terminal:
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
    )


class _Process:
    """Adds the process's name to each line."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {"process": self._name, **event}


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:
        """Say where a line could not be written; the inherited way prints its arguments, unmasked."""
        self.stream.write(f"a log line of {record.name} ({record.filename}:{record.lineno}) could not be written\n")


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger("tekstari").critical("uncaught", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
