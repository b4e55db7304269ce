"""What is agreed at the command line, with the rows beside it: plans, papers, disputes, holds over many cases.

Nothing runs but the database: what the case makes of what it was told is decided here as a worker would.
"""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from people import Opened, ladder, new_case_row, new_staff, office_today
from pypdf import PdfReader
from sqlalchemy import insert, select, update

from activities.decide import Decisions
from activities.moratoria import reach
from activities.world import World
from contract.messages import Decide, Next
from db.rows import CASE, DEBTOR, DOCUMENT, FACT, LEDGER, MORATORIUM, NOTE, PAYMENT_CODE, PLAN, PROMISE
from domain.case import Case, dump, load
from domain.clock import PRODUCTION
from gateways.documents import DocumentStore

TODAY = office_today()
DUE = TODAY - timedelta(days=10)


class Office:
    """One clerk at the terminal, and a worker that decides when it is told to."""

    def __init__(self, terminal: Any) -> None:
        self.terminal, self.engine = terminal, terminal.engine
        store = DocumentStore(terminal.folder / "state" / "documents")
        nobody = cast(Any, None)
        self.world = World(self.engine, PRODUCTION, store, nobody, nobody, nobody, terminal.folder, "")

    def open(self, **how: Any) -> Opened:
        """A case that is ten days late and under way."""
        opened = new_case_row(self.engine, ladder("amigavel"), DUE, DUE - timedelta(days=20), **how)
        self.decide(opened)
        return opened

    def decide(self, opened: Opened) -> Next:
        """The case takes in what it was told, as a worker would have it do."""
        row = self.row(opened)
        return Decisions(self.world).decide(Decide(str(opened.case), row.generation, row.seq + 1, None))

    def row(self, opened: Opened) -> Any:
        (row,) = self.terminal.rows(CASE, CASE.c.id == opened.case)
        return row

    def case(self, opened: Opened) -> Case:
        return load(self.row(opened).state)

    def type(self, *words: object, code: int = 0) -> Any:
        """A command as ana, its JSON; it must end with this exit code."""
        said = self.terminal.type(*words, "--by", "ana", "--json")
        assert said.code == code, said.err
        assert code == 0 or len(said.err.strip().splitlines()) == 1
        return said.json

    def offer(self, opened: Opened, name: str = "a-vista") -> Any:
        made = self.type("plan", opened.case, "--offer", name)["plan"]
        self.decide(opened)
        return made

    def quiet(self, opened: Opened, **changes: Any) -> None:
        """Everything that was owed to the debtor in words has been said; and what else a test changes in the case."""
        case = self.case(opened)
        case.owed = []
        for payment in case.payments:
            payment.thanked = True
        for name, value in changes.items():
            setattr(case, name, value)
        self.terminal.change(opened.case, state=dump(case))

    def refusals(self, opened: Opened) -> list[str]:
        """What the case refused when it took it in."""
        rows = self.terminal.rows(FACT, FACT.c.case_id == opened.case)
        return [row.refusal for row in rows if row.refusal]

    def plans(self, opened: Opened) -> list[str]:
        rows = self.terminal.rows(PLAN, PLAN.c.case_id == opened.case)
        return [row.state for row in sorted(rows, key=lambda row: row.offered_at)]

    def code(self, opened: Opened) -> UUID:
        """A Pix charge that the debtor may pay by."""
        row = {
            "id": uuid4(), "creditor_id": opened.creditor, "case_id": opened.case, "txid": uuid4().hex,
            "amount": "1000.00", "quoted_on": TODAY, "valid_until": TODAY + timedelta(days=7), "instalment": 0,
            "br_code": "invented", "state": "active", "created_at": datetime.now(UTC), "changed_at": datetime.now(UTC),
        }  # fmt: skip
        with self.engine.begin() as conn:
            conn.execute(insert(PAYMENT_CODE).values(row))
        return cast(UUID, row["id"])

    def paper(self, name: str = "prova.pdf", content: bytes = b"%PDF-1.4 inventado") -> Path:
        path: Path = self.terminal.folder / name
        path.write_bytes(content)
        return path

    def document(self, document_id: object) -> tuple[Any, bytes]:
        """A document's row and its bytes."""
        (row,) = self.terminal.rows(DOCUMENT, DOCUMENT.c.id == UUID(str(document_id)))
        return row, self.world.documents.get(row.sha256)


@pytest.fixture
def office(terminal: Any) -> Office:
    return Office(terminal)


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


# --- plans -----------------------------------------------------------------------------------------------------------
def test_an_offer_is_worked_out_on_todays_debt_kept_as_a_deed_and_told_to_the_case(office: Office) -> None:
    opened = office.open()
    made = office.type("plan", opened.case, "--offer", "parcelamento-5x")
    plan, debt = made["plan"], office.case(opened).debt(TODAY).total
    assert (made["status"], plan["state"], Decimal(plan["debt"])) == ("stored", "offered", debt)
    assert sum(Decimal(part["amount"]) for part in plan["parts"]) == Decimal(plan["total"])
    row, deed = office.document(plan["document"])
    assert (row.kind, row.sha256) == ("agreement", plan["text_hash"])
    assert "Esta proposta vale até" in text_of(deed)
    (fact,) = office.terminal.facts(opened.case)
    assert fact == {"kind": "plan_offered", "plan_id": plan["id"], "until": plan["valid_until"]}
    assert office.decide(opened).reason == "confirmation: acordo-proposto"


def test_what_the_case_has_not_taken_in_yet_counts_in_an_offer(office: Office) -> None:
    opened = office.open()
    before = Decimal(office.type("plan", opened.case, "--offer", "a-vista")["plan"]["debt"])
    office.type("pay", opened.case, "400,00", "--ref", "E1")
    after = Decimal(office.type("plan", opened.case, "--offer", "a-vista")["plan"]["debt"])
    assert before - after == Decimal("400.00")


def test_an_accepted_offer_becomes_the_plan_with_the_evidence_of_its_text(office: Office) -> None:
    opened = office.open()
    offered = office.offer(opened)
    promised = f"{TODAY + timedelta(days=3):%d/%m/%Y}"
    office.type("promise", opened.case, promised)
    office.decide(opened)
    said = office.type(
        "plan", opened.case, "--accept", "--how", "phone", "--document", office.paper(), "--note", "pode ser"
    )
    plan = said["plan"]
    assert (plan["state"], plan["accepted_by"], plan["accepted_how"]) == ("agreed", "ana", "phone")
    assert plan["text_hash"] == offered["text_hash"]
    office.decide(opened)
    assert "acordo-confirmado" in [word.text for word in office.case(opened).owed]
    fact = office.terminal.facts(opened.case)[-1]
    assert (fact["plan_id"], fact["text_hash"], fact["offer"]) == (plan["id"], offered["text_hash"], "a-vista")
    _, deed = office.document(fact["document_id"])
    told = text_of(deed)
    assert "por telefone; registrado por ana" in told
    assert offered["text_hash"] in told.replace(" ", "")
    assert [row.text for row in office.terminal.rows(NOTE)] == ["pode ser"]
    assert {row.kind for row in office.terminal.rows(DOCUMENT)} == {"agreement", "plan-acceptance"}
    case = office.case(opened)
    assert case.plan is not None
    assert case.plan.id == plan["id"]
    assert [row.state for row in office.terminal.rows(PROMISE)] == ["replaced"]
    shown = office.terminal.type("plan", opened.case, "--json").json
    assert shown["plans"][0]["progress"]["open"] == plan["total"]


def test_of_several_offers_the_accepted_one_is_named_and_the_others_are_void(office: Office) -> None:
    opened = office.open()
    office.offer(opened, "a-vista")
    chosen = office.offer(opened, "parcelamento-5x")
    refused = office.type("plan", opened.case, "--accept", "--how", "reply", code=1)
    assert "more than one offer stands" in refused["error"]
    office.type("plan", opened.case, "--accept", chosen["id"][:8], "--how", "reply")
    office.decide(opened)
    assert office.plans(opened) == ["void", "agreed"]


def test_an_offer_past_its_day_cannot_be_accepted(office: Office) -> None:
    opened = office.open()
    plan = office.offer(opened)
    with office.engine.begin() as conn:
        terms = conn.execute(select(PLAN.c.terms)).scalar_one()
        over = terms | {"valid_until": f"{TODAY - timedelta(days=1)}"}
        conn.execute(update(PLAN).values(terms=over))
    refused = office.type("plan", opened.case, "--accept", plan["id"], "--how", "reply", code=1)
    assert refused["code"] == "offer-over"
    assert "offer it anew with `regua plan ID --offer a-vista`" in refused["error"]
    assert office.terminal.type("plan", opened.case, "--json").json["plans"][0]["state"] == "expired"


@pytest.mark.parametrize(
    "change", [["pay", "ID", "100,00", "--ref", "E1"], ["adjust", "ID", "50", "--kind", "rebate"]], ids=["paid", "less"]
)
def test_an_offer_about_a_debt_that_has_changed_cannot_be_accepted(office: Office, change: list[str]) -> None:
    opened = office.open()
    office.offer(opened)
    office.type(*[str(opened.case) if word == "ID" else word for word in change])
    refused = office.type("plan", opened.case, "--accept", "--how", "reply", code=1)
    assert refused["code"] == "debt-changed"
    assert "the debt has changed since" in refused["error"]
    assert office.plans(opened) == ["offered"]
    office.decide(opened)
    assert office.type("plan", opened.case, "--offer", "a-vista")["plan"]["state"] == "offered"


def test_what_a_day_adds_to_the_debt_does_not_undo_an_offer(office: Office) -> None:
    opened = office.open()
    office.offer(opened)
    with office.engine.begin() as conn:  # offered three days ago, when three days less of interest had run
        terms = conn.execute(select(PLAN.c.terms)).scalar_one()
        then = office.case(opened).debt(TODAY - timedelta(days=3)).total
        assert then < office.case(opened).debt(TODAY).total
        conn.execute(update(PLAN).values(terms=terms | {"on": f"{TODAY - timedelta(days=3)}", "debt": f"{then}"}))
    assert office.type("plan", opened.case, "--accept", "--how", "link")["plan"]["state"] == "agreed"


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--offer", "de-graca"], 1, "it has parcelamento-5x, a-vista"),
        (["--accept", "--how", "reply"], 1, "nothing is offered"),
        (["--accept", "--how", "pombo"], 1, "use staff, reply, link, phone"),
        (["--end", "--reason", "desistiu"], 1, "no plan in good standing"),
        (["--end"], 2, "say why the plan ends"),
        (["--offer", "a-vista", "--accept"], 2, "two things"),
        (["abcd1234", "--offer", "a-vista"], 2, "give it with --accept"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_and_nothing_is_kept(
    office: Office, words: list[str], code: int, why: str
) -> None:
    opened = office.open()
    said = office.terminal.type("plan", opened.case, *words, "--by", "ana")
    assert (said.code, why in said.err) == (code, True), said.err
    assert not office.terminal.rows(PLAN)
    assert not office.terminal.facts(opened.case)
    assert office.terminal.type("plan", opened.case, "--offer", "a-vista").code == 2


def test_no_plan_is_offered_twice_over_a_dispute_or_where_nothing_is_owed(office: Office) -> None:
    opened = office.open()
    office.offer(opened)
    assert office.type("plan", opened.case, "--offer", "a-vista", code=1)["code"] == "already-offered"
    office.type("dispute", opened.case, "--amount", "100")
    assert office.type("plan", opened.case, "--offer", "parcelamento-5x", code=1)["code"] == "disputed"
    assert office.type("plan", opened.case, "--accept", "--how", "reply", code=1)["code"] == "disputed"
    paid = office.open()
    office.type("pay", paid.case, "2.000,00", "--ref", "E9")
    assert office.type("plan", paid.case, "--offer", "a-vista", code=1)["code"] == "plan-nothing-owed"


def test_a_plan_in_force_is_ended_by_staff_with_a_reason_in_a_note(office: Office) -> None:
    opened = office.open()
    office.offer(opened, "parcelamento-5x")
    office.type("plan", opened.case, "--accept", "--how", "staff")
    office.decide(opened)
    assert office.type("plan", opened.case, "--offer", "a-vista", code=1)["code"] == "in-plan"
    office.type("plan", opened.case, "--end", "--reason", "pediu outro prazo")
    office.decide(opened)
    (note,) = office.terminal.rows(NOTE)
    assert office.terminal.facts(opened.case)[-1]["reason"] == f"note:{note.id}"
    assert office.plans(opened) == ["ended"]
    assert office.case(opened).plan is None


def test_a_cash_plan_that_is_paid_is_completed_and_one_whose_case_is_void_is_void(office: Office) -> None:
    opened = office.open()
    plan = office.offer(opened)
    office.type("plan", opened.case, "--accept", "--how", "reply")
    office.decide(opened)
    office.type("pay", opened.case, plan["total"].replace(".", ","), "--ref", "E1")
    office.decide(opened)
    office.quiet(opened)
    office.decide(opened)
    assert office.plans(opened) == ["completed"]
    other = office.open()
    office.offer(other)
    office.type("void", other.case, "--reason", "nota cancelada")
    office.decide(other)
    assert office.row(other).stage == "closed"
    assert office.plans(other) == ["void"]


def test_an_instalment_that_stays_unpaid_breaks_the_plan_and_its_row(office: Office) -> None:
    opened = office.open()
    office.offer(opened)
    office.type("plan", opened.case, "--accept", "--how", "reply")
    office.decide(opened)
    plan = office.case(opened).plan
    assert plan is not None
    long_ago = [replace(part, due=TODAY - timedelta(days=60)) for part in plan.instalments]
    office.quiet(opened, plan=replace(plan, instalments=long_ago))
    office.decide(opened)
    assert office.plans(opened) == ["broken"]


def test_an_acceptance_that_the_case_refuses_after_all_leaves_an_offer(office: Office) -> None:
    opened = office.open()
    office.offer(opened)
    office.type("plan", opened.case, "--accept", "--how", "reply")
    office.quiet(opened, dispute=str(uuid4()))
    office.decide(opened)
    assert office.refusals(opened) == ["disputed"]
    assert office.plans(opened) == ["offered"]


# --- disputes, claims, clearing --------------------------------------------------------------------------------------
def test_a_dispute_that_is_not_explained_has_the_day_of_the_ladder_until_it_is(office: Office) -> None:
    opened = office.open()
    office.type("dispute", opened.case)
    office.decide(opened)
    (fact,) = office.terminal.facts(opened.case)
    until = date.fromisoformat(fact["explain_by"])
    assert TODAY + timedelta(days=4) < until < TODAY + timedelta(days=14)  # five bank days
    assert office.case(opened).explain_by == until
    office.type("dispute", opened.case, "--explained", "--reason", "chegou quebrado")
    office.decide(opened)
    assert office.terminal.facts(opened.case)[-1] == {"kind": "dispute_explained", "dispute_id": fact["dispute_id"]}
    assert office.case(opened).explain_by is None
    office.type("resolve", opened.case, "--upheld", "--reason", "foto confere")
    office.decide(opened)
    assert office.row(opened).stage == "closed"
    assert [row.text for row in office.terminal.rows(NOTE)] == ["chegou quebrado", "foto confere"]


def test_money_in_clearing_is_told_once_and_not_after_it_arrived(office: Office) -> None:
    opened = office.open()
    day = f"{TODAY + timedelta(days=2):%d/%m/%Y}"
    told = ["clearing", opened.case, "500,00", "--ref", "CH1", "--expected", day]
    office.type(*told)
    assert office.decide(opened).reason == "payment in clearing"
    assert office.type(*told, code=1)["code"] == "already-known"
    office.type("pay", opened.case, "500,00", "--ref", "CH2")
    told[4] = "CH2"
    assert office.type(*told, code=1)["code"] == "already-counted"


def test_i_already_paid_rests_the_ladder_and_keeps_the_proof(office: Office) -> None:
    opened = office.open()
    office.type("claim", opened.case, "--how", "reply", "--document", office.paper())
    office.decide(opened)
    assert office.case(opened).claimed_until is not None
    assert [row.kind for row in office.terminal.rows(DOCUMENT)] == ["payment-proof"]
    office.type("claim", opened.case, "--how", "phone")
    office.decide(opened)
    assert office.refusals(opened) == ["already-claimed"]


def test_a_boleto_is_withdrawn_once(office: Office) -> None:
    opened = office.open()
    assert office.type("boleto-withdrawn", opened.case, code=1)["code"] == "no-boleto"
    office.quiet(opened, terms=replace(office.case(opened).terms, boleto=True))
    office.type("boleto-withdrawn", opened.case)
    office.decide(opened)
    assert office.case(opened).boleto_withdrawn
    assert office.type("boleto-withdrawn", opened.case, code=1)["code"] == "already-withdrawn"


# --- papers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["hold", "ID", "--kind", "court"], "hold-court"),
        (["hold", "ID", "--kind", "over-indebted"], "hold-over-indebted"),
        (["extend", "ID", f"{TODAY + timedelta(days=60)}"], "extension"),
        (["adjust", "ID", "50", "--kind", "credit-note"], "credit-note"),
    ],
)
def test_the_paper_is_kept_with_the_case_and_its_id_stands_in_the_fact(
    office: Office, words: list[str], kind: str
) -> None:
    opened = office.open()
    typed = [str(opened.case) if word == "ID" else word for word in words]
    office.type(*typed, "--document", office.paper(), "--reason", "como pedido")
    office.decide(opened)
    (fact,) = office.terminal.facts(opened.case)
    row, content = office.document(fact["document_id"])
    assert (row.case_id, row.kind, content) == (opened.case, kind, b"%PDF-1.4 inventado")
    assert [note.text for note in office.terminal.rows(NOTE)] == ["como pedido"]
    assert not office.refusals(opened)


def test_many_cases_are_held_with_a_paper_each_and_a_row_without_one_refuses_the_file(office: Office) -> None:
    one, two = office.open(), office.open()
    paper = str(office.paper())
    rows = [{"caso": str(one.case), "documento": paper}, {"caso": str(two.case), "documento": ""}]
    said = office.terminal.type(
        "hold", "--kind", "death", "--from", office.terminal.file("obitos.csv", *rows), "--by", "ana"
    )
    assert said.code == 1
    assert "row 3: a hold for death rests on a paper; give the certificate" in said.err
    assert not office.terminal.facts(one.case)
    rows[1]["documento"] = paper
    office.type("hold", "--kind", "death", "--from", office.terminal.file("obitos.csv", *rows))
    assert [len(office.terminal.facts(opened.case)) for opened in (one, two)] == [1, 1]


def test_only_a_lawyer_overrides_the_limitation(office: Office) -> None:
    opened = office.open()
    office.type("override-limitation", opened.case, "--reason", "ação monitória proposta")
    office.decide(opened)
    assert office.refusals(opened) == ["lawyers-only"]
    new_staff(office.engine, "lia", "lawyer")
    said = office.terminal.type("override-limitation", opened.case, "--reason", "parecer", "--by", "lia")
    assert said.code == 0, said.err
    office.decide(opened)
    assert office.case(opened).limitation_overridden
    assert [row.kind for row in office.terminal.rows(LEDGER) if "limitation" in row.kind] == ["limitation_overridden"]


# --- payment codes ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "words",
    [
        ["adjust", "ID", "50", "--kind", "rebate"],
        ["extend", "ID", f"{TODAY + timedelta(days=60)}"],
        ["pay", "ID", "100,00", "--ref", "E1"],
        ["dispute", "ID"],
        ["void", "ID", "--reason", "cancelada"],
        ["write-off", "ID", "--reason", "incobrável"],
        ["hold", "ID", "--kind", "death", "--document", "FILE"],
        ["hold", "ID", "--kind", "insolvency", "--document", "FILE"],
    ],
    ids=lambda words: "-".join(words[::3][:2]),
)
def test_a_payment_code_that_the_case_has_overtaken_is_taken_back(office: Office, words: list[str]) -> None:
    opened = office.open()
    code, other = office.code(opened), office.code(office.open())
    meant = {"ID": opened.case, "FILE": office.paper()}
    office.type(*[meant.get(word, word) for word in words])
    office.decide(opened)
    states = {row.id: row.state for row in office.terminal.rows(PAYMENT_CODE)}
    assert states == {code: "removing", other: "active"}


@pytest.mark.parametrize(
    "words", [["note", "ID", "ligar depois"], ["hold", "ID", "--kind", "court", "--document", "FILE"], ["resume", "ID"]]
)
def test_a_payment_code_that_still_says_the_truth_stays(office: Office, words: list[str]) -> None:
    opened = office.open()
    office.code(opened)
    meant = {"ID": opened.case, "FILE": office.paper()}
    office.type(*[meant.get(word, word) for word in words])
    office.decide(opened)
    assert [row.state for row in office.terminal.rows(PAYMENT_CODE)] == ["active"]


def test_a_plan_that_is_agreed_takes_the_code_of_the_whole_debt_back(office: Office) -> None:
    opened = office.open()
    office.code(opened)
    office.offer(opened, "parcelamento-5x")
    assert [row.state for row in office.terminal.rows(PAYMENT_CODE)] == ["active"]
    office.type("plan", opened.case, "--accept", "--how", "reply")
    office.decide(opened)
    assert [row.state for row in office.terminal.rows(PAYMENT_CODE)] == ["removing"]


# --- moratoria -------------------------------------------------------------------------------------------------------
def held(office: Office, *opened: Opened) -> list[date | str | None]:
    """Of each case: until when its moratorium holds it, None without a day, "" where none does."""
    for each in opened:
        office.decide(each)
    cases = [office.case(each) for each in opened]
    return [case.hold_until.get("moratorium") if "moratorium" in case.holds else "" for case in cases]


def lives_in(office: Office, opened: Opened, uf: str, ibge: str) -> Opened:
    with office.engine.begin() as conn:
        conn.execute(update(DEBTOR).where(DEBTOR.c.id == opened.debtor).values(uf=uf, ibge=ibge))
    return opened


def run(office: Office, *words: object, days: int = 30) -> Any:
    until = f"{TODAY + timedelta(days=days):%d/%m/%Y}"
    return office.type("moratorium", "add", *words, "--until", until, "--reason", "Decreto 1/2026")


def test_a_moratorium_holds_every_open_case_of_a_place_until_its_day(office: Office) -> None:
    here = lives_in(office, office.open(), "RS", "4314902")
    away = lives_in(office, office.open(), "SC", "4205407")
    made = run(office, "--place", "rs", "--document", office.paper())
    assert (made["scope"], made["value"], made["cases"]) == ("state", "RS", 1)
    assert held(office, here, away) == [TODAY + timedelta(days=30), ""]
    (fact,) = office.terminal.facts(here.case)
    assert office.document(fact["document_id"])[0].kind == "moratorium"
    assert office.decide(here).reason == "held: moratorium"


@pytest.mark.parametrize("scope", ["municipality", "segment", "debtor", "creditor"])
def test_a_moratorium_reaches_a_municipality_a_segment_a_debtor_or_one_creditors_cases(
    office: Office, scope: str
) -> None:
    inside = lives_in(office, office.open(consumer=True, uf="RS"), "RS", "4314902")
    outside = lives_in(office, office.open(), "RS", "4314407")
    (debtor,) = office.terminal.rows(DEBTOR, DEBTOR.c.id == inside.debtor)
    words = {
        "municipality": ["--place", "4314902"],
        "segment": ["--segment", "consumer"],
        "debtor": ["--debtor", debtor.document],
        "creditor": ["--place", "4314902", "--creditor", "credora"],
    }[scope]
    assert run(office, *words)["cases"] == 1
    assert held(office, inside, outside) == [TODAY + timedelta(days=30), ""]


def test_a_case_that_opens_while_a_moratorium_runs_is_held_by_the_nightly_scan_once(office: Office) -> None:
    run(office, "--place", "RS")
    late = lives_in(office, office.open(), "RS", "4314902")
    now = datetime.now(UTC)
    with office.engine.begin() as conn:
        assert len(reach(conn, TODAY, now)) == 1
    with office.engine.begin() as conn:
        assert reach(conn, TODAY, now) == []
    assert held(office, late) == [TODAY + timedelta(days=30)]
    office.type("lift", late.case, "--kind", "moratorium", "--reason", "pediu para pagar")
    with office.engine.begin() as conn:
        assert reach(conn, TODAY, now) == []
    assert held(office, late) == [""]


def test_a_moratorium_that_begins_later_holds_from_its_first_day(office: Office) -> None:
    here = lives_in(office, office.open(), "RS", "4314902")
    begins = TODAY + timedelta(days=3)
    assert run(office, "--place", "RS", "--from", begins)["cases"] == 0
    assert held(office, here) == [""]
    with office.engine.begin() as conn:
        assert len(reach(conn, begins, datetime.now(UTC))) == 1
    assert held(office, here) == [TODAY + timedelta(days=30)]


def test_lifting_a_moratorium_lets_its_cases_go_but_those_that_another_holds(office: Office) -> None:
    both = lives_in(office, office.open(consumer=True), "RS", "4314902")
    only = lives_in(office, office.open(), "RS", "4314902")
    by_hand = lives_in(office, office.open(), "RS", "4314902")
    for_good = ["hold", by_hand.case, "--kind", "moratorium", "--reason", "acordo coletivo"]
    office.type(*for_good)
    place = run(office, "--place", "RS", days=60)
    run(office, "--segment", "consumer", days=20)
    assert held(office, both, only, by_hand) == [TODAY + timedelta(days=60), TODAY + timedelta(days=60), None]
    done = office.type("moratorium", "lift", place["id"][:8], "--reason", "decreto revogado")
    assert done["cases"] == 3
    assert held(office, both, only, by_hand) == [TODAY + timedelta(days=20), "", None]
    again = office.type("moratorium", "lift", place["id"], "--reason", "outra vez", code=1)
    assert again["code"] == "lifted"


def test_moratoria_are_listed_with_what_they_reached(office: Office) -> None:
    lives_in(office, office.open(), "RS", "4314902")
    made = run(office, "--place", "RS")
    (row,) = office.terminal.type("moratorium", "list", "--json").json
    assert (row["id"], row["cases"], row["reason"], row["creditor"]) == (made["id"], 1, "Decreto 1/2026", None)
    office.type("moratorium", "lift", made["id"], "--reason", "revogado")
    assert office.terminal.type("moratorium", "list", "--json").json == []
    (row,) = office.terminal.type("moratorium", "list", "--all", "--json").json
    assert row["lifted_at"]


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["--place", "XX"], 1, "there is no such state"),
        (["--place", "4399999"], 1, "write its 7 digits"),
        (["--segment", "banks"], 1, "use company, consumer"),
        (["--debtor", "11.222.333/0001-80"], 1, "check digits"),
        (["--place", "RS", "--until", "01/01/2020", "--from", "01/12/2019"], 1, "is past"),
        (["--place", "RS", "--until", "01/01/2099", "--from", "02/01/2099"], 1, "give a later last day"),
        (["--place", "RS", "--document", "none.pdf"], 1, "name a file"),
        (["--place", "RS", "--segment", "company"], 2, "one of --place"),
        ([], 2, "one of --place"),
    ],
)
def test_a_moratorium_that_cannot_be_is_refused_and_holds_nobody(
    office: Office, words: list[str], code: int, why: str
) -> None:
    opened = office.open()
    said = office.terminal.type("moratorium", "add", *words, "--reason", "Decreto 1/2026", "--by", "ana")
    assert (said.code, why in said.err) == (code, True), said.err
    assert not office.terminal.rows(MORATORIUM)
    assert not office.terminal.facts(opened.case)


# --- for people ------------------------------------------------------------------------------------------------------
def test_people_read_plans_and_moratoria_as_tables(office: Office) -> None:
    opened = lives_in(office, office.open(), "RS", "4314902")
    typed = office.terminal.type
    assert "A régua do caso oferece: parcelamento-5x, a-vista" in typed("plan", opened.case).out
    made = typed("plan", opened.case, "--offer", "parcelamento-5x", "--by", "ana")
    assert made.out.startswith(f"guardado: caso {opened.case}")
    assert "(proposto)" in made.out
    typed("plan", opened.case, "--accept", "--by", "ana")
    office.decide(opened)
    shown = typed("plan", opened.case).out
    assert "(em vigor)" in shown
    assert "Pago 0.00, falta" in shown
    held_one = typed("moratorium", "add", "--place", "RS", "--reason", "Decreto 1/2026", "--by", "ana").out
    assert "1 casos retidos" in held_one
    listing = typed("moratorium", "list").out
    assert "Decreto 1/2026" in listing
    which = held_one.split()[1][:8]
    assert typed("moratorium", "lift", which, "--reason", "fim", "--by", "ana").out == "moratória levantada: 1 casos\n"
