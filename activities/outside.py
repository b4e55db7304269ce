"""What goes to those who act for a case outside, and `tell`: the word that something is no longer so.

Guard, content and the note of the parcel in one transaction, the call with no lock held, the outcome in another. A
parcel's id follows from the case and what it is about, so a second run hands over the same parcel. What has been handed
over, or may have been, is recorded even if the case changed its mind meanwhile: the rules then take it back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Row
from temporalio import activity

from activities import parcels
from activities.desk import Desk, at_desk, cause_of
from activities.exhibits import as_json
from activities.views import read_creditor, read_debtor, read_invoices
from activities.world import World
from contract.messages import Next, Perform
from domain import facts as f
from domain.decide import Action
from domain.errors import ProviderError, Unknown
from domain.outside import Message, message_of
from gateways.partners import FolderPartner, Parcel, Partner

JSON = "application/json"
Prepared = tuple[Parcel, Callable[[f.Way], f.Told]]
"""A parcel, and the fact that tells of it once it is handed over by some way."""


def partner_of(world: World, to: f.Outsider) -> Partner | None:
    """The road to one of them; None where a person does it. Dossiers always have one: a folder beside the letters."""
    road = world.partners.get(to)
    return road or (FolderPartner(world.letters.parent / to) if to in ("legal", "agency") else None)


def hand_over(world: World, given: Perform, to: f.Outsider, prepare: Callable[[Desk], Prepared | f.Told]) -> Next:
    """Guard, note, hand over, record: the life of every action that gives something to somebody outside.

    `prepare` gives the parcel, or a fact that says why not now. Raises `ProviderError` where it was not taken.
    """
    road = partner_of(world, to)
    with at_desk(world, given.case_id, given.at) as desk:
        if done := desk.recorded(given.generation, given.seq):
            return done
        doubtful = parcels.in_doubt(desk.conn, desk.row.id, given.action, given.step)
        if desk.read_inbox() or not desk.due(given.action, given.step):
            return _maybe_out(desk, given, doubtful) or desk.conclude(given.generation, given.seq)
        prepared = prepare(desk)
        if not isinstance(prepared, tuple):
            return desk.conclude_with(given, prepared)
        ready, tells = prepared
        if road is None:
            return desk.conclude_with(given, tells("hand"))
        before = (parcels.told_of(row) for row in doubtful if row.id == ready.id)
        told = next(before, None) or tells(road.by)
        parcels.begin(desk, given, ready.id, to, told)
    _carry(world, road, ready)
    with at_desk(world, given.case_id, given.at) as desk:
        if done := desk.recorded(given.generation, given.seq):
            return done
        parcels.handed(desk.conn, ready.id)
        return desk.conclude_with(given, told)


def _carry(world: World, road: Partner, ready: Parcel) -> None:
    """The call, with no lock held. Raises `ProviderError`; where it is sure that nothing arrived, that is noted."""
    try:
        road.hand(ready)
    except ProviderError as error:
        if not isinstance(error, Unknown):
            parcels.not_taken(world, ready.id)
        raise


def _maybe_out(desk: Desk, given: Perform, doubtful: Sequence[Row[Any]]) -> Next | None:
    """The case wants something else by now, but an earlier call may have arrived without the book knowing.

    Then it is recorded as handed over, before what arrived since: the rules take it back. A word that something is no
    longer so (`tell`) is said again instead.
    """
    if not doubtful or given.action == Action.TELL or desk.wants(given.action, given.step):
        return None
    arrived, desk.heard = desk.heard, []
    for row in doubtful:
        desk.hear(parcels.told_of(row), cause_of(given.action, given))
        parcels.handed(desk.conn, row.id)
    desk.heard += arrived
    return desk.conclude(given.generation, given.seq)


class Outside:
    """The activity that tells those outside what is no longer so."""

    def __init__(self, world: World) -> None:
        self.world = world

    @activity.defn(name="tell")
    def tell(self, given: Perform) -> Next:
        """Pass on one message (a payment, a recall, a withdrawal, a removal) and return the next instruction."""
        message = message_of(given.step)
        if message is None:
            raise ValueError("tell was asked for a step that is no message")
        return hand_over(self.world, given, message.to, lambda desk: _prepared(desk, message))


def _prepared(desk: Desk, message: Message) -> Prepared:
    key = uuid5(desk.row.id, message.step)
    made = parcel(desk, key, message.what, message.what, _word(desk, message))
    return made, lambda way: f.PassedOn(message.to, message.what, message.reference, way)


def _word(desk: Desk, message: Message) -> dict[str, Any]:
    """What a message says: of a payment amount and day, of the debt what is left."""
    case = desk.case
    today = case.today(desk.now)
    paid = next((p for p in case.payments if p.reference == message.reference), None)
    about = {"amount": paid.amount, "paid_on": paid.on, "reversed": paid.reversed} if paid else {}
    standing = {"open_on": today, "open": case.debt(today).total} if message.to in ("legal", "agency") else {}
    listing = case.listing
    due = {"due": listing.due, "reason": listing.reason} if message.what == "removal" and listing else {}
    return {
        "what": message.what, "case": desk.row.id, "reference": message.reference, **about, **standing, **due,
    }  # fmt: skip


def subject(desk: Desk) -> dict[str, Any]:
    """Who owes what to whom, as the central and the bureau need it."""
    creditor, _ = read_creditor(desk.conn, desk.row.creditor_id)
    debtor = read_debtor(desk.conn, desk.row.debtor_id)
    invoice = read_invoices(desk.conn, [desk.row.invoice_id])[desk.row.invoice_id]
    return {
        "case": desk.row.id,
        "creditor": {"name": creditor.name, "document": creditor.document},
        "debtor": {
            "name": debtor.name, "document": debtor.document, "address": debtor.address, "city": debtor.city,
            "uf": debtor.uf, "cep": debtor.cep,
        },
        "title": {
            "number": invoice.printed_number, "kind": invoice.kind, "issued": invoice.issued,
            "due": desk.case.terms.due, "amount": invoice.amount, "open": desk.case.face(),
        },
    }  # fmt: skip


def parcel(desk: Desk, key: UUID, kind: str, word: str, content: dict[str, Any]) -> Parcel:
    """A parcel of one JSON file, which bears its kind as a `word` in its name; amounts, days and ids as text."""
    return Parcel(key, desk.row.id, kind, f"{desk.row.id}-{word}-{key.hex[:8]}.json", JSON, as_json(content))
