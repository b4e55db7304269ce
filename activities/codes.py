"""Payment codes of a case, between the case and the bank: a Pix charge is offered, kept while it is true, taken back.

A row says `asked` before the bank is called, and `active` with its code after; `removing` until the bank has confirmed
that it can no longer be paid. The txid is made from case and number, so whatever died in between is simply repeated.
`changed_at` is the real time of the last word with the bank, from which counts how long a lost call may be under way.
Call these functions outside a transaction: each makes short ones of its own, and no lock is held during a call.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from activities.world import World
from db.rows import CASE, CREDITOR, DEBTOR, INVOICE, PAYMENT, PAYMENT_CODE
from db.settings import CreditorSettings, Pix
from domain.errors import BadInput, Misconfigured, Permanent, ProviderError, Unavailable, Unknown
from domain.identifiers import parse_document
from domain.pix import charge_txid, decode, dynamic_code, is_static_txid, last_payable_day, static_code, static_txid
from gateways.pix import Charge, KnownCharge, PixGateway, Removal
from gateways.pix_accounts import PRINCIPAL

PAYABLE = ("asked", "active")
LIVE = (*PAYABLE, "removing")
"""States in which the bank may still let a code be paid."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Offered:
    """A code that a debtor may be shown: pays `amount`, the debt of the day `quoted_on`, up to `valid_until`."""

    txid: str
    br_code: str
    amount: Decimal
    quoted_on: date
    valid_until: date


@dataclass(frozen=True)
class _Wanted:
    """What is to be asked for, and how the creditor receives it."""

    case_id: UUID
    creditor_id: UUID
    amount: Decimal
    today: date
    instalment: int
    pix: Pix

    def fits(self, row: Row[Any]) -> bool:
        """Is this live code the one: same amount, payable tomorrow at least, paid in the way that now holds?"""
        if row.state not in PAYABLE or row.amount != self.amount or row.valid_until <= self.today:
            return False
        if self.pix.mode == "static":
            return is_static_txid(row.txid) and decode(row.br_code).key == self.pix.key
        return not is_static_txid(row.txid) and row.account == self.pix.account


@dataclass(frozen=True)
class _Asked:
    """A row whose charge the bank has not confirmed yet, and the charge."""

    row: Row[Any]
    charge: Charge


def offer(
    world: World,
    *,
    case_id: UUID,
    creditor_id: UUID,
    amount: Decimal,
    today: date,
    instalment: int = 0,
    static_ok: bool = False,
) -> Offered | None:
    """The code by which the debtor pays exactly `amount` (reais), or an instalment of his plan; None where the creditor
    has no Pix, or only a static key and `static_ok` is not given (only for ladders that never protest).

    The live code of this case and instalment where it fits and can be paid tomorrow at least; otherwise a new one,
    after every older one was taken back at the bank. Quotes are honoured: a code may be of an earlier day.

    Raises `Unavailable` (also where an older code was paid and the payment is not known here yet, or the debt changed
    meanwhile), `Unknown`, `Permanent`; asking again later is always right.
    """
    with world.engine.begin() as conn:
        pix = _agreement(conn, creditor_id)
        if pix is None or (pix.mode == "static" and not static_ok):
            return None
        wanted = _Wanted(case_id, creditor_id, amount, today, instalment, pix)
        if pix.mode == "api":
            pix_gateway(world, pix.account)
        live = _locked(conn, wanted)
        old = _supersede(conn, wanted, live)
        asked = None if old else _current(conn, wanted, live)
    for row in old:
        _take_back(world, row)
    if asked is None:
        with world.engine.begin() as conn:
            asked = _current(conn, wanted, _locked(conn, wanted))
    return _put(world, wanted, asked) if isinstance(asked, _Asked) else asked


def remove_all(world: World, case_id: UUID) -> int:
    """Takes back every live code of a case, confirmed by the bank; returns how many. Again: 0, nothing is left.

    A static code cannot be taken back; its row says `removed` so that it is shown no more. All are tried; raises
    `Unavailable` or `Unknown` where one is not confirmed (also where one was paid and the payment is not known here
    yet), `Permanent` where the bank refuses.
    """
    with world.engine.begin() as conn:
        _lock(conn, case_id)
        mark_wrong(conn, case_id)
        rows = _rows(conn, PAYMENT_CODE.c.case_id == case_id, PAYMENT_CODE.c.state == "removing")
    failed: ProviderError | None = None
    for row in rows:
        try:
            _take_back(world, row)
        except ProviderError as error:
            failed = failed or error
    if failed:
        raise failed
    with world.engine.begin() as conn:
        _refuse_unknown_payment(conn, case_id)
    return len(rows)


def sweep(world: World, limit: int) -> int:
    """Takes back at most `limit` codes that no longer say the truth or are over; returns how many are gone.

    What the bank does not confirm now stays for the next sweep, behind the others. Never raises a `ProviderError`.
    """
    with world.engine.begin() as conn:
        _end_expired(conn, (world.now() - timedelta(days=1)).date(), limit)
        rows = _rows(conn, PAYMENT_CODE.c.state == "removing", _provable(world), limit=limit)
    gone = 0
    for row in rows:
        try:
            gone += _remove(world, row) in ("removed", "absent")
        except ProviderError as error:
            log.warning("payment code not taken back", extra={"code": error.code, "txid": row.txid})
            _change(world, row, "removing")
            if not isinstance(error, Permanent) or isinstance(error, Misconfigured):
                break  # the bank is away, or does not let us in: the others would fare alike
    return gone


def mark_wrong(conn: Connection, case_id: UUID) -> int:
    """In the caller's transaction, which changed the debt or closed the case: its codes no longer say the truth and
    are to be taken back by the next sweep. Returns how many."""
    mine = and_(PAYMENT_CODE.c.case_id == case_id, PAYMENT_CODE.c.state.in_(PAYABLE))
    return conn.execute(update(PAYMENT_CODE).where(mine).values(state="removing")).rowcount


# --- which code -------------------------------------------------------------------------------------------------------
def _agreement(conn: Connection, creditor_id: UUID) -> Pix | None:
    settings = conn.execute(select(CREDITOR.c.settings).where(CREDITOR.c.id == creditor_id)).scalar_one()
    return CreditorSettings.model_validate(settings).pix


def pix_gateway(world: World, account: str) -> PixGateway:
    """The way to the bank by the account of that name; raises `Misconfigured` where there is none."""
    if account not in world.pix:
        where = "REGUA_PIX_URL and what belongs to it" if account == PRINCIPAL else f"REGUA_PIX_ACCOUNTS, [{account}]"
        raise Misconfigured("no-pix-api", f"no bank's API Pix is configured as {account}; see {where}")
    return world.pix[account]


def _locked(conn: Connection, wanted: _Wanted) -> list[Row[Any]]:
    """The live codes of this case and instalment, the case locked; no payment of one is on its way to us."""
    _lock(conn, wanted.case_id)
    _refuse_unknown_payment(conn, wanted.case_id)
    return _rows(
        conn,
        PAYMENT_CODE.c.case_id == wanted.case_id,
        PAYMENT_CODE.c.instalment == wanted.instalment,
        PAYMENT_CODE.c.state.in_(LIVE),
    )


def _supersede(conn: Connection, wanted: _Wanted, live: Sequence[Row[Any]]) -> list[Row[Any]]:
    """The live codes that must go before another is shown; they say `removing` from here on."""
    kept = next((row for row in live if wanted.fits(row)), None)
    old = [row for row in live if row is not kept]
    if old:
        wrong = PAYMENT_CODE.c.id.in_([row.id for row in old]) & PAYMENT_CODE.c.state.in_(PAYABLE)
        conn.execute(update(PAYMENT_CODE).where(wrong).values(state="removing"))
    return old


def _current(conn: Connection, wanted: _Wanted, live: Sequence[Row[Any]]) -> Offered | _Asked:
    """The code that fits, from now on: one that stands, or a row to be asked for. Another process may have been
    quicker."""
    if len(live) > 1 or (live and not wanted.fits(live[0])):
        raise Unavailable("other-code", "another code of this case was made meanwhile")
    new = insert(PAYMENT_CODE).returning(*PAYMENT_CODE.c)
    row = live[0] if live else conn.execute(new.values(_new(conn, wanted))).one()
    return _offered(row) if row.state == "active" else _Asked(row, _charge(conn, wanted, row))


def _new(conn: Connection, wanted: _Wanted) -> dict[str, Any]:
    """A row: of a charge still to be asked for, or of a static code, which is made here."""
    count = select(func.count()).where(PAYMENT_CODE.c.case_id == wanted.case_id)
    number, pix, now = conn.execute(count).scalar_one(), wanted.pix, _now()
    row: dict[str, Any] = {
        "id": uuid4(), "creditor_id": wanted.creditor_id, "case_id": wanted.case_id, "amount": wanted.amount,
        "quoted_on": wanted.today, "valid_until": last_payable_day(wanted.today + timedelta(days=pix.days)),
        "instalment": wanted.instalment, "account": pix.account, "created_at": now, "changed_at": now,
    }  # fmt: skip
    if pix.mode == "api":
        return row | {"txid": charge_txid(wanted.case_id, number), "br_code": "", "state": "asked"}
    txid = static_txid(wanted.case_id, number)
    code = static_code(pix.key, pix.name, pix.city, amount=wanted.amount, txid=txid)
    return row | {"txid": txid, "br_code": code, "state": "active"}


def _refuse_unknown_payment(conn: Connection, case_id: UUID) -> None:
    """A code that the bank calls paid, while no movement here bears its txid: the money is on its way to us."""
    movement = select(PAYMENT.c.id).where(
        PAYMENT.c.creditor_id == PAYMENT_CODE.c.creditor_id, PAYMENT.c.txid == PAYMENT_CODE.c.txid
    )
    paid = select(PAYMENT_CODE.c.id).where(
        PAYMENT_CODE.c.case_id == case_id, PAYMENT_CODE.c.state == "paid", ~movement.exists()
    )
    if conn.execute(paid.limit(1)).first():
        raise _paid()


# --- the bank ---------------------------------------------------------------------------------------------------------
def _put(world: World, wanted: _Wanted, asked: _Asked) -> Offered:
    """Asks the bank for the charge, again where an earlier try was cut off, and keeps its code."""
    row = asked.row
    try:
        known = pix_gateway(world, row.account).put_charge(asked.charge)
    except Misconfigured:
        raise
    except Permanent:
        _change(world, row, "removing")
        raise
    return _offered(_activate(world, row, _code(world, wanted, row, known)))


def _code(world: World, wanted: _Wanted, row: Row[Any], known: KnownCharge) -> str:
    """The charge's BR Code, read once before anybody sees it."""
    if known.state != "active":
        _change(world, row, known.state)
        raise _paid() if known.state == "paid" else Unavailable("charge-removed", "the bank took the charge back")
    try:
        code = known.br_code or dynamic_code(known.location, wanted.pix.name, wanted.pix.city)
        readable = decode(code).kind == "dynamic"
    except BadInput:
        readable, code = False, ""
    if not readable or known.amount != row.amount:
        _change(world, row, "removing")
        raise Unknown("strange-charge", "the bank's charge has another amount, or a code that cannot be read")
    return code


def _activate(world: World, row: Row[Any], code: str) -> Row[Any]:
    asked = and_(PAYMENT_CODE.c.id == row.id, PAYMENT_CODE.c.state == "asked")
    kept = update(PAYMENT_CODE).where(asked).values(state="active", br_code=code, changed_at=_now())
    with world.engine.begin() as conn:
        found = conn.execute(kept.returning(*PAYMENT_CODE.c)).one_or_none()
        if found is None:
            found = conn.execute(select(PAYMENT_CODE).where(PAYMENT_CODE.c.id == row.id)).one()
    if found.state != "active":
        raise Unavailable("debt-changed", "the debt changed while its code was made")
    return found


def _charge(conn: Connection, wanted: _Wanted, row: Row[Any]) -> Charge:
    """Due on the last day that the row names, so that putting it again on a later day is the same charge."""
    query = (
        select(DEBTOR.c.document, DEBTOR.c.name, INVOICE.c.printed_number)
        .join(CASE, CASE.c.debtor_id == DEBTOR.c.id)
        .join(INVOICE, INVOICE.c.id == CASE.c.invoice_id)
        .where(CASE.c.id == row.case_id)
    )
    debtor = conn.execute(query).one()
    # The bank may get the charge at any moment from here on: an absence proves nothing for a while.
    conn.execute(update(PAYMENT_CODE).where(PAYMENT_CODE.c.id == row.id).values(changed_at=_now()))
    return Charge(
        txid=row.txid,
        key=wanted.pix.key,
        amount=row.amount,
        due=row.valid_until,
        payer=parse_document(debtor.document),
        payer_name=debtor.name,
        info=(("Fatura", debtor.printed_number),),
    )


def _take_back(world: World, row: Row[Any]) -> None:
    if _remove(world, row) == "paid":
        raise _paid()


def _remove(world: World, row: Row[Any]) -> Removal:
    """Has the bank take one code back, and says so in its row. Raises where it is not confirmed."""
    if is_static_txid(row.txid):
        _change(world, row, "removed")
        return "removed"
    outcome = pix_gateway(world, row.account).remove_charge(row.txid)
    if outcome == "absent" and not row.br_code and _now() - row.changed_at < timedelta(seconds=world.unknown_for):
        raise Unknown("charge-in-flight", "the charge may still reach the bank; ask again later")
    _change(world, row, "paid" if outcome == "paid" else "removed")
    return outcome


def _paid() -> Unavailable:
    return Unavailable("code-paid", "a code of this case was paid; the payment is not known here yet")


# --- rows -------------------------------------------------------------------------------------------------------------
def _rows(conn: Connection, *where: Any, limit: int | None = None) -> list[Row[Any]]:
    query = select(PAYMENT_CODE).where(*where).order_by(PAYMENT_CODE.c.changed_at, PAYMENT_CODE.c.txid).limit(limit)
    return list(conn.execute(query).all())


def _lock(conn: Connection, case_id: UUID) -> None:
    conn.execute(select(CASE.c.id).where(CASE.c.id == case_id).with_for_update(key_share=True))


def _end_expired(conn: Connection, over: date, limit: int) -> None:
    """Codes whose last day was before `over` are taken back too: the payer's bank may know later holidays."""
    expired = (
        select(PAYMENT_CODE.c.id)
        .where(PAYMENT_CODE.c.state.in_(PAYABLE), PAYMENT_CODE.c.valid_until < over)
        .order_by(PAYMENT_CODE.c.valid_until)
        .limit(limit)
    )
    conn.execute(update(PAYMENT_CODE).where(PAYMENT_CODE.c.id.in_(expired)).values(state="removing"))


def _provable(world: World) -> Any:
    """Rows of which the bank's "there is none" would be a proof: once confirmed, or last asked for long ago."""
    long_ago = _now() - timedelta(seconds=world.unknown_for)
    return or_(PAYMENT_CODE.c.br_code != "", PAYMENT_CODE.c.changed_at <= long_ago)


def _change(world: World, row: Row[Any], state: str) -> None:
    """A live row's new state; what was paid meanwhile stays paid."""
    with world.engine.begin() as conn:
        mine = and_(PAYMENT_CODE.c.id == row.id, PAYMENT_CODE.c.state.in_(LIVE))
        conn.execute(update(PAYMENT_CODE).where(mine).values(state=state, changed_at=_now()))


def _offered(row: Row[Any]) -> Offered:
    return Offered(row.txid, row.br_code, row.amount, row.quoted_on, row.valid_until)


def _now() -> datetime:
    """Real time: how long a call may still be under way is not a matter of business time."""
    return datetime.now(UTC)
