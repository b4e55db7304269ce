"""What a creditor decides for himself, as stored in `creditor.settings`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from domain.errors import BadInput
from domain.pix import parse_key, static_code


def _pix_key(text: str) -> str:
    try:
        return parse_key(text).value
    except BadInput as wrong:
        raise ValueError(str(wrong)) from None


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


class Pix(BaseModel):
    """How the creditor receives Pix. `api`: a charge per debt at his bank; `static`: codes of his key, without a bank.

    `name` and `city` stand in the codes; `days` is how many calendar days after its quote a code can be paid.
    A static code cannot be taken back, so only ladders without protest may show one.
    """

    model_config = ConfigDict(extra="forbid")
    mode: Literal["api", "static"]
    key: Annotated[str, AfterValidator(_pix_key)]
    name: str
    city: str
    days: int = Field(default=7, ge=1, le=60)

    @model_validator(mode="after")
    def _fits_a_code(self) -> Self:
        try:
            static_code(self.key, self.name, self.city)
        except BadInput as wrong:
            raise ValueError(str(wrong)) from None
        return self


class BankAccount(BaseModel):
    """An account of the creditor: the bank's three digits, and the account as that bank's files write it."""

    model_config = ConfigDict(extra="forbid")
    bank: str = Field(pattern=r"^[0-9]{3}$")
    account: str = Field(min_length=1)


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
    pix: Pix | None = None
    bank_accounts: list[BankAccount] = Field(default_factory=list)
    """Where any are named, bank files of other accounts are refused."""
