"""Invented creditors, debtors and cases that are ready for the notary, in a real database, and a CRA in two folders."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4, uuid5

from sqlalchemy import Engine, Row, Table, insert, select, update

from activities.decide import Decisions
from activities.desk import fact_values, store_facts
from activities.protest import Protests
from activities.world import World
from contract.messages import Decide, Next, Perform
from db.rows import CASE, CREDITOR, DEBTOR, FACT, INVOICE, POLICY, TITLE
from domain import cra
from domain import facts as f
from domain.case import Approval, Case, Notice, Terms, dump, load
from domain.clock import Clock
from domain.decide import Action
from domain.places import time_zone
from gateways.cra import FolderCra, Kind, Receipt
from gateways.documents import DocumentStore

DAY = date(2026, 11, 23)
STEP = "protesto"
LADDER = """\
policy: padrao-teste
title: Régua de teste
tolerance: 5.00
steps:
  - {id: atraso,      at: due + 1bd,           do: contact, by: [email], text: atraso-cordial, late: skip}
  - {id: notificacao, at: due + 20d,           do: notice,  by: [letter], text: notificacao-previa, deadline: 10bd}
  - {id: protesto,    at: notice.deadline,     do: protest, approve: supervisor}
  - {id: juridico,    at: protest.over + 30d,  do: legal,   approve: manager}
"""
HASH = hashlib.sha256(LADDER.encode()).hexdigest()
PRESENTER = {"code": "999", "name": "Credora Exemplo Ltda", "agency_account": "000000000000042"}
SETTINGS: dict[str, Any] = {
    "policies": {"company": "padrao-teste", "consumer": "padrao-teste"},
    "senders": {"email": "cobranca@example.com", "email_name": "Credora Exemplo", "sms": "+5511900000000"},
    "how_to_pay": "Pague pelo site.",
    "how_to_dispute": "Escreva para nós.",
    "how_to_verify": "Confira no site.",
    "presenter": PRESENTER,
}
DOCUMENTS = ("33444555000181", "00000000000191", "11222333000181")


class Cra(FolderCra):
    """Two folders that can be told to fail: `faults` are raised, one a call, before or after the file was written."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "out", folder / "in")
        self.out, self.inbox = folder / "out", folder / "in"
        self.faults: list[tuple[str, Exception]] = []
        self.receipts: list[Receipt] = []
        self.acknowledged: list[str] = []

    def upload(self, kind: Kind, name: str, content: bytes) -> Receipt:
        when, error = self.faults.pop(0) if self.faults else ("", Exception())
        if when == "before":
            raise error
        receipt = super().upload(kind, name, content)
        if when == "after":
            raise error
        self.receipts.append(receipt)
        return receipt

    def done(self, name: str) -> None:
        if self.faults:
            raise self.faults.pop(0)[1]
        super().done(name)
        self.acknowledged.append(name)

    def sent(self) -> dict[str, cra.CraFile]:
        """What lies in the outbox, read as the CRA would."""
        found = sorted(self.out.glob("*")) if self.out.is_dir() else []
        return {path.name: cra.read(path.read_bytes(), path.name) for path in found}

    def put(self, file: cra.CraFile) -> str:
        """Put an answer into the inbox."""
        name, content = cra.write(file)
        self.inbox.mkdir(parents=True, exist_ok=True)
        (self.inbox / name).write_bytes(content)
        return name


@dataclass
class Office:
    """One creditor with cases at the step of the protest; the hours go by as the test says."""

    engine: Engine
    folder: Path
    told: list[UUID] = field(default_factory=list)
    creditor: UUID = field(default_factory=uuid4)
    day: date = DAY

    def __post_init__(self) -> None:
        self.cra = Cra(self.folder / "cra")
        self.world = self.at(self.day)
        now = self.world.now()
        with self.engine.begin() as conn:
            conn.execute(insert(POLICY).values(hash=HASH, name="padrao-teste", text=LADDER, pinned_at=now))
            conn.execute(
                insert(CREDITOR).values(
                    id=self.creditor, code="credora", name="Credora Exemplo Ltda", document="99888777000161",
                    address="Av. Exemplo, 1000", city="São Paulo", uf="SP", cep="01310100", email="c@example.com",
                    phone="+5511900000000", settings=SETTINGS, salt="sal", created_at=now, news_on=date.max,
                )
            )  # fmt: skip

    def at(self, day: date, hour: int = 10) -> World:
        """The world on a day, at an hour in São Paulo."""
        business = datetime.combine(day, time(hour), time_zone("SP"))
        store = DocumentStore(self.folder / "documents")
        nobody = cast(Any, None)
        self.day = day
        self.world = World(
            self.engine, Clock(datetime.now(UTC), business, 1.0), store, nobody, nobody, self.cra, self.folder, "",
            self.told.extend,
        )  # fmt: skip
        return self.world

    def case(self, number: str = "1001", amount: str = "1000.00", debtor: dict[str, Any] | None = None) -> UUID:
        """A case whose notice was proved and whose protest was approved: the next action is to protest."""
        case_id, invoice_id, debtor_id = uuid4(), uuid4(), uuid4()
        due, now = DAY - timedelta(days=60), self.world.now()
        case = Case(
            id=str(case_id), uf="SP", jitter=0.5, policy_hash=HASH, ladder_due=due,
            terms=Terms(Decimal(amount), due, due, "DMI", consumer=False),
        )  # fmt: skip
        case.notice = Notice("aviso", "notificacao", due, {"letter": "delivered"}, due + timedelta(days=20), "proved")
        case.step("notificacao").status, case.step("notificacao").on = "done", due + timedelta(days=20)
        case.step("atraso").status, case.step("atraso").on = "done", due + timedelta(days=1)
        case.approval = Approval(str(uuid5(case_id, "approval:0")), "protest", STEP, DAY, "given")
        case.approvals_asked, case.protest.examined = 1, DAY
        person = {
            "kind": "company", "document": DOCUMENTS[0], "name": "Devedora Um Comércio Ltda",
            "address": "Rua Exemplo, 500", "district": "Centro", "city": "São Paulo", "uf": "SP", "cep": "01305000",
            "ibge": "3550308",
        } | (debtor or {})  # fmt: skip
        with self.engine.begin() as conn:
            known = conn.execute(select(DEBTOR.c.id).where(DEBTOR.c.document == person["document"])).scalar()
            if known is None:
                row = {"id": debtor_id, "creditor_id": self.creditor, "opted_out": [], "created_at": now}
                conn.execute(insert(DEBTOR).values(**row, **person))
            conn.execute(
                insert(INVOICE).values(
                    id=invoice_id, creditor_id=self.creditor, debtor_id=known or debtor_id, number=number,
                    instalment="", printed_number=number, kind="DMI", issued=due - timedelta(days=30), due=due,
                    amount=Decimal(amount), fine_percent=0, monthly_interest_percent=0, charges_source="",
                    description="", policy="", row_hash=number, vanished=False, created_at=now,
                    delivery_proof="canhoto 1",
                )
            )  # fmt: skip
            conn.execute(
                insert(CASE).values(
                    id=case_id, creditor_id=self.creditor, debtor_id=known or debtor_id, invoice_id=invoice_id,
                    policy_hash=HASH, stage="notice", state=dump(case), balance=Decimal(amount), generation=1, seq=0,
                    ledger_seq=0, ledger_hash="", next_action="", next_step="", next_reason="", schedule_version=0,
                    schedule_hash="", outcome="", starts_on=due, opened_at=now,
                )
            )  # fmt: skip
        return case_id

    # --- what cases do ------------------------------------------------------------------------------------------------
    def decide(self, case_id: UUID) -> Next:
        """Let a case take in what was told to it, as its workflow would."""
        row = self.row(CASE, case_id)
        decisions = Decisions(self.world)
        return decisions.decide(Decide(str(case_id), 1, row.seq + 1, datetime.now(UTC)))

    def protest(self, case_id: UUID) -> Next:
        """Let a case do its protest step."""
        seq = self.row(CASE, case_id).seq + 1
        given = Perform(str(case_id), 1, seq, datetime.now(UTC), Action.PROTEST, STEP, 1)
        return Protests(self.world).protest(given)

    def queued(self, *numbers: str) -> list[UUID]:
        """Cases with their titles in the queue."""
        cases = [self.case(number) for number in numbers or ("1001",)]
        for case_id in cases:
            self.protest(case_id)
        return cases

    def tell(self, case_id: UUID, fact: f.Told, key: str) -> None:
        """Store a fact for a case."""
        with self.engine.begin() as conn:
            store_facts(conn, [fact_values(case_id, key, fact, "test", self.world.now())])

    def pay(self, case_id: UUID, amount: str, reference: str = "pix-1") -> None:
        """Money arrives, and the case hears of it; the thanks are given at once."""
        self.tell(case_id, f.PaymentReceived(reference, Decimal(amount), self.day), f"pay:{reference}")
        self.decide(case_id)
        thanks = f.ContactSent(f"agradecimento-{len(self.state(case_id).payments)}", str(uuid4()), "email")
        self.tell(case_id, thanks, f"thanks:{reference}")
        self.decide(case_id)

    # --- what stands --------------------------------------------------------------------------------------------------
    def state(self, case_id: UUID) -> Case:
        return load(self.row(CASE, case_id).state)

    def row(self, table: Table, row_id: UUID) -> Row[Any]:
        with self.engine.connect() as conn:
            return conn.execute(select(table).where(table.c.id == row_id)).one()

    def rows(self, table: Table) -> list[Row[Any]]:
        with self.engine.connect() as conn:
            return list(conn.execute(select(table)).all())

    def title(self, case_id: UUID) -> Row[Any]:
        """The newest title of a case."""
        with self.engine.connect() as conn:
            mine = select(TITLE).where(TITLE.c.case_id == case_id).order_by(TITLE.c.attempt.desc())
            return conn.execute(mine.limit(1)).one()

    def facts(self, case_id: UUID) -> list[f.Fact]:
        """What a case was told, oldest first."""
        with self.engine.connect() as conn:
            mine = select(FACT.c.body).where(FACT.c.case_id == case_id).order_by(FACT.c.number)
            return [f.from_json(body) for body in conn.execute(mine).scalars()]

    def correct_address(self, case_id: UUID) -> None:
        """Somebody finds out where the debtor of a case lives."""
        debtor = DEBTOR.c.id == self.row(CASE, case_id).debtor_id
        with self.engine.begin() as conn:
            conn.execute(update(DEBTOR).where(debtor).values(address="Rua Exemplo, 500"))

    def settings(self, **changes: Any) -> None:
        with self.engine.begin() as conn:
            conn.execute(update(CREDITOR).values(settings=SETTINGS | changes))

    # --- what the notary says -----------------------------------------------------------------------------------------
    def confirm(self, name: str, protocol: date, **returned: tuple[str, ...]) -> str:
        """The confirmation of a remittance in the outbox; `returned`: our number → irregularities."""
        file = self.cra.sent()[name]
        answers = []
        for number, our in enumerate(our_numbers(file), 100):
            if our in returned:
                answers.append(cra.Confirmation(our, "01", None, None, "5", returned[our], Decimal(0), on=protocol))
            else:
                answers.append(cra.Confirmation(our, "01", str(number), protocol, "", (), Decimal("9.90")))
        return self.cra.put(cra.confirmation(file, answers))

    def outcome(self, name: str, case_id: UUID, code: str, on: date, sequence: int = 1, **changes: Any) -> str:
        """A return file with one outcome of a title sent in the remittance `name`."""
        return self.cra.put(self.outcome_file(name, case_id, code, on, sequence, **changes))

    def outcome_file(
        self, name: str, case_id: UUID, code: str, on: date, sequence: int = 1, **changes: Any
    ) -> cra.CraFile:
        title = self.title(case_id)
        answer = cra.Outcome(
            title.our_number, "01", title.protocol or "100", title.protocol_date or on, code, on, (), title.balance,
            Decimal(0),
        )  # fmt: skip
        return cra.returns([self.cra.sent()[name]], [replace(answer, **changes)], on, sequence)


def our_numbers(file: cra.CraFile) -> list[str]:
    """The titles of a remittance, in the order of the file."""
    return [record.text("nosso_numero") for lot in file.lots for record in lot.records]
