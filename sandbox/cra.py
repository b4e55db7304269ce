"""The SOAP service of a CRA (brazil.md B5): uploads for the notary, downloads of what it answered."""

from __future__ import annotations

import base64
import binascii
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request
from fastapi.responses import Response

from sandbox.behaviour import CallError, around
from sandbox.notary import Notary, Part, Report
from sandbox.state import CRA_PASSWORD, CRA_USER, State

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
UPLOADS = {"Remessa": "B", "Desistencia": "DP", "Cancelamento": "CP"}
DOWNLOADS = {"Confirmacao": ("C", "0005"), "Retorno": ("R", "0004"), "Andamento": ("M", "0003")}
TEXTS = {
    "0000": "REGISTROS OK",
    "0001": "FALHA NA AUTENTICAÇÃO",
    "0002": "NOME DO ARQUIVO INVÁLIDO",
    "0003": "NÃO HÁ REGISTROS NESTA DATA",
    "0004": "NÃO EXISTE RETORNO NA DATA INFORMADA",
    "0005": "NÃO EXISTE CONFIRMAÇÃO NA DATA INFORMADA",
    "1001": "ARQUIVO JA TRANSMITIDO",
    "2012": "TITULO NAO ENCONTRADO",
    "2013": "TITULO NAO FOI PROTESTADO",
    "2028": "TÍTULO JÁ POSSUI RETORNO",
    "2117": "SEQUENCIAL JÁ ENVIADO COM OUTRO CONTEÚDO",
    "2139": "JÁ PASSOU DO HORÁRIO LIMITE PARA ENVIO DA REMESSA",
    "2140": "JÁ PASSOU DO HORÁRIO LIMITE PARA ENVIO DE CANCELAMENTO",
    "2141": "JÁ PASSOU DO HORÁRIO LIMITE PARA ENVIO DE DESISTÊNCIA",
    "2182": "ARQUIVO CORROMPIDO",
}


def router(state: State, notary: Notary) -> APIRouter:
    """The one route of the service, for any state."""
    routes = APIRouter()

    @routes.post("/cra{uf}/xml/protestos.php")
    async def call(request: Request, uf: str) -> Response:  # noqa: ARG001
        given = _credentials(request)
        method, fields = _request(await request.body())
        if given != (CRA_USER, CRA_PASSWORD):
            return _answer(method, _report(Report("0001")))
        name = fields.get("user_arq", "")
        if method in UPLOADS:
            sent = fields.get("user_dados", "").encode("iso-8859-1", "replace")
            async with around(state, "cra", {"kind": method.lower(), "name": name}):
                report = notary.receive(UPLOADS[method], name, sent)
            return _answer(method, _report(report, name))
        kind, absent = DOWNLOADS[method]
        async with around(state, "cra", {"kind": "lookup", "name": name}):
            content = notary.file(name) if name.startswith(kind) else None
        text = content.decode("iso-8859-1") if content is not None else _report(Report(absent), name)
        return _answer(method, text)

    return routes


def error(failed: CallError) -> Response:
    """An error as the service writes it: a report with a code, or bare HTTP where no code was given."""
    if failed.code:
        return _answer("Remessa", _report(Report(failed.code)))
    return Response(status_code=failed.status, headers=failed.headers)


def _credentials(request: Request) -> tuple[str, str]:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise CallError(401)
    try:
        user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise CallError(401) from None
    return user, password


def _request(body: bytes) -> tuple[str, dict[str, str]]:
    """The method that is called and its parameters."""
    try:
        called = ET.fromstring(body).find(f"{{{ENVELOPE}}}Body/*")  # noqa: S314
    except ET.ParseError:
        raise CallError(400) from None
    method = "" if called is None else called.tag.rpartition("}")[2]
    if called is None or method not in {**UPLOADS, **DOWNLOADS}:
        raise CallError(400)
    return method, {field.tag: field.text or "" for field in called}


def _report(report: Report, name: str = "") -> str:
    """A `<relatorio>`: a verdict on the file, or one for each municipality or title."""
    parts = "".join(map(_part, report.parts)) if report.parts else _verdict(report.code, report.text)
    return f"<relatorio><nome_arquivo>{escape(name)}</nome_arquivo>{parts}</relatorio>"


def _part(part: Part) -> str:
    if part.municipality:
        records = f"<total_registros>{part.records}</total_registros>"
        return f'<comarca codmun="{part.municipality}">{_verdict(part.code)}{records}</comarca>'
    number = f"<numero_titulo>{escape(part.title_number)}</numero_titulo>"
    protocol = f"<numero_protocolo>{escape(part.protocol)}</numero_protocolo>"
    return f"<titulo>{number}{protocol}{_verdict(part.code)}</titulo>"


def _verdict(code: str, text: str = "") -> str:
    said = escape(text or TEXTS.get(code, "RECUSADO"))
    return f"<codigo>{code}</codigo><ocorrencia>{said}</ocorrencia>"


def _answer(method: str, text: str) -> Response:
    # A bare carriage return would be read as a line feed.
    value = escape(text, {"\r": "&#13;"})
    body = (
        '<?xml version="1.0" encoding="ISO-8859-1"?>'
        f'<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>'
        f"<{method}Response><return>{value}</return></{method}Response>"
        "</soap:Body></soap:Envelope>"
    )
    return Response(body.encode("iso-8859-1", "replace"), media_type="text/xml; charset=ISO-8859-1")
