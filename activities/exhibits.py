"""What stands in a dossier: each of its files, and the cover that sums them up for the lawyer.

Amounts are in reais, times are those of the debtor's place.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Literal

from sqlalchemy import Row

from activities.papers import Papers, city_name, registry_office
from domain.eligibility import nfe_means
from domain.wages import minimum_wage
from letters import dossier, models, pt, timeline, views

_OWN_KINDS = ("dossier", "notice")
"""Documents of a case that nobody attached as evidence: earlier dossiers, and notices, which have their own place."""

DELIVERY_PROOF = frozenset({"delivery-proof"})
WRITTEN_PROOF = frozenset({"title", "invoice", "contract", "delivery-proof"})
"""Kinds of attached documents that decide between the ways to court (Lei 5.474/1968 art. 15 II b; CPC art. 700)."""

_ESTATE: tuple[Literal["insolvency", "death"], ...] = ("insolvency", "death")
_UNSAFE = re.compile(r"[^\w.-]+")
_ROLES = {
    "co-debtor": "Codevedor",
    "avalista": "Avalista",
    "guarantor": "Fiador",
    "representative": "Representante",
}
_TITLE_STATES = {
    "registered": "protestado",
    "paid": "pago no tabelionato",
    "returned": "devolvido sem protesto",
    "withdrawn": "retirado antes do protesto",
    "cancelled": "protesto cancelado",
    "suspended": "sustado por ordem judicial",
    "suspended-for-good": "sustado em definitivo por ordem judicial",
}
_ATTEMPTED = {
    "attempted": "tentativa esgotada, não entregue",
    "attempted-released": "tentativa esgotada, não entregue; liberada por duas pessoas",
}


# --- the files -------------------------------------------------------------------------------------------------------
def own_files(papers: Papers) -> Iterable[tuple[str, bytes]]:
    """Name and content of every file that we make ourselves, in the order in which a reader wants them."""
    yield "titulo.json", as_json(_title(papers))
    yield "partes.json", as_json(_parties(papers))
    yield "calculo.csv", _csv(("item", "cálculo", "valor"), _calculation(papers.title))
    yield "notificacoes.json", as_json([vars(each) for each in _proofs(papers)])
    yield from _notice_files(papers)
    yield "protesto.json", as_json(_protests(papers))
    yield "contatos.csv", _csv(_CONTACT_HEAD, _contact_rows(papers))
    yield from _messages(papers)
    yield "pagamentos.csv", _csv(("referência", "valor", "pago em", "origem", "estornado em"), _payment_rows(papers))
    yield "acordos.json", as_json(_agreements(papers))
    yield "prescricao.txt", _limitation_sheet(papers).encode()
    yield "conferencia.txt", _checklist(papers).encode()
    yield "linha-do-tempo.txt", "".join(f"{timeline.line(row)}\n" for row in _timeline(papers)).encode()


def attachments(papers: Papers) -> Iterable[tuple[str, bytes]]:
    """What people attached, and a list that also names what is gone from the store."""
    rows = [row for row in papers.documents if row.kind not in _OWN_KINDS]
    listed = []
    for number, row in enumerate(rows, 1):
        plain = _UNSAFE.sub("-", row.name).strip("-.") or row.kind
        name = f"documentos/{number:02d}-{plain}"
        content = papers.content(row.sha256)
        listed.append({"arquivo": name, "tipo": row.kind, "sha256": row.sha256, "presente": content is not None})
        if content is not None:
            yield name, content
    yield "documentos.json", as_json(listed)


def _title(papers: Papers) -> dict[str, Any]:
    row, terms = papers.invoice, papers.case.terms
    return {
        "numero": row.printed_number,
        "parcela": row.instalment,
        "especie": row.kind,
        "especie_por_extenso": views.kind_name(row.kind),
        "emissao": row.issued,
        "vencimento": terms.due,
        "vencimento_original": terms.original_due,
        "valor_original": row.amount,
        "origem": row.description,
        "multa_percentual": row.fine_percent,
        "juros_percentual_ao_mes": row.monthly_interest_percent,
        "fonte_dos_encargos": row.charges_source,
        "total": papers.title.debt.total,
        "total_em": papers.on,
    }


def _parties(papers: Papers) -> dict[str, Any]:
    debtor = papers.debtor_row
    return {
        "credor": vars(papers.creditor),
        "devedor": {
            "nome": debtor.name,
            "documento": debtor.document,
            "consumidor": papers.debtor.consumer,
            "endereco": _address(debtor),
            "contatos": [{"canal": p.channel, "endereco": p.address, "situacao": p.state} for p in papers.points],
        },
        "outras_partes": [
            {"papel": row.role, "nome": row.name, "documento": row.document, "endereco": _address(row)}
            for row in papers.parties
        ],
    }


def _address(row: Row[Any]) -> str:
    """Of a debtor or another party, whose row has no district."""
    return pt.address(row.address, getattr(row, "district", ""), row.city, row.uf, row.cep)


def _calculation(title: models.InvoiceView) -> Iterable[tuple[str, ...]]:
    """The memory of calculation (CPC art. 524), item by item, as on the cover."""
    yield "Valor original", "", pt.number(title.original)
    for line in views.added(title):
        yield line.name_pt, line.detail_pt, pt.number(line.amount)
    yield "Total", "", pt.number(title.debt.total)


def _notice_files(papers: Papers) -> Iterable[tuple[str, bytes]]:
    digests = {row.id: row.sha256 for row in papers.documents}
    for notice in papers.notices:
        content = papers.content(digests[notice.document_id])
        if content is not None:
            yield f"notificacoes/{notice.id}.pdf", content


def _protests(papers: Papers) -> list[dict[str, Any]]:
    return [
        {
            "nosso_numero": title.our_number,
            "tentativa": title.attempt,
            "valor": title.amount,
            "saldo": title.balance,
            "municipio": title.municipality,
            "situacao": title.state,
            "tabelionato": title.notary_code,
            "protocolo": title.protocol,
            "data_do_protocolo": title.protocol_date,
            "fim_do_triduo": title.term_end,
            "registrado_em": papers.registered_on(title),
            "irregularidades": title.irregularities,
            "custas": title.costs,
            "ordens": [
                {"tipo": order.kind, "situacao": order.state, "arquivo": order.name or ""}
                for order in papers.orders
                if order.title_id == title.id
            ],
        }
        for title in papers.titles
    ]


_CONTACT_HEAD = (
    "quando", "canal", "finalidade", "texto", "passo", "tentativa", "situação", "id no provedor", "HMAC do conteúdo",
    "assunto", "corpo", "HTML",
)  # fmt: skip


def _contact_rows(papers: Papers) -> Iterable[tuple[str, ...]]:
    for row in papers.contacts:
        when, channel = pt.minute(papers.local(row.planned_at)), timeline.channel(row.channel)
        yield (
            when, channel, timeline.word(row.purpose), row.text_id, row.step, str(row.attempt),
            timeline.word(row.state), row.provider_id, row.content_hmac, row.subject, row.body,
            html_file(row) if row.html else "",
        )  # fmt: skip


def html_file(contact: Row[Any]) -> str:
    """Where the HTML form of an e-mail lies in a dossier or export."""
    return f"mensagens/{contact.id}.html"


def _messages(papers: Papers) -> Iterable[tuple[str, bytes]]:
    """What each e-mail looked like; the bytes whose HMAC, with subject and text, the contact keeps."""
    return ((html_file(row), row.html.encode()) for row in papers.contacts if row.html)


def _payment_rows(papers: Papers) -> Iterable[tuple[str, ...]]:
    for row in papers.payments:
        back = pt.day(row.reversed_on) if row.reversed_on else ""
        yield row.reference, pt.number(row.amount), pt.day(row.paid_on), row.source, back


def _agreements(papers: Papers) -> dict[str, Any]:
    """Promises and plans (acordos) with their instalments, kept or broken."""
    return {
        "promessas": [
            {"para": row.on, "valor": row.amount, "situacao": row.state, "feita_em": row.made_at}
            for row in papers.promises
        ],
        "acordos": [
            {"situacao": row.state, "total": row.total, "termos": row.terms, "proposto_em": row.offered_at}
            for row in papers.plans
        ],
    }


_WANTED = (
    ("Qualificação das partes (CPC, art. 319, II)", (), "partes.json"),
    ("Título ou contrato", ("title", "contract"), "titulo.json"),
    ("NF-e ou NFS-e, com DANFE", ("invoice", "nfe", "nfse"), ""),
    ("Prova de entrega ou do serviço (Lei 5.474/1968, art. 15, II, b)", ("delivery-proof", "service-proof"), ""),
    ("Instrumento de protesto (Lei 9.492/1997, art. 22)", ("protest-instrument",), ""),
    ("Notificações com prova", (), "notificacoes.json"),
    ("Memória de cálculo (CPC, arts. 524 e 798)", (), "calculo.csv"),
    ("Contatos, acordos e pagamentos parciais", (), "contatos.csv, acordos.json, pagamentos.csv"),
    ("Garantias e garantidores", ("guarantee",), "partes.json"),
    ("Procuração", ("power-of-attorney",), ""),
    ("Contrato social do credor", ("articles",), ""),
    ("Guia de custas", ("court-fees",), ""),
    ("Bens e contatos conhecidos", ("assets",), "partes.json"),
    ("Folha de prescrição", (), "prescricao.txt"),
)
"""What a hand-over holds, the kinds of attached documents that fill it, and where our own part of it stands."""


def _checklist(papers: Papers) -> str:
    """What is here and what is still to be asked of the creditor, item by item."""
    lines = [f"CONFERÊNCIA DO DOSSIÊ, em {pt.day(papers.on)}", ""]
    for what, kinds, own in _WANTED:
        attached = sorted({row.kind for row in papers.documents if row.kind in kinds})
        found = ", ".join([*([own] if own else []), *(f"documento anexado ({kind})" for kind in attached)])
        missing = "; falta o documento" if kinds and not attached else ""
        lines.append(f"{what}: {found or 'não consta'}{missing if found else ''}")
    return "\n".join(lines) + "\n"


def _limitation_sheet(papers: Papers) -> str:
    terms, due = papers.case.limitation(), papers.case.terms.original_due
    runs = {True: "ainda corre", False: "já terminou"}
    return (
        f"PRESCRIÇÃO, em {pt.day(papers.on)}\n\n"
        f"Espécie do título: {views.kind_name(papers.invoice.kind)}\n"
        f"Vencimento original: {pt.day(due)}\n"
        f"Execução e protesto: até {pt.day(terms.first)}, inclusive ({runs[papers.on <= terms.first]})\n"
        f"Qualquer cobrança: até {pt.day(terms.last)}, inclusive ({runs[papers.on <= terms.last]})\n"
        f"Fonte: {terms.source}\n\n"
        f"{_interruption(papers.case.interrupted_on)}\n"
    )


def _interruption(on: date | None) -> str:
    law = "uma única vez (Código Civil, art. 202); a linha do tempo mostra o que houve."
    if on is None:
        return f"Os prazos contam do vencimento original. Protesto e reconhecimento da dívida os interrompem, {law}"
    return f"Os prazos contam de {pt.day(on)}, dia do ato que os interrompeu, {law}"


def _timeline(papers: Papers) -> list[models.TimelineRow]:
    return [timeline.told(fact, papers.local(row.business_at), row.actor) for row, fact in papers.entries]


def as_json(value: Any) -> bytes:
    """JSON as people read it; days, amounts and ids as text."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str).encode() + b"\n"


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """As Brazilian spreadsheets open it: semicolons, decimal commas, a mark that it is UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


# --- the cover -------------------------------------------------------------------------------------------------------
def cover(papers: Papers, evidence: Sequence[models.EvidenceFile]) -> models.DossierCover:
    """The first sheets of the dossier, which list the files of evidence with their SHA-256."""
    terms = papers.case.limitation()
    return models.DossierCover(
        case_ref=f"caso {papers.row.id}",
        on=papers.on,
        creditor=papers.creditor,
        debtor=papers.debtor,
        debtor_address=_address(papers.debtor_row),
        parties=tuple(
            models.Party(_ROLES.get(row.role, row.role), row.name, row.document, _address(row))
            for row in papers.parties
        ),
        title=papers.title,
        documents=tuple(evidence),
        notices=_proofs(papers),
        protest=_record(papers),
        timeline=tuple(_timeline(papers)),
        limitation=(
            models.LimitationTerm("Execução e protesto", terms.first, terms.source),
            models.LimitationTerm("Qualquer cobrança", terms.last, terms.source),
        ),
        suggestion=dossier.suggest(_claim(papers), papers.on),
    )


def _claim(papers: Papers) -> dossier.Claim:
    """What decides between the ways to court. A creditor's size is not on file, so none is taken for small."""
    terms, protested = papers.case.limitation(), papers.case.protest.state == "registered"
    return dossier.Claim(
        protested=protested,
        delivery_proof=papers.attached(DELIVERY_PROOF),
        justified_refusal=bool(papers.case.dispute) or nfe_means(papers.case.nfe) == "refused",
        written_proof=protested or papers.attached(WRITTEN_PROOF),
        execution_ends=terms.first,
        last_ends=terms.last,
        amount=papers.title.debt.total,
        small_creditor=False,
        minimum_wage=minimum_wage(papers.on),
        kind=papers.invoice.kind,
        estate=next((hold for hold in _ESTATE if hold in papers.case.holds), ""),
    )


def _record(papers: Papers) -> models.ProtestRecord | None:
    """The last title that a notary took, for the cover."""
    title = next((row for row in reversed(papers.titles) if row.protocol_date), None)
    if title is None:
        return None
    outcome = _TITLE_STATES.get(title.state, "em andamento no tabelionato")
    registered = papers.registered_on(title)
    return models.ProtestRecord(
        registry_office(title), city_name(title.municipality), title.protocol, title.protocol_date, registered, outcome
    )


def _proofs(papers: Papers) -> tuple[models.NoticeProof, ...]:
    ways, proofs = timeline.ways_of_notices(fact for _, fact in papers.entries), []
    for notice in papers.notices:
        name, day = str(notice.id), papers.local(notice.issued_at).date()
        if name not in ways:
            proofs.append(models.NoticeProof(name, "nenhum", day, "não concluída; não vale como notificação"))
            continue
        proofs += [
            models.NoticeProof(name, timeline.channel(channel), day, timeline.proof_words(channel, level))
            for channel, level in ways[name].items()
        ]
        if notice.state in _ATTEMPTED:
            proofs.append(models.NoticeProof(name, "todos", day, _ATTEMPTED[notice.state]))
    return tuple(proofs)
