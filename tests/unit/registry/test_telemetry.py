import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from registry.telemetry import configure_logs

SECRET = "what a researcher wrote"


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Put the loggers back as they were."""
    handlers, level = logging.root.handlers, logging.root.level
    yield
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("name", ["workers.scorer", "some.library"])
def test_an_exception_is_logged_without_its_message(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("INFO")
    logger = structlog.get_logger(name) if name.startswith("workers") else logging.getLogger(name)

    try:
        int(SECRET)  # the error quotes it
    except ValueError:
        logger.exception("it failed")

    logged = capsys.readouterr().err
    entry = json.loads(logged)
    assert SECRET not in logged
    assert entry["exception"]["kind"] == "ValueError"
    assert __file__ in entry["exception"]["trace"][0]
