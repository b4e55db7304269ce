"""How the demo opens: staff, creditors with their channels, the portfolios, and what the world outside is like."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from gateways.whatsapp import TwilioTemplates
from sandbox.debtors import CLERK, STAFF, STORIES
from sandbox.state import TWILIO_SID, TWILIO_TOKEN
from starter.demo.house import EXAMPLES, House, telephones
from starter.demo.play import Play
from starter.demo.templates import switched_on
from starter.installation import OFFICE
from starter.up import sandbox_url

CREDITORS = tuple(sorted({story.creditor for story in STORIES}))
ON_WHATSAPP = "cometa"
"""The creditor who writes on WhatsApp."""
TRIES = 10
AGAIN_AFTER = 0.5
"""Real seconds before a command of the beginning is tried again."""


def open_portfolios(house: House, play: Play, guests: Sequence[str]) -> bool:
    """Staff, creditors, portfolios; the old one is let go after its counts were seen. Did all of it succeed?"""
    for person in STAFF:
        name = shlex.quote(person.name)
        done = _setup(
            house, play, f"user add {person.id} --name {name} --role {person.role} --limit {person.limit} --json"
        )
        if done is None:
            return False
        play.hands.tokens[person.id] = json.loads(done)["token"]
    for path, body in _world():
        house.tell_sandbox(path, body)
    return all(_setup(house, play, command) is not None for command in _commands(house, guests))


def _commands(house: House, guests: Sequence[str]) -> Iterator[str]:
    """What the clerk types, in order; WhatsApp is switched on in between."""
    for code in CREDITORS:
        yield f"creditor add {shlex.quote(str(EXAMPLES / code))}.yaml"
    yield f"creditor add {shlex.quote(str(_with_whatsapp(house)))}"
    for code in CREDITORS:
        portfolio = f"import {shlex.quote(str(EXAMPLES / code))}.csv --creditor {code} --by {CLERK}"
        yield from (f"{portfolio} --dry-run", portfolio)
    for code in CREDITORS:  # only the old portfolio waits
        yield f"release --creditor {code} --by {CLERK}"
    yield from (*guests, "scan")


def _with_whatsapp(house: House) -> Path:
    provider = TwilioTemplates(TWILIO_SID, TWILIO_TOKEN, sandbox_url(house.settings))
    today = house.now.astimezone(OFFICE).date()
    return switched_on(EXAMPLES / f"{ON_WHATSAPP}.yaml", house.folder / "credores", provider, CLERK, today)


def _setup(house: House, play: Play, command: str) -> str | None:
    """Type a command of the beginning; what it printed, or None where it never succeeded."""
    done = play.hands.type(command, house.now.astimezone(OFFICE).date())
    for _ in range(TRIES):
        if done.code == 0:
            return done.printed
        time.sleep(AGAIN_AFTER)
        done = play.hands.type(command, house.now.astimezone(OFFICE).date())
    play.problems.append(f"`{done.command}` ended with {done.code}: {done.said}")
    return None


# --- the world outside -----------------------------------------------------------------------------------------------
def _world() -> Iterator[tuple[str, dict[str, object]]]:
    """What the sandbox is told: fates of titles, numbers that are not on WhatsApp, how telephones are answered."""
    lines = [(story, telephones(story.creditor)[number]) for story in STORIES for number in story.numbers]
    yield "notary/fates", {number: story.notary for story in STORIES if story.notary for number in story.numbers}
    yield "fates", {f"whatsapp:{line}": "invalid" for story, line in lines if not story.on_whatsapp}
    yield "phones", {line: {"answers": story.answers, "does": list(story.keys)} for story, line in lines}
