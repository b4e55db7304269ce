"""What a creditor decides for himself, as stored in `creditor.settings`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Senders(BaseModel):
    """Who the debtor sees as the sender: an e-mail address with its name, and a number for SMS (E.164)."""

    model_config = ConfigDict(extra="forbid")
    email: str
    email_name: str
    sms: str


class Presenter(BaseModel):
    """How the creditor presents titles to the CRA (layout V4.3): code, name, account, endorsement, declaration."""

    model_config = ConfigDict(extra="forbid")
    code: str = Field(pattern=r"^[0-9A-Z]{3}$")
    name: str = Field(max_length=40)
    agency_account: str = Field(max_length=15)
    endorsement: Literal["M", "T", ""] = ""
    declaration: str = Field(default="D", max_length=1)


class CreditorSettings(BaseModel):
    """Ladders by kind of debtor (names of policies), senders, ways to pay and to verify, the protest agreement."""

    model_config = ConfigDict(extra="forbid")
    policies: dict[Literal["company", "consumer"], str]
    senders: Senders
    how_to_pay: str
    how_to_dispute: str
    how_to_verify: str
    site: str = ""
    presenter: Presenter | None = None
