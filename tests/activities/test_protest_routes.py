"""Each state has its CRA; where no agreement covers the place, a person presents, hears and types back."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from activities.consent import consent_letter
from activities.protest_answers import take_in_files
from activities.protest_batch import prepare_files
from activities.protest_by_hand import Heard, answer_by_hand, money_arrived, presentation_sheet
from activities.protest_upload import upload_files
from db.rows import CRA_FILE, ORDER, PAYMENT, TASK
from db.settings import CreditorSettings, Signatory
from domain import cra
from domain import facts as f
from domain.errors import BadInput, Refused
from starter.protest_deeds import signatory_of
from tests.activities.protest_samples import DAY, PRESENTER, SETTINGS, Office, our_numbers

NEXT = DAY + timedelta(days=1)
RIO = {"document": "11222333000181", "city": "Rio de Janeiro", "uf": "RJ", "cep": "20040002", "ibge": "3304557"}
IN_SP, IN_RJ = PRESENTER | {"states": ["SP"]}, PRESENTER | {"code": "777", "states": ["RJ"]}


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    return Office(engine, tmp_path)


def batch(office: Office) -> None:
    take_in_files(office.world)
    prepare_files(office.world)
    upload_files(office.world)


def open_tasks(office: Office, kind: str) -> list[Any]:
    return [task for task in office.rows(TASK) if task.kind == kind and task.done_at is None]


def queued(office: Office, number: str, debtor: dict[str, Any] | None = None) -> Any:
    case = office.case(number, debtor=debtor)
    office.protest(case)
    return case


# --- a CRA for each state ---------------------------------------------------------------------------------------------
def test_titles_of_two_states_leave_to_two_cras_each_with_its_own_code_and_count(office: Office) -> None:
    office.settings(presenter=IN_SP, presenters=[IN_RJ])
    paulista, carioca = queued(office, "1001"), queued(office, "1002", RIO)
    batch(office)
    assert sorted(path.name for path in (office.cra.out / "SP").iterdir()) == ["B9992311.261"]
    assert sorted(path.name for path in (office.cra.out / "RJ").iterdir()) == ["B7772311.261"]
    content = (office.cra.out / "RJ" / "B7772311.261").read_bytes()
    assert our_numbers(cra.read(content, "B7772311.261")) == [office.title(carioca).our_number]
    assert [office.title(case).route for case in (paulista, carioca)] == ["SP", "RJ"]
    assert {(row.cra, row.sequence) for row in office.rows(CRA_FILE)} == {("SP", 1), ("RJ", 1)}


def test_two_cras_may_know_the_creditor_by_the_same_code(office: Office) -> None:
    office.settings(presenter=None, presenters=[IN_SP, PRESENTER | {"states": ["RJ"]}])
    queued(office, "1001")
    queued(office, "1002", RIO)
    batch(office)
    assert {(row.cra, row.name) for row in office.rows(CRA_FILE)} == {("SP", "B9992311.261"), ("RJ", "B9992311.261")}


def test_answers_are_fetched_from_every_cra_and_a_withdrawal_goes_where_its_title_went(office: Office) -> None:
    office.settings(presenter=IN_SP, presenters=[IN_RJ])
    case = queued(office, "1002", RIO)
    batch(office)
    office.decide(case)
    office.at(NEXT)
    name = "B7772311.261"
    file = cra.read((office.cra.out / "RJ" / name).read_bytes(), name)
    answer = cra.Confirmation(our_numbers(file)[0], "01", "55", NEXT, "", (), Decimal("8.00"))
    told, content = cra.write(cra.confirmation(file, [answer]))
    (office.cra.inbox / "RJ").mkdir(parents=True, exist_ok=True)
    (office.cra.inbox / "RJ" / told).write_bytes(content)
    batch(office)
    office.decide(case)
    assert office.title(case).state == "confirmed"
    assert not (office.cra.inbox / "RJ" / told).exists(), "acknowledged where it was fetched"
    office.pay(case, "1000.00")
    batch(office)
    assert (office.cra.out / "RJ" / "DP7772411.261").exists()


# --- by hand ----------------------------------------------------------------------------------------------------------
def handed(office: Office) -> Any:
    """A case whose title a person presents: the creditor has no agreement for its place."""
    office.settings(presenter=IN_RJ)
    case = queued(office, "1001")
    batch(office)
    office.decide(case)
    return case


def said(office: Office, case: Any, what: Any, on: date = NEXT, **more: Any) -> None:
    answer_by_hand(office.world, case, Heard(what, on, **more), "ana")
    office.decide(case)


def test_without_an_agreement_for_the_place_a_person_presents_and_the_title_counts_as_out(office: Office) -> None:
    case = handed(office)
    [task] = open_tasks(office, "present-by-hand")
    assert task.details[0] == f"case {case}"
    assert "state SP" in task.details
    assert office.facts(case) == [f.TitleSent(str(office.title(case).id), DAY, by_hand=True)]
    assert (office.title(case).state, office.title(case).route) == ("sent", "hand")
    assert office.cra.sent() == {}
    batch(office)
    assert len(open_tasks(office, "present-by-hand")) == 1


def test_the_sheet_has_all_that_the_form_asks_and_the_task_has_no_personal_data(office: Office) -> None:
    case = handed(office)
    sheet = presentation_sheet(office.world, case)
    assert sheet["debtors"][0]["document"] == "33444555000181"
    assert (sheet["number"], sheet["balance"], sheet["declaration"]) == ("1001", Decimal("1000.00"), "D")
    assert sheet["orders"] == ["present"]
    [task] = open_tasks(office, "present-by-hand")
    assert "Devedora" not in str(task.details)
    assert "33444555000181" not in str(task.details)


def test_the_protocol_that_is_typed_back_counts_as_a_confirmation_and_ends_the_task(office: Office) -> None:
    case = handed(office)
    said(office, case, "confirmed", protocol="778", notary="03", costs=Decimal("21.00"))
    assert not open_tasks(office, "present-by-hand")
    title = office.title(case)
    assert (title.state, title.protocol, title.notary_code, title.costs) == ("confirmed", "778", "03", Decimal("21.00"))
    assert office.state(case).protest.term_end == date(2026, 11, 27)
    said(office, case, "notified")
    assert office.state(case).protest.state == "notified"


def test_a_payment_asks_the_person_to_withdraw_and_his_answer_ends_the_case(office: Office) -> None:
    case = handed(office)
    said(office, case, "confirmed", protocol="778", notary="03")
    office.pay(case, "1000.00")
    batch(office)
    [task] = open_tasks(office, "withdraw-by-hand")
    assert presentation_sheet(office.world, case)["orders"] == ["withdraw"]
    assert office.cra.sent() == {}
    said(office, case, "withdrawn", costs=Decimal("18.00"))
    assert not open_tasks(office, "withdraw-by-hand")
    assert (office.title(case).state, office.title(case).costs) == ("withdrawn", Decimal("18.00"))
    assert {order.kind: order.state for order in office.rows(ORDER)} == {"present": "answered", "withdraw": "answered"}
    assert task.owner == "supervisor"


def test_paid_there_closes_the_case_and_the_money_that_comes_counts_no_second_time(office: Office) -> None:
    case = handed(office)
    said(office, case, "confirmed", protocol="778", notary="03")
    said(office, case, "paid", amount=Decimal("1000.00"))
    assert office.state(case).settled(Decimal(0))
    movement = {
        "id": case, "creditor_id": office.creditor, "case_id": None, "reference": "ted-9", "amount": Decimal("1000.00"),
        "paid_on": NEXT, "source": "bank", "received_at": office.world.now(),
    }  # fmt: skip
    with office.engine.begin() as conn:
        conn.execute(insert(PAYMENT).values(movement))
    money_arrived(office.world, case, "ted-9", "ana")
    assert office.title(case).remitted == "ted-9"
    assert office.row(PAYMENT, case).case_id == case
    assert len(office.state(case).payments) == 1
    with pytest.raises(Refused, match="came already"):
        money_arrived(office.world, case, "ted-9", "ana")


def test_what_cannot_be_or_is_known_or_incomplete_is_refused_with_its_reason(office: Office) -> None:
    case = handed(office)
    with pytest.raises(BadInput, match="protocol"):
        said(office, case, "confirmed")
    with pytest.raises(BadInput, match="irregularity"):
        said(office, case, "returned")
    with pytest.raises(Refused, match="cannot be cancellation-refused"):
        said(office, case, "cancellation-refused")
    said(office, case, "confirmed", protocol="778")
    with pytest.raises(Refused, match="confirmed already"):
        said(office, case, "confirmed", protocol="778")
    with pytest.raises(Refused, match="nothing was paid"):
        money_arrived(office.world, case, "ted-9", "ana")


# --- who may sign -----------------------------------------------------------------------------------------------------
def creditor(endorsement: str, *signatories: Signatory) -> CreditorSettings:
    base = CreditorSettings.model_validate(SETTINGS | {"presenter": PRESENTER | {"endorsement": endorsement}})
    return base.model_copy(update={"signatories": list(signatories)})


ANA = Signatory(code="ana", name="Ana Inventada", document="11144477735", powers_until=date(2026, 12, 31))
BANK = Signatory(code="banco", name="Bruno Inventado", document="52998224725", side="presenter")


@pytest.mark.parametrize(("endorsement", "who"), [("", "ana"), ("M", "ana"), ("T", "banco")])
def test_consent_is_the_creditors_or_with_a_translative_endorsement_the_presenters(endorsement: str, who: str) -> None:
    settings = creditor(endorsement, ANA, BANK)
    assert signatory_of(settings, who, NEXT, "SP").code == who
    other = {"ana": "banco", "banco": "ana"}[who]
    with pytest.raises(Refused, match="no signatory"):
        signatory_of(settings, other, NEXT, "SP")


def test_powers_that_are_over_sign_nothing() -> None:
    with pytest.raises(Refused, match="ended on 31/12/2026"):
        signatory_of(creditor("", ANA), "ana", date(2027, 1, 1), "SP")


@pytest.mark.parametrize(("endorsement", "whose"), [("", "creditor"), ("M", "creditor"), ("T", "presenter")])
def test_a_letter_of_consent_is_made_only_where_it_is_the_creditor_who_consents(
    office: Office, endorsement: str, whose: str
) -> None:
    office.settings(presenter=PRESENTER | {"endorsement": endorsement})
    case = queued(office, "1001")
    batch(office)
    office.decide(case)
    said(office, case, "confirmed", protocol="778", notary="03")
    said(office, case, "registered")
    if whose == "creditor":
        assert consent_letter(office.world, case)
    else:
        with pytest.raises(Refused, match="the presenter's"):
            consent_letter(office.world, case)
