"""`notice`: the prior notice, formally, by every way that can be used; and by further addresses when a way failed.

Guard, intent, call, outcome. The intent is the letter as PDF, its row and one contact for each way, also to each other
bound party. Then e-mail and SMS leave through the outbox and letters through the mail house's folder; when every way is
settled the case is told by which the notice went. It is never sent again on a guess: what stays unknown goes to a
person (promise 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid5

from sqlalchemy import Connection, Row, func, insert, select, update
from temporalio import activity

from activities import outbox, quotes
from activities.budget import notice_waits
from activities.desk import Desk, at_desk, at_desk_with_debtor, cause_of
from activities.documents import (
    PDF,
    Letter,
    hand_to_mail_house,
    is_at_mail_house,
    keep_document,
    read_document,
)
from activities.news import wait_for_news
from activities.notice_ways import (
    LETTER,
    Spot,
    Way,
    address_lines,
    carried,
    first_ways,
    further_ways,
    link_step,
    party_of,
    spots,
    untold,
    write_sending,
)
from activities.quotes import Codes, with_codes
from activities.restored import RESTORATIONS, Doubt, ask_for_the_letter, doubt
from activities.views import Claim, creditor_view, debtor_view, invoice_view, message_data, read_creditor, read_invoices
from activities.world import World
from contract.messages import Next, Perform
from db.prepared import together
from db.rows import CONTACT, CONTACT_ATTEMPT, CONTACT_POINT, LEDGER, NOTICE, PARTY, TASK
from db.settings import CreditorSettings
from domain import facts as f
from domain.calendars import is_bank_day
from domain.decide import SILENT_NOTICE, Action
from domain.ledger import keyed
from domain.notice import ROLES, announced, deadline_from
from domain.policy import Step, built_channels
from gateways.email import Attachment
from letters.documents import notice_pdf
from letters.messages import how_to, render
from letters.models import Channel, DebtorView, FirmStep, Message, NoticeData

NEXT_STEP: dict[FirmStep, str] = {
    "protest": "apresentar o título a protesto no tabelionato competente",
    "legal": "entregar o caso ao setor jurídico do credor",
    "negotiate": "propor uma solução negocial pelo tabelionato de protesto, que sem acordo se converte em protesto",
    "listing": "pedir a anotação da dívida em cadastro de proteção ao crédito",
    "agency": "entregar a cobrança a uma empresa contratada pelo credor",
}
"""What the covering message says of the time after the deadline: what the letter says, in fewer words."""

NEW_ROUND = ("notice_issued", "notice_void", "extended", "adjusted", "payment", "reverse", "migrate")
"""Ledger entries after which an earlier letter says nothing true any more: the next notice is another one."""

ASKED = frozenset({"ask-a-person", "refused"})
"""Outcomes of a call after which only a person's word lets it be made again."""

DONE_BY_HAND = "sent"
"""Outcome of an `action-failed` task: the message did go out, or a person sent it himself."""


@dataclass(frozen=True)
class Handover:
    """One way of a notice that is still to be handed over; with the letter where it goes by post."""

    out: outbox.Outgoing
    letter: Letter | None = None


@dataclass(frozen=True)
class Plan:
    """A notice with its intent written: what is still to be handed over, on which day."""

    notice_id: UUID
    ways: tuple[Handover, ...]
    day: date


class Notices:
    """The activity that notifies formally."""

    def __init__(self, world: World) -> None:
        self.world = world

    @activity.defn(name="notice")
    def notice(self, given: Perform) -> Next:
        """Issue the notice of a step (or say why not now) and return the next instruction."""
        plan = with_codes(self.world, given, lambda may_make: self._intend(given, may_make=may_make))
        if isinstance(plan, Next):
            return plan
        return self._record(given, plan, [(way.out, self._hand_over(plan, way)) for way in plan.ways])

    # --- guard and intent ------------------------------------------------------------------------------------------
    def _intend(self, given: Perform, *, may_make: bool) -> Plan | Codes | Next:
        with at_desk_with_debtor(self.world, given.case_id, given.at) as (desk, debtor, _):
            if answer := desk.guard(given):
                return answer
            step = next(step for step in desk.policy.steps if step.id == given.step)
            if desk.case.notice:
                notice_id = UUID(desk.case.notice.id)
                found = self._already(desk, debtor, notice_id, step) or self._elsewhere(desk, debtor, notice_id, step)
                return found if isinstance(found, Plan) else desk.conclude_with(given, found)
            number = _number(desk.conn, desk.row.id)
            notice_id = uuid5(desk.row.id, f"notice:{step.id}:{number}")
            already = self._already(desk, debtor, notice_id, step)
            if not already and may_make and (missing := self._codes(desk, step)):
                return missing
            found = already or self._new(desk, debtor, notice_id, step, number)
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
        rows = untold(desk.case, carried(desk.conn, notice_id)) if notice else []
        if notice is None or (desk.case.notice and not rows):
            return None
        tried = [(row, _last_try(desk.conn, row.id)) for row in rows]
        left = [(row, last, word_of(desk, step.id, last)) for row, last in tried if _is_open(row, last)]
        unanswered = next((last for _, last, word in left if word == ""), None)
        if unanswered:
            return f.ActionFailed(Action.NOTICE, step.id, unanswered.code, transient=False)
        again = [self._again(desk, debtor, row, last, word) for row, last, word in left]
        return Plan(notice_id, tuple(way for way in again if way), desk.case.today(desk.now))

    def _again(
        self, desk: Desk, debtor: Row[Any], contact: Row[Any], last: Row[Any], word: str | None
    ) -> Handover | None:
        """A way that is still open, to be looked up or tried; None where a person or an opt-out settled it."""
        if word == DONE_BY_HAND:
            _set(desk.conn, contact, state="accepted", accepted_at=datetime.now(UTC))
            return None
        _set(desk.conn, contact, state="in-flight")
        pdf = read_document(self.world, desk.conn, contact.document_id)
        out = outbox.resume(self.world, desk.conn, contact, _attached(contact.channel, contact.short_ref, pdf))
        if word is not None:
            out = _anew(desk.conn, out, last.number + 1)
        if contact.channel != "letter" and desk.case.deaf_to(contact.channel) and not out.tried_since:
            _set(desk.conn, contact, state="failed", settled_at=datetime.now(UTC))
            return None
        return Handover(out, _letter_again(desk.conn, debtor, contact, pdf))

    def _new(self, desk: Desk, debtor: Row[Any], notice_id: UUID, step: Step, number: int) -> Plan | f.Told:
        if deferred := wait_for_news(desk, step.id) or notice_waits(desk, step.id, built_channels(step), debtor):
            return deferred
        days, firm = stated_days(desk, step), announced(desk.case, desk.policy, step, desk.case.today(desk.now))
        if firm is None:
            return f.ActionFailed(Action.NOTICE, step.id, "NothingToAnnounce", transient=False)
        issue = _Issue.of(desk, debtor, step, notice_id, number, days, firm)
        ways = first_ways(spots(desk, debtor, step))
        document_id, pdf = issue.document(next((way.spot for way in ways if not way.spot.party_id), None))
        _write_notice(desk, notice_id, step, document_id, days)
        return Plan(notice_id, issue.hand_over(ways, document_id, pdf), desk.case.today(desk.now))

    def _elsewhere(self, desk: Desk, debtor: Row[Any], notice_id: UUID, step: Step) -> Plan | f.Told:
        """The same notice to the next address of each channel that failed; without one, the case is told so."""
        if waits := notice_waits(desk, step.id, built_channels(step), debtor):
            return waits
        rows, (creditor, _) = carried(desk.conn, notice_id), read_creditor(desk.conn, desk.row.creditor_id)
        ways = further_ways(spots(desk, debtor, step), rows, desk.case, creditor.salt)
        firm = announced(desk.case, desk.policy, step, desk.case.today(desk.now))
        if not ways or firm is None:
            return f.NoticeSentAgain(str(notice_id), step.id)
        issue = _Issue.of(desk, debtor, step, notice_id, _round(desk.conn, desk.row.id), stated_days(desk, step), firm)
        first = desk.conn.execute(select(NOTICE.c.document_id).where(NOTICE.c.id == notice_id)).scalar_one()
        pdf = read_document(self.world, desk.conn, first)
        return Plan(notice_id, issue.hand_over(ways, first, pdf, anew=True), desk.case.today(desk.now))

    # --- call ------------------------------------------------------------------------------------------------------
    def _hand_over(self, plan: Plan, way: Handover) -> outbox.Result:
        if way.letter is None:
            return outbox.dispatch(self.world, way.out)
        try:
            if way.out.restored and not is_at_mail_house(self.world.letters, way.letter.contact_id):
                return outbox.Result("ask-a-person", code="UnknownOutcome")  # no record tells what the lost life listed
            hand_to_mail_house(self.world.letters, plan.day, way.letter)
        except OSError:
            return outbox.Result("not-sent", code="Unavailable")
        return outbox.Result("accepted")

    # --- outcome ---------------------------------------------------------------------------------------------------
    def _record(self, given: Perform, plan: Plan, results: Sequence[tuple[outbox.Outgoing, outbox.Result]]) -> Next:
        with at_desk(self.world, given.case_id, given.at) as desk:
            for out, result in results:
                outbox.settle(desk.conn, out, result)
            if any(out.restored and result.verdict == "accepted" for out, result in results):
                ask_for_the_letter(desk.conn, desk.case, given.step, plan.notice_id, desk.now)
            if done := desk.recorded(given.generation, given.seq):
                return done
            # Before what arrived during the call: an extension that arrived meanwhile makes this notice void.
            for fact in self._meaning(desk, given, plan, results):
                desk.hear(fact, cause_of(given.action, given))
            desk.read_inbox()
            return desk.conclude(given.generation, given.seq)

    def _meaning(
        self, desk: Desk, given: Perform, plan: Plan, results: Sequence[tuple[outbox.Outgoing, outbox.Result]]
    ) -> Sequence[f.Told]:
        asked = next((result for _, result in results if result.verdict in ASKED), None)
        verdicts = {result.verdict for _, result in results}
        if asked:
            return [f.ActionFailed(given.action, given.step, asked.code, transient=False)]
        if "unknown" in verdicts:
            doubtful = (out for out, result in results if result.verdict == "unknown")
            wait = max(outbox.look_again_after(self.world, out) for out in doubtful)
            until = self.world.clock.business(self.world.clock.real(desk.now) + wait)
            return [f.ContactDeferred(given.step, until, "outcome of the notice's call unknown, to be looked up")]
        if "not-sent" in verdicts:
            return [f.ActionFailed(given.action, given.step, "Unavailable", transient=True)]
        return self._issued(desk, given, plan)

    def _issued(self, desk: Desk, given: Perform, plan: Plan) -> Sequence[f.Told]:
        """Every way is settled: by which ways the notice went, and what is already known to have become of each."""
        rows = untold(desk.case, carried(desk.conn, plan.notice_id))
        told = [self._went(desk, given, plan, rows)]
        for row in rows:
            party = party_of(row)
            if row.state in ("failed", "bounced"):
                code = _last_try(desk.conn, row.id).code or row.state
                told.append(f.NoticeReturned(str(plan.notice_id), row.way, code, party))
            elif row.state == "delivered":
                on = desk.case.today(self.world.clock.business(row.settled_at))
                told.append(f.NoticeProved(str(plan.notice_id), row.way, "delivered", on, party))
        return told

    def _went(self, desk: Desk, given: Perform, plan: Plan, rows: Sequence[Row[Any]]) -> f.Told:
        notice_id, sendings = str(plan.notice_id), tuple(_sending(row) for row in rows if row.state != "failed")
        taken = tuple(sending.way for sending in sendings if not sending.party)
        values: dict[str, Any] = {} if desk.case.notice else {"state": "issued", "issued_at": desk.now}
        if desk.policy.proof == "sent" and taken:
            values |= {"state": "proved", "proof_level": "sent", "proof_on": desk.case.today(desk.now)}
        elif not desk.case.notice:
            values["proof_level"] = "sent" if taken else ""
        if values:
            desk.conn.execute(update(NOTICE).where(NOTICE.c.id == plan.notice_id).values(values))
        content = self._content(desk, plan.notice_id)
        if desk.case.notice:
            return f.NoticeSentAgain(notice_id, given.step, tuple(map(_sending, rows)), content)
        return f.NoticeIssued(notice_id, given.step, taken, sendings, content)

    def _content(self, desk: Desk, notice_id: UUID) -> str:
        document = desk.conn.execute(select(NOTICE.c.document_id).where(NOTICE.c.id == notice_id)).scalar_one()
        salt = read_creditor(desk.conn, desk.row.creditor_id)[0].salt
        return keyed(salt, read_document(self.world, desk.conn, document))


def _sending(row: Row[Any]) -> f.Sending:
    return f.Sending(row.way, party_of(row), row.address_hmac, row.origin, row.content_hmac)


def _wanted(desk: Desk, step: Step, settings: CreditorSettings, today: date) -> list[quotes.Quote]:
    asked = quotes.quote(desk.case, desk.row.creditor_id, desk.policy, step.text or "", True, today)
    return quotes.offered(settings, [asked] if asked else [])


@dataclass(frozen=True)
class _Issue:
    """A notice that is being written: what all its ways share."""

    desk: Desk
    debtor: Row[Any]
    step: Step
    notice_id: UUID
    number: int
    days: int
    firm: FirmStep
    creditor: tuple[Any, CreditorSettings]
    claim: Claim
    lost: Doubt | None
    """May it have left before the book was restored?"""

    @classmethod
    def of(
        cls, desk: Desk, debtor: Row[Any], step: Step, notice_id: UUID, number: int, days: int, firm: FirmStep
    ) -> _Issue:
        """What is said now: today's debt, and the payment code that stands."""
        creditor, today = read_creditor(desk.conn, desk.row.creditor_id), desk.case.today(desk.now)
        shown = quotes.standing(desk.conn, _wanted(desk, step, creditor[1], today), today)
        invoice = read_invoices(desk.conn, [desk.row.invoice_id])[desk.row.invoice_id]
        claim = Claim(desk.case, invoice, shown.get(desk.row.id, ""))
        (restorations,) = together(desk.conn, [RESTORATIONS()])
        lost = doubt(restorations, desk.world.clock, desk.now, [(desk.case, desk.policy, step.id)])
        return cls(desk, debtor, step, notice_id, number, days, firm, creditor, claim, lost)

    def document(self, spot: Spot | None) -> tuple[UUID, bytes]:
        """The letter for one address, made and kept: its row's id and its bytes."""
        desk, view, today = self.desk, creditor_view(*self.creditor), self.desk.case.today(self.desk.now)
        party = spot.party if spot else None
        where = spot.address if spot and spot.channel == LETTER else "\n".join(address_lines(self.debtor))
        pdf = notice_pdf(
            NoticeData(
                creditor=view,
                debtor=debtor_view(self.debtor, desk.case.terms.consumer),
                invoices=(invoice_view(self.claim, today),),
                how=how_to("letter", view, self.creditor[1].how_to_pay),
                on=today,
                notice_id=str(self.notice_id),
                deadline_days=self.days,
                firm_step=self.firm,
                addresses=(where,) if where else (),
                addressee=DebtorView(party.name, party.document, consumer=False) if party else None,
                bound_as=ROLES[party.role]["words"] if party else "",
            )
        )
        name = f"notificacao-{self.notice_id}.pdf"
        return keep_document(desk.world, desk.conn, desk.row.id, "notice", name, PDF, pdf, desk.now), pdf

    def hand_over(
        self, ways: Sequence[Way], document_id: UUID, pdf: bytes, *, anew: bool = False
    ) -> tuple[Handover, ...]:
        """The intent of each way. The window of an envelope shows one address: each other one has a letter of its own.

        `anew`: the document was made for an address that failed.
        """
        made = []
        for way in ways:
            own = way.spot.channel == LETTER and (anew or way.spot.party is not None)
            made.append(self._one(way, *(self.document(way.spot) if own else (document_id, pdf))))
        return tuple(made)

    def _one(self, way: Way, document_id: UUID, pdf: bytes) -> Handover:
        spot, reference = way.spot, outbox.short_ref(outbox.identity(self.creditor[0].salt, [self._link(way)]))
        if spot.channel == LETTER:
            out = self._intend(way, document_id, Message("", "", None), reference, ())
            name = spot.party.name if spot.party else self.debtor.name
            return Handover(out, Letter(out.contact_id, name, tuple(spot.address.splitlines()), pdf))
        desk, channel = self.desk, cast(Channel, spot.channel)
        today = desk.case.today(desk.now)
        data = message_data(self.creditor, self.debtor, [self.claim], desk.policy, today, reference, channel)
        message = render(self.step.text or "", channel, replace(data, next_step=NEXT_STEP[self.firm]))
        return Handover(self._intend(way, document_id, message, reference, _attached(channel, reference, pdf)))

    def _link(self, way: Way) -> outbox.Link:
        return self.desk.row.id, link_step(self.step.id, way), self.number

    def _intend(
        self, way: Way, document_id: UUID, message: Message, reference: str, attached: tuple[Attachment, ...]
    ) -> outbox.Outgoing:
        desk, (creditor, settings), spot = self.desk, self.creditor, way.spot
        contact_id = outbox.intend(
            desk.conn,
            links=[self._link(way)],
            doubt=self.lost,
            salt=creditor.salt,
            message=message,
            creditor_id=desk.row.creditor_id,
            debtor_id=self.debtor.id,
            contact_point_id=spot.point.id if spot.point else None,
            channel=spot.channel,
            purpose="notice",
            text_id=self.step.text or "",
            counts=False,
            document_id=document_id,
            planned_at=desk.now,
        )
        write_sending(desk.conn, self.notice_id, contact_id, way, creditor.salt)
        to = "" if spot.channel == LETTER else spot.address
        answers = outbox.reply_to(desk.world, contact_id, creditor.email)
        out = outbox.Outgoing(
            contact_id, spot.channel, to, settings, answers, message, reference, 1, attached, formal=True
        )
        return outbox.doubted(desk.conn, out, self.lost)


# --- what the letter says --------------------------------------------------------------------------------------------
def stated_days(desk: Desk, step: Step) -> int:
    """The deadline in business days, as the letter states it: never more than the case waits, whenever it is received.

    Of a deadline in business days that is the deadline itself; of one in days, weeks or months, which the case moves by
    the calendar (`domain.fold.notice_deadline`), what always fits into it.
    """
    today, days = desk.case.today(desk.now), []
    for later in range(SILENT_NOTICE.days + 1):
        received = today + timedelta(days=later)
        over = deadline_from(received, step.id, desk.policy)
        between = (received + timedelta(days=n) for n in range(1, (over - received).days))
        days.append(sum(is_bank_day(day) for day in between))
    return min(days)


def _attached(channel: str, reference: str, pdf: bytes) -> tuple[Attachment, ...]:
    """The letter as the e-mail carries it. A list of messages shows the file's name, so it says nothing of a debt."""
    return (Attachment(f"documento-{reference}.pdf", PDF, pdf),) if channel == "email" else ()


# --- rows ------------------------------------------------------------------------------------------------------------
def _number(conn: Connection, case_id: UUID) -> int:
    """Which notice this is: another one as soon as one was issued or the debt changed, the same one until then."""
    part_was_no_debt = (LEDGER.c.kind == "resolve") & LEDGER.c.body["upheld"].as_boolean()
    untrue = LEDGER.c.kind.in_(NEW_ROUND) | part_was_no_debt
    query = select(func.count()).where(LEDGER.c.case_id == case_id, untrue)
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


def _round(conn: Connection, case_id: UUID) -> int:
    """How many notices the case has had: what goes to further addresses is of the last of them."""
    return int(conn.execute(select(func.count()).where(NOTICE.c.case_id == case_id)).scalar_one())


def _letter_again(conn: Connection, debtor: Row[Any], contact: Row[Any], pdf: bytes) -> Letter | None:
    """The letter of a contact as it was meant: to the party, point or record that it was written for."""
    if contact.channel != LETTER:
        return None
    if contact.party_id:
        party = conn.execute(select(PARTY).where(PARTY.c.id == contact.party_id)).one()
        return Letter(contact.id, party.name, address_lines(party), pdf)
    if contact.contact_point_id is None:
        return Letter(contact.id, debtor.name, address_lines(debtor), pdf)
    point = select(CONTACT_POINT.c.address).where(CONTACT_POINT.c.id == contact.contact_point_id)
    return Letter(contact.id, debtor.name, tuple(conn.execute(point).scalar_one().splitlines()), pdf)


def _is_open(contact: Row[Any], last: Row[Any]) -> bool:
    """Is it not settled yet whether this way was used? A refusal for reasons of ours is not the debtor's."""
    return bool(contact.state == "in-flight" or (contact.state == "failed" and last.outcome == "refused"))


def _last_try(conn: Connection, contact_id: UUID) -> Row[Any]:
    tries = select(CONTACT_ATTEMPT).where(CONTACT_ATTEMPT.c.contact_id == contact_id)
    return conn.execute(tries.order_by(CONTACT_ATTEMPT.c.number.desc()).limit(1)).one()


def word_of(desk: Desk, step: str, last: Row[Any]) -> str | None:
    """What a person said of this try by doing the task it became; empty until then, None if nobody was asked."""
    if last.outcome not in ASKED:
        return None
    task = desk.conn.execute(
        select(TASK.c.outcome)
        .where(TASK.c.case_id == desk.row.id, TASK.c.kind == "action-failed", TASK.c.step == step)
        .where(TASK.c.done_by != "", TASK.c.opened_at >= desk.world.clock.business(last.begun_at))
        .order_by(TASK.c.opened_at.desc())
    ).first()
    return (task.outcome.strip().lower() or "done") if task else ""


def _anew(conn: Connection, out: outbox.Outgoing, number: int) -> outbox.Outgoing:
    """A person said that the message did not go out: it is sent, as a new attempt, without looking for the old ones."""
    if out.attempt < number:
        outbox.begin_attempt(conn, out.contact_id, number)
    return replace(out, attempt=number, tried_since=None, tried_last=None, restored=False)


def _set(conn: Connection, contact: Row[Any], **values: Any) -> None:
    conn.execute(update(CONTACT).where(CONTACT.c.id == contact.id).values(**values))
