"""One more creditor whose debtors hear from him every few days: calls enough for a kill to meet one.

All of it is invented, as the examples are. Every step must be taken, so a step that no entry tells of is lost.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from db.rows import CASE, CREDITOR, LEDGER
from sandbox.debtors import CLERK
from starter.demo.house import ORIGIN

CODE = "multidao"
DEBTORS, STEPS, EVERY = 40, 16, 4
"""Invoices, contacts for each, and days between two."""

_LADDER = """
policy: multidao
title: Régua da multidão
contact: {hours: {mon-fri: "09:00-18:00", sat: off}, per_day: 1, per_week: 5}
steps:
""" + "\n".join(
    f"  - {{id: c{n}, at: due + {n * EVERY}d, do: contact, by: [{'email' if n % 2 else 'sms'}], "
    "text: atraso-cordial, late: never-skip}"
    for n in range(1, STEPS + 1)
)
_CREDITOR = f"""
code: {CODE}
name: Multidão Fictícia Ltda
document: "99.000.004/9999-08"
address: Rua dos Modelos, 300
city: São Paulo
uf: SP
cep: "01001-000"
email: contas@multidao.example.com
phone: "(11) 2000-0000"
settings:
  policies: {{company: ./multidao-regua.yaml, consumer: ./multidao-regua.yaml}}
  senders: {{email: contas@multidao.example.com, email_name: Multidao Ficticia, sms: "+5511900000000"}}
  how_to_pay: Pix para a chave contas@multidao.example.com
  how_to_dispute: responda a este e-mail com o número da fatura
  how_to_verify: Confira esta mensagem pelo telefone publicado em multidao.example.com.
  site: multidao.example.com
"""
_HEAD = "numero;especie;emissao;vencimento;valor;devedor_documento;devedor_nome;cidade;uf;cep;emails;telefones"


def commands(folder: Path) -> list[str]:
    """What the clerk types to bring the crowd in; its files are written to `folder`."""
    (folder / "multidao-regua.yaml").write_text(_LADDER, encoding="utf-8")
    (folder / "multidao.yaml").write_text(_CREDITOR, encoding="utf-8")
    (folder / "multidao.csv").write_text("\n".join([_HEAD, *_rows()]) + "\n", encoding="utf-8")
    creditor, portfolio = (shlex.quote(str(folder / f"multidao.{kind}")) for kind in ("yaml", "csv"))
    return [f"creditor add {creditor}", f"import {portfolio} --creditor {CODE} --by {CLERK}"]


def _rows() -> Iterator[str]:
    due = ORIGIN.date() + timedelta(days=2)
    issued = due - timedelta(days=28)
    for number in range(DEBTORS):
        debtor = f"{_cpf(f'9999980{number:02d}')};Pessoa Inventada {number}"
        ways = f"pessoa{number}@multidao.example.com;(11) 90000-7{number:03d}"
        dates = f"{issued:%d/%m/%Y};{due:%d/%m/%Y}"
        yield f"M{number:03d};DSI;{dates};{100 + number},00;{debtor};São Paulo;SP;01001-000;{ways}"


def _cpf(root: str) -> str:
    """Nine digits with their two check digits (modulus 11, weights that rise from 2 at the right)."""
    digits = root
    for _ in range(2):
        total = sum(int(digit) * weight for weight, digit in enumerate(reversed(digits), start=2))
        digits += str(total * 10 % 11 % 10)
    return digits


def lost_steps(conn: Connection) -> list[str]:
    """Each step of the crowd that was not taken exactly once, in a sentence."""
    crowd = select(CASE.c.id, CASE.c.outcome).join(CREDITOR, CREDITOR.c.id == CASE.c.creditor_id)
    found = []
    for row in conn.execute(crowd.where(CREDITOR.c.code == CODE)):
        sent = select(LEDGER.c.body["step"].astext).where(LEDGER.c.case_id == row.id, LEDGER.c.kind == "contact_sent")
        steps = list(conn.execute(sent).scalars())
        taken = {f"c{n}": steps.count(f"c{n}") for n in range(1, STEPS + 1)}
        found += [f"crowd case {row.id}: step {step} was taken {n} times" for step, n in taken.items() if n != 1]
    return found
