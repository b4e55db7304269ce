"""Logs that operators can search and that quote nobody."""

import io
import json
import logging
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy.exc
import structlog

from gateways.logs import configure_logs

SECRET = "planted-secret"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    configure_logs(written)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail() -> None:
    try:
        raise psycopg.errors.UniqueViolation(f"Key (name)=({SECRET}) already exists")
    except psycopg.Error as error:
        raise sqlalchemy.exc.IntegrityError(f"INSERT {SECRET}", {"name": SECRET}, error) from error


@pytest.mark.parametrize("logger", [structlog.get_logger("ours"), logging.getLogger("a.library")])
def test_an_error_is_logged_with_its_code_and_its_place_and_without_its_text(
    stream: io.StringIO, logger: logging.Logger
) -> None:
    try:
        fail()
    except sqlalchemy.exc.IntegrityError:
        logger.exception("it failed")
    [line] = lines(stream)
    assert (line["event"], line["level"]) == ("it failed", "error")
    assert line["error"] == "IntegrityError 23505"
    assert line["cause"] == "UniqueViolation 23505"
    assert str(line["raised_in"]).count("test_logs.py") == 2
    assert SECRET not in stream.getvalue()


def test_every_line_has_its_time_in_utc_and_what_was_bound(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(case="c-1"):
        structlog.get_logger("ours").info("decided", action="contact")
    [line] = lines(stream)
    assert str(line.pop("at")).endswith("Z")
    assert line == {"event": "decided", "level": "info", "logger": "ours", "case": "c-1", "action": "contact"}


def test_libraries_that_log_keys_and_addresses_stay_quiet_even_when_all_is_to_be_logged(stream: io.StringIO) -> None:
    logging.basicConfig(level=logging.DEBUG, stream=stream, force=True)
    logging.getLogger("python_http_client.client").debug(SECRET)
    logging.getLogger("twilio.http_client").info(SECRET)
    logging.getLogger("sqlalchemy.engine.Engine").info(SECRET)
    assert SECRET not in stream.getvalue()
