"""What an installation configures, read from `REGUA_…` environment variables and a `.env` file.

The connection to Temporal is configured by Temporal's own variables (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`,
`TEMPORAL_API_KEY`, `TEMPORAL_TLS…`) or its profile file; they may stand in the same `.env`. The environment wins.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from temporalio.envconfig import ClientConfig, ClientConnectConfig

from domain.errors import BadInput, Fault

PREFIX = "REGUA_"
TEMPORAL_PORT_FILE = Path("temporal", "port")
"""Where, under the state directory, the embedded Temporal server leaves the port it serves on."""

_SECRET = SecretStr("")


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ValueError("not a web address such as https://regua.example.com")
    return value.rstrip("/")


def _database_url(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    if separator and scheme in {"postgres", "postgresql", "postgresql+psycopg"}:
        return f"postgresql+psycopg://{rest}"
    if value:
        raise ValueError("not an address such as postgresql://user:password@host:5432/regua")
    return value


PARTNERS = ("legal", "agency", "central", "bureau")
"""Those who act for a case outside; each has a webhook and a secret of its own."""

Port = Annotated[int, Field(ge=0, le=65535)]
WebAddress = Annotated[str, AfterValidator(_web_address)]


class Settings(BaseSettings):
    """The settings of one installation. Rates are per second of real time, paths relative to the working directory."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        "", repr=False, description="PostgreSQL; empty = the embedded server"
    )
    state_dir: Path = Field(Path(".regua"), description="directory of the embedded servers and of generated files")
    documents_dir: Path = Field(
        default_factory=lambda data: data.get("state_dir", Path(".regua")) / "documents",
        description="directory of letters, files and evidence; empty = documents under the state directory",
    )

    sendgrid_key: SecretStr = Field(_SECRET, description="API key of SendGrid; empty = no e-mail")
    sendgrid_host: WebAddress = Field("https://api.sendgrid.com", description="web address of the SendGrid API")
    sendgrid_webhook_public_key: str = Field("", description="public key that verifies SendGrid's event webhook")
    sendgrid_parse_secret: SecretStr = Field(_SECRET, description="secret in the address that Inbound Parse posts to")
    sendgrid_parse_public_key: str = Field("", description="public key that verifies Inbound Parse where it signs")
    reply_domain: str = Field("", description="domain of Inbound Parse; empty = replies go to the creditor")
    email_sender: str = Field("", description="e-mail address messages come from")
    email_sender_name: str = Field("", description="name messages come from; empty = the creditor's name")
    email_per_second: float = Field(10.0, gt=0, description="e-mails per second, all workers together")

    twilio_account_sid: str = Field("", description="account of Twilio; empty = no SMS")
    twilio_auth_token: SecretStr = Field(_SECRET, description="auth token of Twilio; verifies its webhooks too")
    twilio_base_url: WebAddress = Field("https://api.twilio.com", description="web address of the Twilio API")
    twilio_sender: str = Field("", description="phone number (+55…) or messaging service (MG…) SMS come from")
    sms_per_second: float = Field(1.0, gt=0, description="SMS per second, all workers together")
    whatsapp_per_second: float = Field(1.0, gt=0, description="WhatsApp messages per second, all workers together")
    calls_per_second: float = Field(1.0, gt=0, description="telephone calls per second, all workers together")

    unknown_for: float = Field(60.0, gt=0, description="seconds a call without an answer is looked up before a resend")

    pix_url: WebAddress = Field("", description="base address of the bank's API Pix; empty = no Pix charges")
    pix_token_url: WebAddress = Field("", description="web address where that bank gives OAuth tokens")
    pix_client_id: str = Field("", description="client at that bank")
    pix_client_secret: SecretStr = Field(_SECRET, description="secret of the client at that bank")
    pix_certificate: Path | None = Field(None, description="PEM file of the client's certificate for mutual TLS")
    pix_certificate_key: Path | None = Field(None, description="PEM file of the key of that certificate")
    pix_accounts: Path | None = Field(None, description="TOML file of more accounts, for creditors at other banks")
    pix_webhook_token: SecretStr = Field(_SECRET, description="secret end of the webhook's path, /webhooks/pix/TOKEN")
    pix_webhook_secret: SecretStr = Field(_SECRET, description="secret by which X-Pix-Signature signs a webhook's body")

    cra_url: WebAddress = Field("", description="web service of the CRA; exclude REGUA_CRA_FOLDER")
    cra_user: str = Field("", description="user at the CRA's web service")
    cra_password: SecretStr = Field(_SECRET, description="password at the CRA's web service")
    cra_folder: Path | None = Field(None, description="directory for exchanging files with the CRA by hand")

    legal_url: WebAddress = Field("", description="webhook of the law office; empty = dossiers lie in a directory")
    agency_url: WebAddress = Field("", description="webhook of the collection agency; empty = a directory")
    central_url: WebAddress = Field("", description="webhook that proposes at the notaries' central")
    central_folder: Path | None = Field(None, description="directory for proposals to the central; empty = by hand")
    bureau_url: WebAddress = Field("", description="webhook of the credit bureau's connector")
    bureau_folder: Path | None = Field(None, description="directory for requests to the bureau; empty = by hand")
    legal_secret: SecretStr = Field(_SECRET, description="secret that signs calls to and from the law office")
    agency_secret: SecretStr = Field(_SECRET, description="secret that signs calls to and from the agency")
    central_secret: SecretStr = Field(_SECRET, description="secret that signs calls to and from the central")
    bureau_secret: SecretStr = Field(_SECRET, description="secret that signs calls to and from the bureau")
    legal_former_secret: SecretStr = Field(_SECRET, description="secret by which the law office may still sign")
    legal_former_until: date | None = Field(None, description="last day, in the office, on which that one counts")
    agency_former_secret: SecretStr = Field(_SECRET, description="secret by which the agency may still sign")
    agency_former_until: date | None = Field(None, description="last day, in the office, on which that one counts")
    central_former_secret: SecretStr = Field(_SECRET, description="secret by which the central may still sign")
    central_former_until: date | None = Field(None, description="last day, in the office, on which that one counts")
    bureau_former_secret: SecretStr = Field(_SECRET, description="secret by which the bureau may still sign")
    bureau_former_until: date | None = Field(None, description="last day, in the office, on which that one counts")

    public_url: WebAddress = Field("", description="web address where providers reach the webhooks")
    bind: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0 in a container")
    webhook_port: Port = Field(8480, description="port of the webhooks")
    health_port: Port = Field(0, description="port of GET /health of a worker; 0 = off")
    metrics_port: Port = Field(0, description="port of the Prometheus metrics of a worker; 0 = off")
    webhook_metrics_port: Port = Field(0, description="port of the Prometheus metrics of the webhooks; 0 = off")
    figures_port: Port = Field(8482, description="port of `regua metrics serve`")

    temporal_port: Port = Field(7233, description="port of the embedded Temporal server; 0 = a free one")
    temporal_ui_port: Port = Field(8233, description="port of the embedded Temporal screens; 0 = a free one")
    sandbox_port: Port = Field(8490, description="port of the provider sandbox; 0 = a free one")

    anchor_key: SecretStr = Field(_SECRET, description="secret key, 32 characters or more, that seals the anchors")
    anchor_key_id: str = Field("1", description="name of that key; another key gets another name")
    anchor_key_file: Path | None = Field(None, description="file of anchor keys, `name key` a line; the last one seals")
    anchors_dir: Path = Field(
        default_factory=lambda data: data.get("state_dir", Path(".regua")) / "anchors",
        description="directory the daily anchors are written to; empty = anchors under the state directory",
    )

    codec_key: SecretStr = Field(_SECRET, description="key that encrypts histories, 32 bytes in base64; empty = plain")
    codec_key_id: str = Field("1", description="name of that key; another key gets another name")
    codec_key_file: Path | None = Field(None, description="file of codec keys, `name key` a line; the last one writes")
    codec_port: Port = Field(8481, description="port of `regua codec serve`; 0 = a free one")
    codec_token: SecretStr = Field(_SECRET, description="secret that callers of `regua codec serve` name")

    retention_file: Path | None = Field(None, description="CSV of retention periods of our own; empty = the packaged")
    erase_automatically: bool = Field(False, description="erase weekly what retention gives free; else only list it")

    token: SecretStr = Field(_SECRET, description="personal token of the staff member at this terminal")

    @model_validator(mode="after")
    def _one_way_to_the_cra(self) -> Self:
        if self.cra_url and self.cra_folder:
            raise ValueError("REGUA_CRA_URL and REGUA_CRA_FOLDER are both set; set the one that is used")
        return self

    @model_validator(mode="after")
    def _partners_are_signed(self) -> Self:
        every = [secret for partner in PARTNERS for secret in self._both_of(partner) if secret]
        for partner in PARTNERS:
            name, (secret, former) = f"{PREFIX}{partner.upper()}", self._both_of(partner)
            if getattr(self, f"{partner}_url") and not secret:
                raise ValueError(f"{name}_URL is set without {name}_SECRET; set the secret that signs its calls")
            if bool(former) != bool(getattr(self, f"{partner}_former_until")) or (former and not secret):
                raise ValueError(
                    f"{name}_FORMER_SECRET, {name}_FORMER_UNTIL and {name}_SECRET make a change of secrets; set the "
                    "three, or the last alone"
                )
            if any(every.count(one) > 1 for one in (secret, former) if one):
                raise ValueError(f"{name}_SECRET is used twice; give each a secret of its own, and each time a new one")
        return self

    @model_validator(mode="after")
    def _whole_account_for_pix(self) -> Self:
        if self.pix_url and not (self.pix_token_url and self.pix_client_id and self.pix_client_secret):
            raise ValueError(
                "REGUA_PIX_URL is set without all of REGUA_PIX_TOKEN_URL, REGUA_PIX_CLIENT_ID and "
                "REGUA_PIX_CLIENT_SECRET; a bank's API needs the four"
            )
        if bool(self.pix_certificate) != bool(self.pix_certificate_key):
            raise ValueError("one of REGUA_PIX_CERTIFICATE and REGUA_PIX_CERTIFICATE_KEY is set; set both or neither")
        return self

    def secret_of(self, partner: str) -> str:
        """The secret shared with one of `PARTNERS`; empty where none is set."""
        secret: SecretStr = getattr(self, f"{partner}_secret")
        return secret.get_secret_value()

    def secrets_of(self, partner: str, today: date) -> tuple[str, ...]:
        """By which one of `PARTNERS` may sign on a day of the office: the secret, and while it counts the former one.

        We sign by the first alone.
        """
        secret, former = self._both_of(partner)
        until: date | None = getattr(self, f"{partner}_former_until")
        return (secret, former) if until is not None and today <= until else (secret,)

    def _both_of(self, partner: str) -> tuple[str, str]:
        former: SecretStr = getattr(self, f"{partner}_former_secret")
        return self.secret_of(partner), former.get_secret_value()

    @property
    def embedded_temporal_address(self) -> str:
        """`host:port` of the embedded Temporal server: the port that it was last started on, or else will be."""
        kept = self.state_dir / TEMPORAL_PORT_FILE
        return f"127.0.0.1:{int(kept.read_text()) if kept.is_file() else self.temporal_port}"


def load_settings(env_file: Path = Path(".env")) -> Settings:
    """The settings from the environment and `env_file`. Raises `BadInput` naming every variable that cannot be used."""
    written = {name.upper(): value or "" for name, value in dotenv_values(env_file).items()}
    faults = list(_unknown(env_file, written))
    try:
        # Arguments win over the environment in pydantic-settings: the file fills what the environment leaves open.
        settings = Settings(**_from_file(written))
    except ValidationError as error:
        faults += [_fault(detail) for detail in error.errors(include_url=False)]
    else:
        if not faults:
            return settings
    raise BadInput("The settings were refused:\n" + "\n".join(f"  {fault}" for fault in faults))


def temporal_config(env_file: Path = Path(".env")) -> ClientConnectConfig:
    """How to reach a Temporal server that is not embedded, from Temporal's variables, its profile file, and `env_file`.

    There is a `target_host` in it only where somebody configured one. Raises `BadInput` if it cannot be read.
    """
    variables = {name: value for name, value in dotenv_values(env_file).items() if value} | dict(os.environ)
    try:
        return ClientConfig.load_client_connect_config(override_env_vars=variables)
    except (RuntimeError, ValueError) as error:
        raise BadInput(f"Temporal's configuration (TEMPORAL_… or profile file) cannot be read: {error}") from error


def _from_file(written: Mapping[str, str]) -> dict[str, Any]:
    names = {PREFIX + name.upper(): name for name in Settings.model_fields}
    return {names[key]: value for key, value in written.items() if value and key in names and not os.environ.get(key)}


def _unknown(env_file: Path, written: Mapping[str, str]) -> list[Fault]:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    unknown = [name for name in written if name.startswith(PREFIX) and name not in known]
    return [
        Fault(f"{env_file}: {name}", "there is no such setting", f"perhaps {close[0]}" if close else "see .env.example")
        for name in unknown
        for close in [difflib.get_close_matches(name, known, n=1)]
    ]


def _fault(detail: Any) -> Fault:
    if not detail["loc"]:
        return Fault("settings", detail["msg"].removeprefix("Value error, "), "see .env.example")
    name = str(detail["loc"][0])
    field = Settings.model_fields[name]
    found = repr(detail["input"]) if field.repr else "its value"  # a database's address holds a password
    return Fault(
        PREFIX + name.upper(), f"{found}: {detail['msg'].removeprefix('Value error, ')}", f"wanted: {field.description}"
    )
