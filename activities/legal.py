"""`legal`: the hand-over of a case to a lawyer, as one file that can be checked without us.

Guard, dossier, outcome, in one transaction under the case's lock: no outside party is called. The dossier is a ZIP
whose bytes follow from the case alone, so that a second run after a crash makes the same one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, select
from temporalio import activity

from activities.desk import Desk, at_desk
from activities.documents import PDF, ZIP, keep_document, write_whole
from activities.views import Claim, creditor_view, debtor_view, invoice_view, read_creditor, read_invoices
from activities.world import World
from contract.messages import Next, Perform
from db.rows import (
    CONTACT,
    CONTACT_CASE,
    CONTACT_POINT,
    CRA_FILE,
    DEBTOR,
    DOCUMENT,
    LEDGER,
    NOTICE,
    ORDER,
    PARTY,
    PAYMENT,
    TITLE,
)
from domain import facts as f
from domain.case import LEVELS
from domain.data import table
from domain.errors import Refused
from domain.ledger import Line, chain
from domain.money import format_brl
from domain.places import time_zone
from letters import dossier as advice
from letters import models, pt, views
from letters.documents import consent_letter_pdf, dossier_cover_pdf

MANIFEST = "manifest.json"
COVER = "capa.pdf"
README = "LEIA-ME.txt"
BOOK = "livro.jsonl"
_OWN_KINDS = ("dossier", "notice")
"""Documents of a case that nobody attached as evidence: earlier dossiers, and notices, which have their own place."""

DELIVERY_PROOF = frozenset({"delivery-proof"})
WRITTEN_PROOF = frozenset({"title", "invoice", "contract", "delivery-proof"})
"""Kinds of attached documents that decide between the ways to court (Lei 5.474/1968 art. 15 II b; CPC art. 700)."""

MINIMUM_WAGE = Decimal("1621.00")
"""Of 2026; it limits the Juizado, which is open to creditors whose size is on file as small."""

_UNSAFE = re.compile(r"[^\w.-]+")
_EPOCH = (1980, 1, 1, 0, 0, 0)
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
_README = """\
DOSSIÊ DE COBRANÇA

Comece por capa.pdf: ação sugerida, partes, título, memória de cálculo, protesto, notificações, prescrição, documentos e
linha do tempo. Os demais arquivos trazem os mesmos dados por extenso; valores em reais, horários do lugar do devedor.

Como conferir
1. manifest.json traz o SHA-256 de cada arquivo. Calcule-o com "sha256sum ARQUIVO" (Linux), "shasum -a 256 ARQUIVO"
   (macOS) ou "certutil -hashfile ARQUIVO SHA256" (Windows) e compare. Um arquivo que falta, sobra ou difere foi mexido.
2. livro.jsonl é o livro do caso, uma linha por registro. O "hash" de cada linha é o SHA-256 do texto JSON, em ASCII,
   sem espaços entre os elementos e com as chaves em ordem, da lista [previous_hash, case_id, seq, kind, body, cause,
   actor, business_at, recorded_at, rules_version]; "previous_hash" repete o hash da linha anterior. Uma linha mudada,
   tirada ou trocada de lugar quebra a corrente.

O grau de prova de cada notificação é o que se pode provar, e não mais: "aceita para envio" não é entrega.
"""


class LegalHandOver:
    """The activity that gives a case to legal."""

    def __init__(self, world: World) -> None:
        self.world = world

    @activity.defn(name="legal")
    def legal(self, given: Perform) -> Next:
        """Build and store the dossier, lay a copy out for legal (or say why not now); return the next instruction."""
        with at_desk(self.world, given.case_id, given.at) as desk:
            if done := desk.recorded(given.generation, given.seq):
                return done
            if desk.read_inbox() or not desk.due(given.action, given.step):
                return desk.conclude(given.generation, given.seq)
            content = build_dossier(desk)
            name = f"dossie-{desk.row.id}.zip"
            document = keep_document(self.world, desk.conn, desk.row.id, "dossier", name, ZIP, content, desk.now)
            write_whole(self.world.letters.parent / "legal" / f"{desk.row.id}.zip", content)
            desk.hear(f.HandedOver(str(document)), f"activity:{given.action}:{given.generation}.{given.seq}")
            return desk.conclude(given.generation, given.seq)


def consent_letter(world: World, case_id: UUID) -> UUID:
    """Render and store the letter of consent for the registered protest of a case; returns the document's id.

    The same day gives the same document. Raises Refused where no protest of the case stands registered.
    """
    with at_desk(world, str(case_id), None) as desk:
        protest, papers = desk.case.protest, Papers(desk)
        title = next((row for row in papers.titles if str(row.id) == protest.title_id), None)
        if protest.state != "registered" or title is None or title.protocol_date is None:
            raise Refused("no-registered-protest", "no protest of this case stands registered; there is none to cancel")
        pdf = consent_letter_pdf(
            models.ConsentData(
                creditor=papers.creditor,
                debtor=papers.debtor,
                title_number=papers.invoice.printed_number,
                title_kind=papers.invoice.kind,
                amount=title.amount,
                due=desk.case.terms.due,
                registry_office=_office(title),
                registry_city=_city(title.municipality),
                protocol=title.protocol,
                protocol_date=title.protocol_date,
                protest_date=papers.registered_on(title) or desk.case.today(desk.now),
                on=papers.on,
            )
        )
        name = f"carta-de-anuencia-{papers.invoice.printed_number}.pdf"
        return keep_document(world, desk.conn, case_id, "consent", name, PDF, pdf, desk.now)


# --- what a dossier is made of ---------------------------------------------------------------------------------------
class Papers:
    """Everything that the database and the store know of a case, read once each, under the case's lock."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.case, self.row = desk, desk.case, desk.row
        self.on: date = desk.case.today(desk.now)

    def local(self, moment: datetime) -> datetime:
        """A moment at the debtor's place."""
        return moment.astimezone(time_zone(self.case.uf))

    def _rows(self, of: Table, *where: Any, order: Any) -> Sequence[Row[Any]]:
        return self.desk.conn.execute(select(of).where(*where).order_by(order, *of.primary_key)).all()

    @cached_property
    def creditor(self) -> models.Creditor:
        return creditor_view(*read_creditor(self.desk.conn, self.row.creditor_id))

    @cached_property
    def debtor_row(self) -> Row[Any]:
        return self._rows(DEBTOR, DEBTOR.c.id == self.row.debtor_id, order=DEBTOR.c.id)[0]

    @property
    def debtor(self) -> models.DebtorView:
        return debtor_view(self.debtor_row, self.case.terms.consumer)

    @cached_property
    def invoice(self) -> Row[Any]:
        return read_invoices(self.desk.conn, [self.row.invoice_id])[self.row.invoice_id]

    @property
    def title(self) -> models.InvoiceView:
        """The invoice with its debt of today."""
        return invoice_view(Claim(self.case, self.invoice), self.on)

    @cached_property
    def parties(self) -> Sequence[Row[Any]]:
        return self._rows(PARTY, PARTY.c.invoice_id == self.row.invoice_id, order=PARTY.c.role)

    @cached_property
    def points(self) -> Sequence[Row[Any]]:
        return self._rows(CONTACT_POINT, CONTACT_POINT.c.debtor_id == self.row.debtor_id, order=CONTACT_POINT.c.rank)

    @cached_property
    def documents(self) -> Sequence[Row[Any]]:
        return self._rows(DOCUMENT, DOCUMENT.c.case_id == self.row.id, order=DOCUMENT.c.created_at)

    @cached_property
    def notices(self) -> Sequence[Row[Any]]:
        return self._rows(NOTICE, NOTICE.c.case_id == self.row.id, order=NOTICE.c.issued_at)

    @cached_property
    def titles(self) -> Sequence[Row[Any]]:
        return self._rows(TITLE, TITLE.c.case_id == self.row.id, order=TITLE.c.attempt)

    @cached_property
    def payments(self) -> Sequence[Row[Any]]:
        return self._rows(PAYMENT, PAYMENT.c.case_id == self.row.id, order=PAYMENT.c.paid_on)

    @cached_property
    def ledger(self) -> Sequence[Row[Any]]:
        return self._rows(LEDGER, LEDGER.c.case_id == self.row.id, order=LEDGER.c.seq)

    @cached_property
    def contacts(self) -> Sequence[Row[Any]]:
        linked = select(CONTACT, CONTACT_CASE.c.step, CONTACT_CASE.c.attempt).join(
            CONTACT_CASE, CONTACT_CASE.c.contact_id == CONTACT.c.id
        )
        mine = linked.where(CONTACT_CASE.c.case_id == self.row.id)
        return self.desk.conn.execute(mine.order_by(CONTACT.c.planned_at, CONTACT.c.id)).all()

    @cached_property
    def orders(self) -> Sequence[Row[Any]]:
        """Orders to the notary, with the names of the files that carried them."""
        sent = select(ORDER, CRA_FILE.c.name).join(CRA_FILE, CRA_FILE.c.id == ORDER.c.file_id, isouter=True)
        mine = sent.join(TITLE, TITLE.c.id == ORDER.c.title_id).where(TITLE.c.case_id == self.row.id)
        return self.desk.conn.execute(mine.order_by(ORDER.c.queued_at, ORDER.c.id)).all()

    def registered_on(self, title: Row[Any]) -> date | None:
        """The day on which the protest of a title was registered, if it was."""
        days = (row.body["on"] for row in self.ledger if row.kind == "title_registered" and _about(row, title))
        return next((date.fromisoformat(day) for day in days), None)

    def attached(self, kinds: Iterable[str]) -> bool:
        """Is a document of one of these kinds attached to the case?"""
        return any(row.kind in kinds for row in self.documents)

    def content(self, digest: str) -> bytes | None:
        """The bytes of a document, None where they are gone from the store."""
        try:
            return self.desk.world.documents.get(digest)
        except FileNotFoundError:
            return None


def _about(entry: Row[Any], title: Row[Any]) -> bool:
    return bool(entry.body["title_id"] == str(title.id))


def _office(title: Row[Any]) -> str:
    return f"Tabelionato de protesto {title.notary_code}".strip()


def _city(ibge: str) -> str:
    row = next((row for row in table("municipalities") if row["ibge"] == ibge), None)
    return f"{row['name']}/{row['uf']}" if row else ibge


# --- the notices and their proof -------------------------------------------------------------------------------------
def ways_of_notices(ledger: Iterable[Row[Any]]) -> dict[str, dict[str, str]]:
    """For each notice that was issued, by its id: each channel it went by and the best that the ledger proves of it.

    A level of `domain.case.LEVELS`, or "failed: reason". What staff log of a letter is about the notice of that time.
    """
    found: dict[str, dict[str, str]] = {}
    present = ""
    for row in ledger:
        body = row.body
        if row.kind == "notice_issued":
            present = body["notice_id"]
            found[present] = dict.fromkeys(body["channels"], "sent")
        elif row.kind == "notice_proved":
            found[body["notice_id"]][body["channel"]] = body["level"]
        elif row.kind == "notice_returned":
            found[body["notice_id"]][body["channel"]] = f"failed: {body['reason']}"
        elif row.kind == "log" and body["channel"] == "letter" and "letter" in found.get(present, {}):
            outcome = body["outcome"]
            found[present]["letter"] = outcome if outcome in LEVELS else f"failed: {outcome}"
        elif row.kind == "extended":
            present = ""
    return found


def proof_words(channel: str, level: str) -> str:
    """What can be proved of one way of a notice, never more: a provider's "delivered" is a server's or handset's."""
    if level.startswith("failed"):
        return f"não entregue ({level.partition(': ')[2] or 'sem motivo informado'})"
    return _PROOF_OF_LETTER[level] if channel == "letter" else _PROOF[level]


_PROOF = {
    "sent": "aceita para envio pelo provedor; sem prova de entrega",
    "delivered": "aceita pelo servidor ou aparelho de destino",
    "read": "leitura indicada pelo provedor",
    "received-by-name": "recebida por pessoa identificada",
}
_PROOF_OF_LETTER = _PROOF | {
    "sent": "entregue à gráfica para postagem; sem prova de entrega",
    "delivered": "entrega registrada, sem nome de quem recebeu",
}
_ATTEMPTED = {
    "attempted": "tentativa esgotada, não entregue",
    "attempted-released": "tentativa esgotada, não entregue; liberada por duas pessoas",
}


def _proofs(papers: Papers) -> tuple[models.NoticeProof, ...]:
    ways, proofs = ways_of_notices(papers.ledger), []
    for notice in papers.notices:
        name, day = str(notice.id), papers.local(notice.issued_at).date()
        if name not in ways:
            proofs.append(models.NoticeProof(name, "nenhum", day, "não concluída; não vale como notificação"))
            continue
        proofs += [
            models.NoticeProof(name, CHANNELS.get(channel, channel), day, proof_words(channel, level))
            for channel, level in ways[name].items()
        ]
        if notice.state in _ATTEMPTED:
            proofs.append(models.NoticeProof(name, "todos", day, _ATTEMPTED[notice.state]))
    return tuple(proofs)


# --- the dossier -----------------------------------------------------------------------------------------------------
def build_dossier(desk: Desk) -> bytes:
    """The dossier of a case as it stands at the desk, a ZIP. The same case on the same day gives the same bytes."""
    papers = Papers(desk)
    inside = dict(_files(papers))
    evidence = [models.EvidenceFile(name, _sha256(content)) for name, content in inside.items()]
    inside = {README: _README.encode(), COVER: dossier_cover_pdf(_cover(papers, evidence))} | inside
    manifest = {
        "case": str(desk.row.id),
        "on": papers.on.isoformat(),
        "ledger_head": desk.row.ledger_hash,
        "files": {name: _sha256(content) for name, content in inside.items()},
    }
    return _pack(inside | {MANIFEST: _json(manifest)})


def _files(papers: Papers) -> Iterable[tuple[str, bytes]]:
    """Name and content of every file that gives evidence, in the order in which a reader wants them."""
    yield "titulo.json", _json(_title(papers))
    yield "partes.json", _json(_parties(papers))
    yield "calculo.csv", _csv(("item", "cálculo", "valor"), _calculation(papers.title))
    yield "notificacoes.json", _json([vars(each) for each in _proofs(papers)])
    yield from _notice_files(papers)
    yield "protesto.json", _json(_protests(papers))
    yield "contatos.csv", _csv(_CONTACT_HEAD, _contact_rows(papers))
    yield "pagamentos.csv", _csv(("referência", "valor", "pago em", "origem", "estornado em"), _payment_rows(papers))
    yield "prescricao.txt", _limitation_sheet(papers).encode()
    yield "linha-do-tempo.txt", "".join(f"{_line(row)}\n" for row in timeline(papers)).encode()
    yield BOOK, b"".join(_book_line(row) for row in papers.ledger)
    yield from _attachments(papers)


def _cover(papers: Papers, evidence: Sequence[models.EvidenceFile]) -> models.DossierCover:
    debtor, terms, title = papers.debtor_row, papers.case.limitation(), papers.title
    protested = papers.case.protest.state == "registered"
    return models.DossierCover(
        case_ref=f"caso {papers.row.id}",
        on=papers.on,
        creditor=papers.creditor,
        debtor=papers.debtor,
        debtor_address=_address(debtor),
        parties=tuple(
            models.Party(_ROLES.get(row.role, row.role), row.name, row.document, _address(row))
            for row in papers.parties
        ),
        title=title,
        documents=tuple(evidence),
        notices=_proofs(papers),
        protest=_record(papers),
        timeline=tuple(timeline(papers)),
        limitation=(
            models.LimitationTerm("Execução e protesto", terms.first, terms.source),
            models.LimitationTerm("Qualquer cobrança", terms.last, terms.source),
        ),
        suggestion=advice.suggest(
            advice.Claim(
                protested=protested,
                delivery_proof=papers.attached(DELIVERY_PROOF),
                justified_refusal=bool(papers.case.dispute),
                written_proof=protested or papers.attached(WRITTEN_PROOF),
                execution_ends=terms.first,
                last_ends=terms.last,
                amount=title.debt.total,
                small_creditor=False,  # a creditor's size is not on file
                minimum_wage=MINIMUM_WAGE,
            ),
            papers.on,
        ),
    )


def _record(papers: Papers) -> models.ProtestRecord | None:
    """The last title that a notary took, for the cover."""
    title = next((row for row in reversed(papers.titles) if row.protocol_date), None)
    if title is None:
        return None
    outcome = _TITLE_STATES.get(title.state, "em andamento no tabelionato")
    registered = papers.registered_on(title)
    return models.ProtestRecord(
        _office(title), _city(title.municipality), title.protocol, title.protocol_date, registered, outcome
    )


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
    district = getattr(row, "district", "")
    place = f"{row.city}/{row.uf}" if row.city else ""
    parts = (row.address, district, place, f"CEP {pt.cep(row.cep)}" if row.cep else "")
    return ", ".join(part for part in parts if part)


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
)  # fmt: skip


def _contact_rows(papers: Papers) -> Iterable[tuple[str, ...]]:
    for row in papers.contacts:
        when, channel = _minute(papers.local(row.planned_at)), CHANNELS.get(row.channel, row.channel)
        yield (
            when, channel, _CODES.get(row.purpose, row.purpose), row.text_id, row.step, str(row.attempt),
            _CODES.get(row.state, row.state), row.provider_id, row.content_hmac,
        )  # fmt: skip


def _payment_rows(papers: Papers) -> Iterable[tuple[str, ...]]:
    for row in papers.payments:
        back = pt.day(row.reversed_on) if row.reversed_on else ""
        yield row.reference, pt.number(row.amount), pt.day(row.paid_on), row.source, back


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
        "Os prazos contam do vencimento original, sem interrupção. Protesto e reconhecimento da dívida interrompem a\n"
        "prescrição uma única vez (Código Civil, art. 202); a linha do tempo mostra o que houve.\n"
    )


def _book_line(row: Row[Any]) -> bytes:
    """One entry of the ledger with its hashes, times as they were hashed."""
    values = dict(row._mapping) | {
        "case_id": str(row.case_id),
        "business_at": row.business_at.isoformat(timespec="microseconds"),
        "recorded_at": row.recorded_at.isoformat(timespec="microseconds"),
    }
    return json.dumps(values, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _attachments(papers: Papers) -> Iterable[tuple[str, bytes]]:
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
    yield "documentos.json", _json(listed)


# --- the timeline ----------------------------------------------------------------------------------------------------
CHANNELS = {
    "email": "e-mail",
    "sms": "SMS",
    "letter": "carta",
    "whatsapp": "WhatsApp",
    "voice": "voz",
    "call": "telefone",
}
_CODES = {
    "clerk": "atendente", "supervisor": "supervisor", "manager": "gerente", "lawyer": "advogado",
    "protest": "protesto", "legal": "jurídico", "undeliverable-notice": "notificação não entregue",
    "court": "ordem judicial", "insolvency": "insolvência", "death": "falecimento",
    "over-indebted": "superendividamento", "vanished": "fatura ausente da exportação",
    "rebate": "abatimento", "return": "devolução", "withholding": "imposto retido", "credit-note": "nota de crédito",
    "correction": "correção do credor",
    "paid": "pago", "paid-at-notary": "pago no tabelionato", "void": "anulado", "written-off": "baixado como perda",
    "dispute-upheld": "contestação procedente", "prescribed": "prescrito",
    "ladder": "régua", "thanks": "agradecimento", "notice": "notificação",
    "in-flight": "sem resposta do provedor", "accepted": "aceito para envio", "delivered": "aceito no destino",
    "bounced": "devolvido", "failed": "não enviado",
}  # fmt: skip
"""Codes that stand in facts and rows, for readers; another is shown as it is."""
_ACTORS = {"engine": "régua", "signal": "sistema", "sendgrid": "provedor de e-mail", "twilio": "provedor de SMS"}
HAPPENED: dict[str, str] = {
    "opened": "Caso aberto: principal de {principal}, vencimento em {due}",
    "extended": "Vencimento prorrogado para {due}",
    "adjusted": "Dívida reduzida em {amount} ({how})",
    "void": "Dívida anulada",
    "write_off": "Dívida baixada como perda",
    "payment": "Pagamento de {amount} em {paid_on}",
    "reverse": "Pagamento estornado em {on}",
    "vanished": "Fatura ausente da exportação do credor",
    "contact_data": "Dados de contato atualizados: {channel}",
    "release": "Primeira leva liberada em {on}",
    "promise": "Promessa de pagar {amount} em {on}",
    "dispute": "Contestação aberta",
    "resolve": "Contestação decidida; procedente: {upheld}",
    "opt_out": "Recusa de contato: {channels}",
    "opt_in": "Contato de novo permitido: {channels}",
    "pause": "Pausa de {since} até {until}",
    "resume": "Pausa encerrada por pessoa",
    "hold": "Suspensão: {hold}",
    "lift": "Suspensão levantada: {hold}",
    "note": "Anotação",
    "log": "Registro de contato: {channel}, {outcome}",
    "task_done": "Pendência concluída: {outcome}",
    "approve": "Aprovação dada",
    "refuse": "Aprovação recusada",
    "migrate": "Caso movido para outra régua",
    "unreadable": "Mensagem ilegível ao caso",
    "contact_sent": "Contato por {channel}, passo {step}, aceito para envio",
    "contact_deferred": "Passo {step} adiado para {until}",
    "contact_failed": "Contato por {channel}, passo {step}, sem êxito ({code})",
    "unreachable": "Passo {step} sem meio de contato",
    "notice_issued": "Notificação prévia emitida por: {channels}",
    "notice_proved": "Notificação por {channel}, em {on}: {level}",
    "notice_returned": "Notificação por {channel} devolvida ({reason})",
    "title_queued": "Título na fila da remessa, saldo de {balance}",
    "title_incomplete": "Título incompleto para protesto: {missing}",
    "title_sent": "Título enviado ao tabelionato em {on}",
    "title_confirmed": "Título protocolado em {protocol_date}; tríduo até {term_end}",
    "title_returned": "Título devolvido com irregularidades: {irregularities}",
    "title_registered": "Protesto registrado em {on}",
    "title_withdrawn": "Título retirado do tabelionato em {on}",
    "title_cancelled": "Protesto cancelado em {on}",
    "title_suspended": "Protesto sustado por ordem judicial; em definitivo: {final}",
    "withdraw": "Retirada do título pedida",
    "handed_over": "Dossiê entregue ao jurídico",
    "action_failed": "Passo {step} sem resultado ({code})",
    "step_passed_over": "Passo {step} dispensado ({reason})",
    "task_opened": "Pendência aberta para {owner} até {due}: {task}",
    "approval_asked": "Aprovação pedida a {role} até {due}: {purpose}, {amount}",
    "promise_kept": "Promessa cumprida",
    "promise_broken": "Promessa não cumprida em {on}",
    "pause_ended": "Fim da pausa",
    "notice_undeliverable": "Notificação tentada por todos os meios, não entregue",
    "notice_released": "Notificação não entregue liberada por duas pessoas em {on}",
    "title_unqueued": "Título retirado da fila ({reason})",
    "withdrawal_queued": "Desistência do título na fila ({reason})",
    "closed": "Caso encerrado ({outcome}); dispensado: {waived}",
    "reopened": "Caso reaberto ({reason})",
    "refused": "Recusado pelas regras: {fact} ({code})",
}
"""What each kind of fact means to a reader; a test holds the list complete."""


def happened(fact: f.Fact) -> str:
    """One entry of the ledger in words, without personal data; times in the time zone that they carry."""
    values = {name: _shown(name, value) for name, value in vars(fact).items()}
    if isinstance(fact, f.NoticeProved):
        values["level"] = proof_words(fact.channel, fact.level)
    return HAPPENED[fact.kind].format_map(values)


def timeline(papers: Papers) -> list[models.TimelineRow]:
    """The ledger in words, its decisions left out, at the debtor's local time."""
    return [
        models.TimelineRow(
            papers.local(row.business_at), happened(f.from_json(row.body)), _ACTORS.get(row.actor, row.actor)
        )
        for row in papers.ledger
        if row.kind != "decided"
    ]


def _shown(name: str, value: Any) -> str:
    if name in ("channel", "channels"):
        return ", ".join(CHANNELS.get(each, each) for each in _list(value)) or "nenhum meio"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, bool):
        return "sim" if value else "não"
    if isinstance(value, Decimal):
        return format_brl(value)
    if isinstance(value, datetime):
        return f"{_minute(value)} UTC"
    if isinstance(value, date):
        return pt.day(value)
    if value is None:
        return "o valor total"
    return _CODES.get(value, str(value))


def _list(value: Any) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (value,)


def _minute(moment: datetime) -> str:
    return f"{moment:%d/%m/%Y %H:%M}"


def _line(row: models.TimelineRow) -> str:
    return f"{_minute(row.at)}  {row.what}  [{row.actor}]"


# --- packing and checking --------------------------------------------------------------------------------------------
def _pack(files: Mapping[str, bytes]) -> bytes:
    """A ZIP whose bytes follow from its files alone: their order, one time for all, nothing compressed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            archive.writestr(info, content)
    return packed.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str).encode() + b"\n"


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """As Brazilian spreadsheets open it: semicolons, decimal commas, a mark that it is UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def verify_dossier(path: Path) -> list[str]:
    """What is wrong with a dossier, as English sentences; nothing wrong, nothing said.

    Every file must be there with the SHA-256 of the manifest, nothing else may be there, and the ledger's chain must
    hold. That the manifest itself is ours is seen from the SHA-256 of the whole file in the case's documents.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            files = {name: _read(archive, name) for name in names}
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return [f"{path.name}: it is not a ZIP file that can be read; ask for a fresh copy of the dossier"]
    wanted = _manifest(files.get(MANIFEST))
    if wanted is None:
        return [f"{MANIFEST}: it is missing or cannot be read; without it nothing can be checked"]
    faults = [f"{name}: it stands in the archive twice; once is right" for name in {*names} if names.count(name) > 1]
    faults += [
        f"{name}: the manifest does not list it; it was added" for name in files.keys() - wanted.keys() - {MANIFEST}
    ]
    for name, digest in wanted.items():
        content = files.get(name)
        if name not in files:
            faults.append(f"{name}: the manifest lists it, but it is missing")
        elif content is None or _sha256(content) != digest:
            faults.append(f"{name}: its SHA-256 is not that of the manifest; it was changed or damaged")
    return sorted(faults) + _book_faults(files.get(BOOK))


def _read(archive: zipfile.ZipFile, name: str) -> bytes | None:
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError):
        return None


def _manifest(content: bytes | None) -> dict[str, str] | None:
    try:
        files = json.loads(content or b"")["files"]
    except (ValueError, LookupError, TypeError):
        return None
    return files if isinstance(files, dict) else None


def _book_faults(content: bytes | None) -> list[str]:
    """The first entry at which the chain of the ledger breaks, if it does."""
    previous = ""
    for number, text in enumerate((content or b"").splitlines(), 1):
        try:
            entry = json.loads(text)
            given, before = entry.pop("hash"), entry.pop("previous_hash")
            times = {name: datetime.fromisoformat(entry[name]) for name in ("business_at", "recorded_at")}
            line = Line(**entry | times)
            holds = line.seq == number and before == previous and given == chain(previous, line)
        except (ValueError, LookupError, TypeError, AttributeError):
            return [f"{BOOK}: entry {number} cannot be read; the chain cannot be followed beyond it"]
        if not holds:
            return [f"{BOOK}: the chain breaks at entry {number}; it, or the entry before it, was changed or removed"]
        previous = given
    return [] if previous else [f"{BOOK}: it is missing or empty; every case has a first entry"]
