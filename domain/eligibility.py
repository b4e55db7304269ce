"""What a title lacks before it can go to a notary, said before it is sent rather than by a returned title weeks later.

Each check has a code that stands in the ledger and in a task, and a sentence for the person who completes the title.
The last word has `cra.title_faults`: what no check here names, but no CRA file could hold, is missing too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from domain import cra
from domain.data import table
from domain.places import UFS, uf_of_cep, uf_of_municipality
from domain.policy import Offset
from domain.schedule import move

_DELIVERED_SERVICE = "DSI"
"""Counted with the originals, yet presented by indication, on proof of the service (Lei 5.474/1968 art. 20 §3)."""
_LONGEST_NUMBER = 11
"""Field 13 of the layout; a title's number is never cut, it would name another title."""
_ACCOUNT = re.compile(r"[0-9A-Z]{1,15}")
_FIELD = re.compile(r"transacao\.\d+ (\w+)")

SENTENCES = {
    "presenter": "Faltam no convênio do credor com a CRA o nome ou a agência e conta.",
    "executive-term": "O prazo da ação executiva terminou; o protesto seria irregular (STJ, REsp 1.677.772).",
    "amount": "O valor e o saldo do título precisam ser maiores que zero.",
    "balance": "O saldo é maior que o valor do título (irregularidade 24).",
    "not-due": "O título ainda não venceu; só se apresenta depois do vencimento (irregularidades 01 e 30).",
    "issue": "A emissão é posterior ao vencimento (irregularidade 20).",
    "species": "A espécie do título não está na tabela da CRA (irregularidade 21).",
    "declaration": "Falta a declaração do apresentante de que guarda o comprovante de entrega ou do serviço "
    "(irregularidade 34), ou ela não serve para esta espécie.",
    "title-number": "Falta o número do título, ou ele tem mais de 11 posições.",
    "name": "Falta o nome do devedor.",
    "document": "Falta o CPF ou CNPJ do devedor, ou ele tem o tamanho errado.",
    "document-letters": "O CNPJ do devedor tem letras, e o arquivo da CRA só aceita algarismos: "
    "apresente o título pelo site da CRA.",
    "street": "Falta o endereço do devedor.",
    "cep": "Falta o CEP do devedor, ou ele não existe.",
    "cep-of-other-state": "O CEP do devedor é de outro estado (irregularidade 22).",
    "city": "Falta a cidade do devedor.",
    "uf": "Falta o estado do devedor.",
    "ibge": "Falta o código IBGE da praça do protesto, ou ele não é do estado do devedor.",
    "creditor-address": "O endereço do credor está incompleto: rua, cidade, estado e CEP.",
    "bank-protest": "O boleto tem instrução de protesto do próprio banco: peça a baixa da instrução e registre-a aqui.",
    "bank-listing": "O boleto tem instrução de negativação do próprio banco: peça a baixa da instrução e registre-a "
    "aqui.",
    "portfolio-discounted": "O título foi descontado no banco: pertence a outro até ser recomprado.",
    "portfolio-pledged": "O título foi dado em garantia: pertence a outro até ser liberado.",
    "portfolio-sold": "O título foi cedido: pertence a outro.",
    "nfe-cancelled": "A NF-e foi cancelada: não há duplicata a protestar; anule o caso ou corrija a informação.",
    "nfe-refused": "O comprador recusou a NF-e (recusa justificada, Lei 5.474/1968 art. 15 II c): trate como "
    "contestação.",
}
"""What each code means to staff; codes `field:NAME` and `paper:KIND` are explained by `explain`."""

OWNERS = {
    "executive-term": "lawyer",
    **dict.fromkeys(("presenter", "creditor-address", "declaration", "species"), "supervisor"),
    **dict.fromkeys(("portfolio-discounted", "portfolio-pledged", "portfolio-sold"), "supervisor"),
    **dict.fromkeys(("nfe-cancelled", "nfe-refused"), "supervisor"),
}
"""Whose work a gap is; every other is a clerk's."""
_RANK = ("clerk", "supervisor", "lawyer")
_PAPERS = table("title_documents")
_EVENTS = {row["event"]: row for row in table("nfe_events")}


def owner_of(gaps: Iterable[str]) -> str:
    """The role that gets the one task with the whole list: whoever the most demanding gap needs."""
    return max((OWNERS.get(code, "clerk") for code in gaps), key=_RANK.index, default="clerk")


# --- what stands in the way, whatever the papers say -----------------------------------------------------------------
def blocked(portfolio: str, bank_orders: Sequence[str], nfe: str) -> tuple[str, ...]:
    """Codes of what forbids a protest outright, of the case's own standing.

    The bank's own instruction would make it a second protest; a title that was discounted, pledged or sold is another's
    (CC art. 893; Lei 5.474/1968 art. 13); a cancelled or refused NF-e leaves no duplicata (art. 15 II c).
    """
    found = [f"bank-{order}" for order in bank_orders]
    if portfolio != "simple":
        found.append(f"portfolio-{portfolio}")
    meaning = nfe_means(nfe)
    if meaning in ("cancelled", "refused"):
        found.append(f"nfe-{meaning}")
    return tuple(found)


def nfe_means(event: str) -> str:
    """What an event of the NF-e says of the sale: cancelled, refused, confirmed, open; empty for one not listed."""
    return _EVENTS[event]["means"] if event in _EVENTS else ""


PAPER_WORDS = {
    "entrega": "delivery-proof", "servico": "service-proof", "contrato": "contract", "pedido": "order",
    "titulo": "title", "planilha": "memory", "certidao": "court-certificate", "ata": "minutes",
}  # fmt: skip
"""The papers of a title as a creditor's file names them, and the kind of document that each is."""


def written_papers(named: Mapping[str, str]) -> str:
    """Papers that the creditor keeps, each kind with its reference, as they stand with an invoice."""
    return "; ".join(f"{kind}: {reference}" for kind, reference in sorted(named.items()))


def named_papers(text: str) -> set[str]:
    """The kinds in such a text; words without a kind are the reference of a proof of delivery."""
    parts = [part.strip() for part in text.split(";") if part.strip()]
    kinds = (part.partition(":")[0].strip() for part in parts)
    return {kind if kind in PAPER_WORDS.values() else "delivery-proof" for kind in kinds}


def papers_missing(kind: str, there: Collection[str]) -> tuple[str, ...]:
    """Codes `paper:KIND` of the papers that a title of this kind needs and that are not there (kinds of document)."""
    needed = (row for row in _PAPERS if row["kind"] == kind)
    return tuple(f"paper:{row['document']}" for row in needed if not {*row["accepts"].split()} & {*there})


# --- what the age of a debt costs ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Window:
    """One advantage that ends with the age of a debt: its last day, what it is, what follows when it is over."""

    name: str
    last: date
    open: bool
    words: str
    source: str


def windows(due: date, on: date) -> tuple[Window, ...]:
    """What a protest presented on a day still has, and what it has lost, by the title's maturity (`due`)."""
    found = []
    for row in table("protest_windows"):
        last = move(due, Offset(int(row["until"]), "m" if row["unit"] == "m" else "d"))
        words = row["words"] if on <= last else row["lost"]
        found.append(Window(row["window"], last, on <= last, words, row["source"]))
    return tuple(found)


# --- what a title lacks ----------------------------------------------------------------------------------------------


def missing(title: cra.Title, presenter: cra.Presenter | None, day: date, last: date) -> tuple[str, ...]:
    """Codes of what a title lacks to be presented on `day`; empty where it can go.

    `presenter` is the creditor's agreement with the CRA of the place; where he has none a person presents the title by
    hand, and what only a file cannot hold is not missing. `last` the last day on which the title can be protested
    (`limitation().first`). Both days are civil days. Where it is empty, `cra.remittance` takes the title.
    """
    by_hand = presenter is None
    lacks = {"presenter": not by_hand and not _agreed(presenter), "executive-term": day > last, **_of_title(title, day)}
    for debtor in title.debtors:
        lacks |= {code: yes or lacks.get(code, False) for code, yes in _of_debtor(debtor).items()}
    return tuple(code for code, yes in lacks.items() if yes) or (() if by_hand else _unfit(title, day))


def explain(code: str) -> str:
    """The sentence in Portuguese for a code of `missing`, `blocked` or `papers_missing`."""
    if code.startswith("paper:"):
        kind = code.removeprefix("paper:")
        row = next((row for row in _PAPERS if row["document"] == kind), None)
        return f"Falta documento: {row['words'] if row else kind}. Anexe com --kind {kind}."
    field = code.removeprefix("field:")
    return SENTENCES.get(code, f"O campo {field} do arquivo da CRA não comporta o que está no cadastro.")


def _of_title(title: cra.Title, day: date) -> dict[str, bool]:
    return {
        "amount": title.amount <= 0 or title.balance <= 0,
        "balance": title.balance > title.amount,
        "not-due": title.due >= day,
        "issue": title.issue > title.due,
        "species": cra.codes.species(title.species) is None,
        "declaration": not _declared(title),
        "title-number": not 0 < len(title.number.strip()) <= _LONGEST_NUMBER,
        "ibge": not _place_is_known(title),
        "creditor-address": not _whole_address(title.creditor),
    }


def _place_is_known(title: cra.Title) -> bool:
    """The place that the title names, wherever it is; where it names none, the debtor's city (Provimento 167/2024)."""
    uf, debtor = uf_of_municipality(title.municipality), title.debtors[0]
    return uf is not None and (uf == debtor.uf or title.place.strip() not in ("", debtor.city.strip()))


def _of_debtor(debtor: cra.Debtor) -> dict[str, bool]:
    return {
        "name": not debtor.name.strip(),
        "document": len(debtor.document) != {"CNPJ": 14, "CPF": 11}.get(debtor.document_kind),
        "document-letters": debtor.document.isalnum() and not debtor.document.isdigit(),
        "street": not debtor.address.strip(),
        "cep": uf_of_cep(debtor.cep) is None,
        "cep-of-other-state": uf_of_cep(debtor.cep) not in (None, debtor.uf),
        "city": not debtor.city.strip(),
        "uf": debtor.uf not in UFS,
    }


def _unfit(title: cra.Title, day: date) -> tuple[str, ...]:
    faults = cra.title_faults(title, day)
    named = [match[1] if (match := _FIELD.match(fault.found)) else "titulo" for fault in faults]
    return tuple(dict.fromkeys(f"field:{name}" for name in named))


def _agreed(presenter: cra.Presenter | None) -> bool:
    """Name and account stand in every file; without them none of it could be written."""
    return presenter is not None and bool(presenter.name.strip() and _ACCOUNT.fullmatch(presenter.agency_account))


def _declared(title: cra.Title) -> bool:
    """A title by indication stands on a declaration; any declaration must be one for its species (V4.3 annex 3)."""
    species, declared = cra.codes.species(title.species), cra.codes.declaration(title.declaration)
    if title.declaration:
        return declared is not None and declared.fits(title.species)
    return title.species != _DELIVERED_SERVICE and not (species and species.by_indication)


def _whole_address(creditor: cra.Creditor) -> bool:
    written = creditor.name.strip() and creditor.address.strip() and creditor.city.strip()
    return bool(written) and len(creditor.uf) == 2 and uf_of_cep(creditor.cep) is not None
