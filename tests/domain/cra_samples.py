"""Invented titles, orders and answers, and the files made of them: one of each kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from pathlib import Path

from domain import cra

SHARED = Path(__file__).resolve().parents[3] / "shared"
DAY = date(2026, 11, 23)
PRESENTER = cra.Presenter("999", "Credora Exemplo Ltda", "000000000000042")
CREDITOR = cra.Creditor(
    "Credora Exemplo Ltda", "11222333000181", "Av Paulista 1000 cj 10", "01310100", "São Paulo", "SP"
)
COMPANY = cra.Debtor(
    "Devedora Um Comércio Ltda",
    "CNPJ",
    "33444555000181",
    "Rua Augusta 500",
    "01305000",
    "São Paulo",
    "SP",
    "Consolação",
)
PERSON = cra.Debtor(
    "Fulano de Tal", "CPF", "11144477735", "Rua da Consolação 10 ap 1", "01301000", "São Paulo", "SP", "Centro"
)
OTHER = replace(PERSON, name="Beltrana de Tal", document="52998224725")

GOODS = cra.Title(
    our_number="FAT2026000001",
    species="DMI",
    number="NF00001234",
    issue=date(2026, 9, 1),
    due=date(2026, 10, 1),
    amount=Decimal("1234.56"),
    balance=Decimal("1234.56"),
    place="São Paulo",
    municipality="3550308",
    creditor=CREDITOR,
    debtors=(COMPANY,),
    declaration="D",
)
SERVICE = replace(
    GOODS,
    our_number="FAT2026000002",
    species="DSI",
    number="NFSE0000777",
    issue=date(2026, 9, 5),
    due=date(2026, 10, 5),
    amount=Decimal("500.00"),
    balance=Decimal("300.00"),
    debtors=(PERSON, OTHER),
)
ORDER = cra.WithdrawalOrder(
    "2600012345",
    date(2026, 11, 24),
    "NF00001234",
    "Devedora Um Comércio Ltda",
    Decimal("1234.56"),
    "03",
    "3550308",
)
ACCEPTED = cra.Confirmation("FAT2026000001", "03", "2600012345", date(2026, 11, 24), "", (), Decimal(0))
SENT_BACK = cra.Confirmation("FAT2026000002", "03", None, None, "5", ("06", "14"), Decimal(0), on=date(2026, 11, 24))
PAID = cra.Outcome(
    "FAT2026000001",
    "03",
    "2600012345",
    date(2026, 11, 24),
    "1",
    date(2026, 11, 27),
    (),
    Decimal("1234.56"),
    Decimal(0),
)
PROTESTED = replace(PAID, occurrence="2", costs=Decimal("89.24"))
SUMMONED = cra.ProgressEvent(
    "FAT2026000001", "03", "2600012345", date(2026, 11, 24), "AG", date(2026, 11, 25), time(14, 30), Decimal(0)
)


def remittance(*titles: cra.Title) -> cra.CraFile:
    """The titles' remittance of the day; every lot is number 1."""
    return cra.remittance(PRESENTER, titles or (GOODS, SERVICE), DAY, 1, {"3550308": 1, "3304557": 1}.__getitem__)


def every_kind() -> dict[str, cra.CraFile]:
    """One small file of each kind."""
    sent = remittance()
    withdrawn = cra.withdrawals(PRESENTER, [ORDER], date(2026, 11, 25), 1)
    files = [
        sent,
        cra.confirmation(sent, [ACCEPTED, SENT_BACK]),
        cra.returns([sent], [PAID], date(2026, 11, 30), 1),
        cra.progress([sent], [SUMMONED], date(2026, 11, 26), 1),
        withdrawn,
        cra.cancellations(PRESENTER, [ORDER], date(2026, 12, 15), 1),
        replace(withdrawn, kind="AC"),
        replace(withdrawn, kind="AD"),
    ]
    return {file.kind: file for file in files}


def put(content: bytes, line: int, start: int, text: str) -> bytes:
    """The content with a text at a position (from 1) of a line (from 1)."""
    lines = content.split(b"\r\n")
    old = lines[line - 1]
    lines[line - 1] = old[: start - 1] + text.encode("latin-1") + old[start - 1 + len(text) :]
    return b"\r\n".join(lines)
