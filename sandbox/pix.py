"""A receiver's bank (PSP) with the central bank's API Pix 2.9.0: charges with a due date, received Pix, webhooks.

Somebody pays a code by POST /sandbox/pix/pay, or has a payment sent back by POST /sandbox/pix/return. The account owns
every key but those that hold the word `alheia`. Charges have a fixed amount: fine, interest and discount are refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.errors import BadInput
from domain.identifiers import parse_document
from domain.pix import check_charge_txid, decode, dynamic_code, last_payable_day, parse_key
from sandbox.behaviour import CallError, around
from sandbox.state import PIX_CLIENT_ID, PIX_CLIENT_SECRET, Row, State

BRASILIA = ZoneInfo("America/Sao_Paulo")
TOKEN_LASTS = 3600  # seconds
FOREIGN = "alheia"
ISPB = "99999999"  # the number of a bank in the payment system; nobody has this one
RECEIVER = {
    "cnpj": "11222333000181", "nome": "Recebedor Fictício Ltda", "logradouro": "Avenida Inventada, 1000",
    "cidade": "São Paulo", "uf": "SP", "cep": "01310100",
}  # fmt: skip
ACTIVE, PAID, REMOVED = "ATIVA", "CONCLUIDA", "REMOVIDA_PELO_USUARIO_RECEBEDOR"
REASONS = {
    400: ("RequisicaoInvalida", "Requisição inválida."),
    401: ("AcessoNegado", "Acesso Negado"),
    403: ("AcessoNegado", "Acesso Negado"),
    404: ("NaoEncontrado", "Não Encontrado"),
    503: ("ServicoIndisponivel", "Serviço Indisponível"),
    504: ("IndisponibilidadePorTempoEsgotado", "Tempo esgotado"),
}
NOT_ACTIVE = "Cobrança não encontra-se mais com o status ATIVA, somente cobranças ativas podem ser revisadas."
UNSUPPORTED = ("multa", "juros", "abatimento", "desconto")

Violations = list[tuple[str, str]]


class ProblemError(CallError):
    """An error with the properties that violate the API's rules, each with its reason."""

    def __init__(self, status: int, kind: str, text: str = "", violations: Violations | None = None) -> None:
        super().__init__(status, kind, text)
        self.violations = violations or []


class Payment(BaseModel):
    """Somebody pays a charge by its txid, or what a BR Code says. `amount` (reais) and `at` replace the code's amount
    and now; `callbacks` is how often the webhook is told of it: 0 loses the call, 2 doubles it."""

    model_config = ConfigDict(extra="forbid")

    txid: str = ""
    br_code: str = ""
    amount: Decimal | None = None
    at: AwareDatetime | None = None
    text: str = ""
    callbacks: int = 1


class Return(BaseModel):
    """A received Pix goes back, whole or in part, because the payer's bank asked for it (MED) or the receiver did."""

    model_config = ConfigDict(extra="forbid")

    end_to_end_id: str
    amount: Decimal | None = None
    at: AwareDatetime | None = None
    nature: str = "MED_FRAUDE"
    callbacks: int = 1


def router(state: State) -> APIRouter:
    """The routes under /pix."""
    routes = APIRouter(prefix="/pix")
    _tokens(routes, state)
    _charges(routes, state)
    _received(routes, state)
    _webhooks(routes, state)
    return routes


def levers(state: State) -> APIRouter:
    """The routes under /sandbox/pix."""
    routes = APIRouter(prefix="/sandbox/pix")

    @routes.post("/pay")
    def payment(payment: Payment) -> dict[str, str]:
        return {"endToEndId": pay(state, payment)}

    @routes.post("/return")
    def refund(given: Return) -> dict[str, str]:
        return {"rtrId": give_back(state, given)}

    return routes


def error(failed: CallError) -> JSONResponse:
    """An error as the API writes it (RFC 7807)."""
    usual, title = REASONS.get(failed.status, ("ErroInternoDoServidor", "Erro interno"))
    body: dict[str, Any] = {
        "type": f"https://pix.bcb.gov.br/api/v2/error/{failed.code or usual}",
        "title": title,
        "status": failed.status,
        "detail": failed.text or "The sandbox was told to fail",
    }
    if isinstance(failed, ProblemError) and failed.violations:
        body["violacoes"] = [{"propriedade": name, "razao": reason} for name, reason in failed.violations]
    return JSONResponse(body, failed.status, failed.headers, media_type="application/problem+json")


# --- tokens -----------------------------------------------------------------------------------------------------------
def _tokens(routes: APIRouter, state: State) -> None:
    @routes.post("/oauth/token")
    async def token(request: Request) -> JSONResponse:
        async with around(state, "pix", {"kind": "token"}):
            form = await request.form()
            if not _client(request):
                return JSONResponse({"error": "invalid_client"}, 401)
            if form.get("grant_type") != "client_credentials":
                return JSONResponse({"error": "unsupported_grant_type"}, 400)
            made, scope = secrets.token_urlsafe(24), str(form.get("scope", ""))
            with state.transaction() as db:
                db.execute("INSERT INTO pix_tokens VALUES (?, ?, ?)", (made, scope, time.time() + TOKEN_LASTS))
        return JSONResponse(
            {"access_token": made, "token_type": "Bearer", "expires_in": TOKEN_LASTS, "scope": scope}, 200
        )


def _client(request: Request) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    try:
        pair = base64.b64decode(given, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return scheme.lower() == "basic" and pair == f"{PIX_CLIENT_ID}:{PIX_CLIENT_SECRET}"


def _authorise(state: State, request: Request, scope: str) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    row = state.row("SELECT scope FROM pix_tokens WHERE token = ? AND ends > ?", token, time.time())
    if scheme.lower() != "bearer" or row is None:
        raise ProblemError(401, "AcessoNegado", "O token não é válido.")
    if scope not in row["scope"].split():
        raise ProblemError(403, "AcessoNegado", f"O token não tem o escopo {scope}.")


# --- charges ----------------------------------------------------------------------------------------------------------
def _charges(routes: APIRouter, state: State) -> None:
    path = "/api/cobv/{txid}"

    @routes.put(path)
    async def put(request: Request, txid: str) -> JSONResponse:
        _authorise(state, request, "cobv.write")
        body = await _json(request)
        async with around(state, "pix", {"kind": "charge", "txid": txid}):
            row = _put(state, txid, body)
        return JSONResponse(_charge(row), 201)

    @routes.patch(path)
    async def patch(request: Request, txid: str) -> JSONResponse:
        _authorise(state, request, "cobv.write")
        body = await _json(request)
        async with around(state, "pix", {"kind": "removal" if "status" in body else "charge", "txid": txid}):
            with state.transaction():
                row = _revise(state, txid, body)
        return JSONResponse(_charge(row), 200)

    @routes.get(path)
    async def get(request: Request, txid: str) -> JSONResponse:
        _authorise(state, request, "cobv.read")
        async with around(state, "pix", {"kind": "lookup", "txid": txid}):
            row = _found(state, txid)
            revision = request.query_params.get("revisao", str(row["revision"]))
            versions: list[dict[str, Any]] = json.loads(row["versions"])
            if not revision.isdigit() or int(revision) >= len(versions):
                wrong = [("revisao", "Não há esta revisão da cobrança.")]
                raise ProblemError(400, "CobVConsultaInvalida", "Não há esta revisão.", wrong)
        shown = _charge(row | {"body": versions[int(revision)], "revision": int(revision)})
        return JSONResponse(shown | {"pix": [_pix(one) for one in _payments(state, "txid = ?", txid)]})


def _put(state: State, txid: str, body: dict[str, Any]) -> Row:
    today = state.business_now().astimezone(BRASILIA).date()
    violations = _violations(body, today)
    try:
        check_charge_txid(txid)
    except BadInput:
        violations.append(("cobv.txid", "O campo cobv.txid não respeita o schema."))
    if violations:
        state.refuse("pix", "charge", "CobVOperacaoInvalida", send_id=txid)
        raise ProblemError(400, "CobVOperacaoInvalida", "A cobrança não respeita o schema.", violations)
    with state.transaction():
        known = _charge_row(state, txid)
        if known is None:
            return _new_charge(state, txid, body)
        if known["status"] == ACTIVE:
            return known if known["body"] == body else _new_version(state, known, body, ACTIVE)
    state.refuse("pix", "charge", "CobVOperacaoInvalida", send_id=txid)
    raise ProblemError(400, "CobVOperacaoInvalida", NOT_ACTIVE)


def _revise(state: State, txid: str, body: dict[str, Any]) -> Row:
    known = _found(state, txid)
    if known["status"] != ACTIVE:
        raise ProblemError(400, "CobVOperacaoInvalida", NOT_ACTIVE)
    if "status" in body:
        if body != {"status": REMOVED}:
            wrong = [("cobv.status", "Uma cobrança é removida sem outras alterações.")]
            raise ProblemError(400, "CobVOperacaoInvalida", "A cobrança não respeita o schema.", wrong)
        return _new_version(state, known, known["body"], REMOVED)
    revised = known["body"] | body
    if violations := _violations(revised, date.fromisoformat(known["created"][:10])):
        raise ProblemError(400, "CobVOperacaoInvalida", "A cobrança não respeita o schema.", violations)
    return _new_version(state, known, revised, ACTIVE)


def _new_charge(state: State, txid: str, body: dict[str, Any]) -> Row:
    now = state.business_now().astimezone(BRASILIA)
    with state.transaction() as db:
        _log(state, "charge", txid, body, ACTIVE)
        location = f"pix.example.com/qr/v2/cobv/{state.new_id('location')[:32]}"
        values = (txid, json.dumps([body]), ACTIVE, location, now.isoformat(timespec="milliseconds"))
        db.execute("INSERT INTO pix_charges (txid, versions, status, location, created) VALUES (?, ?, ?, ?, ?)", values)
    return _found(state, txid)


def _new_version(state: State, known: Row, body: dict[str, Any], status: str) -> Row:
    versions = [*json.loads(known["versions"]), body]
    with state.transaction() as db:
        _log(state, "removal" if status == REMOVED else "charge", known["txid"], body, status)
        values = (json.dumps(versions), status, known["txid"])
        db.execute("UPDATE pix_charges SET versions = ?, status = ? WHERE txid = ?", values)
    return _found(state, known["txid"])


def _log(state: State, kind: str, txid: str, body: Mapping[str, Any], status: str) -> None:
    state.accept(
        "pix", kind, txid, [], send_id=txid, sender=body["chave"], subject=body["calendario"]["dataDeVencimento"],
        body=body["valor"]["original"], status=status,
    )  # fmt: skip


def _charge_row(state: State, txid: str) -> Row | None:
    row = state.row("SELECT rowid, * FROM pix_charges WHERE txid = ?", txid)
    if row is None:
        return None
    versions = json.loads(row["versions"])
    return row | {"body": versions[-1], "revision": len(versions) - 1}


def _found(state: State, txid: str) -> Row:
    if (row := _charge_row(state, txid)) is None:
        raise ProblemError(404, "CobVNaoEncontrada", "Cobrança com vencimento não encontrada para o txid informado.")
    return row


def _charge(row: Row) -> dict[str, Any]:
    body = row["body"]
    return {
        **body,
        "calendario": {"criacao": row["created"], "validadeAposVencimento": 30, **body["calendario"]},
        "txid": row["txid"],
        "revisao": row["revision"],
        "loc": {
            "id": row["rowid"], "location": row["location"], "tipoCob": "cobv", "criacao": row["created"],
            "txid": row["txid"],
        },
        "location": row["location"],
        "status": row["status"],
        "recebedor": RECEIVER,
        "pixCopiaECola": dynamic_code(row["location"], "Recebedor Ficticio", "Sao Paulo"),
    }  # fmt: skip


def _violations(body: Mapping[str, Any], first_day: date) -> Violations:
    """What the API's own text forbids (CobVOperacaoInvalida), property by property."""
    calendar, value, key = (body.get(name) for name in ("calendario", "valor", "chave"))
    wrong: Violations = []
    if not isinstance(calendar, dict) or not _payable(calendar, first_day):
        wrong.append(("cobv.calendario.dataDeVencimento", "A data é anterior à criação da cobrança, ou não é data."))
    elif not isinstance(validity := calendar.get("validadeAposVencimento", 30), int) or validity < 0:
        wrong.append(("cobv.calendario.validadeAposVencimento", "O campo é menor do que zero."))
    if not _is_debtor(body.get("devedor")):
        wrong.append(("cobv.devedor", "O objeto cobv.devedor não respeita o schema."))
    if not isinstance(value, dict) or not _is_amount(value.get("original")):
        wrong.append(("cobv.valor.original", "O campo não respeita o schema, ou é zero."))
    elif unsupported := [name for name in UNSUPPORTED if name in value]:
        wrong += [(f"cobv.valor.{name}", "O sandbox não calcula encargos.") for name in unsupported]
    if not isinstance(key, str) or not _owns(key):
        wrong.append(("cobv.chave", "A chave não pertence a este usuário recebedor, ou não respeita o schema."))
    return wrong


def _payable(calendar: Mapping[str, Any], first_day: date) -> bool:
    try:
        return date.fromisoformat(calendar["dataDeVencimento"]) >= first_day
    except (KeyError, TypeError, ValueError):
        return False


def _is_debtor(debtor: object) -> bool:
    if not isinstance(debtor, dict) or not debtor.get("nome") or len(str(debtor["nome"])) > 200:
        return False
    documents = [(kind, debtor[kind]) for kind in ("cpf", "cnpj") if kind in debtor]
    with suppress(BadInput, TypeError, AttributeError):
        return len(documents) == 1 and parse_document(documents[0][1]).kind == documents[0][0]
    return False


def _is_amount(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(r"\d{1,10}\.\d{2}", text) is not None and Decimal(text) > 0


def _owns(key: str) -> bool:
    with suppress(BadInput):
        return parse_key(key).value == key and FOREIGN not in key
    return False


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ProblemError(400, "RequisicaoInvalida", "O corpo não é um objeto JSON.")
    return body


# --- received Pix -----------------------------------------------------------------------------------------------------
def pay(state: State, payment: Payment) -> str:
    """Somebody pays; returns the end-to-end id. Raises BadInput where a payer's bank would refuse."""
    at = payment.at or state.business_now()
    with state.transaction() as db:
        target = _target(state, payment, at)
        amount = payment.amount if payment.amount is not None else target.amount
        if amount is None or amount <= 0:
            raise BadInput("the code names no amount; give one, in reais")
        end_to_end = f"E{ISPB}{at.astimezone(UTC):%Y%m%d%H%M}{state.new_id('pix')[:11]}"
        told = payment.callbacks if target.txid else 0  # who types the key by hand is told to nobody
        state.accept(
            "pix", "pix", end_to_end, [("received", None)] * told, send_id=target.txid or None, recipient=target.key,
            body=f"{amount:.2f}", status="accepted", data={"end_to_end_id": end_to_end},
        )  # fmt: skip
        values = (end_to_end, target.txid, target.key, f"{amount:.2f}", _moment(at), payment.text, "[]")
        db.execute("INSERT INTO pix_received VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        db.execute("UPDATE pix_charges SET status = ? WHERE txid = ?", (PAID, target.txid))
    return end_to_end


def give_back(state: State, given: Return) -> str:
    """A received Pix goes back; returns the id of the return. Raises BadInput where it is not there or spent."""
    found = _payments(state, "end_to_end_id = ?", given.end_to_end_id)
    if not found:
        raise BadInput(f"{given.end_to_end_id}: no such Pix was received")
    row = found[0]
    left = Decimal(row["amount"]) - sum(Decimal(refund["valor"]) for refund in row["refunds"])
    amount = given.amount if given.amount is not None else left
    if not 0 < amount <= left:
        raise BadInput(f"{given.end_to_end_id}: {left} of it are left to give back")
    at = given.at or state.business_now()
    with state.transaction() as db:
        rtr_id = f"D{ISPB}{at.astimezone(UTC):%Y%m%d%H%M}{state.new_id('return')[:11]}"
        refund = {
            "id": rtr_id[-11:], "rtrId": rtr_id, "valor": f"{amount:.2f}", "natureza": given.nature,
            "horario": {"solicitacao": _moment(at), "liquidacao": _moment(at)}, "status": "DEVOLVIDO",
        }  # fmt: skip
        refunds = json.dumps([*row["refunds"], refund])
        db.execute("UPDATE pix_received SET refunds = ? WHERE end_to_end_id = ?", (refunds, given.end_to_end_id))
        state.accept(
            "pix", "refund", rtr_id, [("returned", None)] * (given.callbacks if row["txid"] else 0),
            send_id=row["txid"] or None, body=f"{amount:.2f}", status="accepted",
            data={"end_to_end_id": given.end_to_end_id},
        )  # fmt: skip
    return rtr_id


def notice(state: State, event: Row) -> tuple[str | None, dict[str, Any]]:
    """Who is told of an event, or None, and the body of the call."""
    row = _payments(state, "end_to_end_id = ?", event["entry"]["data"]["end_to_end_id"])[0]
    hook = state.row("SELECT url FROM pix_webhooks WHERE key = ?", row["key"])
    return (f"{hook['url'].rstrip('/')}/pix" if hook else None), {"pix": [_pix(row)]}


@dataclass(frozen=True)
class _Target:
    """What is paid: a txid (perhaps ""), the key that receives, the amount where it is fixed."""

    txid: str
    key: str
    amount: Decimal | None


def _target(state: State, payment: Payment, at: datetime) -> _Target:
    txid = payment.txid
    if payment.br_code:
        code = decode(payment.br_code)
        if code.key:
            return _Target(code.txid.strip("*"), code.key, code.amount)
        row = state.row("SELECT txid FROM pix_charges WHERE location = ?", code.url)
        txid = row["txid"] if row else ""
    charge = _charge_row(state, txid)
    if charge is None:
        raise BadInput("there is no such charge; give its txid or its BR Code")
    if charge["status"] != ACTIVE:
        raise BadInput(f"charge {txid}: it is {charge['status']} and cannot be paid")
    calendar = charge["body"]["calendario"]
    due, validity = date.fromisoformat(calendar["dataDeVencimento"]), calendar.get("validadeAposVencimento", 30)
    if at.astimezone(BRASILIA).date() > (last := last_payable_day(due, validity)):
        raise BadInput(f"charge {txid}: it could be paid until {last:%d/%m/%Y}")
    return _Target(txid, charge["body"]["chave"], Decimal(charge["body"]["valor"]["original"]))


def _received(routes: APIRouter, state: State) -> None:
    @routes.get("/api/pix")
    async def find(request: Request) -> JSONResponse:
        _authorise(state, request, "pix.read")
        async with around(state, "pix", {"kind": "lookup"}):
            return JSONResponse(_listed(state, dict(request.query_params)))


def _listed(state: State, query: dict[str, str]) -> dict[str, Any]:
    try:
        since, until = (datetime.fromisoformat(query[name]) for name in ("inicio", "fim"))
        page = int(query.get("paginacao.paginaAtual", 0))
        size = int(query.get("paginacao.itensPorPagina", 100))
        wrong = page < 0 or not 1 <= size <= 1000 or until < since
    except (KeyError, ValueError, TypeError):
        raise ProblemError(400, "PixConsultaInvalida", "Os parâmetros não respeitam o schema.") from None
    if wrong:
        raise ProblemError(400, "PixConsultaInvalida", "Os parâmetros não fazem sentido.")
    found = [row for row in _payments(state) if since <= datetime.fromisoformat(row["at"]) <= until]
    if "txid" in query:
        found = [row for row in found if row["txid"] == query["txid"]]
    paging = {
        "paginaAtual": page, "itensPorPagina": size, "quantidadeDePaginas": max(-(-len(found) // size), 1),
        "quantidadeTotalDeItens": len(found),
    }  # fmt: skip
    return {
        "parametros": {"inicio": query["inicio"], "fim": query["fim"], "paginacao": paging},
        "pix": [_pix(row) for row in found[page * size : (page + 1) * size]],
    }


def _payments(state: State, where: str = "1", *values: str) -> list[Row]:
    query = f"SELECT * FROM pix_received WHERE {where} ORDER BY at, end_to_end_id"  # noqa: S608 - a condition of ours
    return [row | {"refunds": json.loads(row["refunds"])} for row in state.rows(query, *values)]


def _pix(row: Row) -> dict[str, Any]:
    shown = {"endToEndId": row["end_to_end_id"], "valor": row["amount"], "horario": row["at"], "chave": row["key"]}
    more = {"txid": row["txid"], "infoPagador": row["text"], "devolucoes": row["refunds"]}
    return shown | {name: value for name, value in more.items() if value}


# --- webhooks ---------------------------------------------------------------------------------------------------------
def _webhooks(routes: APIRouter, state: State) -> None:
    path = "/api/webhook/{key}"

    @routes.put(path)
    async def put(request: Request, key: str) -> Response:
        _authorise(state, request, "webhook.write")
        body = await _json(request)
        url = str(body.get("webhookUrl", ""))
        async with around(state, "pix", {"kind": "webhook"}):
            if not _owns(key) or not re.match(r"https?://[^/\s]+", url):
                wrong = [("webhookUrl", "O campo webhook.webhookUrl não respeita o schema.")]
                raise ProblemError(400, "WebhookOperacaoInvalida", "A requisição não respeita o schema.", wrong)
            with state.transaction() as db:
                created = _moment(state.business_now())
                db.execute("REPLACE INTO pix_webhooks VALUES (?, ?, ?)", (key, url, created))
        return Response(status_code=200)

    @routes.get(path)
    async def get(request: Request, key: str) -> JSONResponse:
        _authorise(state, request, "webhook.read")
        async with around(state, "pix", {"kind": "lookup"}):
            row = state.row("SELECT * FROM pix_webhooks WHERE key = ?", key)
        if row is None:
            raise ProblemError(404, "WebhookNaoEncontrado", "Não há webhook para a chave.")
        return JSONResponse({"webhookUrl": row["url"], "cnpj": RECEIVER["cnpj"], "criacao": row["created"]})


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
