"""What kind of line a phone number is, from Twilio Lookup v2. Each answer is paid for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from gateways.twilio_api import API, TwilioAccount

Line = Literal["mobile", "landline", "voip", "other", "unknown", "none"]
"""`other`: toll-free, premium, pager and the like; `unknown`: a number whose line nobody can tell; `none`: no number
at all that a carrier could give to anybody."""

# https://www.twilio.com/docs/lookup/v2-api/line-type-intelligence
_LINES: dict[str, Line] = {
    "mobile": "mobile",
    "landline": "landline",
    "fixedVoip": "voip",
    "nonFixedVoip": "voip",
    **dict.fromkeys(("personal", "tollFree", "premium", "sharedCost", "uan", "voicemail", "pager"), "other"),
}


class LineLookup(Protocol):
    """Knows the kind of a line."""

    def line(self, number: str) -> Line:
        """The kind of line behind an E.164 number. Raises `Unavailable`, `Permanent`."""
        ...


class TwilioLookup:
    """Twilio Lookup with the account's Auth Token. Safe to share between threads."""

    def __init__(self, account_sid: str, auth_token: str, base_url: str = API, timeout: float = 10.0) -> None:
        """`timeout` is in seconds."""
        self._account = TwilioAccount(account_sid, auth_token, base_url, timeout)

    def line(self, number: str) -> Line:
        return self._account.look_up(
            lambda client: _line(client.lookups.v2.phone_numbers(number).fetch(fields="line_type_intelligence"))
        )


def _line(found: Any) -> Line:
    if not found.valid:
        return "none"
    intelligence: Mapping[str, Any] = found.line_type_intelligence or {}
    return _LINES.get(str(intelligence.get("type")), "unknown")
