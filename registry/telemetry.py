"""Logs: one JSON object a line, on standard error, ours and those of libraries alike.

Prompts, outputs, tokens and secrets are never passed to a logger.
"""

import logging
import sys

import structlog
from structlog.stdlib import ProcessorFormatter


def configure_logs(level: str) -> None:
    """Log ours from ``level`` upward, and those of libraries from warnings upward."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
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
