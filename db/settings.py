"""What a creditor decides for himself, as stored in `creditor.settings`."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from domain.errors import BadInput
from domain.outside_facts import Outsider
from domain.pix import parse_key, static_code
from domain.places import known_uf


def _uf(text: str) -> str:
    try:
        return known_uf(text)
    except BadInput as wrong:
        raise ValueError(str(wrong)) from None


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


Uf = Annotated[str, AfterValidator(_uf)]


class Presenter(BaseModel):
    """An agreement with a CRA (layout V4.3): code, name, account, endorsement, declaration.

    `states`: those whose CRA it was made with; none: one CRA takes the titles of every state.
    """

    model_config = ConfigDict(extra="forbid")
    code: str = Field(pattern=r"^[0-9A-Z]{3}$")
    name: str = Field(max_length=40)
    agency_account: str = Field(max_length=15)
    endorsement: Literal["M", "T", ""] = ""
    declaration: str = Field(default="D", max_length=1)
    states: list[Uf] = Field(default_factory=list)


class Pix(BaseModel):
    """How the creditor receives Pix. `api`: a charge per debt at his bank; `static`: codes of his key, without a bank.

    `account` is the installation's name of his access to that bank (`gateways.pix_accounts`).
    `name` and `city` stand in the codes; `days` is how many calendar days after its quote a code can be paid.
    A static code cannot be taken back, so only ladders without protest may show one.
    """

    model_config = ConfigDict(extra="forbid")
    mode: Literal["api", "static"]
    key: Annotated[str, AfterValidator(_pix_key)]
    name: str
    city: str
    account: str = Field(default="principal", min_length=1)
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


class WhatsApp(BaseModel):
    """WhatsApp messages of the creditor: `sender` is his number there (E.164) or a messaging service (MG...).

    `templates` names, for each text, the template (ContentSid) that the platform approved for it; other texts do not go
    out by WhatsApp. Nothing goes out before a person has acknowledged the platform's business policy: who, and when.
    """

    model_config = ConfigDict(extra="forbid")
    sender: str = Field(pattern=r"^(\+[1-9][0-9]{7,14}|MG[0-9a-fA-F]{32})$")
    templates: dict[str, Annotated[str, Field(pattern=r"^HX[0-9a-fA-F]{32}$")]] = Field(default_factory=dict)
    policy_acknowledged_by: str = ""
    policy_acknowledged_on: date | None = None

    @property
    def acknowledged(self) -> bool:
        """Did somebody acknowledge the platform's policy, with a date?"""
        return bool(self.policy_acknowledged_by.strip() and self.policy_acknowledged_on)


_E164 = r"^\+[1-9][0-9]{7,14}$"


class Staffed(BaseModel):
    """A number at which people of the creditor take calls, on bank days between two times of his place (HH:MM)."""

    model_config = ConfigDict(extra="forbid")
    number: str = Field(pattern=_E164)
    opens: time = time(9)
    closes: time = time(18)


class Voice(BaseModel):
    """Telephone calls by a machine: the number they come from (E.164), and where people take them over, if anywhere."""

    model_config = ConfigDict(extra="forbid")
    sender: str = Field(pattern=_E164)
    staffed: Staffed | None = None


class Signatory(BaseModel):
    """Who may sign for the creditor (letters of consent), and until when his powers are proved; None: without end.

    `code` is how commands and ledger name him. `side`: whom he represents, the creditor or, where titles go by
    *endosso translativo*, the presenter (Lei 9.492/1997 art. 26 par. 1 and 2).
    """

    model_config = ConfigDict(extra="forbid")
    code: str = Field(default="", pattern=r"^[a-z0-9-]*$")
    side: Literal["creditor", "presenter"] = "creditor"
    name: str = Field(min_length=1)
    document: str = Field(min_length=11, max_length=18)
    powers_until: date | None = None


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
    presenters: list[Presenter] = Field(default_factory=list)
    """Further agreements, each with the CRA of some states. Where none covers a place, titles are presented by hand."""
    signatories: list[Signatory] = Field(default_factory=list)
    partners: dict[Outsider, str] = Field(default_factory=dict)
    """Who lawyer, agency, central and bureau are, by name and CNPJ: a debtor is told who got his data (LGPD 18 VII)."""
    pix: Pix | None = None
    bank_accounts: list[BankAccount] = Field(default_factory=list)
    """Where any are named, bank files of other accounts are refused."""
    whatsapp: WhatsApp | None = None
    """None: the creditor does not write by WhatsApp."""
    voice: Voice | None = None
    """None: the creditor has nobody called by a machine."""

    def agreements(self) -> list[Presenter]:
        """All his agreements with CRAs, those for single states first."""
        found = [*self.presenters, *([self.presenter] if self.presenter else [])]
        return sorted(found, key=lambda one: not one.states)

    def agreement_for(self, uf: str) -> Presenter | None:
        """The agreement that covers a place of payment in this state; None: by hand."""
        return next((one for one in self.agreements() if not one.states or uf in one.states), None)
