"""What those who act for a case outside tell us by a call: `POST /webhooks/partners/{who}`, signed.

The body is JSON with the fields of `regua ... answer`, `case` among them. X-Regua-Key names the answer, so that it
counts once however often it comes; X-Regua-Signature signs moment, door, key and body with the secret that we share
with this partner alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from fastapi import FastAPI, HTTPException, Request, Response
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from activities.desk import fact_values, pinned_policy, store_facts
from domain.clock import Clock
from domain.errors import BadInput, Refused
from domain.places import time_zone
from gateways.documents import DocumentStore
from gateways.partners import SIGNATURE, TIMESTAMP, Call
from gateways.settings import Settings
from starter.calls import body_of, called_url, json_of
from starter.deeds import Author
from starter.forms import Form
from starter.lookup import find_case
from starter.outside import FIELDS, MAKES

KEY = "X-Regua-Key"
LIMIT = 64 * 1024
_LONGEST_KEY = 80

log = structlog.get_logger("partners")


def mount(
    app: FastAPI, engine: Engine, settings: Settings, clock: Clock, deliver: Callable[[Sequence[UUID]], None]
) -> None:
    """Add the door. Answers: 204 stored, now or before; 400 not readable; 403 not signed by this partner for this door,
    or too long ago; 404 nobody of that name; 409 refused by what stands; 503 the database is away and the partner shall
    call again."""

    @app.post("/webhooks/partners/{who}")
    async def partner(who: str, request: Request) -> Response:
        body, key = await body_of(request, LIMIT), request.headers.get(KEY, "")
        if who not in MAKES:
            raise HTTPException(404)
        if not 0 < len(key) <= _LONGEST_KEY or not _is_theirs(request, settings, who, key, body):
            raise HTTPException(403)
        try:
            now = clock.business(datetime.now(UTC))
            facts = await run_in_threadpool(_keep, engine, settings, now, who, key, body)
        except (BadInput, ValueError):
            raise HTTPException(400) from None
        except Refused as refused:
            raise HTTPException(409, refused.code) from None
        except SQLAlchemyError:
            raise HTTPException(503) from None
        return Response(status_code=204, background=BackgroundTask(deliver, facts))


def _is_theirs(request: Request, settings: Settings, who: str, key: str, body: bytes) -> bool:
    """Whether this partner signed this call, lately, for the address at which it came; by a former secret while that
    one still counts."""
    headers, url = request.headers, urlsplit(called_url(request, settings))
    target = f"{url.path}?{url.query}" if url.query else url.path
    call = Call(request.method, target, key, headers.get(TIMESTAMP, ""), body)
    now, signature = datetime.now(UTC), headers.get(SIGNATURE, "")
    secret, *former = settings.secrets_of(who, _office_day(now))
    if call.is_signed(secret, signature, now):
        return True
    if any(call.is_signed(one, signature, now) for one in former):
        log.info("signed by the former secret", partner=who)
        return True
    return False


def _keep(engine: Engine, settings: Settings, now: datetime, who: str, key: str, body: bytes) -> list[UUID]:
    """Store the answer of one call; the facts that are new."""
    values = json_of(body)
    if not isinstance(values, dict) or not isinstance(values.get("case"), str):
        raise BadInput("the body is no answer; send a JSON object with `case`")
    with engine.begin() as conn:
        case = find_case(conn, values["case"], "")
        form = Form(_fields(values), _office_day(now))
        store = DocumentStore(settings.documents_dir)
        deed = MAKES[who](form, Author(who, now, case, lambda: pinned_policy(conn, case.policy_hash), store))
        row = fact_values(case.id, deed.key(case) or f"partner:{who}:{key}", deed.fact, who, now)
        fresh = store_facts(conn, [row])
        if fresh:
            deed.beside(conn, case)
        return fresh


def _fields(values: Mapping[str, Any]) -> dict[str, str]:
    """The fields that an answer may hold, by their names in our files (`resposta`, `data`, …)."""
    if unknown := values.keys() - {*FIELDS, "case"}:
        raise BadInput(f"unknown fields: {', '.join(sorted(unknown))}; an answer has case, {', '.join(FIELDS)}")
    return {name: str(values[name]) for name in FIELDS if name in values}


def _office_day(now: datetime) -> date:
    return now.astimezone(time_zone("SP")).date()
