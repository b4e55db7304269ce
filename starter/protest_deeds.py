"""What staff say of a protest: take the title back, cancel the protest, the letter of consent signed and delivered."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal, cast, get_args

from sqlalchemy import Connection, Row

from activities.protest_by_hand import newest_title
from activities.views import read_creditor
from db.settings import CreditorSettings, Presenter, Signatory
from domain import facts as f
from domain.case import load
from domain.errors import BadInput, Refused
from domain.places import uf_of_municipality
from domain.protest_facts import HandedBy, SignedBy
from starter.actions import Deed
from starter.deeds import Author, Beside, reason_of
from starter.evidence import document_values, keep, read_file
from starter.forms import Form


def withdraw(form: Form, by: Author) -> Deed:
    """The title is wanted back from the notary."""
    note_id, beside = reason_of(form, by)
    return Deed(f.WithdrawalAsked(f"note:{note_id}"), beside)


def cancel(form: Form, by: Author) -> Deed:
    """The creditor orders the cancellation of a registered protest himself, at his cost."""
    note_id, beside = reason_of(form, by)
    return Deed(f.CancellationAsked(f"note:{note_id}"), beside)


def signed(form: Form, by: Author) -> Deed:
    """The letter of consent is signed by one of the creditor's signatories whose powers hold on that day.

    Of one on paper or with a certificate the signed letter is kept; at the central (CENPROT) it stays there.
    """
    way = cast(SignedBy, form.text("forma", *get_args(SignedBy)))
    code, on = form.code("signatario"), form.past_day("data")
    document_id, paper = _letter(form, by, way)

    def may_sign(conn: Connection, case: Row[Any]) -> None:
        _, settings = read_creditor(conn, case.creditor_id)
        title = newest_title(conn, case.id)
        signatory_of(settings, code, on, uf_of_municipality(title.municipality) or "")
        paper(conn, case)

    return Deed(f.ConsentSigned(_title(by), code, way, on, document_id), may_sign)


def delivered(form: Form, by: Author) -> Deed:
    """The debtor has the signed letter of consent."""
    way = cast(HandedBy, form.text("forma", *get_args(HandedBy)))
    return Deed(f.ConsentDelivered(_title(by), way, form.past_day("data")))


def signatory_of(settings: CreditorSettings, code: str, on: date, uf: str) -> Signatory:
    """The signatory who may consent on a day to the cancellation of a protest in a state (Lei 9.492/1997 art. 26).

    With an *endosso translativo* the title is the presenter's, and he consents; else the creditor does, also with an
    *endosso-mandato* (par. 2). Refused for anybody else, and for powers that are over.
    """
    side = consents(settings.agreement_for(uf))
    found = next((one for one in settings.signatories if one.code and one.code == code), None)
    if found is None or found.side != side:
        known = ", ".join(one.code for one in settings.signatories if one.code and one.side == side) or "none"
        raise Refused("no-signatory", f"{code} is no signatory of the {side}; known: {known} (creditor settings)")
    if found.powers_until and found.powers_until < on:
        raise Refused("powers-over", f"the powers of {code} ended on {found.powers_until:%d/%m/%Y}; renew them first")
    return found


def consents(agreement: Presenter | None) -> Literal["creditor", "presenter"]:
    """Whose consent counts, by how titles were endorsed to the presenter."""
    return "presenter" if agreement and agreement.endorsement == "T" else "creditor"


def _title(by: Author) -> str:
    title_id = load(by.case.state).protest.title_id
    if not title_id:
        raise Refused("no-title", "no title of this case was ever queued for the notary")
    return title_id


def _letter(form: Form, by: Author, way: SignedBy) -> tuple[str, Beside]:
    if not form.has("documento"):
        if way != "cenprot":
            raise BadInput("documento: keep the signed letter; give it with --document FILE")
        return "", lambda _conn, _case: None
    file = Path(form.text("documento"))
    content = read_file(file)
    row = document_values(by.case.id, "consent-signed", file.name, content, by.now)
    return str(row["id"]), lambda conn, _case: keep(conn, by.store, row, content)
