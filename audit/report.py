"""What an audit reports: counts and findings, as text, JSON or a page that prints well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from audit.findings import AREAS, Finding, Kind
from audit.forms import page
from letters import pt

TITLES: dict[Kind, str] = {
    "difference": "Divergências",
    "changed-rule": "Regras mudadas (não é adulteração)",
    "note": "Observações",
}


@dataclass(frozen=True)
class Report:
    """`what` was looked at (pt-BR), how much of it, and what was found."""

    what: str
    cases: int = 0
    entries: int = 0
    decisions: int = 0
    histories: int = 0
    documents: int = 0
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)

    def __add__(self, other: Report) -> Report:
        return replace(
            self,
            cases=self.cases + other.cases,
            entries=self.entries + other.entries,
            decisions=self.decisions + other.decisions,
            histories=self.histories + other.histories,
            documents=self.documents + other.documents,
            findings=self.findings + other.findings,
            seconds=self.seconds + other.seconds,
        )

    def with_findings(self, more: Iterable[Finding]) -> Report:
        """The report with further findings."""
        return replace(self, findings=(*self.findings, *more))

    def of(self, kind: Kind) -> list[Finding]:
        """Findings of one kind, by case and entry."""
        mine = [finding for finding in self.findings if finding.kind == kind]
        return sorted(mine, key=lambda finding: (finding.case, finding.entry or 0))

    @property
    def clean(self) -> bool:
        """Nothing contradicts anything."""
        return not self.of("difference")

    # --- forms -----------------------------------------------------------------------------------------------------
    def verdict(self) -> str:
        """The result in one sentence."""
        found = len(self.of("difference"))
        told = f"{found} divergência(s)" if found else "nenhuma divergência"
        return f"{self.what}: {told} em {self.cases} caso(s)"

    def counted(self) -> str:
        """How much was looked at."""
        parts = (
            (self.entries, "registros"), (self.decisions, "decisões refeitas"), (self.histories, "históricos"),
            (self.documents, "documentos"),
        )  # fmt: skip
        told = [f"{number} {name}" for number, name in parts if number]
        return ", ".join([*told, f"{self.seconds:.1f} s"])

    def text(self) -> str:
        """As lines."""
        lines = [self.verdict(), self.counted()]
        for kind, title in TITLES.items():
            if found := self.of(kind):
                lines += ["", f"{title}:", *(f"  {finding.line()}" for finding in found)]
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "clean": self.clean, "cases": self.cases, "entries": self.entries, "decisions": self.decisions,
            "histories": self.histories, "documents": self.documents, "seconds": round(self.seconds, 3),
            "differences": [finding.data() for finding in self.of("difference")],
            "changed_rules": [finding.data() for finding in self.of("changed-rule")],
            "notes": [finding.data() for finding in self.of("note")],
        } | self.extra  # fmt: skip

    def html(self, at: datetime) -> str:
        """As a page; `at` is the moment of printing, in the office's time."""
        groups = [(title, self.of(kind)) for kind, title in TITLES.items()]
        areas = Counter(finding.area for finding in self.of("difference"))
        return page(
            "report", report=self, groups=groups, areas=[(AREAS[area], n) for area, n in areas.most_common()],
            printed=pt.minute(at), area_names=AREAS,
        )  # fmt: skip
