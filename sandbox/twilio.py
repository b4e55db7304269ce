"""Twilio as the product uses it: messages, templates, calls and look-ups, and what is reported of them."""

from __future__ import annotations

from fastapi import APIRouter

from sandbox import phones, twilio_calls, twilio_content, twilio_lookups, twilio_messages
from sandbox.state import Row, State

PATHS = ("/2010-04-01/", "/v1/Content", "/v2/PhoneNumbers")


def router(state: State) -> APIRouter:
    """All routes of Twilio."""
    routes = APIRouter()
    for product in (twilio_messages, twilio_calls, twilio_content, twilio_lookups):
        routes.include_router(product.router(state))
    return routes


def report(state: State, entry: Row, event: Row) -> tuple[str | None, dict[str, str]]:
    """Where an event of an entry is to be told, and the form that tells it."""
    if entry["kind"] == "call":
        return phones.callback(state, entry, event)
    if entry["kind"] == "inbound":
        return entry["data"]["url"], entry["data"]["form"]
    return entry["data"]["callback"], twilio_messages.callback(entry, event)
