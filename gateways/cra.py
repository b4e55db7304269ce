"""The road to the notaries: files to and from a CRA, by folder or by its SOAP service.

A CRA (central de remessa de arquivos) knows a file by its name. So sending a file again under its name is harmless, and
an interrupted upload is simply repeated: "already transmitted" says that the first one arrived.

The texts of a CRA may quote documents and names, so they stand in receipts only; errors carry its codes.
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, Protocol
from xml.sax.saxutils import escape

import requests

from domain.errors import Misconfigured, Permanent, ProviderError, Unavailable, Unknown
from gateways.outcome import of_failure, of_lookup, of_status

Kind = Literal["remessa", "desistencia", "cancelamento"]

ACCEPTED, AUTHENTICATION, BAD_NAME, NONE_ON_DAY, INACTIVE = "0000", "0001", "0002", ("0003", "0004", "0005"), "0009"
ALREADY_TRANSMITTED = "1001"
PAST_CUT_OFF = ("2139", "2140", "2141")

NAMESPACE = "urn:protesto_brIntf-Iprotesto_br"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
METHOD: dict[Kind, str] = {"remessa": "Remessa", "desistencia": "Desistencia", "cancelamento": "Cancelamento"}
DOWNLOADS = {"C": "Confirmacao", "R": "Retorno", "M": "Andamento"}

# Confirmation, return and progress: kind, presenter, DDMM, AA, sequence of the day (brazil.md B2).
INCOMING = re.compile(r"(?P<kind>[CRM])[0-9A-Z]{3,}(?P<day>\d\d)(?P<month>\d\d)\.(?P<year>\d\d)(?P<sequence>[1-9])")

LATE_FILES = timedelta(days=3)
"""How long after a day files of that day may still appear."""

_UNUSABLE = (PermissionError, NotADirectoryError, IsADirectoryError, FileExistsError)


@dataclass(frozen=True)
class Awaited:
    """What a presenter may still get of one day: confirmations of these `remittances` (their numbers of that day), and
    whatever returns and progress the notaries report on it."""

    presenter: str
    day: date
    remittances: tuple[int, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """A part of an upload that the CRA did not take: the municipality (IBGE) of a lot, or the number of a title."""

    where: str
    code: str
    text: str


@dataclass(frozen=True)
class Receipt:
    """What the CRA answered to an upload: 0000, or 1001 where an earlier try had arrived.

    `refused` is what it left out of the file; after 1001 that is only known from the confirmation.
    """

    code: str
    text: str
    refused: tuple[Refusal, ...] = ()


class CraTransport(Protocol):
    """Carries files to and from one CRA."""

    def of(self, state: str) -> CraTransport:
        """The way to the CRA of a state (two letters); "" is the one that takes every state, by this way itself."""
        ...

    def upload(self, kind: Kind, name: str, content: bytes) -> Receipt:
        """Hands a file over. The same name with the same content again is harmless, with other content it is refused.

        Raises `Unavailable` (not taken, for example after the cut-off), `Unknown` (repeat it), `Permanent` (refused
        whole).
        """
        ...

    def fetch(self) -> list[tuple[str, bytes]]:
        """Name and content of the confirmations, returns and progress files not yet `done`, oldest day first.

        Raises `Unavailable`, `Permanent`.
        """
        ...

    def done(self, name: str) -> None:
        """Acknowledges a fetched file: it is not fetched again. What takes files in must bear one that comes twice."""
        ...


class FolderCra:
    """Two folders, that an operator or a bank's transfer program empties and fills."""

    def __init__(self, outbox: Path, inbox: Path) -> None:
        """The folders are made on first use."""
        self._outbox, self._inbox = outbox, inbox

    def of(self, state: str) -> FolderCra:
        """Each state has its own pair of folders inside these."""
        return FolderCra(self._outbox / state, self._inbox / state) if state else self

    def upload(self, kind: Kind, name: str, content: bytes) -> Receipt:
        try:
            return self._write(kind, name, content)
        except OSError as error:
            raise _disk(error) from None

    def fetch(self) -> list[tuple[str, bytes]]:
        try:
            names = sorted(filter(INCOMING.fullmatch, self._names()), key=_age)
            return [(name, (self._inbox / name).read_bytes()) for name in names]
        except OSError as error:
            raise _disk(error) from None

    def done(self, name: str) -> None:
        """Moves the file to `done/` in the inbox, beside any earlier one of that name; a file already moved stays."""
        source, folder = self._inbox / name, self._inbox / "done"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if source.exists():
                taken = sum(1 for _ in folder.glob(f"{name}*"))
                source.rename(folder / (f"{name}~{taken}" if taken else name))
        except OSError as error:
            raise _disk(error) from None

    def strange(self) -> list[str]:
        """Names in the inbox that no CRA would give; those files are left alone, for a person to look at."""
        return sorted(name for name in self._names() if not INCOMING.fullmatch(name))

    def _names(self) -> Iterator[str]:
        """Hidden files are somebody's unfinished copies."""
        self._inbox.mkdir(parents=True, exist_ok=True)
        return (path.name for path in self._inbox.iterdir() if path.is_file() and not path.name.startswith("."))

    def _write(self, kind: Kind, name: str, content: bytes) -> Receipt:
        self._outbox.mkdir(parents=True, exist_ok=True)
        target, draft = self._outbox / name, self._outbox / f".{name}"
        if target.exists():
            if target.read_bytes() != content:
                raise Permanent(
                    "2117", f"{name}: the outbox holds other content under this name; use the next sequence"
                )
            return Receipt(ALREADY_TRANSMITTED, f"{kind} already in the outbox")
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
        folder = os.open(self._outbox, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return Receipt(ACCEPTED, f"{kind} in the outbox")


class HttpCra:
    """The SOAP service of the CRAs (brazil.md B5). Safe to share between threads.

    It has no list of what is ready: a file is asked for by name. `awaited` says what is still awaited of a state's CRA
    ("": of the one for all): a confirmation bears the day and sequence of its remittance, returns and progress files
    the day they were made and a sequence without gaps. A day whose files all came is asked for a few days more.
    """

    def __init__(
        self,
        base_url: str,
        user: str,
        password: str,
        awaited: Callable[[str], Iterable[Awaited]],
        timeout: float = 60.0,
        state: str = "",
    ) -> None:
        """`base_url` is the whole address of protestos.php, with `{uf}` where each state has its own.

        `timeout` in seconds, for each call.
        """
        self._template, self._state = base_url, state
        self._url, self._auth = base_url.replace("{uf}", state.lower()), (user, password)
        self._days, self._timeout = awaited, timeout
        self._done: set[str] = set()
        self._over: set[str] = set()
        self._others: dict[str, HttpCra] = {}

    def of(self, state: str) -> HttpCra:
        """The same service of another state, where the address names the state; else this one takes them all."""
        if state == self._state or "{uf}" not in self._template:
            return self
        other = HttpCra(self._template, *self._auth, self._days, self._timeout, state)
        return self._others.setdefault(state, other)

    def upload(self, kind: Kind, name: str, content: bytes) -> Receipt:
        answer = self._ask(METHOD[kind], user_arq=name, user_dados=content.decode("iso-8859-1"))
        return _receipt(answer)

    def fetch(self) -> list[tuple[str, bytes]]:
        try:
            return list(self._awaited())
        except ProviderError as error:
            raise of_lookup(error) from None

    def done(self, name: str) -> None:
        """Remembered while this object lives: the service itself keeps no such mark."""
        self._done.add(name)

    def _awaited(self) -> Iterator[tuple[str, bytes]]:
        wanted = sorted(self._days(self._state), key=lambda each: (each.presenter, each.day))
        today = max((each.day for each in wanted), default=date.min)
        for each in wanted:
            of_day = f"{each.presenter}{each.day:%d%m.%y}"
            for sequence in each.remittances:
                yield from self._named(f"C{of_day}{sequence}")
            if of_day in self._over:
                continue
            found = [file for kind in ("R", "M") for file in self._numbered(kind + of_day)]
            yield from found
            if not found and today - each.day > LATE_FILES:
                self._over.add(of_day)

    def _named(self, name: str) -> Iterator[tuple[str, bytes]]:
        if name not in self._done and (content := self._download(name)) is not None:
            yield name, content

    def _numbered(self, stem: str) -> Iterator[tuple[str, bytes]]:
        """The files of a day, up to the first number that is not there."""
        for name in (f"{stem}{sequence}" for sequence in range(1, 10)):
            if name in self._done:
                continue
            content = self._download(name)
            if content is None:
                return
            yield name, content

    def _download(self, name: str) -> bytes | None:
        answer = self._ask(DOWNLOADS[name[0]], user_arq=name)
        if not answer.lstrip().startswith("<"):
            return answer.encode("iso-8859-1", errors="replace")
        code, _ = _verdict(_xml(answer))
        if code in NONE_ON_DAY:
            return None
        raise _whole_refusal(code)

    def _ask(self, method: str, **parameters: str) -> str:
        """The text that the service returns from `method`."""
        body = _envelope(method, parameters).encode("iso-8859-1")
        headers = {"Content-Type": "text/xml; charset=ISO-8859-1", "SOAPAction": f'"{NAMESPACE}#{method}"'}
        try:
            response = requests.post(self._url, body, headers=headers, auth=self._auth, timeout=self._timeout)
        except requests.RequestException as error:
            raise of_failure(error) from None
        if response.status_code != 200:
            raise of_status(response.status_code, response.headers)
        return _returned(response.content)


def _envelope(method: str, parameters: dict[str, str]) -> str:
    # A bare carriage return would be read as a line feed, and the lines of a CRA file end in both.
    fields = "".join(f"<{name}>{escape(value, {chr(13): '&#13;'})}</{name}>" for name, value in parameters.items())
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>'
        f'<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>'
        f'<cra:{method} xmlns:cra="{NAMESPACE}">{fields}</cra:{method}>'
        "</soap:Body></soap:Envelope>"
    )


def _returned(content: bytes) -> str:
    """The text of the one value in the answer's body."""
    body = _xml(content).find(f"{{{ENVELOPE}}}Body")
    if body is None or not len(body) or not len(body[0]) or body[0].tag == f"{{{ENVELOPE}}}Fault":
        raise Unknown("unreadable-answer")
    return body[0][0].text or ""


def _xml(document: str | bytes) -> ET.Element:
    data = document.encode("utf-8") if isinstance(document, str) else document
    # Entities are declared only in a document type, and nothing of ours has one.
    if b"<!DOCTYPE" in data:
        raise Unknown("unreadable-answer")
    parser = ET.XMLParser(encoding="utf-8" if isinstance(document, str) else None)  # noqa: S314
    try:
        return ET.fromstring(data, parser)  # noqa: S314
    except ET.ParseError:
        raise Unknown("unreadable-answer") from None


def _receipt(answer: str) -> Receipt:
    """Reads a `<relatorio>`: a verdict on the file, or one for each municipality (`comarca`) or title."""
    report = _xml(answer)
    code, text = _verdict(report)
    if code == ALREADY_TRANSMITTED:
        return Receipt(code, text)
    if code not in ("", ACCEPTED):
        raise _whole_refusal(code)
    parts = [part for part in report if part.tag in ("comarca", "titulo")]
    refused = tuple(_refusal(part) for part in parts if _verdict(part)[0] != ACCEPTED)
    if parts and len(refused) == len(parts):
        raise _whole_refusal(next((part.code for part in refused if part.code), ""))
    if not parts and code != ACCEPTED:
        raise Unknown("unreadable-answer")
    return Receipt(ACCEPTED, text, refused)


def _refusal(part: ET.Element) -> Refusal:
    where = part.get("codmun") or (part.findtext("numero_titulo") or "").strip()
    return Refusal(where, *_verdict(part))


def _verdict(element: ET.Element) -> tuple[str, str]:
    return (element.findtext("codigo") or "").strip(), (element.findtext("ocorrencia") or "").strip()


def _whole_refusal(code: str) -> ProviderError:
    if code in PAST_CUT_OFF:
        return Unavailable(code)
    return Misconfigured(code) if code in (AUTHENTICATION, INACTIVE) else Permanent(code or "refused")


def _disk(error: OSError) -> ProviderError:
    """A folder that may not be used is a setting to mend; anything else (full, unmounted) may pass."""
    kind = type(error).__name__
    return Misconfigured(kind) if isinstance(error, _UNUSABLE) else Unavailable(kind)


def _age(name: str) -> tuple[str, ...]:
    parts = INCOMING.fullmatch(name)
    return parts.group("year", "month", "day", "sequence", "kind") if parts else ()
