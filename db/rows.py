"""The tables as SQLAlchemy Core sees them: the hot path reads and writes rows, not objects."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table

from db import tables as t


def _table(model: type) -> Table:
    return cast(Table, model.__table__)  # type: ignore[attr-defined]


ANCHOR = _table(t.Anchor)
APPROVAL = _table(t.Approval)
ARCHIVE = _table(t.Archive)
BANK_FILE = _table(t.BankFileRow)
BLOCK_ENTRY = _table(t.BlockEntry)
CASE = _table(t.Case)
CLOCK = _table(t.ClockRow)
CLOSED_ADDRESS = _table(t.ClosedAddress)
CONTACT = _table(t.Contact)
CONTACT_ATTEMPT = _table(t.ContactAttempt)
CONTACT_CASE = _table(t.ContactCase)
CONTACT_POINT = _table(t.ContactPoint)
CRA_FILE = _table(t.CraFileRow)
CREDITOR = _table(t.Creditor)
CREDITOR_CHANGE = _table(t.CreditorChange)
DEBTOR = _table(t.Debtor)
DOCUMENT = _table(t.Document)
FACT = _table(t.FactRow)
HOLIDAY = _table(t.Holiday)
IMPORT_FILE = _table(t.ImportFile)
INBOUND = _table(t.InboundMessage)
INDEX_VALUE = _table(t.IndexValue)
INSTRUCTION = _table(t.InstructionRow)
INVOICE = _table(t.Invoice)
LEDGER = _table(t.Ledger)
LOT_SEQUENCE = _table(t.LotSequence)
MORATORIUM = _table(t.Moratorium)
NEUTRAL_ANSWER = _table(t.NeutralAnswer)
NOTE = _table(t.Note)
NOTICE = _table(t.Notice)
NOTICE_SENDING = _table(t.NoticeSending)
ORDER = _table(t.ProtestOrder)
PARCEL = _table(t.ParcelRow)
PARTY = _table(t.Party)
PAYMENT = _table(t.PaymentRow)
PAYMENT_CODE = _table(t.PaymentCode)
PLAN = _table(t.PlanRow)
POLICY = _table(t.PolicyRow)
PRIVACY_ACT = _table(t.PrivacyAct)
PROMISE = _table(t.PromiseRow)
RESTORATION = _table(t.Restoration)
SCHEDULE = _table(t.ScheduleRow)
STAFF = _table(t.Staff)
TASK = _table(t.Task)
TITLE = _table(t.ProtestTitle)
WEBHOOK_EVENT = _table(t.WebhookEvent)
WORD = _table(t.ApprovalWord)
