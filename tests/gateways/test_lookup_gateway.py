"""What kind of line a number is, asked over real HTTP."""

from __future__ import annotations

import logging
import socket

import pytest

from domain.errors import Misconfigured, Unavailable
from gateways.lookup import TwilioLookup
from sandbox.server import Sandbox
from sandbox.state import TWILIO_SID, TWILIO_TOKEN


@pytest.fixture
def lookup(sandbox: Sandbox) -> TwilioLookup:
    return TwilioLookup(TWILIO_SID, TWILIO_TOKEN, sandbox.url, timeout=5.0)


@pytest.mark.parametrize(
    ("number", "line"),
    [
        ("+5511900000001", "mobile"),
        ("+551130000001", "landline"),
        ("+558000000000", "other"),
        ("+5520900000001", "none"),
        ("+55119000", "none"),
        ("119", "none"),
    ],
)
def test_a_number_is_known_by_its_form(lookup: TwilioLookup, number: str, line: str) -> None:
    assert lookup.line(number) == line


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("mobile", "mobile"),
        ("landline", "landline"),
        ("fixedVoip", "voip"),
        ("nonFixedVoip", "voip"),
        ("tollFree", "other"),
        ("unknown", "unknown"),
        ("invalid", "none"),
    ],
)
def test_what_the_carrier_says_counts_more_than_the_form(
    sandbox: Sandbox, lookup: TwilioLookup, kind: str, line: str
) -> None:
    sandbox.line("+5511900000051", kind)
    assert lookup.line("+5511900000051") == line


def test_a_look_up_that_fails_did_nothing_and_may_be_done_again(sandbox: Sandbox, lookup: TwilioLookup) -> None:
    for status in (500, 503):
        sandbox.fault("fail", match={"kind": "lookup"}, status=status, times=1)
        with pytest.raises(Unavailable):
            lookup.line("+5511900000001")
    assert lookup.line("+5511900000001") == "mobile"


def test_a_slow_answer_is_not_waited_for_longer_than_the_timeout(sandbox: Sandbox) -> None:
    sandbox.fault("hold", match={"kind": "lookup"}, times=1)
    with pytest.raises(Unavailable):
        TwilioLookup(TWILIO_SID, TWILIO_TOKEN, sandbox.url, timeout=0.3).line("+5511900000001")
    sandbox.release()


def test_a_wrong_token_is_our_fault(sandbox: Sandbox) -> None:
    with pytest.raises(Misconfigured):
        TwilioLookup(TWILIO_SID, "wrong", sandbox.url).line("+5511900000001")


def test_a_refused_connection_did_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unavailable):
        TwilioLookup(TWILIO_SID, TWILIO_TOKEN, f"http://127.0.0.1:{port}").line("+5511900000001")


def test_twilios_own_products_keep_their_own_hosts() -> None:
    real = TwilioLookup(TWILIO_SID, TWILIO_TOKEN)._account.client()
    assert (real.api.base_url, real.lookups.base_url, real.content.base_url) == (
        "https://api.twilio.com",
        "https://lookups.twilio.com",
        "https://content.twilio.com",
    )


def test_a_number_does_not_reach_the_logs_of_the_sdk(
    sandbox: Sandbox, lookup: TwilioLookup, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        lookup.line("+5511900000001")
    told = [record.getMessage() for record in caplog.records if record.name.startswith("twilio")]
    assert not any("11900000001" in message for message in told)
