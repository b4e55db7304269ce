"""The road to those who act for a case outside: a law office, an agency, the notaries' central, a credit bureau.

Each of them gets parcels: a dossier, a request, a word that something is no longer so. A parcel has an id of its own,
so handing it over twice is harmless. Whoever has no road here is reached by a person, who gets a task.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol
from uuid import UUID

import requests

from domain.errors import Misconfigured, Unavailable
from gateways.outcome import of_failure, of_status
from gateways.signatures import FRESH, same

SIGNATURE = "X-Regua-Signature"
TIMESTAMP = "X-Regua-Timestamp"
PARCEL = "X-Regua-Parcel"
_ALREADY_HERE = 409


@dataclass(frozen=True)
class Parcel:
    """Something handed over. `id` makes it the same parcel however often it comes; `name` is a file's name."""

    id: UUID
    case: UUID
    what: str
    name: str
    mime: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Of its content, in hex."""
        return hashlib.sha256(self.content).hexdigest()


class Partner(Protocol):
    """Carries parcels to one of them."""

    by: Literal["folder", "webhook"]

    def hand(self, parcel: Parcel) -> None:
        """Hands a parcel over; the same one again is harmless.

        Raises `Unavailable` (not taken), `Unknown` (repeat it), `Permanent` (refused), `Misconfigured`.
        """
        ...


class FolderPartner:
    """A folder that the partner, or his transfer program, reads. A file in it is whole or not there."""

    by: Literal["folder", "webhook"] = "folder"

    def __init__(self, folder: Path) -> None:
        """The folder is made on first use."""
        self.folder = folder

    def hand(self, parcel: Parcel) -> None:
        """Write the parcel under its name."""
        draft = self.folder / f".{parcel.id}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                file.write(parcel.content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.folder / parcel.name)
        except (PermissionError, NotADirectoryError, IsADirectoryError) as error:
            raise Misconfigured(type(error).__name__) from None
        except OSError as error:
            raise Unavailable(type(error).__name__) from None


class WebhookPartner:
    """A signed POST. The partner answers 2xx once he has it, or 409 where he had it before."""

    by: Literal["folder", "webhook"] = "webhook"

    def __init__(self, url: str, secret: str, timeout: float = 8.0) -> None:
        """`secret` is shared with this partner alone and signs every call; seconds."""
        self._url, self._secret, self._timeout = url, secret, timeout

    def hand(self, parcel: Parcel) -> None:
        """Post the parcel."""
        key, timestamp = str(parcel.id), moment()
        target = requests.Request("POST", self._url).prepare().path_url
        headers = {
            "Content-Type": parcel.mime, PARCEL: key, "X-Regua-Case": str(parcel.case),
            "X-Regua-What": parcel.what, "X-Regua-SHA256": parcel.sha256, TIMESTAMP: timestamp,
            SIGNATURE: Call("POST", target, key, timestamp, parcel.content).signature(self._secret),
        }  # fmt: skip
        try:
            answer = requests.post(
                self._url, data=parcel.content, headers=headers, timeout=self._timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            raise of_failure(error) from None
        if answer.status_code >= 300 and answer.status_code != _ALREADY_HERE:
            raise of_status(answer.status_code, answer.headers)


def moment() -> str:
    """Now, as a signature has it: Unix seconds."""
    return str(int(time.time()))


@dataclass(frozen=True)
class Call:
    """What a signature covers, of a call of ours or a partner's: with another door or at another time it is another.

    `target` is path and query as the caller wrote them, `key` the parcel's id or the partner's own name for his answer,
    `timestamp` the moment of the call in Unix seconds.
    """

    method: str
    target: str
    key: str
    timestamp: str
    body: bytes

    def signature(self, secret: str) -> str:
        """HMAC-SHA256 over the lines timestamp, method, target, key, and the body after them."""
        head = f"{self.timestamp}\n{self.method}\n{self.target}\n{self.key}\n"
        return "sha256=" + hmac.new(secret.encode(), head.encode() + self.body, hashlib.sha256).hexdigest()

    def is_signed(self, secret: str, signature: str, now: datetime) -> bool:
        """Whether who knows the secret signed this within ten minutes of `now` (real time, aware).

        Without a secret nobody did.
        """
        try:
            age = abs(now.timestamp() - int(self.timestamp))
        except (ValueError, OverflowError):
            return False
        return bool(secret) and age <= FRESH.total_seconds() and same(signature, self.signature(secret))
