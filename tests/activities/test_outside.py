"""Lawyer, agency, central and bureau: what reaches them, by folder, signed webhook or a person; once, whatever dies."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from firm_samples import LEGAL, TODAY, CrashError, Office, dies, ladder, notifying, open_office, provider
from sqlalchemy import Engine
from temporalio.testing import ActivityEnvironment

from activities.desk import Desk
from activities.legal import LegalHandOver
from activities.listing import Listings
from activities.negotiation import Negotiations
from activities.notice import Notices
from activities.outside import Outside
from db.rows import PAYMENT, TITLE
from domain import facts as f
from domain.errors import ProviderError
from gateways.partners import FolderPartner, Parcel, WebhookPartner
from sandbox.partners import RunningPartner, running_partner
from sandbox.server import Sandbox

Open = Callable[..., Office]
SECRET = "um segredo inventado"
NEGOTIATE = """\
  - {id: negociacao, at: notice.deadline, do: negotiate, within: 15d, approve: supervisor}
"""
LIST = "  - {id: negativacao, at: notice.deadline, do: list, deadline: 10d, approve: supervisor}\n"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with provider(tmp_path) as running:
        yield running


@pytest.fixture
def partner() -> Iterator[RunningPartner]:
    with running_partner(SECRET) as running:
        yield running


@pytest.fixture
def opened(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Open:
    def start(policy: Any, **partners: Any) -> Office:
        office = open_office(engine, sandbox, tmp_path, policy)
        office.world = replace(office.world, partners=partners)
        return office

    return start


def approved(office: Office) -> Office:
    """The notice is proved, its deadline over, the firm step examined and approved."""
    office.perform(Notices(office.world).notice)
    (issued,) = office.book("notice_issued")
    assert isinstance(issued, f.NoticeIssued)
    office.tell(f.NoticeProved(issued.notice_id, "email", "delivered", TODAY), actor="sendgrid")
    office.decide()
    for _ in range(4):
        if office.next.reason == "awaits approval":
            break
        if office.next.not_before:
            office.ahead += max(office.world.clock.real(office.next.not_before) - office.at, office.ahead * 0)
        office.decide()
    office.approve("supervisor")
    return office


def test_a_lawyer_with_a_webhook_gets_the_dossier_signed_and_a_payment_the_same_day(
    opened: Open, partner: RunningPartner
) -> None:
    office = opened(ladder(LEGAL), legal=WebhookPartner(partner.url, SECRET))
    office.approve("manager")
    office.perform(LegalHandOver(office.world).legal)
    (dossier,) = partner.parcels
    assert (dossier.what, dossier.mime, dossier.genuine) == ("dossier", "application/zip", True)
    office.tell(f.PaymentReceived("pix-1", Decimal("100.00"), TODAY))
    office.decide()
    assert (office.next.action, office.next.step) == ("tell", "fora:legal:payment:pix-1")
    office.perform(Outside(office.world).tell)
    word = json.loads(partner.parcels[-1].content)
    assert (word["what"], word["amount"], word["paid_on"]) == ("payment", "100.00", TODAY.isoformat())
    assert office.book("passed_on") == [f.PassedOn("legal", "payment", "pix-1", "webhook")]


@pytest.mark.parametrize("dead", [(WebhookPartner, "hand"), (Desk, "conclude")], ids=["before-call", "after-call"])
def test_whatever_dies_the_lawyer_has_one_dossier(
    opened: Open, partner: RunningPartner, monkeypatch: pytest.MonkeyPatch, dead: tuple[Any, str]
) -> None:
    office = opened(ladder(LEGAL), legal=WebhookPartner(partner.url, SECRET))
    office.approve("manager")
    with monkeypatch.context() as crash:
        crash.setattr(*dead, dies)
        with pytest.raises(CrashError):
            LegalHandOver(office.world).legal(office.given())
    again, activity = office.given(), LegalHandOver(office.world).legal
    assert activity(again) == activity(again)
    assert len(partner.parcels) == 1
    assert len(office.book("handed_over")) == 1


def test_a_webhook_that_is_away_leaves_the_case_where_it_is(opened: Open) -> None:
    office = opened(ladder(LEGAL), legal=WebhookPartner("http://127.0.0.1:9/x", SECRET, 0.5))
    office.approve("manager")
    with pytest.raises(ProviderError):
        LegalHandOver(office.world).legal(office.given())
    assert office.book("handed_over") == []


def test_a_forged_secret_is_refused_by_the_lawyers_side(opened: Open, partner: RunningPartner) -> None:
    office = opened(ladder(LEGAL), legal=WebhookPartner(partner.url, "outro segredo"))
    office.approve("manager")
    with pytest.raises(ProviderError):
        LegalHandOver(office.world).legal(office.given())
    assert partner.parcels == []


def test_a_call_is_signed_for_the_partners_door_and_for_its_moment(
    partner: RunningPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    parcel = Parcel(uuid4(), uuid4(), "dossier", "dossie.zip", "application/zip", b"PK")
    WebhookPartner(partner.url, SECRET).hand(parcel)
    WebhookPartner(partner.url, SECRET).hand(parcel)
    with pytest.raises(ProviderError):
        WebhookPartner(f"{partner.url}?porta=outra", SECRET).hand(replace(parcel, id=uuid4()))
    monkeypatch.setattr("gateways.partners.moment", lambda: str(int(time.time()) - 660))
    with pytest.raises(ProviderError):
        WebhookPartner(partner.url, SECRET).hand(replace(parcel, id=uuid4()))
    assert [taken.id for taken in partner.parcels] == [str(parcel.id)]


def test_a_proposal_goes_to_the_central_with_its_term_and_the_cost_window(opened: Open, tmp_path: Path) -> None:
    office = approved(opened(notifying(after=NEGOTIATE), central=FolderPartner(tmp_path / "central")))
    office.perform(Negotiations(office.world).negotiate)
    (file,) = (tmp_path / "central").iterdir()
    sent = json.loads(file.read_text())
    (told,) = office.book("negotiation_proposed")
    assert isinstance(told, f.NegotiationProposed)
    assert (sent["amount"], sent["answer_until"]) == (str(told.amount), told.until.isoformat())
    assert sent["costs"]["window"] == "central"
    office.tell(f.NegotiationAnswered(told.proposal_id, "paid", told.until, Decimal("900.00")))
    office.decide()
    (row,) = office.rows(PAYMENT, PAYMENT.c.case_id == office.ids.case)
    assert (row.amount, row.source) == (Decimal("900.00"), "central")


def test_a_conversion_has_a_row_as_a_title_at_the_notary(opened: Open) -> None:
    office = approved(opened(notifying(after=NEGOTIATE)))
    office.perform(Negotiations(office.world).negotiate)
    (told,) = office.book("negotiation_proposed")
    assert isinstance(told, f.NegotiationProposed)
    assert told.by == "hand"
    assert office.open_task("present-proposal")
    office.tell(f.NegotiationAnswered(told.proposal_id, "converted", TODAY, protocol="777"))
    office.decide()
    (row,) = office.rows(TITLE, TITLE.c.case_id == office.ids.case)
    assert (str(row.id), row.protocol, row.state) == (told.proposal_id, "777", "confirmed")


def test_without_a_road_the_bureau_is_a_persons_task_and_so_is_the_removal(opened: Open) -> None:
    office = approved(opened(notifying(after=LIST)))
    office.perform(Listings(office.world).list)
    (told,) = office.book("listing_requested")
    assert isinstance(told, f.ListingRequested)
    assert office.open_task("enter-listing")
    office.tell(f.PaymentReceived("pix-1", Decimal("2000.00"), TODAY))
    office.decide()
    assert (office.next.action, office.next.step) == ("tell", f"fora:bureau:removal:{told.listing_id}")
    office.perform(Outside(office.world).tell)
    assert office.open_task("tell-bureau")


def test_the_bureaus_folder_gets_request_and_removal(opened: Open, tmp_path: Path) -> None:
    office = approved(opened(notifying(after=LIST), bureau=FolderPartner(tmp_path / "bureau")))
    office.perform(Listings(office.world).list)
    office.tell(f.DisputeOpened("d"))
    office.decide()
    office.perform(Outside(office.world).tell)
    names = sorted(path.name.split("-")[5] for path in (tmp_path / "bureau").iterdir())
    assert names == ["negativacao", "removal"]


@pytest.mark.parametrize("tried_before", [True, False])
def test_what_may_lie_at_the_bureau_is_taken_back_when_the_debtor_paid_while_the_process_was_dead(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tried_before: bool
) -> None:
    """An entry that no book knows of would stand for five years; the removal of none harms nobody."""
    office = approved(opened(notifying(after=LIST), bureau=FolderPartner(tmp_path / "bureau")))
    if tried_before:
        with monkeypatch.context() as crash:
            crash.setattr(Desk, "conclude_with", dies)
            with pytest.raises(CrashError):
                Listings(office.world).list(office.given())
    office.tell(f.PaymentReceived("pix-1", Decimal("2000.00"), TODAY))
    process = ActivityEnvironment()
    process.info = replace(process.info, attempt=2 if tried_before else 1)
    office.next = process.run(Listings(office.world).list, office.given())
    requested = office.book("listing_requested")
    assert len(requested) == tried_before
    if tried_before:
        assert office.next.step == f"fora:bureau:removal:{requested[0].listing_id}"  # type: ignore[union-attr]
    else:
        assert not (tmp_path / "bureau").exists()


def test_a_dossier_that_may_be_out_is_followed_by_the_word_of_the_payment(
    opened: Open, partner: RunningPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = opened(ladder(LEGAL), legal=WebhookPartner(partner.url, SECRET))
    office.approve("manager")
    with monkeypatch.context() as crash:
        crash.setattr(Desk, "conclude_with", dies)
        with pytest.raises(CrashError):
            LegalHandOver(office.world).legal(office.given())
    office.tell(f.PaymentReceived("pix-1", Decimal("2000.00"), TODAY))
    process = ActivityEnvironment()
    process.info = replace(process.info, attempt=2)
    office.next = process.run(LegalHandOver(office.world).legal, office.given())
    assert len(partner.parcels) == 1
    assert len(office.book("handed_over")) == 1
    assert (office.next.action, office.next.step) == ("tell", "fora:legal:payment:pix-1")
