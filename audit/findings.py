"""What an audit found, as sentences (pt-BR, for staff and authorities) without personal data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["difference", "changed-rule", "note"]
"""`difference`: two records contradict each other. `changed-rule`: today's rules, of another version, decide otherwise;
nothing was tampered with. `note`: something could not be looked at, and why."""

Area = Literal[
    "chain", "history", "decision", "instruction", "schedule", "state", "fact", "payment", "contact", "receipt",
    "notice", "title", "approval", "task", "promise", "plan", "code", "reply", "document", "archive", "anchor",
    "ladder", "invoice",
]  # fmt: skip
"""Which record the finding is about, beside the ledger."""

AREAS: dict[str, str] = {
    "chain": "corrente do livro", "history": "histórico", "decision": "decisão", "instruction": "instrução",
    "schedule": "agenda", "state": "situação do caso", "fact": "fato recebido", "payment": "pagamento",
    "contact": "contato", "receipt": "recibo do provedor", "notice": "notificação", "title": "título",
    "approval": "aprovação", "task": "pendência", "plan": "acordo", "code": "código de pagamento",
    "reply": "mensagem do devedor", "document": "documento", "archive": "arquivo de históricos", "anchor": "âncora",
    "promise": "promessa", "ladder": "régua", "invoice": "fatura",
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One thing found in one case: what, and the number of the ledger's entry that it is about, if it is about one."""

    case: str
    area: Area
    text: str
    entry: int | None = None
    kind: Kind = "difference"

    def line(self) -> str:
        """The finding as one line of a report."""
        where = f"registro {self.entry}" if self.entry is not None else AREAS[self.area]
        return f"caso {self.case}, {where}: {self.text}" if self.case else f"{where}: {self.text}"

    def data(self) -> dict[str, Any]:
        """The finding as JSON values."""
        return asdict(self)
