"""The prior notice goes out once by every way there is, says what the law wants, claims no more than it can prove."""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from firm_samples import DUE, EMAIL, TODAY, CrashError, Office, dies, notifying, open_office, provider
from pypdf import PdfReader
from sqlalchemy import Engine, insert, update

from activities import documents, outbox
from activities import notice as module
from activities.notice import Notices
from db.rows import APPROVAL, CASE, CLOSED_ADDRESS, CONTACT, CONTACT_POINT, DEBTOR, DOCUMENT, LEDGER, NOTICE, PARTY
from domain import facts as f
from domain.calendars import add_bank_days
from domain.case import load
from domain.decide import SILENT_NOTICE
from domain.policy import Policy
from domain.schedule import move
from sandbox.server import Sandbox

Open = Callable[..., Office]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with provider(tmp_path) as running:
        yield running


@pytest.fixture
def opened(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Open:
    def start(policy: Policy | None = None, **how: Any) -> Office:
        return open_office(engine, sandbox, tmp_path, policy or notifying(), **how)

    return start


def notify(office: Office) -> None:
    office.perform(Notices(office.world).notice)


def pdf_of(office: Office) -> bytes:
    (row,) = office.rows(DOCUMENT, DOCUMENT.c.case_id == office.ids.case, DOCUMENT.c.kind == "notice")
    return office.world.documents.get(row.sha256)


def words(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def printed(office: Office) -> list[dict[str, str]]:
    """All lines of all manifests."""
    found: list[dict[str, str]] = []
    for manifest in sorted(office.world.letters.glob("*/manifest.csv")):
        found += csv.DictReader(io.StringIO(manifest.read_text(), newline=""))
    return found


def notices(office: Office) -> Sequence[Any]:
    return office.rows(NOTICE, NOTICE.c.case_id == office.ids.case)


# --- what goes out ---------------------------------------------------------------------------------------------------
def test_a_notice_goes_by_letter_and_email_and_waits_for_its_proof(opened: Open) -> None:
    office = opened()
    assert (office.next.action, office.next.step) == ("notice", "notificacao")
    notify(office)
    (notice,) = notices(office)
    assert (notice.state, notice.proof_level, notice.deadline_days, notice.deadline) == ("issued", "sent", 10, None)
    assert office.book("notice_issued") == [f.NoticeIssued(str(notice.id), "notificacao", ("email", "letter"))]
    assert (office.next.action, office.next.reason) == ("wait", "waits for proof of the notice")
    assert office.links() == {("notificacao:letter", 1), ("notificacao:email", 1)}
    for channel in ("email", "letter"):
        contact = office.contact(channel)
        assert (contact.state, contact.purpose, contact.counts) == ("accepted", "notice", False)
        assert contact.document_id == notice.document_id


def test_no_notice_goes_to_an_address_that_a_stranger_closed_though_an_import_brought_it_back(opened: Open) -> None:
    office = opened()
    closed = {"creditor_id": office.ids.creditor, "address": EMAIL.lower(), "reason": "wrong-person"}
    with office.world.engine.begin() as conn:
        conn.execute(insert(CLOSED_ADDRESS).values(**closed, closed_at=datetime.now(UTC)))
    notify(office)
    assert office.sent() == []
    assert office.links() == {("notificacao:letter", 1)}


def test_the_email_carries_the_very_letter_that_is_printed_and_shows_no_debt_outside(opened: Open) -> None:
    office = opened()
    notify(office)
    digest = hashlib.sha256(pdf_of(office)).hexdigest()
    (mail,) = office.sent()
    (attachment,) = mail["attachments"]
    assert mail["to"] == EMAIL
    assert attachment["sha256"] == digest
    reference = office.contact("email").short_ref
    assert attachment["name"] == f"documento-{reference}.pdf"
    assert mail["subject"] == f"Mensagem de Credora Fictícia Ltda ref. {reference}"
    assert "o passo previsto é: apresentar o título a protesto" in mail["body"]
    (line,) = printed(office)
    assert (line["sha256"], line["recipient"]) == (digest, "Devedora Inventada Comércio Ltda")
    assert line["address"].splitlines() == ["Rua Fictícia, 10", "Centro", "01305-000 São Paulo/SP"]
    assert int(line["pages"]) == len(PdfReader(io.BytesIO(pdf_of(office))).pages)
    folder = office.world.letters / TODAY.isoformat()
    assert line["contact_id"] == str(office.contact("letter").id)
    assert (folder / line["file"]).read_bytes() == pdf_of(office)
    assert {path.name for path in folder.iterdir()} == {line["file"], "manifest.csv", ".lock"}


def test_the_letter_names_creditor_amounts_deadline_and_what_follows(opened: Open) -> None:
    office = opened()
    notify(office)
    text = words(pdf_of(office))
    for item in (
        "Credora Fictícia Ltda, CNPJ 11.222.333/0001-81",
        "Avenida Inventada, 1000, São Paulo/SP, CEP 01310-100",
        "Fatura NF-77",
        "fornecimento de mercadorias",
        "R$ 1.000,00",
        "Multa de 2%",
        "R$ 20,00",
        "Juros de mora de 1% ao mês, 25 dias",
        "R$ 8,33",
        "Total em 10/03/2026: R$ 1.028,33",
        "10 dias úteis contados do primeiro dia útil seguinte ao recebimento",
        "apresentar o título a protesto",
        "boleto na área do cliente em credora.example.com",
        str(notices(office)[0].id),
    ):
        assert item in text, item


def test_an_sms_goes_along_where_the_ladder_asks_for_it(opened: Open) -> None:
    office = opened(notifying("[letter, email, sms]"))
    notify(office)
    assert sorted(entry["kind"] for entry in office.sent()) == ["mail", "sms"]
    (issued,) = office.book("notice_issued")
    assert isinstance(issued, f.NoticeIssued)
    assert set(issued.channels) == {"letter", "email", "sms"}


@pytest.mark.parametrize(
    ("amount", "wanted", "never"),
    [
        ("1000.00", "apresentar o título a protesto", "setor jurídico"),
        ("150.00", "setor jurídico do credor", "protest"),
    ],
)
def test_only_what_this_case_will_meet_is_announced(opened: Open, amount: str, wanted: str, never: str) -> None:
    steps = (
        "  - {id: protesto, at: notice.deadline, do: protest, when: balance >= 200, late: never-skip}\n"
        "  - {id: juridico, at: protest.over + 30d, do: legal, late: never-skip}\n"
    )
    office = opened(notifying(after=steps), amount=amount)
    notify(office)
    text = words(pdf_of(office))
    assert wanted in text
    assert never not in text
    (mail,) = office.sent()
    assert never not in mail["body"]


def test_a_notice_after_which_nothing_firm_follows_is_not_sent(opened: Open) -> None:
    office = opened(amount="150.00")
    notify(office)
    assert not office.sent()
    assert not notices(office)
    [passed] = office.book("step_passed_over")
    assert passed == f.StepPassedOver("notificacao", "nothing firm follows that it could announce")
    assert office.open_task("ladder-finished").owner == "supervisor"


@pytest.mark.parametrize("deadline", ["10bd", "15d", "2w", "1m"])
def test_whatever_the_unit_of_the_deadline_the_letter_states_the_business_days_that_always_fit_into_it(
    opened: Open, deadline: str
) -> None:
    policy = notifying(deadline=deadline)
    office = opened(policy)
    notify(office)
    (notice,) = notices(office)
    assert f"{notice.deadline_days} dias úteis" in words(pdf_of(office))
    (length,) = [step.deadline for step in policy.steps if step.deadline]
    days = [TODAY + timedelta(days=later) for later in range(SILENT_NOTICE.days + 1)]
    assert all(add_bank_days(received, notice.deadline_days) <= move(received, length) for received in days)
    assert any(add_bank_days(received, notice.deadline_days + 1) > move(received, length) for received in days), "tight"


# --- ways ------------------------------------------------------------------------------------------------------------
def test_an_opt_out_from_electronic_channels_leaves_the_letter(opened: Open) -> None:
    office = opened()
    office.tell(f.OptedOut())
    office.decide()
    notify(office)
    assert not office.sent()
    assert len(printed(office)) == 1
    (issued,) = office.book("notice_issued")
    assert isinstance(issued, f.NoticeIssued)
    assert issued.channels == ("letter",)


def test_without_a_complete_address_only_the_email_goes(opened: Open, engine: Engine) -> None:
    office = opened()
    with engine.begin() as conn:
        conn.execute(update(DEBTOR).values(cep=""))
    notify(office)
    assert not printed(office)
    assert len(office.sent()) == 1
    assert office.links() == {("notificacao:email", 1)}


def test_without_any_way_the_notice_is_undeliverable_and_two_people_are_asked(opened: Open, engine: Engine) -> None:
    office = opened(contacts=())
    with engine.begin() as conn:
        conn.execute(update(DEBTOR).values(address=""))
    notify(office)
    (notice,) = notices(office)
    assert (notice.state, notice.proof_level) == ("attempted", "")
    assert [fact.kind for fact in office.book()][-3:] == ["notice_issued", "notice_undeliverable", "approval_asked"]
    (asked,) = office.rows(APPROVAL, APPROVAL.c.case_id == office.ids.case)
    assert (asked.purpose, asked.needed) == ("undeliverable-notice", 2)
    assert asked.due > TODAY


def test_an_address_that_the_provider_refuses_counts_as_returned_at_once(opened: Open, sandbox: Sandbox) -> None:
    sandbox.fate(EMAIL, "invalid")
    office = opened()
    notify(office)
    issued, returned = office.book("notice_issued", "notice_returned")
    assert isinstance(issued, f.NoticeIssued)
    assert issued.channels == ("letter",)
    assert isinstance(returned, f.NoticeReturned)
    assert (returned.channel, returned.reason) == ("email", "http-400-to")
    (point,) = office.rows(CONTACT_POINT, CONTACT_POINT.c.channel == "email")
    assert point.state == "invalid"


def test_when_the_only_address_is_refused_the_notice_is_attempted_never_notified(
    opened: Open, sandbox: Sandbox
) -> None:
    sandbox.fate(EMAIL, "invalid")
    office = opened(notifying("[email]"))
    notify(office)
    assert office.next.reason == "notice: another address"
    notify(office)
    assert notices(office)[0].state == "attempted"
    assert [fact.kind for fact in office.book()][-5:] == [
        "notice_issued", "notice_returned", "notice_sent_again", "notice_undeliverable", "approval_asked",
    ]  # fmt: skip


def test_a_notice_that_comes_back_goes_to_the_second_address_and_the_book_knows_both_by_hash_and_origin(
    opened: Open,
) -> None:
    office = opened(contacts=(("email", EMAIL),))
    second = {
        "id": uuid4(), "debtor_id": office.ids.debtor, "channel": "letter", "role": "debtor", "source": "import",
        "address": "Rua Segunda, 20\nCentro\n01305-000 São Paulo/SP", "changed_at": datetime.now(UTC),
    }  # fmt: skip
    with office.world.engine.begin() as conn:
        conn.execute(insert(CONTACT_POINT).values(second | {"state": "usable", "consent": "", "rank": 9}))
    notify(office)
    office.tell(f.NoticeReturned(str(notices(office)[0].id), "letter", "moved"))
    office.decide()
    assert (office.next.action, office.next.reason) == ("notice", "notice: another address")
    notify(office)
    assert office.links() == {("notificacao:letter", 1), ("notificacao:email", 1), ("notificacao:letter-2", 1)}
    assert [line["address"].splitlines()[0] for line in printed(office)] == ["Rua Fictícia, 10", "Rua Segunda, 20"]
    [issued], [again] = office.book("notice_issued"), office.book("notice_sent_again")
    sendings = (*issued.sendings, *again.sendings)  # type: ignore[union-attr]
    assert [(s.way, s.origin) for s in sendings] == [
        ("email", "teste"), ("letter", "debtor-record"), ("letter-2", "import"),
    ]  # fmt: skip
    assert len({s.address for s in sendings}) == 3
    assert all(len(digest) == 64 for digest in (*(s.address for s in sendings), issued.content))  # type: ignore[union-attr]
    assert "Rua" not in str(office.rows(LEDGER, LEDGER.c.case_id == office.ids.case))
    assert standing(office).state == "issued"


def standing(office: Office) -> Any:
    """The notice as the case knows it."""
    return load(office.rows(CASE, CASE.c.id == office.ids.case)[0].state).notice


def test_each_bound_party_gets_his_own_letter_and_the_guarantor_of_the_contract_gets_none(opened: Open) -> None:
    office = opened()
    for role, name in (("avalista", "Avalista Inventado"), ("guarantor", "Fiadora Inventada")):
        party = {
            "id": uuid4(), "invoice_id": office.ids.invoice, "role": role, "document": "11144477735", "name": name,
            "address": "Rua Terceira, 30", "city": "São Paulo", "uf": "SP", "cep": "01305000",
        }  # fmt: skip
        with office.world.engine.begin() as conn:
            conn.execute(insert(PARTY).values(**party))
        office.tell(f.PartyNamed(str(party["id"]), role))
    office.decide()
    notify(office)
    recipients = [line["recipient"] for line in printed(office)]
    assert sorted(recipients) == ["Avalista Inventado", "Devedora Inventada Comércio Ltda"]
    [issued] = office.book("notice_issued")
    [his] = [sending for sending in issued.sendings if sending.party]  # type: ignore[union-attr]
    assert (his.way, his.origin) == ("letter", "party-record")
    office.tell(f.ContactLogged("letter", "delivered", on=TODAY, party=his.party))
    office.decide()
    notice = standing(office)
    assert (notice.proof_on, notice.others[his.party].proof_on) == (None, TODAY), "his proof is not the debtor's"


# --- guards ----------------------------------------------------------------------------------------------------------
def test_a_payment_told_a_moment_before_stops_the_notice(opened: Open) -> None:
    office = opened()
    office.tell(f.PaymentReceived("pix-1", Decimal("1028.33"), TODAY))
    notify(office)
    assert not office.sent()
    assert not printed(office)
    assert not notices(office)


def test_the_same_instruction_performed_twice_sends_once_and_gives_the_same_answer(opened: Open) -> None:
    office = opened()
    given, activity = office.given(), Notices(office.world).notice
    first = activity(given)
    assert activity(given) == first
    assert len(office.sent()) == 1
    assert len(printed(office)) == 1


# --- crashes ---------------------------------------------------------------------------------------------------------
def test_a_crash_after_the_intent_sends_one_email_and_prints_one_letter(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = opened(unknown_for=0.05)
    with monkeypatch.context() as crash:
        crash.setattr(Notices, "_hand_over", dies)
        with pytest.raises(CrashError):
            notify(office)
    assert not office.sent()
    until_issued(office)
    assert len(office.sent()) == 1
    assert len(printed(office)) == 1
    assert len(notices(office)) == 1


def until_issued(office: Office) -> None:
    """Perform again and again; a person who is asked looks into the provider's screens, and answers what he sees."""
    for _ in range(5):
        if office.book("notice_issued"):
            return
        time.sleep(0.06)
        if office.next.action == "notice":
            notify(office)
        else:
            answer(office, "sent" if office.sent() else "not sent")
    raise AssertionError(f"never issued: {office.next}")


def answer(office: Office, outcome: str) -> None:
    office.tell(f.TaskDone(str(office.open_task("action-failed").id), outcome), actor="supervisora")
    office.decide()


@pytest.mark.parametrize("dead", [(Notices, "_record"), (outbox, "settle")], ids=["before", "inside"])
def test_a_crash_between_acceptance_and_record_sends_one_email(
    opened: Open, monkeypatch: pytest.MonkeyPatch, dead: tuple[Any, str]
) -> None:
    office = opened()
    with monkeypatch.context() as crash:
        crash.setattr(*dead, dies)
        with pytest.raises(CrashError):
            notify(office)
    assert len(office.sent()) == 1
    notify(office)
    assert len(office.sent()) == 1
    assert len(printed(office)) == 1
    assert office.contact("email").provider_id == office.sent()[0]["provider_id"].partition(".")[0]
    assert [fact.kind for fact in office.book("notice_issued", "action_failed")] == ["notice_issued"]


def test_a_crash_while_the_intent_is_written_leaves_nothing(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    office = opened()
    with monkeypatch.context() as crash:
        crash.setattr(module._Issue, "hand_over", dies)
        with pytest.raises(CrashError):
            notify(office)
    assert not notices(office)
    assert not office.rows(CONTACT)
    notify(office)
    assert len(office.sent()) == 1


def test_a_crash_between_letter_and_manifest_prints_one_letter(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    office = opened()
    with monkeypatch.context() as crash:
        crash.setattr(documents, "_alone", dies)
        with pytest.raises(CrashError):
            notify(office)
    assert not printed(office)
    notify(office)
    again = documents.Letter(office.contact("letter").id, "Devedora", ("Rua, 1",), b"%PDF")
    documents.hand_to_mail_house(office.world.letters, TODAY + timedelta(days=1), again)
    assert len(printed(office)) == 1, "a letter that was handed over is not handed over on another day"


def test_a_full_disk_delays_the_letter_and_repeats_nothing_else(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    office = opened()
    with monkeypatch.context() as full:
        full.setattr(module, "hand_to_mail_house", lambda *_: (_ for _ in ()).throw(OSError("no space")))
        notify(office)
    assert office.book("action_failed") == [f.ActionFailed("notice", "notificacao", "Unavailable", transient=True)]
    notify(office)
    assert len(office.sent()) == 1
    assert len(printed(office)) == 1
    assert len(office.book("notice_issued")) == 1


# --- unknown and refused ---------------------------------------------------------------------------------------------
def test_a_lost_answer_is_looked_up_and_never_sent_twice(opened: Open, sandbox: Sandbox) -> None:
    sandbox.fault("accept_then_drop", provider="sendgrid", times=1)
    office = opened()
    notify(office)
    assert isinstance(office.book("contact_deferred")[0], f.ContactDeferred)
    notify(office)
    assert len(office.sent()) == 1
    assert len(office.book("notice_issued")) == 1


@pytest.mark.parametrize(("outcome", "emails"), [("sent", 0), ("not sent", 1)])
def test_what_stays_unknown_goes_to_a_person_whose_word_decides(
    opened: Open, sandbox: Sandbox, outcome: str, emails: int
) -> None:
    sandbox.fault("fail", provider="sendgrid", status=500, times=1)
    office = opened(unknown_for=0.05)
    notify(office)
    time.sleep(0.06)
    notify(office)
    assert office.book("action_failed") == [f.ActionFailed("notice", "notificacao", "UnknownOutcome", transient=False)]
    assert not office.sent()
    assert office.next.reason == "held until a person has looked"
    answer(office, outcome)
    assert office.next.action == "notice"
    notify(office)
    assert len(office.sent()) == emails
    assert len(office.book("notice_issued")) == 1
    assert len(printed(office)) == 1


def test_a_crash_after_a_persons_word_does_not_send_blindly_again(
    opened: Open, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.fault("fail", provider="sendgrid", status=500, times=1)
    office = opened(unknown_for=0.05)
    notify(office)
    time.sleep(0.06)
    notify(office)
    answer(office, "not sent")
    with monkeypatch.context() as crash:
        crash.setattr(Notices, "_record", dies)
        with pytest.raises(CrashError):
            notify(office)
    assert len(office.sent()) == 1
    time.sleep(0.06)
    notify(office)
    assert len(office.sent()) == 1
    assert len(office.book("notice_issued")) == 1


def test_a_refusal_for_our_own_fault_goes_to_a_person_and_is_sent_after_his_word(
    opened: Open, sandbox: Sandbox
) -> None:
    sandbox.fault("fail", provider="sendgrid", status=401, times=1)
    office = opened()
    notify(office)
    assert office.book("action_failed") == [f.ActionFailed("notice", "notificacao", "http-401", transient=False)]
    answer(office, "key renewed")
    notify(office)
    assert len(office.sent()) == 1
    assert len(office.book("notice_issued")) == 1
    assert not office.book("notice_returned")


def test_a_provider_that_is_away_delays_the_notice(opened: Open, sandbox: Sandbox) -> None:
    sandbox.fault("fail", provider="sendgrid", status=429, times=1)
    office = opened()
    notify(office)
    assert office.book("action_failed") == [f.ActionFailed("notice", "notificacao", "Unavailable", transient=True)]
    notify(office)
    assert len(office.sent()) == 1
    assert len(printed(office)) == 1


def test_an_opt_out_while_the_provider_is_away_stops_the_email(opened: Open, sandbox: Sandbox) -> None:
    sandbox.fault("fail", provider="sendgrid", status=429, times=1)
    office = opened()
    notify(office)
    office.tell(f.OptedOut())
    office.decide()
    notify(office)
    assert not office.sent()
    issued, returned = office.book("notice_issued", "notice_returned")
    assert isinstance(issued, f.NoticeIssued)
    assert isinstance(returned, f.NoticeReturned)
    assert (issued.channels, returned.channel) == (("letter",), "email")


# --- a notice that says nothing true any more ------------------------------------------------------------------------
def test_a_part_payment_while_the_provider_is_away_makes_another_letter(opened: Open, sandbox: Sandbox) -> None:
    sandbox.fault("fail", provider="sendgrid", status=429, times=1)
    office = opened(notifying("[email]"))
    notify(office)
    office.tell(f.PaymentReceived("pix-1", Decimal("300.00"), TODAY))
    office.decide()
    thank = office.next
    assert thank.action == "contact"
    office.tell(f.ContactSent(thank.step, "00000000-0000-0000-0000-000000000001", "email"))
    office.decide()
    notify(office)
    first, second = sorted(notices(office), key=lambda notice: notice.issued_at)
    assert (first.state, second.state) == ("superseded", "issued")
    (mail,) = office.sent()
    (document,) = office.rows(DOCUMENT, DOCUMENT.c.id == second.document_id)
    assert mail["attachments"][0]["sha256"] == document.sha256
    assert "R$ 728,33" in words(office.world.documents.get(document.sha256))


@pytest.mark.parametrize("upheld", [True, False])
def test_a_part_that_turns_out_to_be_no_debt_while_the_provider_is_away_makes_another_letter(
    opened: Open, sandbox: Sandbox, upheld: bool
) -> None:
    sandbox.fault("fail", provider="sendgrid", status=429, times=1)
    office = opened(notifying("[email]"))
    notify(office)
    office.tell(f.DisputeOpened("d", Decimal("300.00")))
    office.tell(f.DisputeResolved(upheld))
    office.decide()
    while office.next.action == "contact":
        office.tell(f.ContactSent(office.next.step, "00000000-0000-0000-0000-000000000001", "email"))
        office.decide()
    notify(office)
    states = [notice.state for notice in sorted(notices(office), key=lambda notice: notice.issued_at)]
    assert states == (["superseded", "issued"] if upheld else ["issued"])
    assert len(office.sent()) == 1


def test_after_an_extension_the_next_notice_is_another_one(opened: Open) -> None:
    office = opened()
    notify(office)
    office.tell(f.Extended(DUE + timedelta(days=30)))
    office.decide()
    for _ in range(60):
        if office.next.action == "notice":
            break
        office.tell(f.ContactSent(office.next.step, "00000000-0000-0000-0000-000000000001", "email"))
        office.ahead += timedelta(days=1)
        office.decide()
    notify(office)
    assert len(office.book("notice_issued")) == 2
    assert len({notice.id for notice in notices(office)}) == 2
    assert len(office.sent()) == 2
    assert office.links() >= {("notificacao:letter", 1), ("notificacao:letter", 3)}


def test_an_extension_that_arrives_during_the_call_voids_the_notice(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = opened()
    dispatch = outbox.dispatch

    def meanwhile(*given: Any) -> outbox.Result:
        office.tell(f.Extended(DUE + timedelta(days=60)))
        return dispatch(*given)

    monkeypatch.setattr(outbox, "dispatch", meanwhile)
    notify(office)
    assert [fact.kind for fact in office.book("notice_issued", "extended")] == ["notice_issued", "extended"]
    assert office.next.reason != "waits for proof of the notice"


def test_a_delivery_that_was_reported_before_the_notice_was_recorded_is_not_lost(
    opened: Open, engine: Engine, sandbox: Sandbox
) -> None:
    sandbox.fault("accept_then_drop", provider="sendgrid", times=1)
    office = opened()
    notify(office)
    with engine.begin() as conn:
        mine = CONTACT.c.channel == "email"
        reported = office.world.clock.real(office.world.now())
        conn.execute(update(CONTACT).where(mine).values(state="delivered", settled_at=reported))
    notify(office)
    (notice,) = notices(office)
    (proved,) = office.book("notice_proved")
    assert proved == f.NoticeProved(str(notice.id), "email", "delivered", TODAY)
    assert (notice.state, notice.proof_level) == ("proved", "delivered")


def test_the_manifest_lists_every_letter_of_a_day_once_whoever_writes(tmp_path: Path) -> None:
    letters = [documents.Letter(UUID(int=n), f"Devedora {n}", ("Rua, 1", "São Paulo/SP"), b"%PDF") for n in range(12)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda letter: documents.hand_to_mail_house(tmp_path, TODAY, letter), letters * 2))
    with (tmp_path / TODAY.isoformat() / "manifest.csv").open(newline="") as lines:
        listed = [row["contact_id"] for row in csv.DictReader(lines)]
    assert sorted(listed) == sorted(str(letter.contact_id) for letter in letters)
