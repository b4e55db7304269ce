"""CRA files of protest: what a presenter sends to the notary offices, and what comes back.

    remittance ──▶ B     C ──▶ confirmations        files     a file as values, and its name
    withdrawals ─▶ DP    R ──▶ outcomes             transfer  bytes to values and back (read, write)
    cancellations ▶ CP   M ──▶ progress_events      layout    where every field stands (tables in domain/data/cra)
                                                    codes     what the codes mean

`presenter` builds what is sent, `answers` shows what came back in our words, `office` builds it (sandbox and tests).
Sources: Layout Único V4.3 (B, C, R), Andamento layout of 2022 (M); for the 127 positions no official text was found,
two independent systems agree on it.
"""

from domain.cra import codes
from domain.cra.answers import Confirmation, Outcome, ProgressEvent, confirmations, outcomes, progress_events
from domain.cra.files import CraFile, Lot, Record
from domain.cra.layout import Kind
from domain.cra.office import confirmation, progress, returns
from domain.cra.presenter import (
    Creditor,
    Debtor,
    Presenter,
    Title,
    WithdrawalOrder,
    cancellations,
    remittance,
    title_faults,
    withdrawals,
)
from domain.cra.transfer import read, write

__all__ = [
    "Confirmation",
    "CraFile",
    "Creditor",
    "Debtor",
    "Kind",
    "Lot",
    "Outcome",
    "Presenter",
    "ProgressEvent",
    "Record",
    "Title",
    "WithdrawalOrder",
    "cancellations",
    "codes",
    "confirmation",
    "confirmations",
    "outcomes",
    "progress",
    "progress_events",
    "read",
    "remittance",
    "returns",
    "title_faults",
    "withdrawals",
    "write",
]
