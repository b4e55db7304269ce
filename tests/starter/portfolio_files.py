"""Invented portfolios for tests of the import: rows as an ERP would write them, and what the database holds after."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import Engine, text
from sqlmodel import SQLModel

import policies
from domain import facts as f
from domain.case import Case, dump, load
from domain.decide import Heard, advance
from domain.policy_file import parse_policy
from starter.importing.portfolio import ImportPlan, ImportResult, apply_import, plan_import

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TABLES = tuple(SQLModel.metadata.tables)


def cnpj(number: int) -> str:
    """An invented CNPJ with right check digits."""
    digits = [int(digit) for digit in f"{number:08d}0001"]
    for _ in range(2):
        weights = [2 + place % 8 for place in range(len(digits))]
        rest = sum(digit * weight for digit, weight in zip(reversed(digits), weights, strict=True)) % 11
        digits.append(0 if rest < 2 else 11 - rest)
    return "".join(map(str, digits))


def cpf(number: int) -> str:
    """An invented CPF with right check digits."""
    digits = [int(digit) for digit in f"{number:09d}"]
    for _ in range(2):
        rest = sum(digit * (2 + place) for place, digit in enumerate(reversed(digits))) * 10 % 11
        digits.append(rest % 10)
    return "".join(map(str, digits))


def invoice(number: str = "1001", debtor: int = 11111111, **changes: str) -> dict[str, str]:
    """A row of our own form; keys are our columns."""
    return {
        "numero": number, "parcela": "", "especie": "DMI", "emissao": "01/10/2026", "vencimento": "01/12/2026",
        "valor": "1.000,00", "saldo": "", "situacao": "aberto", "pago_em": "", "valor_pago": "",
        "devedor_documento": cnpj(debtor), "devedor_nome": "Devedora Inventada Ltda", "consumidor": "",
        "endereco": "Rua Fictícia, 10", "bairro": "Centro", "cidade": "São Paulo", "uf": "SP", "cep": "01305-000",
        "emails": f"contas@d{debtor}.example.com", "telefones": "(11) 90000-0001", "multa": "2", "juros": "1",
        "origem_encargos": "contrato, cláusula 5", "descricao": "fornecimento", "regua": "",
    } | changes  # fmt: skip


def write_csv(path: Path, rows: Iterable[Mapping[str, str]], delimiter: str = ";", encoding: str = "utf-8") -> Path:
    """A CSV file with the keys of the first row as heading."""
    rows = list(rows)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def plan(
    engine: Engine, path: Path, *, full: bool = False, mapping: Path | None = None, today: date = TODAY
) -> ImportPlan:
    """The plan of a file for the invented creditor."""
    return plan_import(
        engine, "credora", path, mapping=mapping, full=full, today=today, now=NOW, policies_dir=policies.DIRECTORY
    )


def bring(engine: Engine, path: Path, rows: Iterable[Mapping[str, str]], *, full: bool = False) -> ImportResult:
    """Write a file and import it."""
    return apply_import(engine, plan(engine, write_csv(path / "titulos.csv", rows), full=full), "ana", NOW)


def counts_of_all(engine: Engine) -> dict[str, int]:
    """How many rows each table has."""
    with engine.connect() as conn:
        return {name: conn.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in TABLES}


def snapshot(engine: Engine) -> dict[str, list[Any]]:
    """Everything in the tables that an import may write."""
    with engine.connect() as conn:
        return {
            name: sorted(map(str, conn.execute(text(f'SELECT t::text FROM "{name}" t')).scalars())) for name in TABLES
        }


def rows_of(engine: Engine, statement: str, **params: Any) -> list[Any]:
    """Rows of a query."""
    with engine.connect() as conn:
        return list(conn.execute(text(statement), params))


def case_id_of(engine: Engine, number: str) -> UUID:
    """The case of an invoice by its number."""
    found = rows_of(
        engine, 'SELECT c.id FROM "case" c JOIN invoice i ON i.id = c.invoice_id WHERE i.number = :n', n=number
    )
    return UUID(str(found[0].id))


def facts_of(engine: Engine, number: str) -> list[f.Fact]:
    """The facts stored for an invoice, oldest first."""
    found = rows_of(engine, "SELECT body FROM fact WHERE case_id = :c ORDER BY number", c=case_id_of(engine, number))
    return [f.from_json(row.body) for row in found]


def told(engine: Engine, number: str, now: datetime = NOW) -> Case:
    """The case of an invoice when it has taken in all that waits, stored like that. Nothing may be refused."""
    case_id = case_id_of(engine, number)
    row = rows_of(engine, 'SELECT state, policy_hash FROM "case" WHERE id = :c', c=case_id)[0]
    waiting = rows_of(
        engine, "SELECT id, body FROM fact WHERE case_id = :c AND acknowledged_at IS NULL ORDER BY number", c=case_id
    )
    ladder = rows_of(engine, "SELECT text, name FROM policy WHERE hash = :h", h=row.policy_hash)[0]
    case = load(row.state)
    heard = [Heard(f.from_json(fact.body), now, "test", str(fact.id)) for fact in waiting]
    decision = advance(case, heard, parse_policy(ladder.text, ladder.name), now)
    assert not decision.refusals
    _store(engine, case_id, case, decision.instruction.stage, now)
    return case


def _store(engine: Engine, case_id: UUID, case: Case, stage: str, now: datetime) -> None:
    with engine.begin() as conn:
        conn.execute(
            text('UPDATE "case" SET state = :s, stage = :g, outcome = :o WHERE id = :c'),
            {"s": Jsonb(dump(case)), "g": stage, "o": case.closed, "c": case_id},
        )
        conn.execute(
            text("UPDATE fact SET acknowledged_at = :n WHERE case_id = :c AND acknowledged_at IS NULL"),
            {"n": now, "c": case_id},
        )


def owed(engine: Engine, number: str) -> Decimal:
    """What the case of an invoice still asks for, of its principal."""
    return told(engine, number).face()
