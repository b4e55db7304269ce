"""Messages on their way: intent before the call, the call itself, its outcome after; never two for one intent.

A contact row says `in-flight` before the provider is called. Whoever finds one in flight looks the message up at the
provider first (dependencies: no provider has an idempotency key) and sends again only what surely did not arrive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid5

from sqlalchemy import Connection, Row, select

from activities import statements as sql
from activities.channels import CHANNELS
from activities.channels import Outgoing as Outgoing
from activities.correspondents import reply_address
from activities.restored import Doubt
from activities.world import World
from db.prepared import Call, together
from db.rows import CONTACT_ATTEMPT, CONTACT_POINT, CREDITOR
from db.settings import CreditorSettings
from domain.errors import BadAddress, OptedOut, Permanent, Unavailable, Unknown
from domain.ledger import keyed
from gateways.email import Attachment
from letters.models import Message

Verdict = Literal[
    "accepted", "not-sent", "unknown", "bad-address", "opted-out", "refused", "ask-a-person", "withdrawn"
]  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What became of a call: the verdict, the provider's id where accepted, the code where not."""

    verdict: Verdict
    provider_id: str = ""
    segments: int = 0
    code: str = ""


Link = tuple[UUID, str, int]
"""What a contact stands for: case, step, attempt. No two contacts stand for the same."""


def identity(salt: str, links: Sequence[Link]) -> UUID:
    """The id of the contact that stands for these links: a book that was restored makes the same one again.

    Of several cases the least one gives it, whichever of them writes. Answers to an e-mail come in under this id, so
    nobody can make it without the creditor's salt.
    """
    case_id, step, attempt = min(links)
    return uuid5(case_id, keyed(salt, f"{step}:{attempt}"))


def short_ref(message_id: UUID) -> str:
    """A reference of 6 characters without look-alikes: a message can be found by it, and it says nothing."""
    alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
    return "".join(alphabet[byte % len(alphabet)] for byte in message_id.bytes[:6])


def reply_to(world: World, contact_id: UUID, creditor_email: str) -> str:
    """Where answers to an e-mail go: to us under the token of the contact; to the creditor where nothing comes in."""
    return reply_address(world.reply_domain, contact_id) if world.reply_domain else creditor_email


def content_mac(salt: str, message: Message, document_id: UUID | None) -> str:
    """HMAC-SHA256 of what a contact says, by the creditor's salt. Without HTML its document, if any, stands for it."""
    return keyed(salt, f"{message.subject}\n{message.text}\n{message.html or document_id or ''}")


def intend(
    conn: Connection, *, links: Sequence[Link], salt: str, message: Message, doubt: Doubt | None, **row: Any
) -> UUID:
    """Write the intent of one contact: its row, the cases it stands for (the first sends it), its first attempt.

    `doubt`: the try that a lost life may have made comes before it.
    """
    contact_id = identity(salt, links)
    values: dict[str, Any] = {"counts": True, "segments": 0, "provider_id": "", "state": "in-flight"}
    values |= {"document_id": None, "template": {}, "passed_over": []} | row
    values |= {"subject": message.subject, "body": message.text, "html": message.html or ""}
    mac = content_mac(salt, message, values["document_id"])
    together(
        conn,
        [
            sql.INSERT_CONTACT(
                **(values | {"id": contact_id, "short_ref": short_ref(contact_id), "content_hmac": mac})
            ),
            *(
                sql.INSERT_LINK(contact_id=contact_id, case_id=case, step=step, attempt=attempt, lead=n == 0)
                for n, (case, step, attempt) in enumerate(links)
            ),
            *([_lost_try(contact_id, doubt), _begin(contact_id, 2)] if doubt else [_begin(contact_id, 1)]),
        ],
    )
    return contact_id


def doubted(conn: Connection, out: Outgoing, doubt: Doubt | None) -> Outgoing:
    """The message of a contact whose intent was just written: looked up before it is sent where there is a doubt."""
    if doubt is None:
        return out
    known = _known(conn, out.contact_id, out.to, out.channel)
    return replace(out, attempt=2, tried_since=doubt.since, tried_last=doubt.until, known=known, restored=True)


def begin_attempt(conn: Connection, contact_id: UUID, number: int) -> None:
    """Write down, before a call, that it is about to be made."""
    together(conn, [_begin(contact_id, number)])


def _lost_try(contact_id: UUID, doubt: Doubt) -> Call:
    """Of a lost life: whether there was one at all, only the provider's records can tell."""
    return sql.INSERT_ATTEMPT(
        contact_id=contact_id, number=1, begun_at=doubt.since, ended_at=doubt.until, outcome="unknown", code=LOST_LIFE
    )


def _known(conn: Connection, contact_id: UUID, to: str, channel: str) -> tuple[str, ...]:
    (others,) = together(conn, [sql.KNOWN(id_=contact_id, to_=to, channel_=channel)])
    return tuple(row.provider_id for row in others)


def _begin(contact_id: UUID, number: int) -> Call:
    now = datetime.now(UTC)
    return sql.INSERT_ATTEMPT(
        contact_id=contact_id, number=number, begun_at=now, ended_at=None, outcome="in-flight", code=""
    )


def link_of(conn: Connection, case_id: UUID, step: str, attempt: int) -> Row[Any] | None:
    """The contact that stands for an attempt of a step of a case, if there is one already."""
    (rows,) = together(conn, [sql.LINK(id_=case_id, step_=step, attempt_=attempt)])
    return rows[0] if rows else None


def resume(world: World, conn: Connection, contact: Row[Any], attachments: tuple[Attachment, ...] = ()) -> Outgoing:
    """The message of a contact that is in flight, as it was written; tries of unknown fate are marked.

    Where another call may be made, it is begun here: the last try surely did not arrive, or has been unknown for long.
    """
    tries = conn.execute(
        select(CONTACT_ATTEMPT).where(CONTACT_ATTEMPT.c.contact_id == contact.id).order_by(CONTACT_ATTEMPT.c.number)
    ).all()
    doubtful = [row for row in tries if row.outcome in ("in-flight", "unknown")]
    number = tries[-1].number
    if not doubtful or datetime.now(UTC) - doubtful[-1].begun_at >= timedelta(seconds=world.unknown_for):
        number += 1
        begin_attempt(conn, contact.id, number)
    creditor = conn.execute(
        select(CREDITOR.c.settings, CREDITOR.c.email).where(CREDITOR.c.id == contact.creditor_id)
    ).one()
    to = conn.execute(
        select(CONTACT_POINT.c.address).where(CONTACT_POINT.c.id == contact.contact_point_id)
    ).scalar_one_or_none()
    return Outgoing(
        contact_id=contact.id,
        channel=contact.channel,
        to=to or "",
        senders=CreditorSettings.model_validate(creditor.settings),
        reply_to=reply_to(world, contact.id, creditor.email),
        message=Message(contact.subject, contact.body, contact.html or None),
        short_ref=contact.short_ref,
        attempt=number,
        attachments=attachments,
        tried_since=doubtful[0].begun_at if doubtful else None,
        tried_last=doubtful[-1].begun_at if doubtful else None,
        formal=contact.purpose == "notice",
        template=contact.template,
        known=_known(conn, contact.id, to or "", contact.channel),
        restored=tries[0].code == LOST_LIFE and all(row.outcome != "ask-a-person" for row in tries),
        content=contact.content_hmac,
    )


def dispatch(world: World, out: Outgoing) -> Result:
    """Hand a message to its provider, unless an earlier try of it turns out to have arrived. Makes no database call.

    A try of unknown fate is looked up until `world.unknown_for` has passed; then an amicable message is sent again and
    a formal one is left to a person (promise 4). One that is no longer wanted is withdrawn instead.
    """
    try:
        if known := _looked_up(world, out):
            return known
        if not out.wanted:
            return Result("withdrawn", code=NO_LONGER_WANTED)
        accepted = CHANNELS[out.channel].send(world, out)
        return Result("accepted", accepted.provider_id, accepted.segments or 0)
    except Unavailable as error:
        return Result("unknown" if out.tried_since else "not-sent", code=error.code)
    except Unknown as error:
        return Result("unknown", code=error.code)
    except OptedOut as error:
        return Result("opted-out", code=error.code)
    except BadAddress as error:
        return Result("bad-address", code=error.code)
    except Permanent as error:
        return Result("refused", code=error.code)


def _looked_up(world: World, out: Outgoing) -> Result | None:
    """What is known of earlier tries of unknown fate; None where the message surely did not go out."""
    if not (out.tried_since and out.tried_last):
        return None
    if found := CHANNELS[out.channel].find(world, out, out.tried_since):
        return Result("accepted", found.provider_id, found.segments or 0)
    if datetime.now(UTC) - out.tried_last < timedelta(seconds=world.unknown_for):
        return Result("unknown", code="looked-up")
    return Result("ask-a-person", code="UnknownOutcome") if out.formal else None


def look_again_after(world: World, out: Outgoing) -> timedelta:
    """Real time until a call of unknown fate is looked up again: what is left of `world.unknown_for` since it began.

    All of it after a first call, and where nothing is left because the provider's records could not be read.
    """
    whole = timedelta(seconds=world.unknown_for)
    left = whole - (datetime.now(UTC) - out.tried_last) if out.tried_last else whole
    return left if left > timedelta(0) else whole


LOST_LIFE = "lost-life"
"""Code of a try that may have been made before the book was restored to an earlier moment."""
NO_LONGER_WANTED = "no-longer-wanted"
"""Code of a message that did not go out, and must not any more."""
_ENDED = frozenset({"bad-address", "opted-out", "refused", "withdrawn"})
_MARKS = {"bad-address": "invalid", "opted-out": "opted-out"}
"""What a verdict says about the address."""


def settle(conn: Connection, out: Outgoing, result: Result) -> None:
    """Write what became of a call. A callback that was faster than our own record is not overwritten."""
    together(conn, outcome(out, result))


def outcome(out: Outgoing, result: Result) -> list[Call]:
    """What there is to write of what became of a call."""
    now, contact, verdict = datetime.now(UTC), out.contact_id, result.verdict
    writes = [sql.END_ATTEMPT(id_=contact, number_=out.attempt, ended_at=now, outcome=verdict, code=result.code)]
    if verdict == "accepted":
        accepted = {"provider_id": result.provider_id, "accepted_at": now, "segments": result.segments}
        writes.append(sql.ACCEPT(id_=contact, **accepted))
    elif verdict in _ENDED:
        writes.append(sql.FAIL(id_=contact, settled_at=now))
        if state := _MARKS.get(verdict):
            writes.append(sql.MARK_POINT(id_=contact, state=state, changed_at=now))
    return writes
