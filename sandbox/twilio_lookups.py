"""Twilio Lookup (v2): what kind of line a number is, by its form or as POST /sandbox/lines has set it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import phonenumbers
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult

from domain.errors import BadInput
from sandbox.behaviour import around
from sandbox.state import State
from sandbox.twilio_common import authenticate

KINDS = (
    "mobile",
    "landline",
    "fixedVoip",
    "nonFixedVoip",
    "personal",
    "tollFree",
    "premium",
    "sharedCost",
    "uan",
    "voicemail",
    "pager",
    "unknown",
    "invalid",
)
BY_FORM = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "landline",
    PhoneNumberType.VOIP: "nonFixedVoip",
    PhoneNumberType.TOLL_FREE: "tollFree",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "sharedCost",
    PhoneNumberType.UAN: "uan",
}
WRONG = {
    ValidationResult.TOO_SHORT: "TOO_SHORT",
    ValidationResult.TOO_LONG: "TOO_LONG",
    ValidationResult.INVALID_COUNTRY_CODE: "INVALID_COUNTRY_CODE",
    ValidationResult.INVALID_LENGTH: "INVALID_LENGTH",
}


def router(state: State) -> APIRouter:
    """The route of look-ups."""
    routes = APIRouter()

    @routes.get("/v2/PhoneNumbers/{number}")
    async def fetch(request: Request, number: str) -> JSONResponse:
        authenticate(request)
        async with around(state, "twilio", {"kind": "lookup", "to": number}):
            row = state.row("SELECT kind FROM lines WHERE number = ?", number)
        found = _found(number, row["kind"] if row else None, request.query_params.get("Fields", ""))
        return JSONResponse(found | {"url": f"{request.base_url}v2/PhoneNumbers/{quote(number)}"})

    return routes


def set_lines(state: State, lines: Mapping[str, str]) -> None:
    """The kinds of these numbers from now on. Raises `BadInput`."""
    for number, kind in lines.items():
        if kind not in KINDS:
            raise BadInput(f"{number}: no such line as {kind!r}; it is one of {', '.join(KINDS)}")
    with state.transaction() as db:
        db.executemany("REPLACE INTO lines VALUES (?, ?)", list(lines.items()))


def _found(number: str, kind: str | None, fields: str) -> dict[str, Any]:
    parsed = _parsed(number)
    if parsed is None or kind == "invalid" or (kind is None and not phonenumbers.is_valid_number(parsed)):
        return {"phone_number": number, "valid": False, "validation_errors": [_wrong(parsed)]}
    found: dict[str, Any] = {
        "calling_country_code": str(parsed.country_code),
        "country_code": phonenumbers.region_code_for_number(parsed),
        "phone_number": phonenumbers.format_number(parsed, PhoneNumberFormat.E164),
        "national_format": phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL),
        "valid": True,
        "validation_errors": [],
    }
    if "line_type_intelligence" in fields.split(","):
        kind = kind or BY_FORM.get(phonenumbers.number_type(parsed), "unknown")
        found["line_type_intelligence"] = {"type": kind, "carrier_name": "Operadora Fictícia"} | (
            {"mobile_country_code": "724", "mobile_network_code": "99"} if kind == "mobile" else {}
        )
    return found


def _parsed(number: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None


def _wrong(number: PhoneNumber | None) -> str:
    if number is None:
        return "NOT_A_NUMBER"
    return WRONG.get(phonenumbers.is_possible_number_with_reason(number), "INVALID_BUT_POSSIBLE")
