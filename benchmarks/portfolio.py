"""An invented creditor and his cases, as an import would have left them: what the benchmark's lives begin with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy import Engine, insert

from db.rows import CASE, CONTACT_POINT, CREDITOR, DEBTOR, INVOICE, POLICY, STAFF
from db.settings import CreditorSettings, Presenter, Senders
from domain.case import Case, Terms, dump
from domain.decide import new_case
from domain.hours import jitter_of
from domain.policy import Policy
from domain.policy_file import parse_policy

LADDER = """
policy: referencia
title: Régua da vida de referência
contact: {hours: {mon-fri: "09:00-18:00", sat: off}, per_day: 1, per_week: 5}
steps:
  - {id: contato-1, at: due + 1bd, do: contact, by: [email], text: atraso-cordial}
  - {id: contato-2, at: due + 3bd, do: contact, by: [sms], text: atraso-cordial}
  - {id: contato-3, at: due + 5bd, do: contact, by: [email], text: atraso-firme}
  - {id: contato-4, at: due + 7bd, do: contact, by: [sms], text: atraso-firme}
  - {id: contato-5, at: due + 9bd, do: contact, by: [email], text: ultimo-aviso}
  - {id: contato-6, at: due + 11bd, do: contact, by: [email], text: ultimo-aviso}
  - {id: notificacao, at: due + 13bd, do: notice, by: [letter, email], text: notificacao-previa, deadline: 10bd}
  - {id: protesto, at: notice.deadline, do: protest, approve: supervisor}
  - {id: juridico, at: protest.over + 30d, do: legal, approve: manager}
"""
CHANNELS = ("email", "sms", "email", "sms", "email", "email")
NOTICE_AFTER, DEADLINE, LEGAL_AFTER = 13, 10, 30
"""What the ladder says: channels of the contacts, bank days until the notice and of its deadline, days until legal."""

UF = "SP"
SUPERVISOR, MANAGER = "supervisora", "gerente"
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_AMOUNT, _FINE, _INTEREST = Decimal("1000.00"), Decimal(2), Decimal(1)


@dataclass(frozen=True)
class Member:
    """The ids of one case and of its creditor."""

    case: UUID
    creditor: UUID


class Portfolio:
    """Writes the creditor, his staff and his ladder once, then as many debtors with one invoice and case as wanted."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._creditor = uuid4()
        self._policy: Policy = parse_policy(LADDER, "referencia.yaml")
        with engine.begin() as conn:
            conn.execute(insert(CREDITOR).values(_creditor(self._creditor)))
            conn.execute(insert(STAFF), [_staff(SUPERVISOR, "supervisor"), _staff(MANAGER, "manager")])
            pinned = {"name": self._policy.name, "text": self._policy.text, "pinned_at": _LONG_AGO}
            conn.execute(insert(POLICY).values(hash=self._policy.hash, **pinned))

    def add(self, count: int, due: date) -> list[Member]:
        """So many new cases, each of a debtor of its own, with an invoice due on that day."""
        members = [Member(uuid4(), self._creditor) for _ in range(count)]
        rows = [self._rows(member, due) for member in members]
        with self._engine.begin() as conn:
            for table in (DEBTOR, CONTACT_POINT, INVOICE, CASE):
                conn.execute(insert(table), [row for made in rows for row in made[table.name]])
        return members

    def _rows(self, member: Member, due: date) -> dict[str, list[dict[str, object]]]:
        debtor, invoice = uuid4(), uuid4()
        terms = Terms(_AMOUNT, due, due, "DMI", False, _FINE, _INTEREST, "contrato de fornecimento")
        case = Case(str(member.case), UF, jitter_of(str(debtor)), self._policy.hash, terms, ladder_due=due)
        new_case(case, self._policy, due)
        number = invoice.hex[:8].upper()
        owner = {"creditor_id": self._creditor}
        return {
            DEBTOR.name: [owner | _debtor(debtor)],
            CONTACT_POINT.name: [
                _point(debtor, "email", f"{debtor.hex[:12]}@devedora.example.com"),
                _point(debtor, "sms", f"+551190{debtor.int % 10**7:07d}"),
            ],
            INVOICE.name: [
                owner
                | {
                    "id": invoice, "debtor_id": debtor, "number": number, "instalment": "", "printed_number": number,
                    "kind": "DMI", "issued": date(2026, 1, 2), "due": due, "amount": _AMOUNT, "fine_percent": _FINE,
                    "monthly_interest_percent": _INTEREST, "charges_source": "contrato de fornecimento",
                    "description": "fornecimento de mercadorias", "policy": "", "row_hash": number, "vanished": False,
                    "created_at": _LONG_AGO, "delivery_proof": "canhoto 1",
                }
            ],
            CASE.name: [
                owner
                | {
                    "id": member.case, "debtor_id": debtor, "invoice_id": invoice, "policy_hash": self._policy.hash,
                    "stage": case.stage(due), "state": dump(case), "balance": _AMOUNT, "generation": 1, "seq": 0,
                    "ledger_seq": 0, "ledger_hash": "", "next_action": "", "next_step": "", "next_reason": "",
                    "schedule_version": 0, "schedule_hash": "", "outcome": "", "starts_on": due,
                    "opened_at": _LONG_AGO,
                }
            ],
        }  # fmt: skip


def _creditor(creditor: UUID) -> dict[str, object]:
    settings = CreditorSettings(
        policies={"company": "referencia", "consumer": "referencia"},
        senders=Senders(email="contas@credora.example.com", email_name="Credora Fictícia", sms="+5511900000000"),
        how_to_pay="boleto na área do cliente em credora.example.com",
        how_to_dispute="responda esta mensagem",
        how_to_verify="Confira pelo telefone do nosso site.",
        site="credora.example.com",
        presenter=Presenter(code="999", name="CREDORA FICTICIA LTDA", agency_account="000000000000042"),
    )
    return {
        "id": creditor, "code": "credora", "name": "Credora Fictícia Ltda", "document": "11222333000181",
        "address": "Avenida Inventada, 1000", "city": "São Paulo", "uf": UF, "cep": "01310100",
        "email": "contas@credora.example.com", "phone": "+551100000000", "settings": settings.model_dump(mode="json"),
        "salt": "sal", "created_at": _LONG_AGO, "news_on": date.max,
    }  # fmt: skip


def _staff(name: str, role: str) -> dict[str, object]:
    return {
        "id": name, "name": name, "roles": [role], "limit": Decimal("100000.00"), "token_hash": uuid4().hex,
        "active": True, "created_at": _LONG_AGO,
    }  # fmt: skip


def _debtor(debtor: UUID) -> dict[str, object]:
    return {
        "id": debtor, "kind": "company", "document": _document(debtor), "name": "Devedora Inventada Comércio Ltda",
        "address": "Rua Fictícia, 10", "district": "Centro", "city": "São Paulo", "uf": UF, "cep": "01305000",
        "ibge": "3550308", "opted_out": [], "created_at": _LONG_AGO,
    }  # fmt: skip


def _document(debtor: UUID) -> str:
    """A numeric CNPJ with valid check digits, of a root above all that have been given out."""
    digits = [9, 9, *map(int, f"{debtor.int % 10**10:010d}")]
    for _ in range(2):
        rest = sum(digit * (2 + place % 8) for place, digit in enumerate(reversed(digits))) % 11
        digits.append(11 - rest if rest > 1 else 0)
    return "".join(map(str, digits))


def _point(debtor: UUID, channel: str, address: str) -> dict[str, object]:
    return {
        "id": uuid4(), "debtor_id": debtor, "channel": channel, "address": address, "role": "debtor",
        "source": "importação", "state": "usable", "consent": "", "rank": 0, "changed_at": _LONG_AGO,
    }  # fmt: skip
