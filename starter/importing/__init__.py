"""How invoices and payments get in: files are read, checked whole, compared with what is known, and written at once."""

from starter.importing.payments import PaymentsResult, import_payments, match_payment
from starter.importing.portfolio import ImportPlan, ImportResult, LeftOut, apply_import, plan_import
from starter.importing.release import ReleaseResult, apply_release

__all__ = [
    "ImportPlan",
    "ImportResult",
    "LeftOut",
    "PaymentsResult",
    "ReleaseResult",
    "apply_import",
    "apply_release",
    "import_payments",
    "match_payment",
    "plan_import",
]
