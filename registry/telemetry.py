"""Logs: one JSON object a line, on standard error, ours and those of libraries alike.

Prompts, outputs, tokens and secrets are never passed to a logger. An exception is logged by its
kind and its frames, without its message, which may quote a text.
"""

import logging
import sys
import traceback
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter


def configure_logs(level: str) -> None:
    """Log ours from ``level`` upward, and those of libraries from warnings upward."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_without_message),
    ]
    structlog.configure(
        processors=[*shared, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.WARNING)
    for ours in ("registry", "workers", "filters", "api"):
        logging.getLogger(ours).setLevel(level.upper())


def _without_message(exc_info: Any) -> dict[str, Any]:
    """Return the kind of an exception and where it came from."""
    kind, _, trace = exc_info
    frames = traceback.extract_tb(trace)
    return {
        "kind": kind.__name__,
        "trace": [f"{each.filename}:{each.lineno} {each.name}" for each in frames],
    }
