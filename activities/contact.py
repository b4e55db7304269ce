"""`contact`: one amicable message to a debtor, or the thanks for a payment.

Guard, intent, call, outcome. The guard and the intent are one transaction under the locks of the debtor and of his open
cases; the outcome is another; no lock is held during the call. Contacts of one debtor that are due together leave as
one message that lists every open, undisputed invoice; the other cases are told that they were covered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, func, select
from temporalio import activity

from activities import outbox, quotes
from activities import statements as sql
from activities.budget import Chosen, again_waits, bars, counted, way
from activities.channels import CHANNELS, NO_TEMPLATE, OUTSIDE_WINDOW, usable
from activities.correspondents import may_answer_freely
from activities.delivery import open_channel_task
from activities.desk import Desk, at_desk, at_desk_with_debtor, fact_values, store_facts
from activities.effects import OUTDATES_CODES
from activities.quotes import Codes, with_codes
from activities.restored import RESTORATIONS, Doubt, doubt
from activities.saying import SHARED, Said, about, attached, said
from activities.views import Claim, message_data, read_debtor, with_settings
from activities.world import World
from contract.messages import Next, Perform
from db.prepared import Rows, together
from db.rows import CASE, CONTACT_ATTEMPT, CONTACT_POINT, FACT, LEDGER
from db.settings import CreditorSettings
from domain import facts as f
from domain.case import Case
from domain.decide import Action
from domain.errors import Refused
from domain.fold import THANKS
from domain.fold.base import spoken
from domain.policy import Policy
from domain.recording import must_be_recorded
from domain.whereabouts import place_at
from gateways.email import Attachment
from letters.messages import render
from letters.models import Channel, Message, MessageData, PlanView
from letters.voice import SCRIPT, matter
from letters.whatsapp import fill

LOOK_AGAIN = timedelta(seconds=5)
"""Real time until a case looks again for a message of another case that is on its way."""

CHANGES_THE_DEBT = tuple(fact.kind for fact in OUTDATES_CODES)
"""Entries of the book and facts after which a message that is still on its way names what is no longer owed."""

NOT_HERE = ("-too-long", OUTSIDE_WINDOW)
"""How the codes end by which a text says that it cannot go by a channel: the next one has its turn."""


@dataclass(frozen=True)
class Plan:
    """A message with its intent written, and the other cases it covers: (case id, step, attempt).

    `covered`: it was written for another case, which does not look after it any more.
    """

    out: outbox.Outgoing
    covers: tuple[outbox.Link, ...]
    covered: bool = False


class Contacts:
    """The activity that writes to people."""

    def __init__(self, world: World) -> None:
        self.world = world

    @activity.defn(name="contact")
    def contact(self, given: Perform) -> Next:
        """Send the message of a step (or say why not now) and return the next instruction."""
        plan = with_codes(self.world, given, lambda may_make: self._intend(given, may_make=may_make))
        return plan if isinstance(plan, Next) else self._record(given, plan, outbox.dispatch(self.world, plan.out))

    # --- guard and intent ------------------------------------------------------------------------------------------
    def _intend(self, given: Perform, *, may_make: bool) -> Plan | Codes | Next:
        with at_desk_with_debtor(self.world, given.case_id, given.at) as (desk, debtor, rows):
            if done := desk.recorded(given.generation, given.seq):
                return done
            read = _read(desk, given, rows)
            if desk.read_inbox() or not desk.due(given.action, given.step):
                left = self._given_up(desk, given, read)
                return left if isinstance(left, Plan) else desk.conclude_with(given, *([left] if left else []))
            at_hand = (desk, given, debtor, rows, read)
            found = self._already(*at_hand) or self._new(*at_hand, may_make)
            return found if isinstance(found, Plan | Codes) else desk.conclude_with(given, found)

    def _already(
        self, desk: Desk, given: Perform, debtor: Row[Any], rows: Sequence[Row[Any]], read: Read
    ) -> Plan | f.Told | None:
        """A contact that stands for this attempt already: our own from before a crash, or one that covers us."""
        if not read.link:
            return None
        (row,) = read.link
        if row.state != "in-flight":
            return _became(given, row)
        (links,) = together(desk.conn, [sql.LINKS(id_=row.id)])
        if not row.lead and _in_hand(desk, rows, next(link for link in links if link.lead)):
            until = self._soon(LOOK_AGAIN, given)
            return f.ContactDeferred(given.step, until, "a message of another case covers it")
        if waits := again_waits(desk, given.step, debtor, row):
            return waits
        out = outbox.resume(self.world, desk.conn, row, self._files(desk, given, row.channel, read))
        # What another case had to say is not said again by this one, and where he wants no more, nothing is.
        wanted = row.lead and _still_open(desk, debtor, row) and not _overtaken(desk, row)
        return Plan(replace(out, wanted=wanted), _others(desk, links), covered=not row.lead)

    def _given_up(self, desk: Desk, given: Perform, read: Read) -> Plan | f.Told | None:
        """Our own message from before a crash, where the case wants something else by now: looked up, never sent.

        It may have arrived; then the book says so, although nothing more is to be said (promises 4 and 8).
        """
        if not read.link or desk.wants(given.action, given.step):
            return None
        (row,) = read.link
        if not row.lead:
            return None
        if row.state != "in-flight":
            return _became(given, row)
        (links,) = together(desk.conn, [sql.LINKS(id_=row.id)])
        out = outbox.resume(self.world, desk.conn, row)
        return Plan(replace(out, wanted=False), _others(desk, links))

    def _files(self, desk: Desk, given: Perform, channel: str, read: Read) -> tuple[Attachment, ...]:
        """What went with the message when it was written goes with it again."""
        if channel != "email":
            return ()
        invoices = {row.id: row for row in read.invoices}
        claim = Claim(desk.case, invoices[desk.row.invoice_id])
        debtor = read_debtor(desk.conn, desk.row.debtor_id)
        return attached(desk, said(desk, given.step), claim, with_settings(read.creditor), debtor)

    def _soon(self, real: timedelta, given: Perform) -> Any:
        now = self.world.now(given.at)
        return self.world.clock.business(self.world.clock.real(now) + real)

    def _new(
        self,
        desk: Desk,
        given: Perform,
        debtor: Row[Any],
        rows: Sequence[Row[Any]],
        read: Read,
        may_make: bool,
        full: tuple[str, ...] = (),
    ) -> Plan | Codes | f.Told:
        """`full`: channels (with the reason) into which the text turned out not to fit."""
        what, today = said(desk, given.step), desk.case.today(desk.now)
        what, closed = self._by_open_channels(desk, what, read, full)
        found = way(desk, given.step, what, debtor, read.points, read.counted)
        if not isinstance(found, Chosen):
            return _with_reasons(found, closed)
        fields = about(desk, what, today)
        if fields is None:
            return f.Unreachable(given.step, "overtaken: nothing true is left to say")
        others = _companions(desk, rows) if what.step else _sharing(desk, rows, what, fields)
        draft = Draft(given, what, found.point, others, fields, closed)
        wanted = self._quotes(desk, draft, read, today)
        shown = quotes.standing(desk.conn, wanted, today)
        missing = tuple(quote for quote in wanted if quote.case_id not in shown)
        if missing and may_make:
            return Codes(missing, today)
        try:
            return self._write(desk, draft, debtor, read, shown)
        except Refused as refused:
            if not refused.code.endswith(NOT_HERE):
                raise
            full = (*full, f"{found.point.channel}: {refused.code}")
            return self._new(desk, given, debtor, rows, read, may_make, full)

    def _by_open_channels(
        self, desk: Desk, what: Said, read: Read, full: tuple[str, ...]
    ) -> tuple[Said, tuple[str, ...]]:
        """What is said, by those of its channels that are open to it, and why not by the others."""
        left_out = {reason.partition(":")[0] for reason in full}
        left = [channel for channel in what.channels if channel not in left_out]
        settings = with_settings(read.creditor)[1]
        talks = what.step is None and any(_talks(desk, point) for point in read.points)
        open_, closed = usable(self.world, settings, what.text_id, left, talks=talks)
        if what.step and f"whatsapp: {NO_TEMPLATE}" in closed:
            open_channel_task(desk.conn, desk.now, "whatsapp", f"{NO_TEMPLATE}:{what.text_id}")
        return replace(what, channels=open_), (*full, *closed)

    def _quotes(self, desk: Desk, draft: Draft, read: Read, today: date) -> list[quotes.Quote]:
        what, creditor = draft.what, desk.row.creditor_id
        cases = [(desk.case, desk.policy), *((other.case, other.policy) for other in draft.others)]
        asked = [quotes.quote(c, creditor, policy, what.text_id, what.step is not None, today) for c, policy in cases]
        return quotes.offered(with_settings(read.creditor)[1], [quote for quote in asked if quote])

    def _write(self, desk: Desk, draft: Draft, debtor: Row[Any], read: Read, shown: dict[UUID, str]) -> Plan:
        conn, case, given, what, point = desk.conn, desk.case, draft.given, draft.what, draft.point
        creditor = with_settings(read.creditor)
        invoices = {row.id: row for row in read.invoices}
        cases = [(desk.row, case), *((other.row, other.case) for other in draft.others)]
        claims = [Claim(each, invoices[row.invoice_id], shown.get(row.id, "")) for row, each in cases]
        links = [(desk.row.id, given.step, given.attempt), *draft.covers]
        reference = outbox.short_ref(outbox.identity(creditor[0].salt, links))
        channel = point.channel
        medium = cast(Channel, "sms" if channel == "voice" else channel)
        data = message_data(creditor, debtor, claims, desk.policy, case.today(desk.now), reference, medium)
        plan_view = draft.fields.get("plan")
        if isinstance(plan_view, PlanView):
            draft.fields["plan"] = replace(plan_view, payment_hint=claims[0].code)
        free = what.step is None and _talks(desk, point)
        message, template = written(
            what.text_id, channel, replace(data, **draft.fields), creditor[1], _recorded(desk, debtor, point), free
        )
        lost = _doubt(desk, draft, read)
        contact_id = outbox.intend(
            conn,
            links=links,
            doubt=lost,
            salt=creditor[0].salt,
            message=message,
            creditor_id=desk.row.creditor_id,
            debtor_id=debtor.id,
            contact_point_id=point.id,
            channel=channel,
            purpose=what.purpose,
            text_id=SCRIPT if channel == "voice" else what.text_id,
            counts=what.counts,
            template=template,
            passed_over=list(draft.closed),
            planned_at=desk.now,
        )
        files = attached(desk, what, claims[0], creditor, debtor) if channel == "email" else ()
        answers = outbox.reply_to(self.world, contact_id, creditor[0].email)
        out = outbox.Outgoing(
            contact_id, channel, point.address, creditor[1], answers, message, reference, 1, files, template=template,
            content=outbox.content_mac(creditor[0].salt, message, None),
        )  # fmt: skip
        return Plan(outbox.doubted(conn, out, lost), draft.covers)

    # --- outcome ---------------------------------------------------------------------------------------------------
    def _record(self, given: Perform, plan: Plan, result: outbox.Result) -> Next:
        with at_desk(self.world, given.case_id, given.at) as desk:
            desk.later(*outbox.outcome(plan.out, result))
            told = self._told(desk, plan, result)
            if result.verdict == "refused" and CHANNELS[plan.out.channel].optional:
                open_channel_task(desk.conn, desk.now, plan.out.channel, result.code)
            if done := desk.recorded(given.generation, given.seq):
                return done
            desk.read_inbox()
            following = desk.conclude_with(given, self._meaning(given, plan, result))
        self.world.deliver(told)
        return following

    def _meaning(self, given: Perform, plan: Plan, result: outbox.Result) -> f.Told:
        contact, channel = str(plan.out.contact_id), plan.out.channel
        match result.verdict:
            case "accepted":
                return f.ContactSent(given.step, contact, channel, plan.covered, plan.out.content)
            case "bad-address" | "opted-out":
                return f.ContactFailed(given.step, contact, channel, result.code)
            case "unknown":
                until = self._soon(outbox.look_again_after(self.world, plan.out), given)
                return f.ContactDeferred(given.step, until, "outcome of the call unknown, to be looked up")
            case "not-sent":
                return f.ActionFailed(Action.CONTACT, given.step, "Unavailable", transient=True)
        if result.verdict == "withdrawn" or CHANNELS[channel].optional:
            return f.ContactFailed(given.step, contact, channel, result.code, bad_address=False)
        return f.ActionFailed(Action.CONTACT, given.step, result.code, transient=False)

    def _told(self, desk: Desk, plan: Plan, result: outbox.Result) -> list[UUID]:
        """Tell the covered cases, as facts of their own."""
        contact, channel = str(plan.out.contact_id), plan.out.channel
        made = []
        for case_id, step, attempt in plan.covers:
            fact: f.Told
            if result.verdict == "accepted":
                fact = f.ContactSent(step, contact, channel, True, plan.out.content)
            elif result.verdict in ("bad-address", "opted-out", "refused", "withdrawn"):
                fact = f.ContactFailed(step, contact, channel, result.code, result.verdict != "withdrawn")
            else:
                continue
            made.append(fact_values(case_id, f"cover:{contact}:{case_id}:{attempt}", fact, "engine", desk.now))
        return store_facts(desk.conn, made)


def written(
    text_id: str, channel: str, data: MessageData, settings: CreditorSettings, recorded: bool, free: bool = False
) -> tuple[Message, dict[str, Any]]:
    """A text for one channel, with what its provider is told beside it: a template and its variables, a recording.

    `free`: by WhatsApp no template is needed now. Raises `Refused` (a code of `NOT_HERE`) where it does not fit into
    the channel, or may not be said there.
    """
    if channel == "voice":
        return Message("", matter(data), None), {"recorded": recorded}
    if channel == "whatsapp" and settings.whatsapp:
        filled, sid = fill(text_id, data), settings.whatsapp.templates.get(text_id)
        if not sid and not free:
            raise Refused(OUTSIDE_WINDOW, f"text {text_id}: no template is approved, and the 24 hours are over")
        template = {} if free else {"sid": sid, "variables": filled.variables}
        return Message("", filled.text, None), template
    return render(text_id, cast(Channel, channel), data), {}


def _doubt(desk: Desk, draft: Draft, read: Read) -> Doubt | None:
    """May this message have left before the book was restored, for any of the steps that it stands for?"""
    said = [(desk.case, desk.policy, draft.given.step)]
    said += [(other.case, other.policy, other.step) for other in draft.others if other.step]
    return doubt(read.restorations, desk.world.clock, desk.now, said)


def _talks(desk: Desk, point: Row[Any]) -> bool:
    return point.channel == "whatsapp" and may_answer_freely(desk.conn, point.address)


def _recorded(desk: Desk, debtor: Row[Any], point: Row[Any]) -> bool:
    """Is a call to this number recorded? Where the law of any place wants it at which it may find him."""
    home = desk.case.place().joined(place_at(debtor.uf, debtor.ibge))
    return point.channel == "voice" and must_be_recorded(home.with_phone(point.address), desk.case.today(desk.now))


def _with_reasons(told: f.Told, closed: Sequence[str]) -> f.Told:
    """Where nothing is left, the case is told why also of the channels that were passed over."""
    if closed and isinstance(told, f.Unreachable):
        return replace(told, reason=f"{told.reason}; {', '.join(closed)}")
    return told


@dataclass(frozen=True)
class Draft:
    """A message that is about to be written: for which step, what it says, to which address, whom it covers."""

    given: Perform
    what: Said
    point: Row[Any]
    others: list[Companion]
    fields: dict[str, Any]
    closed: tuple[str, ...]
    """Channels of the step that are passed over, each with its reason."""

    @property
    def covers(self) -> tuple[outbox.Link, ...]:
        """What the message also stands for."""
        return tuple((other.row.id, other.step, other.attempt) for other in self.others if other.step)


@dataclass(frozen=True)
class Read:
    """What a message is made of, read in one round trip: the contact that stands for this attempt already, addresses
    not tried yet, contacts that count in the caps, the creditor, the invoices of the debtor's open cases, restores."""

    link: Rows
    points: Rows
    counted: Rows
    creditor: Rows
    invoices: Rows
    restorations: Rows


def _read(desk: Desk, given: Perform, cases: Sequence[Row[Any]]) -> Read:
    row, step = desk.row, given.step
    return Read(
        *together(
            desk.conn,
            [
                sql.LINK(id_=row.id, step_=step, attempt_=given.attempt),
                sql.FRESH_POINTS(id_=row.id, debtor_=row.debtor_id, step_=step),
                counted(row.debtor_id, desk.now),
                sql.READ_CREDITOR(id_=row.creditor_id),
                sql.READ_INVOICES(ids=[case.invoice_id for case in cases]),
                RESTORATIONS(),
            ],
        )
    )


@dataclass(frozen=True)
class Companion:
    """Another open case of the debtor that the message lists; `step` where the message also stands for its step."""

    row: Row[Any]
    case: Case
    policy: Policy
    step: str
    attempt: int


def _companions(desk: Desk, rows: Sequence[Row[Any]]) -> list[Companion]:
    """Every other open, undisputed, due invoice of this creditor; a contact step due today is covered."""
    found = []
    for row in rows:
        if row.id == desk.row.id or row.stage in ("closed", "legal", "protest"):
            continue
        other = Desk(desk.world, desk.conn, row, desk.now)
        other.read_inbox()
        wanted = other.decide().instruction
        today = desk.case.today(desk.now)
        due_now = (
            wanted.action == Action.CONTACT
            and not wanted.step.startswith(THANKS)
            and spoken(wanted.step) is None
            and wanted.not_before is not None
            and other.case.today(wanted.not_before) <= today
            and outbox.link_of(desk.conn, row.id, wanted.step, wanted.attempt) is None
        )
        if due_now or (other.case.terms.due < today and _listable(other.case, wanted.action)):
            found.append(Companion(row, other.case, other.policy, wanted.step if due_now else "", wanted.attempt))
    return found


def _sharing(desk: Desk, rows: Sequence[Row[Any]], what: Said, fields: dict[str, Any]) -> list[Companion]:
    """Other cases that owe just this word: whoever said one thing of six invoices gets one answer, not six."""
    found: list[Companion] = []
    for row in rows if what.text_id in SHARED else ():
        if row.id == desk.row.id or row.stage == "closed":
            continue
        other = Desk(desk.world, desk.conn, row, desk.now)
        other.read_inbox()
        wanted = other.decide().instruction
        word = spoken(wanted.step)
        if wanted.action != Action.CONTACT or word is None or word.text != what.text_id:
            continue
        new = outbox.link_of(desk.conn, row.id, wanted.step, wanted.attempt) is None
        if new and about(other, what, other.case.today(desk.now)) == fields:
            found.append(Companion(row, other.case, other.policy, wanted.step, wanted.attempt))
    return found


def _still_open(desk: Desk, debtor: Row[Any], contact: Row[Any]) -> bool:
    """May the channel and the address of a contact be used now?"""
    own = CONTACT_POINT.c.id == contact.contact_point_id
    usable_now = select(CONTACT_POINT).where(own, CONTACT_POINT.c.state == "usable", sql.NOT_CLOSED)
    point = desk.conn.execute(usable_now).first()
    return point is not None and not desk.case.deaf_to(contact.channel) and not bars(desk, debtor, point)


def _became(given: Perform, contact: Row[Any]) -> f.Told:
    """What a case is told of a contact whose fate is known."""
    if contact.state in ("failed", "bounced", "unanswered"):
        return f.ContactFailed(given.step, str(contact.id), contact.channel, "failed")
    return f.ContactSent(given.step, str(contact.id), contact.channel, not contact.lead, contact.content_hmac)


def _others(desk: Desk, links: Rows) -> tuple[outbox.Link, ...]:
    """The other cases that a contact covers."""
    return tuple(
        (link.case_id, link.step, link.attempt) for link in links if not link.lead and link.case_id != desk.row.id
    )


def _overtaken(desk: Desk, contact: Row[Any]) -> bool:
    """Did a debt that this message may name change since it was written? It would say what is no longer so.

    It names invoices of any case of the debtor, also of those that it does not cover. Compared in real time, in which
    the first try, the book and the arrival of facts are written down; what nobody has taken in yet counts as new.
    """
    tries = (CONTACT_ATTEMPT.c.contact_id == contact.id) & (CONTACT_ATTEMPT.c.code != outbox.LOST_LIFE)
    written_at = select(func.min(CONTACT_ATTEMPT.c.begun_at)).where(tries).scalar_subquery()
    his = select(CASE.c.id).where(CASE.c.debtor_id == contact.debtor_id)
    booked = select(LEDGER.c.seq).where(
        LEDGER.c.case_id.in_(his), LEDGER.c.kind.in_(CHANGES_THE_DEBT), LEDGER.c.recorded_at > written_at
    )
    told = select(FACT.c.id).where(
        FACT.c.case_id.in_(his),
        FACT.c.kind.in_(CHANGES_THE_DEBT),
        (FACT.c.received_at > written_at) | FACT.c.acknowledged_at.is_(None),
    )
    return bool(desk.conn.execute(select(booked.exists() | told.exists())).scalar_one())


def _in_hand(desk: Desk, rows: Sequence[Row[Any]], lead: Row[Any]) -> bool:
    """Does the case that sends a message still want it? One that was paid or paused meanwhile never looks again."""
    for row in rows:
        if row.id == lead.case_id:
            other = Desk(desk.world, desk.conn, row, desk.now)
            other.read_inbox()
            wanted = other.decide().instruction
            return (wanted.action, wanted.step, wanted.attempt) == (Action.CONTACT, lead.step, lead.attempt)
    return False


def _listable(case: Case, action: Action) -> bool:
    """May an invoice be named to the debtor now? Nothing that is settled, disputed, held or at the notary."""
    waits = case.holds or case.promise or case.plan or case.clearing or case.claimed_until or case.paused_until
    held = waits or case.wholly_disputed() or case.awaits_release or case.ended
    return not held and action not in (Action.CLOSE, Action.LEGAL) and case.stage(case.terms.due) != "protest"
