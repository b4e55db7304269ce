"""Invented people and debts for tests: valid check digits, example.com addresses, numbers that belong to nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

import policies
from db.rows import CASE, CONTACT_POINT, CREDITOR, DEBTOR, INVOICE, POLICY, STAFF
from domain.case import Case, Terms, dump
from domain.decide import new_case
from domain.policy import Policy
from domain.policy_file import parse_policy
from starter.installation import OFFICE

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SETTINGS: dict[str, Any] = {
    "policies": {"company": "padrao-b2b", "consumer": "padrao-consumidor"},
    "senders": {"email": "contas@credora.example.com", "email_name": "Credora Fictícia", "sms": "+5511900000000"},
    "how_to_pay": "boleto na área do cliente em credora.example.com",
    "how_to_dispute": "responda esta mensagem",
    "how_to_verify": "Confira pelo telefone do nosso site.",
    "site": "credora.example.com",
    "presenter": {
        "code": "999",
        "name": "CREDORA FICTICIA LTDA",
        "agency_account": "000000000000042",
        "declaration": "D",
    },
}


def office_today() -> date:
    """The civil day in the office, which after 21:00 is not yet that of UTC."""
    return datetime.now(UTC).astimezone(OFFICE).date()


@dataclass(frozen=True)
class Opened:
    """Ids of a case made for a test."""

    case: UUID
    debtor: UUID
    creditor: UUID
    invoice: UUID


def cnpj(root: int) -> str:
    """A CNPJ with valid check digits for any root of up to eight digits."""
    digits = [int(digit) for digit in f"{root:08d}0001"]
    for _ in range(2):
        weights = [2 + n % 8 for n in range(len(digits))][::-1]
        rest = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11
        digits.append(0 if rest < 2 else 11 - rest)
    return "".join(map(str, digits))


@cache
def ladder(name: str) -> Policy:
    """A ladder that ships with the product."""
    path = policies.DIRECTORY / f"{name}.yaml"
    return parse_policy(path.read_text(encoding="utf-8"), path.name)


def short_ladder(text: str, file: str = "teste.yaml") -> Policy:
    """A ladder written in a test: only its steps, the top is filled in."""
    head = 'policy: teste\ntitle: Régua de teste\ncontact: {hours: {mon-fri: "09:00-18:00"}, per_day: 1, per_week: 5}\n'
    return parse_policy(f"{head}steps:\n{text}", file)


def new_creditor(engine: Engine, code: str = "credora", **changes: Any) -> UUID:
    """An invented creditor; the same code gives the same one."""
    row = {
        "id": uuid4(), "code": code, "name": "Credora Fictícia Ltda", "document": "11222333000181",
        "address": "Avenida Inventada, 1000", "city": "São Paulo", "uf": "SP", "cep": "01310100",
        "email": f"contas@{code}.example.com", "phone": "+551100000000", "settings": SETTINGS, "salt": "sal",
        "created_at": LONG_AGO, "news_on": date.max,
    } | changes  # fmt: skip
    with engine.begin() as conn:
        conn.execute(upsert(CREDITOR).values(row).on_conflict_do_nothing(index_elements=["code"]))
        return conn.execute(select(CREDITOR.c.id).where(CREDITOR.c.code == code)).scalar_one()


def pin(engine: Engine, policy: Policy) -> str:
    """Store a ladder; returns its hash."""
    with engine.begin() as conn:
        row = {"hash": policy.hash, "name": policy.name, "text": policy.text, "pinned_at": LONG_AGO}
        conn.execute(upsert(POLICY).values(row).on_conflict_do_nothing(index_elements=["hash"]))
    return policy.hash


def new_case_row(
    engine: Engine,
    policy: Policy,
    due: date,
    today: date,
    *,
    amount: str = "1000.00",
    number: str = "",
    debtor: UUID | None = None,
    contacts: tuple[tuple[str, str], ...] = (("email", "contas@devedora.example.com"), ("sms", "+5511900000001")),
    consumer: bool = False,
    uf: str = "SP",
    jitter: float = 0.1,
    charges: tuple[str, str] = ("2", "1"),
) -> Opened:
    """An invented debtor with one invoice and its case, as an import would have left them."""
    creditor = new_creditor(engine)
    digest = pin(engine, policy)
    ids = Opened(uuid4(), debtor or uuid4(), creditor, uuid4())
    terms = Terms(
        Decimal(amount), due, due, "DMI", consumer, Decimal(charges[0]), Decimal(charges[1]), "contrato de fornecimento"
    )
    case = Case(str(ids.case), uf, jitter, digest, terms, ladder_due=due)
    new_case(case, policy, today)
    number = number or ids.invoice.hex[:8].upper()
    with engine.begin() as conn:
        if debtor is None:
            conn.execute(
                insert(DEBTOR).values(
                    id=ids.debtor, creditor_id=creditor, kind="consumer" if consumer else "company",
                    document=cnpj(ids.debtor.int % 10**8), name="Devedora Inventada Comércio Ltda",
                    address="Rua Fictícia, 10",
                    district="Centro", city="São Paulo", uf=uf, cep="01305000", ibge="3550308", opted_out=[],
                    created_at=LONG_AGO,
                )
            )  # fmt: skip
            for rank, (channel, address) in enumerate(contacts):
                conn.execute(
                    insert(CONTACT_POINT).values(
                        id=uuid4(), debtor_id=ids.debtor, channel=channel, address=address, role="debtor",
                        source="teste", state="usable", consent="", rank=rank, changed_at=LONG_AGO,
                    )
                )  # fmt: skip
        conn.execute(
            insert(INVOICE).values(
                id=ids.invoice, creditor_id=creditor, debtor_id=ids.debtor, number=number, instalment="",
                printed_number=number, kind="DMI", issued=date(2026, 1, 2), due=due, amount=Decimal(amount),
                fine_percent=Decimal(charges[0]), monthly_interest_percent=Decimal(charges[1]),
                charges_source="contrato de fornecimento", description="fornecimento de mercadorias", policy="",
                row_hash=number, vanished=False, created_at=LONG_AGO, delivery_proof="canhoto 1",
            )
        )  # fmt: skip
        conn.execute(
            insert(CASE).values(
                id=ids.case, creditor_id=creditor, debtor_id=ids.debtor, invoice_id=ids.invoice, policy_hash=digest,
                stage=case.stage(today), state=dump(case), balance=Decimal(amount), generation=1, seq=0, ledger_seq=0,
                ledger_hash="", next_action="", next_step="", next_reason="", schedule_version=0, schedule_hash="",
                outcome="", starts_on=min(due, today), opened_at=LONG_AGO,
            )
        )  # fmt: skip
    return ids


def set_creditor(engine: Engine, creditor: UUID, **settings: Any) -> None:
    """Change settings of an invented creditor."""
    with engine.begin() as conn:
        conn.execute(update(CREDITOR).where(CREDITOR.c.id == creditor).values(settings=SETTINGS | settings))


def new_staff(engine: Engine, name: str, *roles: str, limit: str = "100000.00") -> str:
    """An invented colleague; the id is the name."""
    row = {
        "id": name, "name": name, "roles": list(roles), "limit": Decimal(limit), "token_hash": uuid4().hex,
        "active": True, "created_at": LONG_AGO,
    }  # fmt: skip
    with engine.begin() as conn:
        conn.execute(insert(STAFF).values(row))
    return name


def here(file: str) -> Path:
    """The folder of a test file."""
    return Path(file).parent
