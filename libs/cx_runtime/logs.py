"""Write logs: structured, on stderr, for people or for machines, and without anybody's identifiers in clear.

``configure`` is called once by a process's entry point. Whatever libraries log by ``logging`` goes the same way. The
same warning comes once a minute at most. Mail addresses and phone numbers are masked wherever they turn up; what could
unlock something is left out by its name, and so are the messages of exceptions that are not ours.
"""

from __future__ import annotations

import logging
import re
import sys
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, TextIO

import structlog

from cx_events.errors import CxError

_EMAIL = re.compile(r"[^\s\"'<>:,;=(\[{@]{1,64}@[^\s\"'<>:,;=)\]}]{1,255}")
# With a plus always; without one not as a date, and not within an id, a decimal fraction or a time.
_PHONE = re.compile(
    r"(?:\+|(?<![\w.:+-])(?!\d{4}-\d\d-\d\d)(?=[\d ()-]{1,200}(?![\w:-]|\.\d)))\d[\d ()-]{6,18}\d(?!\d)"
)
_IDENTIFIER = re.compile(r"(identifier=)[^&\s\"']+", re.IGNORECASE)
_SECRET_NAMES = re.compile(
    r"authorization|secret|password|token|cookie|signature|api_?key|identifier|email|phone", re.IGNORECASE
)
_DEPTH = 6
_ABOUT = ("part", "task", "worker", "connection", "provider", "reason")
AGAIN_SECONDS = 60.0
MOST_REMEMBERED = 1_000

Ids = Callable[[], Mapping[str, str]]

OWN_PACKAGES = (
    *("cx_events", "cx_client", "cx_identity", "cx_context", "cx_runtime", "cx_vcon"),
    *("cx_channels", "cx_projectors", "cx_context_api", "cx_ops", "cx_mcp", "cx_desktop", "cx_hub"),
)
"""Only their loggers may tell more than warnings: what they tell is chosen here, and is never what people said."""


def masked(text: str) -> str:
    """The text with mail addresses, phone numbers and looked-up identifiers unreadable: ``a***@***``, ``***21``."""
    text = _IDENTIFIER.sub(r"\1***", text)
    text = _EMAIL.sub(lambda match: f"{match[0][0]}***@***", text)
    return _PHONE.sub(lambda match: f"***{match[0][-2:]}", text)


def _mask(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in entry.items():
        if name not in ("timestamp", "level"):
            entry[name] = _clean(name, value, _DEPTH)
    return entry


def _clean(name: str, value: Any, depth: int) -> Any:
    if _SECRET_NAMES.search(name) and name != "event":
        return "***"
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict) and depth:
        return {key: _clean(str(key), item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and depth:
        return [_clean(name, item, depth - 1) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return masked(str(value))


def _without_messages(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Write an exception as its frames and types. The messages of others' errors are left out: they quote what failed
    to be read, and a database's error a whole row."""
    given = entry.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        entry["exception"] = "\n".join(_told(error))
    return entry


def _told(error: BaseException) -> Iterator[str]:
    """Yield the lines of a trace, those of its causes first."""
    seen: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in seen and len(seen) < _DEPTH:
        seen.append(each)
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    for one in reversed(seen):
        yield "Traceback (most recent call last):"
        yield from (line.rstrip("\n") for line in traceback.format_tb(one.__traceback__))
        yield f"{type(one).__name__}: {one}" if isinstance(one, CxError) else type(one).__name__


def _with_ids(ids: Ids) -> structlog.types.Processor:
    def add(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        entry.update(ids())
        return entry

    return add


class Seldom(logging.Filter):
    """Lets the same warning about the same thing through once a minute, with how often it was said meanwhile. Errors of
    ours with their trace go through always."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: OrderedDict[tuple[object, ...], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING or record.exc_info or record.name == "cx_runtime.outages":
            return True
        ours = record.msg if isinstance(record.msg, dict) else {}
        what = ours.get("event") or str(record.msg)
        key = (record.name, what, *(str(ours.get(name)) for name in _ABOUT))
        now = self._clock()
        at, left_out = self._said.get(key, (None, 0))
        if at is not None and now - at < AGAIN_SECONDS:
            self._said[key] = at, left_out + 1
            return False
        self._said[key] = now, 0
        self._said.move_to_end(key)
        if len(self._said) > MOST_REMEMBERED:
            self._said.popitem(last=False)
        if left_out and ours:
            ours["said_before"] = left_out
        return True


def _nobodys_commands(record: logging.LogRecord) -> bool:
    """aiosmtpd warns of commands that it does not know, and quotes what a stranger typed."""
    return record.name != "mail.log" or record.levelno > logging.WARNING


def _somebodys_failure(record: logging.LogRecord) -> bool:
    """asyncpg leaves a future that nobody waits for where a connection is lost while a statement is cancelled, and
    asyncio tells of it with a trace. What comes of the loss is told by who asked (``cx_runtime.outages``)."""
    error = record.exc_info[1] if record.name == "asyncio" and record.exc_info else None
    return type(error).__name__ != "ConnectionDoesNotExistError"


def _worth_saying(record: logging.LogRecord) -> bool:
    """aiokafka tells of every failed attempt to reach a broker, dozens of times a second while it is away. What comes
    of it is told by who asked (``cx_runtime.outages``); what it did not expect has a trace, and is let through."""
    return not record.name.startswith("aiokafka") or bool(record.exc_info) or record.levelno >= logging.CRITICAL


def _formatter(format: str, shared: list[structlog.types.Processor], *, colors: bool) -> logging.Formatter:
    last: structlog.types.Processor = (
        structlog.processors.JSONRenderer() if format == "json" else structlog.dev.ConsoleRenderer(colors=colors)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _mask, last],
    )


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to what stderr is at the moment. A stream held from a start may be closed by whoever had put it there."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def configure(level: str = "info", format: str = "text", stream: TextIO | None = None, *, ids: Ids = dict) -> None:
    """Send all logs of this process to ``stream`` (stderr) as ``text`` or ``json`` lines.

    ``level``: of our own packages; of libraries warnings are the least that is shown. ``ids``: those of the trace under
    way, for each line.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_messages,
        _with_ids(ids),
    ]
    handler = _StderrHandler() if stream is None else logging.StreamHandler(stream)
    handler.addFilter(_nobodys_commands)
    handler.addFilter(Seldom())
    if level != "debug":
        handler.addFilter(_worth_saying)
        handler.addFilter(_somebodys_failure)
    handler.setFormatter(_formatter(format, shared, colors=handler.stream.isatty()))
    root = logging.getLogger()
    root.handlers = [handler]
    wanted = logging.getLevelNamesMapping()[level.upper()]
    # Below warnings, libraries print what goes over their wires: aiokafka whole records, SQLAlchemy and aiosqlite
    # parameters and rows, websockets frames, aiosmtpd commands.
    root.setLevel(max(wanted, logging.WARNING))
    for package in OWN_PACKAGES:
        logging.getLogger(package).setLevel(wanted)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
