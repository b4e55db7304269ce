"""What a prior notice must hold and must not hold: the promise of every message, on paper.

CDC art. 42-A (who is owed), the deadline and the one step that follows, the ways out, how to check that it is genuine;
no pressure, no step that this case does not plan; and an envelope that shows nothing of it.
"""

from __future__ import annotations

from letters import pt, views
from letters.checks import check_envelope, holds, phrases, plain_of
from letters.documents import FIRM_TEXTS, deadline_words, notice_text, notice_window
from letters.models import NoticeData


def check_letter(data: NoticeData) -> list[str]:
    """What is wrong with a notice, as English sentences without personal data; nothing wrong, nothing said."""
    text = notice_text(data)
    plain, firm = plain_of(text), data.firm_text or FIRM_TEXTS[data.firm_step]
    faults = [f"{item} is missing" for item, pieces in _required(data, firm) if not holds(plain, pieces)]
    # The standard words are those of the law, which speaks of the notary's summons; one's own are held to the tone.
    faults += phrases(text.replace(FIRM_TEXTS[data.firm_step], ""), data, firm)
    return [f"notice (letter): {fault}" for fault in faults] + check_envelope(notice_window(data), data)


def _required(data: NoticeData, firm: str) -> list[tuple[str, list[str]]]:
    creditor, how = data.creditor, data.how
    rows = [views.row(invoice) for invoice in data.invoices]
    return [
        ("the creditor's name", [creditor.name]),
        ("the creditor's CPF or CNPJ", [pt.document(creditor.document)]),
        ("the creditor's address", [creditor.address_line, f"{creditor.city}/{creditor.uf}", pt.cep(creditor.cep)]),
        ("the origin of a debt", [piece for row in rows for piece in (row.title, row.origin, row.due)]),
        ("an original amount", [f"Valor original {row.original}" for row in rows]),
        ("an added item by name", [f"{line.name} {line.amount}" for row in rows for line in row.lines]),
        ("the deadline", [deadline_words(data.deadline_days)]),
        ("what follows the deadline", [pt.sentence(firm)]),
        ("how to pay", [how.pay]),
        ("how to dispute", [how.dispute]),
        ("how to stop", [how.stop]),
        ("the number by which it is found again", [data.notice_id]),
        ("how to check that it is genuine", [how.verify, creditor.site or creditor.phone or creditor.email]),
    ]
