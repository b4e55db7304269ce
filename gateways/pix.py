"""Pix charges and received Pix, through the central bank's API Pix (2.9.0) as the receiver's bank (PSP) offers it.

A charge is known by our own txid, so putting it again is harmless: whatever interrupted a call, it is simply repeated.
The API's texts repeat names, documents and keys, so errors carry only its kind of error and the name of the property.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import quote

import requests
from requests.auth import AuthBase

from domain.errors import BadInput, Misconfigured, Permanent, ProviderError, Unknown
from domain.identifiers import Document
from gateways.outcome import of_failure, of_lookup, of_status

# At DEBUG the path of every request is logged, and that of a webhook holds a key, which may be a person's.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

SCOPES = "cobv.write cobv.read pix.read webhook.write webhook.read"
TOKEN_MARGIN = 30.0  # seconds before its end at which a token is no longer used
PAGE = 100  # received Pix asked for at once; the API allows 1000
REMOVED = "REMOVIDA_PELO_USUARIO_RECEBEDOR"

ChargeState = Literal["active", "paid", "removed"]
Removal = Literal["removed", "paid", "absent"]
RefundState = Literal["pending", "done", "failed"]

_STATES: dict[str, ChargeState] = {
    "ATIVA": "active", "CONCLUIDA": "paid", REMOVED: "removed", "REMOVIDA_PELO_PSP": "removed",
}  # fmt: skip
_REFUNDS: dict[str, RefundState] = {"EM_PROCESSAMENTO": "pending", "DEVOLVIDO": "done", "NAO_REALIZADO": "failed"}
_AMOUNT = re.compile(r"\d{1,10}\.\d{2}")
_KIND = re.compile(r"https://pix\.bcb\.gov\.br/api/v2/error/([A-Za-z]{1,60})")
_PROPERTY = re.compile(r"[A-Za-z]{1,30}(?:\.[A-Za-z]{1,30}){0,4}")


@dataclass(frozen=True)
class Charge:
    """What is asked of a debtor: an amount in reais that does not change, payable up to the day `due`.

    `info` is shown to the payer as names (50 characters) with values (200). The API refuses a day that is past.
    """

    txid: str
    key: str = field(repr=False)
    amount: Decimal
    due: date
    payer: Document
    payer_name: str = field(repr=False)
    info: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class KnownCharge:
    """A charge as the provider knows it. Either of `br_code` and `location` (an address without https://) may be ""."""

    txid: str
    state: ChargeState
    amount: Decimal
    br_code: str = ""
    location: str = ""


@dataclass(frozen=True)
class Refund:
    """Money that went back, or is to go back, from a received Pix. `at` is when it was settled, else asked for.

    `nature` is the API's word: ORIGINAL by the receiver, MED_FRAUDE, MED_OPERACIONAL… by the payer's bank.
    """

    id: str
    rtr_id: str
    amount: Decimal
    state: RefundState
    nature: str
    at: datetime | None


@dataclass(frozen=True)
class Received:
    """A Pix that came in. `txid` is "" where the payer typed the key by hand; `text` is what he wrote."""

    end_to_end_id: str
    amount: Decimal
    at: datetime
    txid: str = ""
    key: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    refunds: tuple[Refund, ...] = ()


class PixGateway(Protocol):
    """Charges at the receiver's bank, and what was paid. Every method may raise `Unavailable` and `Permanent`."""

    def put_charge(self, charge: Charge) -> KnownCharge:
        """Makes the charge; again with the same txid is harmless while it is active.

        Raises `Unknown` (put it again), `Permanent` where the API refuses it, also because it is paid or removed.
        """
        ...

    def remove_charge(self, txid: str) -> Removal:
        """Sees to it that a charge can no longer be paid. `paid`: too late. `absent`: there is no such charge.

        Raises `Unknown` (remove it again).
        """
        ...

    def find_charge(self, txid: str) -> KnownCharge | None:
        """The charge, or None where there is none of this txid."""
        ...

    def received(self, since: datetime, until: datetime) -> Iterator[Received]:
        """Every Pix that came in between two moments (aware, widened to whole seconds), page by page; errors come while
        it is read.

        A refund shows in the Pix it belongs to, so it is found by when that came in.
        """
        ...

    def webhook(self, key: str) -> str | None:
        """The address that is told of Pix to this key, or None."""
        ...

    def register_webhook(self, key: str, url: str) -> None:
        """Has Pix to this key told to `url` (it adds /pix), in place of any other address."""
        ...


class _Absent(Permanent):
    """The API says, in its own form, that it knows no such thing. A 404 of anybody else proves nothing."""


class _Bearer(AuthBase):
    """As `auth`, so that no .netrc of the machine takes its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class BacenPix:
    """The API of any bank that offers it. Safe to share between threads: each has its own connection."""

    def __init__(
        self,
        url: str,
        token_url: str,
        client_id: str,
        client_secret: str,
        certificate: tuple[Path, Path] | None = None,
        timeout: float = 5.0,
    ) -> None:
        """`url` is the API's base, before /cobv; `certificate` the client's certificate and key (PEM) for mutual TLS;
        `timeout` in seconds for each call, and one may need two calls: a token first."""
        self._url, self._token_url = url.rstrip("/"), token_url
        self._client, self._timeout = (client_id, client_secret), timeout
        self._certificate = certificate and (str(certificate[0]), str(certificate[1]))
        self._local = threading.local()
        self._token, self._token_ends = "", 0.0

    def put_charge(self, charge: Charge) -> KnownCharge:
        return _known(_object(self._call("PUT", f"/cobv/{charge.txid}", json=_body(charge))))

    def remove_charge(self, txid: str) -> Removal:
        try:
            known = _known(_object(self._call("PATCH", f"/cobv/{txid}", json={"status": REMOVED})))
        except Permanent as refused:
            if isinstance(refused, Misconfigured):
                raise
            found = self.find_charge(txid)
            if found is None:
                return "absent"
            if found.state == "active":
                raise
            return found.state
        if known.state == "active":
            raise Unknown("still-active")
        return known.state

    def find_charge(self, txid: str) -> KnownCharge | None:
        answer = self._look_up(f"/cobv/{txid}")
        return None if answer is None else _looked_up(_known, answer)

    def received(self, since: datetime, until: datetime) -> Iterator[Received]:
        page, pages = 0, 1
        while page < pages:
            query = {
                "inicio": _moment(since), "fim": _moment(until + timedelta(seconds=1, microseconds=-1)),
                "paginacao.paginaAtual": str(page), "paginacao.itensPorPagina": str(PAGE),
            }  # fmt: skip
            found, pages = _looked_up(_page, self._look_up("/pix", query) or {})
            yield from found
            page += 1

    def webhook(self, key: str) -> str | None:
        answer = self._look_up(f"/webhook/{quote(key, safe='')}")
        return None if answer is None else str(answer.get("webhookUrl", ""))

    def register_webhook(self, key: str, url: str) -> None:
        self._call("PUT", f"/webhook/{quote(key, safe='')}", json={"webhookUrl": url})

    def _look_up(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any] | None:
        """The answer to a question that changes nothing; None where the API itself says that there is no such thing."""
        try:
            return _object(self._call("GET", path, params=query))
        except _Absent:
            return None
        except ProviderError as error:
            raise of_lookup(error) from None

    def _call(self, method: str, path: str, **content: Any) -> requests.Response:
        token = self._bearer()
        response = self._send(method, self._url + path, auth=_Bearer(token), **content)
        if response.status_code == 401:  # withdrawn before its time; a call without a token did nothing
            self._token_ends = 0.0
            response = self._send(method, self._url + path, auth=_Bearer(self._bearer()), **content)
        if response.status_code >= 300:
            raise _refusal(response)
        return response

    def _bearer(self) -> str:
        """A token that is still good. Threads that need one at the same time may each fetch one; each is good."""
        if time.monotonic() < self._token_ends:
            return self._token
        try:
            return self._new_token()
        except ProviderError as error:
            raise of_lookup(error) from None

    def _new_token(self) -> str:
        form = {"grant_type": "client_credentials", "scope": SCOPES}
        response = self._send("POST", self._token_url, data=form, auth=self._client)
        if response.status_code in (400, 401, 403):
            raise Misconfigured(f"oauth-{response.status_code}")
        if response.status_code >= 300:
            raise of_status(response.status_code, response.headers)
        try:
            answer = response.json()
            token, lasts = str(answer["access_token"]), float(answer.get("expires_in", 0))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Unknown("unreadable-answer") from None
        self._token, self._token_ends = token, time.monotonic() + lasts - TOKEN_MARGIN
        return token

    def _send(self, method: str, url: str, **content: Any) -> requests.Response:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        try:
            return session.request(
                method, url, timeout=self._timeout, cert=self._certificate, allow_redirects=False, **content
            )
        except requests.RequestException as error:
            raise of_failure(error) from None
        except OSError:  # a certificate that is not there or cannot be read
            raise Misconfigured("client-certificate") from None


def read_received(item: object) -> Received:
    """One received Pix as lists and webhooks write it (schema Pix). BadInput where it cannot be read."""
    try:
        fields = dict(item)  # type: ignore[call-overload]
        return Received(
            end_to_end_id=str(fields["endToEndId"]),
            amount=_amount(fields["valor"]),
            at=_when(fields["horario"]),
            txid=str(fields.get("txid") or ""),
            key=str(fields.get("chave") or ""),
            text=str(fields.get("infoPagador") or ""),
            refunds=tuple(_refund(refund) for refund in fields.get("devolucoes") or ()),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadInput(
            "received Pix: it lacks endToEndId, valor (like 110.00) or horario (RFC 3339), or one cannot be read"
        ) from None


def _refund(fields: Mapping[str, Any]) -> Refund:
    times = fields.get("horario") or {}
    moment = times.get("liquidacao") or times.get("solicitacao")
    return Refund(
        id=str(fields["id"]),
        rtr_id=str(fields["rtrId"]),
        amount=_amount(fields["valor"]),
        state=_REFUNDS[fields["status"]],
        nature=str(fields.get("natureza") or "ORIGINAL"),
        at=_when(moment) if moment else None,
    )


def _object(response: requests.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Unknown("unreadable-answer")
    return answer


def _body(charge: Charge) -> dict[str, Any]:
    body: dict[str, Any] = {
        # The API's default is 30 days more after the due date.
        "calendario": {"dataDeVencimento": charge.due.isoformat(), "validadeAposVencimento": 0},
        "devedor": {charge.payer.kind: charge.payer.number, "nome": charge.payer_name[:200]},
        "valor": {"original": f"{charge.amount:.2f}"},
        "chave": charge.key,
    }
    if charge.info:
        body["infoAdicionais"] = [{"nome": name[:50], "valor": value[:200]} for name, value in charge.info]
    return body


def _known(answer: Mapping[str, Any]) -> KnownCharge:
    try:
        location = answer.get("location") or (answer.get("loc") or {}).get("location") or ""
        return KnownCharge(
            txid=str(answer["txid"]),
            state=_STATES[answer["status"]],
            amount=_amount(answer["valor"]["original"]),
            br_code=str(answer.get("pixCopiaECola") or ""),
            location=str(location).removeprefix("https://"),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unknown("unreadable-answer") from None


def _page(answer: Mapping[str, Any]) -> tuple[list[Received], int]:
    """The Pix of one page, and how many pages there are."""
    try:
        found = [read_received(item) for item in answer.get("pix") or ()]
        return found, int(answer["parametros"]["paginacao"]["quantidadeDePaginas"])
    except (BadInput, KeyError, TypeError, ValueError, AttributeError):
        raise Unknown("unreadable-answer") from None


def _looked_up(read: Any, answer: Mapping[str, Any]) -> Any:
    try:
        return read(answer)
    except ProviderError as error:
        raise of_lookup(error) from None


def _amount(text: object) -> Decimal:
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
        raise ValueError("not an amount")
    return Decimal(text)


def _when(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _refusal(response: requests.Response) -> ProviderError:
    """The error for an answer of 300 or more, by the API's own kind of error where its body (RFC 7807) names one."""
    status, (kind, properties) = response.status_code, _problem(response)
    if status == 404:
        return _Absent(kind) if kind else Misconfigured("http-404")
    if status == 400 and any(name.endswith("chave") for name in properties):
        return Misconfigured(f"{kind}:chave")
    return of_status(status, response.headers, ":".join([kind, *properties[:1]]) if kind else None)


def _problem(response: requests.Response) -> tuple[str, list[str]]:
    try:
        problem = response.json()
        kind = _KIND.fullmatch(str(problem["type"]))
        named = [str(violation.get("propriedade", "")) for violation in problem.get("violacoes") or ()]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", []
    return kind.group(1) if kind else "", [name for name in named if _PROPERTY.fullmatch(name)]
