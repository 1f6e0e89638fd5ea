"""One stream of log lines for structlog and the standard library, as JSON or as text.

Each line tells service, version, time, level and logger, and what was bound to the current task
(request ids and the like). Redaction comes last, so that it sees exceptions too.
"""

import logging
import sys
from collections.abc import Callable
from importlib.metadata import version as installed
from typing import Literal, TextIO, cast

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

Redact = Callable[[str], str]
DEEPEST = 6
# These log each request or query that they make at INFO.
TALKATIVE = ("aiohttp.access", "httpx", "slack_sdk", "slack_bolt", "pgqueuer", "temporalio")


def configure(
    *,
    level: str = "INFO",
    style: Literal["json", "text"] = "json",
    service: str,
    version: str = "",
    redact: Redact | None = None,
    stream: TextIO | None = None,
) -> None:
    """Set up logging for this process; calling it again replaces what was set up."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        stamped(service, version or installed("carapulse")),
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter(shared, style, redact))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def formatter(
    shared: list[Processor], style: Literal["json", "text"], redact: Redact | None
) -> logging.Formatter:
    """What becomes of an event, from whichever of the two libraries."""
    processors: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
    ]
    if redact is not None:
        processors.append(redacted(redact))
    processors.append(
        structlog.processors.JSONRenderer(default=str)
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=processors)


def stamped(service: str, version: str) -> Processor:
    """Adds who speaks."""

    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"], event["version"] = service, version
        return event

    return add


def redacted(redact: Redact) -> Processor:
    """Runs every text of the event through `redact`, however deep it lies."""

    def scrub(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return cast("EventDict", scrubbed(event, redact, 0))

    return scrub


def scrubbed(value: object, redact: Redact, depth: int) -> object:
    """The same value without secrets; what is no plain data becomes its text first."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict) and depth < DEEPEST:
        return {key: scrubbed(item, redact, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and depth < DEEPEST:
        return [scrubbed(item, redact, depth + 1) for item in value]
    return redact(str(value))
