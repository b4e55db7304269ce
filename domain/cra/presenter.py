"""What a presenter sends: titles to protest (B), withdrawals (DP) and cancellations (CP), from our words to a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Literal

from domain.cra import codes
from domain.cra.files import NOTHING, CraFile, Lot, Record
from domain.cra.layout import Kind, positions
from domain.cra.transfer import settled
from domain.cra.values import Unfit, Value, encode
from domain.errors import BadFile, BadInput, Fault

LAYOUT_VERSION = "043"
_REAL = "001"
_DOCUMENTS = {"CNPJ": ("001", 14), "CPF": ("002", 11), "other": ("000", 0)}
_LAST_DEBTOR = 9
"""Field 22 has one position: the tenth debtor and all after him are 9 too (CRA21 manual)."""


@dataclass(frozen=True)
class Presenter:
    """Who sends. `code` from the CRA, `agency_account` (up to 15) is field 03 of every title."""

    code: str
    name: str
    agency_account: str


@dataclass(frozen=True)
class Creditor:
    """Who is owed, and drew the title: goes in as cedente and as sacador. `document` and `cep` without punctuation."""

    name: str
    document: str
    address: str
    cep: str
    city: str
    uf: str


@dataclass(frozen=True)
class Debtor:
    """One debtor of a title. `document` and `cep` without punctuation; `document_kind` other: an identity card."""

    name: str
    document_kind: Literal["CNPJ", "CPF", "other"]
    document: str
    address: str
    cep: str
    city: str
    uf: str
    district: str = ""


@dataclass(frozen=True)
class Title:
    """One title to protest. `amount` and `balance` in reais; `our_number` (up to 15) is the key that comes back.

    `place` is the city of the protest and `municipality` its IBGE code; `endorsement` "M", "T" or none; `declaration`
    a code of `codes.declaration`. The first of `debtors` is the main one.
    """

    our_number: str
    species: str
    number: str
    issue: date
    due: date
    amount: Decimal
    balance: Decimal
    place: str
    municipality: str
    creditor: Creditor
    debtors: tuple[Debtor, ...]
    endorsement: Literal["", "M", "T"] = ""
    accepted: bool = False
    declaration: str = ""


@dataclass(frozen=True)
class WithdrawalOrder:
    """A title to withdraw before, or to cancel after its protest, by what the confirmation said. `amount` in reais."""

    protocol: str
    protocol_date: date
    title_number: str
    first_debtor_name: str
    amount: Decimal
    notary_code: str
    municipality: str


def remittance(
    presenter: Presenter, titles: Sequence[Title], day: date, sequence: int, lot_sequence: Callable[[str], int]
) -> CraFile:
    """The remittance (B) of a day: one lot per municipality, one record per debtor.

    `sequence` is the file's number of the day, 1 to 9; `lot_sequence` gives the continuous number (1 to 999999) of a
    municipality's next lot and is asked once for each. What comes out is what `read` gives back. Raises BadFile with
    every title that `title_faults` finds wanting, BadInput where there is none.
    """
    _some(titles, "a remittance has at least one title")
    faults = [fault for title in titles for fault in title_faults(title, day)]
    repeated = [key for key, times in Counter(title.our_number for title in titles).items() if times > 1]
    faults += [Fault(key, "our number stands for several titles", "each title has its own") for key in repeated]
    if faults:
        raise BadFile(f"remittance of {day:%d/%m/%Y}", faults)
    lots = []
    for municipality, inside in groupby(sorted(titles, key=_place), _place):
        header: dict[str, Value] = {
            "nome_portador": presenter.name,
            "sequencial_remessa": lot_sequence(municipality),
            "versao_layout": LAYOUT_VERSION,
            "codigo_municipio_praca": municipality,
        }
        records = tuple(
            Record({"agencia_codigo_cedente": presenter.agency_account, **values})
            for title in inside
            for values in _title(title)
        )
        lots.append(Lot(Record(header), records))
    return settled(CraFile("B", presenter.code, day, sequence, tuple(lots)))


def withdrawals(presenter: Presenter, orders: Sequence[WithdrawalOrder], day: date, sequence: int) -> CraFile:
    """The withdrawals (DP, solicitação S) of a day: possible only before the protest is registered (Lei 9.492 art. 16).

    Raises BadFile with every order that does not fit, BadInput where there is none.
    """
    return _orders("DP", presenter, orders, day, sequence)


def cancellations(presenter: Presenter, orders: Sequence[WithdrawalOrder], day: date, sequence: int) -> CraFile:
    """The cancellations (CP, solicitação C) of a day, of protests already registered (Lei 9.492 art. 26).

    Raises BadFile with every order that does not fit, BadInput where there is none.
    """
    return _orders("CP", presenter, orders, day, sequence)


def title_faults(title: Title, day: date) -> tuple[Fault, ...]:
    """Why a title cannot be presented on a day, each with what would be right; empty where it can.

    For one person's task before sending: a missing address, letters in the debtor's CNPJ (field 25 takes digits only),
    no declaration for a title by indication, dates or amounts that the notary would return.
    """
    where = title.our_number
    faults = [Fault(where, found, wanted) for found, wanted in _wanting(title, day)]
    fields = positions("B", "transacao")
    for number, values in enumerate(_title(title), 1):
        for name, value in values.items():
            try:
                encode(fields[name], value)
            except Unfit as error:
                faults.append(Fault(where, f"{fields[name]} of debtor {number} is {error.found}", error.wanted))
    return tuple(dict.fromkeys(faults))


def _wanting(title: Title, day: date) -> Iterator[tuple[str, str]]:
    yield from _wanting_dates(title, day)
    if not 0 < title.balance <= title.amount:
        yield f"balance {title.balance} of {title.amount}", "above zero and at most the amount (irregularity 24)"
    if len(title.municipality) != 7 or not title.municipality.isdigit():
        yield f"municipality {title.municipality!r}", "the place's IBGE code of 7 digits"
    yield from _wanting_declaration(title)
    yield from _wanting_address("creditor", title.creditor)
    if not title.debtors:
        yield "no debtor", "at least one"
    for number, debtor in enumerate(title.debtors, 1):
        yield from _wanting_address(f"debtor {number}", debtor)
        yield from _wanting_document(f"debtor {number}", debtor)


def _wanting_dates(title: Title, day: date) -> Iterator[tuple[str, str]]:
    if title.issue > title.due:
        yield f"issued {title.issue} after the due date {title.due}", "not later than it (irregularity 20)"
    if title.due >= day:
        yield f"due {title.due}, presented {day}", "presented after the due date (irregularities 01 and 30)"


def _wanting_declaration(title: Title) -> Iterator[tuple[str, str]]:
    species, declared = codes.species(title.species), codes.declaration(title.declaration)
    if species is None:
        yield f"species {title.species!r}", "a code of annex 1, as DMI or DSI (irregularity 21)"
    elif species.by_indication and not title.declaration:
        yield f"a {title.species} without declaration", "a title by indication has one, in field 36 (irregularity 34)"
    if title.declaration and (declared is None or not declared.fits(title.species)):
        yield f"declaration {title.declaration!r} for a {title.species}", "a declaration of annex 3 for this species"


def _wanting_address(who: str, party: Creditor | Debtor) -> Iterator[tuple[str, str]]:
    if len(party.cep) != 8 or not party.cep.isdigit() or not party.cep.strip("0"):
        yield f"{who}'s CEP is not 8 digits", "the CEP of the address, without punctuation"
    if len(party.uf) != 2 or not party.uf.isalpha():
        yield f"{who}'s state {party.uf!r}", "two letters"


def _wanting_document(who: str, debtor: Debtor) -> Iterator[tuple[str, str]]:
    _, length = _DOCUMENTS[debtor.document_kind]
    if not debtor.document.strip():
        yield f"{who} has no document", "a CNPJ, a CPF, or another identity document"
    elif length and len(debtor.document) != length:
        yield f"{who}'s {debtor.document_kind} has {len(debtor.document)} characters", f"{length}, without punctuation"


def _title(title: Title) -> Iterator[dict[str, Value]]:
    creditor = title.creditor
    for number, debtor in enumerate(title.debtors, 1):
        kind, length = _DOCUMENTS[debtor.document_kind]
        yield {
            "nome_cedente": creditor.name,
            "nome_sacador": creditor.name,
            "documento_sacador": creditor.document,
            "endereco_sacador": creditor.address,
            "cep_sacador": creditor.cep,
            "cidade_sacador": creditor.city,
            "uf_sacador": creditor.uf,
            "nosso_numero": title.our_number,
            "especie_titulo": title.species,
            "numero_titulo": title.number,
            "data_emissao": title.issue,
            "data_vencimento": title.due,
            "tipo_moeda": _REAL,
            "valor_titulo": title.amount,
            "saldo_titulo": title.balance,
            "praca_protesto": title.place,
            "tipo_endosso": title.endorsement,
            "informacao_aceite": "A" if title.accepted else "N",
            "numero_controle_devedor": min(number, _LAST_DEBTOR),
            "nome_devedor": debtor.name,
            "tipo_identificacao_devedor": kind,
            "numero_identificacao_devedor": debtor.document if length else None,
            "documento_devedor": "" if length else debtor.document,
            "endereco_devedor": debtor.address,
            "cep_devedor": debtor.cep,
            "cidade_devedor": debtor.city,
            "uf_devedor": debtor.uf,
            "declaracao_portador": title.declaration,
            "bairro_devedor": debtor.district,
        }


def _orders(kind: Kind, presenter: Presenter, orders: Sequence[WithdrawalOrder], day: date, sequence: int) -> CraFile:
    _some(orders, f"a file {kind} has at least one order")
    lots = []
    for (municipality, notary), inside in groupby(sorted(orders, key=_office), _office):
        header = Record({"codigo_cartorio": notary, "codigo_municipio": municipality})
        lots.append(Lot(header, tuple(Record(_order(order)) for order in inside)))
    own = Record({"nome_apresentante": presenter.name})
    return settled(CraFile(kind, presenter.code, day, sequence, tuple(lots), own, NOTHING))


def _order(order: WithdrawalOrder) -> dict[str, Value]:
    return {
        "numero_protocolo": order.protocol,
        "data_protocolo": order.protocol_date,
        "numero_titulo": order.title_number,
        "nome_primeiro_devedor": order.first_debtor_name,
        "valor_titulo": order.amount,
    }


def _some(items: Sequence[object], wanted: str) -> None:
    if not items:
        raise BadInput(f"nothing to send; {wanted}")


def _place(title: Title) -> str:
    return title.municipality


def _office(order: WithdrawalOrder) -> tuple[str, str]:
    return order.municipality, order.notary_code.zfill(2)
