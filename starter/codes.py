"""Payment codes for anybody who asks, without a case: BR Codes and boletos."""

from __future__ import annotations

from typing import Any

from domain.boleto import Collection, read_boleto
from domain.money import parse_money
from domain.pix import NO_TXID, decode, static_code
from starter.forms import parse_day


def pix(text: str) -> dict[str, Any]:
    """What a BR Code says. Raises `BadInput`."""
    code = decode(text)
    names = ("kind", "key", "url", "recurrence", "amount", "name", "city", "postal_code", "txid", "info", "once")
    found = {name: getattr(code, name) for name in names}
    return found | {"txid": "" if code.txid == NO_TXID else code.txid}


def static(key: str, name: str, city: str, amount: str, txid: str, info: str) -> dict[str, Any]:
    """A static BR Code that pays to a key. Raises `BadInput`."""
    reais = parse_money(amount) if amount else None
    return {"br_code": static_code(key, name, city, amount=reais, txid=txid or NO_TXID, info=info)}


def boleto(text: str, on: str) -> dict[str, Any]:
    """What a boleto says to who reads it on that day. Raises `BadInput`."""
    day, found = parse_day(on, "--on"), read_boleto(text)
    data: dict[str, Any] = {
        "kind": found.kind, "bar_code": found.bar_code, "line": found.line, "amount": found.amount,
        "free_field": found.free_field,
    }  # fmt: skip
    if isinstance(found, Collection):
        return data | {"segment": found.segment}
    due = found.due(day)
    return data | {"bank": found.bank, "factor": found.factor, "due": due, "due_candidates": found.due_candidates()}
