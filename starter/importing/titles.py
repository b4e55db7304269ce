"""Cells that say whether a title can go to a notary: its papers, whose it is, the bank's instruction, NF-e, place."""

from __future__ import annotations

import re

from domain.eligibility import PAPER_WORDS, nfe_means, written_papers
from domain.errors import BadInput
from domain.places import city_of, municipality, normalise_name
from starter.importing.cells import as_text
from starter.importing.sheets import Cell

PORTFOLIOS = {
    "SIMPLES": "simple", "PROPRIA": "simple", "DESCONTADA": "discounted", "CAUCIONADA": "pledged", "PENHOR": "pledged",
    "CEDIDA": "sold", "VENDIDA": "sold",
}  # fmt: skip
BANK_ORDERS = {"NENHUMA": "none", "NAO": "none", "PROTESTO": "protest", "NEGATIVACAO": "listing"}
NFE = {
    "AUTORIZADA": "210210", "CONFIRMADA": "210200", "CANCELADA": "110111", "DESCONHECIDA": "210220",
    "RECUSADA": "210240",
}  # fmt: skip
"""What the creditor's system says of an NF-e, as the event that means it."""
_PLACE = re.compile(r"(.+?)\s*[/-]\s*([A-Za-z]{2})")


def as_papers(cell: Cell) -> str:
    """The papers that the creditor keeps, like `entrega: canhoto 123; contrato: 45/2025`, in their one form."""
    named: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in as_text(cell).split(";"))):
        word, _, reference = part.partition(":")
        kind = PAPER_WORDS.get(normalise_name(word).lower())
        if kind is None:
            raise BadInput(f"it names an unknown paper; write {', '.join(PAPER_WORDS)}, each with its reference")
        named[kind] = " ".join(reference.split()) or "sim"
    return written_papers(named)


def as_portfolio(cell: Cell) -> str:
    """Whose the title is: `simples`, `descontada`, `caucionada`, `cedida`."""
    return _one_of(cell, PORTFOLIOS, "simples, descontada, caucionada or cedida")


def as_bank_order(cell: Cell) -> str:
    """The bank's own instruction: `nenhuma`, `protesto`, `negativação`."""
    return _one_of(cell, BANK_ORDERS, "nenhuma, protesto or negativação")


def as_nfe(cell: Cell) -> str:
    """What became of the NF-e, as an event code; a code is taken as it is."""
    written = as_text(cell)
    return written if nfe_means(written) else _one_of(cell, NFE, ", ".join(NFE).lower())


def as_nfe_key(cell: Cell) -> str:
    """The access key of an NF-e: 44 digits, the last of which is their check digit (mod 11, weights 2 to 9)."""
    digits = re.sub(r"\s", "", as_text(cell))
    if not re.fullmatch(r"[0-9A-Z]{44}", digits) or not digits[-1].isdigit():
        raise BadInput("this is no key of an NF-e; write its 44 positions")
    values = [ord(char) - 48 for char in digits[:-1]]
    rest = sum(value * (2 + place % 8) for place, value in enumerate(reversed(values))) % 11
    if int(digits[-1]) != (0 if rest < 2 else 11 - rest):
        raise BadInput("the check digit of this NF-e key is wrong; look for a mistyped position")
    return digits


def as_place(cell: Cell) -> str:
    """The place of payment as an IBGE code, from the code itself or `Cidade/UF`."""
    written = as_text(cell)
    found = _PLACE.fullmatch(written)
    code = written if city_of(written) else (municipality(found[1], found[2].upper()) if found else None)
    if not code:
        raise BadInput("this place is unknown; write Cidade/UF, or the municipality's IBGE code of seven digits")
    return code


def _one_of(cell: Cell, words: dict[str, str], wanted: str) -> str:
    word = normalise_name(as_text(cell))
    if word not in words:
        raise BadInput(f"this word is unknown; write {wanted}")
    return words[word]
