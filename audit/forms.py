"""The forms of what an audit shows: JSON values, lines of text, pages that print well, PDF."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, cast

import typst
from jinja2 import Environment, PackageLoader, StrictUndefined

from audit.timeline import WHAT, Item, Timeline
from domain.money import format_brl
from letters import pt
from letters.documents import printable

_OWN_HASH = "hash"
"""The hash of the entry itself: in the book and on the pages, too much for a line of text."""
PAGES = Path(__file__).parent / "pages"


@cache
def _pages() -> Environment:
    return Environment(
        loader=PackageLoader("audit", "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


def page(name: str, **values: Any) -> str:
    """A page of `audit/pages`, filled in; every value is escaped."""
    return _pages().get_template(f"{name}.html.j2").render(**values)


# --- the timeline ----------------------------------------------------------------------------------------------------
def timeline_data(life: Timeline) -> dict[str, Any]:
    """The timeline as JSON values; amounts as text, moments in ISO form at the debtor's place."""
    stands = life.standing
    return {
        "case": life.case,
        "heading": dict(life.heading),
        "days": [
            {
                "on": day.on.isoformat(),
                "until": (day.until or day.on).isoformat(),
                "debt": _amount(day.debt),
                "debt_until": _amount(day.debt_until if day.until else day.debt),
                "items": [
                    {
                        "what": item.what, "text": item.text, "who": item.who, "entry": item.entry,
                        "at": item.at.isoformat() if item.at else None, "proofs": dict(item.proofs),
                    }
                    for item in day.items
                ],
            }
            for day in life.days
        ],
        "standing": {
            "on": stands.on.isoformat(), "stage": stands.stage, "instruction": stands.instruction,
            "holds": list(stands.holds), "total": None if stands.total is None else str(stands.total),
            "memory": [[name, detail, str(amount)] for name, detail, amount in stands.memory],
            "schedule": list(stands.schedule), "state": dict(stands.state),
        },
        "notes": list(life.notes),
    }  # fmt: skip


def _amount(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def timeline_lines(life: Timeline) -> Sequence[str]:
    """The timeline as lines of text."""
    told = [f"Caso {life.case}", *(f"{name}: {value}" for name, value in life.heading.items())]
    for day in life.days:
        told += ["", day.title]
        for item in day.items:
            at = f"{item.at:%H:%M}" if item.at else "     "
            entry = f" nº {item.entry}" if item.entry else ""
            by = f" [{item.who}{entry}]" if item.who or entry else ""
            told.append(f"  {at}  {WHAT[item.what]:<10}  {item.text}{by}")
            if proofs := [f"{name} {value}" for name, value in item.proofs if name != _OWN_HASH]:
                told.append(f"{'':21}{'; '.join(proofs)}")
    stands = life.standing
    told += ["", f"Em {pt.day(stands.on)}: etapa {stands.stage}; {stands.instruction}"]
    told += [f"Retido: {'; '.join(stands.holds)}"] if stands.holds else []
    told += [f"  {name}: {format_brl(amount)} {detail}".rstrip() for name, detail, amount in stands.memory]
    told += [f"  Total: {format_brl(stands.total)}"] if stands.total is not None else []
    told += [f"  agenda: {row['day'] or 'sem dia'}  {row['step']} ({row['state']})" for row in stands.schedule]
    return [*told, *(["", *life.notes] if life.notes else [])]


def timeline_html(life: Timeline, at: datetime) -> str:
    """The timeline as a page; `at` is the moment of printing, in the office's time."""
    return page("timeline", life=life, printed=pt.minute(at), day=pt.day, brl=format_brl, what=WHAT)


def timeline_pdf(life: Timeline) -> bytes:
    """The timeline as PDF/A-2b. The same timeline gives the same bytes."""
    stands = life.standing
    total = [["Total", "", format_brl(stands.total)]] if stands.total is not None else []
    values = {
        "case": f"Caso {life.case}",
        "heading": [[name, value] for name, value in life.heading.items()],
        "notes": list(life.notes),
        "days": [
            {
                "title": day.title,
                "items": [_pdf_item(item) for item in day.items],
            }
            for day in life.days
        ],
        "standing": f"Em {pt.day(stands.on)}: etapa {stands.stage}; {stands.instruction}",
        "memory": [[name, detail, format_brl(amount)] for name, detail, amount in stands.memory] + total,
        "schedule": [[row["step"], row["do"], row["day"], row["state"]] for row in stands.schedule],
    }
    compiler = typst.Compiler(root=str(PAGES), ignore_system_fonts=True)
    pdf = compiler.compile(
        input=str(PAGES / "timeline.typ"), format="pdf", sys_inputs={"data": json.dumps(_clean(values))},
        pdf_standards=["a-2b"], timestamp=datetime.combine(stands.on, time(), UTC),
    )  # fmt: skip
    return cast(bytes, pdf)


def _pdf_item(item: Item) -> dict[str, str]:
    entry = f" nº {item.entry}" if item.entry else ""
    return {
        "at": f"{item.at:%H:%M}" if item.at else "", "what": WHAT[item.what], "text": item.text,
        "who": f"{item.who}{entry}".strip(), "proofs": "; ".join(f"{name} {value}" for name, value in item.proofs),
    }  # fmt: skip


def _clean(value: Any) -> Any:
    """Only what the typeface has: PDF/A refuses a character without a glyph."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _clean(each) for key, each in value.items()}
    return [_clean(each) for each in value]
