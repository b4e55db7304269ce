"""`notice`: the prior notice, formally, by every way that can be used.

Guard, intent, call, outcome. The intent is the letter as PDF, its row and one contact for each way. Then e-mail and SMS
leave through the outbox and the letter through the mail house's folder; when every way is settled the case is told that
the notice was issued. It is never sent again on a guess: what stays unknown goes to a person (promise 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid5

from sqlalchemy import Connection, Row, func, insert, select, update
from temporalio import activity

from activities import outbox, quotes
from activities.budget import bars, notice_waits
from activities.desk import Desk, at_desk, at_desk_with_debtor, cause_of
from activities.documents import PDF, Letter, hand_to_mail_house, keep_document, read_document
from activities.news import wait_for_news
from activities.quotes import Codes, not_made
from activities.statements import NOT_CLOSED
from activities.views import Claim, creditor_view, debtor_view, invoice_view, message_data, read_creditor, read_invoices
from activities.world import World
from contract.messages import Next, Perform
from db.rows import CONTACT, CONTACT_ATTEMPT, CONTACT_CASE, CONTACT_POINT, LEDGER, NOTICE, TASK
from db.settings import CreditorSettings
from domain import facts as f
from domain.calendars import add_bank_days, is_bank_day
from domain.case import Notice
from domain.decide import SILENT_NOTICE, Action
from domain.errors import ProviderError, Unavailable
from domain.fold import notice_deadline
from domain.policy import Do, Step, built_channels
from gateways.email import Attachment
from letters import pt
from letters.documents import notice_pdf
from letters.messages import how_to, render
from letters.models import Channel, FirmStep, Message, NoticeData

NEXT_STEP: dict[FirmStep, str] = {
    "protest": "apresentar o título a protesto no tabelionato competente",
    "legal": "entregar o caso ao setor jurídico do credor",
}
"""What the covering message says of the time after the deadline: what the letter says, in fewer words."""

NEW_ROUND = ("notice_issued", "extended", "adjusted", "payment", "reverse", "migrate")
"""Ledger entries after which an earlier letter says nothing true any more: the next notice is another one."""

ASKED = frozenset({"ask-a-person", "refused"})
"""Outcomes of a call after which only a person's word lets it be made again."""

DONE_BY_HAND = "sent"
"""Outcome of an `action-failed` task: the message did go out, or a person sent it himself."""


@dataclass(frozen=True)
class Plan:
    """A notice with its intent written: what is still to be handed over, and the letter where it goes by post."""

    notice_id: UUID
    document_id: UUID
    ways: tuple[outbox.Outgoing, ...]
    pdf: bytes
    recipient: str
    address: tuple[str, ...]
    day: date


def _plan(
    desk: Desk, debtor: Row[Any], notice_id: UUID, document_id: UUID, pdf: bytes, ways: Sequence[outbox.Outgoing]
) -> Plan:
    today = desk.case.today(desk.now)
    return Plan(notice_id, document_id, tuple(ways), pdf, debtor.name, address_lines(debtor), today)


class Notices:
    """The activity that notifies formally."""

    def __init__(self, world: World) -> None:
        self.world = world

    @activity.defn(name="notice")
    def notice(self, given: Perform) -> Next:
        """Issue the notice of a step (or say why not now) and return the next instruction."""
        plan = self._intend(given, may_make=True)
        if isinstance(plan, Codes):
            try:
                quotes.make(self.world, plan)
            except ProviderError as error:
                return not_made(self.world, given, error)
            plan = self._intend(given, may_make=False)
        if isinstance(plan, Next | Codes):
            return plan if isinstance(plan, Next) else not_made(self.world, given, Unavailable("code-missing", ""))
        return self._record(given, plan, [(out, self._hand_over(plan, out)) for out in plan.ways])

    # --- guard and intent ------------------------------------------------------------------------------------------
    def _intend(self, given: Perform, *, may_make: bool) -> Plan | Codes | Next:
        with at_desk_with_debtor(self.world, given.case_id, given.at) as (desk, debtor, _):
            if answer := desk.guard(given):
                return answer
            step = next(step for step in desk.policy.steps if step.id == given.step)
            number = _number(desk.conn, desk.row.id)
            notice_id = uuid5(desk.row.id, f"notice:{step.id}:{number}")
            found = self._already(desk, debtor, notice_id, step)
            if not found and may_make and (missing := self._codes(desk, step)):
                return missing
            found = found or self._new(desk, debtor, notice_id, step, number)
            return found if isinstance(found, Plan) else desk.conclude_with(given, found)

    def _codes(self, desk: Desk, step: Step) -> Codes | None:
        """The payment code that the notice shows, where it is still to be made."""
        today = desk.case.today(desk.now)
        wanted = _wanted(desk, step, read_creditor(desk.conn, desk.row.creditor_id)[1], today)
        missing = tuple(q for q in wanted if q.case_id not in quotes.standing(desk.conn, wanted, today))
        return Codes(missing, today) if missing else None

    def _already(self, desk: Desk, debtor: Row[Any], notice_id: UUID, step: Step) -> Plan | f.Told | None:
        """The same notice from before a crash, a pause of a provider or a person's word: what of it is still open."""
        notice = desk.conn.execute(select(NOTICE).where(NOTICE.c.id == notice_id)).one_or_none()
        if notice is None:
            return None
        rows = _contacts(desk.conn, desk.row.id, notice.document_id)
        tried = [(row, _last_try(desk.conn, row.id)) for row in rows]
        left = [(row, last, self._word(desk, step, last)) for row, last in tried if _is_open(row, last)]
        unanswered = next((last for _, last, word in left if word == ""), None)
        if unanswered:
            return f.ActionFailed(Action.NOTICE, step.id, unanswered.code, transient=False)
        pdf = read_document(self.world, desk.conn, notice.document_id)
        again = [self._again(desk, row, last, word, pdf) for row, last, word in left]
        return _plan(desk, debtor, notice_id, notice.document_id, pdf, [out for out in again if out])

    def _again(
        self, desk: Desk, contact: Row[Any], last: Row[Any], word: str | None, pdf: bytes
    ) -> outbox.Outgoing | None:
        """A way that is still open, to be looked up or tried; None where a person or an opt-out settled it."""
        if word == DONE_BY_HAND:
            _set(desk.conn, contact, state="accepted", accepted_at=datetime.now(UTC))
            return None
        _set(desk.conn, contact, state="in-flight")
        out = outbox.resume(self.world, desk.conn, contact, _attached(contact.channel, contact.short_ref, pdf))
        if word is not None:
            out = _anew(desk.conn, out, last.number + 1)
        if contact.channel != "letter" and desk.case.deaf_to(contact.channel) and not out.tried_since:
            _set(desk.conn, contact, state="failed", settled_at=datetime.now(UTC))
            return None
        return out

    def _word(self, desk: Desk, step: Step, last: Row[Any]) -> str | None:
        """What a person said of this try by doing the task it became; empty until then, None if nobody was asked."""
        if last.outcome not in ASKED:
            return None
        task = desk.conn.execute(
            select(TASK.c.outcome)
            .where(TASK.c.case_id == desk.row.id, TASK.c.kind == "action-failed", TASK.c.step == step.id)
            .where(TASK.c.done_by != "", TASK.c.opened_at >= self.world.clock.business(last.begun_at))
            .order_by(TASK.c.opened_at.desc())
        ).first()
        return (task.outcome.strip().lower() or "done") if task else ""

    def _new(self, desk: Desk, debtor: Row[Any], notice_id: UUID, step: Step, number: int) -> Plan | f.Told:
        if deferred := wait_for_news(desk, step.id) or notice_waits(desk, step.id, built_channels(step), debtor):
            return deferred
        days = stated_days(desk, step)
        firm = announced(desk, step, days)
        if firm is None:
            return f.ActionFailed(Action.NOTICE, step.id, "NothingToAnnounce", transient=False)
        conn, today = desk.conn, desk.case.today(desk.now)
        creditor = read_creditor(conn, desk.row.creditor_id)
        view = creditor_view(*creditor)
        shown = quotes.standing(conn, _wanted(desk, step, creditor[1], today), today)
        invoice = read_invoices(conn, [desk.row.invoice_id])[desk.row.invoice_id]
        claim = Claim(desk.case, invoice, shown.get(desk.row.id, ""))
        address = address_lines(debtor)
        pdf = notice_pdf(
            NoticeData(
                creditor=view,
                debtor=debtor_view(debtor, desk.case.terms.consumer),
                invoices=(invoice_view(claim, today),),
                how=how_to("letter", view, creditor[1].how_to_pay),
                on=today,
                notice_id=str(notice_id),
                deadline_days=days,
                firm_step=firm,
                addresses=("\n".join(address),) if address else (),
            )
        )
        document_id = keep_document(
            self.world, conn, desk.row.id, "notice", f"notificacao-{notice_id}.pdf", PDF, pdf, desk.now
        )
        _write_notice(desk, notice_id, step, document_id, days)
        issue = _Issue(desk, debtor, step, number, document_id, pdf, creditor, claim, firm)
        return _plan(desk, debtor, notice_id, document_id, pdf, issue.ways())

    # --- call ------------------------------------------------------------------------------------------------------
    def _hand_over(self, plan: Plan, out: outbox.Outgoing) -> outbox.Result:
        if out.channel != "letter":
            return outbox.dispatch(self.world, out)
        letter = Letter(out.contact_id, plan.recipient, plan.address, plan.pdf)
        try:
            hand_to_mail_house(self.world.letters, plan.day, letter)
        except OSError:
            return outbox.Result("not-sent", code="Unavailable")
        return outbox.Result("accepted")

    # --- outcome ---------------------------------------------------------------------------------------------------
    def _record(self, given: Perform, plan: Plan, results: Sequence[tuple[outbox.Outgoing, outbox.Result]]) -> Next:
        with at_desk(self.world, given.case_id, given.at) as desk:
            for out, result in results:
                outbox.settle(desk.conn, out, result)
            if done := desk.recorded(given.generation, given.seq):
                return done
            # Before what arrived during the call: an extension that arrived meanwhile makes this notice void.
            for fact in self._meaning(desk, given, plan, [result for _, result in results]):
                desk.hear(fact, cause_of(given.action, given))
            desk.read_inbox()
            return desk.conclude(given.generation, given.seq)

    def _meaning(self, desk: Desk, given: Perform, plan: Plan, results: Sequence[outbox.Result]) -> Sequence[f.Told]:
        asked = next((result for result in results if result.verdict in ASKED), None)
        verdicts = {result.verdict for result in results}
        if asked:
            return [f.ActionFailed(given.action, given.step, asked.code, transient=False)]
        if "unknown" in verdicts:
            real = self.world.clock.real(desk.now) + timedelta(seconds=self.world.unknown_for)
            until = self.world.clock.business(real)
            return [f.ContactDeferred(given.step, until, "outcome of the notice's call unknown, to be looked up")]
        if "not-sent" in verdicts:
            return [f.ActionFailed(given.action, given.step, "Unavailable", transient=True)]
        return self._issued(desk, given, plan)

    def _issued(self, desk: Desk, given: Perform, plan: Plan) -> Sequence[f.Told]:
        """Every way is settled: by which ways the notice went, and what is already known to have become of each."""
        notice_id, rows = str(plan.notice_id), _contacts(desk.conn, desk.row.id, plan.document_id)
        taken = tuple(row.channel for row in rows if row.state != "failed")
        values: dict[str, Any] = {"state": "issued", "issued_at": desk.now, "proof_level": "sent" if taken else ""}
        if taken and desk.policy.proof == "sent":
            values |= {"state": "proved", "proof_on": desk.case.today(desk.now)}
        desk.conn.execute(update(NOTICE).where(NOTICE.c.id == plan.notice_id).values(values))
        told: list[f.Told] = [f.NoticeIssued(notice_id, given.step, taken)]
        for row in rows:
            if row.state in ("failed", "bounced"):
                code = _last_try(desk.conn, row.id).code or row.state
                told.append(f.NoticeReturned(notice_id, row.channel, code))
            elif row.state == "delivered":
                on = desk.case.today(self.world.clock.business(row.settled_at))
                told.append(f.NoticeProved(notice_id, row.channel, "delivered", on))
        return told


def _wanted(desk: Desk, step: Step, settings: CreditorSettings, today: date) -> list[quotes.Quote]:
    asked = quotes.quote(desk.case, desk.row.creditor_id, desk.policy, step.text or "", True, today)
    return quotes.offered(settings, [asked] if asked else [])


@dataclass(frozen=True)
class _Issue:
    """A notice that is being written: what all its ways share."""

    desk: Desk
    debtor: Row[Any]
    step: Step
    number: int
    document_id: UUID
    pdf: bytes
    creditor: tuple[Any, Any]
    claim: Claim
    firm: FirmStep

    def ways(self) -> list[outbox.Outgoing]:
        """The intent of every way of the step that can be used. A letter needs an address and no consent."""
        made = (self._letter() if c == "letter" else self._message(cast(Channel, c)) for c in built_channels(self.step))
        return [out for out in made if out]

    def _letter(self) -> outbox.Outgoing | None:
        if not address_lines(self.debtor):
            return None
        return self._intend("letter", None, Message("", "", None), outbox.short_ref())

    def _message(self, channel: Channel) -> outbox.Outgoing | None:
        desk = self.desk
        if desk.case.deaf_to(channel):
            return None
        point = desk.conn.execute(
            select(CONTACT_POINT)
            .where(CONTACT_POINT.c.debtor_id == self.debtor.id, CONTACT_POINT.c.channel == channel)
            .where(CONTACT_POINT.c.state == "usable", NOT_CLOSED)
            .order_by(CONTACT_POINT.c.rank, CONTACT_POINT.c.id)
        ).first()
        if point is None or bars(desk, self.debtor, point):
            return None
        reference, today = outbox.short_ref(), desk.case.today(desk.now)
        data = message_data(self.creditor, self.debtor, [self.claim], desk.policy, today, reference, channel)
        message = render(self.step.text or "", channel, replace(data, next_step=NEXT_STEP[self.firm]))
        return self._intend(channel, point, message, reference)

    def _intend(self, channel: str, point: Row[Any] | None, message: Message, reference: str) -> outbox.Outgoing:
        desk, (creditor, settings) = self.desk, self.creditor
        contact_id = outbox.intend(
            desk.conn,
            links=[(desk.row.id, f"{self.step.id}:{channel}", self.number)],
            salt=creditor.salt,
            # A letter has no text beside its document, so that is what the hash of its content is made of.
            html=message.html or str(self.document_id),
            creditor_id=desk.row.creditor_id,
            debtor_id=self.debtor.id,
            contact_point_id=point.id if point else None,
            channel=channel,
            purpose="notice",
            text_id=self.step.text or "",
            subject=message.subject,
            body=message.text,
            short_ref=reference,
            counts=False,
            document_id=self.document_id,
            planned_at=desk.now,
        )
        to, attached = point.address if point else "", _attached(channel, reference, self.pdf)
        answers = outbox.reply_to(desk.world, contact_id, creditor.email)
        return outbox.Outgoing(contact_id, channel, to, settings, answers, message, reference, 1, attached, formal=True)


# --- what the letter says --------------------------------------------------------------------------------------------
def stated_days(desk: Desk, step: Step) -> int:
    """The deadline in business days, as the letter states it: never more than the case waits, whenever it is received.

    Of a deadline in business days that is the deadline itself; of one in days, weeks or months, which the case moves by
    the calendar (`domain.fold.notice_deadline`), what always fits into it.
    """
    case, today = desk.case, desk.case.today(desk.now)
    days = []
    for later in range(SILENT_NOTICE.days + 1):
        received = today + timedelta(days=later)
        over = notice_deadline(replace(case, notice=Notice("", step.id, today, {}, received)), desk.policy)
        between = (received + timedelta(days=n) for n in range(1, (over - received).days)) if over else ()
        days.append(sum(is_bank_day(day) for day in between))
    return min(days)


def announced(desk: Desk, step: Step, days: int) -> FirmStep | None:
    """What this case's ladder does when the deadline is over: a threat of what it would not do is false (CDC art. 71).

    Conditions are judged as they will stand if nothing is paid until then; None where nothing firm follows.
    """
    case, steps = desk.case, desk.policy.steps
    on = add_bank_days(case.today(desk.now), days + 1)
    values: dict[str, Decimal | int | str] = {
        "balance": case.debt(on).total,
        "days_late": max((on - case.terms.due).days, 0),
        "debtor": "consumer" if case.terms.consumer else "company",
        "protest": case.protest.word,
    }
    for rung in steps[steps.index(step) + 1 :]:
        done = rung.id in case.steps and case.steps[rung.id].status != "pending"
        if done or (rung.when and not rung.when.holds(values)):
            continue
        if rung.do == Do.PROTEST and on <= case.limitation().first:
            return "protest"
        if rung.do == Do.LEGAL:
            return "legal"
    return None


def address_lines(debtor: Row[Any]) -> tuple[str, ...]:
    """The debtor's postal address as it stands on an envelope; empty where it is not complete."""
    if not all(part.strip() for part in (debtor.address, debtor.city, debtor.uf, debtor.cep)):
        return ()
    lines = (debtor.address, debtor.district, f"{pt.cep(debtor.cep)} {debtor.city}/{debtor.uf}")
    return tuple(line.strip() for line in lines if line.strip())


def _attached(channel: str, reference: str, pdf: bytes) -> tuple[Attachment, ...]:
    """The letter as the e-mail carries it. A list of messages shows the file's name, so it says nothing of a debt."""
    return (Attachment(f"documento-{reference}.pdf", PDF, pdf),) if channel == "email" else ()


# --- rows ------------------------------------------------------------------------------------------------------------
def _number(conn: Connection, case_id: UUID) -> int:
    """Which notice this is: another one as soon as one was issued or the debt changed, the same one until then."""
    query = select(func.count()).where(LEDGER.c.case_id == case_id, LEDGER.c.kind.in_(NEW_ROUND))
    return int(conn.execute(query).scalar_one()) + 1


def _write_notice(desk: Desk, notice_id: UUID, step: Step, document_id: UUID, days: int) -> None:
    unfinished = (NOTICE.c.case_id == desk.row.id) & (NOTICE.c.state == "in-flight")
    desk.conn.execute(update(NOTICE).where(unfinished).values(state="superseded"))
    desk.conn.execute(
        insert(NOTICE).values(
            id=notice_id,
            case_id=desk.row.id,
            step=step.id,
            document_id=document_id,
            deadline_days=days,
            issued_at=desk.now,
            proof_level="",
            state="in-flight",
        )
    )


def _contacts(conn: Connection, case_id: UUID, document_id: UUID) -> Sequence[Row[Any]]:
    """The contacts that carry a notice, one for each way."""
    linked = select(CONTACT).join(CONTACT_CASE, CONTACT_CASE.c.contact_id == CONTACT.c.id)
    mine = (CONTACT_CASE.c.case_id == case_id) & (CONTACT.c.document_id == document_id)
    return conn.execute(linked.where(mine, CONTACT.c.purpose == "notice").order_by(CONTACT_CASE.c.step)).all()


def _is_open(contact: Row[Any], last: Row[Any]) -> bool:
    """Is it not settled yet whether this way was used? A refusal for reasons of ours is not the debtor's."""
    return bool(contact.state == "in-flight" or (contact.state == "failed" and last.outcome == "refused"))


def _last_try(conn: Connection, contact_id: UUID) -> Row[Any]:
    tries = select(CONTACT_ATTEMPT).where(CONTACT_ATTEMPT.c.contact_id == contact_id)
    return conn.execute(tries.order_by(CONTACT_ATTEMPT.c.number.desc()).limit(1)).one()


def _anew(conn: Connection, out: outbox.Outgoing, number: int) -> outbox.Outgoing:
    """A person said that the message did not go out: it is sent, as a new attempt, without looking for the old ones."""
    if out.attempt < number:
        outbox.begin_attempt(conn, out.contact_id, number)
    return replace(out, attempt=number, tried_since=None, tried_last=None)


def _set(conn: Connection, contact: Row[Any], **values: Any) -> None:
    conn.execute(update(CONTACT).where(CONTACT.c.id == contact.id).values(**values))
