"""One case as a ZIP for a court or a regulator: every record, every proof, and a script that checks it without us."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from activities.desk import Desk
from activities.exhibits import as_json, attachments, html_file, own_files
from activities.papers import Papers
from activities.world import World
from audit.book import Book
from audit.forms import timeline_data, timeline_html, timeline_pdf
from audit.histories import Run
from audit.timeline import build

MANIFEST, BOOK, BOOK_CSV, INDEX, SCRIPT, README, SUMS = (
    "manifest.json", "livro.jsonl", "livro.csv", "historicos.json", "conferir.py", "LEIA-ME.txt", "SHA256SUMS",
)  # fmt: skip
_SCRIPT = Path(__file__).with_name("conferir.py")
_COLUMNS = (
    "seq", "kind", "business_at", "recorded_at", "actor", "cause", "rules_version", "body", "previous_hash", "hash",
)  # fmt: skip
_README = """\
EXPORTAÇÃO DE UM CASO DE COBRANÇA

Comece por linha-do-tempo.pdf (ou .html): cada dia do caso, o que se soube, se decidiu, se fez e não se fez, e por quê.

Para conferir sem o sistema que a fez, abra o ZIP numa pasta e rode:

    python3 conferir.py

Basta o Python 3.8 ou mais novo, sem instalar nada; o que o programa faz está escrito nele. Com uma âncora (o selo que
se guarda fora do sistema, de todos os livros de um dia) ele diz também se o livro é o daquele dia:

    python3 conferir.py --ancora ANCORA.json

À mão, sem o programa:

    sha256sum -c SHA256SUMS

confere cada arquivo. O "hash" de cada linha de livro.jsonl é o SHA-256 do texto JSON, em ASCII, sem espaços entre os
elementos e com as chaves em ordem, da lista [previous_hash, case_id, seq, kind, body, cause, actor, business_at,
recorded_at, rules_version]; "previous_hash" é o "hash" da linha anterior. O "content" de um contato no livro é o
HMAC-SHA256 (hmac_do_conteudo em contatos.json) de assunto, corpo e HTML, separados por quebras de linha; a chave é do
credor, que a apresenta ao juízo se for preciso.

livro.jsonl, livro.csv   o livro do caso, um registro por linha
historicos/              o histórico do Temporal de cada execução, como as ferramentas do Temporal o leem
contatos.json, .csv      cada contato com seu texto, as chamadas ao provedor e os recibos dele
mensagens/               cada e-mail na forma HTML em que saiu
notificacoes*, protesto.json, pagamentos.csv, calculo.csv, prescricao.txt, titulo.json, partes.json
documentos/, dossies/    o que foi juntado ao caso e o que foi entregue ao jurídico
documentos.json          o SHA-256 de cada documento
acordos.json             propostas e acordos de parcelamento
agenda.json              os passos com suas datas, como estavam em cada dia

Esta exportação contém dados pessoais. O que foi apagado a pedido do titular não está nela; o livro não os contém.
"""


def build_export(world: World, book: Book, runs: Sequence[Run], now: datetime, today: date) -> bytes:
    """The export of a case, a ZIP. `now` is business time (aware), `today` its civil day at the office."""
    papers = Papers(Desk(world, book.conn, book.row, now))
    life = build(book, world.clock, None, today)
    inside: dict[str, bytes] = {
        README: _README.encode(),
        SCRIPT: _SCRIPT.read_bytes(),
        "linha-do-tempo.pdf": timeline_pdf(life),
        "linha-do-tempo.html": timeline_html(life, now).encode(),
        "linha-do-tempo.json": as_json(timeline_data(life)),
        BOOK: b"".join(_line(row) for row in book.ledger),
        BOOK_CSV: _csv(book.ledger),
        "contatos.json": as_json(list(_contacts(book))),
        "agenda.json": as_json([_schedule(row) for row in book.schedules]),
    }
    inside |= dict(_histories(runs)) | dict(own_files(papers)) | dict(attachments(papers)) | dict(_dossiers(papers))
    inside[SUMS] = "".join(f"{_digest(content)}  {name}\n" for name, content in inside.items()).encode()
    manifest = {
        "case": book.name,
        "made_at": now.isoformat(),
        "ledger_seq": book.ledger[-1].seq,
        "ledger_head": book.ledger[-1].hash,
        "files": {name: _digest(content) for name, content in inside.items()},
    }
    return _pack(inside | {MANIFEST: as_json(manifest)})


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# --- files -----------------------------------------------------------------------------------------------------------
def _line(row: Row[Any]) -> bytes:
    """One entry with its hashes, times as they were hashed."""
    return json.dumps(_entry(row), ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _entry(row: Row[Any]) -> dict[str, Any]:
    times = {name: getattr(row, name).isoformat(timespec="microseconds") for name in ("business_at", "recorded_at")}
    return {**row._mapping, "case_id": str(row.case_id), **times}


def _csv(ledger: Sequence[Row[Any]]) -> bytes:
    """As Brazilian spreadsheets open it: semicolons, a mark that it is UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS, delimiter=";", extrasaction="ignore")
    writer.writeheader()
    for row in ledger:
        entry = _entry(row)
        writer.writerow({**entry, "body": json.dumps(entry["body"], ensure_ascii=False, sort_keys=True)})
    return text.getvalue().encode("utf-8-sig")


def _histories(runs: Sequence[Run]) -> Iterator[tuple[str, bytes]]:
    index = []
    for run in runs:
        name = f"historicos/geracao-{run.generation}-parte-{run.part}.json"
        index.append(
            {
                "file": name, "generation": run.generation, "part": run.part, "run_id": run.history.run_id,
                "events": len(run.history.events), "source": run.source,
            }
        )  # fmt: skip
        yield name, run.history.to_json().encode()
    yield INDEX, as_json(index)


def _contacts(book: Book) -> Iterator[dict[str, Any]]:
    """Each contact with its text, what was tried and what the provider reported. Times at the debtor's place."""
    for row in book.contacts:
        yield {
            "id": row.id, "canal": row.channel, "finalidade": row.purpose, "texto": row.text_id, "passo": row.step,
            "tentativa": row.attempt, "enviado_por_este_caso": row.lead, "situacao": row.state,
            "previsto_em": book.local(row.planned_at).isoformat(),
            "assunto": row.subject, "corpo": row.body, "hmac_do_conteudo": row.content_hmac,
            "html": html_file(row) if row.html else "",
            "id_no_provedor": row.provider_id, "documento": row.document_id,
            "aceito_em": row.accepted_at, "concluido_em": row.settled_at,
            "chamadas": [
                {"numero": call.number, "inicio": call.begun_at, "fim": call.ended_at, "resultado": call.outcome,
                 "codigo": call.code}
                for call in book.attempts.get(row.id, [])
            ],
            "recibos": [
                {"provedor": event.provider, "chave": event.event_key, "evento": event.event, "codigo": event.code,
                 "quando": book.local(event.business_at).isoformat(), "recebido_em": event.received_at}
                for event in book.receipts if event.contact_id == row.id
            ],
        }  # fmt: skip


def _schedule(row: Row[Any]) -> dict[str, Any]:
    return {"versao": row.version, "desde": row.decided_at, "motivo": row.reason, "passos": row.steps}


def _dossiers(papers: Papers) -> Iterator[tuple[str, bytes]]:
    for row in papers.documents:
        content = papers.content(row.sha256) if row.kind == "dossier" else None
        if content is not None:
            yield f"dossies/{row.id}.zip", content


def _pack(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()
