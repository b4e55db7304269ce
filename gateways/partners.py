"""The road to those who act for a case outside: a law office, an agency, the notaries' central, a credit bureau.

Each of them gets parcels: a dossier, a request, a word that something is no longer so. A parcel has an id of its own,
so handing it over twice is harmless. Whoever has no road here is reached by a person, who gets a task.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol
from uuid import UUID

import requests

from domain.errors import Misconfigured, Unavailable
from gateways.outcome import of_failure, of_status

SIGNATURE = "X-Regua-Signature"
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
        """`secret` signs every call (HMAC-SHA256 over id, a full stop, and the body); seconds."""
        self._url, self._secret, self._timeout = url, secret, timeout

    def hand(self, parcel: Parcel) -> None:
        """Post the parcel."""
        headers = {
            "Content-Type": parcel.mime, PARCEL: str(parcel.id), "X-Regua-Case": str(parcel.case),
            "X-Regua-What": parcel.what, "X-Regua-SHA256": parcel.sha256,
            SIGNATURE: sign(self._secret, str(parcel.id), parcel.content),
        }  # fmt: skip
        try:
            answer = requests.post(
                self._url, data=parcel.content, headers=headers, timeout=self._timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            raise of_failure(error) from None
        if answer.status_code >= 300 and answer.status_code != _ALREADY_HERE:
            raise of_status(answer.status_code, answer.headers)


def sign(secret: str, key: str, body: bytes) -> str:
    """The signature of a call, ours or a partner's: `key` is the parcel's id, or the partner's own for his answer."""
    return "sha256=" + hmac.new(secret.encode(), f"{key}.".encode() + body, hashlib.sha256).hexdigest()


def signed(secret: str, key: str, body: bytes, signature: str | None) -> bool:
    """Whether who knows the secret signed this. Without a secret nobody did."""
    return bool(secret and signature) and hmac.compare_digest(sign(secret, key, body), str(signature))
