"""What a person presents, orders and hears at the notaries' central himself, where no agreement of the creditor covers
the place: the data that he needs, and the answers that he types back, which count as a file's would."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy import Connection, Row, select, update

from activities.desk import at_desk, store_facts
from activities.money_book import WAITING
from activities.protest import title_as_presented
from activities.protest_answers import end_task, facts_told, hear, lock_cases, standings_of
from activities.views import read_creditor, read_invoices
from activities.world import World
from db.rows import CASE, ORDER, PAYMENT, TITLE
from domain import cra
from domain.errors import BadInput, Refused
from domain.money import ZERO

Said = Literal["confirmed", "notified", "paid", "returned", "withdrawn", "suspended", "suspended-for-good",
               "registered", "cancelled", "cancellation-refused"]  # fmt: skip
SAID: tuple[Said, ...] = get_args(Said)
_OUTCOME: dict[str, str] = {
    "paid": "1", "registered": "2", "withdrawn": "3", "suspended": "4", "suspended-for-good": "G", "cancelled": "E",
    "cancellation-refused": "X", "returned": "5",
}  # fmt: skip
"""The occurrence (field 33) by which a file would say the same."""


@dataclass(frozen=True)
class Heard:
    """What the notary said of a title on a day; `amount` and `costs` in reais.

    `protocol`, `notary` and `protocol_date` with a confirmation, `irregularities` (codes of the CRA) with a return.
    """

    said: Said
    on: date
    protocol: str = ""
    notary: str = ""
    amount: Decimal = ZERO
    costs: Decimal = ZERO
    irregularities: tuple[str, ...] = ()


def answer_by_hand(world: World, case_id: UUID, heard: Heard, by: str) -> tuple[UUID, ...]:
    """Take in what a person heard of the newest title of a case; returns the ids of the facts that it made.

    Raises BadInput where something is missing, Refused where the case has no title out, or where what was said cannot
    be true of it.
    """
    now = world.now()
    with world.engine.begin() as conn:
        cases = lock_cases(conn, select(CASE.c.id).where(CASE.c.id == case_id))
        title = newest_title(conn, case_id)
        standing = standings_of(conn, {title.our_number})[title.our_number]
        order = standing.order
        told = hear(conn, standing, _answer(title, heard), now)
        if told == "strange":
            raise Refused("cannot-be", f"the title is {title.state}; it cannot be {heard.said} now")
        if told == "known":
            raise Refused("known", f"the title is {title.state} already; nothing was changed")
        if order is not None:
            end_task(conn, f"by-hand:{order.id}", f"{heard.said} ({by})", now)
        key = f"hand:{title.id}:{heard.said}:{heard.on}:{case_id}"
        stored = tuple(store_facts(conn, facts_told(conn, cases[case_id], told, key, by, now)))
    world.deliver(stored)
    return stored


def newest_title(conn: Connection, case_id: UUID) -> Row[Any]:
    """The newest title of a case; Refused where it never had one."""
    mine = select(TITLE).where(TITLE.c.case_id == case_id).order_by(TITLE.c.attempt.desc()).limit(1)
    title = conn.execute(mine).one_or_none()
    if title is None:
        raise Refused("no-title", "no title of this case was ever queued for the notary")
    return title


def _answer(title: Row[Any], heard: Heard) -> cra.Confirmation | cra.Outcome | cra.ProgressEvent:
    """The same in the words of the files."""
    if heard.said == "confirmed":
        if not heard.protocol:
            raise BadInput("protocolo: a title that the notary took has a protocol; give --protocol")
        return cra.Confirmation(
            title.our_number, heard.notary, heard.protocol, heard.on, "", (), heard.costs, on=heard.on
        )
    protocol, day = heard.protocol or title.protocol or None, title.protocol_date
    if heard.said == "notified":
        return cra.ProgressEvent(
            title.our_number, title.notary_code, protocol or "", day, "AG", heard.on, None, heard.costs
        )
    if heard.said == "returned" and not heard.irregularities:
        raise BadInput("irregularidade: a title that came back says why; give --irregularity with the code")
    code = _OUTCOME[heard.said]
    return cra.Outcome(
        title.our_number, heard.notary or title.notary_code, protocol, day, code, heard.on, heard.irregularities,
        heard.amount, heard.costs,
    )  # fmt: skip


def money_arrived(world: World, case_id: UUID, reference: str, by: str) -> str:
    """The notary passed on what was paid there: the reference of that money, which counts nothing a second time.

    A movement of that reference that waits for a person is this money, and waits no longer. Returns the title's id;
    raises Refused where no title of the case was paid at the notary, or its money came already.
    """
    now = world.now()
    with world.engine.begin() as conn:
        lock_cases(conn, select(CASE.c.id).where(CASE.c.id == case_id))
        title = newest_title(conn, case_id)
        if title.state != "paid":
            raise Refused("not-paid-there", f"the title is {title.state}; nothing was paid to the notary for it")
        if title.remitted:
            raise Refused("came-already", f"this money came already, under the reference {title.remitted}")
        waiting = WAITING & (PAYMENT.c.creditor_id == title.creditor_id) & (PAYMENT.c.reference == reference)
        conn.execute(update(PAYMENT).where(waiting).values(case_id=case_id, proposal=[]))
        conn.execute(update(TITLE).where(TITLE.c.id == title.id).values(remitted=reference))
        end_task(conn, f"money:{title.id}", f"{reference} ({by})", now)
    return str(title.id)


def presentation_sheet(world: World, case_id: UUID) -> dict[str, Any]:
    """All that the form of the notaries' central asks for a title, for a person to type; personal data, so never kept.

    `orders`: what the notary is still to be told. Amounts in reais.
    """
    with at_desk(world, str(case_id), None) as desk:
        title = title_as_presented(desk)
        creditor, _ = read_creditor(desk.conn, desk.row.creditor_id)
        invoice = read_invoices(desk.conn, [desk.row.invoice_id])[desk.row.invoice_id]
        mine = desk.conn.execute(select(TITLE).where(TITLE.c.case_id == case_id).order_by(TITLE.c.attempt)).all()
        orders = select(ORDER.c.kind, ORDER.c.state).where(ORDER.c.title_id.in_([row.id for row in mine]))
        out = [row.kind for row in desk.conn.execute(orders) if row.state == "sent"]
    return {
        "species": title.species, "number": title.number, "issue": title.issue, "due": title.due,
        "amount": title.amount, "balance": mine[-1].balance if mine else title.balance, "place": title.place,
        "municipality": title.municipality, "declaration": title.declaration, "our_number": title.our_number,
        "creditor": {
            "name": creditor.name, "document": creditor.document, "address": creditor.address, "cep": creditor.cep,
            "city": creditor.city, "uf": creditor.uf,
        },
        "debtors": [
            {
                "name": one.name, "document": one.document, "address": one.address, "district": one.district,
                "cep": one.cep, "city": one.city, "uf": one.uf,
            }
            for one in title.debtors
        ],
        "nfe_key": invoice.nfe_key, "delivery_proof": invoice.delivery_proof,
        "orders": out, "protocol": mine[-1].protocol if mine else "",
        "notary": mine[-1].notary_code if mine else "",
    }  # fmt: skip
