"""What a title lacks before it can go to a notary, said before it is sent rather than by a returned title weeks later.

Each check has a code that stands in the ledger and in a task, and a sentence for the person who completes the title.
The last word has `cra.title_faults`: what no check here names, but no CRA file could hold, is missing too.
"""

from __future__ import annotations

import re
from datetime import date

from domain import cra
from domain.places import UFS, uf_of_cep, uf_of_municipality

_DELIVERED_SERVICE = "DSI"
"""Counted with the originals, yet presented by indication, on proof of the service (Lei 5.474/1968 art. 20 §3)."""
_LONGEST_NUMBER = 11
"""Field 13 of the layout; a title's number is never cut, it would name another title."""
_ACCOUNT = re.compile(r"[0-9A-Z]{1,15}")
_FIELD = re.compile(r"transacao\.\d+ (\w+)")

SENTENCES = {
    "presenter": "O credor não tem convênio de apresentante com a CRA, ou faltam nele o nome ou a agência e conta.",
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
}
"""What each code means to staff; codes `field:NAME` are explained by `explain`."""


def missing(title: cra.Title, presenter: cra.Presenter | None, day: date, last: date) -> tuple[str, ...]:
    """Codes of what a title lacks to be presented on `day`; empty where it can go.

    `presenter` is the creditor's agreement with the CRA, `last` the last day on which the title can be protested
    (`limitation().first`). Both days are civil days. Where it is empty, `cra.remittance` takes the title.
    """
    lacks = {"presenter": not _agreed(presenter), "executive-term": day > last, **_of_title(title, day)}
    for debtor in title.debtors:
        lacks |= {code: yes or lacks.get(code, False) for code, yes in _of_debtor(debtor, title.municipality).items()}
    return tuple(code for code, yes in lacks.items() if yes) or _unfit(title, day)


def explain(code: str) -> str:
    """The sentence in Portuguese for a code of `missing`."""
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
        "creditor-address": not _whole_address(title.creditor),
    }


def _of_debtor(debtor: cra.Debtor, municipality: str) -> dict[str, bool]:
    return {
        "name": not debtor.name.strip(),
        "document": len(debtor.document) != {"CNPJ": 14, "CPF": 11}.get(debtor.document_kind),
        "document-letters": debtor.document.isalnum() and not debtor.document.isdigit(),
        "street": not debtor.address.strip(),
        "cep": uf_of_cep(debtor.cep) is None,
        "cep-of-other-state": uf_of_cep(debtor.cep) not in (None, debtor.uf),
        "city": not debtor.city.strip(),
        "uf": debtor.uf not in UFS,
        "ibge": uf_of_municipality(municipality) != debtor.uf,
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
