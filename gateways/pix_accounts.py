"""The accounts at banks by whose API Pix charges are made: each creditor receives at a bank of his own.

One account may stand in the settings (`REGUA_PIX_URL`…), it is called `principal`; any number in a TOML file:

    [boreal]
    url = "https://pix.bank.example.com/api"
    token_url = "https://pix.bank.example.com/oauth/token"
    client_id = "…"
    client_secret_file = "/run/secrets/boreal"
    certificate = "/run/secrets/boreal.pem"
    certificate_key = "/run/secrets/boreal.key"
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from domain.errors import BadInput, Fault

PRINCIPAL = "principal"
"""The account of the settings themselves."""


class PixAccount(BaseModel):
    """One client at one bank's API Pix; the certificate is for mutual TLS (Manual de Segurança do Pix)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    url: str = Field(pattern=r"^https?://[^/]+")
    token_url: str = Field(pattern=r"^https?://[^/]+")
    client_id: str = Field(min_length=1)
    client_secret: SecretStr = SecretStr("")
    client_secret_file: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.client_secret.get_secret_value()) == bool(self.client_secret_file):
            raise ValueError("write one of client_secret and client_secret_file")
        if bool(self.certificate) != bool(self.certificate_key):
            raise ValueError("one of certificate and certificate_key is set; set both or neither")
        return self

    def secret(self) -> str:
        """The client's secret; BadInput where its file cannot be read."""
        if self.client_secret_file is None:
            return self.client_secret.get_secret_value()
        try:
            return self.client_secret_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadInput(f"{self.client_secret_file}: the secret cannot be read ({error.strerror})") from None


def read_accounts(path: Path) -> dict[str, PixAccount]:
    """The accounts of a file by name; BadInput naming every one that is wrong, without repeating a secret."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: the Pix accounts cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path}: this is not a TOML file ({error})") from None
    accounts, faults = {}, []
    for name, table in tables.items():
        try:
            accounts[name] = PixAccount.model_validate(table)
        except ValidationError as error:
            faults += [_fault(path, name, tuple(each["loc"]), each["msg"]) for each in error.errors()]
    if PRINCIPAL in accounts:
        faults.append(_fault(path, PRINCIPAL, (), f"{PRINCIPAL} is the account of the settings; give it another name"))
    if faults:
        raise BadInput("The Pix accounts were refused:\n" + "\n".join(f"  {fault}" for fault in faults))
    return accounts


def _fault(path: Path, name: str, where: tuple[int | str, ...], message: str) -> Fault:
    place = ".".join([name, *map(str, where)])
    return Fault(f"{path}: {place}", message.removeprefix("Value error, "), "see .env.example at REGUA_PIX_ACCOUNTS")
